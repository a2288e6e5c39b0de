/** The door for agents: `POST /mcp`, the Model Context Protocol over stateless streamable HTTP. */
import type { Context } from "hono";
import { addCalls, type CountedCalls } from "../contract/calls.ts";
import type { Mount } from "../http/app.ts";
import type { AppDeps, AppEnv, MetricsSource } from "../http/deps.ts";
import { placedObjects } from "../http/placed.ts";
import { ProblemError } from "../http/problems.ts";
import { settingValue } from "../http/select.ts";
import { gathering } from "../lib/gather.ts";
import { errorFields, log } from "../lib/log.ts";
import { registryOf } from "../registry/index.ts";
import { toolContext } from "./context.ts";
import { strangerIn } from "./guard.ts";
import type { Outcome } from "./tool.ts";

const PATH = "/mcp";
/** Refuses requests that name a foreign host or origin. */
const checkNames = (c: Context<AppEnv>, deps: AppDeps): void => {
  const {
    alerts: { publicUrl },
    baseUrlRules,
  } = deps.config(c.env);
  const url = new URL(c.req.url);
  const stranger = strangerIn(
    { host: c.req.header("Host") ?? url.host, origin: c.req.header("Origin") ?? null },
    { publicUrl: publicUrl.ok ? publicUrl.value : null, allowLoopback: baseUrlRules.allowLoopback },
  );
  if (stranger === null) return;
  throw new ProblemError(
    "foreign_host",
    stranger === "host"
      ? "Host is not this Worker's name. It must be that of PUBLIC_URL where that is set, or under ALLOW_LOOPBACK a name of this machine."
      : "Origin is another site's. Send none, or this Worker's own.",
  );
};

const gather = gathering<readonly CountedCalls[]>(addCalls);

const sendCalls = async (env: Env, counts: readonly CountedCalls[]): Promise<void> => {
  try {
    await registryOf(env).noteCalls(counts);
  } catch (error) {
    log("warn", "tool_calls_not_counted", errorFields(error));
  }
};

export const mcpRoutes: Mount = (app, deps, door) => {
  app.post(
    PATH,
    async (c, next) => {
      checkNames(c, deps);
      await next();
    },
    door.authenticate,
    placedObjects(deps),
    async (c) => {
      // The library and the schemas of the tools take a third of the Worker's start, and most isolates never need them.
      const { answerCall } = await import("./server.ts");
      const { name: key } = c.get("caller");
      // While it is wrong, nobody knows which hosts are ours.
      settingValue(deps.config(c.env).alerts.publicUrl);
      const called: string[] = [];
      c.set("tools", called);
      const background = (work: Promise<void>): void => c.executionCtx.waitUntil(work);
      const done = (tool: string, outcome: Outcome): void => {
        called.push(tool);
        gather("tools", [{ tool, key, outcome, calls: 1 }], (counts) => sendCalls(c.env, counts), background);
      };
      return answerCall(c.req.raw, { context: toolContext(c, deps), done }, key);
    },
  );
};

/** Calls of tools, for /metrics. */
export const toolMetrics: MetricsSource = async (env) => {
  const { total } = await registryOf(env).calls(false);
  return [
    {
      name: "okta_edge_tool_calls_total",
      help: "Calls of tools by agents, by tool, key (its place in API_KEYS) and outcome: ok, refused (a wrong argument or setting), failed.",
      type: "counter",
      samples: total.map(({ tool, key, outcome, calls: value }) => ({
        labels: { tool, key, outcome },
        value,
      })),
    },
  ];
};
