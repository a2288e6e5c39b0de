/** Devices as searches and totals show them. */
import type { DeviceSummary, FoundDevice } from "../../contract/inventory-documents.ts";
import type { StoredAsset } from "../../inventory/asset-reader.ts";
import type { DeviceFacts } from "../../inventory/facts.ts";
import type { Inventory } from "../../inventory/inventory.ts";
import { filled, fullName, isManaged, lastSeen } from "../../ocsf/derive.ts";
import { osFamily } from "../../ocsf/platform.ts";
import type { ExploreTools, Filters } from "../definition.ts";
import { living, sum, sumBy } from "../facets.ts";
import { postureFilter } from "../posture-filter.ts";
import { deviceChecks } from "./posture.ts";

/** The compliance status of a device that does not report one. */
const UNKNOWN = "UNKNOWN";

/**
 * A platform by the name that people use, such as `macOS`. A platform that we do not know keeps Okta's spelling;
 * `Unknown` if there is none.
 */
const platformName = (platform: string | null): string =>
  filled(platform) === null ? "Unknown" : (osFamily(platform ?? "") ?? platform ?? "");

/** The search filters that devices have. */
export const deviceFilters: Filters = {
  platform: (wanted) => ({ fits: ({ platform }) => platformName(platform) === wanted }),
  compliance: (wanted) => ({ fits: ({ compliance }) => (compliance ?? UNKNOWN) === wanted }),
  managed: (wanted) => ({ fits: ({ managed }) => (managed ?? "unknown") === wanted }),
  posture: postureFilter(deviceChecks),
};

/** The ids of the devices that have exactly this id, serial number or name. */
export const exactDevices = ({ devices, assets }: Inventory, text: string): readonly string[] =>
  devices.one(text) === null ? assets.called(text) : [text];

/** A device as a search shows it. */
export const foundDevice = ({
  id,
  facts: { device },
  deletedAt,
  changedAt,
}: StoredAsset<DeviceFacts>): FoundDevice => ({
  stream: "devices",
  id,
  name: device.profile.displayName ?? null,
  status: device.status,
  deleted: deletedAt !== null,
  platform: platformName(device.profile.platform ?? null),
  os_version: device.profile.osVersion ?? null,
  model: [device.profile.manufacturer, device.profile.model].filter(Boolean).join(" ") || null,
  serial_number: device.profile.serialNumber ?? null,
  is_managed: isManaged(device),
  compliance_status: device.complianceStatus ?? UNKNOWN,
  last_seen: lastSeen(device),
  created: device.created,
  changed_at: new Date(changedAt).toISOString(),
  users: device.users.map(({ id: userId, login, firstName, lastName }) => ({
    id: userId,
    login,
    display_name: fullName(firstName, lastName),
  })),
});

/** The totals of the devices stream. */
export const summarizeDevices = ({ inventory, now }: ExploreTools): DeviceSummary => {
  const facets = inventory.facets.all();
  const all = living(facets);
  return {
    stream: "devices",
    as_of: new Date(now).toISOString(),
    ...inventory.assets.counts(facets),
    by_status: sumBy(all, ({ status }) => status),
    by_platform: sumBy(all, ({ platform }) => platformName(platform)),
    by_compliance: sumBy(all, ({ compliance }) => compliance ?? UNKNOWN),
    by_management: {
      managed: sum(all, ({ managed }) => managed === true),
      not_managed: sum(all, ({ managed }) => managed === false),
      unknown: sum(all, ({ managed }) => managed === null),
    },
  };
};
