/** What an OktaGate stores, in one row: each exchange changes all of it, and a row written is what an exchange costs. */
import type { Bucket } from "../endpoints.ts";
import { type BucketState, mended } from "./bucket.ts";
import { type CallStats, emptyCallStats } from "./call-stats.ts";
import { emptyLedger, type Ledger } from "./ledger-state.ts";
import { lose } from "./losses.ts";

export interface Books {
  readonly ledger: Ledger;
  readonly stats: CallStats;
}

/** A Durable Object's storage, as far as it is needed here. */
export type BooksStorage = Pick<SyncKvStorage, "get" | "put" | "delete">;

const KEY = "gate";

/** The key of version 0.1, whose buckets had no list of losses. It reads nothing but this key. */
const FORMER_KEY = "books";

/** Calls of unknown fate as version 0.1 kept them: those of the window under way, and those of the next. */
interface FormerLosses {
  readonly assumed: number;
  readonly carried: number;
  readonly carriedAt: number;
}

type FormerBucket = Omit<BucketState, "lost"> & FormerLosses;

interface FormerBooks {
  readonly ledger: Omit<Ledger, "buckets"> & { readonly buckets: Partial<Record<Bucket, FormerBucket>> };
  readonly stats: CallStats;
}

const upgraded = ({ assumed, carried, carriedAt, ...bucket }: FormerBucket): BucketState => {
  const state: BucketState = { ...bucket, lost: [] };
  lose(state, Math.max(assumed, carried), carriedAt);
  return state;
};

/**
 * What was stored last, or empty books. Former books are rewritten under the new key and deleted, so they are there
 * only when a version that still writes them has run last.
 */
export const loadBooks = (storage: BooksStorage): Books => {
  const former = storage.get<FormerBooks>(FORMER_KEY);
  if (former === undefined) {
    return storage.get<Books>(KEY) ?? { ledger: emptyLedger(), stats: emptyCallStats() };
  }
  const buckets = Object.entries(former.ledger.buckets).map(([name, state]) => [name, upgraded(state)]);
  const books: Books = { ...former, ledger: { ...former.ledger, buckets: Object.fromEntries(buckets) } };
  saveBooks(storage, books);
  storage.delete(FORMER_KEY);
  return books;
};

export const saveBooks = (storage: BooksStorage, books: Books): void => storage.put(KEY, books);

/** Takes out times that no window explains: nobody would be let through before them. @param now ms since the epoch */
export const mendBooks = ({ ledger: { buckets } }: Books, now: number): void => {
  for (const [name, state] of Object.entries(buckets)) Object.assign(buckets, { [name]: mended(state, now) });
};
