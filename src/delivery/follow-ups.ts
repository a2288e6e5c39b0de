/** Accepted batches whose fate is asked for later, in the SQLite of a sink's delivery. */

export const followUpSchema = [
  `CREATE TABLE IF NOT EXISTS follow_ups (
    id INTEGER PRIMARY KEY AUTOINCREMENT, reference TEXT NOT NULL UNIQUE, tries INTEGER NOT NULL, due_at INTEGER NOT NULL)`,
];

export interface FollowUp {
  /** How the sink finds the batch again. */
  readonly reference: string;
  /** How often it was asked for already. */
  readonly tries: number;
}

/** Only the newest batches are followed up. */
const mostFollowUps = 20;
const firstAfterMs = 5000;

/** Times are ms since the epoch. */
export class FollowUps {
  readonly #sql: SqlStorage;

  constructor(sql: SqlStorage) {
    this.#sql = sql;
  }

  due(now: number, limit: number): FollowUp[] {
    return this.#sql
      .exec<{ reference: string; tries: number }>(
        "SELECT reference, tries FROM follow_ups WHERE due_at <= ? ORDER BY due_at LIMIT ?",
        now,
        limit,
      )
      .toArray();
  }

  /** When the earliest is due; null when there is none. */
  nextAt(): number | null {
    return this.#sql.exec<{ due: number | null }>("SELECT min(due_at) AS due FROM follow_ups").one().due;
  }

  add(reference: string, now: number): void {
    this.#sql.exec(
      "INSERT INTO follow_ups (reference, tries, due_at) VALUES (?, 0, ?) ON CONFLICT (reference) DO NOTHING",
      reference,
      now + firstAfterMs,
    );
    this.#sql.exec("DELETE FROM follow_ups WHERE id <= (SELECT max(id) FROM follow_ups) - ?", mostFollowUps);
  }

  postpone(reference: string, dueAt: number): void {
    this.#sql.exec(
      "UPDATE follow_ups SET tries = tries + 1, due_at = ? WHERE reference = ?",
      dueAt,
      reference,
    );
  }

  end(reference: string): void {
    this.#sql.exec("DELETE FROM follow_ups WHERE reference = ?", reference);
  }
}
