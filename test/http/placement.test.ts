/** What callers and people are told when the objects are not where the settings want them, or nobody knows. */
import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import { makeSession } from "../../src/http/auth/session.ts";
import type { AppDeps } from "../../src/http/deps.ts";
import { fullKey, goodSettings, keyedRoutes, makeApp, muteLog, problemOf, textOf } from "./support.ts";

beforeEach(muteLog);
afterEach(() => vi.restoreAllMocks());

const message = "This deployment has begun with DATA_JURISDICTION eu, and it is fedramp now.";
const refused: AppDeps["placement"] = async () => ({
  ok: false,
  problems: [{ setting: "DATA_JURISDICTION", message }],
});
const HOOK_SECRET = "hook-secret-0123456789-0123456789-0123";

/** An app none of whose objects may be asked. */
const appWith = (placement: AppDeps["placement"]) =>
  makeApp({
    settings: { ...goodSettings, OKTA_HOOK_SECRET: HOOK_SECRET },
    placement,
    stream: () => expect.fail("a stream is reached"),
    registry: () => expect.fail("the registry is reached"),
  });

const hook = { key: null, body: {}, headers: { Authorization: HOOK_SECRET } };

describe("a refused setting", () => {
  it.each(keyedRoutes)("is named by %s %s", async (method, path, body) => {
    const problem = await problemOf(await appWith(refused).call(method, path, { body }));
    expect(problem).toMatchObject({
      code: "misconfigured",
      problems: [{ setting: "DATA_JURISDICTION", message }],
    });
    expect(problem.detail).toContain(message);
  });

  it("is named to nobody who may not ask", async () => {
    const response = await appWith(refused).call("GET", "/v1/streams", { key: null });
    expect(await problemOf(response)).toMatchObject({ code: "unauthorized" });
  });

  it("is named by event hooks, which Okta then sends again, and only to whoever has the secret", async () => {
    const { call } = appWith(refused);
    expect(await problemOf(await call("POST", "/v1/hooks/okta", hook))).toMatchObject({
      code: "misconfigured",
    });
    const stranger = await call("POST", "/v1/hooks/okta", { ...hook, headers: { Authorization: "guessed" } });
    expect(await problemOf(stranger)).toMatchObject({ code: "unauthorized" });
  });

  it.each([
    ["GET", "/healthz", undefined],
    ["GET", "/docs", undefined],
    ["GET", "/openapi.json", undefined],
    ["POST", "/v1/malice-rules/evaluate", { rules: { conditions: [] }, extracted: { status: "ACTIVE" } }],
  ])("does not concern %s %s, which needs no object", async (method, path, body) => {
    expect((await appWith(refused).call(method, path, { body })).status).toBe(200);
  });

  it.each(["/", "/console/streams", "/console/connection", "/console/account?account=mary"])(
    "is the console's page %s",
    async (path) => {
      const cookie = `__Host-okta_edge_session=${await makeSession(fullKey, 1_000_000)}`;
      const response = await appWith(refused).call("GET", path, { key: null, headers: { cookie } });
      expect(response.status).toBe(503);
      expect(response.headers.get("Content-Type")).toContain("text/html");
      const html = await textOf(response);
      expect(html).toContain("DATA_JURISDICTION");
      expect(html).toContain(message);
    },
  );

  it("lets people sign in to see it", async () => {
    expect((await appWith(refused).call("GET", "/console/sign-in", { key: null })).status).toBe(200);
  });
});

describe("a memory that does not answer", () => {
  const unreachable: AppDeps["placement"] = async () => {
    throw new Error("secret inside");
  };

  it.each(keyedRoutes)("makes %s %s unavailable", async (method, path, body) => {
    const response = await appWith(unreachable).call(method, path, { body });
    expect(response.headers.get("Retry-After")).toBe("2");
    const problem = await problemOf(response);
    expect(problem).toMatchObject({ code: "unavailable", status: 503 });
    expect(problem.detail).not.toContain("secret inside");
  });

  it("does not make the Worker unhealthy", async () => {
    expect((await appWith(unreachable).call("GET", "/healthz", { key: null })).status).toBe(200);
  });

  it("says so when a daily quota is used up", async () => {
    const spent: AppDeps["placement"] = async () => {
      throw new Error("Exceeded allowed rows read in Durable Objects free tier.");
    };
    const problem = await problemOf(await appWith(spent).call("GET", "/v1/streams"));
    expect(problem).toMatchObject({ code: "quota_exhausted" });
  });
});
