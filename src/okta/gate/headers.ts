/** What one answer of Okta says about a rate-limit bucket. */
export interface RateLimitReading {
  /** Calls per window; 0 on a concurrency 429. */
  readonly limit: number;
  readonly remaining: number;
  /** When the window ends, seconds since the epoch by Okta's clock. */
  readonly resetAt: number;
}

const WHOLE = /^\d{1,15}$/;

/** All numbers of a header that a proxy or Okta itself may have sent twice (fetch joins with a comma). */
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

/**
 * How long until the window surely is over, in ms: `reset − Date + 1 s`, all by Okta's clock, so that a wrong
 * local clock neither stalls nor hurries us. Without a Date header the local clock has to do.
 */
export const msUntilReset = (resetAt: number, dateHeader: string | null, localNow: number): number => {
  const serverNow = dateHeader === null ? Number.NaN : Date.parse(dateHeader);
  return Math.max(0, resetAt * 1000 - (Number.isNaN(serverNow) ? localNow : serverNow) + 1000);
};
