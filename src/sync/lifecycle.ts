/** How the runs of a stream begin and end. Each method is one step, so that no cron or request can come between. */
import type { Connection } from "../config/types.ts";
import type { StreamIdentity } from "../contract/objects.ts";
import type { RunCause, RunKind, RunState } from "../contract/status.ts";
import type { StreamRefusal } from "../contract/stream-api.ts";
import type { Inventory } from "../inventory/inventory.ts";
import type { Meta } from "../inventory/meta.ts";
import { err, ok, type Result } from "../lib/result.ts";
import type { PhaseNames, StreamDefinition } from "../streams/definition.ts";
import { misconfigured } from "./org-control.ts";
import { noteAttributes } from "./profile-attributes.ts";
import { beginAgain, finish, isComplete, newRun, pollingPhases, type Run } from "./run.ts";
import { logEnd, logStart } from "./run-log.ts";
import { afterRun, decideWake, type Schedule } from "./schedule.ts";
import type { Runs, SyncMeta } from "./store.ts";

const DAY_MS = 86_400_000;
/** How often factors are read again while the settings are invalid. */
const DEFAULT_REFRESH_DAYS = 7;

/** Errors that concern the whole org: while one lasts, no run can succeed. */
const OF_THE_WHOLE_ORG = ["org_changed", "invalid_credential", "misconfigured"] as const;

interface LifecycleDeps {
  readonly identity: StreamIdentity;
  readonly definition: StreamDefinition;
  readonly storage: DurableObjectStorage;
  /** The connection's settings; null while they are invalid. */
  readonly connection: () => Connection | null;
  readonly inventory: Inventory;
  readonly meta: Meta<SyncMeta>;
  readonly runs: Runs;
  /** Called in the transaction that ends a run that has succeeded. */
  readonly succeeded: (run: Run) => void;
  /** Whether a slice is at work. */
  readonly isWorking: () => boolean;
  /** Called in the transaction that ends a complete full run. */
  readonly fullRunEnded: (run: Run) => void;
  /** ms since the epoch */
  readonly now: () => number;
}

/** The runs of one stream. */
export class Lifecycle {
  readonly #deps: LifecycleDeps;

  constructor(deps: LifecycleDeps) {
    this.#deps = deps;
  }

  /** What is remembered about past runs. */
  get schedule(): Schedule {
    return this.#deps.meta.get("schedule") ?? { lastFullAt: null, lastSuccessAt: null };
  }

  /**
   * A person or program asks for a run. A run of this kind that is in progress and waits after a failure may continue at
   * once: the cause may be gone, because a credential was corrected, say. Error: `misconfigured`.
   */
  request(asked: RunKind): Result<{ readonly started: boolean; readonly run: Run }, StreamRefusal> {
    const { runs, connection } = this.#deps;
    const isFirst = this.schedule.lastFullAt === null;
    // Without a full run, there is nothing that a delta run could follow.
    const kind = isFirst && runs.current("full") === null ? "full" : asked;
    const current = runs.current(kind);
    if (current !== null) {
      if (kind === "delta") this.#askAgain(current);
      const run = current.error === null ? current : { ...current, resumeAt: null };
      this.save(run);
      return ok({ started: false, run });
    }
    if (connection() === null) return err(misconfigured);
    return ok({ started: true, run: this.begin(kind, isFirst && kind === "full" ? "first" : "request") });
  }

  /** A cron asks for a run: starts the runs that are due. */
  wake(kind: RunKind): void {
    const { definition, connection, inventory, meta, runs, storage, now } = this.#deps;
    const settings = connection();
    storage.transactionSync(() => {
      if (definition.areAccounts && settings !== null) noteAttributes(meta, inventory, settings, now());
      if (settings !== null) this.#letTry(["misconfigured"]);
      const delta = runs.current("delta");
      const inProgress = { full: runs.current("full") !== null, delta: delta !== null };
      const { starts, pollAgain } = decideWake(kind, this.schedule, inProgress, now());
      if (pollAgain && delta !== null) this.#askAgain(delta);
      for (const start of starts) this.begin(start.kind, start.cause);
      this.#keepHistory();
    });
  }

  /** Begins to keep changes once everything was read, or ceases to if none are to be kept. */
  #keepHistory(): void {
    const settings = this.#deps.connection();
    const { history } = this.#deps.inventory;
    if (settings === null || (settings.historyDays > 0 && this.schedule.lastFullAt === null)) return;
    if (settings.historyDays > 0) history.begin();
    else history.stop();
  }

  /**
   * An event hook has come: the log is polled, by the delta run in progress or by one that does nothing else. It starts
   * no first run, which reads everything anyway.
   */
  follow(): void {
    const { definition, runs, storage, connection } = this.#deps;
    if (connection() === null) return;
    storage.transactionSync(() => {
      const delta = runs.current("delta");
      // A run that is still to poll the log for the first time is going to see it anyway.
      if (delta !== null) return this.#isToPoll(delta) ? undefined : this.#pollAgain(delta);
      if (this.schedule.lastFullAt === null && runs.current("full") === null) return;
      const [first, ...others] = pollingPhases(definition.run.deltaPhases);
      if (first !== undefined) this.begin("delta", "hook", { only: [first, ...others] });
    });
  }

  /**
   * Stores a new run, and sets the alarm for its first slice.
   * @param options.only instead of all phases
   * @param options.factorsMissed false if the gap that it makes up for has hidden no changes of factors
   */
  begin(
    kind: RunKind,
    cause: RunCause,
    options: { readonly only?: PhaseNames; readonly factorsMissed?: boolean } = {},
  ): Run {
    const { only, factorsMissed = true } = options;
    const { definition, storage, connection, inventory, meta, runs } = this.#deps;
    const { fullPhases, deltaPhases } = definition.run;
    const now = this.#deps.now();
    const days = connection()?.refreshDays ?? DEFAULT_REFRESH_DAYS;
    const { schedule } = this;
    const afterGap = kind === "full" && ((cause === "gap" && factorsMissed) || schedule.gapDue === true);
    // The groups phase replaces this plan as soon as the groups are known.
    const full = () => fullPhases({ memberships: "per_group", isFirst: false });
    const run = newRun({
      id: crypto.randomUUID(),
      kind,
      cause,
      phases: only ?? (kind === "full" ? full() : deltaPhases),
      now,
      // After a gap in the log it is unknown whose factors changed, so all are read again.
      factorsDueBefore: afterGap ? now : Math.max(now - days * DAY_MS, meta.get("factorsDue") ?? 0),
      newestAsset: inventory.assets.newestNumber(),
    });
    storage.transactionSync(() => {
      if (afterGap) meta.set("schedule", { ...schedule, gapDue: false });
      if (kind === "full") meta.delete("fullDue");
      runs.save(run);
      void storage.setAlarm(now);
    });
    logStart(this.#deps.identity, run);
    return run;
  }

  /**
   * Ends a run: moves it to the history and starts the run that follows, if any. A delta run that somebody has asked for
   * meanwhile begins again instead. The caller opens the transaction.
   */
  end(run: Run, state: RunState): void {
    const { definition, meta, runs, now, fullRunEnded, succeeded } = this.#deps;
    // A run that has succeeded shows that what concerns the whole org is over for the other one, too.
    if (isComplete({ state })) this.#letTry(OF_THE_WHOLE_ORG, run.id);
    const isAskedFor = meta.get("pollAgain") === run.id;
    if (isAskedFor) meta.delete("pollAgain");
    if (isAskedFor && (state === "done" || run.gaveUp !== undefined)) {
      beginAgain(run, definition.run.deltaPhases, meta.get("factorsBackAt") === null ? [] : ["rolling"]);
      runs.save(run);
      return;
    }
    finish(run, state, now());
    logEnd(this.#deps.identity, run);
    runs.archive(run);
    if (run.kind === "full" && isComplete(run)) fullRunEnded(run);
    const { schedule, start } = afterRun(this.schedule, run, runs.current("full"));
    meta.set("schedule", schedule);
    if (isComplete(run)) succeeded(run);
    this.#keepHistory();
    if (start !== null) this.begin(start.kind, start.cause);
    else if (meta.get("fullDue") !== null && runs.current("full") === null)
      this.begin("full", "gap", { factorsMissed: false });
  }

  /** What waits after one of these errors may try again at once, but for one run. */
  #letTry(codes: readonly string[], except?: string): void {
    const { runs } = this.#deps;
    for (const run of runs.inProgress())
      if (run.id !== except && run.error !== null && codes.includes(run.error.code))
        runs.save({ ...run, resumeAt: null });
  }

  /** Stores the run unless it was cancelled or replaced. */
  save(run: Run): void {
    const { storage, runs } = this.#deps;
    storage.transactionSync(() => {
      if (runs.isCurrent(run)) runs.save(run);
    });
  }

  /**
   * Whoever asks for a delta run while one is in progress wants to see what has changed until now, by all of its phases:
   * the run in progress may be one that only follows event hooks.
   */
  #askAgain(run: Run): void {
    if (this.#isToPoll(run)) {
      run.phases = this.#deps.definition.run.deltaPhases;
      this.save(run);
    } else {
      this.#pollAgain(run);
    }
  }

  /** Whether a delta run is still to poll the log for the first time. */
  #isToPoll({ phase, calls }: Run): boolean {
    return phase === "log" && calls.made === 0 && !this.#deps.isWorking();
  }

  /** Lets a delta run poll once more before it ends, and do whatever it has left out so far. */
  #pollAgain({ id }: Run): void {
    this.#deps.meta.set("pollAgain", id);
  }
}
