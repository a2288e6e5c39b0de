import type { OktaDevice, OktaFactor, OktaUser } from "../okta/records.ts";
import { type AdminRow, Admins } from "./admins.ts";
import { Assets } from "./assets.ts";
import {
  type DeviceFacts,
  type Fact,
  type GroupFacts,
  known,
  type UnknownReason,
  type UserFacts,
  unknown,
} from "./facts.ts";
import { Groups, groupsOf, type PageGroups } from "./groups.ts";
import { Memberships } from "./memberships.ts";
import { Meta, type OrgFact } from "./meta.ts";
import { Quarantine } from "./quarantine.ts";
import { Stale } from "./stale.ts";
import { Sweeps } from "./sweeps.ts";

/** An asset as it is stored, with the facts that its event is made of. */
export interface StoredAsset<F> {
  readonly id: string;
  readonly sequence: number;
  readonly changedAt: number;
  readonly deletedAt: number | null;
  readonly facts: F;
}

interface AssetRow extends Record<string, SqlStorageValue> {
  id: string;
  seq: number;
  changed_at: number;
  deleted_at: number | null;
  record: string;
  factors: string | null;
  factors_at: number | null;
  factors_reason: string | null;
  groups_at: number | null;
  groups_reason: string | null;
  last_facts: string | null;
  group_ids: string;
  is_admin_row: number;
  admin_roles: string | null;
  admin_read_at: number | null;
  admin_reason: string | null;
}

const ASSET_COLUMNS = `assets.id, seq, changed_at, deleted_at, record, factors, factors_at, factors_reason,
  groups_at, groups_reason, last_facts,
  (SELECT json_group_array(group_id) FROM memberships WHERE user_id = assets.id) AS group_ids,
  admins.user_id IS NOT NULL AS is_admin_row, admins.roles AS admin_roles, admins.read_at AS admin_read_at,
  admins.reason AS admin_reason
  FROM assets LEFT JOIN admins ON admins.user_id = assets.id`;

/** Everything that one stream knows of the org. No network; every writer of a page opens one transaction. */
export class Inventory {
  readonly meta: Meta;
  readonly assets: Assets;
  readonly groups: Groups;
  readonly memberships: Memberships;
  readonly admins: Admins;
  readonly sweeps: Sweeps;
  readonly quarantine: Quarantine;
  readonly stale: Stale;
  readonly #sql: SqlStorage;

  constructor(sql: SqlStorage, now: () => number) {
    this.#sql = sql;
    this.meta = new Meta(sql);
    this.assets = new Assets(sql, this.meta, now);
    this.groups = new Groups(sql, this.meta, this.assets);
    this.memberships = new Memberships(sql, this.assets);
    this.admins = new Admins(sql, this.meta, this.assets);
    this.sweeps = new Sweeps(sql);
    this.quarantine = new Quarantine(sql, now);
    this.stale = new Stale(sql);
  }

  /** Users with a greater sequence than `after`, in its order, at most `limit`. */
  usersAfter(after: number, limit: number): Iterable<StoredAsset<UserFacts>> {
    return this.#users("WHERE seq > ? ORDER BY seq LIMIT ?", after, limit);
  }

  user(id: string): StoredAsset<UserFacts> | null {
    return [...this.#users("WHERE assets.id = ?", id)][0] ?? null;
  }

  /** Living users whose login, e-mail or login before the `@` is this (lower-case); at most 10. */
  usersNamed(name: string): StoredAsset<UserFacts>[] {
    const login = "lower(record ->> '$.profile.login')";
    const byLogin = [...this.#users(`WHERE deleted_at IS NULL AND ${login} = ?`, name)];
    if (byLogin.length > 0) return byLogin;
    const byEmail = "WHERE deleted_at IS NULL AND lower(record ->> '$.profile.email') = ? LIMIT 10";
    if (name.includes("@")) return [...this.#users(byEmail, name)];
    // "@" is followed by "A": all logins that begin with `name@` lie between the two.
    return [
      ...this.#users(
        `WHERE deleted_at IS NULL AND ${login} >= ? AND ${login} < ? LIMIT 10`,
        `${name}@`,
        `${name}A`,
      ),
    ];
  }

  /** Of these ids, in their order; at most a few hundred. */
  usersOf(ids: readonly string[]): StoredAsset<UserFacts>[] {
    const these = "WHERE assets.id IN (SELECT value FROM json_each(?))";
    return inOrder(ids, [...this.#users(these, JSON.stringify(ids))]);
  }

  devicesOf(ids: readonly string[]): StoredAsset<DeviceFacts>[] {
    return inOrder(ids, [
      ...this.#devices("WHERE id IN (SELECT value FROM json_each(?))", JSON.stringify(ids)),
    ]);
  }

  devicesAfter(after: number, limit: number): Iterable<StoredAsset<DeviceFacts>> {
    return this.#devices("WHERE seq > ? ORDER BY seq LIMIT ?", after, limit);
  }

  device(id: string): StoredAsset<DeviceFacts> | null {
    return [...this.#devices("WHERE id = ?", id)][0] ?? null;
  }

  /** Turns an asset into a tombstone that keeps what its last event said. False if there is none. */
  bury(id: string, stream: "users" | "devices"): boolean {
    const asset = stream === "users" ? this.user(id) : this.device(id);
    return asset !== null && this.assets.bury(id, JSON.stringify(asset.facts));
  }

  /** A sign-in that the log told of. False if it is no news, or of nobody known. */
  setLastLogin(userId: string, at: string): boolean {
    const user = this.user(userId);
    if (user === null || user.deletedAt !== null) return false;
    const before = user.facts.user.lastLogin;
    if (before !== null && Date.parse(before) >= Date.parse(at)) return false;
    return this.assets.file([{ ...user.facts.user, lastLogin: at }]).size > 0;
  }

  /** Books how far memberships are known org-wide; every event shows it, so a change of it renews all events. */
  setGroupsKnown(next: OrgFact): void {
    const was = this.meta.get("groups");
    this.meta.set("groups", next);
    if (((was?.at ?? null) === null) !== (next.at === null) || (was?.reason ?? null) !== next.reason)
      this.assets.touchAll();
  }

  /** How many living users have a fact unknown, by fact; facts that are known of all are left out. */
  unknownFacts(): Record<string, number> {
    const count = (where: string): number =>
      this.#sql
        .exec<{ n: number }>(`SELECT count(*) AS n FROM assets WHERE deleted_at IS NULL AND ${where}`)
        .one().n;
    // Counted over the search index's narrow rows: the assets' own are read whole, about 100 MB of 100,000 users.
    const living = (where: string): number =>
      this.#sql
        .exec<{ n: number }>(`SELECT count(*) AS n FROM search_keys WHERE status IS NOT NULL AND ${where}`)
        .one().n;
    const roles = this.meta.get("roles");
    const groups = this.meta.get("groups");
    // CROSS keeps SQLite from reading all assets to find the few that are admins.
    const adminsUnread = this.#sql
      .exec<{ n: number }>(
        `SELECT count(*) AS n FROM admins CROSS JOIN assets ON assets.id = user_id
         WHERE deleted_at IS NULL AND (roles IS NULL OR reason IS NOT NULL)`,
      )
      .one().n;
    const found = {
      factors: living("mfa IS NULL") + count("factors_reason IS NOT NULL AND factors IS NOT NULL"),
      groups: isKnown(groups)
        ? count("groups_reason IS NOT NULL")
        : count("groups_at IS NULL OR groups_reason IS NOT NULL"),
      roles: isKnown(roles) ? adminsUnread : living("true") - this.#adminsRead(),
    };
    return Object.fromEntries(Object.entries(found).filter(([, n]) => n > 0));
  }

  /** SQL that yields the ids of living users who have this fact unknown, as `unknownFacts` counts them. */
  unknownIds(fact: "factors" | "groups" | "roles"): string {
    const living = "SELECT id FROM assets WHERE deleted_at IS NULL AND";
    if (fact === "factors") {
      return `${living} factors_reason IS NOT NULL UNION ALL ${living} factors_at IS NULL AND factors_reason IS NULL`;
    }
    if (fact === "groups") {
      const never = isKnown(this.meta.get("groups"))
        ? ""
        : `UNION ALL ${living} groups_at IS NULL AND groups_reason IS NULL`;
      return `${living} groups_reason IS NOT NULL ${never}`;
    }
    return isKnown(this.meta.get("roles"))
      ? "SELECT user_id FROM admins WHERE roles IS NULL OR reason IS NOT NULL"
      : `${living} id NOT IN (SELECT user_id FROM admins WHERE roles IS NOT NULL AND reason IS NULL)`;
  }

  #adminsRead(): number {
    return this.#sql
      .exec<{ n: number }>(
        `SELECT count(*) AS n FROM admins CROSS JOIN assets ON assets.id = user_id
         WHERE deleted_at IS NULL AND roles IS NOT NULL AND reason IS NULL`,
      )
      .one().n;
  }

  *#users(where: string, ...parameters: SqlStorageValue[]): Generator<StoredAsset<UserFacts>> {
    const orgGroups = this.meta.get("groups");
    const orgRoles = this.meta.get("roles");
    const rows = this.#sql.exec<AssetRow>(`SELECT ${ASSET_COLUMNS} ${where}`, ...parameters).toArray();
    if (rows.length === 0) return;
    const groupIds = rows.map(({ group_ids }): readonly string[] => JSON.parse(group_ids));
    const page = this.groups.ofPage([...new Set(groupIds.flat())]);
    for (const [index, row] of rows.entries()) {
      const { id, seq: sequence, changed_at: changedAt, deleted_at: deletedAt } = row;
      const facts =
        row.last_facts === null
          ? userFacts(row, groupIds[index] ?? [], { page, orgGroups, orgRoles })
          : JSON.parse(row.last_facts);
      yield { id, sequence, changedAt, deletedAt, facts };
    }
  }

  *#devices(where: string, ...parameters: SqlStorageValue[]): Generator<StoredAsset<DeviceFacts>> {
    const columns = "id, seq, changed_at, deleted_at, record";
    for (const row of this.#sql
      .exec<AssetRow>(`SELECT ${columns} FROM assets ${where}`, ...parameters)
      .toArray()) {
      const device: OktaDevice = JSON.parse(row.record);
      const { id, seq: sequence, changed_at: changedAt, deleted_at: deletedAt } = row;
      yield { id, sequence, changedAt, deletedAt, facts: { device } };
    }
  }
}

const inOrder = <T extends { readonly id: string }>(ids: readonly string[], found: readonly T[]): T[] => {
  const byId = new Map(found.map((asset) => [asset.id, asset]));
  return ids.flatMap((id) => byId.get(id) ?? []);
};

interface UsersContext {
  readonly page: PageGroups;
  readonly orgGroups: OrgFact | null;
  readonly orgRoles: OrgFact | null;
}

const userFacts = (
  row: AssetRow,
  groupIds: readonly string[],
  { page, orgGroups, orgRoles }: UsersContext,
): UserFacts => {
  const user: OktaUser = JSON.parse(row.record);
  const admin: AdminRow | null =
    row.is_admin_row === 1
      ? { roles: row.admin_roles, read_at: row.admin_read_at, reason: row.admin_reason }
      : null;
  return {
    user,
    groups: groupsFact(row, orgGroups, () => groupsOf(groupIds, user.status, page)),
    factors: factorsFact(row),
    roles: Admins.fact(admin, orgRoles),
  };
};

const groupsFact = (
  row: AssetRow,
  org: OrgFact | null,
  groups: () => readonly GroupFacts[],
): Fact<readonly GroupFacts[]> => {
  // Of somebody whose own groups could not be read, a reading of the org says nothing.
  const at = Math.max(row.groups_at ?? 0, row.groups_reason === null ? (org?.at ?? 0) : 0);
  const reason = row.groups_reason ?? (row.groups_at === null ? (org?.reason ?? null) : null);
  if (at === 0) return unknown((reason ?? "pending") as UnknownReason); // only reasons are written there
  const value = groups();
  return reason === null ? known(value, at) : unknown(reason as UnknownReason, { value, at });
};

const isKnown = (fact: OrgFact | null): boolean => fact !== null && fact.at !== null && fact.reason === null;

const factorsFact = (row: AssetRow): Fact<readonly OktaFactor[]> => {
  const last = row.factors === null ? undefined : { value: JSON.parse(row.factors), at: row.factors_at ?? 0 };
  if (last !== undefined && row.factors_reason === null) return known(last.value, last.at);
  return unknown((row.factors_reason ?? "pending") as UnknownReason, last); // only reasons are written there
};
