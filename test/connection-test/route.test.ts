/** The route as callers use it: stored connections, candidates, authentication, and what never leaves. */

import { createExecutionContext, reset, waitOnExecutionContext } from "cloudflare:test";
import { env } from "cloudflare:workers";
import { afterEach, beforeAll, beforeEach, describe, expect, test, vi } from "vitest";
import { type ConnectionTest, type TestEvent, testEventSchema } from "../../src/connection-test/index.ts";
import { streamObjectName } from "../../src/contract/objects.ts";
import { createApp } from "../../src/http/app.ts";
import { configOf, readConfig } from "../../src/http/config.ts";
import { apiDocument } from "../../src/http/openapi.ts";
import { testConnectionRoutes } from "../../src/http/routes/test-connection.ts";
import { placementOf, registryOf } from "../../src/registry/index.ts";
import { type AppKey, CLIENT, makeAppKey } from "../okta/oauth-support.ts";
import { apiKey, createOrg, sync, type TestOrg } from "../support/org.ts";

const CONNECTION = "t20";
const canary = "canary-0123456789-0123456789-0123456789";

const deps = {
  config: configOf,
  stream: (from: Env, connection: string, stream: "users" | "devices") =>
    from.INVENTORY_STREAM.getByName(streamObjectName({ connection, stream })),
  registry: registryOf,
  placement: placementOf,
  now: Date.now,
  fetch: (input: RequestInfo | URL, init?: RequestInit) => fetch(input, init),
};
const app = createApp(deps);
const hasRoute = app.routes.some(({ path }) => path === "/v1/test-connection");
if (!hasRoute) testConnectionRoutes(app, deps);

const post = async (
  body?: unknown,
  { key = apiKey(), connection = CONNECTION, accept = "*/*" } = {},
): Promise<Response> => {
  const ctx = createExecutionContext();
  const request = new Request(`https://connector.example.com/v1/test-connection?connection=${connection}`, {
    method: "POST",
    headers: {
      accept,
      authorization: `Bearer ${key}`,
      ...(body !== undefined && { "content-type": "application/json" }),
    },
    ...(body !== undefined && { body: JSON.stringify(body) }),
  });
  const response = await app.fetch(request, env, ctx);
  await waitOnExecutionContext(ctx);
  return response;
};

const tested = async (body?: unknown, connection = CONNECTION): Promise<ConnectionTest> => {
  const response = await post(body, { connection });
  if (response.status !== 200) throw new Error(`${response.status} ${await response.text()}`);
  return response.json();
};

const statuses = ({ checks }: ConnectionTest): Record<string, string> =>
  Object.fromEntries(checks.map(({ name, status }) => [name, status]));

const allPass = {
  users: "pass",
  groups: "pass",
  factors: "pass",
  roles: "pass",
  devices: "pass",
  logs: "pass",
  hooks: "unknown",
};

let lines: string[] = [];
let org: TestOrg;
let appKey: AppKey;

beforeAll(async () => {
  appKey = await makeAppKey("ES256", "k1");
});
beforeEach(async () => {
  lines = [];
  for (const method of ["log", "warn", "error"] as const) {
    vi.spyOn(console, method).mockImplementation((line) => {
      lines.push(String(line));
    });
  }
  org = await createOrg(CONNECTION, { users: 12, groups: 4, devices: 3, limits: "published" });
});
afterEach(async () => {
  vi.restoreAllMocks();
  await reset();
});

describe("a stored connection", () => {
  test("passes through its gate: ten calls at most, counted there, none held back", async () => {
    const document = await tested();
    expect(document).toMatchObject({ ok: true, credential: { kind: "ssws" } });
    expect(statuses(document)).toEqual(allPass);
    const { total, violations } = await org.stats();
    expect(total).toBe(8);
    expect(violations).toBe(0);
    const { calls } = await env.OKTA_GATE.getByName(CONNECTION).callStats();
    expect(Object.values(calls).reduce((sum, outcomes) => sum + (outcomes["ok"] ?? 0), 0)).toBe(8);
    // The next test finds all its permits.
    expect(await tested()).toMatchObject({ ok: true });
  });

  test("estimates by its inventory what a page does not show", async () => {
    await org.create({ users: 12, groups: 4, devices: 230 });
    expect((await tested()).estimate).toMatchObject({ devices: null });
    expect(await sync(CONNECTION, "full", "devices")).toMatchObject({ state: "done" });
    expect((await tested()).estimate).toMatchObject({ devices: 230 });
  });

  test("that is configured wrongly is reported as such", async () => {
    const response = await post(undefined, { connection: "nope" });
    expect(response.status).toBe(404);
    expect(await response.json()).toMatchObject({ code: "unknown_connection" });
  });

  test("waits for nobody's rate limit", async () => {
    await org.fault({ match: { path: "/api/v1/logs" }, kind: "429", resetInMs: 30_000 });
    const startedAt = Date.now();
    const document = await tested();
    expect(statuses(document)).toEqual({ ...allPass, logs: "unknown" });
    // The gate now holds the bucket back, so the call is not even made.
    const again = await tested();
    expect(again.checks.find(({ name }) => name === "logs")).toMatchObject({
      status: "unknown",
      http_status: null,
      message: "The org's rate limit leaves no call for this now.",
    });
    expect(Date.now() - startedAt).toBeLessThan(25_000);
  });
});

const ndjson = "application/x-ndjson";

describe("in lines", () => {
  const eventsOf = async (response: Response): Promise<TestEvent[]> =>
    new TextDecoder()
      .decode(await response.arrayBuffer())
      .split("\n")
      .filter((line) => line !== "")
      .map((line) => testEventSchema.parse(JSON.parse(line)));

  test("come the names, each check once at its place, and the document that holds just these", async () => {
    const response = await post(undefined, { accept: ndjson });
    expect(response.headers.get("Content-Type")).toBe(ndjson);
    const events = await eventsOf(response);
    const [first, ...rest] = events;
    const last = rest.pop();
    if (first?.type !== "checks" || last?.type !== "document") throw new Error(JSON.stringify(events));
    const { checks } = last.document;
    expect(first.names).toEqual(checks.map(({ name }) => name));
    const told = new Map(
      rest.flatMap((event) => (event.type === "check" ? [[event.index, event.check]] : [])),
    );
    expect(rest).toHaveLength(checks.length);
    expect(told).toEqual(new Map(checks.entries()));
    expect(last.document).toMatchObject({ ok: true, org: { base_url: org.origin } });
    expect((await org.stats()).total).toBe(8);
  });

  test("comes a candidate's test, without the candidate", async () => {
    await org.restrict({ token: canary });
    const response = await post({ base_url: org.origin, api_token: canary }, { accept: ndjson });
    const events = await eventsOf(response);
    expect(events.at(-1)).toMatchObject({ type: "document", document: { ok: true } });
    expect(JSON.stringify(events)).not.toContain("canary");
  });

  test("comes nothing when no test can be made: the answer is the problem", async () => {
    const response = await post({ base_url: "https://attacker.okta.com" }, { accept: ndjson });
    expect(response.status).toBe(400);
    expect(response.headers.get("Content-Type")).toBe("application/problem+json");
  });

  test.each([
    "*/*",
    "application/json",
    "application/*",
    "text/html, */*",
    `application/json, ${ndjson};q=0.9`,
  ])("comes nothing for a caller that accepts %s: the answer is the document", async (accept) => {
    const response = await post(undefined, { accept });
    expect(response.headers.get("Content-Type")).toBe("application/json");
    expect(await response.json()).toMatchObject({ ok: true });
  });
});

describe("a candidate", () => {
  const gateUntouched = async (): Promise<void> => {
    const gate = env.OKTA_GATE.getByName(CONNECTION);
    expect((await gate.callStats()).calls).toEqual({});
    expect(await gate.rateLimits(1)).toEqual([]);
    expect(await gate.credentialState()).toBeNull();
  };

  test("is tried instead of what is stored, and bypasses the gate", async () => {
    await org.restrict({ token: "another-token-0123456789" });
    expect(await tested()).toMatchObject({ ok: false });
    await reset();
    const document = await tested({ base_url: org.origin, api_token: "another-token-0123456789" });
    expect(document.ok).toBe(true);
    expect(statuses(document)).toEqual(allPass);
    await gateUntouched();
  });

  test("may be a service app, key as text or as JSON", async () => {
    await org.control("POST", "/oauth-clients", { clientId: CLIENT, jwks: { keys: [appKey.publicJwk] } });
    for (const private_key of [appKey.privateJwk, JSON.parse(appKey.privateJwk), appKey.pem]) {
      const document = await tested({ base_url: org.origin, client_id: CLIENT, private_key, key_id: "k1" });
      expect(document).toMatchObject({ ok: true, credential: { kind: "oauth" } });
      expect(document.credential.scopes).toHaveLength(5);
    }
    await gateUntouched();
  });

  test("takes the stored base URL when it brings none", async () => {
    expect(await tested({ api_token: "sim-token" })).toMatchObject({
      ok: true,
      org: { base_url: org.origin },
    });
  });

  test("that is the stored base URL alone, in any spelling, is the stored connection", async () => {
    for (const base_url of [org.origin, `${org.origin.toUpperCase().replace("HTTPS", "https")}/`]) {
      expect(await tested({ base_url })).toMatchObject({ ok: true, org: { base_url: org.origin } });
    }
    const { calls } = await env.OKTA_GATE.getByName(CONNECTION).callStats();
    expect(calls).not.toEqual({});
  });

  test("is shown the configured share, also before anything else is set up", async () => {
    const bare = createApp({
      ...deps,
      config: (from: Env) => readConfig({ ...from, OKTA_BASE_URL: "", OKTA_RATE_LIMIT_SHARE: "0.3" }),
    });
    const ctx = createExecutionContext();
    const request = new Request("https://connector.example.com/v1/test-connection", {
      method: "POST",
      headers: { authorization: `Bearer ${apiKey()}`, "content-type": "application/json" },
      body: JSON.stringify({ base_url: org.origin, api_token: "sim-token" }),
    });
    const response = await bare.fetch(request, env, ctx);
    await waitOnExecutionContext(ctx);
    const { checks } = await response.json<ConnectionTest>();
    const shares = checks.flatMap((check) => check.rate_limit?.share ?? []);
    expect(new Set(shares)).toEqual(new Set([0.3]));
  });

  test("is never repeated, logged or kept, whether right or wrong", async () => {
    await org.restrict({ token: canary });
    const bodies: unknown[] = [
      { api_token: canary },
      { base_url: org.origin, api_token: `${canary}-wrong` },
      { base_url: `https://u:${canary}@t20.okta.com`, api_token: canary },
      { base_url: `https://t20.okta.com/?q=${canary}`, api_token: `SSWS ${canary}` },
      { base_url: org.origin, api_token: `${canary} ${canary}` },
      { base_url: org.origin, client_id: canary, private_key: canary, key_id: canary },
      { base_url: org.origin, client_id: CLIENT, private_key: { kty: "RSA", d: canary }, key_id: canary },
      { base_url: org.origin, client_id: CLIENT, private_key: `-----BEGIN PRIVATE KEY-----\n${canary}` },
      { base_url: org.origin, api_token: canary, client_id: canary },
      { api_token: { deep: canary } },
      { token: canary },
    ];
    for (const body of bodies) {
      const response = await post(body);
      expect(response.status).not.toBe(500);
      const text = new TextDecoder().decode(await response.arrayBuffer());
      expect(`${text}${JSON.stringify([...response.headers])}`).not.toContain("canary");
    }
    expect(lines.length).toBeGreaterThan(0);
    expect(lines.join("\n")).not.toContain("canary");
    await gateUntouched();
  });

  test.each([
    [
      "an admin console",
      { base_url: "https://company-admin.okta.com", api_token: "t" },
      "body.base_url",
      "it is the address of the admin console; use the org's own address: https://company.okta.com",
    ],
    [
      "a host that is not Okta's",
      { base_url: "https://company.example.com", api_token: "t" },
      "body.base_url",
      /^its host is not Okta's/,
    ],
    [
      "a private address",
      { base_url: "https://169.254.169.254", api_token: "t" },
      "body.base_url",
      /^the address is private/,
    ],
    ["loopback", { base_url: "http://127.0.0.1:8790", api_token: "t" }, "body.base_url", /ALLOW_LOOPBACK/],
    [
      "a path",
      { base_url: "https://company.okta.com/login", api_token: "t" },
      "body.base_url",
      /^it must not hold a path/,
    ],
    [
      "a base URL alone: the stored credential is not sent there",
      { base_url: "https://attacker.okta.com" },
      "body.api_token",
      "it is missing: the stored credential is not sent to another base URL; give the token to test with it",
    ],
    [
      "half a service app",
      { base_url: "https://company.okta.com", client_id: "0oa1" },
      "body.private_key",
      /^it is missing/,
    ],
    [
      "two credentials",
      { base_url: "https://company.okta.com", api_token: "t", client_id: "0oa1", private_key: "x" },
      "body.api_token",
      /^both an API token and an OAuth service app are set/,
    ],
    [
      "a key that is misspelt",
      { apitoken: "t" },
      "body.apitoken",
      /^it is not known here; the known names are /,
    ],
    ["a token that is no text", { api_token: 1 }, "body.api_token", "it must be text"],
    ["an empty token", { api_token: " " }, "body.api_token", /^it is missing/],
  ])("is refused before any call: %s", async (_, body, field, message) => {
    const response = await post(body);
    expect(response.status).toBe(400);
    expect(await response.json()).toMatchObject({
      code: "invalid_request",
      errors: [{ field, message: typeof message === "string" ? message : expect.stringMatching(message) }],
    });
    expect((await org.stats()).total).toBe(0);
  });
});

describe("the route", () => {
  test("needs a key with full rights", async () => {
    const keys = String(Reflect.get(env, "API_KEYS"));
    const readKey = /read:([^,]+)/.exec(keys)?.[1] ?? "";
    expect((await post({}, { key: readKey })).status).toBe(403);
    expect((await post({}, { key: "no-key-0123456789-0123456789-0123456789" })).status).toBe(401);
    expect((await org.stats()).total).toBe(0);
  });

  test("accepts no body, an empty one, or JSON", async () => {
    expect((await post()).status).toBe(200);
    expect((await post({})).status).toBe(200);
    expect((await post([])).status).toBe(400);
  });

  test("is described with an example that fits", () => {
    const path = apiDocument(app).paths?.["/v1/test-connection"];
    expect(path?.post).toMatchObject({ operationId: "postV1TestConnection", tags: ["Service"] });
  });
});
