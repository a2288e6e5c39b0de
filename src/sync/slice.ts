/** One alarm's work: as many steps of the run as the budget of calls and time allows. */

import type { Connection } from "../config/types.ts";
import type { StreamName } from "../contract/streams.ts";
import type { Inventory } from "../inventory/inventory.ts";
import type { OktaApi } from "../okta/api.ts";
import type { Endpoint } from "../okta/endpoints.ts";
import { phases } from "./phase-table.ts";
import { backOff, finish, nextPhase, type Run, recovered } from "./run.ts";
import type { BatchWrite, StepContext } from "./step.ts";
import type { Runs } from "./store.ts";

/** Far below the 15 minutes an alarm may take, so that status, cancel and new settings are never far away. */
const SLICE_MS = 20_000;

export interface SliceOptions {
  readonly stream: StreamName;
  readonly connection: Connection;
  readonly inventory: Inventory;
  readonly runs: Runs;
  readonly api: OktaApi;
  readonly run: Run;
  readonly transaction: (work: () => void) => void;
  readonly budget: CallBudget;
  readonly now: () => number;
  readonly random: () => number;
}

/** Readings of single assets that one transaction takes; what a crash can make be read again. */
const MAX_PENDING = 6;

/** Counts the calls of a slice against its limit. */
export class CallBudget {
  readonly #limit: number;
  #made = 0;
  readonly byEndpoint: Partial<Record<Endpoint, number>> = {};

  constructor(limit: number) {
    this.#limit = limit;
  }

  get left(): number {
    return Math.max(0, this.#limit - this.#made);
  }

  count(endpoint: Endpoint): void {
    this.#made += 1;
    this.byEndpoint[endpoint] = (this.byEndpoint[endpoint] ?? 0) + 1;
  }
}

/** Works until the slice or the run ends; returns when to go on (ms since the epoch), or null when the run is over. */
export const runSlice = async (options: SliceOptions): Promise<number | null> => {
  const { run, runs, inventory, budget, now, random } = options;
  const deadline = now() + SLICE_MS;
  let counted: Partial<Record<string, number>> = {};
  const bookCalls = (): void => {
    for (const [endpoint, made] of Object.entries(budget.byEndpoint)) {
      const fresh = made - (counted[endpoint] ?? 0);
      run.calls.made += fresh;
      if (fresh > 0) run.calls.byEndpoint[endpoint] = (run.calls.byEndpoint[endpoint] ?? 0) + fresh;
    }
    counted = { ...budget.byEndpoint };
  };
  const bookProgress = (): void => {
    if (run.failures > 0 || run.error !== null) recovered(run);
  };
  let pending = new Map<BatchWrite<never>, unknown[]>();
  const commit: StepContext["commit"] = (write, { progress } = { progress: true }) => {
    let current = false;
    const earlier = pending;
    pending = new Map();
    options.transaction(() => {
      current = runs.isCurrent(run.id);
      if (!current) return;
      // `later` files items under the write that takes them.
      for (const [writeAll, items] of earlier) writeAll(context, items as never[]);
      if (earlier.size > 0) bookProgress();
      write();
      if (progress) bookProgress();
      bookCalls();
      runs.save(run);
    });
    return current;
  };
  const commitPending = (): boolean => pending.size === 0 || commit(() => {});
  const later: StepContext["later"] = (write, item) => {
    const items = pending.get(write);
    if (items === undefined) pending.set(write, [item]);
    else items.push(item);
    const waiting = [...pending.values()].reduce((sum, { length }) => sum + length, 0);
    return waiting < MAX_PENDING || commitPending();
  };
  const end = (state: Run["state"]): void => {
    commit(
      () => {
        finish(run, state, now());
        bookCalls();
      },
      { progress: false },
    );
    options.transaction(() => {
      if (runs.isCurrent(run.id)) runs.archive(run);
    });
  };
  const context: StepContext = { ...options, callsLeft: () => budget.left, commit, later };
  while (budget.left > 0 && now() < deadline) {
    const outcome = await phases[run.phase](context);
    if (!commitPending()) return null;
    switch (outcome.next) {
      case "again":
        break;
      case "superseded":
        return null;
      case "done":
        if (!commit(() => nextPhase(run) || finish(run, "done", now()))) return null;
        if (run.state !== "running") {
          end(run.kind === "full" && inventory.sweeps.absentees().waiting > 0 ? "held" : "done");
          return null;
        }
        break;
      case "wait":
        if (!commit(() => backOff(run, outcome.error, now(), random), { progress: false })) return null;
        return run.resumeAt;
      case "stop":
        if (
          !commit(
            () => {
              run.error = { code: outcome.code, message: outcome.message, phase: run.phase, at: now() };
            },
            { progress: false },
          )
        )
          return null;
        end("failed");
        return null;
    }
  }
  return now();
};
