/** A slice is one alarm's work: as many steps of the run as its budget of calls and time allows. */
import type { RunState } from "../contract/status.ts";
import type { Endpoint } from "../okta/endpoints.ts";
import type { Cursor } from "./cursors.ts";
import { phaseOf } from "./phase-table.ts";
import { backOff, isLastPhase, nextPhase, type Run, recovered } from "./run.ts";
import {
  AGAIN,
  type BatchWrite,
  type SliceContext,
  type StepContext,
  type StepOutcome,
  SUPERSEDED,
} from "./step.ts";
import type { Runs } from "./store.ts";

/** Far below the 15 minutes that an alarm may take, so that a cancellation or new settings take effect soon. */
const SLICE_MS = 20_000;

/** How many readings of single assets share one transaction. After a crash, at most this many are read again. */
const MAX_PENDING = 6;

/** What a slice works with. */
export interface SliceOptions
  extends Pick<SliceContext, "definition" | "connection" | "inventory" | "meta" | "api" | "run" | "now"> {
  readonly runs: Runs;
  /** Ends the run in this state, within a transaction. */
  readonly end: (state: RunState) => void;
  readonly transaction: (work: () => void) => void;
  readonly budget: CallBudget;
  /** 0 ≤ random < 1 */
  readonly random: () => number;
}

/** Counts a slice's calls to Okta against its limit. */
export class CallBudget {
  readonly #limit: number;
  #made = 0;
  readonly byEndpoint: Partial<Record<Endpoint, number>> = {};

  /** @param limit how many calls the slice may make */
  constructor(limit: number) {
    this.#limit = limit;
  }

  /** How many calls the slice may still make. */
  get left(): number {
    return Math.max(0, this.#limit - this.#made);
  }

  /** Counts one call. */
  count(endpoint: Endpoint): void {
    this.#made += 1;
    this.byEndpoint[endpoint] = (this.byEndpoint[endpoint] ?? 0) + 1;
  }
}

/** Makes a function that adds the calls since it was last called to the run. Call it with every write. */
const callBook = (run: Run, budget: CallBudget) => {
  let counted: Partial<Record<string, number>> = {};
  return (): void => {
    for (const [endpoint, made] of Object.entries(budget.byEndpoint)) {
      const fresh = made - (counted[endpoint] ?? 0);
      run.calls.made += fresh;
      if (fresh > 0) run.calls.byEndpoint[endpoint] = (run.calls.byEndpoint[endpoint] ?? 0) + fresh;
    }
    counted = { ...budget.byEndpoint };
  };
};

interface Writer {
  /** Writes in one transaction. @returns false if the run was cancelled or replaced; then nothing was written */
  write(work: () => void, options?: { readonly progress: boolean }): boolean;
  /** Keeps an item until there are enough to be written together. @returns as `write` */
  later<T>(write: BatchWrite<T>, item: T): boolean;
  /** Writes the items that were kept. @returns as `write` */
  flush(): boolean;
}

/** @param context what the writes of `later` get; a function, because the context is made with the writer */
const writerOf = (options: SliceOptions, context: () => SliceContext): Writer => {
  const { run, runs } = options;
  const bookCalls = callBook(run, options.budget);
  let pending = new Map<BatchWrite<never>, unknown[]>();
  const write: Writer["write"] = (work, { progress } = { progress: true }) => {
    const earlier = pending;
    pending = new Map();
    let current = false;
    options.transaction(() => {
      current = runs.isCurrent(run.id);
      if (!current) return;
      // `later` keeps each item under the write that takes it, so the types match, which a map cannot express.
      for (const [writeAll, items] of earlier) writeAll(context(), items as never[]);
      if (earlier.size > 0) recovered(run);
      work();
      if (progress) recovered(run);
      bookCalls();
      runs.save(run);
    });
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

const contextOf = (options: SliceOptions): { context: StepContext<Cursor>; writer: Writer } => {
  const { run, budget } = options;
  const writer = writerOf(options, () => context);
  const context: StepContext<Cursor> = {
    ...options,
    get cursor() {
      return run.cursor;
    },
    move: (cursor) => {
      run.cursor = cursor;
    },
    callsLeft: () => budget.left,
    commit: (work, then, progress) => {
      if (!writer.write(work, progress)) return SUPERSEDED;
      return typeof then === "function" ? then() : then;
    },
    later: (writeAll, item) => (writer.later(writeAll, item) ? AGAIN : SUPERSEDED),
  };
  return { context, writer };
};

/**
 * Works until the slice or the run ends.
 * @returns when to continue (ms since the epoch), or null if the run is over or was replaced
 */
export const runSlice = async (options: SliceOptions): Promise<number | null> => {
  const { definition, run, inventory, budget, now, random } = options;
  const deadline = now() + SLICE_MS;
  const { context, writer } = contextOf(options);
  /** Does the last work of the run and ends it, in one transaction. */
  const end = (state: RunState, work: () => void = () => {}): null => {
    options.transaction(() => {
      if (writer.write(work, { progress: false })) options.end(state);
    });
    return null;
  };
  while (budget.left > 0 && now() < deadline) {
    const phase = phaseOf(run.phase, definition.name);
    const outcome: StepOutcome = await phase(context);
    if (!writer.flush()) return null;
    switch (outcome.next) {
      case "again":
        break;
      case "superseded":
        return null;
      case "done":
        if (isLastPhase(run)) {
          // Deletions that wait for a person show in the state of a full run.
          const held = run.kind === "full" && inventory.sweeps.absentees().waiting > 0;
          return end(held ? "held" : "done", () => recovered(run));
        }
        if (!writer.write(() => nextPhase(run))) return null;
        break;
      case "wait":
        if (!writer.write(() => backOff(run, outcome.error, now(), random), { progress: false })) return null;
        return run.resumeAt;
      case "stop": {
        const error = { code: outcome.code, message: outcome.message, phase: run.phase, at: now() };
        return end("failed", () => {
          run.error = error;
        });
      }
    }
  }
  return now();
};
