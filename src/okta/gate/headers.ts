/** What the headers of one answer say about a rate-limit bucket. Pure. */
import { serverTime } from "../../lib/clock.ts";

/** What one answer says about a rate-limit bucket. */
export interface RateLimitReading {
  /** Calls per window; 0 on a concurrency 429. */
  readonly limit: number;
  readonly remaining: number;
  /** When the window ends, seconds since the epoch by Okta's clock. */
  readonly resetAt: number;
}

const WHOLE = /^\d{1,15}$/;

/** All numbers of a header that a proxy or Okta itself may have sent twice; fetch joins them with a comma. */
const numbers = (header: string | null): number[] => {
  if (header === null) return [];
  if (WHOLE.test(header)) return [Number(header)];
  const parts = header.split(",").map((part) => part.trim());
  return parts.filter((part) => WHOLE.test(part)).map(Number);
};

/**
 * Reads `x-rate-limit-*`. Duplicates resolve to the careful side: the smallest limit and remaining, the latest
 * reset. Null when the answer carries no usable numbers.
 */
export const readRateLimit = (headers: Headers): RateLimitReading | null => {
  const limit = numbers(headers.get("x-rate-limit-limit"));
  const remaining = numbers(headers.get("x-rate-limit-remaining"));
  const reset = numbers(headers.get("x-rate-limit-reset"));
  if (limit.length === 0 || remaining.length === 0 || reset.length === 0) return null;
  return { limit: Math.min(...limit), remaining: Math.min(...remaining), resetAt: Math.max(...reset) };
};

/** A 429 with these numbers means too many calls at once, not too many in the window: its reset means nothing. */
export const isConcurrencyLimit = ({ limit, remaining }: RateLimitReading): boolean =>
  limit === 0 && remaining === 0;

/**
 * How long until the window surely is over, ms: `reset − Date + 1 s`, all by Okta's clock, so that a wrong local
 * clock neither stalls nor hurries us. Without a Date header the local clock has to do.
 * @param resetAt seconds since the epoch by Okta's clock
 */
export const msUntilReset = (resetAt: number, dateHeader: string | null, localNow: number): number =>
  Math.max(0, resetAt * 1000 - (serverTime(dateHeader) ?? localNow) + 1000);
