/** The connections that the settings have had, in the SQLite of the Registry. Times are ms since the epoch. */
import type { KnownConnection } from "../contract/connections.ts";
import { parseJson } from "../lib/json.ts";
import type { Progress } from "./purge.ts";
import type { Change } from "./reconcile.ts";

/**
 * `done` and `cursor` say how far a purge has come; `try_now` is 1 unless it has failed and waits for the next cron.
 */
const schema = `CREATE TABLE IF NOT EXISTS connections (
  id TEXT PRIMARY KEY, base_url TEXT, first_seen_at INTEGER NOT NULL, removed_at INTEGER, purging_since INTEGER,
  done TEXT NOT NULL DEFAULT '[]', cursor TEXT, try_now INTEGER NOT NULL DEFAULT 0) WITHOUT ROWID`;

type Row = {
  id: string;
  base_url: string | null;
  first_seen_at: number;
  removed_at: number | null;
  purging_since: number | null;
};

type PurgeRow = { id: string; done: string; cursor: string | null };

const knownOf = (row: Row): KnownConnection => ({
  id: row.id,
  baseUrl: row.base_url,
  firstSeenAt: row.first_seen_at,
  removedAt: row.removed_at,
  purgingSince: row.purging_since,
});

const namesIn = (json: string): string[] => {
  const list = parseJson(json);
  return Array.isArray(list) ? list.filter((name) => typeof name === "string") : [];
};

export class ConnectionStore {
  readonly #sql: SqlStorage;

  constructor(sql: SqlStorage) {
    this.#sql = sql;
    sql.exec(schema);
  }

  /** All of them, by id. */
  all(): KnownConnection[] {
    return this.#sql
      .exec<Row>("SELECT id, base_url, first_seen_at, removed_at, purging_since FROM connections ORDER BY id")
      .toArray()
      .map(knownOf);
  }

  one(id: string): KnownConnection | null {
    return this.all().find((connection) => connection.id === id) ?? null;
  }

  apply(change: Change, now: number): void {
    const { id } = change;
    switch (change.kind) {
      case "new":
        this.#sql.exec(
          "INSERT INTO connections (id, base_url, first_seen_at) VALUES (?, ?, ?)",
          id,
          change.baseUrl,
          now,
        );
        return;
      case "moved":
        this.#sql.exec("UPDATE connections SET base_url = ? WHERE id = ?", change.baseUrl, id);
        return;
      case "removed":
        this.#sql.exec("UPDATE connections SET removed_at = ? WHERE id = ?", now, id);
        return;
      case "returned":
        this.#sql.exec("UPDATE connections SET removed_at = NULL WHERE id = ?", id);
        return;
      case "due":
        this.beginPurge(id, now);
    }
  }

  /** One that no cron has found gone yet is gone since now. A purge that has begun goes on from where it is. */
  beginPurge(id: string, now: number): void {
    this.#sql.exec(
      `UPDATE connections SET removed_at = coalesce(removed_at, ?1), purging_since = coalesce(purging_since, ?1), try_now = 1
       WHERE id = ?2`,
      now,
      id,
    );
  }

  /** The ids of the connections that are being purged. */
  purging(): string[] {
    return this.#sql
      .exec<{ id: string }>("SELECT id FROM connections WHERE purging_since IS NOT NULL ORDER BY id")
      .toArray()
      .map(({ id }) => id);
  }

  /** Lets purges that have failed try again. */
  tryAgain(): void {
    this.#sql.exec("UPDATE connections SET try_now = 1 WHERE purging_since IS NOT NULL");
  }

  /** The purge that is to be continued first; null if there is none, or all have failed and wait for the next cron. */
  nextPurge(): { readonly id: string; readonly progress: Progress } | null {
    const [row] = this.#sql
      .exec<PurgeRow>(
        `SELECT id, done, cursor FROM connections WHERE purging_since IS NOT NULL AND try_now = 1
         ORDER BY purging_since, id LIMIT 1`,
      )
      .toArray();
    return row === undefined
      ? null
      : { id: row.id, progress: { done: namesIn(row.done), cursor: row.cursor } };
  }

  /** @param waits whether the purge has failed and waits for the next cron */
  saveProgress(id: string, { done, cursor }: Progress, waits: boolean): void {
    this.#sql.exec(
      "UPDATE connections SET done = ?, cursor = ?, try_now = ? WHERE id = ?",
      JSON.stringify(done),
      cursor,
      waits ? 0 : 1,
      id,
    );
  }

  forget(id: string): void {
    this.#sql.exec("DELETE FROM connections WHERE id = ?", id);
  }
}
