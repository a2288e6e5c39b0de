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
