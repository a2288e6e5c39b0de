/** Which groups, and whose members, have changed. */
import type { Inventory } from "../../inventory/inventory.ts";
import { SAME_CHANGE_MS } from "../../inventory/stale.ts";
import { type OktaGroup, parseAll, parseGroup } from "../../okta/records.ts";
import type { FoundBySearch, ReadList, Search } from "../definition.ts";
import { PAGE } from "../plan.ts";

const read: ReadList = (api, request) => api.groups(request);

const queryOf = (search: string) => ({ search, limit: String(PAGE.groups), expand: "stats" });

const file = (inventory: Inventory, records: readonly unknown[], { runStartedAt }: FoundBySearch): number => {
  for (const group of parseAll(records, parseGroup).records) fileGroup(inventory, group, runStartedAt);
  return 0;
};

/** Some orgs do not take the search of groups by `lastUpdated`. */
const membershipSearch: Search = {
  name: "memberships",
  read,
  query: (from) => queryOf(`lastMembershipUpdated gt "${from}"`),
  file,
};

export const groupSearch: Search = {
  name: "groups",
  read,
  query: (from) => queryOf(`lastMembershipUpdated gt "${from}" or lastUpdated gt "${from}"`),
  file,
  otherwise: membershipSearch,
};

/** A changed group: its record is at hand; its members are listed again unless the log has reported the change. */
const fileGroup = (inventory: Inventory, group: OktaGroup, runStartedAt: number): void => {
  const { groups, memberships, stale, meta } = inventory;
  const before = groups.hasRoles(group.id);
  groups.file(group);
  if (group.lastUpdated !== null) stale.doneUntil("group", group.id, Date.parse(group.lastUpdated));
  if (before !== groups.hasRoles(group.id)) stale.add("group_roles", group.id, "search", runStartedAt);
  if (group.id === groups.everyoneId() || group.lastMembershipUpdated === null) return;
  const changedAt = Date.parse(group.lastMembershipUpdated);
  const knownAt = Math.max(
    memberships.newestEventOf(group.id) + SAME_CHANGE_MS,
    groups.membersReadUntil(group.id),
    meta.get("groups")?.at ?? 0,
  );
  if (changedAt > knownAt) stale.add("members", group.id, "search", changedAt);
};
