/**
 * Answers questions: from the cache, else by a look-up, then with the malice rules. It knows no HTTP and no
 * environment; the routes pass in what it works with.
 */
import { errorFields, log } from "../lib/log.ts";
import { err, ok } from "../lib/result.ts";
import { isComplete, withAttributes } from "./account.ts";
import {
  answerFor,
  failureAnswer,
  failureStatus,
  type LookupFailure,
  type OktaAnswer,
  retryAfter,
  unreadIn,
} from "./answer.ts";
import type { AccountCache } from "./cache.ts";
import { type CacheResult, foundIn, freshness } from "./cached-answer.ts";
import type { LookupCounts } from "./counters.ts";
import { type Identifier, parseIdentifier } from "./identifier.ts";
import { limited } from "./limited.ts";
import {
  fromReply,
  type LookupAnswer,
  type LookupOutcome,
  type LookupReply,
  type RequiredFreshness,
} from "./lookup-rpc.ts";
import type { MaliceRules } from "./rules.ts";
import { answerOfCache } from "./stand-in.ts";
import { evaluateRules } from "./verdict.ts";

export interface EnrichDeps {
  readonly cache: AccountCache;
  /** Asks the account's AccountLookup. */
  readonly lookUp: (identifier: Identifier, demand: RequiredFreshness) => Promise<LookupReply>;
  readonly rules: MaliceRules;
  /** Lower-case factor types that do not count as MFA. */
  readonly mfaIgnored: readonly string[];
  /** Names of the custom profile attributes to show. */
  readonly attributes: readonly string[];
  /** How long a look-up is fresh. */
  readonly ttlMs: number;
  readonly now: () => number;
  /** Keeps the Worker alive for work that goes on after the answer: `ctx.waitUntil`. */
  readonly background: (work: Promise<unknown>) => void;
  readonly count: (counts: Partial<LookupCounts>) => void;
}

/** Milliseconds spent in each part. */
export interface Timing {
  readonly cache: number;
  readonly okta: number;
  readonly rules: number;
}

/** An answer, and what goes with it when it is the only one. */
export interface Enrichment {
  readonly status: 200 | 502 | 503;
  readonly answer: OktaAnswer;
  /** Seconds; null when waiting alone does not help. */
  readonly retryAfter: number | null;
  readonly timing: Timing;
}

/** An answer among others. */
export type BatchItem = Pick<Enrichment, "answer" | "timing">;

/** Look-ups of one batch at once. */
const BATCH_CONCURRENCY = 10;

const succeed = (
  deps: EnrichDeps,
  { found, from }: LookupAnswer,
  timing: Omit<Timing, "rules">,
): Enrichment => {
  const startedAt = deps.now();
  const answer = answerFor(withAttributes(found, deps.attributes), from, deps.mfaIgnored);
  // A name that fits several accounts says nothing about any of them.
  const { verdict, undecided } =
    found.found === "many"
      ? { verdict: null, undecided: [] }
      : evaluateRules(deps.rules, answer.extracted, found.found === "one", startedAt, unreadIn(answer));
  deps.count({
    ...(from.stale ? { stale: 1 } : from.cached ? { hits: 1 } : { misses: 1 }),
    ...(found.found === "one" ? {} : { not_found: 1 }),
    ...(found.found === "one" && !isComplete(found.account) ? { incomplete: 1 } : {}),
  });
  const rules = deps.now() - startedAt;
  return {
    status: 200,
    answer: { ...answer, verdict, ...(undecided.length > 0 && { verdict_undecided: [...undecided] }) },
    retryAfter: null,
    timing: { ...timing, rules },
  };
};

const fail = (deps: EnrichDeps, failure: LookupFailure, timing: Omit<Timing, "rules">): Enrichment => {
  const now = deps.now();
  deps.count({ errors: 1 });
  return {
    status: failureStatus(failure),
    answer: failureAnswer(failure, now),
    retryAfter: retryAfter(failure, now),
    timing: { ...timing, rules: 0 },
  };
};

/** What the object answers; if it cannot be reached, what the cache has. */
const lookUp = async (
  deps: EnrichDeps,
  identifier: Identifier,
  demand: RequiredFreshness,
  cached: CacheResult,
): Promise<LookupOutcome> => {
  try {
    return fromReply(await deps.lookUp(identifier, demand));
  } catch (error) {
    // The object was restarted or is overloaded. Okta may be well.
    log("warn", "enrichment_flight_lost", errorFields(error));
    const reason = { code: "overloaded", message: "the look-up was interrupted; ask again" };
    const copy = answerOfCache(cached, deps.now(), reason);
    return copy === null ? err({ ...reason, retryAt: null }) : ok(copy);
  }
};

/** What is known of one name, and how long it took to find out. */
interface Found {
  readonly outcome: LookupOutcome;
  readonly timing: Omit<Timing, "rules">;
}

const find = async (deps: EnrichDeps, identifier: Identifier, refresh: boolean): Promise<Found> => {
  const startedAt = deps.now();
  const cached = await deps.cache.read(identifier);
  const cacheReadAt = deps.now();
  const state = freshness(cached, deps.ttlMs, cacheReadAt);
  const cache = cacheReadAt - startedAt;
  if (!refresh && cached.found !== "miss" && state !== "expired") {
    if (state === "due") deps.background(lookUp(deps, identifier, "renew", cached));
    const from = { at: cached.at, cached: true, stale: false };
    return { outcome: ok({ found: foundIn(cached), from }), timing: { cache, okta: 0 } };
  }
  const outcome = await lookUp(deps, identifier, refresh ? "force" : "any", cached);
  if (outcome.ok && outcome.value.found.found === "one" && !outcome.value.from.stale) {
    deps.cache.remember(identifier, outcome.value.found.account.id, outcome.value.from.at);
  }
  return { outcome, timing: { cache, okta: deps.now() - cacheReadAt } };
};

/**
 * Answers one question.
 * @param refresh true bypasses the cache
 */
export const enrich = (deps: EnrichDeps, identifier: Identifier, refresh: boolean): Promise<Enrichment> =>
  answerTo(deps, identifier, (name) => find(deps, name, refresh));

/** @param found finds what is known of a name */
const answerTo = async (
  deps: EnrichDeps,
  { whole, ...identifier }: Identifier,
  found: (name: Identifier) => Promise<Found>,
): Promise<Enrichment> => {
  let { outcome, timing } = await found(identifier);
  if (whole !== undefined && outcome.ok && outcome.value.found.found === "none") {
    const other = await found(whole);
    outcome = other.outcome;
    timing = { cache: timing.cache + other.timing.cache, okta: timing.okta + other.timing.okta };
  }
  return outcome.ok ? succeed(deps, outcome.value, timing) : fail(deps, outcome.error, timing);
};

const refused = (deps: EnrichDeps, message: string): BatchItem => ({
  answer: failureAnswer({ code: "invalid_account", message, retryAt: null }, deps.now()),
  timing: { cache: 0, okta: 0, rules: 0 },
});

/**
 * Answers many questions, in their order. An account that is asked for twice is looked up once, however it is spelt,
 * unless a spelling may be an id. An item that fails does not affect the others.
 */
export const enrichAll = (deps: EnrichDeps, accounts: readonly string[]): Promise<BatchItem[]> => {
  const inTurn = limited(BATCH_CONCURRENCY);
  const names = new Map<string, Promise<Found>>();
  const found = (name: Identifier): Promise<Found> => {
    const asked = names.get(name.key) ?? inTurn(() => find(deps, name, false));
    names.set(name.key, asked);
    return asked;
  };
  const answers = new Map<string, Promise<Enrichment>>();
  return Promise.all(
    accounts.map((account) => {
      const parsed = parseIdentifier(account);
      if (!parsed.ok) return refused(deps, parsed.error.message);
      const { key, whole } = parsed.value;
      const both = `${key} ${whole?.key ?? ""}`;
      const answer = answers.get(both) ?? answerTo(deps, parsed.value, found);
      answers.set(both, answer);
      return answer;
    }),
  );
};
