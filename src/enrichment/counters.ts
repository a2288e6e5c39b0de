/**
 * What became of look-ups, for /metrics. Each isolate adds up its own and brings them to one Durable Object a
 * connection a moment later, so that counting costs neither an answer's time nor an RPC an answer.
 */
import { errorFields, log } from "../lib/log.ts";

/**
 * - `hits` answered from the cache, `misses` from Okta, `stale` from an old copy or the inventory because Okta
 *   could not answer, `errors` not at all; together all answers
 * - `not_found` and `incomplete` are parts of hits and misses
 */
export interface LookupCounts {
  readonly hits: number;
  readonly misses: number;
  readonly stale: number;
  readonly errors: number;
  readonly not_found: number;
  readonly incomplete: number;
}

export const noCounts: LookupCounts = {
  hits: 0,
  misses: 0,
  stale: 0,
  errors: 0,
  not_found: 0,
  incomplete: 0,
};

export const addCounts = (a: LookupCounts, b: LookupCounts): LookupCounts => ({
  hits: a.hits + b.hits,
  misses: a.misses + b.misses,
  stale: a.stale + b.stale,
  errors: a.errors + b.errors,
  not_found: a.not_found + b.not_found,
  incomplete: a.incomplete + b.incomplete,
});

/** What counters are brought to: the Durable Object's stub has it. */
export interface CountsKeeper {
  count(counts: LookupCounts): Promise<void>;
}

interface Pending {
  counts: LookupCounts;
  /** When a delivery was last promised, ms since the epoch. A promise can be lost with the request that made it. */
  promisedAt: number;
}

const FLUSH_MS = 1_000;
const LOST_MS = 5_000;

const pending = new Map<string, Pending>();

const deliver = async (connection: string, target: () => CountsKeeper): Promise<void> => {
  await new Promise((resolve) => setTimeout(resolve, FLUSH_MS));
  const due = pending.get(connection);
  pending.delete(connection);
  if (due === undefined) return;
  try {
    await target().count(due.counts);
  } catch (error) {
    log("warn", "enrichment_counters_lost", { connection, ...errorFields(error) });
  }
};

/**
 * LookupCounts, and sees to the delivery when nobody else does.
 * @param background keeps the Worker alive for the delivery: `ctx.waitUntil`
 */
export const countLookups = (
  connection: string,
  counts: Partial<LookupCounts>,
  target: () => CountsKeeper,
  background: (work: Promise<void>) => void,
): void => {
  const now = Date.now();
  const before = pending.get(connection);
  const promised = before !== undefined && now - before.promisedAt < LOST_MS;
  pending.set(connection, {
    counts: addCounts(before?.counts ?? noCounts, { ...noCounts, ...counts }),
    promisedAt: promised ? before.promisedAt : now,
  });
  if (!promised) background(deliver(connection, target));
};
