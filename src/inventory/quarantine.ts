import { tally } from "../lib/tally.ts";
import type { BadRecord } from "../okta/records.ts";

/** Records that could not be filed, with the reason. The other records of their pages are filed. */
export class Quarantine {
  readonly #sql: SqlStorage;
  readonly #now: () => number;

  constructor(sql: SqlStorage, now: () => number) {
    this.#sql = sql;
    this.#now = now;
  }

  /** Adds a record. @param place names a record that has no id; the same in every run */
  add(bad: BadRecord, place: string): void {
    this.#sql.exec(
      `INSERT INTO quarantine (id, reason, seen_at) VALUES (?, ?, ?)
       ON CONFLICT (id) DO UPDATE SET reason = excluded.reason, seen_at = excluded.seen_at`,
      bad.id ?? place,
      bad.reason,
      this.#now(),
    );
  }

  /** Removes records that have now been filed. */
  clear(ids: readonly string[]): void {
    this.#sql.exec(
      "DELETE FROM quarantine WHERE id IN (SELECT value FROM json_each(?))",
      JSON.stringify(ids),
    );
  }

  /** After a complete listing: removes records that were last seen before `time` (ms since the epoch). */
  forgetBefore(time: number): void {
    this.#sql.exec("DELETE FROM quarantine WHERE seen_at < ?", time);
  }

  /** How many records are in quarantine. */
  count(): number {
    return tally(this.#sql, "quarantine");
  }
}
