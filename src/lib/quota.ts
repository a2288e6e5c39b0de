/**
 * Cloudflare's daily quotas of the free plan, as the platform's errors tell of them. The texts are not documented as a
 * whole; these are the forms in which they have been reported. Quotas begin anew at 00:00 UTC
 * (developers.cloudflare.com/workers/platform/pricing).
 */

/** A quota that is used up. */
export interface SpentQuota {
  /** What is used up: the beginning of a sentence. */
  readonly what: string;
  /** When it begins anew, ms since the epoch. */
  readonly until: number;
}

const DAY_MS = 86_400_000;

const kinds: readonly (readonly [RegExp, string])[] = [
  [/rows written/i, "Rows written in Durable Objects"],
  [/rows read/i, "Rows read in Durable Objects"],
  [/duration/i, "The duration of Durable Objects"],
  [/\bKV\b.*\bput|put\(\).*limit/i, "Writes to KV"],
  [/\bKV\b.*\bdelete|delete\(\).*limit/i, "Deletions in KV"],
  [/\bKV\b.*\blist|list\(\).*limit/i, "Lists of KV"],
  [/\bKV\b|get\(\).*limit/i, "Reads of KV"],
];

const isQuota = (text: string): boolean =>
  /exceeded/i.test(text) && /free[ -]?(tier|plan|usage)|for the day|daily/i.test(text);

/** Whether an error says that a daily quota is used up; null if it says something else. @param now ms since the epoch */
export const spentQuota = (error: unknown, now: number): SpentQuota | null => {
  const text = error instanceof Error ? error.message : String(error);
  if (!isQuota(text)) return null;
  const what = kinds.find(([pattern]) => pattern.test(text))?.[1] ?? "A daily quota";
  return { what, until: (Math.floor(now / DAY_MS) + 1) * DAY_MS };
};
