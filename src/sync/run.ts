/** A run: one pass over a stream, full or delta, as it is stored between slices. Plain data and pure functions. */

import type { RunCause, RunDocument, RunKind, RunState } from "../contract/status.ts";
import { doubledMs, equalJitter } from "../lib/backoff.ts";
import { redact } from "../lib/redact.ts";
import type { OktaError } from "../okta/errors.ts";
import { remedyOf } from "../okta/remedies.ts";
import type { WaitReason } from "../okta/wait-reason.ts";
import type { PhaseNames } from "../streams/definition.ts";
import type { MembershipMode } from "../streams/plan.ts";
import type { Cursor } from "./cursors.ts";
import type { Tallies } from "./permissions.ts";

/** What a run waits for or failed on. */
export interface RunError {
  readonly code: string;
  readonly message: string;
  readonly phase: string | null;
  /** ms since the epoch */
  readonly at: number;
  /** What to do about it, in full sentences; absent if there is nothing to do but to wait. */
  readonly remedy?: string;
}

/** Okta's error as that of a run. @param at ms since the epoch */
export const runErrorOf = (error: OktaError, phase: string, at: number): RunError => {
  const { code, message } = error;
  const remedy = remedyOf(error);
  return { code, message, phase, at, ...(remedy !== null && { remedy }) };
};

/** The state of a run. Times are ms since the epoch. */
export interface Run {
  readonly id: string;
  readonly kind: RunKind;
  readonly cause: RunCause;
  state: RunState;
  /** Names of phases, in order. */
  phases: readonly string[];
  /** The phases that were done before the run began again. */
  done?: readonly string[];
  /** The current phase, or the last one. */
  phase: string;
  /** The current phase's cursor. Only the phase knows its type. */
  cursor: Cursor;
  readonly startedAt: number;
  finishedAt: number | null;
  calls: { made: number; predicted: number | null; byEndpoint: Record<string, number> };
  changes: RunDocument["changes"];
  error: RunError | null;
  /** A failure for which the run has given up part of its work, or left it to a later run. */
  gaveUp?: RunError;
  /** The things, as `kind/id`, that the run has left to a later one because they could not be read. */
  postponed?: readonly string[];
  /** Consecutive failures; 0 once a step succeeds. */
  failures: number;
  /** The run continues at this time at the earliest; null if it need not wait. */
  resumeAt: number | null;
  /** Why the gate lets it wait until then; absent if it waits for another reason, or if nobody has said. */
  waitingFor?: WaitReason;
  membershipMode: MembershipMode;
  /** How many calls reading the memberships takes, as planned. */
  membershipCalls: number;
  /** How the calls went that need a permission. */
  answers?: Tallies;
  /** Set once the run has tried what is lost. */
  triedLost?: true;
  /** Set once Okta has refused the list of people with roles. */
  assigneesRefused?: true;
  /** Factors that were read before this are read again. */
  factorsDueBefore: number;
  /** The number of the newest asset that was known when the run began; see `Assets.newestNumber`. */
  readonly newestAsset: number;
  /** When the org was asked who it is, ms since the epoch; null if this run has not asked it. */
  orgAskedAt: number | null;
  /** When the log was last asked and had no more events, ms since the epoch by our clock; null if it was not. */
  polledAt: number | null;
}

/** A run at its beginning. Times are ms since the epoch. */
export const newRun = (options: {
  id: string;
  kind: RunKind;
  cause: RunCause;
  phases: PhaseNames;
  now: number;
  factorsDueBefore: number;
  newestAsset: number;
}): Run => ({
  id: options.id,
  kind: options.kind,
  cause: options.cause,
  state: "running",
  phases: options.phases,
  phase: options.phases[0],
  cursor: {},
  startedAt: options.now,
  finishedAt: null,
  calls: { made: 0, predicted: null, byEndpoint: {} },
  changes: { log: 0, search: 0, rolling: 0, full: 0, deleted: 0, still_there: 0 },
  error: null,
  failures: 0,
  resumeAt: null,
  membershipMode: "per_group",
  membershipCalls: 0,
  factorsDueBefore: options.factorsDueBefore,
  newestAsset: options.newestAsset,
  orgAskedAt: null,
  polledAt: null,
});

/** What version 0.1.0 stored has not passed the door for text from elsewhere. */
const passed = (error: RunError): RunError => ({ ...error, message: redact(error.message) });

/** A run as version 0.1.0 stored it or as it is stored now. */
export const storedRun = (
  stored: Omit<Run, "newestAsset" | "orgAskedAt" | "polledAt"> & Partial<Run>,
): Run => ({
  newestAsset: Number.MAX_SAFE_INTEGER,
  orgAskedAt: null,
  polledAt: null,
  ...stored,
  error: stored.error && passed(stored.error),
  ...(stored.gaveUp && { gaveUp: passed(stored.gaveUp) }),
  changes: { ...stored.changes, still_there: stored.changes.still_there ?? 0 },
});

const phaseAfter = (run: Run): string | undefined => run.phases[run.phases.indexOf(run.phase) + 1];

/** Whether the run ends with its current phase. */
export const isLastPhase = (run: Run): boolean => phaseAfter(run) === undefined;

/** The phases that show what has happened since they were last done. */
const POLLING: ReadonlySet<string> = new Set(["log", "refetch", "deletions"]);

/** Those of the phases of a delta run that read what the log tells, and what follows from it. */
export const pollingPhases = (all: readonly string[]): readonly string[] =>
  all.filter((phase) => POLLING.has(phase));

/**
 * The phases with which a delta run polls once more: what the log tells and what follows from it, and whatever the run
 * has left out so far.
 * @param all the phases of a delta run
 * @param done the phases that the run has done
 */
export const phasesToPollAgain = (all: readonly string[], done: readonly string[]): readonly string[] =>
  all.filter((phase) => POLLING.has(phase) || !done.includes(phase));

/**
 * Lets a delta run poll once more.
 * @param all the phases of a delta run
 * @param unfinished those of them that ended early because somebody waited for this
 */
export const beginAgain = (run: Run, all: readonly string[], unfinished: readonly string[] = []): void => {
  // What it gave up may be possible now.
  const gaveUp = run.gaveUp !== undefined;
  delete run.gaveUp;
  delete run.postponed;
  const done = [...new Set([...(run.done ?? []), ...run.phases])];
  run.done = gaveUp ? [] : done.filter((phase) => !unfinished.includes(phase));
  run.phases = phasesToPollAgain(all, run.done);
  run.phase = run.phases[0] ?? run.phase;
  run.cursor = {};
};

/** Moves the run to its next phase; the last one begins again. */
export const nextPhase = (run: Run): void => {
  run.phase = phaseAfter(run) ?? run.phase;
  run.cursor = {};
};

const BACKOFF = { baseMs: 2_000, ceilingMs: 15 * 60_000 };

/**
 * Stores a failure: the run stays where it is and continues at `resumeAt`. A rate limit states when to come back, at most
 * 15 minutes later. Any other wait doubles with each failure in a row, from 2 seconds to 15 minutes, with equal jitter.
 */
export const backOff = (run: Run, error: OktaError, now: number, random: () => number): void => {
  delete run.waitingFor;
  if (error.code === "rate_limited") {
    run.resumeAt = Math.min(now + BACKOFF.ceilingMs, Math.max(now + 50, error.retryAt ?? now + 1000));
    if (error.reason !== undefined) run.waitingFor = error.reason;
    // Having no permit from the gate is planned pacing; a 429 from Okta is worth showing.
    if (error.status !== null) run.error = runErrorOf(error, run.phase, now);
    return;
  }
  run.resumeAt = now + equalJitter(doubledMs(run.failures, BACKOFF), random);
  run.failures += 1;
  run.error = runErrorOf(error, run.phase, now);
};

/** Lets the run wait for something that it cannot mend itself, such as a person. @param resumeAt ms since the epoch */
export const hold = (
  run: Run,
  { code, message }: Pick<RunError, "code" | "message">,
  resumeAt: number,
  now: number,
): void => {
  run.error = { code, message, phase: run.phase, at: now };
  run.resumeAt = resumeAt;
};

/** Clears the failure after something succeeded. */
export const recovered = (run: Run): void => {
  run.failures = 0;
  run.resumeAt = null;
  delete run.waitingFor;
  run.error = null;
};

/** Ends the run in this state. */
export const finish = (run: Run, state: RunState, now: number): void => {
  run.state = state;
  run.finishedAt = now;
  run.error ??= run.gaveUp ?? null;
  run.resumeAt = null;
  delete run.waitingFor;
};

/** Whether the run has read all that it was to read. Deletions may wait for a person. */
export const isComplete = ({ state }: Pick<Run, "state">): boolean => state === "done" || state === "held";

const iso = (ms: number): string => new Date(ms).toISOString();

/** The run as the public contract shows it. @param eta seconds until it ends, if known */
export const runDocument = (run: Run, eta: number | null): RunDocument => {
  const { made, predicted, byEndpoint } = run.calls;
  const part = predicted === null ? 0 : Math.min(0.99, made / Math.max(1, predicted));
  return {
    id: run.id,
    kind: run.kind,
    cause: run.cause,
    state: run.state,
    phase: run.phase,
    started_at: iso(run.startedAt),
    finished_at: run.finishedAt === null ? null : iso(run.finishedAt),
    progress: isComplete(run) ? 1 : Math.round(part * 1000) / 1000,
    eta_seconds: run.state === "running" ? eta : null,
    calls: { made, predicted, by_endpoint: byEndpoint },
    changes: run.changes,
    error: run.error && { ...run.error, at: iso(run.error.at) },
  };
};
