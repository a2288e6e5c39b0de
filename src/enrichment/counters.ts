/**
 * How look-ups ended, for /metrics. Each isolate adds up its own and sends them a moment later to one Durable Object
 * per connection, so that counting neither delays an answer nor costs an RPC per answer.
 */
import { gathering } from "../lib/gather.ts";
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

const gather = gathering(addCounts);

/**
 * Counts a look-up. The counts are sent a moment later.
 * @param background keeps the Worker alive until the counts are sent: `ctx.waitUntil`
 */
export const countLookups = (
  connection: string,
  counts: Partial<LookupCounts>,
  target: () => CountsKeeper,
  background: (work: Promise<void>) => void,
): void =>
  gather(connection, { ...noCounts, ...counts }, (due) => sendCounts(connection, due, target()), background);
