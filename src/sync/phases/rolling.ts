/** Reading factors again by age, some in every delta run, because not every change of a factor is in the log. */
import type { RollingCursor } from "../cursors.ts";
import { AGAIN, DONE, forEachAsset, type Phase } from "../step.ts";
import { readFactors } from "./factors.ts";

const DAY_MS = 86_400_000;
/** Factors become due after this part of REFRESH_DAYS. The calls are spread over the part that is left. */
const DUE_PART = 6 / 7;
/** A failed reading is tried again after this. */
const RETRY_MS = 15 * 60_000;
/** How many delta runs a day the budget of one run assumes: one every 15 minutes. */
const DELTAS_A_DAY = 96;

/** For how many users one delta run may read factors: twice an even share, to make up for missed runs. */
const rollingBudget = (users: number, refreshDays: number): number =>
  Math.ceil((2 * users) / (refreshDays * (1 - DUE_PART) * DELTAS_A_DAY));

/**
 * Reads the factors that are due or failed, up to the run's budget, so that none gets older than REFRESH_DAYS. It leaves
 * them to a full run in progress, which reads what is due, and to the next run when somebody waits for this one to poll
 * again.
 */
export const rollingPhase: Phase<RollingCursor> = async (context) => {
  const { inventory, run, connection, now, cursor, meta } = context;
  if (meta.get("full") !== null || meta.get("pollAgain") === run.id) return DONE;
  const next = (limit: number): string[] =>
    inventory.factors.nextByAge({
      dueBefore: run.startedAt - connection.refreshDays * DUE_PART * DAY_MS,
      retryBefore: Math.min(run.startedAt, now() - RETRY_MS),
      limit,
    });
  // Most delta runs find nothing due and need not count the users.
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
