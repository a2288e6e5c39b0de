/** Finding the groups that have changed, and those whose members have. */
import type { Inventory } from "../../inventory/inventory.ts";
import { believable } from "../../inventory/precedence.ts";
import { SAME_CHANGE_MS } from "../../inventory/stale-kinds.ts";
import { type OktaGroup, parseAll, parseGroup } from "../../okta/records.ts";
import type { FoundBySearch, ReadList, Search } from "../definition.ts";
import { PAGE } from "../plan.ts";

const read: ReadList = (api, request) => api.groups(request);

const either = (from: string): string => `lastMembershipUpdated gt "${from}" or lastUpdated gt "${from}"`;

const file = (inventory: Inventory, records: readonly unknown[], found: FoundBySearch): number => {
  for (const group of parseAll(records, parseGroup).records) fileGroup(inventory, group, found);
  return 0;
};

const searchBy = (
  name: string,
  by: "search" | "filter",
  condition: (from: string) => string,
  otherwise?: Search,
): Search => ({
  name,
  read,
  query: (from) => ({ [by]: condition(from), limit: String(PAGE.groups), expand: "stats" }),
  file,
  ...(otherwise && { otherwise }),
});

/** For orgs that refuse to search groups by `lastUpdated`, and to filter them. */
const membershipSearch = searchBy("memberships", "search", (from) => `lastMembershipUpdated gt "${from}"`);

/** For orgs that refuse to search groups by these times: Okta's API description has them for `filter` as well. */
const groupFilter = searchBy("groups/filter", "filter", either, membershipSearch);

/** Finds groups whose record or members have changed. */
export const groupSearch: Search = searchBy("groups", "search", either, groupFilter);

/**
 * Files a changed group. Its members are queued to be listed again, unless the log has already reported the change or
 * they have been listed since. A change beside one that the log has told shows only in their number.
 */
const fileGroup = (inventory: Inventory, group: OktaGroup, { now, listedAt }: FoundBySearch): void => {
  const { groups, memberships, stale, meta } = inventory;
  const before = groups.hasRoles(group.id);
  if (groups.file(group, { listedAt, now }) === "doubted") {
    stale.add("group", group.id, "search", now);
    return;
  }
  stale.doneUntil("group", group.id, group.lastUpdated, now);
  if (before !== groups.hasRoles(group.id)) stale.add("group_roles", group.id, "search", now);
  if (group.id === groups.everyoneId() || group.lastMembershipUpdated === null) return;
  const changedAt = believable(group.lastMembershipUpdated, now);
  const readUntil = Math.max(groups.membersReadUntil(group.id), meta.get("groups")?.at ?? 0);
  if (!(changedAt > readUntil)) return;
  const isTold = changedAt <= memberships.newestEventOf(group.id) + SAME_CHANGE_MS;
  const count = group.stats?.usersCount ?? null;
  if (isTold && (count === null || count === memberships.countOf(group.id))) return;
  stale.add("members", group.id, "search", changedAt);
};
