/** What full runs cost, worked out from an org's dump. */
import type { OrgDump } from "./expected.ts";

const isEveryone = (group: OrgDump["groups"][number]): boolean =>
  group.type === "BUILT_IN" && group.profile["name"] === "Everyone";

const pages = (count: number, perPage: number): number => Math.ceil(count / perPage);

/** The counts that every formula is made of. */
export const sizesOf = (dump: OrgDump) => {
  return {
    users: dump.users.length,
    /** Not DEPROVISIONED. */
    present: dump.users.filter(({ status }) => status !== "DEPROVISIONED").length,
    groups: dump.groups.length,
    memberPages: dump.groups
      .filter((group) => !isEveryone(group))
      .reduce((sum, { usersCount }) => sum + pages(usersCount, 1000), 0),
    /** The people whom the list of assignees names: those with a role of their own. */
    listed: dump.users.filter(({ roles }) => roles.some(({ assignmentType }) => assignmentType === "USER"))
      .length,
    /** The people with a role, their own or through a group, whom some orgs' lists name. */
    admins: dump.users.filter(({ roles }) => roles.length > 0).length,
    groupsWithRoles: dump.groups.filter(({ roles }) => roles.length > 0).length,
    devices: dump.devices.length,
    /** Sum over people of the groups they are in, Everyone included. */
    memberships: dump.users.reduce((sum, { groups }) => sum + groups.length, 0),
  };
};

/**
 * The most calls that a first full run of the users may take.
 * @param listsInherited whether the org's list of assignees names people with roles through groups as well
 */
export const usersFormula = (dump: OrgDump, listsInherited = false): number => {
  const { users, present, groups, memberPages, groupsWithRoles, ...sizes } = sizesOf(dump);
  const listed = listsInherited ? sizes.admins : sizes.listed;
  const calls =
    pages(users, 200) +
    pages(groups, 200) +
    Math.min(memberPages, present) +
    pages(listed, 100) +
    listed +
    groupsWithRoles +
    present;
  return Math.floor(calls * 1.02) + 10;
};

/** The most calls that a full run of the devices may take. */
export const devicesFormula = (dump: OrgDump): number => pages(dump.devices.length, 200) + 5;

/**
 * The published Sekoia.io connectors: the list, per user its groups, factors and roles, and per user and group
 * the group's roles; the list of devices.
 */
export const sekoiaCalls = (dump: OrgDump): number => {
  const { users, memberships, devices } = sizesOf(dump);
  return pages(users, 200) + 3 * users + memberships + pages(devices, 200);
};

/**
 * Cartography: the list of users, per user factors and roles; the list of groups, per group its members 200 a
 * page and its roles; the list of devices.
 */
export const cartographyCalls = (dump: OrgDump): number => {
  const { users, groups, devices } = sizesOf(dump);
  const members = dump.groups.reduce((sum, { usersCount }) => sum + Math.max(1, pages(usersCount, 200)), 0);
  return pages(users, 200) + 2 * users + pages(groups, 200) + members + groups + pages(devices, 200);
};
