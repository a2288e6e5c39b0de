/**
 * The ids that a listing has shown so far, a row a page. Once the listing is complete, what is known but was
 * not shown is absent. Unchanged assets cost no write of their own this way.
 */
export class Sweeps {
  readonly #sql: SqlStorage;

  constructor(sql: SqlStorage) {
    this.#sql = sql;
  }

  begin(listing: string): void {
    this.#sql.exec("DELETE FROM sweeps WHERE listing = ?", listing);
  }

  /** `page` makes a repeated page harmless. */
  add(listing: string, page: number, ids: readonly string[]): void {
    this.#sql.exec(
      "INSERT OR REPLACE INTO sweeps (listing, page, ids) VALUES (?, ?, ?)",
      listing,
      page,
      JSON.stringify(ids),
    );
  }

  /** How many ids the listing has shown; one shown twice counts twice. */
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

  /** How many of the listed users are not DEPROVISIONED. */
  sizeNotDeprovisioned(listing: string): number {
    return this.#sql
      .exec<{ n: number }>(
        `SELECT count(*) AS n FROM assets WHERE record ->> '$.status' <> 'DEPROVISIONED'
         AND id IN (SELECT row.value FROM sweeps, json_each(ids) AS row WHERE listing = ?)`,
        listing,
      )
      .one().n;
  }

  /** Writes the known living assets that the listing did not show into `absentees`; returns how many. */
  findAbsentees(listing: string): number {
    this.#sql.exec("DELETE FROM absentees");
    this.#sql.exec(
      `INSERT INTO absentees (id, confirmed)
       SELECT id, 0 FROM assets WHERE deleted_at IS NULL
       AND id NOT IN (SELECT row.value FROM sweeps, json_each(ids) AS row WHERE listing = ?)`,
      listing,
    );
    return this.absentees().waiting;
  }

  /** Absentees by whether they may be dealt with. */
  absentees(): { waiting: number; confirmed: number } {
    const { waiting, confirmed } = this.#sql
      .exec<{ waiting: number | null; confirmed: number | null }>(
        "SELECT sum(confirmed = 0) AS waiting, sum(confirmed) AS confirmed FROM absentees",
      )
      .one();
    return { waiting: waiting ?? 0, confirmed: confirmed ?? 0 };
  }

  /** Lets all absentees be dealt with. */
  confirmAbsentees(): void {
    this.#sql.exec("UPDATE absentees SET confirmed = 1");
  }

  /** An asset that the log says is gone: to be confirmed like the others. */
  addAbsentee(id: string): void {
    this.#sql.exec("INSERT OR REPLACE INTO absentees (id, confirmed) VALUES (?, 1)", id);
  }

  /** Those that may be dealt with, in order of id. */
  nextAbsentees(limit: number): string[] {
    return this.#sql
      .exec<{ id: string }>("SELECT id FROM absentees WHERE confirmed = 1 ORDER BY id LIMIT ?", limit)
      .toArray()
      .map(({ id }) => id);
  }

  dropAbsentee(id: string): void {
    this.#sql.exec("DELETE FROM absentees WHERE id = ?", id);
  }
}
