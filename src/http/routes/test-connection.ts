/** "Does it work?": every capability tried, with a stored credential or a candidate. */

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
  type OnCheck,
  readCandidate,
  type TestEvent,
  testCandidate,
  testEventSchema,
  testStored,
} from "../../connection-test/index.ts";
import type { StreamName } from "../../contract/streams.ts";
import { errorFields, log } from "../../lib/log.ts";
import { needsFullRights } from "../auth/index.ts";
import type { Config } from "../config.ts";
import type { App, AppDeps, AppEnv } from "../deps.ts";
import { connectionQuery, strict } from "../parameters.ts";
import { problemFrom } from "../problem-from.ts";
import { ProblemError, problemResponse, problemResponses } from "../problems.ts";
import { raw } from "../raw.ts";
import { selectConnection } from "../select.ts";

const text = (description: string, max: number) =>
  z
    .string("it must be text")
    .max(max, `it must have at most ${max} characters`)
    .openapi({ description })
    .optional();

const candidate = strict({
  base_url: text("The org's own address, like `https://your-domain.okta.com`.", 2048),
  api_token: text("An API token.", 4096),
  client_id: text("An OAuth service app's client ID, instead of a token.", 256),
  private_key: z
    .union([z.string().max(32_768), z.record(z.string(), z.unknown())], {
      error: "it must be a JWK or a PKCS#8 PEM of at most 32768 characters",
    })
    .openapi({
      type: ["string", "object"],
      description: "The private part of the app's key pair: a JWK, or PKCS#8 PEM.",
    })
    .optional(),
  key_id: text("The key's ID (KID) as the app's page shows it.", 256),
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
    "Tries the org, the credential, every capability and every sink, with at most 10 calls to Okta, and says " +
    "what to do about what fails. `ok` is true when users can be read and no check has failed. `estimate` is " +
    "what a first full run will cost; null is not known. A candidate credential in the body is tried instead " +
    "of the stored one; it is not stored, logged or repeated. With `Accept: application/x-ndjson` the answer " +
    "comes in lines, each check as soon as it is known and this same document last.",
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
      description: "What was found.",
      content: {
        "application/json": { schema: connectionTestSchema.meta({ id: "ConnectionTest", example }) },
        "application/x-ndjson": {
          schema: testEventSchema,
          example: { type: "checks", names: ["users", "groups", "factors", "roles", "devices", "logs"] },
        },
      },
    },
    ...problemResponses(400, 401, 403, 404, 413, 415, 429, 503),
  },
});

/** The stored connection of this id, null when its settings do not stand yet. */
const storedOrNull = (config: Config, id: string): Connection | null => {
  const setting = config.connections.get(id);
  return setting?.ok ? setting.value : null;
};

/** A test that is ready to begin. */
type Run = (onCheck: OnCheck) => Promise<ConnectionTest>;

const lines = "application/x-ndjson";

/** Whoever does not ask for lines by their name gets the one document. */
export const wantsLines = (c: Context): boolean =>
  accepts(c, { header: "Accept", supports: ["application/json", lines], default: "application/json" }) ===
  lines;

/** The test in lines, as it goes on. What fails on the way is told in the last line: the status has gone out. */
const inLines = (c: Context<AppEnv>, names: readonly string[], run: Run): Response => {
  c.header("Content-Type", lines);
  return streamed(c, async (out) => {
    const tell = (event: TestEvent) => out.writeln(JSON.stringify(event));
    void tell({ type: "checks", names: [...names] });
    const running = run((index, check) => void tell({ type: "check", index, check }));
    // Also when nobody listens any more: what it holds of the rate limits has to be given back.
    c.executionCtx.waitUntil(running.catch(() => {}));
    try {
      await tell({ type: "document", document: await running });
    } catch (error) {
      const problem = problemFrom(error instanceof Error ? error : new Error(String(error)));
      const level = problem.code === "internal_error" ? "error" : "warn";
      log(level, "request_failed", { request_id: c.get("requestId"), ...errorFields(error) });
      await tell({ type: "problem", problem: await problemResponse(c, problem).json() });
    }
  });
};

export const testConnectionRoutes = (app: App, deps: AppDeps): void => {
  const held = async (env: Env, connection: string, stream: StreamName): Promise<number | null> => {
    try {
      const { assets } = await deps.stream(env, connection, stream).status();
      return assets.total > 0 ? assets.total : null;
    } catch (error) {
      // The test is about Okta; a stream that cannot be asked only makes the estimate poorer.
      log("warn", "test_without_inventory", { stream, ...errorFields(error) });
      return null;
    }
  };

  /** The test that is asked for; throws where there is none to make. */
  const testOf = async (env: Env, id: string, body: z.infer<typeof candidate>): Promise<Run> => {
    const config = deps.config(env);
    const stored = storedOrNull(config, id);
    const given = readCandidate(body, config, stored);
    if (!given.ok) {
      const detail = given.error.map(({ field, message }) => `${field}: ${message}.`).join(" ");
      throw new ProblemError("invalid_request", detail, { errors: given.error });
    }
    const testDeps = { env, config, fetch: deps.fetch, now: deps.now };
    const { value } = given;
    if (value !== null) {
      // An id that is not configured is a mistake also with a candidate, unless it is the default that is being set up.
      if (stored === null && !config.connections.has(id)) selectConnection(config, id);
      return (onCheck) => testCandidate({ ...testDeps, onCheck }, value, stored);
    }
    const connection = selectConnection(config, id);
    const [users, devices] = await Promise.all([held(env, id, "users"), held(env, id, "devices")]);
    const known: KnownAssets = { users, devices };
    return (onCheck) => testStored({ ...testDeps, onCheck }, connection, known);
  };

  app.openapi(route, async (c) => {
    const run = await testOf(c.env, c.req.valid("query").connection, c.req.valid("json") ?? {});
    return wantsLines(c)
      ? raw(inLines(c, checkNames(deps.config(c.env).sinks), run))
      : c.json(await run(() => {}), 200);
  });
};
