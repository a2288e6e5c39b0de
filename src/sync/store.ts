import type { Meta } from "../inventory/meta.ts";
import type { Run } from "./run.ts";

const HISTORY = 100;

/** The current run and the history of the stream's runs. Callers open the transaction. */
export class Runs {
  readonly #sql: SqlStorage;
  readonly #meta: Meta;

  constructor(sql: SqlStorage, meta: Meta) {
    this.#sql = sql;
    this.#meta = meta;
  }

  current(): Run | null {
    return this.#meta.get<"run", Run>("run");
  }

  isCurrent(id: string): boolean {
    return this.current()?.id === id;
  }

  save(run: Run): void {
    this.#meta.set("run", run);
  }

  /** Moves a finished run into the history, which keeps the last hundred. */
  archive(run: Run): void {
    this.#meta.delete("run");
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
