/** What no event tells is read again by age, a slice per delta, so that no fact gets older than the setting. */
import { DONE, forEachAsset, type Phase, type StepContext, SUPERSEDED } from "../step.ts";
import { readFactors } from "./factors.ts";

const DAY_MS = 86_400_000;
/** Facts are due in the last seventh of their time, which leaves that long to spread the calls over. */
const DUE_PART = 6 / 7;
/** A reading that failed is tried again after this. */
const RETRY_MS = 15 * 60_000;
/** Runs a day that the budget of one is cut for: a delta every 15 minutes. */
const DELTAS_A_DAY = 96;

/** Users whose factors one delta may read again. Twice the even share, so that missed deltas are made up for. */
export const rollingBudget = (users: number, refreshDays: number): number =>
  Math.ceil((2 * users) / (refreshDays * (1 - DUE_PART) * DELTAS_A_DAY));

export const rollingPhase: Phase = async (context: StepContext) => {
  const { inventory, run, connection, now } = context;
  const next = (limit: number): string[] =>
    inventory.assets.nextFactorsByAge({
      dueBefore: run.startedAt - connection.refreshDays * DUE_PART * DAY_MS,
      retryBefore: Math.min(run.startedAt, now() - RETRY_MS),
      limit,
    });
  // Most deltas find nothing due, and then need not count the users.
  if (run.cursor.left === undefined && next(1).length === 0) return DONE;
  const left = run.cursor.left ?? rollingBudget(inventory.assets.counts().total, connection.refreshDays);
  if (left <= 0) return DONE;
  const ids = next(left);
  if (ids.length === 0) return DONE;
  const started = context.commit(() => {
    run.cursor = { left };
  });
  if (!started) return SUPERSEDED;
  return forEachAsset(context, ids, (id) =>
    readFactors(context, id, (changed) => {
      run.cursor = { ...run.cursor, left: (run.cursor.left ?? 1) - 1 };
      if (changed) run.changes.rolling += 1;
    }),
  );
};
