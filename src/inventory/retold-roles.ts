/**
 * What each change has done to a user's roles, in the order in which the changes happened. They may have been found in
 * another order: a membership is known from its log event at once, a role only once it is read. Pure.
 */
import type { OktaRole } from "../okta/records.ts";
import type { BeforeAndAfter, StoredChange } from "./changes.ts";
import type { GroupFacts, UserFacts } from "./facts.ts";
import { inheritedFrom, isOwn } from "./inherited-roles.ts";

/** What a user's roles follow from. Null: unknown. */
interface Standing {
  own: readonly OktaRole[];
  readonly members: Set<string>;
  readonly groups: Map<string, { name: string | null; roles: readonly OktaRole[] | null }>;
}

const rolesOf = ({ own, members, groups }: Standing): readonly OktaRole[] | null => {
  const inherited: OktaRole[] = [];
  for (const id of members) {
    const { name, roles } = groups.get(id) ?? { name: null, roles: null };
    if (roles === null) return null;
    inherited.push(...inheritedFrom({ id, name }, roles));
  }
  return [...own, ...inherited];
};

const undo = (standing: Standing, change: StoredChange, formerGroups: readonly string[]): void => {
  const { members, groups } = standing;
  const known = { name: null, roles: null, ...groups.get(change.id) };
  if (change.part === "roles") standing.own = change.detail.before;
  if (change.part === "groups") {
    for (const { id } of change.detail.added) members.delete(id);
    for (const { id } of change.detail.removed) members.add(id);
  }
  if (change.part === "group_roles") groups.set(change.id, { ...known, roles: change.detail.before });
  if (change.part === "group" && change.kind === "deleted") {
    if (formerGroups.includes(change.id)) members.add(change.id);
    groups.set(change.id, { name: change.detail.name, roles: change.detail.roles ?? null });
  }
};

/**
 * The changes with what each of them did to the user's roles, where that is known.
 * @param changes all that have happened since some moment, newest first
 * @param now what the user is like now, and what the groups that the changes name are like
 */
export const retold = (
  changes: readonly StoredChange[],
  now: {
    readonly facts: UserFacts;
    readonly groups: readonly GroupFacts[];
    readonly formerGroups: readonly string[];
  },
): StoredChange[] => {
  const { roles, groups } = now.facts;
  if (roles.state === "unknown" || groups.state === "unknown") return [...changes];
  const standing: Standing = {
    own: roles.value.filter(isOwn),
    members: new Set(groups.value.map(({ id }) => id)),
    groups: new Map(
      [...now.groups, ...groups.value].map(({ id, name, roles: given }) => [
        id,
        { name, roles: given.state === "known" ? given.value : null },
      ]),
    ),
  };
  return changes.map((change) => {
    const after = rolesOf(standing);
    undo(standing, change, now.formerGroups);
    const before = rolesOf(standing);
    return after === null || before === null ? change : withRoles(change, { before, after });
  });
};

const withRoles = (change: StoredChange, roles: BeforeAndAfter<readonly OktaRole[]>): StoredChange => {
  if (change.part === "roles") return { ...change, detail: { ...change.detail, roles } };
  if (change.part !== "groups") return change;
  const { roles: _, ...detail } = change.detail;
  const isSame = JSON.stringify(roles.before) === JSON.stringify(roles.after);
  return { ...change, detail: isSame ? detail : { ...detail, roles } };
};
