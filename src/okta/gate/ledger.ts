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
 * - Calls of unknown fate count for a minute, but never more of them than Okta says were made by anybody, once an
 *   answer tells; see `losses.ts`. If they leave no room, a probe gets that answer; see `room.ts`.
 * - Buckets of the same limit are one bucket until their answers prove otherwise; see `families.ts`.
 */
import { doubledMs, fullJitter } from "../../lib/backoff.ts";
import type { Bucket } from "../endpoints.ts";
import type { WaitReason } from "../wait-reason.ts";
import { countCallIn } from "./bucket.ts";
import { separate } from "./families.ts";
import { isConcurrencyLimit, type RateLimitReading } from "./headers.ts";
import { handOut, outstandingInteractive, takeBack } from "./holders.ts";
import { bucketState, type Ledger, type Priority } from "./ledger-state.ts";
import { lose } from "./losses.ts";
import { type Ask, bookProbe, probeAt, type Room, roomOf } from "./room.ts";

/** What became of one call that had a permit. */
export interface Observation extends CallObservation {
  readonly bucket: Bucket;
  /** The holder does not know whether the gate has booked it before. */
  readonly repeated?: boolean;
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
  /** When it was sent; not given by callers of the version before. */
  readonly sentAt?: number;
}

/** The gate's answer to a request for permits. */
export interface Decision {
  /** How many permits were granted. */
  readonly granted: number;
  /** When to ask again; null if anything was granted. */
  readonly retryAt: number | null;
  /** Why nothing was granted; null if anything was. */
  readonly reason: WaitReason | null;
}

/**
 * How many permits interactive callers may hold at once. A small org allows 35 calls at once, and one principal about
 * half of them, of which a run may use 6.
 */
const INTERACTIVE_CONCURRENCY = 12;
/**
 * Permits for calls that are still to come are handed out up to this many, those of one look-up: idle ones must not keep
 * back calls of others that could be made.
 */
const AHEAD_CONCURRENCY = 5;
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
  const { reading, resetInMs, status, at, sentAt = null, repeated = false } = observation;
  if (status === 429 && reading !== null && isConcurrencyLimit(reading)) {
    ledger.concurrencyRefusals += 1;
    ledger.concurrencyBackoffUntil = at + BACKOFF.baseMs / 2 + waitAfter(ledger.concurrencyRefusals, random);
    return;
  }
  const state = bucketState(ledger, observation.bucket);
  if (status === 0) return;
  if (status !== null && status !== 429) ledger.concurrencyRefusals = 0;
  if (reading === null || resetInMs === null) {
    lose(state, 1, at);
    if (status !== null && status < 300) state.headerless = true;
    if (status === 429) {
      state.refusals += 1;
      state.backingOffUntil = at + BACKOFF.baseMs * 2 + waitAfter(state.refusals + 1, random);
    }
    return;
  }
  // Counted twice, it would look as if Okta had counted less than we did, which proves buckets distinct.
  if (repeated) lose(state, 1, at);
  countCallIn(state, reading, { calls: repeated ? 0 : 1, resetInMs, at, sentAt });
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

const mayProbe = (ledger: Ledger, bucket: Bucket, ask: Ask, room: Room): boolean => {
  if (room.calls >= 1 || room.reason !== "unaccounted") return false;
  const at = probeAt(ledger, bucket, ask);
  return at !== null && at <= ask.now;
};

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
  if (pause > now) return { granted: 0, retryAt: pause, reason: "backoff" };
  if (priority === "interactive" && outstandingInteractive(ledger) >= INTERACTIVE_CONCURRENCY) {
    return { granted: 0, retryAt: now + SOON_MS, reason: "in_flight" };
  }
  const ask: Ask = { priority, share, now };
  const room = roomOf(ledger, bucket, ask);
  const probe = want > 0 && mayProbe(ledger, bucket, ask, room);
  if (probe) bookProbe(state, now);
  const granted = probe ? 1 : Math.min(want, Math.max(0, room.calls));
  if (granted === 0) {
    // Without a later time, calls that are out are the reason. They are reported soon, and may leave room.
    return { granted: 0, retryAt: room.moreAt > now ? room.moreAt : now + SOON_MS, reason: room.reason };
  }
  handOut(ledger, holder, bucket, granted);
  return { granted, retryAt: null, reason: null };
};

/**
 * Hands an interactive holder permits for calls that it will make soon, as far as there are any to spare. Those of another
 * priority take larger batches instead.
 * @returns how many were granted
 */
export const grantAhead = (
  ledger: Ledger,
  request: { holder: string; bucket: Bucket; want: number; priority: Priority },
  share: number,
  now: number,
): number => {
  const want = Math.min(request.want, AHEAD_CONCURRENCY - outstandingInteractive(ledger));
  if (request.priority !== "interactive" || want <= 0) return 0;
  return grant(ledger, { ...request, want }, share, now).granted;
};
