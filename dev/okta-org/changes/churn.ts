import type { Random } from "../org/random.ts";
import type { OrgState } from "../org/state.ts";
import type { Table } from "../org/table.ts";
import { drawAuthor } from "./authors.ts";
import type { ChangeOptions } from "./common.ts";
import * as devices from "./devices.ts";
import * as factors from "./factors.ts";
import * as groups from "./groups.ts";
import * as roles from "./roles.ts";
import * as users from "./users.ts";

const idIn = <T extends { id: string }>(
  table: Table<T>,
  random: Random,
  wanted: (data: T) => boolean,
): string | null => {
  const rows = table.rows.filter((row) => wanted(row.data));
  return rows[random.int(Math.max(1, rows.length))]?.data.id ?? null;
};

/** Random changes by name; each gets a living user, an ordinary group and a device, and a number for names. */
const CHANGES = {
  "create user": ({ state, n, options }) => {
    users.createUser(
      state,
      { profile: { login: `new${n}@example.com`, email: `new${n}@example.com` } },
      options,
    );
  },
  "update profile": ({ state, user, n, options }) =>
    users.updateProfile(state, user, { title: `Title ${n}` }, options),
  suspend: ({ state, user, options }) => users.changeStatus(state, user, "suspend", options),
  unsuspend: ({ state, user, options }) => users.changeStatus(state, user, "unsuspend", options),
  deactivate: ({ state, user, options }) => users.changeStatus(state, user, "deactivate", options),
  "delete user": ({ state, user, options }) => users.deleteUser(state, user, options),
  "sign in": ({ state, user, options }) => users.signIn(state, user, options),
  "change password": ({ state, user, options }) => users.changePassword(state, user, options),
  "add member": ({ state, group, user, options }) => groups.addMember(state, group, user, options),
  "remove member": ({ state, group, user, options }) => groups.removeMember(state, group, user, options),
  "create group": ({ state, n, options }) =>
    groups.createGroup(state, { profile: { name: `New ${n}`, description: null } }, options),
  "rename group": ({ state, group, n, options }) =>
    groups.updateGroup(state, group, { name: `Renamed ${n}` }, options),
  "delete group": ({ state, group, options }) => groups.deleteGroup(state, group, options),
  "enrol factor": ({ state, user, options }) =>
    factors.enrolFactor(state, user, { factorType: "push", provider: "OKTA", status: "ACTIVE" }, options),
  "reset factors": ({ state, user, options }) => factors.resetFactors(state, user, null, options),
  "grant role": ({ state, user, options }) =>
    roles.grantUserRole(state, user, { type: "APP_ADMIN", status: "ACTIVE" }, options),
  "revoke roles": ({ state, user, options }) => roles.revokeUserRoles(state, user, null, options),
  "grant group role": ({ state, group, options }) =>
    roles.grantGroupRole(state, group, { type: "USER_ADMIN", status: "ACTIVE" }, options),
  "revoke group roles": ({ state, group, options }) => roles.revokeGroupRoles(state, group, null, options),
  "update device": ({ state, device, n }) => devices.updateDevice(state, device, { osVersion: `1.${n}` }),
  "suspend device": ({ state, device, options }) =>
    devices.changeDeviceStatus(state, device, "suspend", options),
  "delete device": ({ state, device, options }) => devices.deleteDevice(state, device, options),
  "create device": ({ state, user, n, options }) => {
    const profile = { displayName: `NEW-${n}`, platform: "MACOS", registered: true };
    const { id } = devices.createDevice(state, { profile }, options);
    devices.linkUser(state, id, { userId: user, managementStatus: "MANAGED", screenLockType: null }, options);
  },
  "unlink user": ({ state, device, user, options }) => devices.unlinkUser(state, device, user, options),
} satisfies Record<string, (scene: Scene) => unknown>;

/** What people also do for themselves. Everything else is done by administrators and by Okta. */
const OWN_DOING: ReadonlySet<string> = new Set([
  "update profile",
  "change password",
  "enrol factor",
  "create device",
  "unlink user",
]);

interface Scene {
  state: OrgState;
  user: string;
  group: string;
  device: string;
  n: number;
  options: ChangeOptions;
}

/**
 * Makes random changes that an org of people would make, from the org's own seed, as random authors.
 *
 * @param options an actor or an IP address in it takes the place of the random ones
 * @returns What was done to whom; a change that found nobody to change is left out
 */
export const churn = (state: OrgState, count: number, options: ChangeOptions): string[] => {
  const { store, random } = state;
  const names = Object.keys(CHANGES);
  const done: string[] = [];
  for (let i = 0; i < count; i++) {
    const name = names[random.int(names.length)] ?? "";
    // The token's owner stays: an org whose only credential is gone cannot be read.
    const owner = store.users.rows[0]?.data.id;
    const user = idIn(store.users, random, (u) => u.status !== "DEPROVISIONED" && u.id !== owner);
    const group = idIn(store.groups, random, (g) => g.type !== "BUILT_IN");
    const device = idIn(store.devices, random, () => true);
    if (user === null || group === null || device === null) continue;
    const change: ((scene: Scene) => unknown) | undefined = Reflect.get(CHANGES, name);
    const author = { ...drawAuthor(state, user, OWN_DOING.has(name)), ...options.author };
    change?.({ state, user, group, device, n: random.int(1e9), options: { ...options, author } });
    done.push(`${name}: ${user} ${group} ${device}`);
  }
  return done;
};
