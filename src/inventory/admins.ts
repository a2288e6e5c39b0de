import type { OktaRole } from "../okta/records.ts";
import type { Assets, Reading } from "./assets.ts";
import { type Fact, known, type UnknownReason, unknown } from "./facts.ts";
import type { InventoryMeta, Meta, OrgFact } from "./meta.ts";

/** What is stored of a person who has, or may have, roles. */
export interface AdminRow {
  readonly roles: string | null;
  readonly read_at: number | null;
  readonly reason: string | null;
}

/** The people with roles. Everyone else has none, once the org's admins are known. Callers open the transaction. */
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
   * Settles who may have roles: assigned directly (the listing), or a member of a group that has roles. Returns
   * those who are new or gone.
   */
  setCandidates(listing: string, everyone: boolean): string[] {
    const candidates = `SELECT row.value AS user_id FROM sweeps, json_each(ids) AS row WHERE listing = ?1
       UNION SELECT user_id FROM memberships JOIN groups ON groups.id = group_id WHERE coalesce(has_roles, 0) = 1
       ${everyone ? "UNION SELECT id FROM assets WHERE deleted_at IS NULL" : ""}`;
    const changed = [
      `INSERT OR IGNORE INTO admins (user_id) ${candidates} RETURNING user_id`,
      `DELETE FROM admins WHERE user_id NOT IN (${candidates}) RETURNING user_id`,
    ].flatMap((statement) => this.#sql.exec<{ user_id: string }>(statement, listing).toArray());
    const ids = changed.map(({ user_id }) => user_id);
    this.#assets.touch(ids);
    return ids;
  }

  count(): number {
    return this.#sql.exec<{ n: number }>("SELECT count(*) AS n FROM admins").one().n;
  }

  /** The next ones not tried since `triedBefore`, in order of id; `failedOnly` of those whose last try failed. */
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

  /** Stores how reading somebody's roles ended. A failure keeps the last known value. True if the event changed. */
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

  /** Books how far the org's roles are known; every event shows it, so a change of it renews all events. */
  setOrg(next: OrgFact): void {
    const was = this.#meta.get("roles");
    this.#meta.set("roles", next);
    if (((was?.at ?? null) === null) !== (next.at === null) || (was?.reason ?? null) !== next.reason)
      this.#assets.touchAll();
  }

  /** The roles fact of a user. */
  static fact(row: AdminRow | null, org: OrgFact | null): Fact<readonly OktaRole[]> {
    if (row !== null) {
      const last = row.roles === null ? undefined : { value: JSON.parse(row.roles), at: row.read_at ?? 0 };
      if (last !== undefined && row.reason === null) return known(last.value, last.at);
      return unknown((row.reason ?? "pending") as UnknownReason, last); // only reasons are written there
    }
    const at = org?.at ?? null;
    if (at !== null && (org?.reason ?? null) === null) return known([], at);
    const reason = org?.reason ?? "pending";
    return at === null ? unknown(reason) : unknown(reason, { value: [], at });
  }
}
