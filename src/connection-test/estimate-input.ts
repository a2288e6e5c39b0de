/** Probes → the numbers that the estimate is made of. Pure. */
import type { Bucket } from "../okta/endpoints.ts";
import { type OktaGroup, parseAll, parseGroup } from "../okta/records.ts";
import type { Capability } from "./document.ts";
import type { Counted, EstimateInput } from "./estimate.ts";
import type { Probe } from "./probe.ts";

/** What the calls of a test showed, each under what it was made for. */
export type Probes = Partial<Record<Capability | "everyone" | "moreGroups", Probe>>;

/** What an inventory holds already; null when there is none. */
export interface KnownAssets {
  readonly users: number | null;
  readonly devices: number | null;
}

const listIn = (probe: Probe | undefined): readonly unknown[] | null => {
  if (probe === undefined || probe.error !== null) return null;
  const { body } = probe;
  if (Array.isArray(body)) return body;
  const value: unknown = typeof body === "object" && body !== null ? Reflect.get(body, "value") : null;
  return Array.isArray(value) ? value : null;
};

/** The assignees' list pages in its body. */
const nextInBody = (body: unknown): boolean => {
  const links: unknown = typeof body === "object" && body !== null ? Reflect.get(body, "_links") : null;
  return typeof links === "object" && links !== null && "next" in links;
};

const counted = (probe: Probe | undefined): Counted | null => {
  const list = listIn(probe);
  if (probe === undefined || list === null) return null;
  return { count: list.length, complete: !probe.hasNext && !nextInBody(probe.body) };
};

const isEveryone = ({ type, name }: OktaGroup): boolean => type === "BUILT_IN" && name === "Everyone";

const groupsIn = (probe: Probe | undefined): OktaGroup[] => parseAll(listIn(probe) ?? [], parseGroup).records;

/** Okta's numbers are of a minute; a concurrency refusal's 0 is none. */
const limitsOf = (probes: Probes): EstimateInput["limits"] => {
  const limits: Partial<Record<Bucket, number>> = {};
  for (const { bucket, rateLimit } of Object.values(probes)) {
    if (rateLimit !== null && rateLimit.limit > 0) limits[bucket] = rateLimit.limit;
  }
  return limits;
};

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
