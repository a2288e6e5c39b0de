/** What to read again: an asset of the stream itself, one of a user's facts, or something of a group. */
export type StaleKind =
  | "asset"
  | "user_groups"
  | "factors"
  | "roles"
  | "group"
  | "members"
  | "group_roles"
  | "assignees";

/** Which sign told us that something changed. */
export type StaleCause = "log" | "search" | "rolling";

export interface StaleEntry {
  readonly kind: StaleKind;
  readonly id: string;
  readonly cause: StaleCause;
}

/** An object's time stamp and the event of the same change may differ by this much. */
export const SAME_CHANGE_MS = 2_000;

/** The queue of facts to read again. An entry leaves it in the transaction that stores the new reading. */
export class Stale {
  readonly #sql: SqlStorage;

  constructor(sql: SqlStorage) {
    this.#sql = sql;
  }

  /** `since` is when the change happened by Okta's clock, ms; the newest one stays. */
  add(kind: StaleKind, id: string, cause: StaleCause, since: number): void {
    this.#sql.exec(
      `INSERT INTO stale (kind, id, cause, since) VALUES (?, ?, ?, ?)
       ON CONFLICT (kind, id) DO UPDATE SET since = max(since, excluded.since)`,
      kind,
      id,
      cause,
      since,
    );
  }

  /** The next entries of a kind, in order of id. */
  next(kind: StaleKind, limit: number): StaleEntry[] {
    return this.#sql
      .exec<{ id: string; cause: StaleCause }>(
        "SELECT id, cause FROM stale WHERE kind = ? ORDER BY id LIMIT ?",
        kind,
        limit,
      )
      .toArray()
      .map(({ id, cause }) => ({ kind, id, cause }));
  }

  done(kind: StaleKind, id: string): void {
    this.#sql.exec("DELETE FROM stale WHERE kind = ? AND id = ?", kind, id);
  }

  clear(kinds: readonly StaleKind[]): void {
    this.#sql.exec("DELETE FROM stale WHERE kind IN (SELECT value FROM json_each(?))", JSON.stringify(kinds));
  }

  /**
   * A record that says it was updated at `lastUpdated` already shows what happened until then. The event of the
   * same change may be published a moment later.
   */
  doneUntil(kind: StaleKind, id: string, lastUpdated: number): void {
    this.#sql.exec(
      "DELETE FROM stale WHERE kind = ? AND id = ? AND since <= ?",
      kind,
      id,
      lastUpdated + SAME_CHANGE_MS,
    );
  }
}
