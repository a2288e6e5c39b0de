import type { DeviceFacts, EventContext } from "../inventory/facts.ts";
import type { OktaDevice } from "../okta/records.ts";
import { DEVICE_INVENTORY, DEVICE_SECURITY, OCSF_VERSION, PRODUCT } from "./classes.ts";
import { isEnabled, isManaged, lastSeen, ownerId, toSeconds } from "./derive.ts";
import { type OsFamily, osFamily } from "./platform.ts";
import type { SekoiaDeviceEvent } from "./sekoia-schemas.ts";

const osType = (family: OsFamily | null): "Windows" | "AppleOS" | "Android" | "Linux" | "Other" => {
  switch (family) {
    case "Windows":
    case "Android":
    case "Linux":
      return family;
    case "macOS":
    case "iOS":
      return "AppleOS";
    default:
      return "Other";
  }
};

const deviceType = (device: OktaDevice, family: OsFamily | null): string => {
  if (device.deviceType !== null) return device.deviceType;
  if (family === null) return "Unknown";
  return family === "iOS" || family === "Android" ? "MobileDevice" : "Computer";
};

/**
 * A device in the Sekoia.io dialect, with the keys of the published table. Times are whole seconds; nulls are kept.
 */
export const sekoiaDevice = (facts: DeviceFacts, context: EventContext): SekoiaDeviceEvent => {
  const { device } = facts;
  const { profile } = device;
  const family = osFamily(profile.platform);
  const name = profile.displayName ?? null;
  const created = toSeconds(device.created);
  const security = {
    compliance_status: device.complianceStatus ?? "UNKNOWN",
    is_enabled: isEnabled(device.status, context),
    is_managed: isManaged(device),
    has_secure_hardware: profile.secureHardwarePresent ?? null,
    encryption_type: profile.diskEncryptionType ?? null,
    last_seen: toSeconds(lastSeen(device)),
  };
  return {
    ...DEVICE_INVENTORY,
    time: created,
    metadata: { product: PRODUCT, version: OCSF_VERSION },
    device: {
      uid: device.id,
      name,
      hostname: name,
      type: deviceType(device, family),
      serial_number: profile.serialNumber ?? null,
      manufacturer: profile.manufacturer ?? null,
      model: profile.model ?? null,
      imei: profile.imei ?? null,
      udid: profile.udid ?? null,
      is_enabled: security.is_enabled,
      status: device.status,
      is_managed: security.is_managed,
      is_registered: profile.registered ?? null,
      compliance_status: security.compliance_status,
      has_secure_hardware: security.has_secure_hardware,
      encryption_type: security.encryption_type,
      user_uid: ownerId(device),
      created_time: created,
      updated_time: toSeconds(device.lastUpdated),
      last_seen_time: security.last_seen,
      os_update_time: toSeconds(profile.osUpdateTime),
      os: {
        name: family ?? profile.platform ?? null,
        type: osType(family),
        version: profile.osVersion ?? null,
      },
    },
    enrichments: [
      {
        ...DEVICE_SECURITY,
        data: context.deletedAt === null ? security : { ...security, is_deleted: true },
      },
    ],
  };
};
