/**
 * The two lanes of a stream: delta runs follow what changes, full runs sweep the whole org. Both can be in progress at
 * the same time and take turns, one step at a time, so no step of one ever comes between a step's reading and storing
 * in the other. Pure.
 */
import type { RunKind } from "../contract/status.ts";
import type { Run } from "./run.ts";

/** Which run works next. Changes are followed first; a run that waits leaves its turn to the other. */
export const nextTurn = (
  inProgress: readonly Pick<Run, "kind" | "resumeAt">[],
  now: number,
): RunKind | null => {
  const ready = inProgress.filter(({ resumeAt }) => resumeAt === null || resumeAt <= now);
  return (ready.find(({ kind }) => kind === "delta") ?? ready[0])?.kind ?? null;
};

/** When the stream has to work next, ms since the epoch; null if no run is in progress. */
export const nextAlarm = (inProgress: readonly Pick<Run, "resumeAt">[], now: number): number | null =>
  inProgress.length === 0
    ? null
    : Math.min(...inProgress.map(({ resumeAt }) => Math.max(resumeAt ?? now, now)));
