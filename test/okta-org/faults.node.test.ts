import { describe, expect, test } from "vitest";
import { nextPage } from "../support/pages.ts";
import { field, listOf, type TestOrg, testOrg } from "./support.ts";

const withFault = async (rule: object, options: Parameters<typeof testOrg>[0] = {}): Promise<TestOrg> => {
  const t = testOrg(options);
  expect((await t.control("POST", "/faults", rule)).status).toBe(200);
  return t;
};

describe("faults", () => {
  test.each([
    ["429", 429, "E0000047"],
    ["concurrency-429", 429, "E0000047"],
    ["500", 500, "E0000009"],
    ["503", 503, undefined],
    ["401", 401, "E0000011"],
    ["403", 403, "E0000006"],
    ["403-scope", 403, undefined],
    ["404", 404, "E0000007"],
    ["html", 200, undefined],
    ["redirect", 302, undefined],
    ["504", 504, undefined],
  ])("%s", async (kind, status, code) => {
    const t = await withFault({ kind, match: { times: 1 } });
    const answer = await t.get("/api/v1/users");
    expect(answer.status).toBe(status);
    expect(field(answer, "errorCode")).toBe(code);
    if (kind === "concurrency-429") expect(answer.headers.get("x-rate-limit-limit")).toBe("0");
    if (kind === "403-scope") expect(answer.headers.get("www-authenticate")).toContain("insufficient_scope");
    if (kind === "redirect") expect(answer.headers.get("location")).toContain("attacker.invalid");
    expect((await t.get("/api/v1/users")).status).toBe(200);
    expect(t.org.stats()).toMatchObject({ injectedFaults: 1, violations: 0, total: 2 });
  });

  test("matching by endpoint, prefix, expression, after, every and times", async () => {
    const statuses = async (match: object, paths: string[]) => {
      const t = await withFault({ kind: "500", match });
      const found: number[] = [];
      for (const path of paths) found.push((await t.get(path)).status);
      return found;
    };
    const users = "/api/v1/users?limit=1";
    const groups = "/api/v1/groups?limit=1";
    expect(await statuses({ endpoint: "GET /api/v1/users" }, [users, groups])).toEqual([500, 200]);
    expect(await statuses({ path: "/api/v1/g" }, [users, groups])).toEqual([200, 500]);
    expect(await statuses({ path: "limit=1$" }, [users, "/api/v1/users"])).toEqual([500, 200]);
    expect(await statuses({ after: 1, times: 1 }, [users, users, users])).toEqual([200, 500, 200]);
    expect(await statuses({ every: 2 }, [users, users, users, users])).toEqual([200, 500, 200, 500]);
    expect(await statuses({ method: "POST" }, [users])).toEqual([200]);
    expect(await statuses({ probability: 0 }, [users])).toEqual([200]);
  });

  test("a page size that times out can be halved, following the same cursor", async () => {
    const t = await withFault({ kind: "500-above-limit", limit: 10 });
    expect((await t.get("/api/v1/users?limit=20")).status).toBe(500);
    expect((await t.get("/api/v1/users")).status).toBe(500);
    expect((await t.get("/api/v1/users?limit=10")).status).toBe(200);
  });

  test("pages that are too large can be a 504 or silence", async () => {
    const timeout = await withFault({ kind: "504-above-limit", limit: 10 });
    expect((await timeout.get("/api/v1/users?limit=20")).status).toBe(504);
    expect((await timeout.get("/api/v1/users?limit=10")).status).toBe(200);
    const silence = await withFault({ kind: "silence-above-limit", limit: 10, ms: 600_000 });
    const silent = silence.get("/api/v1/users?limit=20");
    expect((await silence.get("/api/v1/users?limit=10")).status).toBe(200);
    await silence.control("DELETE", "/faults");
    expect((await silent).status).toBe(200);
  });

  test("an error with any of Okta's codes, and headers in place of the own ones", async () => {
    const error = await withFault({ kind: "okta-error", code: "E0000015", status: 401 });
    const answer = await error.get("/api/v1/devices");
    expect([answer.status, field(answer, "errorCode")]).toEqual([401, "E0000015"]);
    const headers = await withFault({ kind: "headers", headers: { "x-rate-limit-reset": "7" } });
    expect((await headers.get("/api/v1/users")).headers.get("x-rate-limit-reset")).toBe("7");
  });

  test.each(["first-page", "empty", "cycle", "self"])("a list without an end: %s", async (how) => {
    const t = await withFault({ kind: "endless-next", how }, { users: 6 });
    const pages: number[] = [];
    let next: string | null = "/api/v1/users?limit=3";
    for (let page = 0; page < 5 && next !== null; page++) {
      const answer = await t.get(next.replace(/^https:\/\/[^/]+/, ""));
      pages.push(listOf(answer).length);
      next = nextPage(answer);
    }
    expect(pages).toEqual(how === "empty" ? [0, 0, 0, 0, 0] : expect.arrayContaining([3, 3, 3, 3]));
    expect(next).not.toBeNull();
  });

  test("a Link header of any form, on pages that have a next one", async () => {
    const t = await withFault({ kind: "link-header", header: "x, <{next}>; rel='next'" }, { users: 6 });
    expect((await t.get("/api/v1/users?limit=2")).headers.get("link")).toMatch(
      /^x, <https:.*after=.*>; rel='next'$/,
    );
    expect((await t.get("/api/v1/users")).headers.get("link")).toMatch(/^<https:.*>; rel="self"$/);
  });

  test("a search that can be followed for so many results, and links on another address", async () => {
    const other = "https://login.acme.example";
    const t = testOrg({ users: 6, searchCap: 4, nextOrigin: other, alternate: other });
    for (const order of ["", "&sortBy=created&sortOrder=asc"]) {
      const first = await t.get(
        `/api/v1/users?limit=2&search=${encodeURIComponent('status lt "ZZZ"')}${order}`,
      );
      const next = nextPage(first) ?? "";
      expect(next).toMatch(/^https:\/\/login\.acme\.example\/api\/v1\/users\?/);
      const second = await t.get(next.slice(other.length));
      const third = await t.get((nextPage(second) ?? "").slice(other.length));
      expect([second.status, third.status, field(third, "errorCode")]).toEqual([200, 400, "E0000031"]);
    }
    const document = await t.get("/.well-known/okta-organization");
    expect(JSON.stringify(document)).toContain(other);
  });

  test("spoiled bodies", async () => {
    expect(listOf(await (await withFault({ kind: "empty-list" })).get("/api/v1/users?limit=5"))).toEqual([]);
    const foreign = await (await withFault({ kind: "foreign-next" })).get("/api/v1/users?limit=5");
    expect(nextPage(foreign)).toContain("https://attacker.invalid/");
    const inBody = await (await withFault({ kind: "foreign-next" })).get("/api/v1/iam/assignees/users");
    expect(JSON.stringify(field(inBody, "_links"))).toContain("attacker.invalid");
    const truncated = await (await withFault({ kind: "truncated" })).get("/api/v1/users?limit=5");
    expect(truncated.body).toBeTypeOf("string");
    const [first, second] = listOf(
      await (await withFault({ kind: "malformed-record" })).get("/api/v1/users?limit=5"),
    );
    expect(first).toEqual({ id: 42, profile: "garbage" });
    expect(second).toHaveProperty("status");
    const huge = await (await withFault({ kind: "huge-body", bytes: 1_000_000 })).get(
      "/api/v1/users?limit=5",
    );
    expect(listOf(huge)).toHaveLength(5);
  });

  test("a broken connection, early and late", async () => {
    await expect((await withFault({ kind: "reset" })).get("/api/v1/users")).rejects.toThrow();
    await expect((await withFault({ kind: "throw" })).get("/api/v1/users")).rejects.toThrow(
      "connection reset",
    );
  });

  test("slow calls hold their place", async () => {
    const t = await withFault({ kind: "slow", ms: 60 });
    const before = performance.now();
    expect((await t.get("/api/v1/users")).status).toBe(200);
    expect(performance.now() - before).toBeGreaterThanOrEqual(55);
  });

  test("slow calls are answered as soon as the faults are removed", async () => {
    const t = await withFault({ kind: "slow", ms: 3_600_000 });
    const answer = t.get("/api/v1/users");
    await t.control("DELETE", "/faults");
    expect((await answer).status).toBe(200);
  });

  test("faults are removed, and repeated pages counted", async () => {
    const t = await withFault({ kind: "500" });
    await t.get("/api/v1/users?limit=5");
    await t.control("DELETE", "/faults");
    for (let i = 0; i < 3; i++) await t.get("/api/v1/users?limit=5");
    await t.get("/api/v1/users?limit=6");
    expect(t.org.stats()).toMatchObject({
      repeats: 1,
      repeated: [{ request: "GET /api/v1/users?limit=5", times: 3 }],
      calls: { "GET /api/v1/users": 5 },
      byStatus: { 200: 4, 500: 1 },
    });
    await t.control("POST", "/stats/reset");
    expect(t.org.stats()).toMatchObject({ total: 0, repeats: 0, buckets: [] });
  });
});
