import { setNewest } from "../lib/newest.ts";
import { Seen } from "../lib/seen.ts";
import { tally } from "../lib/tally.ts";

/** SQL: the ids that the listing ?2 has shown. */
const SHOWN = "SELECT row.value FROM sweeps, json_each(ids) AS row WHERE listing = ?2";
/** SQL: the existing assets with a number up to ?1 that the listing ?2 did not show, by the narrow rows of the index. */
const ABSENT = `FROM search_keys NOT INDEXED WHERE n <= ?1 AND f IN (SELECT f FROM facets WHERE status <> '')
  AND id NOT IN (${SHOWN})`;

/** SQL that yields the ids of the absentees that are held for a person. */
export const HELD_IDS = "SELECT id FROM absentees WHERE confirmed = 0";

/** How many lists at most are read at the same time: both lanes' lists, with room for more. */
const MOST_LISTS = 8;

/**
 * The ids that a listing has shown so far, one row per page, and the assets that a complete listing left out. An
 * unchanged asset costs no write of its own this way.
 */
export class Sweeps {
  readonly #sql: SqlStorage;
  /** What the lists that are being read have shown since this object was loaded. */
  readonly #shown = new Map<string, Seen>();

  constructor(sql: SqlStorage) {
    this.#sql = sql;
  }

  /** Forgets what a listing has shown, before it begins or after its end. */
  begin(listing: string): void {
    this.#sql.exec("DELETE FROM sweeps WHERE listing = ?", listing);
  }

  /**
   * Takes note of what a page shows, in memory alone: after an eviction everything counts as new once more.
   * @param list any name of the list
   * @param isFirst whether the page is the list's first one
   * @returns how many of the ids the list has not shown before
   */
  noteShown(list: string, ids: readonly string[], isFirst: boolean): number {
    const seen = (isFirst ? undefined : this.#shown.get(list)) ?? new Seen();
    setNewest(this.#shown, list, seen, MOST_LISTS);
    return ids.filter((id) => seen.add(id)).length;
  }

  /** Adds the ids of one page. @param page its number, which makes a repeated page harmless */
  add(listing: string, page: number, ids: readonly string[]): void {
    this.#sql.exec(
      "INSERT OR REPLACE INTO sweeps (listing, page, ids) VALUES (?, ?, ?)",
      listing,
      page,
      JSON.stringify(ids),
    );
  }

  /** How many ids the listing has shown. An id that was shown twice counts twice. */
  size(listing: string): number {
    return (
      this.#sql
        .exec<{ n: number | null }>(
          "SELECT sum(json_array_length(ids)) AS n FROM sweeps WHERE listing = ?",
          listing,
        )
        .one().n ?? 0
    );
  }

  /** How many different ids the listing has shown. Takes longer than `size`. */
  sizeDistinct(listing: string): number {
    return this.#sql
      .exec<{ n: number }>(
        "SELECT count(DISTINCT row.value) AS n FROM sweeps, json_each(ids) AS row WHERE listing = ?",
        listing,
      )
      .one().n;
  }

  /** How many of the existing users in the listing are not DEPROVISIONED. */
  sizeNotDeprovisioned(listing: string): number {
    return this.#sql
      .exec<{ n: number }>(
        `SELECT count(*) AS n FROM search_keys NOT INDEXED WHERE n <= ?1
         AND f IN (SELECT f FROM facets WHERE status NOT IN ('', 'DEPROVISIONED')) AND id IN (${SHOWN})`,
        Number.MAX_SAFE_INTEGER,
        listing,
      )
      .one().n;
  }

  /** How many of the existing assets the listing has not shown. */
  countMissing(listing: string): number {
    return this.countAbsent(listing, Number.MAX_SAFE_INTEGER);
  }

  /**
   * Stores the existing assets that the listing did not show as the new absentees. Assets that the log reports as
   * deleted stay absentees.
   * @param upTo the number of the newest asset that was known when the listing began
   * @returns how many there are, and of how many assets that exist and were known when the listing began
   */
  findAbsentees(listing: string, upTo: number): { readonly absent: number; readonly known: number } {
    this.#sql.exec("DELETE FROM absentees WHERE confirmed = 0");
    this.#sql.exec(`INSERT OR IGNORE INTO absentees (id, confirmed) SELECT id, 0 ${ABSENT}`, upTo, listing);
    const { known } = this.#sql
      .exec<{ known: number }>(
        `SELECT (SELECT coalesce(sum(assets), 0) FROM facets WHERE status <> '')
           - (SELECT count(*) FROM assets WHERE number > ? AND deleted_at IS NULL) AS known`,
        upTo,
      )
      .one();
    return { absent: this.absentees().waiting, known };
  }

  /** How many absentees are held for a person (`waiting`), and how many may be checked by id and deleted. */
  absentees(): { waiting: number; confirmed: number } {
    return { waiting: tally(this.#sql, "absentees", 0), confirmed: tally(this.#sql, "absentees", 1) };
  }

  /**
   * The next absentees that are held for a person, in order of id, each with a time at which it existed (ms since the
   * epoch; null if none is known): Okta updated it then, or it was read by its id.
   * @param after an id, or "" for the first ones
   */
  heldAbsentees(after: string, limit: number): { readonly id: string; readonly existedAt: number | null }[] {
    return this.#sql
      .exec<{ id: string; updated: string | null; read: number | null }>(
        `SELECT id, record ->> '$.lastUpdated' AS updated, read_at AS read FROM assets
         WHERE id IN (${HELD_IDS} AND id > ? ORDER BY id LIMIT ?) ORDER BY id`,
        after,
        limit,
      )
      .toArray()
      .map(({ id, updated, read }) => {
        const times = [Date.parse(updated ?? ""), read ?? Number.NaN].filter((time) => !Number.isNaN(time));
        return { id, existedAt: times.length === 0 ? null : Math.max(...times) };
      });
  }

  /** Releases all absentees: they may now be checked by id and deleted. */
  confirmAbsentees(): void {
    this.#sql.exec("UPDATE absentees SET confirmed = 1");
  }

  /** How many assets `findAbsentees` would find. */
  countAbsent(listing: string, upTo: number): number {
    return this.#sql.exec<{ n: number }>(`SELECT count(*) AS n ${ABSENT}`, upTo, listing).one().n;
  }

  /** Adds an asset that the log reports as deleted. It is checked by id like the others but is never held. */
  addAbsentee(id: string): void {
    this.#sql.exec(
      "INSERT INTO absentees (id, confirmed) VALUES (?, 1) ON CONFLICT (id) DO UPDATE SET confirmed = 1",
      id,
    );
  }

  /** The next absentees that may be checked by id and deleted, in order of id. */
  nextAbsentees(limit: number): string[] {
    return this.#sql
      .exec<{ id: string }>("SELECT id FROM absentees WHERE confirmed = 1 ORDER BY id LIMIT ?", limit)
      .toArray()
      .map(({ id }) => id);
  }

  /** Removes an absentee that has been checked. */
  dropAbsentee(id: string): void {
    this.#sql.exec("DELETE FROM absentees WHERE id = ?", id);
  }
}
