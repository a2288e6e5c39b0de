import { factorsAreGone } from "../generate/factors.ts";
import type { Row } from "../org/table.ts";
import type { OktaUser } from "../org/types.ts";
import { type Call, type Endpoint, jsonText, limitOf, listResponse, nextUrl } from "./call.ts";
import { readCursor } from "./cursor.ts";
import { OktaError } from "./errors.ts";
import { type Listing, listTable, viewOf } from "./listing.ts";
import { linkedRoles, renderGroup, renderUser } from "./render.ts";

const SEARCHABLE =
  /^(id|status|created|activated|statusChanged|lastUpdated|passwordChanged|type\.id|profile\.\w+)$/;
const FILTERABLE = /^(id|status|lastUpdated|profile\.(login|email|firstName|lastName))$/;

const LISTING: Listing<OktaUser> = {
  plain: (user) => user.status !== "DEPROVISIONED",
  search: { attribute: (name) => SEARCHABLE.test(name) },
  filter: {
    attribute: (name) => FILTERABLE.test(name),
    operators: (name) => (name === "lastUpdated" ? ["eq", "gt", "ge", "lt", "le"] : ["eq"]),
  },
  q: (user, text) =>
    ["firstName", "lastName", "email", "login"].some((name) =>
      String(user.profile[name] ?? "")
        .toLowerCase()
        .startsWith(text.toLowerCase()),
    ),
  qLimit: 10,
  limit: 200,
  max: 200,
};

const findUser = (call: Call): Row<OktaUser> => {
  const { store } = call.state;
  const key = call.param("id");
  if (key === "me" && call.principal.kind === "ssws" && store.users.rows[0]) return store.users.rows[0];
  // A login with a slash cannot be addressed by path.
  const row = key.includes("/") ? undefined : store.findUser(key);
  if (!row) throw new OktaError("E0000007", `Resource not found: ${key} (User)`);
  return row;
};

const listUsers = (call: Call): Response => {
  const withoutRole = call.principal.kind === "oauth" && !call.principal.client.adminRole;
  if (call.state.options.emptyLists || withoutRole) return listResponse(call, [], null, 200);
  const page = listTable(call, call.state.store.users, LISTING, viewOf(call));
  const fields = fieldsOf(call);
  const texts = page.hits.map((hit) => renderUser(call, hit, fields));
  return listResponse(call, texts, page.position, page.limit);
};

/** What the caller wants of each user; null: everything. */
const fieldsOf = (call: Call): string | null => {
  const fields = call.url.searchParams.get("fields");
  if (fields === null || call.state.options.fields === "ignored") return null;
  if (call.state.options.fields === "refused") throw new OktaError("E0000001", "fields: not supported");
  return fields;
};

const getUser = (call: Call): Response => {
  const row = findUser(call);
  return jsonText(renderUser(call, { row, data: row.data }));
};

const listUserGroups = (call: Call): Response => {
  const groups = viewOf(call).groupsOf(findUser(call));
  const limit = limitOf(call, 200, 200);
  const after = readCursor(call.state.cursorKey, call.url);
  const rest = typeof after === "number" ? groups.filter(({ row }) => row.seq > after) : groups;
  const page = rest.slice(0, limit);
  const last = page.at(-1)?.row.seq;
  const texts = page.map((hit) => renderGroup(call, hit));
  return listResponse(call, texts, last !== undefined && rest.length > limit ? last : null, limit);
};

const listFactors = (call: Call): Response => {
  const user = findUser(call).data;
  if (factorsAreGone(user)) throw new OktaError("E0000007", `Resource not found: ${user.id} (User)`);
  const href = `${call.origin}/api/v1/users/${user.id}`;
  return Response.json(
    call.state.store.factorsOf(user).map((factor) => ({
      ...factor,
      _links: { self: { href: `${href}/factors/${factor.id}` }, user: { href } },
    })),
  );
};

const listUserRoles = (call: Call): Response => {
  const user = findUser(call).data;
  const { store } = call.state;
  return Response.json([
    ...linkedRoles(store.userRoles.get(user.id) ?? [], `${call.origin}/api/v1/users/${user.id}`),
    ...store
      .givenRolesOf(user)
      .flatMap(({ groupId, roles }) => linkedRoles(roles, `${call.origin}/api/v1/groups/${groupId}`)),
  ]);
};

const listAssignees = (call: Call): Response => {
  const { store, options, cursorKey, clock } = call.state;
  const limit = limitOf(call, 100, 100);
  const after = readCursor(cursorKey, call.url);
  const view = viewOf(call);
  const holds = (row: Row<OktaUser>): boolean => {
    if (view.dataOf(row) === null) return false;
    if (view.userRoles(row.data.id).length > 0) return true;
    if (!options.assigneesIncludeGroupInherited) return false;
    return view.groupsOf(row).some(({ data }) => view.groupRoles(data.id).length > 0);
  };
  const rows = view
    .rowsOf(store.users)
    .filter((row) => row.seq > (typeof after === "number" ? after : 0) && holds(row));
  const page = rows.slice(0, limit);
  const last = page.at(-1);
  const links: Record<string, { href: string }> = { self: { href: call.url.href } };
  if (last && rows.length > limit) {
    const href = nextUrl(call, last.seq, limit);
    links["next"] = { href: options.assigneesNextHttp ? href.replace(/^https:/, "http:") : href };
  }
  const updated = new Date(clock.now()).toISOString();
  const value = page.map(({ data }) => ({
    id: data.id,
    orn: `orn:okta:directory:${store.orgId}:users:${data.id}`,
    _links: { self: { href: `${call.origin}/api/v1/users/${data.id}` } },
    lastUpdated: updated,
  }));
  return Response.json({ value, _links: links });
};

const USERS = { bucket: "/api/v1/users", scope: "okta.users.read" } as const;

export const userEndpoints: Endpoint[] = [
  { ...USERS, path: "/api/v1/users", resource: "users", list: true, defaultLimit: 200, handle: listUsers },
  { ...USERS, path: "/api/v1/users/{id}", bucket: "/api/v1/users/{id}", resource: "users", handle: getUser },
  { ...USERS, path: "/api/v1/users/{id}/factors", resource: "factors", handle: listFactors },
  {
    ...USERS,
    path: "/api/v1/users/{id}/groups",
    bucket: "/api/v1",
    resource: "userGroups",
    list: true,
    defaultLimit: 200,
    handle: listUserGroups,
  },
  {
    path: "/api/v1/users/{id}/roles",
    bucket: "/api/v1",
    scope: "okta.roles.read",
    resource: "roles",
    handle: listUserRoles,
  },
  {
    path: "/api/v1/iam/assignees/users",
    bucket: "/api/v1",
    scope: "okta.roles.read",
    resource: "assignees",
    list: true,
    defaultLimit: 100,
    handle: listAssignees,
  },
];
