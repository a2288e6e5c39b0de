/** How long a run still takes. Pure. */

/** A bucket's limit per window as the gate knows it. */
export interface KnownLimit {
  readonly limit: number | null;
  readonly share: number;
}

/**
 * Seconds until `callsLeft` are made: by the pace of the run so far once it says something, and never faster
 * than the slowest bucket lets us (windows are a minute). Null without any ground for an estimate.
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
