/** A server's clock, as the Date headers of its answers show it. */

/** A Date header has whole seconds only and is read after a while on the way: a smaller difference is none. */
const MIN_SKEW_MS = 2_000;

/** The header that was read last: all answers of one second have the same. */
let last: { readonly header: string; readonly time: number | null } = { header: "", time: null };

/** The server's time by a Date header, ms since the epoch; null without one that can be read. */
export const serverTime = (dateHeader: string | null): number | null => {
  if (dateHeader === null) return null;
  if (dateHeader !== last.header) {
    const time = Date.parse(dateHeader);
    last = { header: dateHeader, time: Number.isNaN(time) ? null : time };
  }
  return last.time;
};

/**
 * The server's clock less ours, ms: positive when it is ahead. A difference of less than two seconds counts as
 * none. Null without a Date header that can be read.
 * @param now our clock when the answer came, ms since the epoch
 */
export const clockSkew = (dateHeader: string | null, now: number): number | null => {
  const time = serverTime(dateHeader);
  if (time === null) return null;
  return Math.abs(time - now) < MIN_SKEW_MS ? 0 : time - now;
};
