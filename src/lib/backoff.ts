/** How long to wait after a failure. */

export interface BackoffOptions {
  /** Failures in a row, from 1. */
  readonly failures: number;
  readonly baseMs: number;
  readonly ceilingMs: number;
  /** 0 ≤ random < 1. */
  readonly random: () => number;
}

/**
 * Exponential backoff with full jitter: anything between nothing and `base × 2^(failures − 1)`, which is bounded
 * by the ceiling. Full jitter spreads many waiting clients best
 * (https://aws.amazon.com/blogs/architecture/exponential-backoff-and-jitter/).
 *
 * @returns whole milliseconds.
 */
export const backoffMs = ({ failures, baseMs, ceilingMs, random }: BackoffOptions): number =>
  Math.floor(random() * Math.min(ceilingMs, baseMs * 2 ** Math.min(failures - 1, 30)));
