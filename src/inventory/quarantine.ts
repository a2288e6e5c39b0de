import type { BadRecord } from "../okta/records.ts";

/** Records that could not be filed, with the reason. One bad record never spoils its page. */
export class Quarantine {
  readonly #sql: SqlStorage;
  readonly #now: () => number;

  constructor(sql: SqlStorage, now: () => number) {
    this.#sql = sql;
    this.#now = now;
  }

  /** `place` names records that have no id of their own, the same way on every run. */
  add(bad: BadRecord, place: string): void {
    this.#sql.exec(
      `INSERT INTO quarantine (id, reason, seen_at) VALUES (?, ?, ?)
       ON CONFLICT (id) DO UPDATE SET reason = excluded.reason, seen_at = excluded.seen_at`,
      bad.id ?? place,
      bad.reason,
      this.#now(),
    );
  }

  /** A record that could be filed after all. */
  clear(ids: readonly string[]): void {
    this.#sql.exec(
      "DELETE FROM quarantine WHERE id IN (SELECT value FROM json_each(?))",
      JSON.stringify(ids),
    );
  }

  /** After a complete listing: what was not seen again is gone. */
  forgetBefore(time: number): void {
    this.#sql.exec("DELETE FROM quarantine WHERE seen_at < ?", time);
  }

  count(): number {
    return this.#sql.exec<{ n: number }>("SELECT count(*) AS n FROM quarantine").one().n;
  }
}
