/** What is answered when Okta cannot be asked. Pure. */
import type { AccountFacts } from "../inventory/api.ts";
import { fromInventory, type MissingReason, withLastKnown } from "./account.ts";
import { type CacheResult, standIn } from "./cached-answer.ts";
import { answersTo, type Identifier } from "./identifier.ts";
import type { LookedUp } from "./lookup.ts";
import type { LookupAnswer } from "./lookup-rpc.ts";

/** The complete account that the cache has; null when it has none of the last day. @param reason why Okta is not asked */
export const answerOfCache = (
  cached: CacheResult,
  now: number,
  reason: MissingReason,
): LookupAnswer | null => {
  const copy = standIn(cached, now);
  if (copy === null) return null;
  const { account, at } = copy;
  return { found: { found: "one", account }, from: { at, cached: true, stale: true, reason } };
};

/**
 * The account that the inventory has, or the several accounts that it knows by this name. Null when it has none: the
 * inventory does not hold everyone (it may never have been filled), so that is no answer.
 */
export const answerOfInventory = (
  identifier: Identifier,
  facts: AccountFacts,
  now: number,
  reason: MissingReason,
): LookupAnswer | null => {
  switch (facts.found) {
    case "none":
      return null;
    case "many":
      return {
        found: { found: "many", logins: facts.logins },
        from: { at: now, cached: false, stale: true, reason },
      };
    case "one": {
      const account = fromInventory(facts.facts, facts.readAt, facts.devices);
      if (!answersTo(identifier, account)) return null;
      return {
        found: { found: "one", account },
        from: { at: facts.readAt, cached: false, stale: true, reason },
      };
    }
  }
};

/** What was looked up at Okta, with what the inventory knows of those facts that could not be read. */
export const withInventory = (looked: LookedUp, facts: AccountFacts): LookedUp => {
  if (looked.found !== "one" || facts.found !== "one") return looked;
  const before = fromInventory(facts.facts, facts.readAt, facts.devices);
  return before.id === looked.account.id
    ? { ...looked, account: withLastKnown(looked.account, before) }
    : looked;
};
