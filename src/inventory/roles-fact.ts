/** A user's roles: those of the user's own, and those that the user's groups give. Pure. */
import { byRole, type OktaRole } from "../okta/records.ts";
import {
  type Fact,
  type GroupFacts,
  known,
  knownValue,
  shown,
  type UnknownReason,
  unknown,
} from "./facts.ts";
import { isEveryone } from "./group-facts.ts";
import { inheritedFrom, isInherited } from "./inherited-roles.ts";
import type { OrgFact } from "./meta.ts";

/** What is stored about a user who has roles or may have some. */
export interface AdminRow {
  /** The last known roles, as JSON; null if they were never read. */
  readonly roles: string | null;
  /** When `roles` was read, ms since the epoch. */
  readonly read_at: number | null;
  /** Why the last reading failed; null if it succeeded. */
  readonly reason: string | null;
  /** Whether what `roles` says of roles through groups still holds. */
  readonly covers: boolean;
}

/** What a user's roles follow from. */
export interface RoleSources {
  /** Null for a user whom the org's list of people with roles does not name. */
  readonly own: AdminRow | null;
  /** How far it is known who has roles at all. */
  readonly org: OrgFact | null;
  /** The user's groups, as far as they are known. */
  readonly groups: readonly GroupFacts[];
  /** Whether these are all groups of the user that may give roles. */
  readonly areAllGroups: boolean;
  /** Why not; null if they are. */
  readonly groupsReason: UnknownReason | null;
}

const isActive = ({ status }: OktaRole): boolean => status === "ACTIVE";

/** A role as the user's own answer has it, with the name of the group that gives it, if that is known. */
const named = (role: OktaRole, groups: readonly GroupFacts[]): OktaRole => {
  const name = groups.find(({ id }) => id === role.group)?.name;
  return name == null ? role : { ...role, group: name };
};

/** Both lists as one, without the second of two roles with the same id. */
const joined = (a: readonly OktaRole[], b: readonly OktaRole[]): OktaRole[] => {
  const ids = new Set(a.flatMap(({ id }) => id ?? []));
  return [...a, ...b.filter(({ id }) => id === null || !ids.has(id))].sort(byRole);
};

/** The user's own roles. A user without a row has none once the org's list is known. */
const ownFact = (own: AdminRow | null, org: OrgFact | null): Fact<readonly OktaRole[]> => {
  if (own !== null) {
    const last = own.roles === null ? undefined : { value: JSON.parse(own.roles), at: own.read_at ?? 0 };
    if (last !== undefined && own.reason === null) return known(last.value, last.at);
    return unknown((own.reason ?? "pending") as UnknownReason, last); // the column holds only reasons
  }
  const at = org?.at ?? null;
  if (at !== null && (org?.reason ?? null) === null) return known([], at);
  const reason = org?.reason ?? "pending";
  return at === null ? unknown(reason) : unknown(reason, { value: [], at });
};

/**
 * A user's roles, direct and through groups. A group's roles are the group's to tell, so nobody has to be asked for
 * them. Where a group cannot tell, the user's own answer does, which names roles through groups as well, for as long as
 * it holds. If neither can, the roles are unknown; what was known of them is kept as their last known value if all parts
 * were known once, or if it has an active role. What is known for sure, such as the roles of a group that tells them, is
 * `certain`: one active role suffices to know that the user is an administrator.
 */
export const rolesFact = (sources: RoleSources): Fact<readonly OktaRole[]> => {
  const { own: row, org, groups, areAllGroups } = sources;
  const own = ownFact(row, org);
  const open = groups.find(({ roles }) => roles.state === "unknown")?.roles;
  const areGroupsKnown = areAllGroups && open === undefined;
  const isCovered = row?.covers && !areGroupsKnown;
  const given = (
    from: readonly GroupFacts[],
    rolesOf: (roles: GroupFacts["roles"]) => readonly OktaRole[] | null,
  ) => from.flatMap((group) => inheritedFrom(group, rolesOf(group.roles) ?? []));
  const inherited = given(groups, shown);
  const ownShown = shown(own);
  const direct =
    ownShown?.flatMap((role) => {
      if (!isInherited(role)) return role;
      return isCovered ? named(role, groups) : [];
    }) ?? [];
  const value = joined(direct, inherited);
  // A reading that failed leaves open who has left a group since.
  const isMember = (group: GroupFacts): boolean =>
    isEveryone(group) || sources.groupsReason === null || sources.groupsReason === "pending";
  const sure = given(groups.filter(isMember), knownValue);
  if (own.state === "known" && (areGroupsKnown || isCovered)) return known(joined(direct, sure), own.at);
  const openReason = open?.state === "unknown" ? open.reason : null;
  const reason = own.state === "unknown" ? own.reason : (openReason ?? sources.groupsReason ?? "pending");
  const certain = joined(own.state === "known" ? direct : [], sure);
  const wasKnown = ownShown !== null && areAllGroups && groups.every(({ roles }) => shown(roles) !== null);
  const isLast = wasKnown || value.some(isActive);
  return {
    ...unknown(reason, isLast ? { value, at: row?.read_at ?? org?.at ?? 0 } : undefined),
    ...(certain.length > 0 && { certain }),
  };
};
