/** One run at work during a slice: its session with Okta, its writes, and what follows from each step. */
import type { ChangeSource } from "../contract/changes.ts";
import type { StreamIdentity } from "../contract/objects.ts";
import type { RunState } from "../contract/status.ts";
import type { OktaSession } from "../okta/connect.ts";
import { type CallBudget, UnbookedCalls } from "./calls.ts";
import type { Cursor } from "./cursors.ts";
import { nextTurn } from "./lanes.ts";
import { orgStep } from "./org-step.ts";
import { notePermissions } from "./permission-control.ts";
import { phaseOf } from "./phase-table.ts";
import { backOff, hold, isLastPhase, nextPhase, type Run, recovered } from "./run.ts";
import { logWait } from "./run-log.ts";
import {
  AGAIN,
  type BatchWrite,
  type SliceContext,
  type StepContext,
  type StepOutcome,
  SUPERSEDED,
} from "./step.ts";
import type { Runs } from "./store.ts";

/**
 * How many readings of single assets share one transaction. After a crash, at most this many are read again, and those
 * that were being read.
 */
const MAX_PENDING = 20;

/** What the runs of a slice share. */
export interface SliceOptions
  extends Pick<
    SliceContext,
    "definition" | "connection" | "inventory" | "meta" | "org" | "peopleOf" | "told" | "now"
  > {
  readonly identity: StreamIdentity;
  readonly runs: Runs;
  /**
   * Opens a session with Okta for a run.
   * @param calls called with each call that the session makes
   */
  readonly connect: (run: Run, calls: UnbookedCalls) => OktaSession;
  /** Ends the run in this state, or lets it poll once more. Called within a transaction. */
  readonly end: (run: Run, state: RunState) => void;
  /** Takes note of the assets that the run has changed. Called within the transaction that changed them. */
  readonly changed: (run: Run) => void;
  /** Another org answers than the one whose inventory this is. Called within a transaction. */
  readonly orgChanged: () => void;
  /** Starts the run that event hooks ask for, if one is due. Called before each step, and between the calls of a long one. */
  readonly followHooks: () => void;
  readonly transaction: (work: () => void) => void;
  readonly budget: CallBudget;
  /** 0 ≤ random < 1 */
  readonly random: () => number;
}

interface Writer {
  /** Writes in one transaction. @returns false if the run was cancelled or replaced; then nothing was written */
  write(work: () => void, options?: { readonly progress: boolean }): boolean;
  /** Keeps an item until there are enough to be written together. @returns as `write` */
  later<T>(write: BatchWrite<T>, item: T): boolean;
  /** Writes the items that were kept. @returns as `write` */
  flush(): boolean;
}

/** What shows the changes that a phase finds, unless the phase knows better. */
const sourceOf = ({ kind, phase }: Run): ChangeSource => {
  if (phase === "log") return "log";
  if (kind === "full") return "full";
  if (phase === "searches") return "search";
  return phase === "rolling" ? "rolling" : "log";
};

/** @param context what the writes of `later` get; a function, because the context is made with the writer */
const writerOf = (
  { inventory, runs, transaction, changed }: SliceOptions,
  run: Run,
  calls: UnbookedCalls,
  context: () => SliceContext,
): Writer => {
  let pending = new Map<BatchWrite<never>, unknown[]>();
  const write: Writer["write"] = (work, { progress } = { progress: true }) => {
    const earlier = pending;
    pending = new Map();
    let current = false;
    const writeAll = (): void => {
      current = runs.isCurrent(run);
      if (!current) return;
      // `later` keeps each item under the write that takes it, so the types match, which a map cannot express.
      for (const [writeItems, items] of earlier) writeItems(context(), items as never[]);
      if (earlier.size > 0) recovered(run);
      work();
      if (progress) recovered(run);
      changed(run);
      notePermissions(context(), calls.takeOutcomes());
      calls.bookIn(run);
      runs.save(run);
    };
    const scope = { source: sourceOf(run), skewMs: context().api.skewMs };
    transaction(() => inventory.history.as(scope, writeAll));
    return current;
  };
  const flush = (): boolean => pending.size === 0 || write(() => {});
  return {
    write,
    flush,
    later: (writeAll, item) => {
      const items = pending.get(writeAll);
      if (items === undefined) pending.set(writeAll, [item]);
      else items.push(item);
      const waiting = [...pending.values()].reduce((sum, { length }) => sum + length, 0);
      return waiting < MAX_PENDING || flush();
    },
  };
};

/** A run at work. */
export interface Turn {
  readonly run: Run;
  /** Makes one step. @returns false if the run has ended, waits, or was cancelled or replaced */
  step(): Promise<boolean>;
  /** Ends the session with Okta. */
  close(): Promise<void>;
}

/** Lets a run work. @param run as stored; it is changed and stored with each step */
export const openTurn = (options: SliceOptions, run: Run): Turn => {
  const { definition, identity, inventory, meta, budget, now, random } = options;
  const calls = new UnbookedCalls();
  const session = options.connect(run, calls);
  const skewMs = session.api.skewMs;
  const writer = writerOf(options, run, calls, () => context);
  const context: StepContext<Cursor> = {
    ...options,
    run,
    api: session.api,
    get cursor() {
      return run.cursor;
    },
    move: (cursor) => {
      run.cursor = cursor;
    },
    callsLeft: () => budget.left,
    isOthersTurn: () => {
      if (run.kind === "full") options.followHooks();
      const delta = run.kind === "full" && options.runs.has("delta") ? options.runs.current("delta") : null;
      return delta !== null && nextTurn([run, delta], now()) === delta.kind;
    },
    commit: (work, then, progress) => {
      if (!writer.write(work, progress)) return SUPERSEDED;
      return typeof then === "function" ? then() : then;
    },
    later: (writeAll, item) => (writer.later(writeAll, item) ? AGAIN : SUPERSEDED),
  };
  /** Does the last work of the run and ends it, in one transaction. */
  const end = (state: RunState, work: () => void): void =>
    options.transaction(() => {
      if (writer.write(work, { progress: false })) options.end(run, state);
    });
  const settle = (outcome: StepOutcome): boolean => {
    switch (outcome.next) {
      case "again":
        return true;
      case "superseded":
        return false;
      case "done": {
        if (!isLastPhase(run)) return writer.write(() => nextPhase(run));
        // Deletions that wait for a person show in the state of a full run.
        const isHeld = inventory.sweeps.absentees().waiting > 0;
        const isIncomplete = run.kind === "delta" && run.gaveUp !== undefined;
        end(isIncomplete ? "failed" : run.kind === "full" && isHeld ? "held" : "done", () => {
          recovered(run);
          if (isHeld || meta.get("held") === null) return;
          meta.delete("held");
          options.runs.settleHeld();
        });
        return options.runs.isCurrent(run);
      }
      case "wait":
        writer.write(() => backOff(run, outcome.error, now(), random), { progress: false });
        // A rate limit is planned pacing.
        if (outcome.error.code !== "rate_limited") logWait("run_backing_off", identity, run, now());
        return false;
      case "hold": {
        const wait = () => {
          const isNew = run.error?.code !== outcome.code;
          if (outcome.code === "org_changed" && isNew) options.orgChanged();
          hold(run, outcome, outcome.resumeAt, now());
          if (isNew) logWait("run_held", identity, run, now());
        };
        writer.write(wait, { progress: false });
        return false;
      }
      case "stop": {
        const { code, message, remedy } = outcome;
        const error = { code, message, phase: run.phase, at: now(), ...(remedy !== undefined && { remedy }) };
        end("failed", () => {
          run.error = error;
        });
        return false;
      }
    }
  };
  return {
    run,
    step: async () => {
      const outcome = (await orgStep(context)) ?? (await phaseOf(run.phase, definition.name)(context));
      return writer.flush() && settle(outcome);
    },
    close: async () => {
      if (session.api.skewMs !== skewMs) meta.set("skew", session.api.skewMs);
      await session.done();
    },
  };
};
