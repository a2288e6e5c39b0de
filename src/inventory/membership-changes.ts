/** What a change of a user's groups does to the user's roles. Pure. */
import type { OktaRole } from "../okta/records.ts";
import type { BeforeAndAfter, ChangeDetails } from "./changes.ts";
import type { Fact, GroupFacts } from "./facts.ts";

/** Groups that a user has joined and left. */
export interface Moved {
  readonly added: readonly GroupFacts[];
  readonly removed: readonly GroupFacts[];
}

const isThrough = (role: OktaRole, { id, name }: GroupFacts): boolean =>
  role.assignmentType === "GROUP" && (role.group === (name ?? id) || role.group === id);

/**
 * The roles of a user before and after; null where they are unknown, or are the same.
 * @param now the user's roles as they are now
 */
export const rolesAround = (
  now: Fact<readonly OktaRole[]>,
  { added, removed }: Moved,
): BeforeAndAfter<readonly OktaRole[]> | null => {
  if (now.state === "unknown" || removed.some(({ roles }) => roles.state === "unknown")) return null;
  const kept = now.value.filter((role) => !added.some((group) => isThrough(role, group)));
  const lost = removed.flatMap((group) =>
    group.roles.state === "known"
      ? group.roles.value.map(
          (role): OktaRole => ({ ...role, assignmentType: "GROUP", group: group.name ?? group.id }),
        )
      : [],
  );
  if (kept.length === now.value.length && lost.length === 0) return null;
  return { before: [...kept, ...lost], after: now.value };
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
