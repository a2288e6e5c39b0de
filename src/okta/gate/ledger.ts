/**
 * The bucket maths of the OktaGate: who may call Okta now. Pure: state in, state and decision out, time passed
 * in. All times are ms since the epoch by the local clock unless a name says otherwise.
 *
 * Rules, in short:
 * - In one window we use at most `share` of a bucket's limit, counting calls that landed in it and permits that
 *   are still out. Of that, a part is kept for interactive callers.
 * - `remaining` is what all applications together have left; a margin of it stays untouched.
 * - A bucket whose limit nobody has seen yet gets one permit at a time.
 * - A call counts in the window that its own answer names, so a permit used late counts where it landed.
 * - Two buckets whose answers name the same limit and reset are one bucket until the numbers prove otherwise:
 *   which endpoints share a bucket differs between orgs and is documented nowhere.
 */
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
  /** Our own calls that landed in the window. */
  counted: number;
  /** Permits of vanished holders that may have been used after this window, in one that no answer named yet. */
  carried: number;
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
  /** Pairs `a|b` (sorted) that were once seen with the same limit and reset and proved to be two buckets. */
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
  /** HTTP status, null when no answer came. */
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
/** Permits at once for a bucket whose answers carry no rate-limit headers. */
const HEADERLESS_CONCURRENCY = 6;
/** Asking again sooner than this is of no use: an answer has to come in first. */
const SOON_MS = 100;
const BACKOFF_BASE_MS = 500;
const BACKOFF_CEILING_MS = 60_000;

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
  counted: 0,
  carried: 0,
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

/** The permits of a holder that is gone may have been used: they count in the current window. */
const retire = (ledger: Ledger, holder: HolderState, now: number): void => {
  for (const [bucket, state] of Object.entries(ledger.buckets)) {
    const held = holder.out[bucket as Bucket] ?? 0; // keys of `buckets` are Buckets
    if (now < state.opensAt) state.counted += held;
    else state.carried += held;
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

/** Other buckets that look like the same one: same limit, same window, not proved distinct. */
const twins = (ledger: Ledger, bucket: Bucket): Bucket[] => {
  const own = ledger.buckets[bucket];
  if (!own || own.resetAt === null) return [];
  return (Object.keys(ledger.buckets) as Bucket[]).filter((other) => {
    const state = ledger.buckets[other];
    return (
      other !== bucket &&
      state?.limit === own.limit &&
      state?.resetAt === own.resetAt &&
      !ledger.distinct[pairKey(bucket, other)]
    );
  });
};

/**
 * If a twin really drained the same bucket, at least our calls to both would be used up. Fewer used than that
 * (allowing for calls under way) proves two buckets.
 */
const separateTwins = (ledger: Ledger, bucket: Bucket): void => {
  const own = bucketState(ledger, bucket);
  if (own.limit === null || own.remaining === null) return;
  const used = own.limit - own.remaining;
  for (const twin of twins(ledger, bucket)) {
    const slack = outstanding(ledger, bucket) + outstanding(ledger, twin);
    const ours = own.counted + bucketState(ledger, twin).counted;
    if (used + slack < ours) ledger.distinct[pairKey(bucket, twin)] = true;
  }
};

const fullJitter = (attempt: number, random: () => number): number =>
  random() * Math.min(BACKOFF_CEILING_MS, BACKOFF_BASE_MS * 2 ** Math.min(attempt, 10));

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
    ledger.concurrencyBackoffUntil =
      at + BACKOFF_BASE_MS / 2 + fullJitter(ledger.concurrencyRefusals, random);
    return;
  }
  const state = bucketState(ledger, observation.bucket);
  if (status !== null && status !== 429) ledger.concurrencyRefusals = 0;
  if (reading === null || observation.resetInMs === null) {
    state.counted += 1;
    if (status === 429) {
      state.refusals += 1;
      state.backingOffUntil = at + BACKOFF_BASE_MS * 2 + fullJitter(state.refusals + 1, random);
    }
    return;
  }
  const opensAt = at + observation.resetInMs;
  if (state.resetAt === null || reading.resetAt > state.resetAt) {
    const counted = 1 + state.carried;
    Object.assign(state, {
      resetAt: reading.resetAt,
      opensAt,
      remaining: reading.remaining,
      counted,
      carried: 0,
    });
  } else if (reading.resetAt === state.resetAt) {
    state.counted += 1;
    // The Date header has whole seconds only: the earliest estimate is the most exact one and still safe.
    state.opensAt = Math.min(state.opensAt, opensAt);
    state.remaining = Math.min(state.remaining ?? reading.remaining, reading.remaining);
  }
  state.limit = reading.limit;
  if (status === 429) {
    state.refusals += 1;
    state.remaining = 0;
    state.backingOffUntil = state.opensAt + fullJitter(state.refusals - 1, random);
  } else if (state.backingOffUntil !== null && at >= state.backingOffUntil) {
    state.refusals = 0;
    state.backingOffUntil = null;
  }
  separateTwins(ledger, observation.bucket);
};

/** How many more calls a bucket has for this priority now; null when its limit is not known. */
const room = (
  ledger: Ledger,
  bucket: Bucket,
  priority: Priority,
  share: number,
  now: number,
): number | null => {
  const state = bucketState(ledger, bucket);
  if (state.limit === null) return null;
  const cap = Math.max(1, Math.floor(state.limit * share));
  const allowed = priority === "interactive" ? cap : Math.max(1, cap - Math.ceil(cap * INTERACTIVE_RESERVE));
  const family = [bucket, ...twins(ledger, bucket)];
  const out = family.reduce((sum, member) => sum + outstanding(ledger, member), 0);
  if (now >= state.opensAt) return allowed - out - state.carried;
  const used = family.reduce((sum, member) => sum + bucketState(ledger, member).counted, 0);
  const margin = Math.ceil(state.limit * MARGIN);
  return Math.min(allowed - used - out, (state.remaining ?? state.limit) - out - margin);
};

/** Room in a bucket of unknown size: one call to learn it, a few at once where Okta does not tell. */
const unmetered = (ledger: Ledger, bucket: Bucket): number =>
  (bucketState(ledger, bucket).counted === 0 ? 1 : HEADERLESS_CONCURRENCY) - outstanding(ledger, bucket);

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
  const free = room(ledger, bucket, priority, share, now) ?? unmetered(ledger, bucket);
  const granted = Math.min(request.want, Math.max(0, free));
  if (granted === 0) {
    // Permits that are out come back or turn into counts soon; the rest has to wait for the next window.
    const windowEnd = state.opensAt > now ? state.opensAt : now + SOON_MS;
    return { granted: 0, retryAt: state.limit === null ? now + SOON_MS : windowEnd };
  }
  const holder = ledger.holders[request.holder];
  if (holder) holder.out[bucket] = (holder.out[bucket] ?? 0) + granted;
  return { granted, retryAt: null };
};
