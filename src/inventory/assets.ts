import type { UnknownReason } from "./facts.ts";
import type { InventoryMeta, Meta } from "./meta.ts";
import { jsonChunks } from "./sql.ts";

export interface AssetCounts {
  /** Assets that exist. */
  readonly total: number;
  /** Tombstones. */
  readonly deleted: number;
}

/** A change of more assets at once is one of the org, such as a renamed group. */
const ONE_BY_ONE = 50;

/** How a reading of a fact ended. */
export type Reading = { readonly value: string } | { readonly reason: UnknownReason };

/** How a reading of one user's fact ended. */
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
 * The assets and their sequence. Everything that changes an asset's event gives it a new sequence number in the
 * same transaction, and nothing else does. Callers open the transaction.
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

  /** Assets that were known and have changed since the last call, as far as they changed one by one. */
  takeChanged(): string[] {
    const ids = [...this.#changed];
    this.#changed.clear();
    return ids;
  }

  get head(): number {
    return this.#meta.get("head") ?? 0;
  }

  /**
   * Files records. One that says the same as before is not written at all. Returns the ids that are new or
   * changed, with the record that was there before (null for a new or deleted one).
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

  /** Gives new sequence numbers to the living among `ids`: something that their events show has changed. */
  touch(ids: readonly string[]): number {
    if (ids.length <= ONE_BY_ONE) for (const id of ids) this.#changed.add(id);
    let touched = 0;
    for (const chunk of jsonChunks(ids))
      touched += this.#renumber("id IN (SELECT value FROM json_each(?3))", chunk);
    return touched;
  }

  /** The same for every living asset, or those of one status. */
  touchAll(): number {
    return this.#renumber("?3 IS NULL", null);
  }

  touchDeprovisioned(): number {
    return this.#renumber("record ->> '$.status' = ?3", "DEPROVISIONED");
  }

  touchNotDeprovisioned(): number {
    return this.#renumber("record ->> '$.status' <> ?3", "DEPROVISIONED");
  }

  /** The same for the living members of a group. */
  touchMembers(groupId: string): number {
    return this.#renumber("id IN (SELECT user_id FROM memberships WHERE group_id = ?3)", groupId);
  }

  /** Stores how reading a user's factors ended. A failure keeps the last known value. True if the event changed. */
  setFactors(userId: string, reading: Reading, readAt: number): boolean {
    return this.setFactorsOf([{ userId, reading, readAt }]).has(userId);
  }

  /** The same for several users, each there once; returns those whose event changed. */
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
    // The new sequence number comes with the value, in one write of the row.
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
   * The next users whose factors are to be read and were not tried since `triedBefore`: admins first, then those
   * never read, then the longest ago. `dueBefore` is the age from which a known value is read again;
   * `failedOnly` asks for those whose last try failed instead.
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
    // CROSS keeps the few admins outside: SQLite would look through all assets for them.
    const admins = ids(`SELECT id FROM admins CROSS JOIN assets ON id = user_id WHERE ${where} LIMIT ?3`);
    return admins.length > 0
      ? admins
      : ids(`SELECT id FROM assets WHERE ${where} ORDER BY factors_at LIMIT ?3`);
  }

  /**
   * The next users whose factors are to be read by age: never read or failed (and not tried since
   * `retryBefore`), then those read before `dueBefore`, the longest ago first.
   */
  nextFactorsByAge(options: { dueBefore: number; retryBefore: number; limit: number }): string[] {
    return this.#sql
      .exec<{ id: string }>(
        // By index each, so that a delta that finds nothing due does not look through all assets.
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

  livingIds(): string[] {
    return this.#sql
      .exec<{ id: string }>("SELECT id FROM assets WHERE deleted_at IS NULL")
      .toArray()
      .map(({ id }) => id);
  }

  countFactorsDue(dueBefore: number): number {
    return this.#sql
      .exec<{ n: number }>(
        "SELECT count(*) AS n FROM assets WHERE deleted_at IS NULL AND (factors_at IS NULL OR factors_at < ? OR factors_reason IS NOT NULL)",
        dueBefore,
      )
      .one().n;
  }

  /** The next users that are not DEPROVISIONED and whose groups were not tried since `triedBefore`. */
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
   * Stores how reading one user's groups ended; `changed` says that the memberships differ from before. A
   * failure keeps what was known, which may be by a reading of the whole org.
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

  /** A user that came after the last complete reading of memberships: what that said is nothing about this one. */
  groupsNeverKnown(userId: string): void {
    this.#sql.exec("UPDATE assets SET groups_at = NULL, groups_reason = 'pending' WHERE id = ?", userId);
  }

  /** Forgets why single users' groups were not known: a complete reading has told. */
  clearGroupsReasons(): void {
    const ids = this.#sql
      .exec<{ id: string }>(
        "UPDATE assets SET groups_reason = NULL WHERE deleted_at IS NULL AND groups_reason IS NOT NULL RETURNING id",
      )
      .toArray();
    this.touch(ids.map(({ id }) => id));
  }

  /** Gives every user whose factors were not tried since `since` the same reason for not knowing them. */
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

  /** Forgets the factors of users that came back to life, and knows that those without an account have none. */
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

  /** Turns an asset into a tombstone whose last event is made of `lastFacts` (JSON). False if it was none. */
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

  /** Drops tombstones older than `before`. */
  expireTombstones(before: number): void {
    this.#sql.exec("DELETE FROM assets WHERE deleted_at < ?", before);
  }

  /** The status of an asset as Okta spells it, also of a deleted one; null when it is not known. */
  statusOf(id: string): string | null {
    const [row] = this.#sql.exec<{ status: string | null }>(
      "SELECT record ->> '$.status' AS status FROM assets WHERE id = ?",
      id,
    );
    return row?.status ?? null;
  }

  exists(id: string): boolean {
    return (
      this.#sql.exec("SELECT 1 FROM assets WHERE id = ? AND deleted_at IS NULL", id).toArray().length > 0
    );
  }

  counts(): AssetCounts {
    const one = (where: string): number =>
      this.#sql.exec<{ n: number }>(`SELECT count(*) AS n FROM search_keys WHERE ${where}`).one().n;
    return { total: one("status IS NOT NULL"), deleted: one("status IS NULL") };
  }

  /** Living users that are not DEPROVISIONED. */
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
