/**
 * How the OktaGate decides who may call Okta now. These functions change the ledger that they get and nothing else;
 * time and random numbers are passed in. All times are ms since the epoch by the local clock unless a name says
 * otherwise.
 *
 * A bucket is a group of endpoints whose calls Okta counts together, against one limit per window (a minute). The
 * rules, in short:
 * - In one window we use at most `share` of a bucket's limit. Calls that landed in the window count, and so do
 *   permits that are out (handed out and not yet reported) and calls of unknown fate that may have landed in it,
 *   of all priorities together. Parts of the share are kept for interactive callers and for delta runs; see `parts.ts`.
 * - `remaining` is what all applications together have left; a margin of it stays untouched.
 * - A bucket whose limit no answer has told yet gets one permit at a time.
 * - A call counts in the window that its own answer names, so a permit that is used late counts where it landed.
 * - Buckets of the same limit are one bucket until their answers prove otherwise; see `families.ts`.
 */
import { doubledMs, fullJitter } from "../../lib/backoff.ts";
import type { Bucket } from "../endpoints.ts";
import { type BucketState, countCallIn, lose, lossEndsAt, lostCalls } from "./bucket.ts";
import { familyOf, separate } from "./families.ts";
import { isConcurrencyLimit, type RateLimitReading } from "./headers.ts";
import { handOut, outstanding, outstandingInteractive, takeBack } from "./holders.ts";
import { bucketState, bucketsOf, type Ledger, type Priority } from "./ledger-state.ts";
import { allowance } from "./parts.ts";

/** What became of one call that had a permit. */
export interface Observation extends CallObservation {
  readonly bucket: Bucket;
}

/** What the caller knows about the call. */
export interface CallObservation {
  /** What the answer's headers say; null without an answer, or without rate-limit headers. */
  readonly reading: RateLimitReading | null;
  /** ms until the window is over, counted from `at`; see `msUntilReset`. */
  readonly resetInMs: number | null;
  /** HTTP status, null when no answer came, 0 when no call went out. */
  readonly status: number | null;
  /** When the call ended. */
  readonly at: number;
}

/** The gate's answer to a request for permits. */
export interface Decision {
  /** How many permits were granted. */
  readonly granted: number;
  /** When to ask again; null if anything was granted. */
  readonly retryAt: number | null;
}

/** The part of the limit that is left to other applications, however much of it they use. */
const MARGIN = 0.05;
/**
 * How many permits interactive callers may hold at once. A small org allows 35 calls at once, and one principal about
 * half of them, of which a run may use 6.
 */
const INTERACTIVE_CONCURRENCY = 12;
/** How many permits may be out at once for a bucket whose answers have no rate-limit headers. */
const HEADERLESS_CONCURRENCY = 6;
/** The smallest limit that Okta has published (`/api/v1/logs` of a free org). A bucket of unknown size may have it. */
const SMALLEST_LIMIT = 20;
/** How long to wait for calls that are out. Asking again sooner is useless, because an answer has to come in first. */
const SOON_MS = 100;
const BACKOFF = { baseMs: 500, ceilingMs: 60_000 };

const waitAfter = (refusals: number, random: () => number): number =>
  fullJitter(doubledMs(refusals, BACKOFF), random);

/** Books what became of one call of `holderName`. @param random 0 ≤ random < 1, for the length of backoffs */
export const observe = (
  ledger: Ledger,
  holderName: string,
  observation: Observation,
  random: () => number,
): void => {
  takeBack(ledger, holderName, observation.bucket);
  const { reading, resetInMs, status, at } = observation;
  if (status === 429 && reading !== null && isConcurrencyLimit(reading)) {
    ledger.concurrencyRefusals += 1;
    ledger.concurrencyBackoffUntil = at + BACKOFF.baseMs / 2 + waitAfter(ledger.concurrencyRefusals, random);
    return;
  }
  const state = bucketState(ledger, observation.bucket);
  if (status !== null && status !== 429) ledger.concurrencyRefusals = 0;
  if (status === 0) return;
  if (reading === null || resetInMs === null) {
    lose(state, 1, at);
    if (status !== null && status < 300) state.headerless = true;
    if (status === 429) {
      state.refusals += 1;
      state.backingOffUntil = at + BACKOFF.baseMs * 2 + waitAfter(state.refusals + 1, random);
    }
    return;
  }
  countCallIn(state, reading, resetInMs, at);
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

/** Who asks for permits, and when. */
interface Ask {
  readonly priority: Priority;
  /** 0 < share ≤ 1 */
  readonly share: number;
  readonly now: number;
}

interface Room {
  /** How many more calls we may make now; may be negative. */
  readonly calls: number;
  /** When there may be more room; now or earlier if that is not known. */
  readonly moreAt: number;
}

/** The room that a bucket has for this priority now; null when its limit is not known. */
const roomOf = (ledger: Ledger, bucket: Bucket, ask: Ask): Room | null => {
  const { now } = ask;
  const { limit } = bucketState(ledger, bucket);
  if (limit === null) return null;
  const family = familyOf(ledger, bucket, limit);
  const states = family.map((member) => bucketState(ledger, member));
  const open = states.filter((state) => now < state.opensAt);
  const out = family.reduce((sum, member) => sum + outstanding(ledger, member), 0);
  const lost = states.reduce((sum, state) => sum + lostCalls(state, now), 0);
  const counted = open.reduce((sum, state) => sum + state.counted, 0);
  const calls = allowance(limit, ask.share, ask.priority) - counted - lost - out;
  if (open.length === 0) return { calls, moreAt: out > 0 ? now : (lossEndsAt(states, now) ?? now) };
  const remaining = Math.min(...open.map((state) => state.remaining ?? limit));
  return {
    calls: Math.min(calls, remaining - out - Math.ceil(limit * MARGIN)),
    moreAt: Math.min(...open.map((state) => state.opensAt)),
  };
};

/**
 * The room of a bucket of unknown size: one call to learn the size, or a few at once if Okta's answers do not tell it.
 * In Okta, the bucket may be the same as any bucket that is known, so each of these must have room as well. It may
 * also be the same as all others of unknown size together, and as small as a bucket can be.
 */
const roomOfUnknown = (ledger: Ledger, bucket: Bucket, ask: Ask): Room => {
  const state = bucketState(ledger, bucket);
  const known = bucketsOf(ledger).flatMap((other) => roomOf(ledger, other, ask) ?? []);
  const atOnce = (state.headerless ? HEADERLESS_CONCURRENCY : 1) - outstanding(ledger, bucket);
  const unknown = state.headerless ? [] : [roomOfAllUnknown(ledger, ask)];
  const bounds = [...known, ...unknown];
  return {
    calls: Math.min(atOnce, ...bounds.map(({ calls }) => calls)),
    moreAt: Math.max(0, ...bounds.filter(({ calls }) => calls < 1).map(({ moreAt }) => moreAt)),
  };
};

/** The room of all buckets of unknown size together, if they are one bucket of the smallest limit. */
const roomOfAllUnknown = (ledger: Ledger, ask: Ask): Room => {
  const { now } = ask;
  const unknown = bucketsOf(ledger).filter((bucket) => isUnknown(bucketState(ledger, bucket)));
  const states = unknown.map((bucket) => bucketState(ledger, bucket));
  const out = unknown.reduce((sum, bucket) => sum + outstanding(ledger, bucket), 0);
  const lost = states.reduce((sum, state) => sum + lostCalls(state, now), 0);
  return {
    calls: allowance(SMALLEST_LIMIT, ask.share, ask.priority) - out - lost,
    moreAt: out > 0 ? now : (lossEndsAt(states, now) ?? now),
  };
};

/** Whether no answer has told the bucket's limit yet, but one still may. */
const isUnknown = ({ limit, headerless }: BucketState): boolean => limit === null && !headerless;

/**
 * Hands out up to `want` permits of a bucket to a holder that has checked in (see `checkIn`).
 * @param share the part of each limit that we may use, 0 < share ≤ 1
 */
export const grant = (
  ledger: Ledger,
  request: { holder: string; bucket: Bucket; want: number; priority: Priority },
  share: number,
  now: number,
): Decision => {
  const { holder, bucket, want, priority } = request;
  const state = bucketState(ledger, bucket);
  const pause = Math.max(state.backingOffUntil ?? 0, ledger.concurrencyBackoffUntil ?? 0);
  if (pause > now) return { granted: 0, retryAt: pause };
  if (priority === "interactive" && outstandingInteractive(ledger) >= INTERACTIVE_CONCURRENCY) {
    return { granted: 0, retryAt: now + SOON_MS };
  }
  const ask: Ask = { priority, share, now };
  const room = roomOf(ledger, bucket, ask) ?? roomOfUnknown(ledger, bucket, ask);
  const granted = Math.min(want, Math.max(0, room.calls));
  if (granted === 0) {
    // Without a later time, calls that are out are the reason. They are reported soon, and may leave room.
    return { granted: 0, retryAt: room.moreAt > now ? room.moreAt : now + SOON_MS };
  }
  handOut(ledger, holder, bucket, granted);
  return { granted, retryAt: null };
};
