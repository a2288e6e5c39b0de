/**
 * How look-ups ended, for /metrics. Each isolate adds up its own and sends them a moment later to one Durable Object
 * per connection, so that counting neither delays an answer nor costs an RPC per answer.
 */
import { errorFields, log } from "../lib/log.ts";

/**
 * - `hits` were answered from the cache, `misses` from Okta, `stale` from an old copy or the inventory because Okta
 *   could not answer, and `errors` not at all; together they are all answers
 * - `not_found` and `incomplete` are parts of the first three
 * - `forget_failures` are no answers: the sync saw an account change, and KV failed when its look-ups were forgotten
 */
export interface LookupCounts {
  readonly hits: number;
  readonly misses: number;
  readonly stale: number;
  readonly errors: number;
  readonly not_found: number;
  readonly incomplete: number;
  readonly forget_failures: number;
}

export const noCounts: LookupCounts = {
  hits: 0,
  misses: 0,
  stale: 0,
  errors: 0,
  not_found: 0,
  incomplete: 0,
  forget_failures: 0,
};

export const addCounts = (a: LookupCounts, b: LookupCounts): LookupCounts => ({
  hits: a.hits + b.hits,
  misses: a.misses + b.misses,
  stale: a.stale + b.stale,
  errors: a.errors + b.errors,
  not_found: a.not_found + b.not_found,
  incomplete: a.incomplete + b.incomplete,
  forget_failures: a.forget_failures + b.forget_failures,
});

/** Where counts are sent: the stub of the Durable Object that keeps them. */
export interface CountsKeeper {
  count(counts: LookupCounts): Promise<void>;
}

interface Pending {
  counts: LookupCounts;
  /** When sending was last scheduled, ms since the epoch. It can be lost with the request that scheduled it. */
  scheduledAt: number;
}

const FLUSH_MS = 1_000;
const LOST_MS = 5_000;

const pending = new Map<string, Pending>();

/** Sends counts to their keeper. Never throws: counts that cannot be sent are lost, and logged. */
export const sendCounts = async (
  connection: string,
  counts: LookupCounts,
  keeper: CountsKeeper,
): Promise<void> => {
  try {
    await keeper.count(counts);
  } catch (error) {
    log("warn", "enrichment_counters_lost", { connection, ...errorFields(error) });
  }
};

const sendDue = async (connection: string, target: () => CountsKeeper): Promise<void> => {
  await new Promise((resolve) => setTimeout(resolve, FLUSH_MS));
  const due = pending.get(connection);
  pending.delete(connection);
  if (due !== undefined) await sendCounts(connection, due.counts, target());
};

/**
 * Counts a look-up, and schedules sending unless that is scheduled already.
 * @param background keeps the Worker alive until the counts are sent: `ctx.waitUntil`
 */
export const countLookups = (
  connection: string,
  counts: Partial<LookupCounts>,
  target: () => CountsKeeper,
  background: (work: Promise<void>) => void,
): void => {
  const now = Date.now();
  const before = pending.get(connection);
  const scheduled = before !== undefined && now - before.scheduledAt < LOST_MS;
  pending.set(connection, {
    counts: addCounts(before?.counts ?? noCounts, { ...noCounts, ...counts }),
    scheduledAt: scheduled ? before.scheduledAt : now,
  });
  if (!scheduled) background(sendDue(connection, target));
};
