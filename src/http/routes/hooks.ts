/** Okta's event hooks: something has happened, so the streams look into the log. */
import { createRoute } from "@hono/zod-openapi";
import type { MiddlewareHandler } from "hono";
import { bodyLimit } from "hono/body-limit";
import * as z from "zod";
import { defaultConnectionId } from "../../config/connections.ts";
import { type StreamName, streamNames } from "../../contract/streams.ts";
import { isPlainObject } from "../../lib/json.ts";
import { errorFields, log } from "../../lib/log.ts";
import { streams } from "../../streams/index.ts";
import { isHooked } from "../../streams/log-effects.ts";
import { isHookSecret } from "../auth/hook-secret.ts";
import { grouped, maxHookBytes } from "../bounds.ts";
import type { App, AppDeps, AppEnv } from "../deps.ts";
import { connectionParameter, strict } from "../parameters.ts";
import { checkPlacement } from "../placed.ts";
import { ProblemError, problemResponses } from "../problems.ts";

const path = "/v1/hooks/okta";
const challengeHeader = "x-okta-verification-challenge";
/** Characters of Okta's challenge; it is much shorter. */
const maxChallenge = 1_000;
/** So many events of one hook are waited for in the log, the newest ones. Okta sends one or a few. */
const maxUuids = 100;

const query = strict({ connection: connectionParameter });
const security = [{ hook: [] }];

const verify = createRoute({
  method: "get",
  path,
  tags: ["Event hooks"],
  summary: "Verify an event hook",
  description: "Okta calls this once, when a person verifies the hook.",
  security,
  request: {
    query,
    headers: z.object({
      [challengeHeader]: z
        .string(`Okta's challenge is missing; it is text of at most ${maxChallenge} characters`)
        .min(1, "it must not be empty")
        .max(maxChallenge, `it must have at most ${maxChallenge} characters`)
        .openapi({ description: "Okta's challenge, which the answer repeats." }),
    }),
  },
  responses: {
    200: {
      description: "The challenge.",
      content: { "application/json": { schema: z.object({ verification: z.string() }) } },
    },
    ...problemResponses(400, 401),
  },
});

const receive = createRoute({
  method: "post",
  path,
  tags: ["Event hooks"],
  summary: "Receive an event hook",
  description:
    "The streams that the events concern poll Okta's log, at most once in 5 seconds. Nothing in the body is believed but " +
    "that something has happened.",
  security,
  request: {
    query,
    body: {
      required: true,
      content: {
        "application/json": {
          schema: z.looseObject({}).openapi({ description: "As Okta's event hooks send it." }),
          example: {
            eventType: "com.okta.event_hook",
            data: {
              events: [{ uuid: "2f9c0a52-5d3c-4c6e-8f0c-6a1f9d1a7f0e", eventType: "user.lifecycle.suspend" }],
            },
          },
        },
      },
    },
  },
  responses: { 204: { description: "Taken." }, ...problemResponses(400, 401, 413, 415, 503) },
});

/** What a hook names: event types, and the uuids of log events. */
interface Named {
  readonly eventType: string;
  readonly uuid: string | null;
}

/** The events of a hook; null if it cannot be read, which is no reason to miss that something has happened. */
const namedIn = (body: unknown): readonly Named[] | null => {
  const data = isPlainObject(body) ? body["data"] : null;
  const events = isPlainObject(data) ? data["events"] : null;
  if (!Array.isArray(events)) return null;
  return events.flatMap((event): Named[] => {
    const { eventType, uuid } = isPlainObject(event) ? event : {};
    if (typeof eventType !== "string") return [];
    return [{ eventType, uuid: typeof uuid === "string" && uuid.length <= 100 ? uuid : null }];
  });
};

interface Concerned {
  readonly stream: StreamName;
  /** The log events that the hook names. */
  readonly uuids: readonly string[];
}

/** The streams that a hook concerns: all of them if it cannot be read. */
const concernedBy = (named: readonly Named[] | null): readonly Concerned[] =>
  streamNames.flatMap((stream): Concerned[] => {
    if (named === null) return [{ stream, uuids: [] }];
    const its = named.filter(({ eventType }) => isHooked(streams[stream].source.logRules, eventType));
    return its.length === 0
      ? []
      : [{ stream, uuids: its.flatMap(({ uuid }) => uuid ?? []).slice(-maxUuids) }];
  });

/** Okta sends the secret as it is. A wrong or unset one and an unknown connection look the same from outside. */
const checkSecret =
  (deps: AppDeps): MiddlewareHandler<AppEnv> =>
  async (c, next) => {
    const config = deps.config(c.env);
    const { secrets } = config.hookSecrets.get(c.req.query("connection") ?? defaultConnectionId) ?? {};
    const presented = c.req.header("Authorization") ?? "";
    if (!(await isHookSecret(presented, secrets?.ok ? secrets.value : []))) {
      throw new ProblemError(
        "unauthorized",
        "The Authorization header is not the hook secret of a connection: OKTA_HOOK_SECRET, or that of its entry in CONNECTIONS.",
        { headers: { "WWW-Authenticate": "OktaEventHook" } },
      );
    }
    await next();
  };

const bodyBound = bodyLimit({
  maxSize: maxHookBytes,
  onError: () => {
    throw new ProblemError("payload_too_large", `The body has more than ${grouped(maxHookBytes)} bytes.`);
  },
});

/** Must be registered before the middleware that asks for a key. */
export const hookRoutes = (app: App, deps: AppDeps): void => {
  app.use(path, checkSecret(deps), bodyBound);

  app.openapi(verify, (c) => c.json({ verification: c.req.valid("header")[challengeHeader] }, 200));

  app.openapi(receive, async (c) => {
    const { connection } = c.req.valid("query");
    await checkPlacement(deps, c.env);
    const told = concernedBy(namedIn(c.req.valid("json"))).map(async ({ stream, uuids }) => {
      try {
        await deps.stream(c.env, connection, stream).hook(uuids);
      } catch (error) {
        log("warn", "hook_failed", { request_id: c.get("requestId"), stream, ...errorFields(error) });
      }
    });
    c.executionCtx.waitUntil(Promise.all(told));
    return c.body(null, 204);
  });
};
