/** Reading what has changed. */
import { isOfGroup, type StoredChange } from "./changes.ts";
import { storedChange } from "./history.ts";
import type { ChangeRow } from "./history-tables.ts";

/** A place in the history of an asset, which is in the order in which changes happened. */
export interface HistoryPlace {
  /** ms since the epoch by Okta's clock */
  readonly at: number;
  readonly sequence: number;
}

/** The newest place of all. */
export const NOW: HistoryPlace = { at: Number.MAX_SAFE_INTEGER, sequence: Number.MAX_SAFE_INTEGER };

/** So many of a user's changes of groups, and of the changes of these groups, are looked at. */
const MOST_LOOKED_AT = 2_000;

/** SQL: what happened before the place ?2, ?3. */
const EARLIER = "(at, sequence) < (?2, ?3)";
const NEWEST_FIRST = "ORDER BY at DESC, sequence DESC";

const newestFirst = (a: StoredChange, b: StoredChange): number => b.at - a.at || b.sequence - a.sequence;

/** A change of a user's groups. */
type Move = Extract<StoredChange, { part: "groups" }>;

const moveIn = (change: StoredChange): readonly Move[] => (change.part === "groups" ? [change] : []);

/** Reads the changes of one stream. */
export class HistoryReader {
  readonly #sql: SqlStorage;

  constructor(sql: SqlStorage) {
    this.#sql = sql;
  }

  /** At most `limit` changes with a sequence number greater than `after`, in order of sequence number. */
  after(after: number, limit: number): StoredChange[] {
    return this.#read("WHERE sequence > ? ORDER BY sequence LIMIT ?", after, limit);
  }

  /** Whether anything is known of changes of this asset or group. */
  has(id: string): boolean {
    return this.#sql.exec("SELECT 1 FROM changes WHERE asset_id = ? LIMIT 1", id).toArray().length > 0;
  }

  /** The changes of an asset or group itself that happened before a place, newest first. */
  own(id: string, before: HistoryPlace, limit: number): StoredChange[] {
    return this.#read(
      `WHERE asset_id = ?1 AND ${EARLIER} ${NEWEST_FIRST} LIMIT ?4`,
      id,
      before.at,
      before.sequence,
      limit,
    );
  }

  /**
   * The changes of a user and of the groups that the user was in when they changed, which happened before a place, newest
   * first.
   * @param everyone the group that holds everybody, if the user belongs to it
   */
  ofUser(id: string, everyone: string | null, before: HistoryPlace, limit: number): StoredChange[] {
    const own = this.own(id, before, limit);
    const groups = this.#ofGroups(id, everyone, before).slice(0, limit);
    return [...own, ...groups].sort(newestFirst).slice(0, limit);
  }

  /**
   * What has changed after a moment about a user and the groups that the user has been in since, newest first.
   * @param after ms since the epoch by Okta's clock
   */
  sinceOfUser(
    id: string,
    everyone: string | null,
    after: number,
  ): {
    readonly changes: StoredChange[];
    readonly isCut: boolean;
    /** The groups in which the user was when they were deleted. */
    readonly formerGroups: readonly string[];
  } {
    const since = `AND at > ?2 ${NEWEST_FIRST} LIMIT ${MOST_LOOKED_AT}`;
    const own = this.#read(`WHERE asset_id = ?1 ${since}`, id, after);
    const { former, ever } = this.#groupsOf(id, everyone, own.flatMap(moveIn));
    const groups = this.#read(
      `WHERE asset_id IN (SELECT value FROM json_each(?1)) ${since}`,
      JSON.stringify([...ever]),
      after,
    );
    return {
      changes: [...own, ...groups].sort(newestFirst),
      isCut: own.length === MOST_LOOKED_AT || groups.length === MOST_LOOKED_AT,
      formerGroups: former,
    };
  }

  /** The groups of a user: those of now, those in which the user was when they were deleted, and all of ever. */
  #groupsOf(id: string, everyone: string | null, moves: readonly Move[]) {
    const idsIn = (table: "memberships" | "former_members"): string[] =>
      this.#sql
        .exec<{ group_id: string }>(`SELECT group_id FROM ${table} WHERE user_id = ?`, id)
        .toArray()
        .map(({ group_id }) => group_id);
    const [now, former] = [idsIn("memberships"), idsIn("former_members")];
    if (everyone !== null) now.push(everyone);
    const moved = moves.flatMap(({ detail }) => [...detail.added, ...detail.removed]);
    return { now, former, ever: new Set([...now, ...former, ...moved.map((group) => group.id)]) };
  }

  #ofGroups(id: string, everyone: string | null, before: HistoryPlace): StoredChange[] {
    const moves = this.#read(
      `WHERE asset_id = ?1 AND part = 'groups' ${NEWEST_FIRST} LIMIT ?2`,
      id,
      MOST_LOOKED_AT,
    ).flatMap(moveIn);
    const { now, former, ever } = this.#groupsOf(id, everyone, moves);
    const last = new Set([...now, ...former]);
    const changes = this.#read(
      `WHERE asset_id IN (SELECT value FROM json_each(?1)) AND ${EARLIER} ${NEWEST_FIRST} LIMIT ?4`,
      JSON.stringify([...ever]),
      before.at,
      before.sequence,
      MOST_LOOKED_AT,
    );
    /** Whether the user was in the group when it changed: the next move since then tells, or else how it is now. */
    const wasIn = (change: StoredChange): boolean => {
      const next = moves.findLast(
        ({ at, detail }) =>
          at > change.at && [...detail.added, ...detail.removed].some((group) => group.id === change.id),
      );
      return next === undefined
        ? last.has(change.id)
        : next.detail.removed.some((group) => group.id === change.id);
    };
    return changes.filter((change) => isOfGroup(change) && change.kind !== "created" && wasIn(change));
  }

  #read(where: string, ...parameters: SqlStorageValue[]): StoredChange[] {
    return this.#sql
      .exec<ChangeRow>(`SELECT * FROM changes ${where}`, ...parameters)
      .toArray()
      .map(storedChange);
  }
}
