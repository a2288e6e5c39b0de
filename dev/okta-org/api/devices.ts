import type { Row } from "../org/table.ts";
import type { OktaDevice, OktaUser } from "../org/types.ts";
import { View } from "../org/view.ts";
import { type Call, type Endpoint, jsonText, listResponse, withMembers } from "./call.ts";
import { OktaError } from "./errors.ts";
import { type Hit, type Listing, listTable, viewOf } from "./listing.ts";
import { renderUser } from "./render.ts";

const LISTING: Listing<OktaDevice> = {
  plain: () => true,
  search: { attribute: (name) => /^(id|status|lastUpdated|profile\.\w+)$/.test(name) },
  // Devices have neither filter nor q.
  filter: { attribute: () => false },
  q: () => true,
  limit: 200,
  max: 200,
};

const SUMMARY = ["firstName", "lastName", "login", "email"];

const deviceText = (device: OktaDevice, origin: string): string => {
  const href = `${origin}/api/v1/devices/${device.id}`;
  return JSON.stringify({
    ...device,
    resourceId: device.id,
    resourceType: "UDDevice",
    resourceAlternateId: null,
    resourceDisplayName: { value: device.profile["displayName"] ?? null, sensitive: false },
    _links: {
      self: { href, hints: { allow: ["GET", "PATCH", "PUT"] } },
      users: { href: `${href}/users`, hints: { allow: ["GET"] } },
    },
  });
};

const renderDevice = (call: Call, { row, data }: Hit<OktaDevice>): string => {
  if (row.data !== data) return deviceText(data, call.origin);
  if (row.rendered?.key !== call.origin)
    row.rendered = { key: call.origin, text: deviceText(data, call.origin) };
  return row.rendered.text;
};

const summaryOf = (user: OktaUser): string =>
  JSON.stringify({
    id: user.id,
    realmId: null,
    profile: Object.fromEntries(SUMMARY.map((name) => [name, user.profile[name] ?? null])),
  });

const linkedUsers = (call: Call, view: View, deviceId: string, summary: boolean): string => {
  const texts = view.linksOf(deviceId).flatMap(({ userId, ...link }) => {
    const row = view.rowOf(call.state.store.users, userId);
    const data = row && view.dataOf(row);
    if (!row || !data) return [];
    const user = summary ? summaryOf(data) : renderUser(call, { row, data });
    return [withMembers(JSON.stringify(link), `"user":${user}`)];
  });
  return `[${texts.join(",")}]`;
};

/** Classic Engine orgs have no devices API, and a service app without a role may not use it. */
const requireDevices = (call: Call): void => {
  if (call.state.options.pipeline === "v1") throw new OktaError("E0000006");
  if (call.principal.kind === "oauth" && !call.principal.client.adminRole) throw new OktaError("E0000006");
};

const findDevice = (call: Call): Row<OktaDevice> => {
  const row = call.state.store.devices.byId.get(call.param("id"));
  if (!row) throw new OktaError("E0000007", `Resource not found: ${call.param("id")} (UDDevice)`);
  return row;
};

const listDevices = (call: Call): Response => {
  requireDevices(call);
  const expand = call.url.searchParams.get("expand");
  if (expand !== null && expand !== "user" && expand !== "userSummary") {
    throw new OktaError("E0000001", "expand: must be user or userSummary");
  }
  const view = viewOf(call);
  const page = listTable(call, call.state.store.devices, LISTING, view);
  const texts = page.hits.map((hit) => {
    const text = renderDevice(call, hit);
    if (expand === null) return text;
    return withMembers(
      text,
      `"_embedded":{"users":${linkedUsers(call, view, hit.data.id, expand === "userSummary")}}`,
    );
  });
  return listResponse(call, texts, page.position, page.limit);
};

const getDevice = (call: Call): Response => {
  requireDevices(call);
  const row = findDevice(call);
  return jsonText(renderDevice(call, { row, data: row.data }));
};

const listDeviceUsers = (call: Call): Response => {
  requireDevices(call);
  const now = new View(call.state.store, null);
  return jsonText(linkedUsers(call, now, findDevice(call).data.id, false));
};

const DEVICES = { bucket: "/api/v1/devices", scope: "okta.devices.read", resource: "devices" } as const;

export const deviceEndpoints: Endpoint[] = [
  {
    ...DEVICES,
    path: "/api/v1/devices",
    list: true,
    duplicated: true,
    defaultLimit: 200,
    handle: listDevices,
  },
  { ...DEVICES, path: "/api/v1/devices/{id}", handle: getDevice },
  { ...DEVICES, path: "/api/v1/devices/{id}/users", handle: listDeviceUsers },
];
