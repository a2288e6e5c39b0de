import { makeRole, roleLabel } from "../generate/roles.ts";
import type { OrgState } from "../org/state.ts";
import type { LogActor, OktaRole } from "../org/types.ts";
import { type ChangeOptions, groupTarget, record, requireRow, userTarget, versionAt } from "./common.ts";

// Nothing here changes the lastUpdated of a user or a group.

export interface RoleInput {
  type: string;
  label?: string | undefined;
  status: "ACTIVE" | "INACTIVE";
}

export const grantUserRole = (
  state: OrgState,
  userId: string,
  given: RoleInput,
  options: ChangeOptions,
): OktaRole => {
  const user = requireRow(state.store.users, userId).data;
  const label = given.label ?? roleLabel(given.type);
  const role = makeRole(state.random, given.type, state.clock.iso(), "USER", given.status, label);
  const roles = [...(state.store.userRoles.get(userId) ?? []), role];
  state.store.setUserRoles(userId, roles, versionAt(state));
  privilegeEvent(state, "user.account.privilege.grant", userTarget(user), role, options);
  return role;
};

/** Revokes one role, or all of them with a null id. */
export const revokeUserRoles = (
  state: OrgState,
  userId: string,
  roleId: string | null,
  options: ChangeOptions,
): void => {
  const user = requireRow(state.store.users, userId).data;
  const { gone, kept } = without(state.store.userRoles.get(userId) ?? [], roleId);
  state.store.setUserRoles(userId, kept, versionAt(state));
  for (const role of gone)
    privilegeEvent(state, "user.account.privilege.revoke", userTarget(user), role, options);
};

export const grantGroupRole = (
  state: OrgState,
  groupId: string,
  given: RoleInput,
  options: ChangeOptions,
): OktaRole => {
  const group = requireRow(state.store.groups, groupId).data;
  const label = given.label ?? roleLabel(given.type);
  const role = makeRole(state.random, given.type, state.clock.iso(), "GROUP", given.status, label);
  const roles = [...(state.store.groupRoles.get(groupId) ?? []), role];
  state.store.setGroupRoles(groupId, roles, versionAt(state));
  privilegeEvent(state, "group.privilege.grant", groupTarget(group), role, options);
  return role;
};

export const revokeGroupRoles = (
  state: OrgState,
  groupId: string,
  roleId: string | null,
  options: ChangeOptions,
): void => {
  const group = requireRow(state.store.groups, groupId).data;
  const { gone, kept } = without(state.store.groupRoles.get(groupId) ?? [], roleId);
  state.store.setGroupRoles(groupId, kept, versionAt(state));
  for (const role of gone) privilegeEvent(state, "group.privilege.revoke", groupTarget(group), role, options);
};

/** Parts roles into the one with this id, or all of them with a null id, and those that stay. */
const without = (
  all: readonly OktaRole[],
  roleId: string | null,
): { gone: readonly OktaRole[]; kept: OktaRole[] } => {
  const gone = all.filter((role) => roleId === null || role.id === roleId);
  if (roleId !== null && gone.length === 0) throw new RangeError(`nothing has the id ${roleId}`);
  return { gone, kept: all.filter((role) => !gone.includes(role)) };
};

const privilegeEvent = (
  state: OrgState,
  eventType: string,
  target: LogActor,
  role: OktaRole,
  options: ChangeOptions,
): void =>
  record(state, options, { eventType, targets: [target], debugData: { privilegeGranted: role.label } });
