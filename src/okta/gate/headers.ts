/** What the headers of one answer say about a rate-limit bucket. Pure. */
import { serverTime } from "../../lib/clock.ts";

/** What one answer says about a rate-limit bucket. */
export interface RateLimitReading {
  /** Calls per window; 0 on a concurrency 429. */
  readonly limit: number;
  readonly remaining: number;
  /** When the window ends, seconds since the epoch by Okta's clock. */
  readonly resetAt: number;
  /** The answer did not say when the window ends, and `resetAt` is a guess. */
  readonly isGuess?: true;
}

const WHOLE = /^\d{1,15}$/;

/** All numbers of a header that a proxy or Okta itself may have sent twice; fetch joins them with a comma. */
const numbers = (header: string | null): number[] => {
  if (header === null) return [];
  if (WHOLE.test(header)) return [Number(header)];
  const parts = header.split(",").map((part) => part.trim());
  return parts.filter((part) => WHOLE.test(part)).map(Number);
};

/** No window lasts longer than this, ms, whatever a header says: Okta's last a minute. */
export const LONGEST_WINDOW_MS = 120_000;
/** The end of a window whose header makes no sense is taken to be so far away, ms. */
export const WINDOW_MS = 60_000;
/** Seconds since the epoch have reached 12 digits in no time that matters; milliseconds have 13. */
const LEAST_MILLISECONDS = 1e11;

/** A reset in seconds since the epoch, whichever of the two units it came in. */
const inSeconds = (reset: number): number => (reset >= LEAST_MILLISECONDS ? Math.ceil(reset / 1000) : reset);

const isNear = (seconds: number, now: number): boolean => Math.abs(seconds * 1000 - now) <= LONGEST_WINDOW_MS;

/**
 * Reads `x-rate-limit-*`. Duplicates resolve to the careful side: the smallest limit and remaining, the latest
 * reset. A reset that is further away than any window lasts, before or after the answer, names no window: without
 * another one, a minute is guessed. Null when the answer carries no usable numbers.
 * @param localNow when the answer came, ms since the epoch; without it every reset is believed
 * @param dateHeader the header Date, if the caller has it at hand
 */
export const readRateLimit = (
  headers: Headers,
  localNow?: number,
  dateHeader: string | null = headers.get("date"),
): RateLimitReading | null => {
  const limits = numbers(headers.get("x-rate-limit-limit"));
  const left = numbers(headers.get("x-rate-limit-remaining"));
  const resets = numbers(headers.get("x-rate-limit-reset"));
  const [reset] = resets;
  if (limits.length === 0 || left.length === 0 || reset === undefined) return null;
  const limit = Math.min(...limits);
  const remaining = Math.min(...left);
  if (localNow === undefined) return { limit, remaining, resetAt: Math.max(...resets) };
  const serverNow = serverTime(dateHeader) ?? localNow;
  // What nearly every answer says.
  if (resets.length === 1 && isNear(reset, serverNow)) return { limit, remaining, resetAt: reset };
  const credible = resets
    .map(inSeconds)
    .filter((seconds) => isNear(seconds, serverNow) || isNear(seconds, localNow));
  if (credible.length > 0) return { limit, remaining, resetAt: Math.max(...credible) };
  return { limit, remaining, resetAt: Math.ceil((serverNow + WINDOW_MS) / 1000), isGuess: true };
};

/** A 429 with these numbers means too many calls at once, not too many in the window: its reset means nothing. */
export const isConcurrencyLimit = ({ limit, remaining }: RateLimitReading): boolean =>
  limit === 0 && remaining === 0;

/**
 * How long until the window surely is over, ms: `reset − Date + 1 s`, all by Okta's clock, so that a wrong local
 * clock neither stalls nor hurries us. Without a Date header the local clock has to do. At most two minutes and a second.
 * @param resetAt seconds since the epoch by Okta's clock
 */
export const msUntilReset = (resetAt: number, dateHeader: string | null, localNow: number): number =>
  Math.min(
    LONGEST_WINDOW_MS + 1000,
    Math.max(0, resetAt * 1000 - (serverTime(dateHeader) ?? localNow) + 1000),
  );
