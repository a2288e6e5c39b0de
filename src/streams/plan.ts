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

/**
 * The cheaper way to read memberships, and how many calls it takes. A group of unknown size counts as one page.
 * @param active the number of users that are not DEPROVISIONED; if it is null (unknown) or 0, memberships are read
 *   per group
 */
export const planMemberships = (
  groups: readonly GroupSize[],
  active: number | null,
): { mode: MembershipMode; calls: number } => {
  const perGroup = groups.reduce((sum, group) => sum + pages(group.usersCount ?? 1, PAGE.members), 0);
  if (active !== null && active > 0 && active < perGroup) return { mode: "per_user", calls: active };
  return { mode: "per_group", calls: perGroup };
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
