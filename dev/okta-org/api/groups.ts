import type { Row } from "../org/table.ts";
import type { OktaGroup } from "../org/types.ts";
import type { View } from "../org/view.ts";
import { type Call, type Endpoint, jsonText, limitOf, listResponse, withMembers } from "./call.ts";
import { readCursor } from "./cursor.ts";
import { OktaError } from "./errors.ts";
import { type Listing, listTable, viewOf } from "./listing.ts";
import { linkedRoles, renderGroup, renderUser } from "./render.ts";

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

const stats = (view: View, group: OktaGroup): string => {
  // The attribute's spelling is Okta's.
  const text = JSON.stringify({
    usersCount: view.usersCount(group),
    appsCount: 0,
    groupPushMappingsCount: 0,
    hasAdminPrivlege: view.groupRoles(group.id).length > 0,
  });
  return `"_embedded":{"stats":${text}}`;
};

/** @param view finds also what was deleted since */
const findGroup = (call: Call, view?: View): Row<OktaGroup> => {
  const { groups } = call.state.store;
  const row = view === undefined ? groups.byId.get(call.param("id")) : view.rowOf(groups, call.param("id"));
  if (!row) throw new OktaError("E0000007", `Resource not found: ${call.param("id")} (UserGroup)`);
  return row;
};

const listGroups = (call: Call): Response => {
  const view = viewOf(call);
  const page = listTable(call, call.state.store.groups, LISTING, view);
  const expanded = (call.url.searchParams.get("expand") ?? "").split(",").includes("stats");
  const texts = page.hits.map((hit) => {
    const text = renderGroup(call, hit);
    return expanded ? withMembers(text, stats(view, hit.data)) : text;
  });
  return listResponse(call, texts, page.position, page.limit);
};

const getGroup = (call: Call): Response => {
  const row = findGroup(call);
  return jsonText(renderGroup(call, { row, data: row.data }));
};

const listMembers = (call: Call): Response => {
  const view = viewOf(call);
  const group = findGroup(call, view).data;
  const limit = limitOf(call, 1000, 1000);
  const cursor = readCursor(call.state.cursorKey, call.url);
  const hits = view.usersOf(group, typeof cursor === "number" ? cursor : 0, limit + 1);
  const page = hits.slice(0, limit);
  const last = page.at(-1)?.row.seq;
  const texts = page.map((hit) => renderUser(call, hit));
  return listResponse(call, texts, last !== undefined && hits.length > limit ? last : null, limit);
};

const listGroupRoles = (call: Call): Response => {
  const group = findGroup(call).data;
  const roles = call.state.store.groupRoles.get(group.id) ?? [];
  return Response.json(linkedRoles(roles, `${call.origin}/api/v1/groups/${group.id}`));
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
