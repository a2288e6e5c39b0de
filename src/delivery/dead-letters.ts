/**
 * Events that a sink has passed by, in the SQLite of its delivery: dead letters, and those set aside that are still to be
 * proven to be at fault. No content of theirs is copied.
 */
import { TALLIES, tally, tallyOf } from "../lib/tally.ts";
import type { PassedBy } from "./step.ts";

/**
 * One for each asset: only the newest state matters, and a newer state that arrives settles it. Columns that version 0.1.0
 * did not have are in `addedColumns`.
 */
export const deadLetterSchema = [
  `CREATE TABLE IF NOT EXISTS dead_letters (
    asset_id TEXT PRIMARY KEY, sequence INTEGER NOT NULL, event_id TEXT NOT NULL, code TEXT NOT NULL, http_status INTEGER,
    message TEXT NOT NULL, first_at INTEGER NOT NULL, last_at INTEGER NOT NULL, attempts INTEGER NOT NULL,
    retry INTEGER NOT NULL DEFAULT 0) WITHOUT ROWID`,
  "CREATE INDEX IF NOT EXISTS dead_letters_by_sequence ON dead_letters (sequence)",
];

/**
 * - `proven` it is a dead letter; 0: it is set aside
 * - `due_at` when it is tried again by itself, ms since the epoch; null: never
 * - `taken` how often the sink had taken something when it did not take this
 */
const addedColumns = [
  "ALTER TABLE dead_letters ADD COLUMN proven INTEGER NOT NULL DEFAULT 1",
  "ALTER TABLE dead_letters ADD COLUMN due_at INTEGER",
  "ALTER TABLE dead_letters ADD COLUMN taken INTEGER NOT NULL DEFAULT 0",
  "CREATE INDEX dead_letters_by_due_at ON dead_letters (due_at) WHERE due_at IS NOT NULL",
];

/** So that a status and the next retry cost the same however many there are. */
const addedCounts = [
  TALLIES,
  ...tallyOf("dead_letters", "proven"),
  "CREATE INDEX dead_letters_by_first_at ON dead_letters (proven, first_at)",
  "CREATE INDEX dead_letters_to_retry ON dead_letters (sequence) WHERE retry = 1",
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
  /** Somebody has asked to try it once more. */
  readonly retrying: boolean;
  /** False while it is only set aside. */
  readonly proven: boolean;
  /** How often the sink had taken something when it did not take this. */
  readonly taken: number;
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
  proven: number;
  taken: number;
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
  proven: row.proven === 1,
  taken: row.taken,
});

/** Those that a call is about: the given ids (a JSON list), or all without ids. */
const chosen = "proven = 1 AND (?1 IS NULL OR event_id IN (SELECT value FROM json_each(?1)))";

export class DeadLetters {
  readonly #sql: SqlStorage;

  constructor(sql: SqlStorage) {
    this.#sql = sql;
  }

  /** Adds what former versions did not have. */
  migrate(): void {
    const has = (what: string): boolean => this.#sql.exec(`SELECT 1 FROM ${what}`).toArray().length > 0;
    if (!has("pragma_table_info('dead_letters') WHERE name = 'proven'"))
      for (const statement of addedColumns) this.#sql.exec(statement);
    if (!has("sqlite_master WHERE name = 'tallies'"))
      for (const statement of addedCounts) this.#sql.exec(statement);
  }

  count(): number {
    return tally(this.#sql, "dead_letters", 1);
  }

  /** When the oldest dead letter was first refused, ms since the epoch; null if there is none. */
  since(): number | null {
    return this.#sql
      .exec<{ at: number | null }>("SELECT min(first_at) AS at FROM dead_letters WHERE proven = 1")
      .one().at;
  }

  /** How many are set aside, and what the sink said of the first. */
  setAside(): { readonly count: number; readonly message: string | null } {
    return this.#sql
      .exec<{ count: number; message: string | null }>(
        "SELECT count(*) AS count, min(message) AS message FROM dead_letters WHERE proven = 0",
      )
      .one();
  }

  /** Dead letters in sequence order, after a sequence. */
  list(after: number, limit: number): DeadLetter[] {
    return this.#sql
      .exec<Row>(
        "SELECT * FROM dead_letters WHERE sequence > ? AND proven = 1 ORDER BY sequence LIMIT ?",
        after,
        limit,
      )
      .toArray()
      .map(deadLetterOf);
  }

  /** Whether the newest state of this asset that was sent is one that was passed by. */
  has(assetId: string): boolean {
    return this.#sql.exec("SELECT 1 FROM dead_letters WHERE asset_id = ?", assetId).toArray().length > 0;
  }

  /** Marks them for one more try. @param ids of events; null: all @returns how many */
  retry(ids: readonly string[] | null): number {
    return this.#change(`UPDATE dead_letters SET retry = 1 WHERE ${chosen}`, ids);
  }

  /** Forgets them. @param ids of events; null: all @returns how many */
  drop(ids: readonly string[] | null): number {
    return this.#change(`DELETE FROM dead_letters WHERE ${chosen}`, ids);
  }

  /** Forgets all, those set aside as well. */
  clear(): void {
    this.#sql.exec("DELETE FROM dead_letters");
  }

  /** Forgets one whose asset has a newer state. */
  forget({ assetId, sequence }: Pick<DeadLetter, "assetId" | "sequence">): void {
    this.#sql.exec("DELETE FROM dead_letters WHERE asset_id = ? AND sequence = ?", assetId, sequence);
  }

  /** The first that somebody has asked to try, or that is due by itself. @param now ms since the epoch */
  nextRetry(now: number): DeadLetter | null {
    const [row] = this.#sql
      .exec<Row>(
        `SELECT * FROM (SELECT * FROM (SELECT * FROM dead_letters WHERE retry = 1 ORDER BY sequence LIMIT 1)
           UNION ALL SELECT * FROM (SELECT * FROM dead_letters WHERE due_at <= ? ORDER BY due_at LIMIT 1))
         ORDER BY sequence LIMIT 1`,
        now,
      )
      .toArray();
    return row === undefined ? null : deadLetterOf(row);
  }

  /** When the next is due by itself, ms since the epoch; null if none is. */
  nextDueAt(): number | null {
    return this.#sql
      .exec<{ due: number | null }>("SELECT min(due_at) AS due FROM dead_letters WHERE due_at IS NOT NULL")
      .one().due;
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
  passBy({ event, error, proven, dueAt, taken }: PassedBy, now: number): void {
    this.#sql.exec(
      `INSERT INTO dead_letters (asset_id, sequence, event_id, code, http_status, message, first_at, last_at, attempts,
         proven, due_at, taken)
       VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?7, 1, ?8, ?9, ?10)
       ON CONFLICT (asset_id) DO UPDATE SET sequence = ?2, event_id = ?3, code = ?4, http_status = ?5, message = ?6,
         last_at = ?7, attempts = attempts + 1, retry = 0, proven = ?8, due_at = ?9, taken = ?10`,
      event.assetId,
      event.sequence,
      event.id,
      error.code,
      error.status,
      error.message,
      now,
      proven ? 1 : 0,
      dueAt,
      taken,
    );
  }

  #change(statement: string, ids: readonly string[] | null): number {
    this.#sql.exec(statement, ids === null ? null : JSON.stringify(ids));
    return this.#sql.exec<{ n: number }>("SELECT changes() AS n").one().n;
  }
}
