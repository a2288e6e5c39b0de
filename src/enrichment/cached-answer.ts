/** What the look-up cache has for an identifier, and how long it may be used. Pure. */
import type { Found } from "../contract/found.ts";
import { type Account, type FoundAccount, isComplete, withLastKnown } from "./account.ts";
import type { LookedUp } from "./lookup.ts";

/** An account and when it was fetched, ms since the epoch. */
export interface FetchedAccount {
  readonly account: Account;
  readonly at: number;
}

/**
 * An answer and when it was fetched, ms since the epoch. `previous` holds the newest complete account while this one
 * is not complete. The answer says nothing of freshness; see `freshness`.
 */
export type CachedAnswer = Found<{
  readonly account: Account;
  readonly previous: FetchedAccount | null;
}> & { readonly at: number };

/** The cache has no answer. */
export interface CacheMiss {
  readonly found: "miss";
  /** Since when whatever was known before is wrong, ms since the epoch; null when nothing says so. */
  readonly invalidatedAt: number | null;
}

export type CacheResult = CachedAnswer | CacheMiss;

/** How long a complete account stands in when Okta cannot answer. */
export const STALE_IF_ERROR_MS = 24 * 60 * 60_000;
/** How long "no such account", "several accounts" and accounts with missing facts are fresh. */
export const SHORT_LIFE_MS = 60_000;
/** In the last tenth of its life an account that is asked for is refreshed. */
const DUE_AT = 0.9;

/** What a cached answer says, without its age. */
export const foundIn = (answer: CachedAnswer): FoundAccount => {
  if (answer.found === "one") return { found: "one", account: answer.account };
  return answer.found === "many" ? { found: "many", logins: answer.logins } : { found: "none" };
};

export type Freshness = "fresh" | "due" | "expired";

/** How long an answer counts as fresh, ms. */
const lifetime = (answer: CachedAnswer, ttlMs: number): number =>
  answer.found === "one" && isComplete(answer.account) ? ttlMs : Math.min(ttlMs, SHORT_LIFE_MS);

/**
 * `due` is fresh, but in the last tenth of its life. An answer from the future (another clock's) is expired, and so
 * is a miss.
 * @param ttlMs how long a complete account is fresh
 * @param now ms since the epoch
 */
export const freshness = (cached: CacheResult, ttlMs: number, now: number): Freshness => {
  if (cached.found === "miss") return "expired";
  const age = now - cached.at;
  const life = lifetime(cached, ttlMs);
  if (age >= life || age < -SHORT_LIFE_MS) return "expired";
  return cached.found === "one" && age >= life * DUE_AT ? "due" : "fresh";
};

/** The account that may stand in when Okta cannot answer: complete, and not older than a day. */
export const standIn = (cached: CacheResult, now: number): FetchedAccount | null => {
  if (cached.found !== "one") return null;
  const { account, at, previous } = cached;
  const complete = isComplete(account) ? { account, at } : previous;
  return complete !== null && now - complete.at < STALE_IF_ERROR_MS ? complete : null;
};

/**
 * What was looked up at Okta, as an answer to keep. Beside facts that could not be read it has what the cache knew
 * of them.
 * @param before what the cache had
 * @param at when it was looked up, ms since the epoch
 */
export const answerToKeep = (looked: LookedUp, before: CacheResult, at: number): CachedAnswer => {
  if (looked.found !== "one") return { ...looked, at };
  const known = standIn(before, at);
  const previous = known?.account.id === looked.account.id ? known : null;
  const account = previous === null ? looked.account : withLastKnown(looked.account, previous.account);
  return { found: "one", account, at, previous };
};
