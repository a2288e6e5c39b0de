import type { OrgState } from "../org/state.ts";
import type { Row } from "../org/table.ts";
import type { OktaGroup, OktaUser, Profile } from "../org/types.ts";
import { type ChangeOptions, groupTarget, record, requireRow, userTarget, versionAt } from "./common.ts";

export const createGroup = (
  state: OrgState,
  given: Partial<OktaGroup> & { profile: Profile },
  options: ChangeOptions,
): OktaGroup => {
  const now = state.clock.iso();
  const group: OktaGroup = {
    id: state.random.id("00g"),
    type: "OKTA_GROUP",
    created: now,
    lastUpdated: now,
    lastMembershipUpdated: now,
    objectClass: ["okta:user_group"],
    ...given,
  };
  if (state.store.groups.byId.has(group.id)) throw new RangeError(`the id ${group.id} is taken`);
  state.store.groups.insert(group, versionAt(state));
  state.store.members.set(group.id, []);
  record(state, options, { eventType: "group.lifecycle.create", targets: [groupTarget(group)] });
  return group;
};

/** Merges a group's profile. Changes its lastUpdated. */
export const updateGroup = (
  state: OrgState,
  id: string,
  profile: Profile,
  options: ChangeOptions,
): OktaGroup => {
  const row = requireRow(state.store.groups, id);
  const group = { ...row.data, profile: { ...row.data.profile, ...profile }, lastUpdated: state.clock.iso() };
  state.store.groups.replace(row, group, versionAt(state));
  record(state, options, { eventType: "group.profile.update", targets: [groupTarget(group)] });
  return group;
};

/** Deletes a group. Its members lose it and the roles that it gave them, and there are no events about that. */
export const deleteGroup = (state: OrgState, id: string, options: ChangeOptions): void => {
  const { store } = state;
  const row = requireRow(store.groups, id);
  store.removeGroup(row, versionAt(state));
  record(state, options, { eventType: "group.lifecycle.delete", targets: [groupTarget(row.data)] });
};

const membershipChanged = (
  state: OrgState,
  row: Row<OktaGroup>,
  user: OktaUser,
  eventType: string,
  options: ChangeOptions,
): void => {
  const group = { ...row.data, lastMembershipUpdated: state.clock.iso() };
  state.store.groups.replace(row, group, versionAt(state));
  record(state, options, { eventType, targets: [userTarget(user), groupTarget(group)] });
};

/** Adds a member, unless it already is one. Changes the group's lastMembershipUpdated, but no time of the user. */
export const addMember = (state: OrgState, groupId: string, userId: string, options: ChangeOptions): void => {
  const { store } = state;
  const group = requireRow(store.groups, groupId);
  const user = requireRow(store.users, userId);
  if (group.data.id === store.everyoneId) throw new RangeError("Everyone has everyone");
  if (user.data.status === "DEPROVISIONED") throw new RangeError("a DEPROVISIONED user is in no group");
  if (!store.join(group, user, versionAt(state))) return;
  membershipChanged(state, group, user.data, "group.user_membership.add", options);
};

export const removeMember = (
  state: OrgState,
  groupId: string,
  userId: string,
  options: ChangeOptions,
): void => {
  const { store } = state;
  const group = requireRow(store.groups, groupId);
  const user = requireRow(store.users, userId);
  if (!store.leave(group, user, versionAt(state))) return;
  membershipChanged(state, group, user.data, "group.user_membership.remove", options);
};
