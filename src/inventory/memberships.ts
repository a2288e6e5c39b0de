import { uncover } from "./admins.ts";
import type { AssetReader } from "./asset-reader.ts";
import type { Assets } from "./assets.ts";
import type { NewChange } from "./changes.ts";
import { type GroupFacts, knownValue, type UserFacts } from "./facts.ts";
import type { Groups } from "./groups.ts";
import { type Moved, membershipDetail } from "./membership-changes.ts";
import type { InventoryMeta, Meta } from "./meta.ts";
import { inParts, jsonChunks, ROWS_AT_ONCE } from "./sql.ts";
import { GIVING_GROUPS } from "./standing.ts";

/** SQL: an applied event of this group and user that is newer than `asOf`. What it says is stored already. */
const newerEvent = (group: string, user: string, asOf: string): string =>
  `SELECT 1 FROM membership_events WHERE group_id = ${group} AND user_id = ${user} AND published > ${asOf}`;

/** A user became a member of a group, or stopped being one. */
export interface MembershipEvent {
  /** The log's id of the event. */
  readonly uuid: string;
  readonly groupId: string;
  readonly userId: string;
  readonly member: boolean;
  /** ms by Okta's clock */
  readonly published: number;
}

const unheardOf = (id: string): GroupFacts => ({
  id,
  name: null,
  description: null,
  type: null,
  roles: { state: "unknown", reason: "pending" },
});

/**
 * Who is in which group. Except in `replaceGroupsOf`, users whose groups change get new sequence numbers. Callers
 * open the transaction.
 */
export class Memberships {
  readonly #sql: SqlStorage;
  readonly #meta: Meta<InventoryMeta>;
  readonly #assets: Assets;
  readonly #users: AssetReader<UserFacts>;
  readonly #groups: Groups;

  constructor(
    sql: SqlStorage,
    meta: Meta<InventoryMeta>,
    deps: { readonly assets: Assets; readonly users: AssetReader<UserFacts>; readonly groups: Groups },
  ) {
    this.#sql = sql;
    this.#meta = meta;
    this.#assets = deps.assets;
    this.#users = deps.users;
    this.#groups = deps.groups;
  }

  /**
   * Applies one membership event from the System Log. Events can be late, repeated or out of order, so an event
   * counts only if it is newer than the last one applied to the same group and user. Of two events of the same
   * millisecond, the one that the log shows later counts. A repetition never does, even if it is dated later than
   * before: a time still to come by Okta's clock, which is known to the second, is taken for now.
   * @param event.published ms by Okta's clock
   * @returns whether it changed the membership
   */
  applyEvent(event: MembershipEvent): boolean {
    const { groupId, userId, published, uuid } = event;
    const newest = this.#sql
      .exec(
        `INSERT INTO membership_events (group_id, user_id, published, uuids) VALUES (?1, ?2, ?3, json_array(?4))
         ON CONFLICT (group_id, user_id) DO UPDATE SET published = excluded.published,
           uuids = iif(excluded.published > published, excluded.uuids, json_insert(coalesce(uuids, '[]'), '$[#]', ?4))
         WHERE excluded.published >= published AND NOT EXISTS (SELECT 1 FROM json_each(uuids) WHERE value = ?4)
         RETURNING 1`,
        groupId,
        userId,
        published,
        uuid,
      )
      .toArray();
    if (newest.length === 0) return false;
    return event.member
      ? this.addMembers(event.groupId, [event.userId], event.published).length > 0
      : this.removeMember(event.groupId, event.userId);
  }

  /** When the newest applied event of a group was published, ms by Okta's clock; 0 if there is none. */
  newestEventOf(groupId: string): number {
    return (
      this.#sql
        .exec<{ newest: number | null }>(
          "SELECT max(published) AS newest FROM membership_events WHERE group_id = ?",
          groupId,
        )
        .one().newest ?? 0
    );
  }

  /** How many members a group has. */
  countOf(groupId: string): number {
    return this.#sql
      .exec<{ n: number }>("SELECT count(*) AS n FROM memberships WHERE group_id = ?", groupId)
      .one().n;
  }

  /** Forgets applied events from before `published` (ms by Okta's clock): no event comes in that late. */
  forgetEventsBefore(published: number): void {
    this.#sql.exec("DELETE FROM membership_events WHERE published < ?", published);
  }

  /** Forgets who is in a group, which gives nothing. The caller gives new sequence numbers, if any are due. */
  forgetGroup(groupId: string): void {
    this.#sql.exec("DELETE FROM memberships WHERE group_id = ?", groupId);
  }

  /**
   * The users with these ids and the members of these groups, each once.
   * @param limit how many ids at most are returned
   */
  together(
    userIds: readonly string[],
    groupIds: readonly string[],
    limit: number,
  ): { readonly count: number; readonly first: readonly string[] } {
    const all = `SELECT value AS id FROM json_each(?1)
      UNION SELECT user_id FROM memberships WHERE group_id IN (SELECT value FROM json_each(?2))`;
    const ids = [JSON.stringify(userIds), JSON.stringify(groupIds)];
    const { count } = this.#sql
      .exec<{ count: number }>(`SELECT count(*) AS count FROM (${all})`, ...ids)
      .one();
    const first = this.#sql.exec<{ id: string }>(`${all} LIMIT ?3`, ...ids, limit);
    return { count, first: [...first].map(({ id }) => id) };
  }

  /**
   * Adds members to a group.
   * @param asOf the list that shows them says nothing of what events report after this, ms by Okta's clock
   * @returns the ids of those who were not members before
   */
  addMembers(groupId: string, userIds: readonly string[], asOf: number): string[] {
    const added: string[] = [];
    for (const chunk of jsonChunks(userIds)) {
      for (const row of this.#sql.exec<{ user_id: string }>(
        `INSERT OR IGNORE INTO memberships (group_id, user_id) SELECT ?1, value FROM json_each(?2)
         WHERE NOT EXISTS (${newerEvent("?1", "value", "?3")}) RETURNING user_id`,
        groupId,
        chunk,
        asOf,
      )) {
        added.push(row.user_id);
      }
    }
    this.#changed(groupId, added, true);
    return added;
  }

  /** Removes one member from a group. @returns false if the user was not a member */
  removeMember(groupId: string, userId: string): boolean {
    const removed = this.#sql
      .exec("DELETE FROM memberships WHERE group_id = ? AND user_id = ? RETURNING 1", groupId, userId)
      .toArray().length;
    if (removed > 0) this.#changed(groupId, [userId], false);
    return removed > 0;
  }

  /**
   * After a complete listing of a group: removes the members that it did not show.
   * @param asOf as in `addMembers`
   * @returns their ids
   */
  keepOnly(groupId: string, listing: string, asOf: number): string[] {
    return this.#keep(
      groupId,
      "SELECT row.value FROM sweeps, json_each(ids) AS row WHERE listing = ?2",
      listing,
      asOf,
    );
  }

  /** The same for a listing of one page. @param userIds all that it showed, 1,000 at most */
  keepThese(groupId: string, userIds: readonly string[], asOf: number): string[] {
    return this.#keep(groupId, "SELECT value FROM json_each(?2)", JSON.stringify(userIds), asOf);
  }

  /** @param shown SQL that yields the ids of those who stay; `parameter` is its ?2 */
  #keep(groupId: string, shown: string, parameter: string, asOf: number): string[] {
    const left: string[] = [];
    inParts(
      () =>
        this.#sql
          .exec<{ user_id: string }>(
            `DELETE FROM memberships WHERE group_id = ?1 AND user_id IN (
               SELECT user_id FROM memberships WHERE group_id = ?1 AND user_id NOT IN (${shown})
               AND NOT EXISTS (${newerEvent("?1", "memberships.user_id", "?3")}) LIMIT ?4) RETURNING user_id`,
            groupId,
            parameter,
            asOf,
            ROWS_AT_ONCE,
          )
          .toArray()
          .map(({ user_id }) => user_id),
      (ids) => {
        this.#changed(groupId, ids, false);
        left.push(...ids);
      },
    );
    return left;
  }

  /**
   * Replaces the memberships of one user, after a complete listing of the user's groups. The caller gives the new
   * sequence number (`setGroupsRead`).
   * @param asOf as in `addMembers`
   * @returns whether anything changed
   */
  replaceGroupsOf(userId: string, groupIds: readonly string[], asOf: number): boolean {
    const wanted = JSON.stringify(groupIds);
    const removed = this.#sql
      .exec<{ group_id: string }>(
        `DELETE FROM memberships WHERE user_id = ?1 AND group_id NOT IN (SELECT value FROM json_each(?2))
         AND NOT EXISTS (${newerEvent("memberships.group_id", "?1", "?3")}) RETURNING group_id`,
        userId,
        wanted,
        asOf,
      )
      .toArray()
      .map(({ group_id }) => group_id);
    const added = this.#sql
      .exec<{ group_id: string }>(
        `INSERT OR IGNORE INTO memberships (group_id, user_id) SELECT value, ?1 FROM json_each(?2)
         WHERE NOT EXISTS (${newerEvent("value", "?1", "?3")}) RETURNING group_id`,
        userId,
        wanted,
        asOf,
      )
      .toArray()
      .map(({ group_id }) => group_id);
    const hasChanged = removed.length + added.length > 0;
    if (hasChanged) {
      uncover(this.#sql, this.#assets.facets, [userId]);
      this.#assets.facets.refresh([userId]);
      this.#note([userId], { added, removed });
    }
    return hasChanged;
  }

  /** Members of a group have come or gone. */
  #changed(groupId: string, userIds: readonly string[], haveCome: boolean): void {
    uncover(this.#sql, this.#assets.facets, userIds);
    if (this.#mayGive(groupId)) this.#assets.facets.refresh(userIds);
    this.#note(userIds, haveCome ? { added: [groupId], removed: [] } : { added: [], removed: [groupId] });
    this.#assets.touch(userIds);
  }

  /** Takes note of the groups that each of these users has joined and left. */
  #note(
    userIds: readonly string[],
    ids: { readonly added: readonly string[]; readonly removed: readonly string[] },
  ): void {
    const { history } = this.#assets;
    if (userIds.length === 0 || history.since === null) return;
    const known = this.#known(userIds);
    if (known.length === 0) return;
    const groups = this.#groups.ofPage([...ids.added, ...ids.removed]).byId;
    const factsOf = (id: string): GroupFacts => groups.get(id) ?? unheardOf(id);
    const moved: Moved = { added: ids.added.map(factsOf), removed: ids.removed.map(factsOf) };
    const mayGive = [...ids.added, ...ids.removed].some((id) => this.#mayGive(id));
    const now = new Map(
      mayGive ? this.#users.of(known.map(({ id }) => id)).map(({ id, facts }) => [id, facts.roles]) : [],
    );
    history.note(
      known.map(
        ({ id, since }): NewChange => ({
          id,
          part: "groups",
          kind: "updated",
          detail: membershipDetail(now.get(id) ?? null, moved),
          since: history.byOkta(since),
        }),
      ),
    );
    const giving = moved.added.filter(({ roles }) =>
      knownValue(roles)?.some(({ status }) => status === "ACTIVE"),
    );
    if (giving.length === 0) return;
    this.#assets.facets.noteNewAdmins(
      known.map(({ id }) => id),
      giving.map(({ id }) => id),
      history.moment,
    );
  }

  /**
   * Those of these users whose groups were known before, and since when; of a log event, all that exist, for it tells of a
   * change whatever was known.
   */
  #known(userIds: readonly string[]): { readonly id: string; readonly since: number }[] {
    const org = this.#meta.get("groups")?.at ?? null;
    const isEvent = this.#assets.history.isApplying ? 1 : 0;
    const known: { id: string; since: number }[] = [];
    for (const chunk of jsonChunks(userIds)) {
      const rows = this.#sql.exec<{ id: string; since: number }>(
        `SELECT id, max(coalesce(groups_at, 0), coalesce(?2, 0)) AS since FROM assets
         WHERE deleted_at IS NULL AND id IN (SELECT value FROM json_each(?1))
         AND (?3 = 1 OR groups_at IS NOT NULL OR (groups_reason IS NULL AND ?2 IS NOT NULL))`,
        chunk,
        org,
        isEvent,
      );
      known.push(...rows);
    }
    return known;
  }

  /** Whether a group gives roles, or may give some: if not, the facets of its members do not show it. */
  #mayGive(groupId: string): boolean {
    const [group] = this.#sql.exec<{ may: number }>(
      `SELECT ${GIVING_GROUPS} AS may FROM groups WHERE id = ?`,
      groupId,
    );
    return group === undefined || group.may === 1;
  }
}
