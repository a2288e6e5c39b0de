/** Reading what has changed. */
import type { ChangeKind } from "../contract/changes.ts";
import { type ChangePart, isOfGroup, type StoredChange } from "./changes.ts";
import { storedChange } from "./history.ts";
import type { ChangeRow } from "./history-tables.ts";

/** A place in the history of an asset, which is in the order in which changes happened. */
export interface HistoryPlace {
  /** ms since the epoch by Okta's clock */
  readonly at: number;
  readonly sequence: number;
}

/** What columns tell of the changes to read; null: whatever it is. Times are ms since the epoch by Okta's clock. */
export interface ChangeColumns {
  readonly parts: readonly ChangePart[] | null;
  readonly kinds: readonly ChangeKind[] | null;
  /** They happened then or later. */
  readonly from: number | null;
  /** They happened before. */
  readonly to: number | null;
}

/** Some changes with neighbouring numbers. */
interface Stretch {
  /** Those that are wanted, in descending order of sequence number. */
  readonly wanted: readonly StoredChange[];
  /** The lowest number of the stretch, and when that change happened, ms; null if there are no changes. */
  readonly end: { readonly sequence: number; readonly at: number } | null;
  /** Whether there may be wanted ones below it. */
  readonly more: boolean;
}

/** Clocks are known to the second; this is far more than they may be apart. */
const CLOCKS_APART_MS = 300_000;

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

  /** The next `size` changes below a sequence number: those that are wanted, and where the stretch ends. */
  below(sequence: number, size: number, wanted: ChangeColumns): Stretch {
    const { parts, kinds, from, to } = wanted;
    const [row] = this.#sql.exec<{ rows: number; low: number | null; foundAt: number | null }>(
      `SELECT count(*) AS rows, min(sequence) AS low, min(iif(events IS NULL, read_at, NULL)) AS foundAt
       FROM (SELECT sequence, read_at, events FROM changes WHERE sequence < ? ORDER BY sequence DESC LIMIT ?)`,
      sequence,
      size,
    );
    const [lowest] = row === undefined || row.low === null ? [] : this.#read("WHERE sequence = ?", row.low);
    if (row === undefined || lowest === undefined) return { wanted: [], end: null, more: false };
    // A change that no event tells of still has its first number. So whatever is below was found before it, and happened.
    const isBefore = from !== null && row.foundAt !== null && row.foundAt + CLOCKS_APART_MS < from;
    return {
      wanted: this.#read(
        `WHERE sequence < ?1 AND sequence >= ?2
           AND (?3 IS NULL OR part IN (SELECT value FROM json_each(?3)))
           AND (?4 IS NULL OR kind IN (SELECT value FROM json_each(?4)))
           AND (?5 IS NULL OR at >= ?5) AND (?6 IS NULL OR at < ?6)
         ORDER BY sequence DESC`,
        sequence,
        lowest.sequence,
        parts && JSON.stringify(parts),
        kinds && JSON.stringify(kinds),
        from,
        to,
      ),
      end: { sequence: lowest.sequence, at: lowest.at },
      more: row.rows === size && !isBefore,
    };
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
