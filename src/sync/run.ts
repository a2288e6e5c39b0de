/** A run: one pass over a stream, full or delta, as it is stored between slices. Plain data and pure steps. */

import type { RunCause, RunDocument, RunKind, RunState } from "../contract/status.ts";
import { doubledMs, equalJitter } from "../lib/backoff.ts";
import type { OktaError } from "../okta/errors.ts";
import type { PhaseNames } from "../streams/definition.ts";
import type { MembershipMode } from "../streams/plan.ts";
import type { Cursor } from "./cursors.ts";

export interface RunError {
  readonly code: string;
  readonly message: string;
  readonly phase: string | null;
  readonly at: number;
}

/** Times are ms since the epoch. */
export interface Run {
  readonly id: string;
  readonly kind: RunKind;
  readonly cause: RunCause;
  state: RunState;
  /** Names of phases, in order. */
  phases: readonly string[];
  phase: string;
  /** Of the phase, which alone knows which cursor it is. */
  cursor: Cursor;
  readonly startedAt: number;
  finishedAt: number | null;
  calls: { made: number; predicted: number | null; byEndpoint: Record<string, number> };
  changes: { log: number; search: number; rolling: number; full: number; deleted: number };
  error: RunError | null;
  /** Failures in a row; 0 once something succeeds. */
  failures: number;
  /** Not before this; null when nothing is in the way. */
  resumeAt: number | null;
  membershipMode: MembershipMode;
  membershipCalls: number;
  /** Factors read before this are read again. */
  factorsDueBefore: number;
}

export const newRun = (options: {
  id: string;
  kind: RunKind;
  cause: RunCause;
  phases: PhaseNames;
  now: number;
  factorsDueBefore: number;
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
  changes: { log: 0, search: 0, rolling: 0, full: 0, deleted: 0 },
  error: null,
  failures: 0,
  resumeAt: null,
  membershipMode: "per_group",
  membershipCalls: 0,
  factorsDueBefore: options.factorsDueBefore,
});

/** Moves to the phase after the current one; false when there is none. */
export const nextPhase = (run: Run): boolean => {
  const next = run.phases[run.phases.indexOf(run.phase) + 1];
  run.cursor = {};
  if (next === undefined) return false;
  run.phase = next;
  return true;
};

const BACKOFF = { baseMs: 2_000, ceilingMs: 15 * 60_000 };

/**
 * Books a failure: the run stays where it is and goes on at `resumeAt`. A rate limit says itself when to come
 * back; anything else waits twice as long each time, with full jitter over the upper half, up to 15 minutes.
 */
export const backOff = (run: Run, error: OktaError, now: number, random: () => number): void => {
  if (error.code === "rate_limited") {
    run.resumeAt = Math.max(now + 50, error.retryAt ?? now + 1000);
    // A refusal by the gate is pacing as planned; a 429 by Okta is worth showing.
    if (error.status !== null)
      run.error = { code: error.code, message: error.message, phase: run.phase, at: now };
    return;
  }
  run.resumeAt = now + equalJitter(doubledMs(run.failures, BACKOFF), random);
  run.failures += 1;
  run.error = { code: error.code, message: error.message, phase: run.phase, at: now };
};

/** Something succeeded: whatever was wrong is over. */
export const recovered = (run: Run): void => {
  run.failures = 0;
  run.resumeAt = null;
  run.error = null;
};

export const finish = (run: Run, state: RunState, now: number): void => {
  run.state = state;
  run.finishedAt = now;
  run.resumeAt = null;
};

const iso = (ms: number): string => new Date(ms).toISOString();

/** The run as the status document shows it. */
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
    progress: run.state === "done" || run.state === "held" ? 1 : Math.round(part * 1000) / 1000,
    eta_seconds: run.state === "running" ? eta : null,
    calls: { made, predicted, by_endpoint: byEndpoint },
    changes: run.changes,
    error: run.error && { ...run.error, at: iso(run.error.at) },
  };
};
