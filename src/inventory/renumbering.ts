/**
 * Giving new sequence numbers to many assets at once, in steps, because something has changed what all their events
 * say: a setting that shapes events, or a fact about the whole org.
 *
 * What must hold: over any interleaving of such changes, changes of single assets, steps, kills and page reads, no
 * `metadata.uid` is ever seen with two contents, and a puller that follows `after` ends with every asset in its newest
 * form. One rule makes it hold: from the transaction that changes the content until the last asset concerned has its
 * new number, no page has any events and none moves a cursor. An asset that is asked for by its id gets its new number
 * first. So an event is only ever seen while its number is newer than the last change of what it says; and as new
 * numbers are above all that were seen, every cursor meets them.
 */
import type { AssetKind, InventoryMeta, Meta, Unfinished } from "./meta.ts";

/** All kinds of assets. */
export const everyKind: readonly AssetKind[] = ["deleted", "deprovisioned", "others"];

/** What remains to be done once assets of these kinds, whose numbers end at `head`, need new ones, too. Pure. */
export const extended = (was: Unfinished | null, kinds: readonly AssetKind[], head: number): Unfinished => {
  const upTo = { deleted: 0, deprovisioned: 0, others: 0, ...was?.upTo };
  for (const kind of kinds) upTo[kind] = head;
  return { upTo, from: 0 };
};

/** How many rows one step reads and writes, at most. */
const ROWS_PER_STEP = 1_000;

/** SQL: whether an asset still needs a new number; `?1` is `upTo` as JSON. */
const NEEDED = `seq <= ?1 ->> CASE WHEN deleted_at IS NOT NULL THEN '$.deleted'
  WHEN record ->> '$.status' = 'DEPROVISIONED' THEN '$.deprovisioned' ELSE '$.others' END`;

/** The renumbering of one inventory. Callers open the transaction. */
export class Renumbering {
  readonly #sql: SqlStorage;
  readonly #meta: Meta<InventoryMeta>;
  readonly #now: () => number;
  readonly #rowsPerStep: number;

  /** @param now ms since the epoch */
  constructor(sql: SqlStorage, meta: Meta<InventoryMeta>, now: () => number, rowsPerStep = ROWS_PER_STEP) {
    this.#sql = sql;
    this.#meta = meta;
    this.#now = now;
    this.#rowsPerStep = rowsPerStep;
  }

  /** Whether assets still wait for a new number. Until then, no event may be read. */
  get isUnfinished(): boolean {
    return this.#meta.get("renumbering") !== null;
  }

  /**
   * Begins to give new numbers to the assets of these kinds; one in progress begins anew and includes what it had to do.
   * The first step is done at once, so a small inventory needs no other. Call it in the transaction that changes what
   * the events say.
   */
  begin(kinds: readonly AssetKind[]): void {
    const head = this.#meta.get("head") ?? 0;
    if (head === 0) return;
    this.#meta.set("renumbering", extended(this.#meta.get("renumbering"), kinds, head));
    this.step();
  }

  /** Gives new numbers to the next assets, 1,000 at most, in the order of their numbers. */
  step(): void {
    const unfinished = this.#meta.get("renumbering");
    if (unfinished === null) return;
    const { upTo, from } = unfinished;
    const rows = this.#sql
      .exec<{ number: number; seq: number; needed: number }>(
        `SELECT number, seq, ${NEEDED} AS needed FROM assets WHERE seq > ?2 AND seq <= ?3 ORDER BY seq LIMIT ?4`,
        JSON.stringify(upTo),
        from,
        Math.max(...Object.values(upTo)),
        this.#rowsPerStep,
      )
      .toArray();
    this.#give(rows.filter(({ needed }) => needed === 1).map(({ number }) => number));
    const last = rows.at(-1);
    if (last === undefined || rows.length < this.#rowsPerStep) this.#meta.delete("renumbering");
    else this.#meta.set("renumbering", { upTo, from: last.seq });
  }

  /** Gives this asset its new number now, if it waits for one. */
  hurry(id: string): void {
    const unfinished = this.#meta.get("renumbering");
    if (unfinished === null) return;
    const rows = this.#sql.exec<{ number: number }>(
      `SELECT number FROM assets WHERE id = ?2 AND ${NEEDED}`,
      JSON.stringify(unfinished.upTo),
      id,
    );
    this.#give([...rows].map(({ number }) => number));
  }

  /** @param assets by the number of their row, which never changes */
  #give(assets: readonly number[]): void {
    if (assets.length === 0) return;
    const head = this.#meta.get("head") ?? 0;
    this.#sql.exec(
      `UPDATE assets SET seq = ?1 + row.key + 1, changed_at = ?2 FROM json_each(?3) AS row
       WHERE assets.number = row.value`,
      head,
      this.#now(),
      JSON.stringify(assets),
    );
    this.#meta.set("head", head + assets.length);
  }
}
