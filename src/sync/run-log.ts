/** Lines in the log about runs: when they begin, end, wait after a failure, and are held. No identifiers of people. */
import type { StreamIdentity } from "../contract/objects.ts";
import { log } from "../lib/log.ts";
import type { Run } from "./run.ts";

const about = (identity: StreamIdentity, { id, kind, cause, phase }: Run) => ({
  connection: identity.connection,
  stream: identity.stream,
  run: id,
  kind,
  cause,
  phase,
});

/** A run has begun. */
export const logStart = (identity: StreamIdentity, run: Run): void =>
  log("info", "run_started", about(identity, run));

/** A run has ended. */
export const logEnd = (identity: StreamIdentity, run: Run): void => {
  const { state, error, calls, changes, startedAt, finishedAt } = run;
  log(state === "failed" ? "warn" : "info", "run_finished", {
    ...about(identity, run),
    state,
    code: error?.code,
    seconds: Math.round(((finishedAt ?? startedAt) - startedAt) / 1000),
    calls: calls.made,
    changes: changes.log + changes.search + changes.rolling + changes.full,
    deleted: changes.deleted,
  });
};

/** A run waits after a failure, or for a person. @param now ms since the epoch */
export const logWait = (
  event: "run_backing_off" | "run_held",
  identity: StreamIdentity,
  run: Run,
  now: number,
): void =>
  log("warn", event, {
    ...about(identity, run),
    code: run.error?.code,
    failures: run.failures,
    seconds: Math.round(((run.resumeAt ?? now) - now) / 1000),
  });
