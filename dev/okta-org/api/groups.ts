import { type Row, sortedIndex } from "../org/table.ts";
import type { OktaGroup, OktaUser } from "../org/types.ts";
import { type Call, type Endpoint, jsonText, limitOf, listResponse, withMembers } from "./call.ts";
import { readCursor } from "./cursor.ts";
import { OktaError } from "./errors.ts";
import { type Listing, listTable } from "./listing.ts";
import { renderGroup, renderUser, rolesResponse } from "./render.ts";

const LISTING: Listing<OktaGroup> = {
  plain: () => true,
  search: {
    attribute: (name) => /^(id|type|created|lastUpdated|lastMembershipUpdated|profile\.\w+)$/.test(name),
  },
  filter: { attribute: (name) => /^(id|type|lastUpdated|lastMembershipUpdated)$/.test(name) },
  q: (group, text) =>
    String(group.profile["name"] ?? "")
      .toLowerCase()
      .startsWith(text.toLowerCase()),
  limit: 200,
  max: 10_000,
};

const stats = (call: Call, group: OktaGroup): string => {
  const { store } = call.state;
  const roles = store.groupRoles.get(group.id) ?? [];
  // The attribute's spelling is Okta's.
  const text = JSON.stringify({
    usersCount: store.usersCount(group),
    appsCount: 0,
    groupPushMappingsCount: 0,
    hasAdminPrivlege: roles.length > 0,
  });
  return `"_embedded":{"stats":${text}}`;
};

const findGroup = (call: Call): Row<OktaGroup> => {
  const row = call.state.store.groups.byId.get(call.param("id"));
  if (!row) throw new OktaError("E0000007", `Resource not found: ${call.param("id")} (UserGroup)`);
  return row;
};

const listGroups = (call: Call): Response => {
  const page = listTable(call, call.state.store.groups, LISTING);
  const expanded = (call.url.searchParams.get("expand") ?? "").split(",").includes("stats");
  const texts = page.hits.map((hit) => {
    const text = renderGroup(call, hit);
    return expanded ? withMembers(text, stats(call, hit.data)) : text;
  });
  return listResponse(call, texts, page.position, page.limit);
};

const getGroup = (call: Call): Response => {
  const row = findGroup(call);
  return jsonText(renderGroup(call, { row, data: row.data }));
};

const listMembers = (call: Call): Response => {
  const { store, cursorKey } = call.state;
  const group = findGroup(call).data;
  const limit = limitOf(call, 1000, 1000);
  const cursor = readCursor(cursorKey, call.url);
  const after = typeof cursor === "number" ? cursor : 0;
  const rows: Row<OktaUser>[] = [];
  if (group.id === store.everyoneId) {
    for (let i = store.users.indexAfter(after); i < store.users.rows.length && rows.length <= limit; i++) {
      const row = store.users.rows[i];
      if (row && store.inEveryone(row.data)) rows.push(row);
    }
  } else {
    const members = store.members.get(group.id) ?? [];
    const start = sortedIndex(members, after + 1);
    for (const seq of members.slice(start, start + limit + 1)) {
      const row = store.users.bySeq(seq);
      if (row) rows.push(row);
    }
  }
  const page = rows.slice(0, limit);
  const last = page.at(-1);
  const texts = page.map((row) => renderUser(call, { row, data: row.data }));
  return listResponse(call, texts, last && rows.length > limit ? last.seq : null, limit);
};

const listGroupRoles = (call: Call): Response => {
  const group = findGroup(call).data;
  return rolesResponse(
    call.state.store.groupRoles.get(group.id) ?? [],
    `${call.origin}/api/v1/groups/${group.id}`,
  );
};

const GROUPS = { bucket: "/api/v1/groups", scope: "okta.groups.read" } as const;

export const groupEndpoints: Endpoint[] = [
  {
    ...GROUPS,
    path: "/api/v1/groups",
    resource: "groups",
    list: true,
    duplicated: true,
    defaultLimit: 200,
    handle: listGroups,
  },
  {
    ...GROUPS,
    path: "/api/v1/groups/{id}",
    bucket: "/api/v1/groups/{id}",
    resource: "groups",
    handle: getGroup,
  },
  {
    ...GROUPS,
    path: "/api/v1/groups/{id}/users",
    resource: "members",
    list: true,
    defaultLimit: 1000,
    handle: listMembers,
  },
  {
    ...GROUPS,
    path: "/api/v1/groups/{id}/roles",
    scope: "okta.roles.read",
    resource: "groupRoles",
    handle: listGroupRoles,
  },
];
