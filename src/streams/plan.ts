/**
 * The planner: which calls a full run needs, and how many. Pure. The rules come from what Okta's lists cost:
 * 200 users, groups or devices a page, 1,000 members a page, 100 role assignees a page, one call for one user's
 * factors, groups or roles.
 */
import type { GroupSize } from "../inventory/groups.ts";

export const PAGE = {
  users: 200,
  groups: 200,
  members: 1000,
  assignees: 100,
  devices: 200,
  logs: 1000,
} as const;

/** How the memberships are read: a listing per group, or the groups of each user. */
export type MembershipMode = "per_group" | "per_user";

export interface UsersEstimate {
  /** All users, DEPROVISIONED included. */
  readonly users: number;
  /** Of them, those that are not DEPROVISIONED. */
  readonly active: number;
  readonly groups: number;
  readonly membershipCalls: number;
  readonly admins: number;
  readonly groupsWithRoles: number;
  /** Users whose factors will be read. */
  readonly factors: number;
}

const pages = (count: number, perPage: number): number => Math.max(1, Math.ceil(count / perPage));

/**
 * The cheaper way to read memberships. A group whose size is unknown counts as one page. With no idea of the
 * number of users (`active` null) the groups decide.
 */
export const planMemberships = (
  groups: readonly GroupSize[],
  active: number | null,
): { mode: MembershipMode; calls: number } => {
  const perGroup = groups.reduce((sum, group) => sum + pages(group.usersCount ?? 1, PAGE.members), 0);
  if (active !== null && active > 0 && active < perGroup) return { mode: "per_user", calls: active };
  return { mode: "per_group", calls: perGroup };
};

/** Calls of a full run of the users stream. */
export const predictUsers = (estimate: UsersEstimate): number =>
  pages(estimate.users, PAGE.users) +
  pages(estimate.groups, PAGE.groups) +
  estimate.membershipCalls +
  pages(estimate.admins, PAGE.assignees) +
  estimate.admins +
  estimate.groupsWithRoles +
  estimate.factors;

/** Calls of a full run of the devices stream. */
export const predictDevices = (devices: number): number => pages(devices, PAGE.devices);
