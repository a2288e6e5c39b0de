import type { OktaGroup } from "../okta/records.ts";
import { HAS_CUSTOM_ROLE, uncoverEveryone, uncoverMembers } from "./admins.ts";
import type { Assets } from "./assets.ts";
import type { GroupFacts, UnknownReason } from "./facts.ts";
import { deletedGroup, groupChanges } from "./group-changes.ts";
import {
  type GroupRow,
  groupFacts,
  isEveryone,
  type PageGroups,
  type StoredGroup,
  shownRoles,
  shownText,
  stored,
} from "./group-facts.ts";
import { type InventoryMeta, isFactKnown, type Meta } from "./meta.ts";
import { believable, INDEX_LAG_MS } from "./precedence.ts";
import type { Reading } from "./readings.ts";
import { forAssets, inParts, jsonChunks, ROWS_AT_ONCE } from "./sql.ts";
import { doGroupsGiveRoles, IS_EVERYONE } from "./standing.ts";

/** What the planner needs to know about a group whose members have to be listed. */
export interface GroupSize {
  readonly id: string;
  /** How many members the group's stats report; null if they do not. */
  readonly usersCount: number | null;
  /** Whether the group is known to give roles. */
  readonly givesRoles: boolean;
}

/** Stats may be this far behind a change of members. */
const STATS_LAG_MS = 3_600_000;

/**
 * How many members a group is taken to have; null if that is open. The stats lag: a group that they call empty is only
 * believed to be if nobody has come or gone within the hour. A count that is missing is the last one, but for 0.
 */
const believedCount = (
  { stats, lastMembershipUpdated }: OktaGroup,
  before: number | null,
  now: number | undefined,
): number | null => {
  const count = stats?.usersCount ?? null;
  if (count === null) return before === 0 ? null : before;
  const isRecent =
    now !== undefined &&
    lastMembershipUpdated !== null &&
    Date.parse(lastMembershipUpdated) > now - STATS_LAG_MS;
  return count === 0 && isRecent ? null : count;
};

/** Groups and the roles that they give. Callers open the transaction. */
export class Groups {
  readonly #sql: SqlStorage;
  readonly #meta: Meta<InventoryMeta>;
  readonly #assets: Assets;
  readonly #now: () => number;

  /** @param now ms since the epoch */
  constructor(sql: SqlStorage, meta: Meta<InventoryMeta>, assets: Assets, now: () => number) {
    this.#sql = sql;
    this.#meta = meta;
    this.#assets = assets;
    this.#now = now;
  }

  /**
   * Files a group. If what its members' events show has changed, the members get new sequence numbers. Stats that
   * the record lacks stay as they were. A list that may be behind undoes nothing that was learned later.
   * @param listedAt when the list or search was asked for that shows it, ms since the epoch by our clock; absent if
   *   the group was read by its id
   * @param complete whether the record comes from the complete list, which should have the stats: without them it is
   *   open again whether the group gives roles
   * @param now ms by Okta's clock; absent if the record has no stats
   * @returns `doubted` if the group was just deleted, so that the list may be behind: then nothing was filed. `opened` if
   *   it has become open whether the group gives roles
   */
  file(
    group: OktaGroup,
    { listedAt, complete = false, now }: { listedAt?: number; complete?: boolean; now?: number } = {},
  ): "filed" | "opened" | "doubted" {
    const asOf = listedAt === undefined ? null : listedAt - INDEX_LAG_MS;
    if (asOf !== null && this.#goneAt(group.id) >= asOf) return "doubted";
    const before = this.#row(group.id);
    const listedHasRoles = group.stats?.hasAdminPrivilege ?? null;
    const hasRoles = listedHasRoles === null ? null : Number(listedHasRoles);
    // Its roles were just read and say otherwise than the list: it is open whether it gives roles until they are read again.
    const open =
      (complete && hasRoles === null) ||
      (asOf !== null &&
        hasRoles !== null &&
        (before?.roles_at ?? 0) >= asOf &&
        before?.has_roles !== hasRoles);
    const updated = believable(group.lastUpdated, this.#now());
    const updatedAt = Number.isNaN(updated) ? null : updated;
    const isBehind =
      asOf !== null && before !== null && before.updated_at !== null && (updatedAt ?? 0) < before.updated_at;
    const record: StoredGroup = { type: group.type, name: group.name, description: group.description };
    this.#sql.exec(
      `INSERT INTO groups (id, record, users_count, has_roles, filed_at, updated_at) VALUES (?, ?, ?, ?, ?, ?)
       ON CONFLICT (id) DO UPDATE SET record = excluded.record, updated_at = excluded.updated_at,
         users_count = excluded.users_count, has_roles = coalesce(excluded.has_roles, has_roles),
         had_no_roles = iif(has_roles = 0, 1, had_no_roles)
       WHERE record IS NOT excluded.record OR users_count IS NOT excluded.users_count
         OR has_roles IS NOT coalesce(excluded.has_roles, has_roles)`,
      group.id,
      isBehind ? before.record : JSON.stringify(record),
      believedCount(group, before?.users_count ?? null, now),
      open ? null : hasRoles,
      this.#now(),
      isBehind ? before.updated_at : updatedAt,
    );
    if (open)
      this.#sql.exec(
        "UPDATE groups SET has_roles = NULL, had_no_roles = iif(has_roles = 0, 1, had_no_roles) WHERE id = ?",
        group.id,
      );
    if (asOf === null) this.#sql.exec("DELETE FROM gone_groups WHERE id = ?", group.id);
    this.#touchIfChanged(group.id, before);
    return open ? "opened" : "filed";
  }

  /** When the group was found to be gone, ms since the epoch; 0 if it was not, or long ago. */
  #goneAt(groupId: string): number {
    const [row] = this.#sql.exec<{ gone_at: number }>(
      "SELECT gone_at FROM gone_groups WHERE id = ?",
      groupId,
    );
    return row?.gone_at ?? 0;
  }

  /** Forgets which groups were gone before `before` (ms since the epoch): no list is behind by that much. */
  forgetGoneBefore(before: number): void {
    this.#sql.exec("DELETE FROM gone_groups WHERE gone_at < ?", before);
  }

  /**
   * Removes a group that no longer exists, and its memberships, which may be known even if the group itself is not.
   */
  remove(groupId: string): void {
    const before = this.#row(groupId);
    if (before !== null && isEveryone(stored(before))) this.#touchEveryone();
    if (before !== null && this.#isKept) this.#assets.history.note([deletedGroup(before)]);
    uncoverMembers(this.#sql, this.#assets.facets, groupId);
    this.#removeMembers(groupId);
    this.#sql.exec("DELETE FROM groups WHERE id = ?", groupId);
    this.#noteGiving();
    this.#sql.exec("INSERT OR REPLACE INTO gone_groups (id, gone_at) VALUES (?, ?)", groupId, this.#now());
  }

  #removeMembers(groupId: string): void {
    inParts(
      () =>
        this.#sql
          .exec<{ user_id: string }>(
            `DELETE FROM memberships WHERE group_id = ?1
             AND user_id IN (SELECT user_id FROM memberships WHERE group_id = ?1 LIMIT ?2) RETURNING user_id`,
            groupId,
            ROWS_AT_ONCE,
          )
          .toArray()
          .map(({ user_id }) => user_id),
      (ids) => {
        this.#assets.touch(ids);
        this.#assets.facets.refresh(ids);
        this.#assets.history.keepMembers(groupId, ids);
      },
    );
  }

  /** Whether it is unknown if this known group gives roles: its stats do not say, and its roles were never read. */
  rolesUnheardOf(groupId: string): boolean {
    const row = this.#row(groupId);
    return row !== null && row.has_roles === null && row.roles_at === null;
  }

  /** Whether the group's roles were tried at `since` (ms since the epoch) or later. */
  rolesTriedSince(groupId: string, since: number): boolean {
    const [row] = this.#sql.exec<{ tried: number | null }>(
      "SELECT roles_tried_at AS tried FROM groups WHERE id = ?",
      groupId,
    );
    return (row?.tried ?? 0) >= since;
  }

  /** Whether the group is known to give roles. */
  hasRoles(groupId: string): boolean {
    return this.#row(groupId)?.has_roles === 1;
  }

  /** Whether the group gives roles, but Okta does not tell which. */
  givesUnknownRoles(groupId: string): boolean {
    const row = this.#row(groupId);
    return row?.has_roles === 1 && row.roles_reason !== null;
  }

  /** Up to when (ms by Okta's clock) a listing of this one group has shown its members; 0 if there was none. */
  membersReadUntil(groupId: string): number {
    return this.#row(groupId)?.members_at ?? 0;
  }

  /** Stores up to when (ms by Okta's clock) a listing of this one group has shown its members. */
  setMembersReadUntil(groupId: string, at: number): void {
    this.#sql.exec("UPDATE groups SET members_at = ? WHERE id = ?", at, groupId);
  }

  /** Whether this group is known. */
  has(groupId: string): boolean {
    return this.#row(groupId) !== null;
  }

  /**
   * The groups that a complete listing did not show: those that are `gone`, and those that are `doubted` because they
   * became known so shortly before it that it may not show them yet.
   * @param listedAt when the listing began, ms since the epoch by our clock
   */
  absentFrom(listing: string, listedAt: number): { readonly gone: string[]; readonly doubted: string[] } {
    const absent = this.#sql
      .exec<{ id: string; recent: number }>(
        `SELECT id, coalesce(filed_at, 0) >= ? AS recent FROM groups
         WHERE id NOT IN (SELECT row.value FROM sweeps, json_each(ids) AS row WHERE listing = ?)`,
        listedAt - INDEX_LAG_MS,
        listing,
      )
      .toArray();
    const those = (recent: number) => absent.filter((row) => row.recent === recent).map(({ id }) => id);
    return { gone: those(0), doubted: those(1) };
  }

  /**
   * The next group, in order of id, whose roles have to be read and were not tried since `triedBefore` (ms since the
   * epoch): a group that gives roles, or for which this is open. Null if there is none.
   */
  nextWithRoles(triedBefore: number): string | null {
    const [row] = this.#sql.exec<{ id: string }>(
      "SELECT id FROM groups WHERE coalesce(has_roles, 1) = 1 AND coalesce(roles_tried_at, 0) < ? ORDER BY id LIMIT 1",
      triedBefore,
    );
    return row?.id ?? null;
  }

  /** The ids of the groups that give a custom role. */
  givingCustomRoles(): string[] {
    return this.#sql
      .exec<{ id: string }>(
        `SELECT id FROM groups WHERE coalesce(has_roles, 1) = 1 AND roles IS NOT NULL AND ${HAS_CUSTOM_ROLE}`,
      )
      .toArray()
      .map(({ id }) => id);
  }

  /** How many groups give roles or may give some. */
  countWithRoles(): number {
    return this.#sql
      .exec<{ n: number }>("SELECT count(*) AS n FROM groups WHERE coalesce(has_roles, 1) = 1")
      .one().n;
  }

  /**
   * Stores the outcome of reading a group's roles. A failure keeps the last known value. If what the members' events
   * show has changed, the members get new sequence numbers.
   * @returns whether it has changed
   */
  setRoles(groupId: string, reading: Reading, readAt: number): boolean {
    const before = this.#row(groupId);
    if (before === null) return false;
    if ("value" in reading) {
      const hasRoles = reading.value === "[]" ? 0 : 1;
      this.#sql.exec(
        `UPDATE groups SET has_roles = ?, roles = ?, roles_at = ?, roles_reason = NULL, roles_tried_at = ?, had_no_roles = 0
         WHERE id = ?`,
        hasRoles,
        reading.value,
        readAt,
        readAt,
        groupId,
      );
    } else {
      const { reason } = reading;
      this.#sql.exec(
        "UPDATE groups SET roles_reason = ?, roles_tried_at = ? WHERE id = ?",
        reason,
        readAt,
        groupId,
      );
    }
    return this.#touchIfChanged(groupId, before);
  }

  /** Marks the roles of all groups that `nextWithRoles(since)` would return as unknown for one reason. */
  refuseRoles(reason: UnknownReason, since: number, now: number): void {
    for (let id = this.nextWithRoles(since); id !== null; id = this.nextWithRoles(since)) {
      this.setRoles(id, { reason }, now);
    }
  }

  /**
   * The groups whose members have to be listed, in order of id: all except Everyone and groups known to be empty. A group
   * that a user's list or an event has placed somebody in is not empty, whatever its stats say.
   */
  toList(): GroupSize[] {
    return this.#toList("", -1);
  }

  /** The first group after the id `after` whose members have to be listed; null if there is none. */
  nextToList(after: string): GroupSize | null {
    return this.#toList(after, 1)[0] ?? null;
  }

  /** How many members the stats of Everyone report; null if unknown. */
  everyoneCount(): number | null {
    return this.#everyone()?.users_count ?? null;
  }

  /** How many groups are known. */
  countAll(): number {
    return this.#sql.exec<{ n: number }>("SELECT count(*) AS n FROM groups").one().n;
  }

  /** The id of Everyone; null if it is not known. */
  everyoneId(): string | null {
    return this.#everyone()?.id ?? null;
  }

  /** When the newest role that Everyone gives was assigned, ms since the epoch; null if that is not known. */
  everyoneRoleAt(): number | null {
    const { at } = this.#sql
      .exec<{ at: number | null }>(
        `SELECT max(unixepoch(role.value ->> '$.created')) AS at FROM groups, json_each(groups.roles) AS role
         WHERE ${IS_EVERYONE} AND role.value ->> '$.status' = 'ACTIVE'`,
      )
      .one();
    return at === null ? null : at * 1000;
  }

  /** Whether the org's counts have ever shown if DEPROVISIONED users belong to Everyone. */
  isEveryoneSettled(): boolean {
    return this.#meta.get("everyone_holds_deprovisioned") !== null;
  }

  /** Stores whether DEPROVISIONED users belong to Everyone in this org; a change renews their events. */
  setEveryoneHoldsDeprovisioned(holds: boolean): void {
    const before = this.#meta.get("everyone_holds_deprovisioned");
    if (before === holds) return;
    this.#meta.set("everyone_holds_deprovisioned", holds);
    if ((before ?? false) === holds) return;
    if (this.#everyone() !== null) this.#assets.touchDeprovisioned();
  }

  /** What the events of a page of users show of their groups. @param ids the ids of these groups */
  ofPage(ids: readonly string[]): PageGroups {
    const byId = new Map<string, GroupFacts>();
    for (const chunk of jsonChunks(ids)) {
      for (const row of this.#sql.exec<GroupRow>(
        "SELECT * FROM groups WHERE id IN (SELECT value FROM json_each(?))",
        chunk,
      )) {
        byId.set(row.id, groupFacts(row));
      }
    }
    const everyone = this.#everyone();
    return {
      byId,
      everyone: everyone === null ? null : groupFacts(everyone),
      everyoneHoldsDeprovisioned: this.#doesEveryoneHoldDeprovisioned,
      doGroupsGiveRoles: doGroupsGiveRoles(this.#sql),
    };
  }

  #toList(after: string, limit: number): GroupSize[] {
    return this.#sql
      .exec<{ id: string; users_count: number | null; has_roles: number | null }>(
        `SELECT id, users_count, has_roles FROM groups WHERE id > ?
         AND (users_count IS NOT 0 OR EXISTS (SELECT 1 FROM memberships WHERE group_id = groups.id))
         AND NOT (record ->> '$.type' IS 'BUILT_IN' AND record ->> '$.name' IS 'Everyone') ORDER BY id LIMIT ?`,
        after,
        limit,
      )
      .toArray()
      .map((row) => ({ id: row.id, usersCount: row.users_count, givesRoles: row.has_roles === 1 }));
  }

  #row(groupId: string): GroupRow | null {
    return this.#sql.exec<GroupRow>("SELECT * FROM groups WHERE id = ?", groupId).toArray()[0] ?? null;
  }

  #everyone(): GroupRow | null {
    return this.#sql.exec<GroupRow>(`SELECT * FROM groups WHERE ${IS_EVERYONE}`).toArray()[0] ?? null;
  }

  #touchIfChanged(groupId: string, before: GroupRow | null): boolean {
    const after = this.#row(groupId);
    if (after === null || (before !== null && shownText(before) === shownText(after))) return false;
    const { history } = this.#assets;
    if (this.#isKept) history.note(groupChanges(before, after, (at) => history.byOkta(at)));
    this.#noteGiving();
    const haveRolesChanged = before === null || shownRoles(before) !== shownRoles(after);
    const isOfAll = isEveryone(stored(after));
    if (isOfAll) this.#touchEveryone();
    else this.#assets.touchMembers(groupId, haveRolesChanged);
    if (!haveRolesChanged) return true;
    if (isOfAll) uncoverEveryone(this.#sql, this.#assets.facets, this.#doesEveryoneHoldDeprovisioned);
    else uncoverMembers(this.#sql, this.#assets.facets, groupId);
    return true;
  }

  /**
   * Once the first group gives roles, or the last one stops, it begins or ceases to matter in which groups those are whose
   * groups are unknown. Call it after a change of what a group gives.
   */
  #noteGiving(): void {
    const gives = doGroupsGiveRoles(this.#sql);
    if ((this.#meta.get("groups_give_roles") ?? false) === gives) return;
    this.#meta.set("groups_give_roles", gives);
    if (!isFactKnown(this.#meta.get("groups"))) this.#assets.touchAll();
    else {
      forAssets(this.#sql, "deleted_at IS NULL AND groups_reason IS NOT NULL", [], (users) =>
        this.#assets.touch(users.map(({ id }) => id)),
      );
    }
  }

  /** Whether changes of groups are kept: all groups were known once. */
  get #isKept(): boolean {
    return this.#assets.history.since !== null && (this.#meta.get("groups")?.at ?? null) !== null;
  }

  get #doesEveryoneHoldDeprovisioned(): boolean {
    return this.#meta.get("everyone_holds_deprovisioned") ?? false;
  }

  #touchEveryone(): void {
    if (this.#doesEveryoneHoldDeprovisioned) this.#assets.touchAll();
    else this.#assets.touchNotDeprovisioned();
  }
}
