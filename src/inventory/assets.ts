import type { UnknownReason } from "./facts.ts";
import type { InventoryMeta, Meta } from "./meta.ts";
import { jsonChunks } from "./sql.ts";

export interface AssetCounts {
  /** Assets that exist. */
  readonly total: number;
  /** Deleted assets that are still kept. */
  readonly deleted: number;
}

/** If more assets change at once, the org changed rather than each asset; a renamed group is an example. */
const ONE_BY_ONE = 50;

/** The outcome of reading a fact: its value as JSON, or the reason why it could not be read. */
export type Reading = { readonly value: string } | { readonly reason: UnknownReason };

/** The outcome of reading one user's fact. */
export interface UserReading {
  readonly userId: string;
  readonly reading: Reading;
  /** ms since the epoch */
  readonly readAt: number;
}

interface FactorsRow extends Record<string, SqlStorageValue> {
  id: string;
  factors: string | null;
  factors_reason: string | null;
  factors_at: number | null;
}

/**
 * The assets and their sequence numbers. Whatever changes an asset's event gives the asset a new sequence number in
 * the same transaction, and nothing else does. Callers open the transaction.
 */
export class Assets {
  readonly #sql: SqlStorage;
  readonly #meta: Meta<InventoryMeta>;
  readonly #now: () => number;
  readonly #changed = new Set<string>();

  constructor(sql: SqlStorage, meta: Meta<InventoryMeta>, now: () => number) {
    this.#sql = sql;
    this.#meta = meta;
    this.#now = now;
  }

  /**
   * The ids of known assets that have changed since the last call. Assets that changed together, more than 50 at
   * once, are left out.
   */
  takeChanged(): string[] {
    const ids = [...this.#changed];
    this.#changed.clear();
    return ids;
  }

  /** The greatest sequence number given out so far; 0 if none was. */
  get head(): number {
    return this.#meta.get("head") ?? 0;
  }

  /**
   * Files records. A record that is the same as the stored one is not written at all.
   * @returns the ids of new and changed assets, with the record as JSON before (null if the asset was new or
   *   deleted) and after
   */
  file<T extends { readonly id: string }>(
    records: readonly T[],
  ): Map<string, { before: string | null; after: string }> {
    const texts = new Map(records.map((record) => [record.id, JSON.stringify(record)]));
    const before = new Map<string, string | null>();
    for (const chunk of jsonChunks([...texts.keys()])) {
      for (const row of this.#sql.exec<{ id: string; record: string; deleted_at: number | null }>(
        "SELECT id, record, deleted_at FROM assets WHERE id IN (SELECT value FROM json_each(?))",
        chunk,
      )) {
        before.set(row.id, row.deleted_at === null ? row.record : null);
      }
    }
    const changed = new Map<string, { before: string | null; after: string }>();
    for (const [id, after] of texts) {
      const was = before.get(id) ?? null;
      if (was === after) continue;
      changed.set(id, { before: was, after });
      if (was !== null) this.#changed.add(id);
    }
    for (const chunk of jsonChunks([...changed].map(([id, { after }]) => [id, after]))) {
      const head = this.head;
      const filed = this.#sql
        .exec(
          `INSERT INTO assets (id, record, seq, changed_at)
           SELECT row.value ->> 0, row.value ->> 1, ?1 + row.key + 1, ?2 FROM json_each(?3) AS row WHERE true
           ON CONFLICT (id) DO UPDATE SET record = excluded.record, seq = excluded.seq, changed_at = excluded.changed_at,
             deleted_at = NULL, last_facts = NULL RETURNING 1`,
          head,
          this.#now(),
          chunk,
        )
        .toArray().length;
      this.#meta.set("head", head + filed);
    }
    return changed;
  }

  /**
   * Gives new sequence numbers to those of these assets that exist, because something that their events show has
   * changed.
   * @returns how many there were
   */
  touch(ids: readonly string[]): number {
    if (ids.length <= ONE_BY_ONE) for (const id of ids) this.#changed.add(id);
    let touched = 0;
    for (const chunk of jsonChunks(ids))
      touched += this.#renumber("id IN (SELECT value FROM json_each(?3))", chunk);
    return touched;
  }

  /** Gives a new sequence number to every asset that exists. @returns how many there were */
  touchAll(): number {
    return this.#renumber("?3 IS NULL", null);
  }

  /** Gives a new sequence number to every DEPROVISIONED user. @returns how many there were */
  touchDeprovisioned(): number {
    return this.#renumber("record ->> '$.status' = ?3", "DEPROVISIONED");
  }

  /** Gives a new sequence number to every existing user that is not DEPROVISIONED. @returns how many there were */
  touchNotDeprovisioned(): number {
    return this.#renumber("record ->> '$.status' <> ?3", "DEPROVISIONED");
  }

  /** Gives a new sequence number to every existing member of a group. @returns how many there were */
  touchMembers(groupId: string): number {
    return this.#renumber("id IN (SELECT user_id FROM memberships WHERE group_id = ?3)", groupId);
  }

  /**
   * Stores the outcome of reading one user's factors. A failure keeps the last known value.
   * @returns whether the user's event changed
   */
  setFactors(userId: string, reading: Reading, readAt: number): boolean {
    return this.setFactorsOf([{ userId, reading, readAt }]).has(userId);
  }

  /**
   * Stores the outcomes of reading several users' factors; pass each user once. A failure keeps the last known
   * value.
   * @returns the ids of the users whose event changed
   */
  setFactorsOf(readings: readonly UserReading[]): Set<string> {
    const before = new Map<string, FactorsRow>();
    for (const chunk of jsonChunks(readings.map(({ userId }) => userId))) {
      for (const row of this.#sql.exec<FactorsRow>(
        `SELECT id, factors, factors_reason, factors_at FROM assets
         WHERE deleted_at IS NULL AND id IN (SELECT value FROM json_each(?))`,
        chunk,
      )) {
        before.set(row.id, row);
      }
    }
    const same: (string | number | null)[][] = [];
    const changed: (string | number | null)[][] = [];
    const { head } = this;
    for (const { userId, reading, readAt } of readings) {
      const was = before.get(userId);
      if (was === undefined) continue;
      const read = "value" in reading;
      const factors = read ? reading.value : was.factors;
      const reason = read ? null : reading.reason;
      const at = read ? readAt : was.factors_at;
      if (factors === was.factors && reason === was.factors_reason) same.push([userId, at, readAt]);
      else changed.push([userId, at, readAt, factors, reason, head + changed.length + 1]);
    }
    for (const chunk of jsonChunks(same)) {
      this.#sql.exec(
        `UPDATE assets SET factors_at = row.value ->> 1, factors_tried_at = row.value ->> 2
         FROM json_each(?) AS row WHERE assets.id = row.value ->> 0`,
        chunk,
      );
    }
    // One write of the row sets both the value and the new sequence number.
    for (const chunk of jsonChunks(changed)) {
      this.#sql.exec(
        `UPDATE assets SET factors_at = row.value ->> 1, factors_tried_at = row.value ->> 2, factors = row.value ->> 3,
           factors_reason = row.value ->> 4, seq = row.value ->> 5, changed_at = ?2
         FROM json_each(?1) AS row WHERE assets.id = row.value ->> 0`,
        chunk,
        this.#now(),
      );
    }
    const ids = changed.map(([userId]) => String(userId));
    for (const id of ids) this.#changed.add(id);
    if (ids.length > 0) this.#meta.set("head", head + ids.length);
    return new Set(ids);
  }

  /**
   * The next users whose factors are due and were not tried since `triedBefore`: admins first, then users whose
   * factors were never read, then the oldest readings. A known value is due if it was read before `dueBefore`. With
   * `failedOnly`, only users whose last try failed. Times are ms since the epoch.
   */
  nextFactors(options: {
    dueBefore: number;
    triedBefore: number;
    failedOnly: boolean;
    limit: number;
  }): string[] {
    const due = options.failedOnly
      ? "factors_reason = 'failed'"
      : "(factors_at IS NULL OR factors_at < ?2 OR factors_reason IS NOT NULL)";
    const where = `deleted_at IS NULL AND coalesce(factors_tried_at, 0) < ?1 AND ?2 IS NOT NULL AND ${due}`;
    const ids = (sql: string): string[] =>
      this.#sql
        .exec<{ id: string }>(sql, options.triedBefore, options.dueBefore, options.limit)
        .toArray()
        .map(({ id }) => id);
    // CROSS makes SQLite start from the few admins; otherwise it would search all assets for them.
    const admins = ids(`SELECT id FROM admins CROSS JOIN assets ON id = user_id WHERE ${where} LIMIT ?3`);
    return admins.length > 0
      ? admins
      : ids(`SELECT id FROM assets WHERE ${where} ORDER BY factors_at LIMIT ?3`);
  }

  /**
   * The next users whose factors are to be read by age: users whose factors were never read, then, oldest reading
   * first, users whose factors were read before `dueBefore` or could not be read the last time. Leaves out
   * DEPROVISIONED users, facts that are forbidden, and users who were tried since `retryBefore`. Times are ms since
   * the epoch.
   */
  nextFactorsByAge(options: { dueBefore: number; retryBefore: number; limit: number }): string[] {
    return this.#sql
      .exec<{ id: string }>(
        // Each part uses an index, so a delta that finds nothing due does not search all assets.
        `SELECT id FROM assets WHERE id IN (
           SELECT id FROM assets WHERE deleted_at IS NULL AND factors_at IS NULL
           UNION ALL SELECT id FROM assets WHERE deleted_at IS NULL AND factors_at < ?1
           UNION ALL SELECT id FROM assets WHERE deleted_at IS NULL AND factors_reason = 'failed')
         AND coalesce(factors_tried_at, 0) < ?2 AND (factors_reason IS NULL OR factors_reason = 'failed')
         AND record ->> '$.status' <> 'DEPROVISIONED'
         ORDER BY +factors_at LIMIT ?3`,
        options.dueBefore,
        options.retryBefore,
        options.limit,
      )
      .toArray()
      .map(({ id }) => id);
  }

  /** The ids of all assets that exist. */
  livingIds(): string[] {
    return this.#sql
      .exec<{ id: string }>("SELECT id FROM assets WHERE deleted_at IS NULL")
      .toArray()
      .map(({ id }) => id);
  }

  /** How many users' factors are unknown or were read before `dueBefore` (ms since the epoch). */
  countFactorsDue(dueBefore: number): number {
    return this.#sql
      .exec<{ n: number }>(
        "SELECT count(*) AS n FROM assets WHERE deleted_at IS NULL AND (factors_at IS NULL OR factors_at < ? OR factors_reason IS NOT NULL)",
        dueBefore,
      )
      .one().n;
  }

  /**
   * The next users, none of them DEPROVISIONED, whose groups were not tried since `triedBefore` (ms since the
   * epoch).
   * @param failedOnly only users whose last try failed
   */
  nextUserGroups(triedBefore: number, limit: number, failedOnly: boolean): string[] {
    return this.#sql
      .exec<{ id: string }>(
        `SELECT id FROM assets WHERE deleted_at IS NULL AND coalesce(groups_tried_at, 0) < ?
         AND record ->> '$.status' <> 'DEPROVISIONED' ${failedOnly ? "AND groups_reason = 'failed'" : ""} LIMIT ?`,
        triedBefore,
        limit,
      )
      .toArray()
      .map(({ id }) => id);
  }

  /**
   * Stores the outcome of reading one user's groups. A failure keeps what was known, possibly from reading the
   * whole org.
   * @param reason null if the reading succeeded
   * @param changed whether it changed the user's memberships
   * @returns whether the user's event changed
   */
  setGroupsRead(userId: string, reason: UnknownReason | null, changed: boolean, readAt: number): boolean {
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
    if (!changed && !known && was.groups_reason === reason) return false;
    return this.touch([userId]) > 0;
  }

  /**
   * Marks the groups of a new user as not read yet. The user appeared after the last complete reading of memberships,
   * so that reading says nothing about it.
   */
  groupsNeverKnown(userId: string): void {
    this.#sql.exec("UPDATE assets SET groups_at = NULL, groups_reason = 'pending' WHERE id = ?", userId);
  }

  /** Forgets why the groups of single users were unknown, because a complete reading has succeeded. */
  clearGroupsReasons(): void {
    const ids = this.#sql
      .exec<{ id: string }>(
        "UPDATE assets SET groups_reason = NULL WHERE deleted_at IS NULL AND groups_reason IS NOT NULL RETURNING id",
      )
      .toArray();
    this.touch(ids.map(({ id }) => id));
  }

  /**
   * Marks the factors of every user who was not tried since `since` (ms since the epoch) as unknown for one reason.
   */
  refuseFactors(reason: UnknownReason, since: number): void {
    const now = this.#now();
    const pending = "deleted_at IS NULL AND coalesce(factors_tried_at, 0) < ?";
    const ids = this.#sql
      .exec<{ id: string }>(
        `SELECT id FROM assets WHERE ${pending} AND factors_reason IS NOT ?`,
        since,
        reason,
      )
      .toArray()
      .map(({ id }) => id);
    this.#sql.exec(
      `UPDATE assets SET factors_reason = ?, factors_tried_at = ? WHERE ${pending}`,
      reason,
      now,
      since,
    );
    this.touch(ids);
  }

  /**
   * Stores that users who became DEPROVISIONED have no factors, and forgets the factors of users who came back from
   * that status. Gives no sequence numbers: filing the changed records has done so.
   */
  settleFactors(ids: {
    readonly deprovisioned: readonly string[];
    readonly revived: readonly string[];
  }): void {
    const now = this.#now();
    for (const chunk of jsonChunks(ids.deprovisioned)) {
      this.#sql.exec(
        `UPDATE assets SET factors = '[]', factors_at = ?, factors_reason = NULL, factors_tried_at = ?
         WHERE id IN (SELECT value FROM json_each(?))`,
        now,
        now,
        chunk,
      );
    }
    for (const chunk of jsonChunks(ids.revived)) {
      this.#sql.exec(
        `UPDATE assets SET factors = NULL, factors_at = NULL, factors_reason = NULL, factors_tried_at = NULL
         WHERE id IN (SELECT value FROM json_each(?))`,
        chunk,
      );
    }
  }

  /**
   * Turns an asset into a tombstone. Its last event will be made from `lastFacts` (JSON).
   * @returns false if no such asset exists
   */
  bury(id: string, lastFacts: string): boolean {
    const { rowsWritten } = this.#sql.exec(
      `UPDATE assets SET deleted_at = ?, last_facts = ?, seq = ?, changed_at = ?, factors_reason = NULL, groups_reason = NULL
       WHERE id = ? AND deleted_at IS NULL`,
      this.#now(),
      lastFacts,
      this.head + 1,
      this.#now(),
      id,
    );
    if (rowsWritten === 0) return false;
    this.#changed.add(id);
    this.#meta.set("head", this.head + 1);
    this.#sql.exec("DELETE FROM memberships WHERE user_id = ?", id);
    this.#sql.exec("DELETE FROM admins WHERE user_id = ?", id);
    return true;
  }

  /** Drops the tombstones of assets that were deleted before `before` (ms since the epoch). */
  expireTombstones(before: number): void {
    this.#sql.exec("DELETE FROM assets WHERE deleted_at < ?", before);
  }

  /** The status of an asset, deleted or not, as Okta spells it; null if the asset is not known. */
  statusOf(id: string): string | null {
    const [row] = this.#sql.exec<{ status: string | null }>(
      "SELECT record ->> '$.status' AS status FROM assets WHERE id = ?",
      id,
    );
    return row?.status ?? null;
  }

  /** Whether this asset is known and not deleted. */
  exists(id: string): boolean {
    return (
      this.#sql.exec("SELECT 1 FROM assets WHERE id = ? AND deleted_at IS NULL", id).toArray().length > 0
    );
  }

  /** How many assets exist and how many tombstones are kept. */
  counts(): AssetCounts {
    const one = (where: string): number =>
      this.#sql.exec<{ n: number }>(`SELECT count(*) AS n FROM search_keys WHERE ${where}`).one().n;
    return { total: one("status IS NOT NULL"), deleted: one("status IS NULL") };
  }

  /** How many users exist that are not DEPROVISIONED. */
  countNotDeprovisioned(): number {
    return this.#sql
      .exec<{ n: number }>(
        "SELECT count(*) AS n FROM assets WHERE deleted_at IS NULL AND record ->> '$.status' <> 'DEPROVISIONED'",
      )
      .one().n;
  }

  #renumber(where: string, parameter: string | null): number {
    const head = this.head;
    const living = `SELECT id, row_number() OVER (ORDER BY seq) AS rank FROM assets WHERE deleted_at IS NULL AND ${where}`;
    const touched = this.#sql
      .exec(
        `UPDATE assets SET seq = ?1 + ranked.rank, changed_at = ?2 FROM (${living}) AS ranked
         WHERE assets.id = ranked.id RETURNING 1`,
        head,
        this.#now(),
        parameter,
      )
      .toArray().length;
    if (touched > 0) this.#meta.set("head", head + touched);
    return touched;
  }
}
