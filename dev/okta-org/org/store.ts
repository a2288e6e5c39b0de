import { type Row, removeSorted, Table } from "./table.ts";
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
    this.#unindex(row);
    this.users.replace(row, user, at);
    this.#index(row);
  }

  removeUser(row: Row<OktaUser>): void {
    const { id } = row.data;
    for (const seq of [...(this.groupsOf.get(id) ?? [])]) {
      const group = this.groups.bySeq(seq);
      const members = group && this.members.get(group.data.id);
      if (members) removeSorted(members, row.seq);
    }
    this.groupsOf.delete(id);
    this.userRoles.delete(id);
    this.#factors.delete(id);
    for (const [deviceId, links] of this.deviceLinks) {
      const kept = links.filter((link) => link.userId !== id);
      if (kept.length < links.length) this.setDeviceLinks(deviceId, kept);
    }
    this.#unindex(row);
    this.users.remove(row);
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

  /** Direct roles and, marked GROUP, the ones of the user's groups. */
  rolesOf(user: OktaUser): OktaRole[] {
    const roles = [...(this.userRoles.get(user.id) ?? [])];
    if (this.groupRoles.size === 0) return roles;
    for (const row of this.groupRowsOf(user)) {
      for (const role of this.groupRoles.get(row.data.id) ?? [])
        roles.push({ ...role, assignmentType: "GROUP" });
    }
    return roles;
  }

  // ---- devices

  setDeviceLinks(deviceId: string, links: DeviceLink[]): void {
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
