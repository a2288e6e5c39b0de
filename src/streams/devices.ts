/** The devices stream: devices, each with the users linked to it. */
import type { DeviceFacts } from "../inventory/facts.ts";
import type { Inventory } from "../inventory/inventory.ts";
import { isPlainObject } from "../lib/json.ts";
import { ok, type Result } from "../lib/result.ts";
import { deviceEvent } from "../ocsf/index.ts";
import type { OktaApi } from "../okta/api.ts";
import { isForbidden, type OktaError } from "../okta/errors.ts";
import { type OktaDevice, parseAll, parseDevice } from "../okta/records.ts";
import { remedyOf } from "../okta/remedies.ts";
import type { Filing, StopReason, StreamDefinition } from "./definition.ts";
import { deviceChange } from "./devices/changes.ts";
import { copiedDevices } from "./devices/copy.ts";
import { deviceFilters, exactDevices, foundDevice, summarizeDevices } from "./devices/explore.ts";
import { devicePage } from "./devices/page.ts";
import { deviceChecks } from "./devices/posture.ts";
import type { LogRule, LogRules } from "./log-effects.ts";
import { PAGE, predictDevices } from "./plan.ts";
import { noteRecords } from "./record-changes.ts";

const device: LogRule = { target: "Device", kind: "asset" };
const links: LogRule = { target: "Device", kind: "asset", quiet: true };

const logRules: LogRules = {
  "device.enrollment.create": links,
  "device.desktop_mfa.enrollment.create": links,
  "device.platform_sso.enrollment.create": links,
  "device.password_sync.enrollment.create": links,
  "device.local_account.create": links,
  "device.lifecycle.activate": device,
  "device.lifecycle.deactivate": device,
  "device.lifecycle.delete": { deletedAsset: "Device" },
  "device.lifecycle.suspend": device,
  "device.lifecycle.unsuspend": device,
  "device.user.add": links,
  "device.user.remove": links,
};

/** The page includes the linked users. */
const LIST_QUERY = { limit: String(PAGE.devices), expand: "userSummary" };

/** Files devices. The caller opens the transaction. @returns how many were new or changed */
const file = (inventory: Inventory, devices: readonly OktaDevice[], filing: Filing): number => {
  const { changed, doubted } = inventory.assets.file(devices, filing, (filed) => {
    noteRecords(inventory, filed, deviceChange, filing.now);
  });
  for (const { id, lastUpdated } of devices) {
    inventory.stale.doneUntil("asset", id, lastUpdated, filing.now);
  }
  for (const id of doubted) inventory.stale.add("asset", id, filing.cause ?? "search", filing.now);
  inventory.quarantine.clear(devices.map(({ id }) => id));
  return changed.size;
};

/** Whether waiting cannot change this answer about one device. */
const isFinal = (error: OktaError): boolean =>
  ["bad_request", "not_found", "too_large", "foreign_origin"].includes(error.code);

/**
 * The users linked to a device. A device that is read by id does not name them. The list of a device's users is in
 * Okta's reference, but not every org has it. Without it we search for the device's id, which may lag a little.
 * Null if neither can be read.
 */
const linkedUsers = async (
  api: OktaApi,
  id: string,
): Promise<Result<readonly unknown[] | null, OktaError>> => {
  const users = await api.deviceUsers(id);
  if (users.ok || !isFinal(users.error)) return users;
  const found = await api.devices({ query: { search: `id eq "${id}"`, expand: "userSummary", limit: "1" } });
  if (!found.ok) return isFinal(found.error) ? ok(null) : found;
  const [record] = found.value.records;
  const embedded = isPlainObject(record) ? record["_embedded"] : null;
  const listed = isPlainObject(embedded) ? embedded["users"] : null;
  return ok(Array.isArray(listed) ? listed : null);
};

/** Reads a device and the users linked to it. If the links cannot be read, the known links stay. */
const one: StreamDefinition<OktaDevice, DeviceFacts>["source"]["one"] = async (api, inventory, id) => {
  const record = await api.device(id);
  if (!record.ok) return record.error.code === "not_found" ? ok(null) : record;
  const users = await linkedUsers(api, id);
  if (!users.ok) return users;
  const bare = isPlainObject(record.value) ? record.value : {};
  const parsed = parseDevice({ ...bare, _embedded: { users: users.value ?? [] } });
  if (!parsed.ok || users.value !== null) return ok(parsed);
  const known = inventory.devices.one(id)?.facts.device.users ?? [];
  return ok(ok({ ...parsed.value, users: known }));
};

/** Why Okta does not list devices, as precisely as its answers allow. */
const refusedList = async (api: OktaApi, error: OktaError): Promise<StopReason | null> => {
  if (!isForbidden(error) && error.code !== "not_found" && error.code !== "bad_request") return null;
  const organization = await api.organization();
  const classic = organization.ok && organization.value.pipeline === "v1";
  const isAboutRights = error.oktaErrorCode === null || error.oktaErrorCode === "E0000006";
  const remedy = isAboutRights
    ? "Grant the scope okta.devices.read, or give the token's owner a role that can read devices."
    : remedyOf(error);
  const message = classic
    ? "The org runs on Okta Classic Engine, but Okta lists devices only for Identity Engine orgs. The users stream is not affected."
    : `Okta refused to list devices (${error.message}).${remedy === null ? "" : ` ${remedy}`}`;
  return { code: "unavailable", message };
};

/** The definition of the devices stream. */
export const devices: StreamDefinition<OktaDevice, DeviceFacts> = {
  name: "devices",
  areAccounts: false,
  words: { title: "Devices", foundTitle: "Devices", one: "device", many: "devices" },

  source: {
    list: (api, request) => api.devices(request),
    listQuery: LIST_QUERY,
    parse: parseDevice,
    one,
    searches: [
      {
        name: "devices",
        read: (api, request) => api.devices(request),
        query: (from) => ({ search: `lastUpdated gt "${from}"`, ...LIST_QUERY }),
        file: (inventory, records, { now, listedAt }) => {
          const read = parseAll(records, parseDevice);
          for (const bad of read.quarantined) inventory.quarantine.add(bad, "devices/search");
          return file(inventory, read.records, { now, listedAt, cause: "search" });
        },
      },
    ],
    logRules,
    refusedList,
  },

  run: {
    fullPhases: () => ["log", "devices", "refetch", "deletions"],
    deltaPhases: ["log", "searches", "refetch", "deletions"],
    predict({ assets }) {
      const known = assets.counts().total;
      return known === 0 ? null : predictDevices(known);
    },
  },

  store: {
    file,
    reader: (inventory) => inventory.devices,
    unknownFacts: () => ({}),
  },

  mapping: 2,
  event: deviceEvent,
  changeFields: ({ part, detail }) => (part === "asset" ? detail.fields : []),
  partsWith: () => ["asset"],

  explore: {
    found: foundDevice,
    exact: exactDevices,
    filters: deviceFilters,
    checks: deviceChecks,
    groups: false,
    summarize: summarizeDevices,
  },

  copied: copiedDevices,
  page: devicePage,
};
