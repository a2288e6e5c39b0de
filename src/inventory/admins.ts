import type { OktaRole } from "../okta/records.ts";
import type { Assets } from "./assets.ts";
import { type Fact, known, type UnknownReason, unknown } from "./facts.ts";
import { type InventoryMeta, type Meta, type OrgFact, withLaterFailure } from "./meta.ts";
import type { Reading } from "./readings.ts";

/** What is stored about a user who has roles or may have some. */
export interface AdminRow {
  /** The last known roles, as JSON; null if they were never read. */
  readonly roles: string | null;
  /** When `roles` was read, ms since the epoch. */
  readonly read_at: number | null;
  /** Why the last reading failed; null if it succeeded. */
  readonly reason: string | null;
}

/**
 * The users who have roles or may have some. Once the org's admins are known, every other user has none. Callers open
 * the transaction.
 */
export class Admins {
  readonly #sql: SqlStorage;
  readonly #meta: Meta<InventoryMeta>;
  readonly #assets: Assets;

  constructor(sql: SqlStorage, meta: Meta<InventoryMeta>, assets: Assets) {
    this.#sql = sql;
    this.#meta = meta;
    this.#assets = assets;
  }

  /**
   * Decides who may have roles: users in `listing`, members of a group that gives roles and, with `everyone`, every
   * user that exists. Whose roles were read after `asOf` stays among them, and so does whose roles are still to be read
   * again, since the listing may be behind. Users who are new or no longer among them get new sequence numbers.
   * @param asOf ms since the epoch by our clock
   * @returns the ids of these users
   */
  setCandidates(listing: string, everyone: boolean, asOf: number): string[] {
    const candidates = `SELECT row.value AS user_id FROM sweeps, json_each(ids) AS row WHERE listing = ?1
       UNION SELECT user_id FROM memberships JOIN groups ON groups.id = group_id WHERE coalesce(has_roles, 0) = 1
       ${everyone ? "UNION SELECT id FROM assets WHERE deleted_at IS NULL" : ""}`;
    const changed = [
      `INSERT OR IGNORE INTO admins (user_id) ${candidates} RETURNING user_id`,
      `DELETE FROM admins WHERE user_id NOT IN (${candidates}) AND coalesce(tried_at, 0) < ?2
         AND user_id NOT IN (SELECT id FROM stale WHERE kind = 'roles') RETURNING user_id`,
    ].flatMap((statement, index) =>
      this.#sql.exec<{ user_id: string }>(statement, ...[listing, asOf].slice(0, index + 1)).toArray(),
    );
    const ids = changed.map(({ user_id }) => user_id);
    this.#assets.touch(ids);
    return ids;
  }

  /** The members of a group whose roles were read or tried at `since` (ms since the epoch) or later. */
  triedSince(since: number, groupId: string): string[] {
    return this.#sql
      .exec<{ user_id: string }>(
        `SELECT user_id FROM admins JOIN memberships USING (user_id) WHERE group_id = ? AND tried_at >= ?`,
        groupId,
        since,
      )
      .toArray()
      .map(({ user_id }) => user_id);
  }

  /** How many users have roles or may have some. */
  count(): number {
    return this.#sql.exec<{ n: number }>("SELECT count(*) AS n FROM admins").one().n;
  }

  /**
   * The next users whose roles have not been read or tried since `triedBefore` (ms since the epoch), in order of
   * id.
   * @param failedOnly only users whose last try failed
   */
  next(triedBefore: number, limit: number, failedOnly = false): string[] {
    return this.#sql
      .exec<{ user_id: string }>(
        `SELECT user_id FROM admins WHERE coalesce(tried_at, 0) < ? ${failedOnly ? "AND reason = 'failed'" : ""}
         ORDER BY user_id LIMIT ?`,
        triedBefore,
        limit,
      )
      .toArray()
      .map(({ user_id }) => user_id);
  }

  /**
   * Stores the outcome of reading one user's roles. A failure keeps the last known value.
   * @returns whether the user's event changed
   */
  setRoles(userId: string, reading: Reading, readAt: number): boolean {
    const [was] = this.#sql.exec<{ roles: string | null; reason: string | null }>(
      "SELECT roles, reason FROM admins WHERE user_id = ?",
      userId,
    );
    if ("value" in reading) {
      this.#sql.exec(
        `INSERT INTO admins (user_id, roles, read_at, reason, tried_at) VALUES (?1, ?2, ?3, NULL, ?3)
         ON CONFLICT (user_id) DO UPDATE SET roles = ?2, read_at = ?3, reason = NULL, tried_at = ?3`,
        userId,
        reading.value,
        readAt,
      );
    } else {
      this.#sql.exec(
        `INSERT INTO admins (user_id, reason, tried_at) VALUES (?1, ?2, ?3)
         ON CONFLICT (user_id) DO UPDATE SET reason = ?2, tried_at = ?3`,
        userId,
        reading.reason,
        readAt,
      );
    }
    const roles = "value" in reading ? reading.value : (was?.roles ?? null);
    const reason = "value" in reading ? null : reading.reason;
    if (was !== undefined && was.roles === roles && was.reason === reason) return false;
    return this.#assets.touch([userId]) > 0;
  }

  /** A complete list makes up for failures before it. @param askedAt when it was asked for, ms since the epoch */
  makeUpForFailure(askedAt: number): void {
    const was = this.#meta.get("roles");
    if (was?.failedAt === undefined || was.failedAt >= askedAt) return;
    this.#meta.set("roles", { at: was.at, reason: was.reason });
  }

  /**
   * Stores how far the org's roles are known. Every event depends on it, so a change gives all assets new sequence
   * numbers.
   */
  setOrg(reading: OrgFact): void {
    const was = this.#meta.get("roles");
    const next = withLaterFailure(was, reading);
    this.#meta.set("roles", next);
    if (((was?.at ?? null) === null) !== (next.at === null) || (was?.reason ?? null) !== next.reason)
      this.#assets.touchAll();
  }

  /** The roles of one user. @param row null for a user who is not among the admins */
  static fact(row: AdminRow | null, org: OrgFact | null): Fact<readonly OktaRole[]> {
    if (row !== null) {
      const last = row.roles === null ? undefined : { value: JSON.parse(row.roles), at: row.read_at ?? 0 };
      if (last !== undefined && row.reason === null) return known(last.value, last.at);
      return unknown((row.reason ?? "pending") as UnknownReason, last); // the column holds only reasons
    }
    const at = org?.at ?? null;
    if (at !== null && (org?.reason ?? null) === null) return known([], at);
    const reason = org?.reason ?? "pending";
    return at === null ? unknown(reason) : unknown(reason, { value: [], at });
  }
}
