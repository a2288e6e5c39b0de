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
import type { Facets } from "./facets.ts";
import type { AssetKind, InventoryMeta, Meta, Unfinished, UnfinishedMembers } from "./meta.ts";
import { ROWS_AT_ONCE } from "./sql.ts";

/** All kinds of assets. */
export const everyKind: readonly AssetKind[] = ["deleted", "deprovisioned", "others"];

/** What remains to be done once assets of these kinds, whose numbers end at `head`, need new ones, too. Pure. */
export const extended = (was: Unfinished | null, kinds: readonly AssetKind[], head: number): Unfinished => {
  const upTo = { deleted: 0, deprovisioned: 0, others: 0, ...was?.upTo };
  for (const kind of kinds) upTo[kind] = head;
  return { ...was, upTo, from: 0 };
};

/** SQL: whether an asset still needs a new number; `?1` is `upTo` as JSON. */
const NEEDED = `seq <= ?1 ->> CASE WHEN deleted_at IS NOT NULL THEN '$.deleted'
  WHEN record ->> '$.status' = 'DEPROVISIONED' THEN '$.deprovisioned' ELSE '$.others' END`;

/** The renumbering of one inventory. Callers open the transaction. */
export class Renumbering {
  readonly #sql: SqlStorage;
  readonly #meta: Meta<InventoryMeta>;
  readonly #facets: Facets;
  readonly #now: () => number;
  readonly #rowsPerStep: number;

  /** @param deps.now ms since the epoch */
  constructor(deps: {
    readonly sql: SqlStorage;
    readonly meta: Meta<InventoryMeta>;
    readonly facets: Facets;
    readonly now: () => number;
    readonly rowsPerStep?: number | undefined;
  }) {
    this.#sql = deps.sql;
    this.#meta = deps.meta;
    this.#facets = deps.facets;
    this.#now = deps.now;
    this.#rowsPerStep = deps.rowsPerStep ?? ROWS_AT_ONCE;
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

  /**
   * Begins to give new numbers to the members of a group, as `begin` does. A group whose members fit into one step is
   * done at once and waits for nothing.
   * @param haveFacetsChanged whether the members' facets are to be found anew, too
   */
  beginMembers(groupId: string, haveFacetsChanged: boolean): void {
    const head = this.#meta.get("head") ?? 0;
    if (head === 0) return;
    const was = this.#meta.get("renumbering") ?? { upTo: extended(null, [], 0).upTo, from: 0 };
    const facets = haveFacetsChanged || was.members?.[groupId]?.facets === true;
    this.#membersStep(was, groupId, { upTo: head, from: "", ...(facets && { facets }) });
  }

  /** Gives new numbers to the next members of a group, 1,000 at most, in the order of their ids, and stores what is left. */
  #membersStep(was: Unfinished, groupId: string, waiting: UnfinishedMembers): void {
    const { upTo, from, facets = false } = waiting;
    const { [groupId]: _, ...others } = was.members ?? {};
    const rows = this.#sql
      .exec<{ user_id: string; number: number | null; seq: number | null }>(
        `SELECT user_id, number, seq FROM memberships LEFT JOIN assets ON id = user_id AND deleted_at IS NULL AND seq <= ?3
         WHERE group_id = ?1 AND user_id > ?2 ORDER BY user_id LIMIT ?4`,
        groupId,
        from,
        upTo,
        this.#rowsPerStep,
      )
      .toArray();
    const inOrder = rows.toSorted((a, b) => (a.seq ?? 0) - (b.seq ?? 0));
    this.#give(inOrder.flatMap(({ number }) => number ?? []));
    if (facets) this.#facets.refresh(rows.map(({ user_id }) => user_id));
    const last = rows.at(-1);
    const isDone = last === undefined || rows.length < this.#rowsPerStep;
    const members = isDone ? others : { ...others, [groupId]: { ...waiting, from: last.user_id } };
    const isAllDone = Object.keys(members).length === 0 && Math.max(...Object.values(was.upTo)) === 0;
    if (isAllDone) this.#meta.delete("renumbering");
    else this.#meta.set("renumbering", { ...was, members });
  }

  /** Gives new numbers to the next assets, 1,000 at most, in the order of their numbers. */
  step(): void {
    const unfinished = this.#meta.get("renumbering");
    if (unfinished === null) return;
    const { upTo, from, members = {} } = unfinished;
    const [next] = Object.entries(members);
    if (next !== undefined) {
      this.#membersStep(unfinished, ...next);
      return;
    }
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
    const waiting = Object.entries(unfinished.members ?? {}).map(([group, { upTo, from }]) => [
      group,
      upTo,
      from,
    ]);
    const rows = this.#sql.exec<{ number: number }>(
      `SELECT number FROM assets WHERE id = ?2 AND (${NEEDED} OR deleted_at IS NULL AND EXISTS (
         SELECT 1 FROM json_each(?3) AS row JOIN memberships ON group_id = row.value ->> 0 AND user_id = ?2
         WHERE seq <= row.value ->> 1 AND user_id > row.value ->> 2))`,
      JSON.stringify(unfinished.upTo),
      id,
      JSON.stringify(waiting),
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
