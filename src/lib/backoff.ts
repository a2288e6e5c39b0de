/**
 * How long to wait after failures. The wait doubles up to a ceiling. Jitter keeps callers that failed together from
 * retrying together (https://aws.amazon.com/blogs/architecture/exponential-backoff-and-jitter/).
 */

/** The range of a wait that doubles. */
export interface Backoff {
  /** The first wait, ms. */
  readonly baseMs: number;
  /** The longest wait, ms. */
  readonly ceilingMs: number;
}

/** `baseMs × 2^doublings`, at most `ceilingMs`. */
export const doubledMs = (doublings: number, { baseMs, ceilingMs }: Backoff): number =>
  Math.min(ceilingMs, baseMs * 2 ** Math.min(doublings, 30));

/** Full jitter: a random wait from 0 to `ms`. @param random 0 ≤ random < 1 */
export const fullJitter = (ms: number, random: () => number): number => random() * ms;

/** Equal jitter: a random wait from half of `ms` to `ms`, for waits that must not be short. @param random as above */
export const equalJitter = (ms: number, random: () => number): number => ms / 2 + (random() * ms) / 2;
