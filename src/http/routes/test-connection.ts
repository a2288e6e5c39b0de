/** "Does it work?": tries every capability, with the stored credential or with a candidate. */

import { createRoute } from "@hono/zod-openapi";
import type { Context } from "hono";
import { accepts } from "hono/accepts";
import { stream as streamed } from "hono/streaming";
import * as z from "zod";
import type { Connection } from "../../config/types.ts";
import {
  type ConnectionTest,
  checkNames,
  connectionTestSchema,
  type KnownAssets,
  type KnownHooks,
  type OnCheck,
  readCandidate,
  type TestEvent,
  testCandidate,
  testEventSchema,
  testStored,
} from "../../connection-test/index.ts";
import { MAX_CALLS } from "../../connection-test/probe.ts";
import type { StreamName } from "../../contract/streams.ts";
import { sinksFor } from "../../delivery/settings.ts";
import { errorFields, log } from "../../lib/log.ts";
import { needsFullRights } from "../auth/index.ts";
import type { Config } from "../config.ts";
import type { App, AppDeps, AppEnv } from "../deps.ts";
import { connectionQuery, strict } from "../parameters.ts";
import { problemFrom } from "../problem-from.ts";
import { ProblemError, problemResponse, problemResponses } from "../problems.ts";
import { raw } from "../raw.ts";
import { selectConnection } from "../select.ts";

/** The most characters that each field of a candidate may have. */
export const candidateLengths = {
  base_url: 2048,
  api_token: 4096,
  client_id: 256,
  private_key: 32_768,
  key_id: 256,
} as const;

const text = (field: Exclude<keyof typeof candidateLengths, "private_key">, description: string) =>
  z
    .string("it must be text")
    .max(candidateLengths[field], `it must have at most ${candidateLengths[field]} characters`)
    .openapi({ description })
    .optional();

const candidate = strict({
  base_url: text("base_url", "The org's own address, such as `https://your-domain.okta.com`."),
  api_token: text("api_token", "An API token."),
  client_id: text("client_id", "The client ID of an OAuth service app, instead of a token."),
  private_key: z
    .union([z.string().max(candidateLengths.private_key), z.record(z.string(), z.unknown())], {
      error: `it must be a JWK or a PKCS#8 PEM of at most ${candidateLengths.private_key} characters`,
    })
    .openapi({
      type: ["string", "object"],
      description: "The private key of the app's key pair, as a JWK or a PKCS#8 PEM.",
    })
    .optional(),
  key_id: text("key_id", "The key's ID (KID), which the app's page in Okta shows."),
});

const example: ConnectionTest = {
  ok: false,
  org: { id: "00o1a2b3c4d5e6f7g8h9", pipeline: "idx", base_url: "https://your-domain.okta.com" },
  credential: { kind: "ssws" },
  clock_skew_ms: 0,
  checks: [
    {
      name: "users",
      status: "pass",
      http_status: 200,
      okta_error_code: null,
      message: "Users can be read.",
      remedy: null,
      latency_ms: 142,
      rate_limit: {
        bucket: "/api/v1/users",
        limit: 600,
        remaining: 588,
        share: 0.5,
        resets_at: "2025-01-15T10:31:00.000Z",
        backing_off_until: null,
      },
    },
    {
      name: "roles",
      status: "fail",
      http_status: 403,
      okta_error_code: "E0000006",
      message: "The admin role of the token's owner may not read roles (403 E0000006).",
      remedy:
        'Give the token\'s owner the Read-only Administrator role (Security > Administrators), or use a service app with the scope okta.roles.read. Where that role may not see administrators, add a custom admin role with the permission "View roles, resources, and admin assignments". Until then it stays unknown who is an admin.',
      latency_ms: 97,
      rate_limit: null,
    },
  ],
  estimate: { users: 950, devices: 180, calls: 1160, minutes: 4 },
};

const route = createRoute({
  method: "post",
  path: "/v1/test-connection",
  tags: ["Service"],
  summary: "Test a connection",
  description:
    `Tries the org, the credential, every capability and every sink, with at most ${MAX_CALLS} calls to Okta, and says what ` +
    "to do about each check that fails. `ok` is true when users can be read and no check has failed. `estimate` is " +
    "what the first full run will find and cost; null means not known. A candidate credential in the body is tried " +
    "instead of the stored one. It is not stored, logged or repeated in the answer. With `Accept: " +
    "application/x-ndjson` the answer comes line by line: each check as soon as its result is known, and the same " +
    "document as the last line.",
  security: [{ key: [] }],
  middleware: needsFullRights,
  request: {
    query: connectionQuery,
    body: {
      required: false,
      content: {
        "application/json": {
          schema: candidate,
          example: { base_url: "https://your-domain.okta.com", api_token: "00aBcDeFgHiJkLmNoPqRsTuVwXyZ" },
        },
      },
    },
  },
  responses: {
    200: {
      description: "The results of the test. A test that finds failures is a 200, too.",
      content: {
        "application/json": { schema: connectionTestSchema.meta({ id: "ConnectionTest", example }) },
        "application/x-ndjson": {
          schema: testEventSchema,
          example: {
            type: "checks",
            names: ["users", "groups", "factors", "roles", "devices", "logs", "hooks"],
          },
        },
      },
    },
    ...problemResponses(400, 401, 403, 404, 413, 415, 429, 503),
  },
});

/** The stored connection with this id; null when it is not configured or its settings are wrong. */
const storedOrNull = (config: Config, id: string): Connection | null => {
  const setting = config.connections.get(id);
  return setting?.ok ? setting.value : null;
};

/** When the last event hook came, given what each stream has heard of; undefined for one that does not answer. */
const lastOf = (heard: readonly (string | null | undefined)[]): KnownHooks["last"] => {
  const at = heard
    .filter((time) => typeof time === "string")
    .sort()
    .at(-1);
  if (at !== undefined) return { at };
  return heard.includes(undefined) ? "not_known" : "none";
};

/** Performs a prepared test. */
type PerformTest = (onCheck: OnCheck) => Promise<ConnectionTest>;

const ndjson = "application/x-ndjson";

/** Whether the caller asks for the answer line by line, by naming its type. A wildcard asks for the one document. */
export const wantsLines = (c: Context): boolean =>
  accepts(c, { header: "Accept", supports: ["application/json", ndjson], default: "application/json" }) ===
  ndjson;

/**
 * Answers line by line while the test is in progress. The status has been sent before a failure can occur, so the last
 * line reports it.
 */
const inLines = (c: Context<AppEnv>, names: readonly string[], perform: PerformTest): Response => {
  c.header("Content-Type", ndjson);
  return streamed(c, async (out) => {
    const send = (event: TestEvent) => out.writeln(JSON.stringify(event));
    void send({ type: "checks", names: [...names] });
    const running = perform((index, check) => void send({ type: "check", index, check }));
    // The test finishes even after the caller has left, because it has to give its permits back.
    c.executionCtx.waitUntil(running.catch(() => {}));
    try {
      await send({ type: "document", document: await running });
    } catch (error) {
      const problem = problemFrom(error instanceof Error ? error : new Error(String(error)));
      const level = problem.code === "internal_error" ? "error" : "warn";
      log(level, "request_failed", { request_id: c.get("requestId"), ...errorFields(error) });
      await send({ type: "problem", problem: await problemResponse(c, problem).json() });
    }
  });
};

export const testConnectionRoutes = (app: App, deps: AppDeps): void => {
  /** What a stream knows: how many assets, and when the last event hook came; undefined if it does not answer. */
  const knownOf = async (env: Env, connection: string, stream: StreamName) => {
    try {
      const { assets, last_hook_at: lastHookAt } = await deps.stream(env, connection, stream).status();
      return { assets: assets.total > 0 ? assets.total : null, lastHookAt: lastHookAt ?? null };
    } catch (error) {
      // The test is about Okta. A stream that does not answer only makes the estimate less exact.
      log("warn", "test_without_inventory", { stream, ...errorFields(error) });
      return { assets: null, lastHookAt: undefined };
    }
  };

  const hooksOf = (config: Config, id: string, last: KnownHooks["last"]): KnownHooks => {
    const { name, secrets } = config.hookSecrets.get(id) ?? { name: "its hook secret", secrets: undefined };
    const isSet = secrets?.ok === true && secrets.value.length > 0;
    return { secret: secrets?.ok === false ? "invalid" : isSet ? "valid" : "unset", setting: name, last };
  };

  /** The settings with the sinks of one connection alone. */
  const configFor = (env: Env, id: string): Config => {
    const config = deps.config(env);
    const { accepted, refused } = config.sinks;
    return { ...config, sinks: { accepted: sinksFor(accepted, id), refused } };
  };

  /** Prepares the requested test. Throws the problem when the request or the settings do not allow one. */
  const testOf = async (env: Env, id: string, body: z.infer<typeof candidate>): Promise<PerformTest> => {
    const config = configFor(env, id);
    const stored = storedOrNull(config, id);
    const given = readCandidate(body, config, stored);
    if (!given.ok) {
      const detail = given.error.map(({ field, message }) => `${field}: ${message}.`).join(" ");
      throw new ProblemError("invalid_request", detail, { errors: given.error });
    }
    const testDeps = {
      env,
      config,
      fetch: deps.fetch,
      now: deps.now,
      hooks: hooksOf(config, id, "not_stored"),
    };
    const { value } = given;
    if (value !== null) {
      // An unknown id is a mistake with a candidate, too. The default always exists, even before it is set up.
      if (stored === null && !config.connections.has(id)) selectConnection(config, id);
      return (onCheck) => testCandidate({ ...testDeps, onCheck }, value, stored);
    }
    const connection = selectConnection(config, id);
    const [users, devices] = await Promise.all([knownOf(env, id, "users"), knownOf(env, id, "devices")]);
    const known: KnownAssets = { users: users.assets, devices: devices.assets };
    const hooks = hooksOf(config, id, lastOf([users.lastHookAt, devices.lastHookAt]));
    return (onCheck) => testStored({ ...testDeps, hooks, onCheck }, connection, known);
  };

  app.openapi(route, async (c) => {
    const { connection } = c.req.valid("query");
    const perform = await testOf(c.env, connection, c.req.valid("json") ?? {});
    return wantsLines(c)
      ? raw(inLines(c, checkNames(configFor(c.env, connection).sinks), perform))
      : c.json(await perform(() => {}), 200);
  });
};
