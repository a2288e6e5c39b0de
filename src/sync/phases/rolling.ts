/** What no event reports is read again by age, a slice per delta, so that no fact gets older than the setting. */
import type { RollingCursor } from "../cursors.ts";
import { AGAIN, DONE, forEachAsset, type Phase } from "../step.ts";
import { readFactors } from "./factors.ts";

const DAY_MS = 86_400_000;
/** Facts are due in the last seventh of their time, which leaves that long to spread the calls over. */
const DUE_PART = 6 / 7;
/** A reading that failed is tried again after this. */
const RETRY_MS = 15 * 60_000;
/** Runs a day that the budget of one is cut for: a delta every 15 minutes. */
const DELTAS_A_DAY = 96;

/** Users whose factors one delta may read again. Twice the even share, so that missed deltas are made up for. */
const rollingBudget = (users: number, refreshDays: number): number =>
  Math.ceil((2 * users) / (refreshDays * (1 - DUE_PART) * DELTAS_A_DAY));

export const rollingPhase: Phase<RollingCursor> = async (context) => {
  const { inventory, run, connection, now, cursor } = context;
  const next = (limit: number): string[] =>
    inventory.assets.nextFactorsByAge({
      dueBefore: run.startedAt - connection.refreshDays * DUE_PART * DAY_MS,
      retryBefore: Math.min(run.startedAt, now() - RETRY_MS),
      limit,
    });
  // Most deltas find nothing due, and then need not count the users.
  if (cursor.left === undefined && next(1).length === 0) return DONE;
  const left = cursor.left ?? rollingBudget(inventory.assets.counts().total, connection.refreshDays);
  if (left <= 0) return DONE;
  const ids = next(left);
  if (ids.length === 0) return DONE;
  const started = context.commit(() => context.move({ left }), AGAIN);
  if (started.next !== "again") return started;
  const stored = (changed: boolean): void => {
    context.move({ left: (context.cursor.left ?? 1) - 1 });
    if (changed) run.changes.rolling += 1;
  };
  return forEachAsset(context, ids, (id) => readFactors(context, id, { stored }));
};
