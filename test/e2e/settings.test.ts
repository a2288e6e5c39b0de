/** A wrong setting names itself, says what is wrong and what a right one looks like, on every route that needs it. */
import { createExecutionContext, waitOnExecutionContext } from "cloudflare:test";
import { env } from "cloudflare:workers";
import { describe, expect, test } from "vitest";
import worker from "../../src/index.ts";
import { apiKey } from "../support/org.ts";

const SECRET = "a-secret-that-nobody-may-see";

interface Answer {
  readonly code: string;
  readonly detail: string;
  readonly problems: readonly { setting: string; message: string }[];
}

/** Asks the Worker under changed settings; undefined leaves one out. */
const ask = async (settings: object, method: string, path: string, body?: unknown): Promise<Response> => {
  const changed: Env = { ...env, ...settings };
  const context = createExecutionContext();
  const request = new Request<unknown, IncomingRequestCfProperties>(`https://connector.example.com${path}`, {
    method,
    headers: { authorization: `Bearer ${apiKey()}`, "content-type": "application/json" },
    ...(body === undefined ? {} : { body: JSON.stringify(body) }),
  });
  const response = await worker.fetch(request, changed, context);
  await waitOnExecutionContext(context);
  return response;
};

const routesOfConnection: readonly (readonly [string, string, unknown?])[] = [
  ["POST", "/v1/streams/users/runs", { kind: "full" }],
  ["GET", "/v1/streams/users"],
  ["GET", "/v1/inventory/users"],
  ["GET", "/v1/enrichments/accounts/mary"],
];

const wrong: readonly (readonly [string, object, string, RegExp])[] = [
  ["a base URL on http", { OKTA_BASE_URL: "http://company.okta.com" }, "OKTA_BASE_URL", /https:\/\//],
  [
    "a base URL with a path",
    { OKTA_BASE_URL: "https://company.okta.com/admin" },
    "OKTA_BASE_URL",
    /https:\/\/\S+\.okta\.com/,
  ],
  [
    "a base URL that is not Okta's",
    { OKTA_BASE_URL: "https://okta.attacker.invalid" },
    "OKTA_BASE_URL",
    /okta\.com/,
  ],
  ["a base URL that is none", { OKTA_BASE_URL: "company" }, "OKTA_BASE_URL", /https:\/\/\S+\.okta\.com/],
  ["no base URL", { OKTA_BASE_URL: undefined }, "OKTA_BASE_URL", /https:\/\/\S+\.okta\.com/],
  ["no token", { OKTA_API_TOKEN: undefined }, "OKTA_API_TOKEN", /token/i],
  ["an empty token", { OKTA_API_TOKEN: "" }, "OKTA_API_TOKEN", /token/i],
  ["a share beyond all", { OKTA_RATE_LIMIT_SHARE: "2" }, "OKTA_RATE_LIMIT_SHARE", /0\.5|between|at most 1/],
];

describe("a setting of the connection", () => {
  test.each(wrong)("%s", async (_, settings, setting, right) => {
    for (const [method, path, body] of routesOfConnection) {
      const response = await ask({ OKTA_API_TOKEN: SECRET, ...settings }, method, path, body);
      expect({ path, status: response.status }).toEqual({ path, status: 503 });
      expect(response.headers.get("content-type")).toBe("application/problem+json");
      const text = await response.text();
      expect(text).not.toContain(SECRET);
      const answer: Answer = JSON.parse(text);
      expect(answer.code).toBe("misconfigured");
      const problem = answer.problems.find((candidate) => candidate.setting === setting);
      expect(problem?.message).toMatch(right);
      expect(problem?.message.length).toBeGreaterThan(20);
    }
  });

  test("that only runs need stops only them, and the status tells it", async () => {
    const settings = { DELETION_GUARD: "20%" };
    const refused = await ask(settings, "POST", "/v1/streams/users/runs", { kind: "full" });
    expect(refused.status).toBe(503);
    const answer = await refused.json<Answer>();
    expect(answer).toMatchObject({ code: "misconfigured", problems: [{ setting: "DELETION_GUARD" }] });
    expect(answer.detail).toMatch(/DELETION_GUARD.*from 0 to 1/);
    const status = await ask(settings, "GET", "/v1/streams/users?connection=t9");
    expect(status.status).toBe(200);
    expect(await status.json()).toMatchObject({ problems: [{ setting: "DELETION_GUARD" }] });
  });

  test("that only posture needs stops only posture", async () => {
    const settings = { POSTURE_EXCEPTIONS: '[{"check": "admin_without_mfa", "group_id": "00g1"}]' };
    for (const path of ["/v1/posture", "/v1/inventory/users/search?posture=locked_out"]) {
      const refused = await ask(settings, "GET", `${path}${path.includes("?") ? "&" : "?"}connection=t9`);
      expect({ path, status: refused.status }).toEqual({ path, status: 503 });
      const { code, problems } = await refused.json<Answer>();
      expect({ code, setting: problems[0]?.setting }).toEqual({
        code: "misconfigured",
        setting: "POSTURE_EXCEPTIONS[0].reason",
      });
    }
    for (const path of ["/v1/inventory/users/search?mfa=unknown", "/v1/streams/users"]) {
      const answer = await ask(settings, "GET", `${path}${path.includes("?") ? "&" : "?"}connection=t9`);
      expect({ path, status: answer.status }).toEqual({ path, status: 200 });
    }
  });

  test("of one connection leaves the others alone", async () => {
    const broken = { OKTA_BASE_URL: "nonsense" };
    expect((await ask(broken, "GET", "/v1/streams/users?connection=t9")).status).toBe(200);
    expect((await ask(broken, "GET", "/healthz")).status).toBe(200);
  });

  test("a connection that is not configured is a 404 that tells which there are", async () => {
    const response = await ask({}, "GET", "/v1/streams/users?connection=nobody");
    expect(response.status).toBe(404);
    expect(await response.json()).toMatchObject({
      code: "unknown_connection",
      detail: expect.stringContaining("t1"),
    });
  });
});

describe("API_KEYS", () => {
  test.each([
    ["too short", "short"],
    ["one of two too short", `${"k".repeat(40)},short`],
    ["missing", undefined],
  ])("%s: nobody is let in, and the setting is named with what is right", async (_, keys) => {
    const response = await ask({ API_KEYS: keys }, "GET", "/v1/streams");
    expect([401, 503]).toContain(response.status);
    const text = await response.text();
    expect(text).toContain("API_KEYS");
    if (response.status === 503) expect(text).toMatch(/32/);
    expect(text).not.toContain("short,");
  });
});

describe("a setting that is not JSON", () => {
  const expectNamed = async (response: Response, name: string): Promise<void> => {
    const answer = await response.json<Answer>();
    const problem = answer.problems.find(({ setting }) => setting === name);
    expect(problem?.message).toMatch(/JSON/);
    expect(problem?.message).toMatch(/[[{]/); // what a right value looks like
  };

  test.each([
    ["CONNECTIONS", "/v1/streams?connection=acme"],
    ["MALICE_RULES", "/v1/enrichments/accounts/mary"],
  ])("%s stops what needs it", async (name, path) => {
    const response = await ask({ [name]: '[{"id": ' }, "GET", path);
    expect(response.status).toBe(503);
    await expectNamed(response, name);
  });

  test.each(["CONNECTIONS", "MALICE_RULES", "SINKS"])(
    "%s is shown beside the streams, which go on",
    async (name) => {
      const response = await ask({ [name]: '[{"id": ' }, "GET", "/v1/streams");
      expect(response.status).toBe(200);
      await expectNamed(response, name);
    },
  );
});
