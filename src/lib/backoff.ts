/**
 * How long to wait after failures. The wait doubles up to a ceiling; jitter keeps those who failed together from
 * coming back together (https://aws.amazon.com/blogs/architecture/exponential-backoff-and-jitter/).
 */

export interface Backoff {
  /** The first wait, ms. */
  readonly baseMs: number;
  /** The longest wait, ms. */
  readonly ceilingMs: number;
}

/** `base × 2^doublings`, ms, at most the ceiling. */
export const doubledMs = (doublings: number, { baseMs, ceilingMs }: Backoff): number =>
  Math.min(ceilingMs, baseMs * 2 ** Math.min(doublings, 30));

/** Full jitter: anything from nothing to `ms`. @param random 0 ≤ random < 1 */
export const fullJitter = (ms: number, random: () => number): number => random() * ms;

/** Equal jitter: at least half of `ms`, for waits that must not be short. @param random 0 ≤ random < 1 */
export const equalJitter = (ms: number, random: () => number): number => ms / 2 + (random() * ms) / 2;
