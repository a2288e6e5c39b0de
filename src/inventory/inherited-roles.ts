/** Roles that users have through a group. Pure. */
import type { OktaRole } from "../okta/records.ts";

/** Whether a user has the role through a group. */
export const isInherited = ({ assignmentType }: OktaRole): boolean => assignmentType === "GROUP";

/** Whether the role is the user's own. */
export const isOwn = (role: OktaRole): boolean => !isInherited(role);

/** A group's roles as its members have them: with the group's name, or its id where the name is not known. */
export const inheritedFrom = (
  { id, name }: { readonly id: string; readonly name: string | null },
  roles: readonly OktaRole[],
): OktaRole[] => roles.map((role) => ({ ...role, assignmentType: "GROUP", group: name ?? id }));
