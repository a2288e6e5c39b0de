/**
 * What is known of one rate-limit bucket: its window under way, our own calls in it, and calls whose fate nobody
 * knows (`losses.ts`). Pure. All times are ms since the epoch by the local clock unless a name says otherwise.
 */
import { LONGEST_WINDOW_MS, type RateLimitReading, WINDOW_MS } from "./headers.ts";
import { forgetLanded, type Losses, settle } from "./losses.ts";

export interface BucketState extends Losses {
  /** Calls per window for all applications together; null until an answer has said so. */
  limit: number | null;
  /** The least that is left of the current window, as far as answers said. */
  remaining: number | null;
  /** Okta's name for the window: its end in seconds since the epoch by Okta's clock. */
  resetAt: number | null;
  /** When the window surely is over. */
  opensAt: number;
  /** The earliest that an answer named this window, ms by Okta's clock. */
  seenAt: number;
  /** Our own calls whose answers named the window. */
  counted: number;
  /** Okta answers here without rate-limit headers. */
  headerless: boolean;
  backingOffUntil: number | null;
  /** 429s in a row, for the length of the next backoff. */
  refusals: number;
  /** Nobody has said when the window ends: `resetAt` is a guess. */
  isGuess?: boolean;
  /** When the last probes were granted; see `room.ts`. */
  probes?: number[];
}

/** Two answers may name one window a second apart: Okta rounds. */
export const RESET_TOLERANCE_S = 1;

export const newBucket = (): BucketState => ({
  limit: null,
  remaining: null,
  resetAt: null,
  opensAt: 0,
  seenAt: 0,
  counted: 0,
  lost: [],
  headerless: false,
  backingOffUntil: null,
  refusals: 0,
});

/** Do both ends name the same window? */
export const sameWindow = (a: number | null, b: number | null): boolean =>
  a !== null && b !== null && Math.abs(a - b) <= RESET_TOLERANCE_S;

/** The reading and its end as they may be believed: callers of the version before believe every header. */
const credible = (reading: RateLimitReading, resetInMs: number) => {
  if (resetInMs <= LONGEST_WINDOW_MS + 1000) return { reading, resetInMs };
  const serverNow = (reading.resetAt + 1) * 1000 - resetInMs;
  const resetAt = Math.ceil((serverNow + WINDOW_MS) / 1000);
  return { reading: { ...reading, resetAt, isGuess: true as const }, resetInMs: WINDOW_MS + 1000 };
};

/**
 * The window that a reading names. A guess names the one that is open, if there is one. Whoever names a window that ends
 * much sooner than the latest known, or knows what was a guess, is believed: that one is renamed.
 */
const windowOf = (state: BucketState, { resetAt, isGuess }: RateLimitReading, at: number): number => {
  if (isGuess === true) return state.resetAt !== null && at < state.opensAt ? state.resetAt : resetAt;
  const isWrong = state.resetAt !== null && (state.resetAt - resetAt) * 1000 > LONGEST_WINDOW_MS;
  if (state.isGuess === true || isWrong) state.resetAt = resetAt;
  return resetAt;
};

/**
 * Books an answer, and its call in the window that it names. An answer that names an earlier window than the latest
 * known came late, and tells only that what had landed by then is in windows that are over.
 * @param calls 0 for a call that is booked elsewhere
 * @param resetInMs how long until the window surely is over, from `at`; see `msUntilReset`
 * @param sentAt when the call was sent; null if that is not known
 */
export const countCallIn = (
  state: BucketState,
  given: RateLimitReading,
  { calls, at, sentAt, ...end }: { calls: 0 | 1; resetInMs: number; at: number; sentAt: number | null },
): void => {
  const { reading, resetInMs } = credible(given, end.resetInMs);
  const { remaining, limit, isGuess } = reading;
  const resetAt = windowOf(state, reading, at);
  const opensAt = at + resetInMs;
  const seenAt = (resetAt + 1) * 1000 - resetInMs;
  // What is used is compared within a window, as limit less remaining: of two limits that says nothing.
  const isNewLimit = state.limit !== null && state.limit !== limit;
  const settles = remaining < limit ? sentAt : null;
  if (sameWindow(resetAt, state.resetAt)) {
    state.counted += calls;
    // The Date header has whole seconds only: the earliest estimate is the most exact one and still safe.
    state.opensAt = Math.min(state.opensAt, opensAt);
    state.seenAt = Math.min(state.seenAt, seenAt);
    state.remaining = Math.min(state.remaining ?? remaining, remaining);
    if (isNewLimit) delete state.settledAt;
    else if (settles !== null) settle(state, settles);
  } else if (state.resetAt === null || resetAt > state.resetAt) {
    forgetLanded(state, state.settledAt ?? 0);
    Object.assign(state, { resetAt, opensAt, seenAt, remaining, counted: calls });
    if (settles !== null) settle(state, settles);
  } else {
    if (settles !== null) forgetLanded(state, settles);
    if (isNewLimit) delete state.settledAt;
  }
  state.headerless = false;
  state.limit = limit;
  if (isGuess !== true) delete state.isGuess;
  else if (resetAt === reading.resetAt) state.isGuess = true;
};

/** The bucket without times that no window explains, which a former version may have stored. */
export const mended = (state: BucketState, now: number): BucketState => {
  const latest = now + 2 * LONGEST_WINDOW_MS;
  if (state.opensAt <= latest && (state.backingOffUntil ?? 0) <= latest) return state;
  return { ...state, resetAt: null, opensAt: 0, remaining: null, counted: 0, backingOffUntil: null };
};
