/** When runs begin. Pure: every cron, missed or doubled, has a defined outcome here. */

import type { RunCause, RunKind } from "../contract/status.ts";
import type { Run } from "./run.ts";

export interface Schedule {
  /** When the last complete full run began, ms. Null before the first. */
  readonly lastFullAt: number | null;
  /** When the last successful run of any kind ended, ms. */
  readonly lastSuccessAt: number | null;
  /** A full run was due while another run was on. */
  readonly fullDue: boolean;
}

export interface Start {
  readonly kind: RunKind;
  readonly cause: RunCause;
}

const HOUR_MS = 3_600_000;
/** A full run is daily; this much later its cron was missed and any other cron makes up for it. */
const FULL_OVERDUE_MS = 25 * HOUR_MS;

/**
 * What a cron leads to:
 * - before the first complete full run: a full run
 * - while a run is on: nothing now; a full run that is due follows it
 * - otherwise what the cron says, but a delta becomes the full run that a missed cron left out
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

/** Books the end of a run, and says which run follows at once. */
export const afterRun = (schedule: Schedule, run: Run): { schedule: Schedule; start: Start | null } => {
  const succeeded = run.state === "done" || run.state === "held";
  const next: Schedule = {
    lastFullAt: succeeded && run.kind === "full" ? run.startedAt : schedule.lastFullAt,
    lastSuccessAt: succeeded ? run.finishedAt : schedule.lastSuccessAt,
    fullDue: false,
  };
  if (run.error?.code === "log_gap") return { schedule: next, start: { kind: "full", cause: "gap" } };
  if (schedule.fullDue && run.kind === "delta" && run.state !== "cancelled") {
    return { schedule: next, start: { kind: "full", cause: "cron" } };
  }
  return { schedule: next, start: null };
};
