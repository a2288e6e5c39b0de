/**
 * The bucket maths of the OktaGate: who may call Okta now. Pure: state in, state and decision out, time passed
 * in. All times are ms since the epoch by the local clock unless a name says otherwise.
 *
 * Rules, in short:
 * - In one window we use at most `share` of a bucket's limit, counting calls that landed in it and permits that
 *   are still out. Of that, a part is kept for interactive callers.
 * - `remaining` is what all applications together have left; a margin of it stays untouched.
 * - A bucket whose limit nobody has seen yet gets one permit at a time.
 * - A call counts in the window that its own answer names, so a permit used late counts where it landed. One
 *   without an answer counts in this window and in the next.
 * - Buckets of the same limit are one bucket until their answers prove otherwise: which endpoints share a bucket
 *   differs between orgs and is documented nowhere.
 */
import { doubledMs, fullJitter } from "../../lib/backoff.ts";
import type { Bucket } from "../endpoints.ts";
import type { RateLimitReading } from "./headers.ts";

export type Priority = "interactive" | "background";

export interface BucketState {
  /** Calls per window for all applications together; null until an answer has said so. */
  limit: number | null;
  /** The least that is left of the current window, as far as answers said. */
  remaining: number | null;
  /** Okta's name for the window: its end in seconds since the epoch by Okta's clock. */
  resetAt: number | null;
  /** When the window surely is over, by the local clock. */
  opensAt: number;
  /** The earliest that an answer named this window, ms by Okta's clock. */
  seenAt: number;
  /** Our own calls whose answers named the window. */
  counted: number;
  /** Calls without an answer, and permits of vanished holders, that may have landed in the window. */
  assumed: number;
  /** The same, that may have landed in the window after it. */
  carried: number;
  /** When the last of them was added: what is older than a window cannot matter any more. */
  carriedAt: number;
  /** Okta answers here without rate-limit headers. */
  headerless: boolean;
  backingOffUntil: number | null;
  /** 429s in a row, for the length of the next backoff. */
  refusals: number;
}

interface HolderState {
  /** A holder that was restarted comes with a new incarnation; what its old self held is taken as used. */
  incarnation: string;
  touchedAt: number;
  /** Permits handed out and not yet reported, by bucket. */
  out: Partial<Record<Bucket, number>>;
  priority: Priority;
}

export interface Ledger {
  buckets: Partial<Record<Bucket, BucketState>>;
  holders: Record<string, HolderState>;
  /** Pairs `a|b` (sorted) that proved to be two buckets. */
  distinct: Record<string, true>;
  /** Org-wide pause after a concurrency 429. */
  concurrencyBackoffUntil: number | null;
  concurrencyRefusals: number;
}

/** What came of one call that had a permit. */
export interface Observation {
  readonly bucket: Bucket;
  readonly reading: RateLimitReading | null;
  /** ms until the window is over, counted from `at`; see `msUntilReset`. */
  readonly resetInMs: number | null;
  /** HTTP status, null when no answer came, 0 when no call went out. */
  readonly status: number | null;
  readonly at: number;
}

export interface Decision {
  readonly granted: number;
  /** When to ask again, set exactly when nothing was granted. */
  readonly retryAt: number | null;
}

/** A holder that says nothing for this long is gone: its permits count as used. Longer than any call takes. */
const HOLDER_TIMEOUT_MS = 90_000;
/** The part of our share that background work leaves to interactive callers. */
const INTERACTIVE_RESERVE = 0.2;
/** The part of the limit that stays untouched for other applications when they use much. */
const MARGIN = 0.05;
/** Interactive calls at once: half of what a small org allows one principal, less the streams' own. */
const INTERACTIVE_CONCURRENCY = 12;
/** Windows last a minute; a call that landed longer ago than this is in none that is still open. */
const CARRY_MS = 65_000;
/** Two answers may name one window a second apart: Okta rounds. */
const RESET_TOLERANCE_S = 1;
/** Permits at once for a bucket whose answers carry no rate-limit headers. */
const HEADERLESS_CONCURRENCY = 6;
/** Calls without an answer that a bucket of unknown size may have had: the share of the smallest that Okta has. */
const BLIND_CALLS = 10;
/** Asking again sooner than this is of no use: an answer has to come in first. */
const SOON_MS = 100;
const BACKOFF = { baseMs: 500, ceilingMs: 60_000 };

export const emptyLedger = (): Ledger => ({
  buckets: {},
  holders: {},
  distinct: {},
  concurrencyBackoffUntil: null,
  concurrencyRefusals: 0,
});

const newBucket = (): BucketState => ({
  limit: null,
  remaining: null,
  resetAt: null,
  opensAt: 0,
  seenAt: 0,
  counted: 0,
  assumed: 0,
  carried: 0,
  carriedAt: 0,
  headerless: false,
  backingOffUntil: null,
  refusals: 0,
});

const bucketState = (ledger: Ledger, bucket: Bucket): BucketState => {
  let state = ledger.buckets[bucket];
  if (state === undefined) {
    state = newBucket();
    ledger.buckets[bucket] = state;
  }
  return state;
};

const outstanding = (ledger: Ledger, bucket: Bucket): number =>
  Object.values(ledger.holders).reduce((sum, holder) => sum + (holder.out[bucket] ?? 0), 0);

const outstandingInteractive = (ledger: Ledger): number =>
  Object.values(ledger.holders)
    .filter((holder) => holder.priority === "interactive")
    .reduce((sum, holder) => sum + Object.values(holder.out).reduce((a, b) => a + b, 0), 0);

/** Calls that nobody heard the end of: they landed in this window, or in the one after it. */
const assume = (state: BucketState, calls: number, now: number): void => {
  if (calls === 0) return;
  state.assumed += calls;
  state.carried = carriedOf(state, now) + calls;
  state.carriedAt = now;
};

const carriedOf = (state: BucketState, now: number): number =>
  now - state.carriedAt > CARRY_MS ? 0 : state.carried;

/** The permits of a holder that is gone may have been used. */
const retire = (ledger: Ledger, holder: HolderState, now: number): void => {
  for (const [bucket, state] of Object.entries(ledger.buckets)) {
    assume(state, holder.out[bucket as Bucket] ?? 0, now); // keys of `buckets` are Buckets
  }
};

/** Takes note of who is asking, and of who has silently gone. */
export const checkIn = (
  ledger: Ledger,
  holder: { name: string; incarnation: string; priority: Priority },
  now: number,
): void => {
  for (const [name, state] of Object.entries(ledger.holders)) {
    const restarted = name === holder.name && state.incarnation !== holder.incarnation;
    if (restarted || now - state.touchedAt > HOLDER_TIMEOUT_MS) {
      retire(ledger, state, now);
      delete ledger.holders[name];
    }
  }
  const present = ledger.holders[holder.name];
  if (present) present.touchedAt = now;
  else {
    ledger.holders[holder.name] = {
      incarnation: holder.incarnation,
      touchedAt: now,
      out: {},
      priority: holder.priority,
    };
  }
};

/** Gives back all permits of a holder that did not use them. */
export const release = (ledger: Ledger, holderName: string): void => {
  delete ledger.holders[holderName];
};

const takeBack = (ledger: Ledger, holderName: string, bucket: Bucket): void => {
  const holder = ledger.holders[holderName];
  const held = holder?.out[bucket] ?? 0;
  if (holder && held > 0) holder.out[bucket] = held - 1;
};

const pairKey = (a: Bucket, b: Bucket): string => (a < b ? `${a}|${b}` : `${b}|${a}`);

const sameWindow = (a: number | null, b: number | null): boolean =>
  a !== null && b !== null && Math.abs(a - b) <= RESET_TOLERANCE_S;

/** The bucket and all that may be the same one: of the same limit or of none known yet, and not proved distinct. */
const familyOf = (ledger: Ledger, bucket: Bucket, limit: number): Bucket[] =>
  (Object.keys(ledger.buckets) as Bucket[]).filter((other) => {
    const otherLimit = bucketState(ledger, other).limit;
    return (
      other === bucket ||
      otherLimit === null ||
      (otherLimit === limit && !ledger.distinct[pairKey(bucket, other)])
    );
  });

/**
 * Two proofs that buckets are not the same one:
 * - in one window, less is used up than our calls to both: of one bucket, the last answer would tell of them all
 * - while the window of one was still open, an answer named a later window for the other
 */
const separate = (ledger: Ledger, bucket: Bucket): void => {
  const own = bucketState(ledger, bucket);
  if (own.limit === null || own.resetAt === null) return;
  for (const other of familyOf(ledger, bucket, own.limit)) {
    const twin = bucketState(ledger, other);
    if (other === bucket || twin.limit === null || twin.resetAt === null) continue;
    const distinct = sameWindow(own.resetAt, twin.resetAt)
      ? own.limit - Math.min(own.remaining ?? 0, twin.remaining ?? 0) < own.counted + twin.counted
      : overlap(own.resetAt < twin.resetAt ? [own, twin] : [twin, own]);
    if (distinct) ledger.distinct[pairKey(bucket, other)] = true;
  }
};

/** Was the later window seen before the earlier one ended? A Date header is up to a second behind, a reset ahead. */
const overlap = ([earlier, later]: readonly [BucketState, BucketState]): boolean =>
  later.seenAt + 1000 < ((earlier.resetAt ?? 0) - 1 - RESET_TOLERANCE_S) * 1000;

const waitAfter = (refusals: number, random: () => number): number =>
  fullJitter(doubledMs(refusals, BACKOFF), random);

/** Books what came of one call of `holderName`. */
export const observe = (
  ledger: Ledger,
  holderName: string,
  observation: Observation,
  random: () => number,
): void => {
  takeBack(ledger, holderName, observation.bucket);
  const { reading, status, at } = observation;
  if (status === 429 && reading !== null && reading.limit === 0 && reading.remaining === 0) {
    // Too many calls at once, not too many in the window: Reset means nothing here, obeying it would stall.
    ledger.concurrencyRefusals += 1;
    ledger.concurrencyBackoffUntil = at + BACKOFF.baseMs / 2 + waitAfter(ledger.concurrencyRefusals, random);
    return;
  }
  const state = bucketState(ledger, observation.bucket);
  if (status !== null && status !== 429) ledger.concurrencyRefusals = 0;
  if (status === 0) return;
  if (reading === null || observation.resetInMs === null) {
    assume(state, 1, at);
    if (status !== null && status < 300) state.headerless = true;
    if (status === 429) {
      state.refusals += 1;
      state.backingOffUntil = at + BACKOFF.baseMs * 2 + waitAfter(state.refusals + 1, random);
    }
    return;
  }
  const opensAt = at + observation.resetInMs;
  const seenAt = (reading.resetAt + 1) * 1000 - observation.resetInMs;
  if (sameWindow(reading.resetAt, state.resetAt)) {
    state.counted += 1;
    // The Date header has whole seconds only: the earliest estimate is the most exact one and still safe.
    state.opensAt = Math.min(state.opensAt, opensAt);
    state.seenAt = Math.min(state.seenAt, seenAt);
    state.remaining = Math.min(state.remaining ?? reading.remaining, reading.remaining);
  } else if (state.resetAt === null || reading.resetAt > state.resetAt) {
    state.assumed = carriedOf(state, at);
    state.carried = 0;
    Object.assign(state, {
      resetAt: reading.resetAt,
      opensAt,
      seenAt,
      remaining: reading.remaining,
      counted: 1,
    });
  }
  state.headerless = false;
  state.limit = reading.limit;
  if (status === 429) {
    state.refusals += 1;
    state.remaining = 0;
    state.backingOffUntil = state.opensAt + waitAfter(state.refusals - 1, random);
  } else if (state.backingOffUntil !== null && at >= state.backingOffUntil) {
    state.refusals = 0;
    state.backingOffUntil = null;
  }
  separate(ledger, observation.bucket);
};

interface Window {
  /** How many more calls we may make now. */
  readonly room: number;
  /** When it is over, by the local clock. */
  readonly opensAt: number;
}

/** Where a bucket stands for this priority now; null when its limit is not known. */
const windowOf = (
  ledger: Ledger,
  bucket: Bucket,
  priority: Priority,
  share: number,
  now: number,
): Window | null => {
  const { limit } = bucketState(ledger, bucket);
  if (limit === null) return null;
  const cap = Math.max(1, Math.floor(limit * share));
  const allowed = priority === "interactive" ? cap : Math.max(1, cap - Math.ceil(cap * INTERACTIVE_RESERVE));
  const family = familyOf(ledger, bucket, limit);
  const states = family.map((member) => bucketState(ledger, member));
  const open = states.filter((state) => now < state.opensAt);
  const out = family.reduce((sum, member) => sum + outstanding(ledger, member), 0);
  const used = states.reduce(
    (sum, state) => sum + (open.includes(state) ? state.counted + state.assumed : carriedOf(state, now)),
    out,
  );
  const opensAt = Math.min(...open.map((state) => state.opensAt));
  if (open.length === 0) return { room: allowed - used, opensAt: now };
  const remaining = Math.min(...open.map((state) => state.remaining ?? limit));
  return { room: Math.min(allowed - used, remaining - out - Math.ceil(limit * MARGIN)), opensAt };
};

/**
 * Room in a bucket of unknown size: one call to learn it, a few at once where Okta does not tell. It may turn
 * out to be one of those that are known, so each of those must have room for it.
 */
const unmetered = (
  ledger: Ledger,
  bucket: Bucket,
  priority: Priority,
  share: number,
  now: number,
): Window => {
  const state = bucketState(ledger, bucket);
  const full = (Object.keys(ledger.buckets) as Bucket[])
    .flatMap((other) => windowOf(ledger, other, priority, share, now) ?? [])
    .filter(({ room }) => room < 1);
  const atOnce = state.headerless ? HEADERLESS_CONCURRENCY : 1;
  const blind = !state.headerless && carriedOf(state, now) >= BLIND_CALLS;
  const room = full.length > 0 || blind ? 0 : atOnce - outstanding(ledger, bucket);
  const opensAt = blind ? state.carriedAt + CARRY_MS : 0;
  return { room, opensAt: Math.max(opensAt, ...full.map((window) => window.opensAt)) };
};

/** Hands out up to `want` permits of a bucket to a holder that has checked in. */
export const grant = (
  ledger: Ledger,
  request: { holder: string; bucket: Bucket; want: number; priority: Priority },
  share: number,
  now: number,
): Decision => {
  const { bucket, priority } = request;
  const state = bucketState(ledger, bucket);
  const pause = Math.max(state.backingOffUntil ?? 0, ledger.concurrencyBackoffUntil ?? 0);
  if (pause > now) return { granted: 0, retryAt: pause };
  if (priority === "interactive" && outstandingInteractive(ledger) >= INTERACTIVE_CONCURRENCY) {
    return { granted: 0, retryAt: now + SOON_MS };
  }
  const window =
    windowOf(ledger, bucket, priority, share, now) ?? unmetered(ledger, bucket, priority, share, now);
  const granted = Math.min(request.want, Math.max(0, window.room));
  if (granted === 0) {
    // Permits that are out come back or turn into counts soon; the rest has to wait for the next window.
    return { granted: 0, retryAt: window.opensAt > now ? window.opensAt : now + SOON_MS };
  }
  const holder = ledger.holders[request.holder];
  if (holder) holder.out[bucket] = (holder.out[bucket] ?? 0) + granted;
  return { granted, retryAt: null };
};
