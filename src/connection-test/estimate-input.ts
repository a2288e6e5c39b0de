/** Probes → the numbers that the estimate is made of. Pure. */
import type { Page } from "../okta/api.ts";
import type { Bucket } from "../okta/endpoints.ts";
import { type OktaGroup, parseAll, parseGroup } from "../okta/records.ts";
import type { Capability } from "./document.ts";
import type { Counted, EstimateInput } from "./estimate.ts";
import type { Probe } from "./probe.ts";

/** What the calls of a test found, each under what it was made for. */
export type Probes = Partial<Record<Capability | "everyone" | "moreGroups", Probe<Page>>>;

/** What an inventory holds already; null when there is none. */
export interface KnownAssets {
  readonly users: number | null;
  readonly devices: number | null;
}

const counted = (probe: Probe<Page> | undefined): Counted | null => {
  const page = probe?.value ?? null;
  return page && { count: page.records.length, complete: page.next === null };
};

const isEveryone = ({ type, name }: OktaGroup): boolean => type === "BUILT_IN" && name === "Everyone";

const groupsIn = (probe: Probe<Page> | undefined): OktaGroup[] =>
  parseAll(probe?.value?.records ?? [], parseGroup).records;

/** Okta's limits are per minute; the 0 of a concurrency refusal is none. */
const limitsOf = (probes: Probes): EstimateInput["limits"] => {
  const limits: Partial<Record<Bucket, number>> = {};
  for (const { rateLimit } of Object.values(probes)) {
    if (rateLimit !== null && rateLimit.limit > 0) limits[rateLimit.bucket] = rateLimit.limit;
  }
  return limits;
};

/** @param share the most of a bucket that we take, 0 < share ≤ 1 */
export const estimateInput = (probes: Probes, known: KnownAssets, share: number): EstimateInput => {
  const seen = groupsIn(probes.groups);
  const everyone = [...seen, ...groupsIn(probes.everyone)].find(isEveryone);
  // Everyone is not read, and neither is a group that says it is empty.
  const read = seen.filter((group) => !isEveryone(group) && group.stats?.usersCount !== 0);
  const firstPage = counted(probes.groups);
  const longPage = counted(probes.moreGroups);
  const total = longPage ?? firstPage;
  const unseen = Math.max(0, (total?.count ?? 0) - seen.length);
  const devices = counted(probes.devices);
  return {
    users: everyone?.stats?.usersCount ?? known.users,
    groups: firstPage &&
      total && {
        ...total,
        sizes: [...read.map(({ stats }) => stats?.usersCount ?? null), ...new Array<null>(unseen).fill(null)],
        withRoles: seen.filter(({ stats }) => stats?.hasAdminPrivilege === true).length,
      },
    admins: counted(probes.roles),
    devices: devices && { ...devices, known: known.devices },
    factors: probes.factors?.error === null,
    limits: limitsOf(probes),
    share,
  };
};
