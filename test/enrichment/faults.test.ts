import { describe, expect, it } from "vitest";
import { passTime } from "../support/time.ts";
import { devicesPending, newOrg, type Org, oneLookup } from "./support.ts";

const id = "00uJaneDoe1234567890";
const login = "jane@example.com";

const truth = {
  groups: ["Engineering", "Everyone"],
  mfa_enrolled: true,
  mfa_factors: ["push"],
  is_admin: true,
  admin_roles: ["Super Organization Administrator"],
  mfa_factors_detail: [expect.objectContaining({ name: "push", enrolled_at: expect.any(String) })],
  newest_factor_at: expect.any(String),
  phishing_resistant: false,
  admin_roles_detail: [
    expect.objectContaining({ label: "Super Organization Administrator", assignment: "user" }),
  ],
};

const facts = {
  groups: { endpoint: "/api/v1/users/{id}/groups", name: "groups", fields: ["groups"], stored: "groups" },
  factors: {
    endpoint: "/api/v1/users/{id}/factors",
    name: "mfa",
    fields: ["mfa_enrolled", "mfa_factors", "mfa_factors_detail", "newest_factor_at", "phishing_resistant"],
    stored: "factors",
  },
  roles: {
    endpoint: "/api/v1/users/{id}/roles",
    name: "roles",
    fields: ["is_admin", "admin_roles", "admin_roles_detail"],
    stored: "adminRoles",
  },
} as const;

const faults = [
  ["403", "forbidden"],
  ["403-scope", "insufficient_scope"],
  ["429", "rate_limited"],
  ["500", "unavailable"],
  ["html", "invalid_response"],
  ["malformed-record", "invalid_response"],
  ["404", "not_found"],
] as const;

const orgWithJane = async (): Promise<Org> => {
  const org = await newOrg();
  await org.user({ id, profile: { login, email: login } });
  await org.group("Engineering", [id]);
  await org.control("POST", `/users/${id}/factors`, { factorType: "push" });
  await org.control("POST", `/users/${id}/roles`, {
    type: "SUPER_ADMIN",
    label: "Super Organization Administrator",
  });
  await org.calls();
  return org;
};

const entry = async (org: Org): Promise<{ facts: Record<string, unknown>; ttl: number } | null> => {
  const found = (await org.cached()).find(({ key }) => key === `user/${id}`);
  return found === undefined ? null : { facts: JSON.parse(found.value).facts, ttl: found.ttl };
};

describe.each(Object.entries(facts))("%s that cannot be read", (_, { endpoint, name, fields, stored }) => {
  it.each(faults)("because of %s are null and named, and kept for only a minute", async (kind, reason) => {
    const org = await orgWithJane();
    await org.fault(endpoint, kind, { resetInMs: 1_000 });
    const { status, okta } = await org.ask(login);
    expect(status).toBe(200);
    const nulls = Object.fromEntries(fields.map((field) => [field, null]));
    expect(okta).toMatchObject({
      success: true,
      found: true,
      stale: false,
      extracted: { ...truth, ...nulls },
    });
    expect(okta.incomplete).toEqual([
      ...fields.map((field) => ({
        field,
        reason,
        message: expect.stringContaining(endpoint),
        last_known: null,
        last_known_at: null,
      })),
      devicesPending,
    ]);

    const cached = await entry(org);
    expect(cached?.ttl).toBeLessThanOrEqual(61);
    expect(cached?.facts[stored]).toMatchObject({ known: false, reason });
    expect(JSON.stringify(cached?.facts[stored])).not.toContain('"value"');

    await org.control("DELETE", "/faults");
    await org.calls();
    expect((await org.ask(login)).okta).toEqual({ ...okta, cached: true });
    expect(await org.calls()).toEqual({});
    passTime(61_000);
    expect((await org.ask(login)).okta).toMatchObject({
      cached: false,
      extracted: truth,
      incomplete: [devicesPending],
    });
    expect(await org.calls()).toEqual(oneLookup);
  });

  it("keep what was known as last known, and the complete copy for when Okta is gone", async () => {
    const org = await orgWithJane();
    const complete = (await org.ask(login)).okta;
    passTime(3_700_000);
    await org.fault(endpoint, "403");
    const { okta } = await org.ask(login);
    expect(okta).toMatchObject({ stale: false, cached: false });
    for (const field of fields) {
      expect(okta.extracted).toHaveProperty(field, null);
      const [entry] = okta.incomplete.filter((one) => one.field === field);
      expect(entry?.last_known).toEqual(truth[field]);
      expect(entry?.last_known_at).toBe(complete.facts_as_of?.[name]);
    }
    passTime(61_000);
    await org.fault("/api/v1/users/{id}", "403");
    expect((await org.ask(login)).okta).toEqual({
      ...complete,
      cached: true,
      stale: true,
      stale_reason: { code: "forbidden", message: expect.stringContaining("/api/v1/users/{id}") },
    });
  });
});

describe("a user that cannot be read", () => {
  it.each([
    ["401", 502, "invalid_credential", false],
    ["403", 502, "forbidden", false],
    ["403-scope", 502, "insufficient_scope", false],
    ["429", 503, "rate_limited", true],
    ["500", 502, "unavailable", false],
    ["html", 502, "invalid_response", false],
    ["redirect", 502, "foreign_origin", false],
  ])("because of %s is a %i with the code %s, and never cached", async (kind, status, code, retry) => {
    const org = await orgWithJane();
    await org.fault("/api/v1/users/{id}", kind, { resetInMs: 1_000 });
    const reply = await org.ask(login);
    expect(reply.status).toBe(status);
    expect(reply.okta).toEqual({
      success: false,
      found: null,
      extracted: {},
      verdict: null,
      incomplete: [],
      cached: false,
      stale: false,
      enriched_at: null,
      error: {
        code,
        message: expect.stringContaining("/api/v1/users/{id}"),
        ...(retry && { retry_after: expect.any(Number) }),
      },
    });
    expect(reply.headers.has("Retry-After")).toBe(retry);
    expect(JSON.stringify(reply.okta)).not.toMatch(/sim-token|jane/);
    expect(await org.cached()).toEqual([]);

    await org.control("DELETE", "/faults");
    passTime(61_000);
    expect(await org.ask(login)).toMatchObject({ status: 200, okta: { cached: false, extracted: truth } });
  });

  it("does not affect the others in a batch", async () => {
    const org = await orgWithJane();
    await org.ask(login);
    await org.fault("/api/v1/users/{id}", "429", { resetInMs: 1_000 });
    const response = await org.request("POST", "/v1/enrichments", {
      accounts: ["a@example.com", login, "me"],
    });
    expect(response.status).toBe(200);
    const { results } = await response.json<{ results: { okta: Record<string, unknown> }[] }>();
    expect(results.map(({ okta }) => okta)).toMatchObject([
      { success: false, error: { code: "rate_limited", retry_after: expect.any(Number) } },
      { success: true, found: true, cached: true },
      { success: false, error: { code: "invalid_account" } },
    ]);
  });
});

describe("what is not a fault", () => {
  it.each([
    ["factors", { mfa_enrolled: false, mfa_factors: [] }],
    ["roles", { is_admin: false, admin_roles: [] }],
    ["groups", { groups: [] }],
  ])("is the 404 for a deprovisioned user's %s: there are none", async (part, none) => {
    const org = await orgWithJane();
    await org.control("POST", `/users/${id}/deactivate`);
    await org.fault(`/api/v1/users/{id}/${part}`, "404");
    const { okta } = await org.ask(login);
    expect(okta).toMatchObject({
      incomplete: [devicesPending],
      extracted: { status: "DEPROVISIONED", ...none },
    });
  });

  it("is a list of groups with several pages", async () => {
    const org = await newOrg({ groups: 260 });
    await org.user({ id, profile: { login, email: login } });
    const { items } = await org.control("GET", "/dump?kind=groups&limit=1000");
    // The control route documents this shape.
    const groups = items as { id: string; type: string; profile: { name: string } }[];
    for (const group of groups.filter(({ type }) => type !== "BUILT_IN")) {
      await org.control("POST", `/groups/${group.id}/users/${id}`);
    }
    await org.calls();
    const { okta } = await org.ask(login);
    expect(okta.extracted).toMatchObject({ groups: [...new Set(groups.map((g) => g.profile.name))].sort() });
    expect(await org.calls()).toEqual({ ...oneLookup, "GET /api/v1/users/{id}/groups": 2 });

    const secondPage = { endpoint: "GET /api/v1/users/{id}/groups", after: 1 };
    await org.control("POST", "/faults", { match: secondPage, kind: "403" });
    expect((await org.ask(login, "?refresh=true")).okta).toMatchObject({ extracted: { groups: null } });
  });
});
