import type { OrgOptions } from "../options.ts";
import { createRandom } from "../org/random.ts";
import { Store } from "../org/store.ts";
import { generateDevice, generateLinks } from "./devices.ts";
import { generateFactors } from "./factors.ts";
import { generateGroups, sample } from "./groups.ts";
import { makeRole, randomRole } from "./roles.ts";
import { generateUsers } from "./users.ts";

/**
 * Makes the org of a seed: people, groups and who is in them, roles, devices. Factors follow on first use.
 *
 * @param options Sizes and seed; read again later for the options that may change at run time
 */
export const generateOrg = (options: OrgOptions): Store => {
  const { seed } = options;
  const epoch = Date.parse(options.epoch);
  const ids = createRandom(seed, "org");
  const ownId = ids.id("00o");
  const store = new Store({
    orgId: options.orgId ?? ownId,
    everyoneIncludesDeprovisioned: () => options.everyoneIncludesDeprovisioned,
    generateFactors: (user) => generateFactors(seed, user),
  });
  for (const user of generateUsers(createRandom(seed, "users"), options.users, epoch, ids.id("oty"))) {
    store.addUser(user);
  }
  fillGroups(store, options, epoch);
  fillRoles(store, options, epoch);
  const random = createRandom(seed, "devices");
  const userIds = store.users.rows.map((row) => row.data.id);
  for (let index = 0; index < options.devices; index++) {
    const row = store.devices.insert(generateDevice(random, index, epoch));
    store.setDeviceLinks(row.data.id, generateLinks(random, row.data, userIds));
  }
  return store;
};

const fillGroups = (store: Store, options: OrgOptions, epoch: number): void => {
  const random = createRandom(options.seed, "groups");
  const present = store.users.rows.filter((row) => row.data.status !== "DEPROVISIONED");
  const eligible = present.map((row) => row.seq);
  for (const { group, size } of generateGroups(random, options.groups, eligible.length, epoch)) {
    const row = store.groups.insert(group);
    if (group.type === "BUILT_IN") {
      store.everyoneId = group.id;
      continue;
    }
    const members = sample(random, eligible, size);
    store.members.set(group.id, members);
    for (const seq of members) {
      const user = store.users.bySeq(seq)?.data;
      if (user === undefined) continue;
      const groups = store.groupsOf.get(user.id);
      if (groups) groups.push(row.seq);
      else store.groupsOf.set(user.id, [row.seq]);
    }
  }
};

const fillRoles = (store: Store, options: OrgOptions, epoch: number): void => {
  const random = createRandom(options.seed, "roles");
  const owner = store.users.rows[0]?.data;
  if (owner) store.userRoles.set(owner.id, [makeRole(random, "SUPER_ADMIN", owner.created, "USER")]);
  const admins = Math.ceil(options.users / 200);
  for (let i = 0; i < admins && store.users.rows.length > 1; i++) {
    const user = store.users.rows[1 + random.int(store.users.rows.length - 1)]?.data;
    if (user === undefined || user.status === "DEPROVISIONED" || store.userRoles.has(user.id)) continue;
    const count = random.chance(0.2) ? 2 : 1;
    const roles = Array.from({ length: count }, () => randomRole(random, epoch, "USER"));
    store.userRoles.set(user.id, roles);
  }
  // Groups that make their members administrators are small ones.
  const small = store.groups.rows.filter((row) => {
    const size = store.members.get(row.data.id)?.length ?? 0;
    return row.data.type === "OKTA_GROUP" && size > 0 && size <= 50;
  });
  const wanted = small.length === 0 ? 0 : Math.min(small.length, 2 + Math.floor(options.groups / 50));
  for (const row of random.shuffle(small).slice(0, wanted)) {
    store.groupRoles.set(row.data.id, [randomRole(random, epoch, "GROUP")]);
  }
};
