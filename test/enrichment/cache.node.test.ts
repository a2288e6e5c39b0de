import { describe, expect, it, vi } from "vitest";
import { type Account, devicesPending, missing } from "../../src/enrichment/account.ts";
import { AccountCache, type Kv } from "../../src/enrichment/cache.ts";
import { type CacheResult, freshness, standIn } from "../../src/enrichment/cached-answer.ts";
import { type Identifier, parseIdentifier } from "../../src/enrichment/identifier.ts";
import { known } from "../../src/inventory/facts.ts";
import { janeAt } from "./jane.ts";

const HOUR = 3_600_000;
const now = Date.parse("2025-06-30T12:00:00Z");

const account = janeAt(now, { email: "jane@mail.example.org" });
const partial: Account = { ...account, groups: missing("rate_limited", "…") };

const one = (over: Partial<Extract<CacheResult, { found: "one" }>> = {}): CacheResult => ({
  found: "one",
  account,
  at: now,
  previous: null,
  ...over,
});

describe("freshness", () => {
  it.each<[string, CacheResult, number, string]>([
    ["complete, new", one(), 0, "fresh"],
    ["complete, before the last tenth", one(), 0.9 * HOUR - 1, "fresh"],
    ["complete, in the last tenth", one(), 0.9 * HOUR, "due"],
    ["complete, at the end", one(), HOUR - 1, "due"],
    ["complete, over", one(), HOUR, "expired"],
    ["incomplete", one({ account: partial }), 53_999, "fresh"],
    ["incomplete, in the last tenth", one({ account: partial }), 54_000, "due"],
    ["incomplete, over", one({ account: partial }), 60_000, "expired"],
    ["none", { found: "none", at: now }, 59_999, "fresh"],
    ["none, over", { found: "none", at: now }, 60_000, "expired"],
    ["many, over", { found: "many", logins: ["a", "b"], at: now }, 60_000, "expired"],
    ["a miss", { found: "miss", invalidatedAt: null }, 0, "expired"],
    ["from another clock's future", one(), -61_000, "expired"],
    ["from a slightly wrong clock", one(), -59_000, "fresh"],
  ])("%s", (_, cached, age, expected) => expect(freshness(cached, HOUR, now + age)).toBe(expected));

  it("is over at once with a TTL of 0, and not longer than a short TTL for an account that does not exist", () => {
    expect(freshness(one(), 0, now)).toBe("expired");
    expect(freshness({ found: "none", at: now }, 10_000, now + 10_000)).toBe("expired");
  });
});

describe("standIn", () => {
  const previous = { account, at: now - HOUR };

  it.each<[string, CacheResult, number, unknown]>([
    ["a complete copy", one(), 24 * HOUR - 1, { account, at: now }],
    ["a complete copy of a day ago", one(), 24 * HOUR, null],
    ["an incomplete copy alone", one({ account: partial }), 0, null],
    ["the complete copy before an incomplete one", one({ account: partial, previous }), 0, previous],
    ["one of a day ago", one({ account: partial, previous }), 23 * HOUR, null],
    ["nobody", { found: "none", at: now }, 0, null],
  ])("%s", (_, cached, age, expected) => expect(standIn(cached, now + age)).toEqual(expected));
});

const cacheOf = (kv: Kv, id: string, host = "acme.okta.com") =>
  new AccountCache(kv, { id, baseUrl: `https://${host}` });

describe("AccountCache", () => {
  const memoryKv = () => {
    const entries = new Map<string, { value: string; ttl: number }>();
    const get = vi.fn(async (key: string) => entries.get(key)?.value ?? null);
    const kv: Kv = {
      get,
      put: async (key, value, { expirationTtl }) => {
        entries.set(key, { value, ttl: expirationTtl });
      },
    };
    return { kv, entries, get };
  };
  const named = (given: string): Identifier => {
    const parsed = parseIdentifier(given);
    if (!parsed.ok) throw new Error(parsed.error.message);
    return parsed.value;
  };
  const write = (cache: AccountCache, over: object = {}) =>
    cache.writeAccount(
      named("jane"),
      { account, at: now },
      { emailIsUnique: true, previous: null, ttlMs: HOUR, now, ...over },
    );

  it("finds an account by each of its names, with one read from the second time on", async () => {
    const { kv, get } = memoryKv();
    const cache = cacheOf(kv, "one");
    await write(cache);
    for (const name of ["jane", "JANE@example.com", "jane@mail.example.org", account.id]) {
      await cache.read(named(name));
      get.mockClear();
      expect(await cache.read(named(name))).toEqual(one());
      expect(get).toHaveBeenCalledTimes(1);
    }
  });

  it("finds an account by an id of any form, exactly as it is spelt", async () => {
    const { kv } = memoryKv();
    const cache = cacheOf(kv, "any");
    const odd = { ...account, id: "uA-1_x" };
    await cache.writeAccount(
      named("jane@example.com"),
      { account: odd, at: now },
      { emailIsUnique: true, previous: null, ttlMs: HOUR, now },
    );
    expect(await cache.read(named("uA-1_x"))).toEqual(one({ account: odd }));
    for (const other of ["ua-1_x", "UA-1_X"]) {
      expect(await cache.read(named(other))).toEqual({ found: "miss", invalidatedAt: null });
    }
    await cache.writeNegative(named("ua-1_x"), [], now);
    expect(await cache.read(named("ua-1_x"))).toEqual({ found: "none", at: now });
    expect(await cache.read(named("uA-1_x"))).toEqual(one({ account: odd }));
  });

  it.each([
    ["Jane7", "jane7"],
    ["jane7", "JANE7"],
  ])("finds a name in another spelling: %s, then %s", async (first, second) => {
    const { kv } = memoryKv();
    const cache = cacheOf(kv, `spelt ${first}`);
    const seven = { ...account, login: "jane7@example.com" };
    await cache.writeAccount(
      named(first),
      { account: seven, at: now },
      { emailIsUnique: true, previous: null, ttlMs: HOUR, now },
    );
    expect(await cache.read(named(second))).toEqual(one({ account: seven }));
  });

  it("does not let an e-mail stand for an account when another one may share it", async () => {
    const { kv } = memoryKv();
    const cache = cacheOf(kv, "two");
    await write(cache, { emailIsUnique: false });
    expect(await cache.read(named("jane@mail.example.org"))).toEqual({ found: "miss", invalidatedAt: null });
  });

  it("keeps connections apart", async () => {
    const { kv } = memoryKv();
    await write(cacheOf(kv, "three"));
    expect(await cacheOf(kv, "four").read(named("jane"))).toMatchObject({ found: "miss" });
    expect(await cacheOf(kv, "four").read(named(account.id))).toMatchObject({ found: "miss" });
  });

  it("keeps orgs apart that the base URL has led to", async () => {
    const { kv, entries } = memoryKv();
    await write(cacheOf(kv, "moved", "old.okta.com"));
    await cacheOf(kv, "moved", "old.okta.com").writeNegative(named("nobody"), [], now);
    for (const name of ["jane", account.id, "nobody"]) {
      expect(await cacheOf(kv, "moved", "old.okta.com").read(named(name))).not.toMatchObject({
        found: "miss",
      });
      expect(await cacheOf(kv, "moved", "new.okta.com").read(named(name))).toEqual({
        found: "miss",
        invalidatedAt: null,
      });
    }
    // Version 0.1.0 stored no host.
    for (const [key, { value, ttl }] of entries) {
      const { host: _, ...entry } = JSON.parse(value);
      entries.set(key, { value: JSON.stringify(entry), ttl });
    }
    expect(await cacheOf(kv, "moved", "old.okta.com").read(named("jane"))).toMatchObject({ found: "one" });
  });

  it("keeps complete facts for a day or for a longer TTL, incomplete ones for a minute", async () => {
    const { kv, entries } = memoryKv();
    const cache = cacheOf(kv, "five");
    const ttls = () => [...new Set([...entries.values()].map(({ ttl }) => ttl))];
    await write(cache);
    expect(ttls()).toEqual([86_400]);
    await write(cache, { ttlMs: 48 * HOUR });
    expect(ttls()).toEqual([172_800]);
    const fetched = { account: partial, at: now };
    const options = { emailIsUnique: true, previous: null, ttlMs: HOUR, now };
    await cache.writeAccount(named("jane"), fetched, options);
    expect(ttls()).toEqual([60]);
    const previous = { account, at: now - 23 * HOUR };
    await cache.writeAccount(named("jane"), fetched, { ...options, previous });
    expect(ttls()).toEqual([3_600]);
    expect(await cache.read(named("jane"))).toEqual(one({ account: partial, previous }));
  });

  it("uses keys that KV accepts, whatever the name, and that reveal no name", async () => {
    const { kv, entries } = memoryKv();
    const cache = cacheOf(kv, "six");
    await cache.writeNegative(named("é".repeat(300)), [], now);
    await write(cache);
    for (const key of entries.keys()) {
      expect(new TextEncoder().encode(key).length).toBeLessThanOrEqual(512);
      expect(key).toMatch(/^six\/(user\/00uJaneDoe1234567890|alias\/[0-9a-f]{32})$/);
    }
  });

  it("reads entries in the form of the first release, and adds the org's host to it", async () => {
    const { kv, entries } = memoryKv();
    const cache = cacheOf(kv, "form");
    const readAt = now - HOUR;
    const { realmId, userType, attributes, readAt: _, devices, ...first } = account;
    const facts = {
      ...first,
      groups: {
        known: false,
        reason: "rate_limited",
        message: "…",
        last: { value: ["A"], at: readAt },
      },
      factors: { known: true, value: [{ factorType: "push", provider: null }], at: now },
      adminRoles: { known: false, reason: "forbidden", message: "no", last: null },
    };
    const value = JSON.stringify({ schema: 1, facts, fetched_at: now, previous: null });
    await kv.put(`form/user/${account.id}`, value, { expirationTtl: 60 });
    const current: Account = {
      ...account,
      groups: {
        state: "unknown",
        reason: { code: "rate_limited", message: "…" },
        last: { value: ["A"], at: readAt },
      },
      factors: known([{ factorType: "push", provider: null, created: null, lastUpdated: null }], now),
      adminRoles: missing("forbidden", "no"),
      readAt: null,
      devices: devicesPending,
    };
    expect(await cache.read(named(account.id))).toEqual(one({ account: current }));
    await cache.writeAccount(
      named(account.id),
      { account: current, at: now },
      { emailIsUnique: false, previous: null, ttlMs: HOUR, now },
    );
    // The first release reads it as well: what is new comes beside what it knows.
    expect(JSON.parse(entries.get(`form/user/${account.id}`)?.value ?? "")).toMatchObject({
      ...JSON.parse(value),
      host: "acme.okta.com",
    });
  });

  it("treats a KV failure as a miss", async () => {
    vi.spyOn(console, "warn").mockReturnValue();
    const { kv } = memoryKv();
    const broken = { ...kv, get: () => Promise.reject(new Error("KV GET failed: 500")) };
    expect(await cacheOf(broken, "seven").read(named("jane"))).toEqual({
      found: "miss",
      invalidatedAt: null,
    });
  });
});
