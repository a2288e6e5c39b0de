import type { Meta } from "../inventory/meta.ts";
import type { Run } from "./run.ts";

const HISTORY = 100;

/** The current run and the history of the stream's runs. Callers open the transaction. */
export class Runs {
  readonly #sql: SqlStorage;
  readonly #meta: Meta;
  /**
   * Asked for with every transaction of a run, so not read again each time. Unset until it is known; `current`, with
   * which every alarm begins, reads it anew, should a transaction have been rolled back.
   */
  #currentId: string | null | undefined;

  constructor(sql: SqlStorage, meta: Meta) {
    this.#sql = sql;
    this.#meta = meta;
  }

  current(): Run | null {
    const run = this.#meta.get<"run", Run>("run");
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
