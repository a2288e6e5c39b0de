/** Decides when runs begin. Pure: it defines what follows from every cron, including missed and repeated ones. */

import type { RunCause, RunKind } from "../contract/status.ts";
import { isComplete, type Run } from "./run.ts";

/** What is remembered about past runs. Times are ms since the epoch. */
export interface Schedule {
  /** When the last complete full run began; null before the first. */
  readonly lastFullAt: number | null;
  /** When the last successful run of either kind ended; null before the first. */
  readonly lastSuccessAt: number | null;
  /** Whether a full run became due while a delta run was in progress. */
  readonly fullDue: boolean;
}

/** A run to start. */
export interface Start {
  readonly kind: RunKind;
  readonly cause: RunCause;
}

const HOUR_MS = 3_600_000;
/** Full runs are daily. If the last one began longer ago than this, its cron was missed, and any cron starts it. */
const FULL_OVERDUE_MS = 25 * HOUR_MS;

/**
 * Decides what a cron starts:
 * - while a run is in progress: nothing; a full run that becomes due during a delta run follows it
 * - before the first complete full run: a full run
 * - otherwise the kind of run that the cron asks for, or a full run if one was missed
 * @param kind what the cron asks for
 * @param current the run in progress
 */
export const decideWake = (
  kind: RunKind,
  schedule: Schedule,
  current: Pick<Run, "kind"> | null,
  now: number,
): { schedule: Schedule; start: Start | null } => {
  if (current !== null) {
    const fullDue = schedule.fullDue || (kind === "full" && current.kind === "delta");
    return { schedule: { ...schedule, fullDue }, start: null };
  }
  if (schedule.lastFullAt === null) return { schedule, start: { kind: "full", cause: "first" } };
  const overdue = now - schedule.lastFullAt > FULL_OVERDUE_MS;
  const full = kind === "full" || overdue || schedule.fullDue;
  return {
    schedule: { ...schedule, fullDue: false },
    start: { kind: full ? "full" : "delta", cause: "cron" },
  };
};

/** Updates the schedule at the end of a run, and decides which run follows at once. */
export const afterRun = (schedule: Schedule, run: Run): { schedule: Schedule; start: Start | null } => {
  const succeeded = isComplete(run);
  const next: Schedule = {
    lastFullAt: succeeded && run.kind === "full" ? run.startedAt : schedule.lastFullAt,
    lastSuccessAt: succeeded ? run.finishedAt : schedule.lastSuccessAt,
    // A person who cancels a delta run wants no other run now. The next cron starts the full run that is due.
    fullDue: schedule.fullDue && run.kind === "delta" && run.state === "cancelled",
  };
  if (run.error?.code === "log_gap") return { schedule: next, start: { kind: "full", cause: "gap" } };
  if (schedule.fullDue && run.kind === "delta" && run.state !== "cancelled") {
    return { schedule: next, start: { kind: "full", cause: "cron" } };
  }
  return { schedule: next, start: null };
};
