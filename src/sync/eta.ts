/** Estimates how long a run will still take. Pure. */

/** A bucket's limit as the gate knows it. */
export interface KnownLimit {
  /** Calls per window of a minute; null if unknown. */
  readonly limit: number | null;
  /** The largest part of it that we take. */
  readonly share: number;
}

/**
 * Estimated seconds until `callsLeft` calls are made. The estimate follows the run's pace once it has made 20 calls.
 * Before that, it assumes that all calls go at the rate of the bucket that allows most calls. Null without either.
 */
export const etaSeconds = (
  callsLeft: number,
  pace: { made: number; elapsedMs: number },
  limits: readonly KnownLimit[],
): number | null => {
  const byPace =
    pace.made >= 20 && pace.elapsedMs > 0 ? (callsLeft * pace.elapsedMs) / pace.made / 1000 : null;
  const perMinute = limits.flatMap(({ limit, share }) => (limit === null ? [] : [limit * share]));
  const byLimit = perMinute.length > 0 ? (callsLeft / Math.max(1, ...perMinute)) * 60 : null;
  if (byPace === null && byLimit === null) return null;
  return Math.ceil(byPace ?? byLimit ?? 0);
};
