/** What a first full run of both streams will cost, from what the test has read anyway. Pure. */
import type { Bucket } from "../okta/endpoints.ts";
import { PAGE, planMemberships, predictDevices, predictUsers } from "../streams/plan.ts";
import type { ConnectionTest } from "./document.ts";

/** The length of a list's first page; `complete` when there is no other. */
export interface Counted {
  readonly count: number;
  readonly complete: boolean;
}

export interface EstimateInput {
  /** Members of Everyone, or what an inventory knows; null when nobody knows. */
  readonly users: number | null;
  /** Null when groups may not be read: then they cost next to nothing. */
  readonly groups:
    | (Counted & { readonly sizes: readonly (number | null)[]; readonly withRoles: number })
    | null;
  readonly admins: Counted | null;
  /** `known` is what an inventory holds. */
  readonly devices: (Counted & { readonly known: number | null }) | null;
  /** Whether factors may be read; they are most of a first run's calls. */
  readonly factors: boolean;
  /** Calls per minute for all applications together, by bucket, as the answers said. */
  readonly limits: Partial<Record<Bucket, number>>;
  /** The most of a bucket that we take. */
  readonly share: number;
}

const pages = (count: number, perPage: number): number => Math.max(1, Math.ceil(count / perPage));

/** Whole minutes for these calls by bucket: the slowest bucket decides, the others run beside it. */
const minutesFor = (
  calls: Readonly<Partial<Record<Bucket, number>>>,
  limits: EstimateInput["limits"],
  share: number,
): number | null => {
  // Without the limit of the bucket that most calls drain there is no basis for a number.
  if (limits["/api/v1/users"] === undefined) return null;
  const minutes = Object.entries(limits).map(([bucket, limit]) => {
    const wanted = Object.entries(calls).find(([name]) => name === bucket)?.[1] ?? 0;
    return wanted / Math.max(1, Math.floor(limit * share));
  });
  return Math.max(1, Math.ceil(Math.max(...minutes)));
};

/**
 * Estimates assets, calls and minutes; null where the test cannot tell. When there are more groups than the test
 * has seen, it assumes that memberships are read user by user, which is the most that they can cost. When there are
 * more devices than fit on the first page, it assumes as many as there are users.
 */
export const estimate = (input: EstimateInput): ConnectionTest["estimate"] => {
  const { users, groups, admins, devices, factors, limits, share } = input;
  const deviceCount = devices === null ? null : devices.complete ? devices.count : (devices.known ?? null);
  if (users === null) return { users, devices: deviceCount, calls: null, minutes: null };

  const sizes = groups?.sizes ?? [];
  const plan = planMemberships(
    sizes.map((usersCount, index) => ({ id: String(index), usersCount, givesRoles: false })),
    users,
    false,
  );
  const memberships = groups === null || groups.complete ? plan : { mode: "per_user" as const, calls: users };
  const userCalls = predictUsers({
    users,
    active: users,
    groups: groups?.count ?? 0,
    membershipCalls: memberships.calls,
    admins: admins?.count ?? 0,
    groupsWithRoles: groups?.withRoles ?? 0,
    factors: factors ? users : 0,
  });
  const deviceCalls = devices === null ? 1 : predictDevices(deviceCount ?? Math.max(users, devices.count));
  const perUser = memberships.mode === "per_user" ? memberships.calls : 0;
  const perGroup = memberships.mode === "per_group" ? memberships.calls : 0;
  const minutes = minutesFor(
    {
      "/api/v1/users": pages(users, PAGE.users) + (factors ? users : 0),
      "/api/v1/groups": pages(groups?.count ?? 0, PAGE.groups) + perGroup + (groups?.withRoles ?? 0),
      "/api/v1": pages(admins?.count ?? 0, PAGE.assignees) + (admins?.count ?? 0) + perUser,
      "/api/v1/devices": deviceCalls,
    },
    limits,
    share,
  );
  return { users, devices: deviceCount, calls: userCalls + deviceCalls, minutes };
};
