/** What the gate remembers, as it is stored; see `ledger.ts` for the rules. */
import type { Bucket } from "../endpoints.ts";
import { type BucketState, newBucket } from "./bucket.ts";

/**
 * Look-ups and tests of a connection are interactive: somebody waits for them. Delta runs follow the org, and full runs
 * are background work. A priority that is not known, from a later version, is taken for background work.
 */
export type Priority = "interactive" | "follow" | "background";

export interface HolderState {
  /** A holder that was restarted comes with a new incarnation; what its old self held is taken as used. */
  incarnation: string;
  touchedAt: number;
  /** Permits handed out and not yet reported, by bucket. */
  out: Partial<Record<Bucket, number>>;
  priority: Priority;
  /** How long it may be silent before it is gone, ms; absent for holders of the version before. */
  goneAfterMs?: number;
}

export interface Ledger {
  buckets: Partial<Record<Bucket, BucketState>>;
  holders: Record<string, HolderState>;
  /** Pairs `a|b` (sorted) that proved to be two buckets. */
  distinct: Record<string, true>;
  /** Org-wide pause after a concurrency 429. */
  concurrencyBackoffUntil: number | null;
  concurrencyRefusals: number;
}

export const emptyLedger = (): Ledger => ({
  buckets: {},
  holders: {},
  distinct: {},
  concurrencyBackoffUntil: null,
  concurrencyRefusals: 0,
});

/** All buckets that anybody has asked for. */
export const bucketsOf = (ledger: Ledger): Bucket[] => Object.keys(ledger.buckets) as Bucket[]; // its keys

/** The state of a bucket, which is there from now on. */
export const bucketState = (ledger: Ledger, bucket: Bucket): BucketState => {
  let state = ledger.buckets[bucket];
  if (state === undefined) {
    state = newBucket();
    ledger.buckets[bucket] = state;
  }
  return state;
};
