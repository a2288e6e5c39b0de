import { afterEach, beforeEach, describe, expect, test, vi } from "vitest";
import { field, testOrg } from "./support.ts";

const headers = (answer: { headers: Headers }): (string | null)[] =>
  ["limit", "remaining", "reset"].map((name) => answer.headers.get(`x-rate-limit-${name}`));

describe("rate limits", () => {
  // The clock stands, so that no window ends in the middle of a test.
  beforeEach(() => void vi.useFakeTimers({ toFake: ["Date"], now: Date.UTC(2025, 0, 15, 12) }));
  afterEach(() => void vi.useRealTimers());

  test("users and factors drain one bucket; over it is a 429 and a violation", async () => {
    const t = testOrg({ limits: { "/api/v1/users": 3 } });
    const user = t.org.dump().users[0]?.id;
    const first = await t.get("/api/v1/users");
    expect(headers(first).slice(0, 2)).toEqual(["3", "2"]);
    await t.get(`/api/v1/users/${user}/factors`);
    expect(headers(await t.get("/api/v1/users"))[1]).toBe("0");
    const refused = await t.get(`/api/v1/users/${user}/factors`);
    expect(refused.status).toBe(429);
    expect(field(refused, "errorCode")).toBe("E0000047");
    expect(headers(refused).slice(0, 2)).toEqual(["3", "0"]);
    expect((await t.get(`/api/v1/users/${user}`)).status).toBe(200);
    const { buckets, violations } = t.org.stats();
    expect(violations).toBe(1);
    expect(buckets.find((bucket) => bucket.bucket === "/api/v1/users")).toMatchObject({
      limit: 3,
      fullest: 4,
    });
  });

  test("a window is over at its reset, by the server's clock", async () => {
    const t = testOrg({ limits: { "/api/v1/logs": 1 }, clockOffsetMs: 5 * 86_400_000 });
    await t.get("/api/v1/logs");
    const refused = await t.get("/api/v1/logs");
    expect(refused.status).toBe(429);
    const date = Date.parse(refused.headers.get("date") ?? "");
    expect(date).toBe(Date.now() + 5 * 86_400_000);
    const wait = Number(refused.headers.get("x-rate-limit-reset")) * 1000 - date;
    expect(wait).toBeGreaterThanOrEqual(0);
    expect(wait).toBeLessThanOrEqual(61_000);
    await t.control("POST", "/clock", { advance_ms: wait + 1000 });
    expect((await t.get("/api/v1/logs")).status).toBe(200);
  });

  test("windows of different buckets start at different instants", async () => {
    const t = testOrg({ limits: "published", duplicateRateLimitHeaders: false });
    const resets = new Set<string | null>();
    for (const path of ["users", "groups", "devices", "logs"])
      resets.add(headers(await t.get(`/api/v1/${path}`))[2] ?? null);
    expect(resets.size).toBeGreaterThan(1);
  });

  test("some endpoints send every header twice", async () => {
    const t = testOrg({ limits: "published" });
    expect(headers(await t.get("/api/v1/groups")).slice(0, 2)).toEqual(["500, 1000", "499, 999"]);
    expect(headers(await testOrg({ noRateLimitHeaders: true }).get("/api/v1/groups"))).toEqual([
      null,
      null,
      null,
    ]);
  });

  test("other applications use the same windows", async () => {
    const t = testOrg({ limits: "published", otherTraffic: { "/api/v1/logs": 119 } });
    expect(headers(await t.get("/api/v1/logs"))[1]).toBe("0");
    expect((await t.get("/api/v1/logs")).status).toBe(429);
  });

  test("too many calls at once are refused with a limit of 0", async () => {
    const t = testOrg({ concurrency: 3, latencyMs: 20 });
    const answers = await Promise.all(Array.from({ length: 5 }, () => t.get("/api/v1/groups?limit=1")));
    const refused = answers.filter((answer) => answer.status === 429);
    expect(refused).toHaveLength(2);
    for (const answer of refused) expect(headers(answer).slice(0, 2)).toEqual(["0", "0"]);
    expect(t.org.stats()).toMatchObject({ peakConcurrency: 4, concurrencyRefused: 2, violations: 0 });
  });
});

describe("credentials", () => {
  test("a missing, a wrong and a revoked token", async () => {
    const t = testOrg();
    const call = async (authorization?: string) => {
      const request = new Request(
        "https://acme.okta.com/api/v1/users",
        authorization ? { headers: { authorization } } : {},
      );
      const response = await t.org.fetch(request);
      return [response.status, Reflect.get(Object(await response.json()), "errorCode")];
    };
    expect(await call()).toEqual([403, "E0000005"]);
    expect(await call("SSWS wrong")).toEqual([401, "E0000011"]);
    expect(await call("SSWS sim-token")).toEqual([200, undefined]);
    await t.control("POST", "/restrict", { token: null });
    expect(await call("SSWS sim-token")).toEqual([401, "E0000011"]);
  });

  test("a restriction leaves every other option as it was", async () => {
    const t = testOrg({ windowMs: 3000, latencyMs: 1, forbid: ["devices"] });
    const before = field(await t.control("GET", "/options"), "windowMs");
    await t.control("POST", "/restrict", { emptyLists: true });
    const { body } = await t.control("GET", "/options");
    expect(before).toBe(3000);
    expect(body).toMatchObject({ windowMs: 3000, latencyMs: 1, forbid: ["devices"], emptyLists: true });
  });

  test("what the credential may not read is 403 E0000006; the rest goes on", async () => {
    const t = testOrg({ forbid: ["roles"] });
    const id = t.org.dump().users[0]?.id;
    expect(field(await t.get(`/api/v1/users/${id}/roles`), "errorCode")).toBe("E0000006");
    expect((await t.get(`/api/v1/users/${id}/factors`)).status).toBe(200);
  });

  test("the well-known document needs no credential", async () => {
    const response = await testOrg().org.fetch(
      new Request("https://acme.okta.com/.well-known/okta-organization"),
    );
    expect(await response.json()).toMatchObject({ pipeline: "idx" });
  });

  test("writing is 405 and unknown paths are 404", async () => {
    const { org } = testOrg();
    const status = async (path: string, method: string) =>
      (await org.fetch(new Request(`https://acme.okta.com${path}`, { method }))).status;
    expect(await status("/api/v1/users", "POST")).toBe(405);
    expect(await status("/api/v1/apps", "GET")).toBe(404);
  });
});
