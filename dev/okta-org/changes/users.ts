import type { OrgState } from "../org/state.ts";
import type { Row } from "../org/table.ts";
import type { OktaUser, Profile, UserStatus } from "../org/types.ts";
import { type ChangeOptions, record, requireRow, userTarget, versionAt } from "./common.ts";
import { removeMember } from "./groups.ts";
import { revokeUserRoles } from "./roles.ts";

/** Steps of a user's life cycle: the status that each leads to, and its name in the log. */
const LIFECYCLE: Record<string, { status: UserStatus; eventType: string }> = {
  suspend: { status: "SUSPENDED", eventType: "user.lifecycle.suspend" },
  unsuspend: { status: "ACTIVE", eventType: "user.lifecycle.unsuspend" },
  deactivate: { status: "DEPROVISIONED", eventType: "user.lifecycle.deactivate" },
  activate: { status: "ACTIVE", eventType: "user.lifecycle.activate" },
  reactivate: { status: "PROVISIONED", eventType: "user.lifecycle.reactivate" },
  lock: { status: "LOCKED_OUT", eventType: "user.account.lock" },
  unlock: { status: "ACTIVE", eventType: "user.account.unlock_by_admin" },
};

export const createUser = (
  state: OrgState,
  given: Partial<OktaUser> & { profile: Profile },
  options: ChangeOptions,
): OktaUser => {
  const now = state.clock.iso();
  const status = given.status ?? "ACTIVE";
  const user: OktaUser = {
    id: state.random.id("00u"),
    status,
    created: now,
    activated: status === "STAGED" ? null : now,
    statusChanged: status === "STAGED" ? null : now,
    lastLogin: null,
    lastUpdated: now,
    passwordChanged: null,
    type: { id: "oty00000000000000000" },
    ...given,
  };
  if (state.store.users.byId.has(user.id)) throw new RangeError(`the id ${user.id} is taken`);
  state.store.addUser(user, versionAt(state));
  // Users that are created by tests have exactly the factors that they are given.
  state.store.setFactors(user.id, []);
  record(state, options, { eventType: "user.lifecycle.create", targets: [userTarget(user)] });
  if (status === "ACTIVE")
    record(state, options, { eventType: "user.lifecycle.activate", targets: [userTarget(user)] });
  return user;
};

const replaceUser = (state: OrgState, row: Row<OktaUser>, change: Partial<OktaUser>): OktaUser => {
  const user = { ...row.data, ...change };
  state.store.replaceUser(row, user, versionAt(state));
  return user;
};

/** Merges a profile. Null values are kept, as in Okta. Changes lastUpdated. */
export const updateProfile = (
  state: OrgState,
  id: string,
  profile: Profile,
  options: ChangeOptions,
): OktaUser => {
  const row = requireRow(state.store.users, id);
  const change = { profile: { ...row.data.profile, ...profile }, lastUpdated: state.clock.iso() };
  const user = replaceUser(state, row, change);
  const changed = JSON.stringify(Object.keys(profile));
  record(state, options, {
    eventType: "user.account.update_profile",
    targets: [userTarget(user)],
    debugData: { changedAttributes: changed },
  });
  return user;
};

/** A step of the life cycle. Changes lastUpdated and statusChanged. */
export const changeStatus = (state: OrgState, id: string, verb: string, options: ChangeOptions): OktaUser => {
  const step = LIFECYCLE[verb];
  if (!step) throw new RangeError(`${verb} is no step of the life cycle`);
  const row = requireRow(state.store.users, id);
  const now = state.clock.iso();
  const activated = row.data.activated ?? (step.status === "ACTIVE" ? now : null);
  const user = replaceUser(state, row, {
    status: step.status,
    statusChanged: now,
    lastUpdated: now,
    activated,
  });
  record(state, options, { eventType: step.eventType, targets: [userTarget(user)] });
  if (step.status === "DEPROVISIONED") strip(state, row, options);
  return user;
};

/** A deactivated user leaves its groups and loses its own roles and its factors. */
const strip = (state: OrgState, row: Row<OktaUser>, options: ChangeOptions): void => {
  const { store } = state;
  const { id } = row.data;
  for (const seq of [...(store.groupsOf.get(id) ?? [])]) {
    const group = store.groups.bySeq(seq);
    if (group) removeMember(state, group.data.id, id, options);
  }
  if (store.userRoles.has(id)) revokeUserRoles(state, id, null, options);
  store.setFactors(id, []);
};

/** Deletes a user for good. It is deactivated first, as Okta requires. */
export const deleteUser = (state: OrgState, id: string, options: ChangeOptions): void => {
  const row = requireRow(state.store.users, id);
  if (row.data.status !== "DEPROVISIONED") changeStatus(state, id, "deactivate", options);
  const targets = [userTarget(row.data)];
  record(state, options, { eventType: "user.lifecycle.delete.initiated", targets });
  for (const [deviceId, links] of state.store.deviceLinks) {
    const device = state.store.devices.byId.get(deviceId);
    if (!device || !links.some((link) => link.userId === id)) continue;
    const name = String(device.data.profile["displayName"] ?? "");
    const target = { id: deviceId, type: "Device", alternateId: null, displayName: name };
    record(state, options, { eventType: "device.user.remove", targets: [target, ...targets] });
  }
  state.store.removeUser(row, versionAt(state));
  record(state, options, { eventType: "user.lifecycle.delete.completed", targets });
};

/** Changes only lastLogin. The user is the actor of the event, not its target. */
export const signIn = (state: OrgState, id: string, options: ChangeOptions): OktaUser => {
  const at = state.clock.now();
  // Records have whole seconds, the log has milliseconds.
  const change = { lastLogin: new Date(Math.floor(at / 1000) * 1000).toISOString() };
  const user = replaceUser(state, requireRow(state.store.users, id), change);
  record(state, options, { eventType: "user.session.start", actor: userTarget(user), at });
  return user;
};

/** Changes only passwordChanged. */
export const changePassword = (state: OrgState, id: string, options: ChangeOptions): OktaUser => {
  const user = replaceUser(state, requireRow(state.store.users, id), { passwordChanged: state.clock.iso() });
  record(state, options, { eventType: "user.account.update_password", targets: [userTarget(user)] });
  return user;
};
