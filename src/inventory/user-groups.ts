/** How far single users' groups are known, where they are read user by user. */
import type { Assets } from "./assets.ts";
import type { UnknownReason } from "./facts.ts";
import type { InventoryMeta, Meta } from "./meta.ts";
import { inParts, type NumberedAsset, ROWS_AT_ONCE } from "./sql.ts";

/** Whatever changes a user's event gives it a new sequence number. Callers open the transaction. */
export class UserGroups {
  readonly #sql: SqlStorage;
  readonly #meta: Meta<InventoryMeta>;
  readonly #assets: Assets;

  constructor(sql: SqlStorage, meta: Meta<InventoryMeta>, assets: Assets) {
    this.#sql = sql;
    this.#meta = meta;
    this.#assets = assets;
  }

  /**
   * The next users, none of them DEPROVISIONED, whose groups were not tried since `triedBefore` (ms since the
   * epoch).
   * @param after only users with a greater number
   * @param failedOnly only users whose last try failed
   */
  next(options: { triedBefore: number; after: number; limit: number; failedOnly: boolean }): NumberedAsset[] {
    return this.#sql
      .exec<NumberedAsset & Record<string, SqlStorageValue>>(
        `SELECT id, number FROM assets WHERE deleted_at IS NULL AND number > ?1 AND coalesce(groups_tried_at, 0) < ?2
         AND record ->> '$.status' <> 'DEPROVISIONED' ${options.failedOnly ? "AND groups_reason = 'failed'" : ""}
         ORDER BY number LIMIT ?3`,
        options.after,
        options.triedBefore,
        options.limit,
      )
      .toArray();
  }

  /**
   * Stores the outcome of reading one user's groups. A failure keeps what was known, possibly from reading the
   * whole org.
   * @param reason null if the reading succeeded
   * @param changed whether it changed the user's memberships
   * @returns whether the user's event changed
   */
  setRead(userId: string, reason: UnknownReason | null, changed: boolean, readAt: number): boolean {
    const [was] = this.#sql.exec<{ groups_at: number | null; groups_reason: string | null }>(
      "SELECT groups_at, groups_reason FROM assets WHERE id = ? AND deleted_at IS NULL",
      userId,
    );
    if (was === undefined) return false;
    const orgAt = this.#meta.get("groups")?.at ?? null;
    const knownAt = was.groups_at ?? (was.groups_reason === null ? orgAt : null);
    this.#sql.exec(
      "UPDATE assets SET groups_at = ?, groups_reason = ?, groups_tried_at = ? WHERE id = ?",
      reason === null ? readAt : knownAt,
      reason,
      readAt,
      userId,
    );
    const known = reason === null && was.groups_at === null && orgAt === null;
    if (
      was.groups_reason !== reason ||
      (was.groups_at === null) !== ((reason === null ? readAt : knownAt) === null)
    )
      this.#assets.facets.refresh([userId]);
    if (!changed && !known && was.groups_reason === reason) return false;
    return this.#assets.touch([userId]) > 0;
  }

  /**
   * Marks the groups of a new user as not read yet. The user appeared after the last complete reading of memberships,
   * so that reading says nothing about it.
   */
  neverKnown(userId: string): void {
    this.#sql.exec("UPDATE assets SET groups_at = NULL, groups_reason = 'pending' WHERE id = ?", userId);
    this.#assets.facets.refresh([userId]);
  }

  /**
   * Forgets why the groups of single users were unknown, because a complete reading has succeeded. It says nothing of
   * users whose groups are still to be read.
   * @param upTo the number of the newest user that was known when the reading began
   */
  clearReasons(upTo: number): void {
    inParts(
      () =>
        this.#sql
          .exec<{ id: string }>(
            `UPDATE assets SET groups_reason = NULL WHERE number IN (
               SELECT number FROM assets WHERE deleted_at IS NULL AND groups_reason IS NOT NULL AND number <= ?
               AND id NOT IN (SELECT id FROM stale WHERE kind = 'user_groups') LIMIT ?) RETURNING id`,
            upTo,
            ROWS_AT_ONCE,
          )
          .toArray()
          .map(({ id }) => id),
      (ids) => {
        this.#assets.touch(ids);
        this.#assets.facets.refresh(ids);
      },
    );
  }
}
