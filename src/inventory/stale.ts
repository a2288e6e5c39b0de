import type { History } from "./history.ts";
import { believable } from "./precedence.ts";
import { jsonChunks } from "./sql.ts";
import { SAME_CHANGE_MS, type StaleCause, type StaleEntry, type StaleKind } from "./stale-kinds.ts";

/** SQL: whether the user with this id, an expression, has roles or may have some. */
const isAdmin = (id: string): string =>
  `EXISTS (SELECT 1 FROM admins WHERE user_id = ${id}) OR EXISTS (SELECT 1 FROM memberships JOIN groups
     ON groups.id = group_id WHERE memberships.user_id = ${id} AND has_roles = 1)`;

/**
 * The queue of facts to read again. An entry leaves it in the transaction that stores the new reading, after that: then the
 * log events that have led to it tell of nothing more.
 */
export class Stale {
  readonly #sql: SqlStorage;
  readonly #history: History;

  constructor(sql: SqlStorage, history: History) {
    this.#sql = sql;
    this.#history = history;
  }

  /** Adds an entry. @param since when the change happened, ms by Okta's clock; of two times the later one is kept */
  add(kind: StaleKind, id: string, cause: StaleCause, since: number): void {
    this.#sql.exec(
      `INSERT INTO stale (kind, id, cause, since, is_admin) VALUES (?1, ?2, ?3, ?4, ${isAdmin("?2")})
       ON CONFLICT (kind, id) DO UPDATE SET since = max(since, excluded.since)`,
      kind,
      id,
      cause,
      since,
    );
  }

  /** The next entries of one kind: administrators first, then in order of id. */
  next(kind: StaleKind, limit: number): StaleEntry[] {
    return this.#sql
      .exec<{ id: string; cause: StaleCause }>(
        "SELECT id, cause FROM stale WHERE kind = ? ORDER BY is_admin DESC, id LIMIT ?",
        kind,
        limit,
      )
      .toArray()
      .map(({ id, cause }) => ({ kind, id, cause }));
  }

  /** Removes an entry that has been read again. */
  done(kind: StaleKind, id: string): void {
    this.#sql.exec("DELETE FROM stale WHERE kind = ? AND id = ?", kind, id);
    this.#history.settle(kind, [id]);
  }

  /** Removes entries of one kind that have been read again. */
  doneAll(kind: StaleKind, ids: readonly string[]): void {
    for (const chunk of jsonChunks(ids))
      this.#sql.exec(
        "DELETE FROM stale WHERE kind = ? AND id IN (SELECT value FROM json_each(?))",
        kind,
        chunk,
      );
    this.#history.settle(kind, ids);
  }

  /** Whether the queue has an entry. */
  has(kind: StaleKind, id: string): boolean {
    return this.#sql.exec("SELECT 1 FROM stale WHERE kind = ? AND id = ?", kind, id).toArray().length > 0;
  }

  /**
   * Removes the entries of one kind for changes that happened before `asOf` (ms by Okta's clock), after something that
   * shows all of them was read completely.
   */
  doneBefore(kind: StaleKind, asOf: number): void {
    this.#sql.exec("DELETE FROM stale WHERE kind = ? AND since < ?", kind, asOf);
    this.#history.settleBefore(kind, asOf);
  }

  /** Removes an entry for a change that happened before `asOf` (ms by Okta's clock). */
  doneIfBefore(kind: StaleKind, id: string, asOf: number): void {
    this.#deleteUntil(kind, id, asOf - 1);
  }

  /** Whether the queue has any entry of this kind. */
  hasAny(kind: StaleKind): boolean {
    return this.#sql.exec("SELECT 1 FROM stale WHERE kind = ? LIMIT 1", kind).toArray().length > 0;
  }

  /**
   * Removes an entry if a record updated at `lastUpdated` (ISO 8601) already shows the change: the change
   * happened before, or at most `SAME_CHANGE_MS` later, because the event of the same change may carry a later time.
   * @param now ms by Okta's clock
   */
  doneUntil(kind: StaleKind, id: string, lastUpdated: string | null, now: number): void {
    const updated = believable(lastUpdated, now);
    if (Number.isNaN(updated)) return;
    this.#deleteUntil(kind, id, updated + SAME_CHANGE_MS);
  }

  #deleteUntil(kind: StaleKind, id: string, until: number): void {
    const deleted = this.#sql.exec(
      "DELETE FROM stale WHERE kind = ? AND id = ? AND since <= ? RETURNING 1",
      kind,
      id,
      until,
    );
    if (deleted.toArray().length > 0) this.#history.settle(kind, [id]);
  }
}
