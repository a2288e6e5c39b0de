/** Decides when runs begin. Pure: it defines what follows from every cron, including missed and repeated ones. */

import type { RunCause, RunKind } from "../contract/status.ts";
import { isComplete, type Run } from "./run.ts";

/** What is remembered about past runs. Times are ms since the epoch. */
export interface Schedule {
  /** When the last complete full run began; null before the first. */
  readonly lastFullAt: number | null;
  /** When the last successful run of either kind ended; null before the first. */
  readonly lastSuccessAt: number | null;
  /** Whether the log had a gap while a full run was in progress: another full run is due. */
  readonly gapDue?: boolean;
  /** Everything that Okta's log had told by then is in the inventory; null before the first complete full run. */
  readonly currentAsOf?: number | null;
}

/** A run to start. */
export interface Start {
  readonly kind: RunKind;
  readonly cause: RunCause;
}

/** Of which kinds a run is in progress. */
export type InProgress = Readonly<Record<RunKind, boolean>>;

const HOUR_MS = 3_600_000;
/** Full runs are daily. If the last one began longer ago than this, its cron was missed, and any cron starts it. */
const FULL_OVERDUE_MS = 25 * HOUR_MS;

/**
 * Decides what a cron starts. Runs of different kinds do not wait for each other.
 * - a full run, unless one is in progress: if none was ever completed, if the cron asks for it, if one was missed,
 *   or after a gap in the log
 * - the delta run that the cron asks for, unless it starts the first full run, which reads everything
 * @param kind what the cron asks for
 * @returns `pollAgain` if the cron asks for a delta run while one is in progress, which then polls once more
 */
export const decideWake = (
  kind: RunKind,
  schedule: Schedule,
  inProgress: InProgress,
  now: number,
): { readonly starts: readonly Start[]; readonly pollAgain: boolean } => {
  const isFirst = schedule.lastFullAt === null;
  const overdue = now - (schedule.lastFullAt ?? now) > FULL_OVERDUE_MS;
  const isGap = schedule.gapDue === true;
  const full = !inProgress.full && (isFirst || kind === "full" || overdue || isGap);
  const delta = kind === "delta" && !(isFirst && full);
  return {
    starts: [
      ...(full ? [{ kind: "full", cause: isFirst ? "first" : isGap ? "gap" : "cron" } as const] : []),
      ...(delta && !inProgress.delta ? [{ kind: "delta", cause: "cron" } as const] : []),
    ],
    pollAgain: delta && inProgress.delta,
  };
};

/** Whether a full run makes up for a gap in the log: it reads all factors again, whatever it was started for. */
const makesUpForGap = ({ kind, factorsDueBefore, startedAt }: Run): boolean =>
  kind === "full" && factorsDueBefore >= startedAt;

/**
 * Updates the schedule at the end of a run, and decides which run follows at once.
 * @param full the full run, other than this one, that is in progress
 */
export const afterRun = (
  schedule: Schedule,
  run: Run,
  full: Run | null,
): { schedule: Schedule; start: Start | null } => {
  const succeeded = isComplete(run);
  const isFull = run.kind === "full";
  const lastFullAt = succeeded && isFull ? run.startedAt : schedule.lastFullAt;
  const hasGap = run.error?.code === "log_gap";
  // A full run that began before the gap was found may have passed what the log did not tell.
  const gapDue = schedule.gapDue === true || (hasGap && full !== null) || (makesUpForGap(run) && !succeeded);
  // After a full run that failed or was cancelled, the next cron starts the one that is due.
  const startsGapRun = (hasGap && full === null) || (isFull && succeeded && gapDue);
  // What happened in a gap is not in the inventory until a full run has made up for it.
  const isWhole = succeeded && lastFullAt !== null && !gapDue && (full === null || !makesUpForGap(full));
  // A full run that may not read the log has read all that Okta tells; one that failed to read it has not.
  const began = isFull && run.gaveUp?.phase !== "log" ? run.startedAt : null;
  const asOf = isWhole ? (run.polledAt ?? began) : null;
  return {
    schedule: {
      lastFullAt,
      lastSuccessAt: succeeded ? run.finishedAt : schedule.lastSuccessAt,
      gapDue: gapDue && !startsGapRun,
      currentAsOf: later(schedule.currentAsOf ?? null, asOf),
    },
    start: startsGapRun ? { kind: "full", cause: "gap" } : null,
  };
};

const QUARTER_MS = 15 * 60_000;

/** When the next cron asks for a delta run, ms since the epoch: `wrangler.toml` has one every quarter of an hour. */
export const nextDeltaAt = (now: number): number => (Math.floor(now / QUARTER_MS) + 1) * QUARTER_MS;

const later = (a: number | null, b: number | null): number | null =>
  a === null || b === null ? (a ?? b) : Math.max(a, b);
