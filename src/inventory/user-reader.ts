/** Reading users with their groups, factors and roles. */
import type { OktaFactor, OktaUser } from "../okta/records.ts";
import { type AssetReader, inOrder, type StoredAsset } from "./asset-reader.ts";
import { type Fact, type GroupFacts, known, type UnknownReason, type UserFacts, unknown } from "./facts.ts";
import { groupsOf, type PageGroups } from "./group-facts.ts";
import type { Groups } from "./groups.ts";
import type { InventoryMeta, Meta, OrgFact } from "./meta.ts";
import { type AdminRow, rolesFact } from "./roles-fact.ts";

interface UserRow extends Record<string, SqlStorageValue> {
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
  admin_covers: number | null;
}

const COLUMNS = `assets.id, seq, changed_at, deleted_at, record, factors, factors_at, factors_reason,
  groups_at, groups_reason, last_facts,
  (SELECT json_group_array(group_id) FROM memberships WHERE user_id = assets.id) AS group_ids,
  admins.user_id IS NOT NULL AS is_admin_row, admins.roles AS admin_roles, admins.read_at AS admin_read_at,
  admins.reason AS admin_reason, admins.covers AS admin_covers
  FROM assets LEFT JOIN admins ON admins.user_id = assets.id`;

/** At most this many accounts are returned for one e-mail address or short name. */
const MOST_NAMED = 10;

/** Reads users with their groups, factors and roles. */
export class UserReader implements AssetReader<UserFacts> {
  readonly #sql: SqlStorage;
  readonly #meta: Meta<InventoryMeta>;
  readonly #groups: Groups;

  constructor(sql: SqlStorage, meta: Meta<InventoryMeta>, groups: Groups) {
    this.#sql = sql;
    this.#meta = meta;
    this.#groups = groups;
  }

  after(after: number, limit: number): Iterable<StoredAsset<UserFacts>> {
    return this.#read("WHERE seq > ? ORDER BY seq LIMIT ?", after, limit);
  }

  one(id: string): StoredAsset<UserFacts> | null {
    return [...this.#read("WHERE assets.id = ?", id)][0] ?? null;
  }

  of(ids: readonly string[]): StoredAsset<UserFacts>[] {
    return inOrder(
      ids,
      this.#read("WHERE assets.id IN (SELECT value FROM json_each(?))", JSON.stringify(ids)),
    );
  }

  /**
   * Finds existing users by a name in lower case: by login; if there is none, by e-mail if the name has an `@`, else
   * by the login before the `@`. E-mails and short names return at most 10 users.
   */
  named(name: string): StoredAsset<UserFacts>[] {
    return named(name, (where, ...parameters) => [...this.#read(where, ...parameters)]);
  }

  /** The one existing user of this id, else the one that `named` finds; null if there is none, or several. */
  idOf(name: string): string | null {
    const byId = this.#ids("WHERE deleted_at IS NULL AND id = ?", name);
    const found =
      byId.length > 0
        ? byId
        : named(name.toLowerCase(), (where, ...parameters) => this.#ids(where, ...parameters));
    return found.length === 1 ? (found[0] ?? null) : null;
  }

  /** A user's login and e-mail, as far as there are any. */
  namesOf(id: string): string[] {
    const [row] = this.#sql.exec<{ login: string | null; email: string | null }>(
      "SELECT record ->> '$.profile.login' AS login, record ->> '$.profile.email' AS email FROM assets WHERE id = ?",
      id,
    );
    return [row?.login, row?.email].flatMap((name) => name ?? []);
  }

  #ids(where: string, ...parameters: SqlStorageValue[]): string[] {
    return this.#sql
      .exec<{ id: string }>(`SELECT id FROM assets ${where}`, ...parameters)
      .toArray()
      .map(({ id }) => id);
  }

  *#read(where: string, ...parameters: SqlStorageValue[]): Generator<StoredAsset<UserFacts>> {
    const orgGroups = this.#meta.get("groups");
    const orgRoles = this.#meta.get("roles");
    const rows = this.#sql.exec<UserRow>(`SELECT ${COLUMNS} ${where}`, ...parameters).toArray();
    if (rows.length === 0) return;
    const groupIds = rows.map(({ group_ids }): readonly string[] => JSON.parse(group_ids));
    const page = this.#groups.ofPage([...new Set(groupIds.flat())]);
    for (const [index, row] of rows.entries()) {
      const { id, seq: sequence, changed_at: changedAt, deleted_at: deletedAt } = row;
      const facts =
        row.last_facts === null
          ? userFacts(row, groupIds[index] ?? [], { page, orgGroups, orgRoles })
          : JSON.parse(row.last_facts);
      yield { id, sequence, changedAt, deletedAt, facts };
    }
  }
}

/** Finds existing users as `UserReader.named` says. @param find reads those of a condition */
const named = <T>(name: string, find: (where: string, ...parameters: SqlStorageValue[]) => T[]): T[] => {
  const login = "lower(record ->> '$.profile.login')";
  const byLogin = find(`WHERE deleted_at IS NULL AND ${login} = ?`, name);
  if (byLogin.length > 0) return byLogin;
  if (name.includes("@")) {
    const email = "lower(record ->> '$.profile.email')";
    return find(`WHERE deleted_at IS NULL AND ${email} = ? LIMIT ${MOST_NAMED}`, name);
  }
  // "A" follows "@", so all logins that begin with `name@` lie between the two bounds.
  const short = `WHERE deleted_at IS NULL AND ${login} >= ? AND ${login} < ? LIMIT ${MOST_NAMED}`;
  return find(short, `${name}@`, `${name}A`);
};

interface UsersContext {
  readonly page: PageGroups;
  readonly orgGroups: OrgFact | null;
  readonly orgRoles: OrgFact | null;
}

const userFacts = (
  row: UserRow,
  groupIds: readonly string[],
  { page, orgGroups, orgRoles }: UsersContext,
): UserFacts => {
  const user: OktaUser = JSON.parse(row.record);
  const admin: AdminRow | null =
    row.is_admin_row === 1
      ? {
          roles: row.admin_roles,
          read_at: row.admin_read_at,
          reason: row.admin_reason,
          covers: row.admin_covers === 1,
        }
      : null;
  const stored = groupsOf(groupIds, user.status, page);
  const groups = groupsFact(row, orgGroups, stored);
  const roles = rolesFact({
    own: admin,
    org: orgRoles,
    groups: stored,
    areAllGroups: groups.state === "known" || !page.doGroupsGiveRoles,
    groupsReason: groups.state === "known" ? null : groups.reason,
  });
  return { user, groups, factors: factorsFact(row), roles };
};

const groupsFact = (
  row: UserRow,
  org: OrgFact | null,
  value: readonly GroupFacts[],
): Fact<readonly GroupFacts[]> => {
  // If this user's own groups could not be read, a reading of the whole org says nothing about them.
  const at = Math.max(row.groups_at ?? 0, row.groups_reason === null ? (org?.at ?? 0) : 0);
  const reason = row.groups_reason ?? (row.groups_at === null ? (org?.reason ?? null) : null);
  if (at === 0) return unknown((reason ?? "pending") as UnknownReason); // the column holds only reasons
  return reason === null ? known(value, at) : unknown(reason as UnknownReason, { value, at });
};

const factorsFact = (row: UserRow): Fact<readonly OktaFactor[]> => {
  const last = row.factors === null ? undefined : { value: JSON.parse(row.factors), at: row.factors_at ?? 0 };
  if (last !== undefined && row.factors_reason === null) return known(last.value, last.at);
  return unknown((row.factors_reason ?? "pending") as UnknownReason, last); // the column holds only reasons
};
