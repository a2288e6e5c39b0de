import { env } from "cloudflare:workers";
import { afterEach, describe, expect, it, vi } from "vitest";
import { invalidateAccounts } from "../../src/enrichment/cache.ts";
import type { UserFacts } from "../../src/inventory/facts.ts";
import { InventoryStream } from "../../src/sync/inventory-stream.ts";
import { passTime } from "../support/time.ts";
import { newOrg, type Org, oneLookup } from "./support.ts";

const HOUR = 3_600_000;
const id = "00uJaneDoe1234567890";
const login = "jane@example.com";

const orgWithJane = async (options: object = {}): Promise<Org> => {
  const org = await newOrg(options);
  await org.user({ id, profile: { login, email: login } });
  await org.group("Engineering", [id]);
  await org.calls();
  return org;
};

const spellings = [login, "JANE@EXAMPLE.COM", `mailto:${login}`, `CORP\\${login}`];

const burst = (org: Org, size: number) =>
  Promise.all(Array.from({ length: size }, (_, i) => org.ask(spellings[i % spellings.length] ?? login)));

afterEach(() => {
  vi.restoreAllMocks();
});

describe("many askers at once", () => {
  it("cost one look-up when cold, nothing within the hour, one refresh after it", async () => {
    const org = await orgWithJane();
    for (const reply of await burst(org, 100)) {
      expect(reply.okta).toMatchObject({ success: true, extracted: { user_id: id } });
    }
    expect(await org.calls()).toEqual(oneLookup);

    passTime(0.85 * HOUR);
    for (const reply of await burst(org, 20))
      expect(reply.okta).toMatchObject({ cached: true, stale: false });
    expect(await org.calls()).toEqual({});

    passTime(0.2 * HOUR);
    for (const reply of await burst(org, 100)) {
      expect(reply.okta).toMatchObject({ success: true, stale: false, extracted: { user_id: id } });
    }
    expect(await org.calls()).toEqual(oneLookup);
  });

  it("in the last tenth are answered from the cache, and one refresh runs in the background", async () => {
    const org = await orgWithJane();
    const before = (await org.ask(login)).okta.enriched_at;
    await org.calls();
    passTime(0.95 * HOUR);
    for (const reply of await burst(org, 30)) {
      expect(reply.okta).toMatchObject({ cached: true, stale: false, enriched_at: before });
    }
    const renewed = async () => expect((await org.ask(login)).okta.enriched_at).not.toBe(before);
    await vi.waitFor(renewed, { timeout: 30_000 });
    expect(await org.calls()).toEqual(oneLookup);
  });

  it("for one account that does not exist cost one search, remembered for a minute", async () => {
    const org = await orgWithJane();
    const nobody = { "GET /api/v1/users/{id}": 1, "GET /api/v1/users": 1 };
    await Promise.all(Array.from({ length: 50 }, () => org.ask("nobody@example.com")));
    expect(await org.calls()).toEqual(nobody);
    passTime(55_000);
    expect((await org.ask("nobody@example.com")).okta).toMatchObject({ found: false, cached: true });
    expect(await org.calls()).toEqual({});
    passTime(6_000);
    await org.user({ profile: { login: "nobody@example.com", email: "nobody@example.com" } });
    expect((await org.ask("nobody@example.com")).okta).toMatchObject({ found: true, cached: false });
  });
});

describe("refresh=true", () => {
  it("bypasses the cache and renews it", async () => {
    const org = await orgWithJane();
    await org.ask(login);
    await org.control("PATCH", `/users/${id}`, { profile: { department: "Sales" } });
    await org.calls();
    expect((await org.ask(login)).okta.extracted).toMatchObject({ department: null });
    expect((await org.ask(login, "?refresh=true")).okta).toMatchObject({
      cached: false,
      extracted: { department: "Sales" },
    });
    expect(await org.calls()).toEqual(oneLookup);
    expect((await org.ask(login)).okta).toMatchObject({ cached: true, extracted: { department: "Sales" } });
  });

  it("accepts only true and false", async () => {
    const org = await orgWithJane();
    const response = await org.request("GET", `/v1/enrichments/accounts/${login}?refresh=yes`);
    expect(response.status).toBe(400);
  });
});

describe("what the sync has seen change", () => {
  it("is looked up anew, under every name", async () => {
    const org = await orgWithJane();
    await org.ask(login);
    await org.control("POST", `/users/${id}/suspend`);
    passTime(10);
    await invalidateAccounts(env.ENRICHMENT_CACHE, org.connection, [id, "00uNeverCached567890"], Date.now());
    expect((await org.ask(id)).okta).toMatchObject({ cached: false, extracted: { status: "SUSPENDED" } });
    expect((await org.ask(login)).okta).toMatchObject({ cached: true, extracted: { status: "SUSPENDED" } });
    expect((await org.cached()).map(({ key }) => key)).not.toContain("user/00uNeverCached567890");
  });

  it("is no longer found once it is deleted", async () => {
    const org = await orgWithJane();
    await org.ask(login);
    await org.control("POST", `/users/${id}/deactivate`);
    await org.control("DELETE", `/users/${id}`);
    passTime(10);
    await invalidateAccounts(env.ENRICHMENT_CACHE, org.connection, [id], Date.now());
    for (const account of [id, login]) expect((await org.ask(account)).okta.found).toBe(false);
  });

  it("does not leave its old login behind", async () => {
    const org = await orgWithJane();
    await org.ask(login);
    await org.control("PATCH", `/users/${id}`, { profile: { login: "jane.new@example.com" } });
    await org.ask(id, "?refresh=true");
    expect((await org.ask(login)).okta).toMatchObject({
      found: true,
      extracted: { login: "jane.new@example.com" },
    });
    await org.control("PATCH", `/users/${id}`, { profile: { email: "jane.new@example.com" } });
    await org.ask(id, "?refresh=true");
    expect((await org.ask(login)).okta).toMatchObject({ found: false });
  });
});

describe("entries that cannot be trusted", () => {
  const spoil = async (org: Org, change: (value: string) => string): Promise<void> => {
    await org.ask(login);
    for (const { key, value } of await org.cached()) {
      await env.ENRICHMENT_CACHE.put(`${org.connection}/${key}`, change(value));
    }
    await org.calls();
    passTime(61_000); // beyond what the look-up object itself remembers
  };

  it.each<[string, (value: string) => string]>([
    ["not JSON", () => "{"],
    ["of an older release", (value) => value.replace('"schema":1', '"schema":0')],
    ["without facts", (value) => value.replace('"facts"', '"fact"')],
    ["with a wrong type", (value) => value.replace(/"status":"\w+"/, '"status":7')],
    ["another account's", (value) => value.replace(`"id":"${id}"`, '"id":"00uOther1234567890ab"')],
    ["null", () => "null"],
    ["empty", () => ""],
  ])("are a miss when %s", async (_, change) => {
    const org = await orgWithJane();
    await spoil(org, change);
    expect((await org.ask(login)).okta).toMatchObject({
      found: true,
      cached: false,
      extracted: { user_id: id },
    });
    expect(await org.calls()).toEqual(oneLookup);
    expect((await org.ask(login)).okta.cached).toBe(true);
  });

  it("hold no more than the answer needs, under keys that reveal no name", async () => {
    const org = await newOrg();
    await org.user({
      id,
      profile: { login, email: login, mobilePhone: "+1-555-000-1111", secondEmail: "x@y.example" },
    });
    await org.ask(login);
    const stored = await org.cached();
    expect(stored.map(({ key }) => key).sort()).toEqual([
      expect.stringMatching(/^alias\/[0-9a-f]{32}$/),
      `user/${id}`,
    ]);
    expect(JSON.stringify(stored)).not.toMatch(/555|x@y/);
    for (const { ttl } of stored) expect(ttl).toBeGreaterThan(23.9 * 3600);
  });
});

describe("when Okta cannot answer", () => {
  it("a copy stands in for a day and says its age", async () => {
    const org = await orgWithJane();
    const { okta } = await org.ask(login);
    passTime(2 * HOUR);
    await org.fault("/api/v1/users/{id}", "403");
    for (const account of [login, id]) {
      const stale = await org.ask(account);
      expect(stale.status).toBe(200);
      expect(stale.okta).toEqual({
        ...okta,
        cached: true,
        stale: true,
        stale_reason: { code: "forbidden", message: expect.stringContaining("403") },
      });
    }
    passTime(21.9 * HOUR);
    expect((await org.ask(login)).okta.stale).toBe(true);
    passTime(0.2 * HOUR);
    expect(await org.ask(login)).toMatchObject({
      status: 502,
      okta: { success: false, found: null, extracted: {}, error: { code: "forbidden" } },
    });
  });

  it("the inventory is the last resort", async () => {
    const org = await orgWithJane();
    const readAt = Date.now() - 5 * HOUR;
    const facts: UserFacts = {
      user: {
        id,
        status: "ACTIVE",
        created: null,
        activated: null,
        statusChanged: null,
        lastLogin: null,
        lastUpdated: null,
        passwordChanged: null,
        profile: { login, email: login },
      },
      groups: {
        state: "known",
        at: readAt,
        value: [
          {
            id: "00g1",
            name: "VPN",
            description: null,
            type: null,
            roles: { state: "unknown", reason: "pending" },
          },
        ],
      },
      factors: {
        state: "unknown",
        reason: "failed",
        last: {
          value: [{ id: null, factorType: "push", provider: null, status: "ACTIVE" }],
          at: readAt - HOUR,
        },
      },
      roles: { state: "unknown", reason: "forbidden" },
    };
    const account = vi.spyOn(InventoryStream.prototype, "account");
    account.mockResolvedValue({ found: "one", facts, readAt });
    expect((await org.ask(login)).okta).toMatchObject({ stale: false, cached: false });
    expect(account).not.toHaveBeenCalled();

    const other = await newOrg();
    await other.fault("/api/v1/users/{id}", "403");
    const { status, okta } = await other.ask(login);
    expect(status).toBe(200);
    expect(okta).toMatchObject({
      success: true,
      found: true,
      stale: true,
      cached: false,
      enriched_at: new Date(readAt).toISOString().replace(/\.\d+/, ""),
      extracted: { user_id: id, groups: ["VPN"], mfa_enrolled: null, mfa_factors: null, is_admin: null },
    });
    expect(okta.incomplete.map(({ field, reason, last_known }) => [field, reason, last_known])).toEqual([
      ["mfa_enrolled", "failed", true],
      ["mfa_factors", "failed", ["push"]],
      ["is_admin", "forbidden", null],
      ["admin_roles", "forbidden", null],
      ["mfa_factors_detail", "failed", [expect.objectContaining({ name: "push", enrolled_at: null })]],
      ["newest_factor_at", "failed", null],
      ["phishing_resistant", "failed", false],
      ["admin_roles_detail", "forbidden", null],
      // The inventory that answers here is of a version that does not tell them.
      ["devices", "unavailable", null],
    ]);
    expect(okta).toMatchObject({
      stale_reason: { code: "forbidden" },
      facts_as_of: { mfa: null, roles: null },
    });

    account.mockResolvedValue({ found: "none" });
    expect(await other.ask(login)).toMatchObject({ status: 502, okta: { success: false } });
  });
});
