import type { Store } from "./store.ts";
import { asOf, indexAfter, type Row, sortedIndex, type Table } from "./table.ts";
import type { DeviceLink, OktaGroup, OktaRole, OktaUser } from "./types.ts";

/** A row, and what it held. */
interface Seen<T> {
  readonly row: Row<T>;
  readonly data: T;
}

/**
 * The org as a list or a search shows it: as it was at one instant, deleted objects included. Reads by id do not go
 * through a view.
 */
export class View {
  readonly #store: Store;
  readonly #cutoff: number | null;

  /** @param cutoff the instant, ms by the org's clock; null is now */
  constructor(store: Store, cutoff: number | null) {
    this.#store = store;
    this.#cutoff = cutoff;
  }

  /** Distinguishes views in the keys of caches; empty for now. */
  get key(): string {
    return this.#cutoff === null ? "" : String(this.#cutoff);
  }

  /** All rows that may have data, in order. */
  rowsOf<T extends { id: string }>(table: Table<T>): readonly Row<T>[] {
    return this.#cutoff === null ? table.rows : table.rowsSince(this.#cutoff);
  }

  /** The row with this id, unless it has been deleted before. */
  rowOf<T extends { id: string }>(table: Table<T>, id: string): Row<T> | undefined {
    return this.#cutoff === null ? table.byId.get(id) : table.findSince(id, this.#cutoff);
  }

  /** What a row held; null if it did not exist. */
  dataOf<T>(row: Row<T>): T | null {
    return this.#cutoff === null ? row.data : asOf(row, this.#cutoff);
  }

  /** Sequences of a group's members, ascending. Not for Everyone. */
  membersOf(groupId: string): readonly number[] {
    const { members, pastMembers } = this.#store;
    const current = members.get(groupId) ?? [];
    return this.#cutoff === null ? current : pastMembers.asOf(groupId, this.#cutoff, current);
  }

  /** Users of Everyone or of another group in order, with what they held: at most `limit`, after a sequence. */
  usersOf(group: OktaGroup, after = 0, limit = Number.POSITIVE_INFINITY): Seen<OktaUser>[] {
    const { users, everyoneId } = this.#store;
    const rows = this.rowsOf(users);
    const found: Seen<OktaUser>[] = [];
    const see = (row: Row<OktaUser> | undefined): void => {
      const data = row && this.dataOf(row);
      if (row && data && (group.id !== everyoneId || this.#store.inEveryone(data))) found.push({ row, data });
    };
    if (group.id === everyoneId) {
      for (let i = indexAfter(rows, after); i < rows.length && found.length < limit; i++) see(rows[i]);
      return found;
    }
    const members = this.membersOf(group.id);
    for (let i = sortedIndex(members, after + 1); i < members.length && found.length < limit; i++) {
      const seq = members[i] ?? 0;
      const row = rows[indexAfter(rows, seq - 1)];
      if (row?.seq === seq) see(row);
    }
    return found;
  }

  usersCount(group: OktaGroup): number {
    if (this.#cutoff === null) return this.#store.usersCount(group);
    return group.id === this.#store.everyoneId ? this.usersOf(group).length : this.membersOf(group.id).length;
  }

  /** Groups of a user in order, Everyone included, with what they held. */
  groupsOf(user: Row<OktaUser>): Seen<OktaGroup>[] {
    const { groups, everyoneId } = this.#store;
    const data = this.dataOf(user);
    if (data === null) return [];
    if (this.#cutoff === null) return this.#store.groupRowsOf(data).map((row) => ({ row, data: row.data }));
    return this.rowsOf(groups).flatMap((row) => {
      const group = this.dataOf(row);
      if (group === null) return [];
      const isMember =
        group.id === everyoneId ? this.#store.inEveryone(data) : this.membersOf(group.id).includes(user.seq);
      return isMember ? [{ row, data: group }] : [];
    });
  }

  /** The roles of the user's own. */
  userRoles(userId: string): readonly OktaRole[] {
    const { userRoles, pastUserRoles } = this.#store;
    const current = userRoles.get(userId) ?? [];
    return this.#cutoff === null ? current : pastUserRoles.asOf(userId, this.#cutoff, current);
  }

  groupRoles(groupId: string): readonly OktaRole[] {
    const { groupRoles, pastGroupRoles } = this.#store;
    const current = groupRoles.get(groupId) ?? [];
    return this.#cutoff === null ? current : pastGroupRoles.asOf(groupId, this.#cutoff, current);
  }

  linksOf(deviceId: string): readonly DeviceLink[] {
    const { deviceLinks, pastDeviceLinks } = this.#store;
    const current = deviceLinks.get(deviceId) ?? [];
    return this.#cutoff === null ? current : pastDeviceLinks.asOf(deviceId, this.#cutoff, current);
  }
}
