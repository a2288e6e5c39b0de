/**
 * Which of our buckets may be one and the same of Okta's. Which endpoints share a bucket differs between orgs and
 * is documented nowhere, so buckets of the same limit are one until their answers prove otherwise. Pure.
 */
import type { Bucket } from "../endpoints.ts";
import { type BucketState, RESET_TOLERANCE_S, sameWindow } from "./bucket.ts";
import { bucketState, bucketsOf, type Ledger } from "./ledger-state.ts";

const pairKey = (a: Bucket, b: Bucket): string => (a < b ? `${a}|${b}` : `${b}|${a}`);

/** The bucket and all that may be the same one: of the same limit or of none known yet, and not proved distinct. */
export const familyOf = (ledger: Ledger, bucket: Bucket, limit: number): Bucket[] =>
  bucketsOf(ledger).filter((other) => {
    const otherLimit = bucketState(ledger, other).limit;
    return (
      other === bucket ||
      otherLimit === null ||
      (otherLimit === limit && !ledger.distinct[pairKey(bucket, other)])
    );
  });

/**
 * Looks for the two proofs that buckets are not the same one:
 * - in one window, less is used up than our calls to both: of one bucket, the last answer would tell of them all
 * - while the window of one was still open, an answer named a later window for the other
 */
export const separate = (ledger: Ledger, bucket: Bucket): void => {
  const own = bucketState(ledger, bucket);
  if (own.limit === null || own.resetAt === null) return;
  for (const other of familyOf(ledger, bucket, own.limit)) {
    const twin = bucketState(ledger, other);
    if (other === bucket || twin.limit === null || twin.resetAt === null) continue;
    const distinct = sameWindow(own.resetAt, twin.resetAt)
      ? own.limit - Math.min(own.remaining ?? 0, twin.remaining ?? 0) < own.counted + twin.counted
      : overlap(own.resetAt < twin.resetAt ? [own, twin] : [twin, own]);
    if (distinct) ledger.distinct[pairKey(bucket, other)] = true;
  }
};

/** Was the later window seen before the earlier one ended? A Date header is up to a second behind, a reset ahead. */
const overlap = ([earlier, later]: readonly [BucketState, BucketState]): boolean =>
  later.seenAt + 1000 < ((earlier.resetAt ?? 0) - 1 - RESET_TOLERANCE_S) * 1000;
