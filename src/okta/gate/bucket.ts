/**
 * What is known of one rate-limit bucket: its window under way, our own calls in it, and calls whose fate nobody
 * knows. Pure. All times are ms since the epoch by the local clock unless a name says otherwise.
 */
import type { RateLimitReading } from "./headers.ts";

export interface BucketState {
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
  /** Calls of unknown fate, the oldest first; see `lose`. */
  lost: Loss[];
  /** Okta answers here without rate-limit headers. */
  headerless: boolean;
  backingOffUntil: number | null;
  /** 429s in a row, for the length of the next backoff. */
  refusals: number;
}

/** Calls without an answer that names a window, and permits of holders that are gone. */
export interface Loss {
  /** The calls reached Okta before this or not at all. Rounded up, so that there are few entries. */
  readonly before: number;
  readonly calls: number;
}

/** Windows last a minute: a call that landed longer ago than this is in none that is still open. */
const LOSS_MS = 65_000;
const LOSS_STEP_MS = 1000;
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

/**
 * Books calls that may have reached Okta at any time up to `at`. Neither their window nor the order in which
 * reports come in is known, so they count in every window that is open during the next minute.
 */
export const lose = (state: BucketState, calls: number, at: number): void => {
  if (calls === 0) return;
  const before = Math.ceil(at / LOSS_STEP_MS) * LOSS_STEP_MS;
  const others = state.lost.filter((loss) => loss.before > at - LOSS_MS);
  const same = others.findIndex((loss) => loss.before === before);
  const sum = (others[same]?.calls ?? 0) + calls;
  state.lost = [...others.filter((_, index) => index !== same), { before, calls: sum }].sort(
    (a, b) => a.before - b.before,
  );
};

const openLosses = (state: BucketState, now: number): Loss[] =>
  state.lost.filter((loss) => now - loss.before <= LOSS_MS);

/** How many calls of unknown fate may have landed in a window that is open now. */
export const lostCalls = (state: BucketState, now: number): number =>
  openLosses(state, now).reduce((sum, { calls }) => sum + calls, 0);

/** When the first of these calls can no longer matter; null when there are none. */
export const lossEndsAt = (states: readonly BucketState[], now: number): number | null => {
  const ends = states.flatMap((state) => openLosses(state, now).map(({ before }) => before + LOSS_MS + 1));
  return ends.length === 0 ? null : Math.min(...ends);
};

/** Do both ends name the same window? */
export const sameWindow = (a: number | null, b: number | null): boolean =>
  a !== null && b !== null && Math.abs(a - b) <= RESET_TOLERANCE_S;

/**
 * Books one call in the window that its answer names. An answer that names an earlier window than the latest
 * known came late and tells nothing: that window is over.
 * @param resetInMs how long until the window surely is over, from `at`; see `msUntilReset`
 */
export const countCallIn = (
  state: BucketState,
  reading: RateLimitReading,
  resetInMs: number,
  at: number,
): void => {
  const { resetAt, remaining } = reading;
  const opensAt = at + resetInMs;
  const seenAt = (resetAt + 1) * 1000 - resetInMs;
  if (sameWindow(resetAt, state.resetAt)) {
    state.counted += 1;
    // The Date header has whole seconds only: the earliest estimate is the most exact one and still safe.
    state.opensAt = Math.min(state.opensAt, opensAt);
    state.seenAt = Math.min(state.seenAt, seenAt);
    state.remaining = Math.min(state.remaining ?? remaining, remaining);
  } else if (state.resetAt === null || resetAt > state.resetAt) {
    Object.assign(state, { resetAt, opensAt, seenAt, remaining, counted: 1 });
  }
  state.headerless = false;
  state.limit = reading.limit;
};
