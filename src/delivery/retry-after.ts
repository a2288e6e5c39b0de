/** The header Retry-After (RFC 9110, section 10.2.3): seconds, or a date. */
import { serverTime } from "../lib/clock.ts";

/** No sink makes us wait longer than a day: a wrong date would otherwise silence it for good. */
const longestMs = 24 * 60 * 60 * 1000;

/**
 * Reads Retry-After. A date is taken relative to the answer's own Date header, because the two clocks may differ.
 *
 * @param now ms since the epoch, for an answer without a Date header.
 * @returns ms to wait from now, 0 to a day; null when there is no header or it says nothing sensible.
 */
export const retryAfterMs = (headers: Headers, now: number): number | null => {
  const value = headers.get("retry-after")?.trim();
  if (value === undefined || value === "") return null;
  if (/^\d+(\.\d+)?$/.test(value)) return Math.min(longestMs, Math.ceil(Number(value) * 1000));
  const until = Date.parse(value);
  if (Number.isNaN(until) || !/[a-z]/i.test(value)) return null;
  const sent = serverTime(headers.get("date")) ?? now;
  return Math.min(longestMs, Math.max(0, until - sent));
};
