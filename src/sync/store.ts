/** What syncing stores beside the inventory: the current run, the runs before it, and small values by name. */
import type { Meta } from "../inventory/meta.ts";
import type { Run } from "./run.ts";
import type { Schedule } from "./schedule.ts";

/** Where polling of the System Log stands. */
export interface LogState {
  /** Okta's URL for the next page. */
  readonly next: string;
  /** When it was last followed, ms since the epoch by our clock. */
  readonly polledAt: number;
  /** The filter with which it was begun. Version 0.1.0 did not store it; its rules were those of the next version. */
  readonly filter?: string;
}

/** The values that syncing keeps in the inventory's table `meta`. */
export interface SyncMeta {
  /** The current run. */
  run: Run;
  log: LogState;
  /** Up to when the searches have covered changes, ms by Okta's clock. */
  watermarks: { readonly searchedAt: number };
  schedule: Schedule;
  /** Okta's clock minus ours, ms, as last measured. */
  skew: number;
  /** The names of the sinks that know this stream. */
  sinks: readonly string[];
  /** The full run of which sinks are to store a snapshot, and the names of the sinks; null: all of them. */
  snapshotDue: { readonly runId: string; readonly sinks: readonly string[] | null };
  /** Accounts whose cached look-ups are still to be forgotten, next ones first. */
  toForget: readonly string[];
}

/** How many finished runs are kept. */
const HISTORY = 100;

/** The stream's current run and its finished runs. Callers open the transaction. */
export class Runs {
  readonly #sql: SqlStorage;
  readonly #meta: Meta<SyncMeta>;
  /**
   * The current run's id; null if there is no run, undefined until it is known. Every transaction of a run needs
   * it, so it is not read each time. `current`, which every alarm calls first, reads it again, in case a
   * transaction was rolled back.
   */
  #currentId: string | null | undefined;

  constructor(sql: SqlStorage, meta: Meta<SyncMeta>) {
    this.#sql = sql;
    this.#meta = meta;
  }

  /** The current run; null if there is none. */
  current(): Run | null {
    const run = this.#meta.get("run");
    this.#currentId = run?.id ?? null;
    return run;
  }

  /** Whether this is the id of the current run. */
  isCurrent(id: string): boolean {
    if (this.#currentId === undefined) this.current();
    return this.#currentId === id;
  }

  /** Stores the run as the current one. */
  save(run: Run): void {
    this.#meta.set("run", run);
    this.#currentId = run.id;
  }

  /** Moves a finished run to the history, which keeps the last 100. */
  archive(run: Run): void {
    this.#meta.delete("run");
    this.#currentId = null;
    this.#sql.exec(
      "INSERT OR REPLACE INTO runs (started_at, id, document) VALUES (?, ?, ?)",
      run.startedAt,
      run.id,
      JSON.stringify(run),
    );
    this.#sql.exec(
      `DELETE FROM runs WHERE (started_at, id) NOT IN
       (SELECT started_at, id FROM runs ORDER BY started_at DESC, id DESC LIMIT ?)`,
      HISTORY,
    );
  }

  /** Finished runs, newest first. */
  history(): Run[] {
    return this.#sql
      .exec<{ document: string }>("SELECT document FROM runs ORDER BY started_at DESC, id DESC")
      .toArray()
      .map(({ document }) => JSON.parse(document));
  }
}
