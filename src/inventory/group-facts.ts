/** Stored groups as events show them. Pure. */
import type { OktaRole } from "../okta/records.ts";
import { type Fact, type GroupFacts, known, type UnknownReason, unknown } from "./facts.ts";

/**
 * Whether a group is Okta's built-in Everyone. Its members are never listed, because they are known by definition.
 */
export const isEveryone = (group: { type: string | null; name: string | null }): boolean =>
  group.type === "BUILT_IN" && group.name === "Everyone";

/** A row of the table `groups`. */
export interface GroupRow extends Record<string, SqlStorageValue> {
  id: string;
  record: string;
  users_count: number | null;
  has_roles: number | null;
  roles: string | null;
  roles_at: number | null;
  roles_reason: string | null;
  members_at: number | null;
  updated_at: number | null;
  had_no_roles: number;
}

/** What is stored of a group's record. */
export interface StoredGroup {
  readonly type: string | null;
  readonly name: string | null;
  readonly description: string | null;
}

/** The groups that the events of one page of users show, read together. */
export interface PageGroups {
  readonly byId: ReadonlyMap<string, GroupFacts>;
  readonly everyone: GroupFacts | null;
  readonly everyoneHoldsDeprovisioned: boolean;
  /** Whether a group other than Everyone gives roles or may give some. */
  readonly doGroupsGiveRoles: boolean;
}

/** The groups of a user as the user's event shows them, sorted by id. Everyone is added if the user belongs to it. */
export const groupsOf = (ids: readonly string[], userStatus: string, page: PageGroups): GroupFacts[] => {
  // A membership may be known before its group is.
  const all = new Map(ids.map((id) => [id, page.byId.get(id) ?? groupFacts({ ...unheardOf, id })]));
  const { everyone } = page;
  const member = userStatus !== "DEPROVISIONED" || page.everyoneHoldsDeprovisioned;
  if (everyone !== null && member) all.set(everyone.id, everyone);
  return [...all.values()].sort((a, b) => (a.id < b.id ? -1 : 1));
};

const unheardOf: GroupRow = {
  id: "",
  record: '{"type":null,"name":null,"description":null}',
  users_count: null,
  has_roles: null,
  roles: null,
  roles_at: null,
  roles_reason: null,
  members_at: null,
  updated_at: null,
  had_no_roles: 0,
};

/** The record as `file` wrote it. */
export const stored = (row: { record: string }): StoredGroup => JSON.parse(row.record);

const rolesFact = (row: GroupRow): Fact<readonly OktaRole[]> => {
  if (row.has_roles === 0) return known([], row.roles_at ?? 0);
  const last = row.roles === null ? undefined : { value: JSON.parse(row.roles), at: row.roles_at ?? 0 };
  if (last !== undefined && row.roles_reason === null) return known(last.value, last.at);
  return unknown((row.roles_reason ?? "pending") as UnknownReason, last); // the column holds only reasons
};

/** A group with the roles that it gives. */
export const groupFacts = (row: GroupRow): GroupFacts => ({
  id: row.id,
  ...stored(row),
  roles: rolesFact(row),
});

/** What members' events show of the roles that the group gives, as one text to compare. */
export const shownRoles = (row: GroupRow): string =>
  row.has_roles === 0 ? "[]null" : `${row.roles}${row.roles_reason}`;

/** What members' events show of the group, as one text to compare. */
export const shownText = (row: GroupRow): string => `${row.record}${shownRoles(row)}`;
