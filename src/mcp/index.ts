/** The door for agents: `POST /mcp`, the Model Context Protocol over stateless streamable HTTP. */
import { createMcpHandler, McpServer } from "@modelcontextprotocol/server";
import type { Context } from "hono";
import { addCalls, type CountedCalls } from "../contract/calls.ts";
import type { Mount } from "../http/app.ts";
import { maxBodyBytes } from "../http/bounds.ts";
import type { AppDeps, AppEnv, MetricsSource } from "../http/deps.ts";
import { placedObjects } from "../http/placed.ts";
import { problemFrom } from "../http/problem-from.ts";
import { ProblemError } from "../http/problems.ts";
import { settingValue } from "../http/select.ts";
import { gathering } from "../lib/gather.ts";
import { errorFields, log } from "../lib/log.ts";
import { registryOf } from "../registry/index.ts";
import { type ToolContext, toolContext } from "./context.ts";
import { strangerIn } from "./guard.ts";
import { INSTRUCTIONS } from "./instructions.ts";
import { type Outcome, type Refusal, register } from "./tool.ts";
import { tools } from "./tools/index.ts";

const PATH = "/mcp";
const SERVER = { name: "okta-edge-connector", title: "Okta Edge Connector", version: "0.2.0" };
/** Elements of a call's arguments, far more than any tool takes. */
const MOST_ARGUMENTS = 200;

/** What a call is done with. It travels with the request through the library. */
interface Call {
  readonly context: ToolContext;
  readonly done: (tool: string, outcome: Outcome) => void;
}

const calls = new WeakMap<object, Call>();

/** What was thrown, in words for an agent. A bug is logged, and told as such. */
const refusalOf = (error: unknown): Refusal => {
  const thrown = error instanceof Error ? error : new Error(String(error));
  const { code, message } = problemFrom(thrown);
  const isBug = code === "internal_error" || code === "unavailable";
  if (isBug) log("error", "tool_failed", errorFields(thrown));
  return { code, detail: message, outcome: isBug ? "failed" : "refused" };
};

const serverFor = ({ context, done }: Call): McpServer => {
  const server = new McpServer(SERVER, {
    // The list never changes while the Worker runs: the library says otherwise unless it is told.
    capabilities: { tools: { listChanged: false } },
    instructions: INSTRUCTIONS,
    maxToolInputElements: MOST_ARGUMENTS,
  });
  for (const tool of tools) register(server, tool, context, { refusalOf, done });
  return server;
};

const handler = createMcpHandler(
  ({ authInfo }) => {
    const call = authInfo?.extra === undefined ? undefined : calls.get(authInfo.extra);
    if (call === undefined) throw new Error("a request came by another way than the route");
    return serverFor(call);
  },
  {
    responseMode: "json",
    maxRequestBodySize: maxBodyBytes,
    onerror: (error) => log("warn", "mcp_request_rejected", errorFields(error)),
  },
);

/**
 * The same answer, once all of it is there. Clients of 2025 get a stream of the one answer, which the library returns before
 * the tool has run; the log line would not know which one it was, nor how long it took.
 */
const ended = async (answer: Response): Promise<Response> => {
  const isStream = answer.headers.get("Content-Type")?.startsWith("text/event-stream") === true;
  return isStream ? new Response(await answer.text(), answer) : answer;
};

/** Refuses requests that name a foreign host or origin. */
const checkNames = (c: Context<AppEnv>, deps: AppDeps): void => {
  const { alerts, baseUrlRules } = deps.config(c.env);
  const url = new URL(c.req.url);
  const stranger = strangerIn(
    { host: c.req.header("Host") ?? url.host, origin: c.req.header("Origin") ?? null },
    { publicUrl: settingValue(alerts.publicUrl), allowLoopback: baseUrlRules.allowLoopback },
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
      const { name: key } = c.get("caller");
      const called: string[] = [];
      c.set("tools", called);
      const background = (work: Promise<void>): void => c.executionCtx.waitUntil(work);
      const done = (tool: string, outcome: Outcome): void => {
        called.push(tool);
        gather("tools", [{ tool, key, outcome, calls: 1 }], (counts) => sendCalls(c.env, counts), background);
      };
      const extra = {};
      calls.set(extra, { context: toolContext(c, deps), done });
      return ended(
        await handler.fetch(c.req.raw, { authInfo: { token: "", clientId: key, scopes: [], extra } }),
      );
    },
  );
};

/** Calls of tools, for /metrics. */
export const toolMetrics: MetricsSource = async (env) => {
  const { total } = await registryOf(env).calls();
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
