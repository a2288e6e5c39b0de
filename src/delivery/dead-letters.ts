/** Events that a sink refused for good, in the SQLite of its delivery. No content of theirs is copied. */
import type { NewDeadLetter } from "./progress.ts";

/** One for each asset: only the newest state matters, and a newer state that arrives settles it. */
export const deadLetterSchema = [
  `CREATE TABLE IF NOT EXISTS dead_letters (
    asset_id TEXT PRIMARY KEY, sequence INTEGER NOT NULL, event_id TEXT NOT NULL, code TEXT NOT NULL, http_status INTEGER,
    message TEXT NOT NULL, first_at INTEGER NOT NULL, last_at INTEGER NOT NULL, attempts INTEGER NOT NULL,
    retry INTEGER NOT NULL DEFAULT 0) WITHOUT ROWID`,
  "CREATE INDEX IF NOT EXISTS dead_letters_by_sequence ON dead_letters (sequence)",
];

export interface DeadLetter {
  /** The event's id. */
  readonly id: string;
  readonly assetId: string;
  readonly sequence: number;
  readonly code: string;
  readonly httpStatus: number | null;
  readonly message: string;
  /** Ms since the epoch. */
  readonly firstAt: number;
  readonly lastAt: number;
  readonly attempts: number;
  /** It is going to be tried once more. */
  readonly retrying: boolean;
}

type Row = {
  asset_id: string;
  sequence: number;
  event_id: string;
  code: string;
  http_status: number | null;
  message: string;
  first_at: number;
  last_at: number;
  attempts: number;
  retry: number;
};

const deadLetterOf = (row: Row): DeadLetter => ({
  id: row.event_id,
  assetId: row.asset_id,
  sequence: row.sequence,
  code: row.code,
  httpStatus: row.http_status,
  message: row.message,
  firstAt: row.first_at,
  lastAt: row.last_at,
  attempts: row.attempts,
  retrying: row.retry === 1,
});

/** Those that a call is about: the given ids (a JSON list), or all without ids. */
const chosen = "?1 IS NULL OR event_id IN (SELECT value FROM json_each(?1))";

export class DeadLetters {
  readonly #sql: SqlStorage;

  constructor(sql: SqlStorage) {
    this.#sql = sql;
  }

  count(): number {
    return this.#sql.exec<{ n: number }>("SELECT count(*) AS n FROM dead_letters").one().n;
  }

  /** In sequence order, after a sequence. */
  list(after: number, limit: number): DeadLetter[] {
    return this.#sql
      .exec<Row>("SELECT * FROM dead_letters WHERE sequence > ? ORDER BY sequence LIMIT ?", after, limit)
      .toArray()
      .map(deadLetterOf);
  }

  /** Marks them for one more try. @param ids of events; null: all @returns how many */
  retry(ids: readonly string[] | null): number {
    return this.#change(`UPDATE dead_letters SET retry = 1 WHERE ${chosen} RETURNING 1`, ids);
  }

  /** Forgets them. @param ids of events; null: all @returns how many */
  drop(ids: readonly string[] | null): number {
    return this.#change(`DELETE FROM dead_letters WHERE ${chosen} RETURNING 1`, ids);
  }

  /** The first that is marked for one more try. */
  nextRetry(): DeadLetter | null {
    const [row] = this.#sql
      .exec<Row>("SELECT * FROM dead_letters WHERE retry = 1 ORDER BY sequence LIMIT 1")
      .toArray();
    return row === undefined ? null : deadLetterOf(row);
  }

  /** Forgets those of assets whose newest state has arrived. */
  settle(assets: readonly string[]): void {
    if (assets.length === 0 || this.#sql.exec("SELECT 1 FROM dead_letters LIMIT 1").toArray().length === 0) {
      return;
    }
    this.#sql.exec(
      "DELETE FROM dead_letters WHERE asset_id IN (SELECT value FROM json_each(?))",
      JSON.stringify(assets),
    );
  }

  /** Adds one, or counts one more attempt of the asset's. @param now ms since the epoch */
  bury({ event, error }: NewDeadLetter, now: number): void {
    this.#sql.exec(
      `INSERT INTO dead_letters (asset_id, sequence, event_id, code, http_status, message, first_at, last_at, attempts)
       VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?7, 1)
       ON CONFLICT (asset_id) DO UPDATE SET sequence = ?2, event_id = ?3, code = ?4, http_status = ?5, message = ?6,
         last_at = ?7, attempts = attempts + 1, retry = 0`,
      event.assetId,
      event.sequence,
      event.id,
      error.code,
      error.status,
      error.message,
      now,
    );
  }

  #change(statement: string, ids: readonly string[] | null): number {
    return this.#sql.exec(statement, ids === null ? null : JSON.stringify(ids)).toArray().length;
  }
}
