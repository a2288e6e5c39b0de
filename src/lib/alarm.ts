/** Far longer than an object is ever too busy for its alarm, ms. */
const LOST_AFTER_MS = 60_000;

/**
 * Whether work that waits for an alarm waits in vain: none is set (Cloudflare drops an alarm whose handler has thrown
 * six times), or the one that is set should have fired long ago.
 * @param alarm what `storage.getAlarm()` returned: ms since the epoch, or null
 * @param now ms since the epoch
 */
export const isLostAlarm = (alarm: number | null, now: number): boolean =>
  alarm === null || alarm < now - LOST_AFTER_MS;
