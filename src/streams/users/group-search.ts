/** Finding the groups that have changed, and those whose members have. */
import type { Inventory } from "../../inventory/inventory.ts";
import { believable } from "../../inventory/precedence.ts";
import { SAME_CHANGE_MS } from "../../inventory/stale.ts";
import { type OktaGroup, parseAll, parseGroup } from "../../okta/records.ts";
import type { FoundBySearch, ReadList, Search } from "../definition.ts";
import { PAGE } from "../plan.ts";

const read: ReadList = (api, request) => api.groups(request);

const queryOf = (search: string) => ({ search, limit: String(PAGE.groups), expand: "stats" });

const file = (inventory: Inventory, records: readonly unknown[], found: FoundBySearch): number => {
  for (const group of parseAll(records, parseGroup).records) fileGroup(inventory, group, found);
  return 0;
};

/** For orgs that refuse to search groups by `lastUpdated`. */
const membershipSearch: Search = {
  name: "memberships",
  read,
  query: (from) => queryOf(`lastMembershipUpdated gt "${from}"`),
  file,
};

/** Finds groups whose record or members have changed. */
export const groupSearch: Search = {
  name: "groups",
  read,
  query: (from) => queryOf(`lastMembershipUpdated gt "${from}" or lastUpdated gt "${from}"`),
  file,
  otherwise: membershipSearch,
};

/**
 * Files a changed group. Its members are queued to be listed again, unless the log has already reported the change or
 * they have been listed since.
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
  const knownAt = Math.max(
    memberships.newestEventOf(group.id) + SAME_CHANGE_MS,
    groups.membersReadUntil(group.id),
    meta.get("groups")?.at ?? 0,
  );
  if (changedAt > knownAt) stale.add("members", group.id, "search", changedAt);
};
