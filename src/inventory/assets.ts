import type { NewChange } from "./changes.ts";
import { Facets, type Standing } from "./facets.ts";
import { History } from "./history.ts";
import type { InventoryMeta, Meta } from "./meta.ts";
import {
  believable,
  INDEX_LAG_MS,
  precedenceOf,
  type RecordTimes,
  type StoredRecord,
  withLatestLogin,
} from "./precedence.ts";
import { Renumbering } from "./renumbering.ts";
import { searchWords } from "./search-words.ts";
import { jsonChunks } from "./sql.ts";

export interface AssetCounts {
  /** Assets that exist. */
  readonly total: number;
  /** Deleted assets that are still kept. */
  readonly deleted: number;
}

/** A record that was filed, as JSON. */
export interface FiledRecord {
  /** Null if the asset was new, or deleted. */
  readonly before: string | null;
  readonly after: string;
  /** Whether it was deleted. */
  readonly isRestored: boolean;
}

/** How records were read. Times are ms since the epoch by our clock, when the request was sent. */
export interface RecordSource {
  /** Set if they come from a list or search, which may be a little behind; see `precedence.ts`. */
  readonly listedAt?: number;
  /** Set if each was read by its id. */
  readonly readAt?: number;
}
/** Sequence numbers of a new inventory begin at its creation time in this unit, so that none is ever used twice. */
const NUMBERS_PER_MS = 1_000;
/** A lag of more assets than this is not counted, so that a status costs a bounded number of rows. */
const MOST_COUNTED = 10_000;

/** If more assets change at once, the org changed rather than each asset; a renamed group is an example. */
const ONE_BY_ONE = 50;

/**
 * The assets and their sequence numbers. Whatever changes an asset's event gives the asset a new sequence number in
 * the same transaction, and nothing else does; what changes the events of the whole org gives the numbers in steps, and
 * no event is read before the last one. Callers open the transaction.
 */
export class Assets {
  readonly renumbering: Renumbering;
  readonly facets: Facets;
  readonly history: History;
  readonly #sql: SqlStorage;
  readonly #meta: Meta<InventoryMeta>;
  readonly #now: () => number;
  readonly #changed = new Set<string>();

  constructor(sql: SqlStorage, meta: Meta<InventoryMeta>, now: () => number, rowsPerStep?: number) {
    this.#sql = sql;
    this.#meta = meta;
    this.#now = now;
    this.facets = new Facets(sql, now);
    this.history = new History({ sql, meta, reserve: (count) => this.#reserve(count), now });
    this.renumbering = new Renumbering({ sql, meta, facets: this.facets, now, rowsPerStep });
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

  /** The number before the first one that this inventory gave out; 0 if it gave out none. */
  get base(): number {
    return this.#meta.get("base") ?? 0;
  }

  /**
   * How many assets, tombstones included, have a greater number than `position`. Up to 10,000 it is exact, and where
   * none has a smaller number; else it is an upper bound. While assets wait for new numbers, it is all of them.
   * @param kept how many assets there are, tombstones included
   */
  countAfter(position: number, kept: number): number {
    if (position <= this.base || this.renumbering.isUnfinished) return kept;
    const { n } = this.#sql
      .exec<{ n: number }>(
        "SELECT count(*) AS n FROM (SELECT 1 FROM assets WHERE seq > ? LIMIT ?)",
        position,
        MOST_COUNTED + 1,
      )
      .one();
    return n <= MOST_COUNTED ? n : Math.min(this.head - position, kept);
  }

  /**
   * Files records. A record that is the same as the stored one is not written at all.
   * @param note called with the new and changed assets before they get their numbers
   * @returns the new and changed assets by id, and the ids of those of which it is open whether the list that showed them
   *   is behind
   */
  file<T extends { readonly id: string } & RecordTimes>(
    records: readonly T[],
    source: RecordSource = {},
    note: (changed: ReadonlyMap<string, FiledRecord>) => void = () => {},
  ): { readonly changed: Map<string, FiledRecord>; readonly doubted: string[] } {
    const before = this.#stored(records.map(({ id }) => id));
    const unheard = this.#unheard(records.map(({ id }) => id).filter((id) => !before.has(id)));
    const doubted: string[] = [];
    const same: string[] = [];
    const changed = new Map<string, FiledRecord>();
    for (const record of records) {
      const { id } = record;
      const was = before.get(id);
      const living = was !== undefined && was.deletedAt === null;
      const text = JSON.stringify(record);
      // Most of what a full run lists is the same as before, and costs no more than this.
      if (living && was.record === text) {
        same.push(id);
        continue;
      }
      const told = was === undefined ? unheard.get(id) : undefined;
      // A list shows for a while what is gone, and what nobody has told us of before it was.
      const mayBeGone =
        source.listedAt !== undefined && (told?.goneAt ?? 0) >= source.listedAt - INDEX_LAG_MS;
      if (told !== undefined && mayBeGone) {
        doubted.push(id);
        continue;
      }
      const known = living ? was.record : told?.lastLogin != null ? JSON.stringify(told) : null;
      const after = known === null ? text : JSON.stringify(withLatestLogin(record, known, this.#now()));
      if (living && was.record === after) {
        same.push(id);
        continue;
      }
      if (was !== undefined && source.listedAt !== undefined) {
        const precedence = precedenceOf(was, record, source.listedAt);
        if (precedence === "doubt") doubted.push(id);
        if (precedence !== "file") continue;
      }
      changed.set(id, {
        before: living ? was.record : null,
        after,
        isRestored: was !== undefined && !living,
      });
      if (living) this.#changed.add(id);
    }
    note(changed);
    for (const id of unheard.keys())
      if (changed.has(id)) this.#sql.exec("DELETE FROM unheard_assets WHERE id = ?", id);
    const readAt = source.readAt ?? null;
    if (readAt !== null) this.#confirm(same, readAt);
    for (const chunk of jsonChunks([...changed].map(([id, { after }]) => [id, after]))) {
      const head = this.#lastNumber();
      const filed = this.#sql
        .exec(
          `INSERT INTO assets (id, record, seq, changed_at, read_at)
           SELECT row.value ->> 0, row.value ->> 1, ?1 + row.key + 1, ?2, ?4 FROM json_each(?3) AS row WHERE true
           ON CONFLICT (id) DO UPDATE SET record = excluded.record, seq = excluded.seq, changed_at = excluded.changed_at,
             deleted_at = NULL, last_facts = NULL, read_at = coalesce(excluded.read_at, read_at) RETURNING 1`,
          head,
          this.#now(),
          chunk,
          readAt,
        )
        .toArray().length;
      this.#meta.set("head", head + filed);
    }
    this.facets.refresh([...changed.keys()]);
    return { changed, doubted };
  }

  #stored(ids: readonly string[]): Map<string, StoredRecord> {
    const stored = new Map<string, StoredRecord>();
    for (const chunk of jsonChunks(ids)) {
      for (const row of this.#sql.exec<{
        id: string;
        record: string;
        deleted_at: number | null;
        read_at: number | null;
      }>(
        "SELECT id, record, deleted_at, read_at FROM assets WHERE id IN (SELECT value FROM json_each(?))",
        chunk,
      )) {
        stored.set(row.id, { record: row.record, deletedAt: row.deleted_at, readAt: row.read_at });
      }
    }
    return stored;
  }

  /** What was learned of assets that are not known. */
  #unheard(ids: readonly string[]): Map<string, { goneAt: number | null; lastLogin: string | null }> {
    const unheard = new Map<string, { goneAt: number | null; lastLogin: string | null }>();
    for (const chunk of jsonChunks(ids)) {
      for (const row of this.#sql.exec<{ id: string; gone_at: number | null; last_login: string | null }>(
        "SELECT id, gone_at, last_login FROM unheard_assets WHERE id IN (SELECT value FROM json_each(?))",
        chunk,
      )) {
        unheard.set(row.id, { goneAt: row.gone_at, lastLogin: row.last_login });
      }
    }
    return unheard;
  }

  /** Stores that an asset that is not known does not exist: a list may still show it for a while. */
  noteGone(id: string): void {
    this.#sql.exec(
      `INSERT INTO unheard_assets (id, noted_at, gone_at) SELECT ?1, ?2, ?2 WHERE NOT EXISTS (SELECT 1 FROM assets WHERE id = ?1)
       ON CONFLICT (id) DO UPDATE SET noted_at = ?2, gone_at = ?2`,
      id,
      this.#now(),
    );
  }

  /** Stores a sign-in of a user who is not known yet. @param at ISO 8601, as Okta writes it */
  noteLastLogin(id: string, at: string): void {
    this.#sql.exec(
      `INSERT INTO unheard_assets (id, noted_at, last_login) VALUES (?1, ?2, ?3)
       ON CONFLICT (id) DO UPDATE SET noted_at = ?2, last_login = max(coalesce(last_login, ''), ?3)`,
      id,
      this.#now(),
      at,
    );
  }

  /** Forgets what was noted before `before` (ms since the epoch) of assets that are not known: no list is so far behind. */
  forgetUnheardBefore(before: number): void {
    this.#sql.exec("DELETE FROM unheard_assets WHERE noted_at < ?", before);
  }

  /** Stores when records were read by their ids that are the same as before. */
  #confirm(ids: readonly string[], readAt: number): void {
    for (const id of ids) this.#sql.exec("UPDATE assets SET read_at = ? WHERE id = ?", readAt, id);
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

  /**
   * Gives out new sequence numbers to assets that the caller writes, one each in this order.
   * @returns the first of them
   */
  number(ids: readonly string[]): number {
    const { head } = this;
    for (const id of ids) this.#changed.add(id);
    if (ids.length > 0) this.#meta.set("head", head + ids.length);
    return head + 1;
  }

  /** Gives out sequence numbers that are no asset's. @returns the first of them */
  #reserve(count: number): number {
    const head = this.#lastNumber();
    this.#meta.set("head", head + count);
    return head + 1;
  }

  /** Gives a new sequence number to every asset that exists, in steps. */
  touchAll(): void {
    this.renumbering.begin(["deprovisioned", "others"]);
  }

  /** Gives a new sequence number to every DEPROVISIONED user, in steps. */
  touchDeprovisioned(): void {
    this.renumbering.begin(["deprovisioned"]);
  }

  /** Gives a new sequence number to every existing user that is not DEPROVISIONED, in steps. */
  touchNotDeprovisioned(): void {
    this.renumbering.begin(["others"]);
  }

  /**
   * Gives a new sequence number to every existing member of a group, in steps.
   * @param haveFacetsChanged whether what the group gives has changed
   */
  touchMembers(groupId: string, haveFacetsChanged: boolean): void {
    this.renumbering.beginMembers(groupId, haveFacetsChanged);
  }

  /**
   * Turns an asset into a tombstone. Its last event will be made from `lastFacts` (JSON).
   * @returns false if no such asset exists
   */
  bury(id: string, lastFacts: string): boolean {
    if (this.history.since !== null && this.exists(id)) this.history.note([this.#deletion(id)]);
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
    this.facets.refresh([id]);
    return true;
  }

  #deletion(id: string): NewChange {
    const { name, updated, read } = this.#sql
      .exec<{ name: string | null; updated: string | null; read: number | null }>(
        `SELECT coalesce(record ->> '$.profile.displayName', record ->> '$.profile.login') AS name,
           record ->> '$.lastUpdated' AS updated, read_at AS read FROM assets WHERE id = ?`,
        id,
      )
      .one();
    const lastUpdated = believable(updated, this.#now());
    return {
      id,
      part: "asset",
      kind: "deleted",
      detail: { fields: [], name },
      since: Math.max(Number.isNaN(lastUpdated) ? 0 : lastUpdated, this.history.byOkta(read)),
    };
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

  /** The ids of some devices whose serial number or name is exactly this, whatever its case; 25 at most. */
  called(text: string): string[] {
    const words = searchWords(text);
    if (words.length === 0) return [];
    return this.#sql
      .exec<{ id: string }>(
        `SELECT id FROM search_words JOIN assets ON number = search_words.rowid WHERE search_words MATCH ?1
         AND lower(?2) IN (lower(record ->> '$.profile.serialNumber'), lower(record ->> '$.profile.displayName')) LIMIT 25`,
        words.map((word) => `"${word}"`).join(" AND "),
        text,
      )
      .toArray()
      .map(({ id }) => id);
  }

  /** Whether this asset is known, deleted or not. */
  isKnown(id: string): boolean {
    return this.#sql.exec("SELECT 1 FROM assets WHERE id = ?", id).toArray().length > 0;
  }

  /** Whether this asset is known and not deleted. */
  exists(id: string): boolean {
    return (
      this.#sql.exec("SELECT 1 FROM assets WHERE id = ? AND deleted_at IS NULL", id).toArray().length > 0
    );
  }

  /** The number of the newest asset: assets are numbered in the order in which they became known. 0 without any. */
  newestNumber(): number {
    return this.#sql.exec<{ n: number | null }>("SELECT max(number) AS n FROM assets").one().n ?? 0;
  }

  /** How many assets exist and how many tombstones are kept. @param facets those of now */
  counts(facets: readonly Standing[] = this.facets.totals()): AssetCounts {
    const count = (isDeleted: boolean): number =>
      facets.reduce((sum, facet) => sum + ((facet.status === null) === isDeleted ? facet.count : 0), 0);
    return { total: count(false), deleted: count(true) };
  }

  /**
   * How many users have been created, deleted, or have changed their status since a moment, as far as it is known.
   * @param since the moment by Okta's clock and by ours, ms since the epoch
   */
  countChangesSince(since: { readonly byOkta: number; readonly byUs: number }): number {
    return this.#sql
      .exec<{ n: number }>(
        `SELECT count(*) AS n FROM assets
         WHERE max(coalesce(record ->> '$.created', ''), coalesce(record ->> '$.statusChanged', '')) >= ?
           OR deleted_at >= ?`,
        new Date(since.byOkta).toISOString(),
        since.byUs,
      )
      .one().n;
  }

  /** How many users exist that are not DEPROVISIONED. */
  countNotDeprovisioned(): number {
    return this.facets
      .totals()
      .reduce(
        (sum, { status, count }) => (status === null || status === "DEPROVISIONED" ? sum : sum + count),
        0,
      );
  }

  /** The number after which the next ones are given out. The first call decides where the inventory's numbers begin. */
  #lastNumber(): number {
    if (this.head > 0) return this.head;
    // A whole number, whatever the clock says.
    const base = Math.floor(this.#now()) * NUMBERS_PER_MS;
    this.#meta.set("base", base);
    return base;
  }

  #renumber(where: string, parameter: string): number {
    const head = this.head;
    // Then there are no assets yet.
    if (head === 0) return 0;
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
