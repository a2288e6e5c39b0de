import { describe, expect, it } from "vitest";
import { type Account, missing } from "../../src/enrichment/account.ts";
import { answerToKeep, type CacheResult } from "../../src/enrichment/cached-answer.ts";
import { type Identifier, parseIdentifier } from "../../src/enrichment/identifier.ts";
import { RecentAnswers } from "../../src/enrichment/recent-answers.ts";
import { answerOfCache, answerOfInventory } from "../../src/enrichment/stand-in.ts";
import type { AccountFacts } from "../../src/inventory/api.ts";
import { known } from "../../src/inventory/facts.ts";
import { janeAt } from "./jane.ts";

const HOUR = 3_600_000;
const now = Date.parse("2025-06-30T12:00:00Z");

const account = janeAt(now - HOUR);
const partial: Account = { ...account, groups: missing("rate_limited", "…") };

const named = (given: string): Identifier => {
  const parsed = parseIdentifier(given);
  if (!parsed.ok) throw new Error(parsed.error.message);
  return parsed.value;
};

describe("an answer to keep", () => {
  const before: CacheResult = { found: "one", account, at: now - HOUR, previous: null };
  const looked = { found: "one", account: partial, emailIsUnique: true } as const;

  it("has the last known value beside a fact that could not be read, and the complete account before it", () => {
    expect(answerToKeep(looked, before, now)).toEqual({
      found: "one",
      at: now,
      account: { ...partial, groups: { ...partial.groups, last: { value: ["A"], at: now - HOUR } } },
      previous: { account, at: now - HOUR },
    });
  });

  it.each<[string, CacheResult]>([
    ["another account's", { ...before, account: { ...account, id: "00uOther1234567890ab" } }],
    ["a day old", { ...before, at: now - 24 * HOUR }],
    ["not there", { found: "miss", invalidatedAt: null }],
    ["nobody", { found: "none", at: now }],
  ])("has nothing of an earlier one that is %s", (_, earlier) => {
    expect(answerToKeep(looked, earlier, now)).toEqual({
      found: "one",
      at: now,
      account: partial,
      previous: null,
    });
  });

  it("may be several accounts, or none", () => {
    expect(answerToKeep({ found: "none" }, before, now)).toEqual({ found: "none", at: now });
    const many = { found: "many", logins: ["a", "b"] } as const;
    expect(answerToKeep(many, before, now)).toEqual({ ...many, at: now });
  });
});

describe("without Okta", () => {
  const reason = { code: "unavailable", message: "Okta is down" };
  const facts: AccountFacts = {
    found: "one",
    readAt: now - 5 * HOUR,
    facts: {
      user: {
        id: account.id,
        status: "ACTIVE",
        created: null,
        activated: null,
        statusChanged: null,
        lastLogin: null,
        lastUpdated: null,
        passwordChanged: null,
        profile: { login: "jane@example.com" },
      },
      groups: known([], now),
      factors: known([], now),
      roles: { state: "unknown", reason: "pending" },
    },
  };

  it("the cache's complete account answers, and says that it is stale", () => {
    const cached: CacheResult = { found: "one", account, at: now - HOUR, previous: null };
    expect(answerOfCache(cached, now, reason)).toEqual({
      found: { found: "one", account },
      from: { at: now - HOUR, cached: true, stale: true, reason },
    });
    expect(answerOfCache({ ...cached, account: partial }, now, reason)).toBeNull();
  });

  it("the inventory's account answers, as old as the inventory", () => {
    expect(answerOfInventory(named("jane"), facts, now, reason)).toMatchObject({
      found: { found: "one", account: { id: account.id, adminRoles: { reason: { code: "pending" } } } },
      from: { at: now - 5 * HOUR, cached: false, stale: true, reason },
    });
  });

  it("an account that does not have the name is no answer", () => {
    expect(answerOfInventory(named("mallory@example.com"), facts, now, reason)).toBeNull();
  });

  it("several accounts are an answer, none is not", () => {
    const many = { found: "many", logins: ["a@x.org", "a@y.org"] } as const;
    expect(answerOfInventory(named("a"), many, now, reason)).toMatchObject({ found: many });
    expect(answerOfInventory(named("a"), { found: "none" }, now, reason)).toBeNull();
  });
});

describe("recent answers", () => {
  it("are kept for a minute, by the identifier", () => {
    const recent = new RecentAnswers();
    recent.keep(named("jane@example.com"), { found: "none", at: now }, now);
    expect(recent.find(named("JANE@example.com"), now + 60_000)).toEqual({ found: "none", at: now });
    expect(recent.find(named("jane@example.com"), now + 60_001)).toBeNull();
    expect(recent.find(named("jane"), now)).toBeNull();
  });

  it("are at most 500: the oldest goes first", () => {
    const recent = new RecentAnswers();
    for (let n = 0; n <= 500; n++) recent.keep(named(`u${n}`), { found: "none", at: now }, now);
    expect(recent.find(named("u0"), now)).toBeNull();
    expect(recent.find(named("u1"), now)).not.toBeNull();
    expect(recent.find(named("u500"), now)).not.toBeNull();
  });
});
