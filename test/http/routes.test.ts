import LinkHeader from "http-link-header";
import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import type { StreamRefusal } from "../../src/contract/stream-api.ts";
import { err, ok } from "../../src/lib/result.ts";
import { fakeStream, goodSettings, makeApp, muteLog, problemOf, runOf, statusOf, textOf } from "./support.ts";

beforeEach(muteLog);
afterEach(() => vi.restoreAllMocks());

describe("streams and runs", () => {
  it("shows both streams, and one", async () => {
    const { call } = makeApp();
    const both = await call("GET", "/v1/streams");
    expect(await both.json()).toEqual({
      streams: [statusOf("default", "users"), statusOf("default", "devices")],
    });
    const one = await call("GET", "/v1/streams/devices");
    expect(await one.json()).toEqual(statusOf("default", "devices"));
  });

  it("tells of a sink that a wrong setting keeps from running", async () => {
    const SINKS = [{ type: "http", name: "siem", url: "http://siem.example.com/" }];
    const { call } = makeApp({ settings: { ...goodSettings, SINKS } });
    for (const path of ["/v1/streams", "/v1/streams/users"]) {
      const response = await call("GET", path);
      expect(response.status).toBe(200);
      const { problems } = await response.json<{ problems: { setting: string; message: string }[] }>();
      expect(problems.map((problem) => problem.setting)).toEqual(["SINKS[0].url"]);
      expect(problems[0]?.message).toContain("https://");
    }
  });

  it("tells of other settings that stop only a part", async () => {
    const wrong = { MALICE_RULES: "{", ENRICHMENT_TTL_SECONDS: "1h", CONNECTIONS: "[", ACCESS_TEAM: "team" };
    const response = await makeApp({ settings: { ...goodSettings, ...wrong } }).call("GET", "/v1/streams");
    expect(response.status).toBe(200);
    const { problems } = await response.json<{ problems: { setting: string }[] }>();
    expect(problems.map((problem) => problem.setting).sort()).toEqual([
      "ACCESS_AUD",
      "CONNECTIONS",
      "ENRICHMENT_TTL_SECONDS",
      "MALICE_RULES",
    ]);
  });

  it.each(["full", "delta"] as const)("starts a %s run: 202 and the run", async (kind) => {
    const response = await makeApp().call("POST", "/v1/streams/users/runs", { body: { kind } });
    expect(response.status).toBe(202);
    expect(await response.json()).toEqual(runOf(kind));
  });

  it("answers 200 with the run that is on", async () => {
    const running = runOf("delta");
    const { call } = makeApp({
      stream: (_env, connection, stream) => ({
        ...fakeStream(connection, stream),
        startRun: async () => ok({ started: false, run: running }),
      }),
    });
    const response = await call("POST", "/v1/streams/users/runs", { body: { kind: "full" } });
    expect(response.status).toBe(200);
    expect(await response.json()).toEqual(running);
  });

  it("lists runs, cancels, confirms", async () => {
    const { call } = makeApp();
    expect(await (await call("GET", "/v1/streams/users/runs")).json()).toEqual({
      runs: [runOf("delta", "done"), runOf("full", "done")],
    });
    const cancelled = await call("DELETE", "/v1/streams/users/runs/current");
    expect(await cancelled.json()).toEqual(runOf("full", "cancelled"));
    const confirmed = await call("POST", "/v1/streams/users/deletions/confirm");
    expect(confirmed.status).toBe(202);
    expect(await confirmed.json()).toEqual(runOf("delta"));
  });

  it.each([
    ["misconfigured", 503],
    ["not_found", 404],
    ["conflict", 409],
  ] as const)("a stream that refuses with %s answers %i", async (code, status) => {
    const refusal: StreamRefusal = { code, message: "No, because of this." };
    const { call } = makeApp({
      stream: (_env, connection, stream) => ({
        ...fakeStream(connection, stream),
        startRun: async () => err(refusal),
        cancelRun: async () => err(refusal),
        confirmDeletions: async () => err(refusal),
      }),
    });
    const answers = [
      await call("POST", "/v1/streams/users/runs", { body: { kind: "full" } }),
      await call("DELETE", "/v1/streams/users/runs/current"),
      await call("POST", "/v1/streams/users/deletions/confirm"),
    ];
    for (const answer of answers) {
      expect(await problemOf(answer)).toMatchObject({ code, status, detail: "No, because of this." });
    }
  });
});

describe("inventory", () => {
  it("pages in sequence order while there is a next", async () => {
    const { call } = makeApp();
    const lines: string[] = [];
    const visited: string[] = [];
    let path: string | null = "/v1/inventory/users?limit=3&dialect=ocsf&connection=default";
    while (path !== null) {
      visited.push(path);
      const response: Response = await call("GET", path);
      expect(response.headers.get("Content-Type")).toBe("application/x-ndjson");
      lines.push(...(await textOf(response)).split("\n").filter((line) => line !== ""));
      expect(response.headers.get("X-Last-Sequence")).toBe(String(lines.length));
      const link = response.headers.get("Link");
      const next: string | undefined = link === null ? undefined : LinkHeader.parse(link).rel("next")[0]?.uri;
      if (next !== undefined)
        expect(next).toMatch(/^https:\/\/connector\.example\.com\/v1\/inventory\/users\?/);
      path = next === undefined ? null : next.slice("https://connector.example.com".length);
    }
    expect(lines.map((line) => JSON.parse(line))).toEqual(
      [1, 2, 3, 4, 5, 6, 7].map((sequence) => ({ sequence })),
    );
    expect(visited).toHaveLength(3);
    for (const page of visited) expect(page).toContain("dialect=ocsf");
  });

  it("ends with an empty page that keeps the position", async () => {
    const response = await makeApp().call("GET", "/v1/inventory/users?after=7");
    expect(response.status).toBe(200);
    expect(await textOf(response)).toBe("");
    expect(response.headers.get("X-Last-Sequence")).toBe("7");
    expect(response.headers.get("Link")).toBeNull();
    expect(response.headers.get("X-Inventory")).toBe("inventory-of-default-users");
  });

  it("refuses a number above the highest, names the inventory and says what to do", async () => {
    const response = await makeApp().call("GET", "/v1/inventory/users?after=8");
    expect(response.headers.get("X-Inventory")).toBe("inventory-of-default-users");
    const problem = await problemOf(response);
    expect(problem).toMatchObject({ status: 409, code: "sequence_ahead" });
    expect(problem.detail).toMatch(/\b7\b.*\b8\b.*after=0/);
  });

  it("lets a puller of an empty inventory begin, and refuses one that was further", async () => {
    const { call } = makeApp({ stream: (_env, connection, stream) => fakeStream(connection, stream, 0) });
    const first = await call("GET", "/v1/inventory/users");
    expect([first.status, first.headers.get("X-Last-Sequence")]).toEqual([200, "0"]);
    expect(await problemOf(await call("GET", "/v1/inventory/users?after=1"))).toMatchObject({
      code: "sequence_ahead",
      detail: expect.stringContaining("empty"),
    });
  });

  it("tells the digits of a number of µs apart", async () => {
    const head = 8_999_999_999_999_999;
    const { call } = makeApp({ stream: (_env, connection, stream) => fakeStream(connection, stream, head) });
    const page = await call("GET", `/v1/inventory/users?after=${head - 2}&limit=1`);
    expect(page.headers.get("X-Last-Sequence")).toBe("8999999999999998");
    expect(page.headers.get("Link")).toContain("after=8999999999999998");
    expect(await call("GET", `/v1/inventory/users?after=${head}`)).toMatchObject({ status: 200 });
    expect(await call("GET", `/v1/inventory/users?after=${head + 1}`)).toMatchObject({ status: 409 });
  });

  it("asks for 1,000 events from the start in the sekoia dialect unless told otherwise", async () => {
    const asked: unknown[] = [];
    const { call } = makeApp({
      stream: (_env, connection, stream) => ({
        ...fakeStream(connection, stream),
        events: async (query) => {
          asked.push({ connection, stream, ...query });
          return { events: [], last: query.after, head: 0 };
        },
      }),
    });
    await call("GET", "/v1/inventory/devices");
    await call("GET", "/v1/inventory/users?after=12&limit=1&dialect=ocsf");
    expect(asked).toEqual([
      { connection: "default", stream: "devices", after: 0, limit: 1000, dialect: "sekoia" },
      { connection: "default", stream: "users", after: 12, limit: 1, dialect: "ocsf" },
    ]);
  });

  it("shows one asset, or says that there is none", async () => {
    const { call } = makeApp();
    const found = await call("GET", "/v1/inventory/users/u3");
    expect(found.headers.get("Content-Type")).toBe("application/json");
    expect(await found.json()).toEqual({ sequence: 3 });
    expect(await problemOf(await call("GET", "/v1/inventory/users/u4"))).toMatchObject({ code: "not_found" });
  });
});

describe("connections", () => {
  const settings = {
    ...goodSettings,
    CONNECTIONS: [
      { id: "acme", base_url: "https://acme.okta.com", secret_prefix: "ACME_" },
      { id: "broken", base_url: "https://broken.okta.com", secret_prefix: "BROKEN_" },
    ],
    ACME_API_TOKEN: "00acme",
  };
  const paths = ["/v1/streams", "/v1/streams/users", "/v1/streams/users/runs", "/v1/inventory/users"];

  it("selects the connection everywhere", async () => {
    const asked: string[] = [];
    const { call } = makeApp({
      settings,
      stream: (_env, connection, stream) => {
        asked.push(connection);
        return fakeStream(connection, stream);
      },
    });
    for (const path of paths) expect((await call("GET", `${path}?connection=acme`)).status).toBe(200);
    expect(new Set(asked)).toEqual(new Set(["acme"]));
  });

  it.each(paths)("a broken or unknown one affects no other: %s", async (path) => {
    const { call } = makeApp({ settings });
    const broken = await problemOf(await call("GET", `${path}?connection=broken`));
    expect(broken).toMatchObject({ code: "misconfigured", status: 503 });
    expect(broken.problems?.map((problem) => problem.setting)).toEqual(["BROKEN_API_TOKEN"]);
    const unknown = await problemOf(await call("GET", `${path}?connection=nope`));
    expect(unknown).toMatchObject({ code: "unknown_connection", status: 404 });
    expect(unknown.detail).toContain("default, acme, broken");
    expect((await call("GET", path)).status).toBe(200);
  });

  it.each(["replay", "dead-letters"])("names what keeps a sink from running: %s", async (action) => {
    const SINKS = [{ type: "http", name: "siem", url: "http://siem.example.com/" }];
    const { call } = makeApp({ settings: { ...goodSettings, SINKS } });
    const body = action === "replay" ? { after: 0 } : {};
    const problem = await problemOf(await call("POST", `/v1/streams/users/sinks/siem/${action}`, { body }));
    expect(problem).toMatchObject({ code: "misconfigured", status: 503 });
    expect(problem.problems?.map((each) => each.setting)).toEqual(["SINKS[0].url"]);
  });

  it.each([
    [{ MALICE_RULES: '{"conditions":[{"field":"state"}]}' }, "MALICE_RULES.conditions[0].field"],
    [{ ENRICHMENT_TTL_SECONDS: "1h" }, "ENRICHMENT_TTL_SECONDS"],
  ])("names a setting that look-ups need: %j", async (change, setting) => {
    const { call } = makeApp({ settings: { ...goodSettings, ...change } });
    const answers = [
      await call("GET", "/v1/enrichments/accounts/mary"),
      await call("POST", "/v1/enrichments", { body: { accounts: ["mary"] } }),
    ];
    for (const answer of answers) {
      const problem = await problemOf(answer);
      expect(problem).toMatchObject({ code: "misconfigured", status: 503 });
      expect(problem.problems?.map((each) => each.setting)).toContain(setting);
    }
  });

  it("names CONNECTIONS where it cannot be read", async () => {
    const { call } = makeApp({ settings: { ...goodSettings, CONNECTIONS: "[" } });
    const problem = await problemOf(await call("GET", "/v1/streams?connection=acme"));
    expect(problem).toMatchObject({ code: "misconfigured", status: 503 });
    expect(problem.problems?.[0]?.setting).toBe("CONNECTIONS");
    expect((await call("GET", "/v1/streams")).status).toBe(200);
  });

  it.each([
    [{ DELETION_GUARD: "20%" }, "DELETION_GUARD"],
    [{ REFRESH_DAYS: "0" }, "REFRESH_DAYS"],
    [{ SUBREQUESTS_PER_SLICE: "many" }, "SUBREQUESTS_PER_SLICE"],
  ])("a setting that only runs need is told there and in the status: %j", async (change, setting) => {
    const { call } = makeApp({ settings: { ...goodSettings, ...change } });
    for (const path of paths) expect((await call("GET", path)).status).toBe(200);
    for (const path of ["/v1/streams", "/v1/streams/users"]) {
      expect(await (await call("GET", path)).json()).toMatchObject({ problems: [{ setting }] });
    }
    const refused = await call("POST", "/v1/streams/users/runs", { body: { kind: "full" } });
    expect(await problemOf(refused)).toMatchObject({
      code: "misconfigured",
      status: 503,
      problems: [{ setting }],
    });
  });

  it.each([
    [{ OKTA_BASE_URL: "https://evil.example" }, "OKTA_BASE_URL", "https://your-domain.okta.com"],
    [{ OKTA_API_TOKEN: "" }, "OKTA_API_TOKEN", "Security > API > Tokens"],
    [{ OKTA_RATE_LIMIT_SHARE: "2" }, "OKTA_RATE_LIMIT_SHARE", "0.5"],
  ])("%j is told on every route that needs it", async (change, setting, hint) => {
    const { call } = makeApp({ settings: { ...goodSettings, ...change } });
    const answers = [
      ...(await Promise.all(paths.map((path) => call("GET", path)))),
      await call("POST", "/v1/streams/users/runs", { body: { kind: "full" } }),
    ];
    for (const answer of answers) {
      const problem = await problemOf(answer);
      expect(problem).toMatchObject({ code: "misconfigured", status: 503 });
      expect(problem.problems?.map((each) => each.setting)).toEqual([setting]);
      expect(problem.problems?.[0]?.message).toContain(hint);
      expect(problem.detail).toContain(setting);
      expect(problem.detail).toContain(hint);
    }
    expect((await call("GET", "/healthz")).status).toBe(200);
    expect((await call("GET", "/metrics")).status).toBe(200);
  });
});

describe("input that does not fit", () => {
  it.each([
    ["GET", "/v1/inventory/users?limit=0", undefined, "query.limit", "from 1 to 1000"],
    ["GET", "/v1/inventory/users?limit=10001", undefined, "query.limit", "from 1 to 10000"],
    ["GET", "/v1/inventory/users?limit=ten", undefined, "query.limit", "whole number"],
    ["GET", "/v1/inventory/users?limit=1e2", undefined, "query.limit", "whole number"],
    ["GET", "/v1/inventory/users?limit=", undefined, "query.limit", "whole number"],
    ["GET", "/v1/inventory/users?after=-1", undefined, "query.after", "whole number"],
    ["GET", "/v1/inventory/users?after=1&after=2", undefined, "query.after", "once"],
    ["GET", "/v1/inventory/users?after=9999999999999999", undefined, "query.after", "whole number"],
    ["GET", "/v1/inventory/users?dialect=cef", undefined, "query.dialect", "sekoia, sekoia_2026 or ocsf"],
    ["GET", "/v1/inventory/users?afer=1", undefined, "query.afer", "after, limit, dialect, connection"],
    ["GET", `/v1/inventory/users/${"x".repeat(256)}`, undefined, "path.id", "255"],
    ["GET", "/v1/streams?stream=users", undefined, "query.stream", "connection"],
    ["POST", "/v1/streams/users/runs", {}, "body.kind", '"full" or "delta"'],
    ["POST", "/v1/streams/users/runs", { kind: "Full" }, "body.kind", '"full" or "delta"'],
    ["POST", "/v1/streams/users/runs", { kind: "full", force: true }, "body.force", "kind"],
    ["POST", "/v1/streams/users/runs", [], "body", "object"],
    ["POST", "/v1/streams/users/runs", "null", "body", "object"],
  ])("%s %s %j", async (method, path, body, field, hint) => {
    const problem = await problemOf(await makeApp().call(method, path, { body }));
    expect(problem).toMatchObject({ code: "invalid_request", status: 400 });
    expect(problem.errors?.map((each) => each.field)).toEqual([field]);
    expect(problem.errors?.[0]?.message).toContain(hint);
    expect(problem.detail).toContain(field);
  });

  it.each(["", "{", '{"kind":"full"', "kind=full"])("a body that is no JSON: %j", async (body) => {
    const problem = await problemOf(await makeApp().call("POST", "/v1/streams/users/runs", { body }));
    expect(problem).toMatchObject({ code: "malformed_json", status: 400 });
  });

  it("a body of another type", async () => {
    const headers = { "Content-Type": "application/x-www-form-urlencoded" };
    const body = '{"kind":"full"}';
    const problem = await problemOf(
      await makeApp().call("POST", "/v1/streams/users/runs", { body, headers }),
    );
    expect(problem).toMatchObject({ code: "unsupported_media_type", status: 415 });
    expect(problem.detail).toContain("application/json");
  });

  it("no body at all", async () => {
    const problem = await problemOf(await makeApp().call("POST", "/v1/streams/users/runs"));
    expect(problem).toMatchObject({ code: "invalid_request", status: 400 });
    expect(problem.errors?.map((each) => each.field)).toEqual(["body.kind"]);
  });

  it.each([
    "/v1/streams/groups",
    "/v1/streams/Users/runs",
    "/v1/inventory/groups",
    "/v1/inventory/groups/u1",
  ])("an unknown stream: %s", async (path) => {
    const problem = await problemOf(await makeApp().call("GET", path));
    expect(problem).toMatchObject({ code: "unknown_stream", status: 404 });
    expect(problem.detail).toContain("users, devices");
  });

  it.each([
    ["GET", "/v1/nothing"],
    ["GET", "/v1/streams/users/runs/current/x"],
    ["GET", "/v1/streams/"],
    ["GET", "/nothing"],
  ])("an unknown route: %s %s", async (method, path) => {
    expect(await problemOf(await makeApp().call(method, path))).toMatchObject({
      code: "not_found",
      status: 404,
    });
  });

  it.each([
    ["POST", "/healthz", "GET, HEAD"],
    ["PUT", "/v1/streams", "GET, HEAD"],
    ["OPTIONS", "/v1/streams", "GET, HEAD"],
    ["GET", "/v1/streams/users/runs/current", "DELETE"],
    ["PATCH", "/v1/streams/users/runs", "GET, HEAD, POST"],
    ["GET", "/v1/streams/users/deletions/confirm", "POST"],
  ])("a method that the route does not take: %s %s", async (method, path, allow) => {
    const response = await makeApp().call(method, path);
    expect(response.headers.get("Allow")?.split(", ").sort()).toEqual(allow.split(", ").sort());
    expect(await problemOf(response)).toMatchObject({ code: "method_not_allowed", status: 405 });
  });

  it("bodies, URLs and headers that are too large", async () => {
    const { call } = makeApp();
    const body = JSON.stringify({ kind: "full", filler: "x".repeat(256 * 1024) });
    const large = await problemOf(await call("POST", "/v1/streams/users/runs", { body }));
    expect(large).toMatchObject({ code: "payload_too_large", status: 413 });
    const long = await problemOf(await call("GET", `/v1/streams?connection=${"x".repeat(16_384)}`));
    expect(long).toMatchObject({ code: "uri_too_long", status: 414 });
    const headers = { "X-Filler": "x".repeat(33_000) };
    const heavy = await problemOf(await call("GET", "/v1/streams", { headers }));
    expect(heavy).toMatchObject({ code: "headers_too_large", status: 431 });
  });

  it("the bounds that /docs states are those that are kept", async () => {
    const { call } = makeApp();
    const docs = await (await call("GET", "/docs")).text();
    const stated = (code: string): number => {
      const [, row = ""] = docs.split(`id="problem-${code}"`);
      const [, number = "", unit = ""] = /at most ([\d,]+) (characters|KiB)/.exec(row) ?? [];
      return Number(number.replaceAll(",", "")) * (unit === "KiB" ? 1024 : 1);
    };
    const statusOfUrl = async (length: number) => {
      const path = "/v1/streams?connection=";
      const filler = "x".repeat(length - `https://connector.example.com${path}`.length);
      return (await call("GET", path + filler)).status;
    };
    expect(await statusOfUrl(stated("uri_too_long"))).toBe(404);
    expect(await statusOfUrl(stated("uri_too_long") + 1)).toBe(414);
    const statusOfBody = async (length: number) =>
      (await call("POST", "/v1/streams/users/runs", { body: '{"kind":"full"}'.padEnd(length) })).status;
    expect(await statusOfBody(stated("payload_too_large"))).toBe(202);
    expect(await statusOfBody(stated("payload_too_large") + 1)).toBe(413);
    const statusOfHeaders = async (length: number) =>
      (await call("GET", "/v1/streams", { headers: { "X-Filler": "x".repeat(length) } })).status;
    expect(await statusOfHeaders(stated("headers_too_large") - 200)).toBe(200);
    expect(await statusOfHeaders(stated("headers_too_large"))).toBe(431);
  });

  it("does not read a large body without a key", async () => {
    const body = "x".repeat(300_000);
    const response = await makeApp().call("POST", "/v1/streams/users/runs", { key: null, body });
    expect(response.status).toBe(401);
  });
});

describe("every answer", () => {
  it.each(["/v1/streams", "/v1/inventory/users", "/v1/nothing", "/healthz", "/docs", "/metrics", "/nothing"])(
    "%s has security headers and a request id",
    async (path) => {
      const response = await makeApp().call("GET", path, { headers: { "CF-Ray": "9a1b2c3d4e5f6789-FRA" } });
      expect(response.headers.get("X-Request-Id")).toBe("9a1b2c3d4e5f6789-FRA");
      expect(response.headers.get("X-Content-Type-Options")).toBe("nosniff");
      expect(response.headers.get("X-Frame-Options")).toBe("DENY");
      expect(response.headers.get("Referrer-Policy")).toBe("no-referrer");
      expect(response.headers.get("Strict-Transport-Security")).toContain("max-age=");
      const policy = response.headers.get("Content-Security-Policy");
      expect(policy).toContain("default-src 'none'");
      expect(policy).toContain("frame-ancestors 'none'");
      expect(policy).not.toContain("unsafe");
      expect(response.headers.get("Access-Control-Allow-Origin")).toBeNull();
      if (path.startsWith("/v1")) expect(response.headers.get("Cache-Control")).toBe("no-store");
    },
  );

  it("makes an id where Cloudflare gives none, or something odd", async () => {
    const { call } = makeApp();
    const first = await call("GET", "/healthz");
    const odd = await call("GET", "/healthz", { headers: { "CF-Ray": "a b\tc" } });
    expect(first.headers.get("X-Request-Id")).toMatch(/^[0-9a-f-]{36}$/);
    expect(odd.headers.get("X-Request-Id")).toMatch(/^[0-9a-f-]{36}$/);
  });

  it("has no body for HEAD", async () => {
    const response = await makeApp().call("HEAD", "/v1/inventory/users");
    expect(response.status).toBe(200);
    expect(await textOf(response)).toBe("");
    expect(response.headers.get("X-Last-Sequence")).toBe("7");
  });

  it("writes one log line without the query, ids or headers", async () => {
    const info = vi.spyOn(console, "log").mockImplementation(() => {});
    const { call } = makeApp();
    await call("GET", "/v1/inventory/users/u3?dialect=ocsf", { headers: { "CF-Ray": "ray-1" } });
    await call("GET", "/secret-path?email=mary@example.com", { headers: { "CF-Ray": "ray-2" } });
    const lines = info.mock.calls.map(([line]) => JSON.parse(String(line)));
    expect(lines).toEqual([
      {
        level: "info",
        event: "request",
        request_id: "ray-1",
        method: "GET",
        route: "/v1/inventory/:stream/:id",
        status: 200,
        ms: 0,
        caller: "key",
      },
      {
        level: "info",
        event: "request",
        request_id: "ray-2",
        method: "GET",
        route: "(none)",
        status: 404,
        ms: 0,
      },
    ]);
  });
});

describe("failures behind the routes", () => {
  const failing = (error: unknown) =>
    makeApp({
      stream: (_env, connection, stream) => ({
        ...fakeStream(connection, stream),
        status: async () => {
          throw error;
        },
      }),
    });

  it("a bug is a 500 without details, and a log line with the request id", async () => {
    const lines = vi.spyOn(console, "error").mockImplementation(() => {});
    const { call } = failing(new Error("SELECT went wrong for mary"));
    const response = await call("GET", "/v1/streams", { headers: { "CF-Ray": "ray-3" } });
    const problem = await problemOf(response);
    expect(problem).toMatchObject({ code: "internal_error", status: 500, instance: "ray-3" });
    expect(JSON.stringify(problem)).not.toContain("SELECT");
    expect(JSON.parse(String(lines.mock.calls[0]?.[0]))).toMatchObject({
      event: "request_failed",
      request_id: "ray-3",
      message: "SELECT went wrong for mary",
    });
  });

  it.each(["text", undefined, { code: 1 }])("a thrown %j is a 500 too", async (thrown) => {
    const response = await failing(thrown).call("GET", "/v1/streams");
    expect(await problemOf(response)).toMatchObject({ code: "internal_error", status: 500 });
  });

  it.each([{ retryable: true }, { overloaded: true }])(
    "%j of a Durable Object is a 503",
    async (property) => {
      vi.spyOn(console, "warn").mockImplementation(() => {});
      const response = await failing(Object.assign(new Error("busy"), property)).call("GET", "/v1/streams");
      expect(response.headers.get("Retry-After")).toBe("2");
      expect(await problemOf(response)).toMatchObject({ code: "unavailable", status: 503 });
    },
  );

  it("leaves a failing stream or source out of the metrics", async () => {
    vi.spyOn(console, "error").mockImplementation(() => {});
    const { call } = makeApp({
      stream: (_env, connection, stream) => {
        if (stream === "devices") throw new Error("gone");
        return fakeStream(connection, stream);
      },
      metrics: [
        async () => {
          throw new Error("gone");
        },
        async (_env, connections) => [
          {
            name: "okta_edge_lookups_total",
            help: "Look-ups.",
            type: "counter",
            samples: connections.map((connection) => ({ labels: { connection }, value: 4 })),
          },
        ],
      ],
    });
    const text = await (await call("GET", "/metrics")).text();
    expect(text).toContain('okta_edge_stream_up{connection="default",stream="users"} 1\n');
    expect(text).toContain('okta_edge_stream_up{connection="default",stream="devices"} 0\n');
    expect(text).toContain('okta_edge_assets{connection="default",stream="users"} 5\n');
    expect(text).not.toContain('okta_edge_assets{connection="default",stream="devices"}');
    expect(text).toContain('okta_edge_lookups_total{connection="default"} 4\n');
  });
});
