import { afterEach, describe, expect, it, vi } from "vitest";
import { AccountCache, type Kv } from "../../src/enrichment/cache.ts";
import { type EnrichDeps, enrich, enrichAll } from "../../src/enrichment/enrich.ts";
import { idIdentifier } from "../../src/enrichment/identifier.ts";
import { fromReply, type LookupReply, toReply } from "../../src/enrichment/lookup-rpc.ts";
import { noMaliceRules } from "../../src/enrichment/rules.ts";
import { known } from "../../src/inventory/facts.ts";
import { janeAt } from "./jane.ts";

const HOUR = 3_600_000;
const start = Date.parse("2025-06-30T12:00:00Z");

const account = janeAt(start, {
  status: "SUSPENDED",
  groups: known([], start),
  attributes: { badge: "B7", clearance: null, former: "no longer named" },
});
const jane = idIdentifier(account.id);

const setUp = async (age: number, over: Partial<EnrichDeps> = {}) => {
  const entries = new Map<string, string>();
  const kv: Kv = {
    get: async (key) => entries.get(key) ?? null,
    put: async (key, value) => {
      entries.set(key, value);
    },
  };
  const cache = new AccountCache(kv, { id: `enrich-${age}`, baseUrl: "https://acme.okta.com" });
  const options = { emailIsUnique: true, previous: null, ttlMs: HOUR, now: start };
  await cache.writeAccount(jane, { account, at: start }, options);
  const lookUp = vi.fn<EnrichDeps["lookUp"]>(() => Promise.reject(new Error("Durable Object reset")));
  const background = vi.fn<EnrichDeps["background"]>();
  const count = vi.fn<EnrichDeps["count"]>();
  const deps: EnrichDeps = {
    cache,
    lookUp,
    rules: noMaliceRules,
    mfaIgnored: [],
    attributes: [],
    ttlMs: HOUR,
    now: () => start + age,
    background,
    count,
    ...over,
  };
  return { deps, lookUp, background, count };
};

afterEach(() => {
  vi.restoreAllMocks();
});

describe("enrich", () => {
  it("shows the custom attributes that the setting names now, as far as they have been read", async () => {
    const { deps } = await setUp(0, { attributes: ["badge", "clearance", "just_named"] });
    const { answer } = await enrich(deps, jane, false);
    expect(answer).toMatchObject({ cached: true });
    expect(answer.extracted).toHaveProperty("attributes", { badge: "B7", clearance: null });
  });

  it("asks nobody while the entry is fresh, and evaluates the current rules", async () => {
    const { deps, lookUp, background, count } = await setUp(0.5 * HOUR, {
      rules: {
        ...noMaliceRules,
        rules: [
          {
            path: "rules[0]",
            condition: { kind: "test", field: "status", operator: "eq", value: "SUSPENDED" },
            verdict: "Malicious",
          },
        ],
      },
    });
    expect((await enrich(deps, jane, false)).answer).toMatchObject({ cached: true, verdict: "Malicious" });
    expect((await enrich({ ...deps, rules: noMaliceRules }, jane, false)).answer.verdict).toBeNull();
    expect(lookUp).not.toHaveBeenCalled();
    expect(background).not.toHaveBeenCalled();
    expect(count).toHaveBeenCalledWith({ hits: 1 });
  });

  it("renews in the background in the last tenth, and a failure there does no harm", async () => {
    vi.spyOn(console, "warn").mockReturnValue();
    const { deps, lookUp, background } = await setUp(0.95 * HOUR);
    expect((await enrich(deps, jane, false)).answer).toMatchObject({ cached: true, stale: false });
    expect(lookUp).toHaveBeenCalledWith(jane, "renew");
    await expect(background.mock.calls[0]?.[0]).resolves.toBeDefined();
  });

  it("answers with the copy when the object cannot be reached", async () => {
    vi.spyOn(console, "warn").mockReturnValue();
    const { deps, lookUp, count } = await setUp(2 * HOUR);
    expect(await enrich(deps, jane, false)).toMatchObject({
      status: 200,
      answer: { cached: true, stale: true },
    });
    expect(lookUp).toHaveBeenLastCalledWith(jane, "any");
    expect(count).toHaveBeenLastCalledWith({ stale: 1 });
    await enrich(deps, jane, true);
    expect(lookUp).toHaveBeenLastCalledWith(jane, "force");
  });

  it("says when to ask again when there is no copy", async () => {
    vi.spyOn(console, "warn").mockReturnValue();
    const { deps, count } = await setUp(25 * HOUR);
    expect(await enrich(deps, jane, false)).toMatchObject({
      status: 503,
      retryAfter: 5,
      answer: { success: false, error: { code: "overloaded", retry_after: 5 } },
    });
    expect(count).toHaveBeenLastCalledWith({ errors: 1 });
  });
});

describe("a reply of an object of the first release", () => {
  const facts = { groups: { known: true, value: ["A"], at: start } } as const;
  const { realmId, userType, attributes, readAt, devices, ...first } = account;
  const stored = {
    ...first,
    ...facts,
    factors: { known: false, reason: "forbidden", message: "no", last: null },
    adminRoles: {
      known: false,
      reason: "timeout",
      message: "late",
      last: { value: ["Super"], at: start - HOUR },
    },
  } as const;

  it.each(["found", "stale"] as const)("is understood: %s", async (kind) => {
    const { deps } = await setUp(2 * HOUR, {
      // Its type is that of the present release.
      lookUp: async () =>
        ({
          kind,
          found: { found: "one", account: stored },
          at: start,
          cached: false,
        }) as unknown as LookupReply,
    });
    const { answer } = await enrich(deps, jane, false);
    expect(answer).toMatchObject({
      success: true,
      stale: kind === "stale",
      cached: false,
      extracted: { groups: ["A"], mfa_enrolled: null, is_admin: null },
    });
    expect(answer.incomplete.map(({ field, reason, last_known }) => [field, reason, last_known])).toEqual([
      ["mfa_enrolled", "forbidden", null],
      ["mfa_factors", "forbidden", null],
      ["is_admin", "timeout", true],
      ["admin_roles", "timeout", ["Super"]],
      ["mfa_factors_detail", "forbidden", null],
      ["newest_factor_at", "forbidden", null],
      ["phishing_resistant", "forbidden", null],
      ["admin_roles_detail", "timeout", [expect.objectContaining({ label: "Super", type: null })]],
      ["devices", "pending", null],
    ]);
  });

  it("is part of what an object replies", () => {
    const from = { at: start, cached: false, stale: true };
    const reply = {
      kind: "stale",
      found: { found: "one", account: stored },
      at: start,
      cached: false,
    };
    // Its type is that of the present release.
    const outcome = fromReply(reply as unknown as LookupReply);
    expect(outcome).toMatchObject({ ok: true, value: { from, found: { account: { id: account.id } } } });
    expect(toReply(outcome)).toMatchObject(reply);
  });
});

describe("enrichAll", () => {
  it("runs ten look-ups at most at once, and keeps the order", async () => {
    let running = 0;
    let most = 0;
    const { deps } = await setUp(0, {
      lookUp: async () => {
        running += 1;
        most = Math.max(most, running);
        await new Promise((resolve) => setTimeout(resolve, 1));
        running -= 1;
        return { kind: "found", found: { found: "none" }, at: start, cached: false };
      },
    });
    const accounts = Array.from({ length: 100 }, (_, i) => (i === 40 ? account.id : `user${i}`));
    const items = await enrichAll(deps, accounts);
    expect(most).toBe(10);
    expect(items.map(({ answer }) => answer.found)).toEqual(accounts.map((name) => name === account.id));
  });
});
