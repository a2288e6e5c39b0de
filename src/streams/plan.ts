/**
 * Plans a full run: how it reads memberships, and how many calls it needs. Pure. The rules follow from what calls to
 * Okta return: see `PAGE`, and one call per user for factors, groups or roles.
 */
import type { GroupSize } from "../inventory/groups.ts";

/** Entries per page that we request: the most that Okta gives, or advises for groups. */
export const PAGE = {
  users: 200,
  groups: 200,
  members: 1000,
  assignees: 100,
  devices: 200,
  logs: 1000,
} as const;

/** How memberships are read: by listing the members of each group, or the groups of each user. */
export type MembershipMode = "per_group" | "per_user";

/** What a full run of the users stream is expected to read. All are counts. */
export interface UsersEstimate {
  /** All users, including DEPROVISIONED ones. */
  readonly users: number;
  /** The users that are not DEPROVISIONED. */
  readonly active: number;
  readonly groups: number;
  readonly membershipCalls: number;
  readonly admins: number;
  readonly groupsWithRoles: number;
  /** The users whose factors will be read. */
  readonly factors: number;
}

const pages = (count: number, perPage: number): number => Math.max(1, Math.ceil(count / perPage));

const memberPages = (groups: readonly GroupSize[]): number =>
  groups.reduce((sum, { usersCount }) => sum + pages(usersCount ?? 1, PAGE.members), 0);

/**
 * The part of the calls for all users' groups, and how many besides, that may be spent on knowing administrators first.
 * The groups of so few users are read within a minute anyway.
 */
const EARLY = { part: 0.02, calls: 4, users: 200 };

/**
 * The groups whose members are listed before the groups of all users are read one by one: those that give roles, as many
 * as a few calls suffice for. Without them, administrators by group would be known only hours later in a large org.
 * @param groups in order of id
 * @param active as in `planMemberships`
 */
export const earlyGroups = (groups: readonly GroupSize[], active: number): readonly GroupSize[] => {
  if (active <= EARLY.users) return [];
  let left = Math.floor(active * EARLY.part) + EARLY.calls;
  return groups.filter((group) => {
    const calls = memberPages([group]);
    if (!group.givesRoles || calls > left) return false;
    left -= calls;
    return true;
  });
};

/**
 * The cheaper way to read memberships, and how many calls it takes. A group of unknown size counts as one page.
 * @param groups in order of id
 * @param active the number of users that are not DEPROVISIONED; if it is null (unknown) or 0, memberships are read
 *   per group
 * @param isFirst whether memberships were never read completely before: then `earlyGroups` are listed in any case
 */
export const planMemberships = (
  groups: readonly GroupSize[],
  active: number | null,
  isFirst: boolean,
): { mode: MembershipMode; calls: number } => {
  const perGroup = memberPages(groups);
  if (active === null || active <= 0 || active >= perGroup) return { mode: "per_group", calls: perGroup };
  return { mode: "per_user", calls: active + (isFirst ? memberPages(earlyGroups(groups, active)) : 0) };
};

/**
 * How many calls a full run of the users stream makes, not counting the log, refetches, deletions and second tries.
 */
export const predictUsers = (estimate: UsersEstimate): number =>
  pages(estimate.users, PAGE.users) +
  pages(estimate.groups, PAGE.groups) +
  estimate.membershipCalls +
  pages(estimate.admins, PAGE.assignees) +
  estimate.admins +
  estimate.groupsWithRoles +
  estimate.factors;

/** How many calls a full run of the devices stream makes for its list. @param devices how many devices there are */
export const predictDevices = (devices: number): number => pages(devices, PAGE.devices);
