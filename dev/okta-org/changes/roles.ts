import { makeRole, roleLabel } from "../generate/roles.ts";
import type { OrgState } from "../org/state.ts";
import type { LogActor, OktaRole } from "../org/types.ts";
import { type ChangeOptions, groupTarget, record, requireRow, userTarget } from "./common.ts";

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
  state.store.userRoles.set(userId, [...(state.store.userRoles.get(userId) ?? []), role]);
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
  revoke(state.store.userRoles, userId, roleId, (role) =>
    privilegeEvent(state, "user.account.privilege.revoke", userTarget(user), role, options),
  );
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
  state.store.groupRoles.set(groupId, [...(state.store.groupRoles.get(groupId) ?? []), role]);
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
  revoke(state.store.groupRoles, groupId, roleId, (role) =>
    privilegeEvent(state, "group.privilege.revoke", groupTarget(group), role, options),
  );
};

const revoke = (
  roles: Map<string, OktaRole[]>,
  ownerId: string,
  roleId: string | null,
  tell: (role: OktaRole) => void,
): void => {
  const all = roles.get(ownerId) ?? [];
  const gone = all.filter((role) => roleId === null || role.id === roleId);
  if (roleId !== null && gone.length === 0) throw new RangeError(`nothing has the id ${roleId}`);
  const kept = all.filter((role) => !gone.includes(role));
  if (kept.length > 0) roles.set(ownerId, kept);
  else roles.delete(ownerId);
  for (const role of gone) tell(role);
};

const privilegeEvent = (
  state: OrgState,
  eventType: string,
  target: LogActor,
  role: OktaRole,
  options: ChangeOptions,
): void =>
  record(state, options, { eventType, targets: [target], debugData: { privilegeGranted: role.label } });
