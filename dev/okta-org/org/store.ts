import { insertSorted, type Row, removeSorted, Table } from "./table.ts";
import { Timeline } from "./timeline.ts";
import type {
  DeviceLink,
  DumpDevice,
  DumpGroup,
  DumpUser,
  OktaDevice,
  OktaFactor,
  OktaGroup,
  OktaRole,
  OktaUser,
  OrgDump,
} from "./types.ts";

export interface StoreSettings {
  orgId: string;
  everyoneIncludesDeprovisioned: () => boolean;
  /** Makes a user's factors on first use: an org of 100,000 users starts without them. */
  generateFactors: (user: OktaUser) => OktaFactor[];
}

/** Everything the org holds, with the indexes that its lists need. No clock, no log, no HTTP. */
export class Store {
  readonly users: Table<OktaUser> = new Table();
  readonly groups: Table<OktaGroup> = new Table();
  readonly devices: Table<OktaDevice> = new Table();
  readonly orgId: string;
  /** Sequences of members by group id, ascending. Everyone has no entry: it is computed. */
  readonly members: Map<string, number[]> = new Map();
  /** Group sequences by user id, ascending, without Everyone. */
  readonly groupsOf: Map<string, number[]> = new Map();
  readonly userRoles: Map<string, OktaRole[]> = new Map();
  readonly groupRoles: Map<string, OktaRole[]> = new Map();
  readonly deviceLinks: Map<string, DeviceLink[]> = new Map();
  /** What these maps held before, for lagging reads. Every change with an instant `at` leaves its mark here. */
  readonly pastMembers: Timeline<readonly number[]> = new Timeline();
  readonly pastUserRoles: Timeline<readonly OktaRole[]> = new Timeline();
  readonly pastGroupRoles: Timeline<readonly OktaRole[]> = new Timeline();
  readonly pastDeviceLinks: Timeline<readonly DeviceLink[]> = new Timeline();
  readonly #byLogin: Map<string, Row<OktaUser>> = new Map();
  readonly #byShortName: Map<string, Set<Row<OktaUser>>> = new Map();
  readonly #factors: Map<string, OktaFactor[]> = new Map();
  readonly #settings: StoreSettings;
  everyoneId = "";

  constructor(settings: StoreSettings) {
    this.#settings = settings;
    this.orgId = settings.orgId;
  }

  // ---- users

  addUser(user: OktaUser, at?: number): Row<OktaUser> {
    const row = this.users.insert(user, at);
    this.#index(row);
    return row;
  }

  replaceUser(row: Row<OktaUser>, user: OktaUser, at?: number): void {
    // Factors are made of the user as generated, whenever they are first asked for.
    this.factorsOf(row.data);
    this.#unindex(row);
    this.users.replace(row, user, at);
    this.#index(row);
  }

  removeUser(row: Row<OktaUser>, at?: number): void {
    const { id } = row.data;
    for (const seq of [...(this.groupsOf.get(id) ?? [])]) {
      const group = this.groups.bySeq(seq);
      if (group) this.leave(group, row, at);
    }
    this.groupsOf.delete(id);
    this.setUserRoles(id, [], at);
    this.#factors.delete(id);
    for (const [deviceId, links] of this.deviceLinks) {
      const kept = links.filter((link) => link.userId !== id);
      if (kept.length < links.length) this.setDeviceLinks(deviceId, kept, at);
    }
    this.#unindex(row);
    this.users.remove(row, at);
  }

  /** By id, by login, or by short name if just one user has it. */
  findUser(key: string): Row<OktaUser> | undefined {
    const direct = this.users.byId.get(key) ?? this.#byLogin.get(key.toLowerCase());
    if (direct) return direct;
    const matches = this.#byShortName.get(key.toLowerCase());
    return matches?.size === 1 ? [...matches][0] : undefined;
  }

  #index(row: Row<OktaUser>): void {
    const login = String(row.data.profile["login"] ?? "").toLowerCase();
    this.#byLogin.set(login, row);
    const at = login.indexOf("@");
    if (at <= 0) return;
    const short = login.slice(0, at);
    const rows = this.#byShortName.get(short);
    if (rows) rows.add(row);
    else this.#byShortName.set(short, new Set([row]));
  }

  #unindex(row: Row<OktaUser>): void {
    const login = String(row.data.profile["login"] ?? "").toLowerCase();
    if (this.#byLogin.get(login) === row) this.#byLogin.delete(login);
    this.#byShortName.get(login.slice(0, Math.max(0, login.indexOf("@"))))?.delete(row);
  }

  factorsOf(user: OktaUser): OktaFactor[] {
    let factors = this.#factors.get(user.id);
    if (factors === undefined) {
      factors = this.#settings.generateFactors(user);
      this.#factors.set(user.id, factors);
    }
    return factors;
  }

  setFactors(userId: string, factors: OktaFactor[]): void {
    this.#factors.set(userId, factors);
  }

  // ---- groups and membership

  inEveryone(user: OktaUser): boolean {
    return user.status !== "DEPROVISIONED" || this.#settings.everyoneIncludesDeprovisioned();
  }

  /** Groups of a user in order, Everyone included. */
  groupRowsOf(user: OktaUser): Row<OktaGroup>[] {
    const rows: Row<OktaGroup>[] = [];
    const everyone = this.groups.byId.get(this.everyoneId);
    if (everyone && this.inEveryone(user)) rows.push(everyone);
    for (const seq of this.groupsOf.get(user.id) ?? []) {
      const row = this.groups.bySeq(seq);
      if (row) rows.push(row);
    }
    return rows;
  }

  /** Puts a user into a group. @returns false if it is in it already */
  join(group: Row<OktaGroup>, user: Row<OktaUser>, at?: number): boolean {
    const members = this.members.get(group.data.id) ?? [];
    this.members.set(group.data.id, members);
    const before = at === undefined ? [] : [...members];
    if (!insertSorted(members, user.seq)) return false;
    this.pastMembers.keep(group.data.id, before, at);
    const groups = this.groupsOf.get(user.data.id) ?? [];
    this.groupsOf.set(user.data.id, groups);
    insertSorted(groups, group.seq);
    return true;
  }

  /** Takes a user out of a group. @returns false if it is not in it */
  leave(group: Row<OktaGroup>, user: Row<OktaUser>, at?: number): boolean {
    const members = this.members.get(group.data.id) ?? [];
    const before = at === undefined ? [] : [...members];
    if (!removeSorted(members, user.seq)) return false;
    this.pastMembers.keep(group.data.id, before, at);
    removeSorted(this.groupsOf.get(user.data.id) ?? [], group.seq);
    return true;
  }

  /** Deletes a group, with its memberships and roles. */
  removeGroup(row: Row<OktaGroup>, at?: number): void {
    const { id } = row.data;
    const members = this.members.get(id) ?? [];
    for (const seq of members) {
      const user = this.users.bySeq(seq)?.data;
      removeSorted((user && this.groupsOf.get(user.id)) ?? [], row.seq);
    }
    this.pastMembers.keep(id, members, at);
    this.members.delete(id);
    this.setGroupRoles(id, [], at);
    this.groups.remove(row, at);
  }

  usersCount(group: OktaGroup): number {
    if (group.id !== this.everyoneId) return this.members.get(group.id)?.length ?? 0;
    return this.everyoneCount();
  }

  #everyone: { version: number; count: number } | null = null;
  everyoneCount(): number {
    if (this.#everyone?.version !== this.users.version) {
      let count = 0;
      for (const row of this.users.rows) if (this.inEveryone(row.data)) count++;
      this.#everyone = { version: this.users.version, count };
    }
    return this.#everyone.count;
  }

  // ---- roles

  setUserRoles(userId: string, roles: OktaRole[], at?: number): void {
    replaceRoles(this.userRoles, this.pastUserRoles, userId, roles, at);
  }

  setGroupRoles(groupId: string, roles: OktaRole[], at?: number): void {
    replaceRoles(this.groupRoles, this.pastGroupRoles, groupId, roles, at);
  }

  /** Direct roles and, marked GROUP, the ones of the user's groups. */
  rolesOf(user: OktaUser): OktaRole[] {
    return [...(this.userRoles.get(user.id) ?? []), ...this.givenRolesOf(user).flatMap(({ roles }) => roles)];
  }

  /** The roles of the user's groups, marked GROUP. */
  givenRolesOf(user: OktaUser): { groupId: string; roles: OktaRole[] }[] {
    if (this.groupRoles.size === 0) return [];
    return this.groupRowsOf(user).map(({ data: { id: groupId } }) => ({
      groupId,
      roles: (this.groupRoles.get(groupId) ?? []).map((role) => ({ ...role, assignmentType: "GROUP" })),
    }));
  }

  // ---- devices

  setDeviceLinks(deviceId: string, links: DeviceLink[], at?: number): void {
    this.pastDeviceLinks.keep(deviceId, this.deviceLinks.get(deviceId) ?? [], at);
    this.deviceLinks.set(deviceId, links);
    // A rendering with embedded users depends on the links.
    const row = this.devices.byId.get(deviceId);
    if (row) row.rendered = null;
  }

  // ---- dumps

  dumpUser(row: Row<OktaUser>): DumpUser {
    const user = row.data;
    return {
      ...user,
      groups: this.groupRowsOf(user).map((group) => group.data.id),
      factors: this.factorsOf(user),
      roles: this.rolesOf(user),
    };
  }

  dumpGroup(row: Row<OktaGroup>): DumpGroup {
    return {
      ...row.data,
      usersCount: this.usersCount(row.data),
      roles: this.groupRoles.get(row.data.id) ?? [],
    };
  }

  dumpDevice(row: Row<OktaDevice>): DumpDevice {
    return { ...row.data, users: this.deviceLinks.get(row.data.id) ?? [] };
  }

  dump(): OrgDump {
    return {
      orgId: this.orgId,
      users: this.users.rows.map((row) => this.dumpUser(row)),
      groups: this.groups.rows.map((row) => this.dumpGroup(row)),
      devices: this.devices.rows.map((row) => this.dumpDevice(row)),
    };
  }
}

/** Replaces the roles of a user or a group; one without roles has no entry. */
const replaceRoles = (
  current: Map<string, OktaRole[]>,
  past: Timeline<readonly OktaRole[]>,
  id: string,
  roles: OktaRole[],
  at: number | undefined,
): void => {
  past.keep(id, current.get(id) ?? [], at);
  if (roles.length > 0) current.set(id, roles);
  else current.delete(id);
};
