/** What syncing keeps beside the inventory: the current run, the runs before it, and small values by name. */
import type { Meta } from "../inventory/meta.ts";
import type { Run } from "./run.ts";
import type { Schedule } from "./schedule.ts";

/** Where polling of the System Log stands. */
export interface LogState {
  /** Okta's own URL for what comes next. */
  readonly next: string;
  /** When it was last followed, ms by the local clock. */
  readonly polledAt: number;
}

/** What syncing keeps by name, in the inventory's table. */
export interface SyncMeta {
  /** The current run. */
  run: Run;
  log: LogState;
  /** Until when the searches have looked, ms by Okta's clock. */
  watermarks: { readonly searchedAt: number };
  schedule: Schedule;
  /** Okta's clock less ours, ms, as last seen. */
  skew: number;
  /** Names of the sinks that were told of this stream. */
  sinks: readonly string[];
}

const HISTORY = 100;

/** The current run and the history of the stream's runs. Callers open the transaction. */
export class Runs {
  readonly #sql: SqlStorage;
  readonly #meta: Meta<SyncMeta>;
  /**
   * Asked for with every transaction of a run, so not read again each time. Unset until it is known; `current`, with
   * which every alarm begins, reads it anew, should a transaction have been rolled back.
   */
  #currentId: string | null | undefined;

  constructor(sql: SqlStorage, meta: Meta<SyncMeta>) {
    this.#sql = sql;
    this.#meta = meta;
  }

  current(): Run | null {
    const run = this.#meta.get("run");
    this.#currentId = run?.id ?? null;
    return run;
  }

  isCurrent(id: string): boolean {
    if (this.#currentId === undefined) this.current();
    return this.#currentId === id;
  }

  save(run: Run): void {
    this.#meta.set("run", run);
    this.#currentId = run.id;
  }

  /** Moves a finished run into the history, which keeps the last hundred. */
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
