/** What a change of a user's groups does to the user's roles. Pure. */
import type { OktaRole } from "../okta/records.ts";
import type { BeforeAndAfter, ChangeDetails } from "./changes.ts";
import { type Fact, type GroupFacts, knownValue } from "./facts.ts";
import { inheritedFrom, isInherited } from "./inherited-roles.ts";

/** Groups that a user has joined and left. */
export interface Moved {
  readonly added: readonly GroupFacts[];
  readonly removed: readonly GroupFacts[];
}

const isThrough = (role: OktaRole, { id, name }: GroupFacts): boolean =>
  isInherited(role) && (role.group === (name ?? id) || role.group === id);

/** The roles that these groups give; null if that is unknown of one of them. */
const givenBy = (groups: readonly GroupFacts[]): OktaRole[] | null => {
  if (groups.some(({ roles }) => roles.state === "unknown")) return null;
  return groups.flatMap((group) => inheritedFrom(group, knownValue(group.roles) ?? []));
};

const without = (roles: readonly OktaRole[], groups: readonly GroupFacts[]): OktaRole[] =>
  roles.filter((role) => !groups.some((group) => isThrough(role, group)));

/**
 * The roles of a user before and after; null where they are unknown, or are the same.
 * @param now the user's roles after it
 */
const rolesAround = (
  now: Fact<readonly OktaRole[]>,
  { added, removed }: Moved,
): BeforeAndAfter<readonly OktaRole[]> | null => {
  const lost = givenBy(removed);
  if (now.state === "unknown" || lost === null) return null;
  const kept = without(now.value, added);
  if (kept.length === now.value.length && lost.length === 0) return null;
  return { before: [...kept, ...lost], after: now.value };
};

/** The same. @param before the user's roles before it */
export const rolesAfter = (
  before: readonly OktaRole[],
  { added, removed }: Moved,
): BeforeAndAfter<readonly OktaRole[]> | null => {
  const got = givenBy(added);
  if (got === null) return null;
  const kept = without(before, removed);
  return kept.length === before.length && got.length === 0 ? null : { before, after: [...kept, ...got] };
};

const named = ({ id, name }: GroupFacts) => ({ id, name });

/** What is stored of it. @param now as in `rolesAround`; null if none of the groups may give roles */
export const membershipDetail = (
  now: Fact<readonly OktaRole[]> | null,
  moved: Moved,
): ChangeDetails["groups"] => {
  const roles = now === null ? null : rolesAround(now, moved);
  return {
    added: moved.added.map(named),
    removed: moved.removed.map(named),
    ...(roles !== null && { roles }),
  };
};
