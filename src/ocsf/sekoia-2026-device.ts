import type { DeviceFacts, EventContext } from "../inventory/facts.ts";
import type { OktaDevice, OktaDeviceProfile } from "../okta/records.ts";
import { DEVICE_INFO, DEVICE_INVENTORY, OCSF_VERSION, PRODUCT } from "./classes.ts";
import { filled, lastSeen, toSeconds } from "./derive.ts";
import { OS_TYPE_IDS, type OsFamily, osFamily } from "./platform.ts";
import type { Sekoia2026DeviceEvent } from "./sekoia-2026-schema.ts";

type Device = Sekoia2026DeviceEvent["device"];

const deviceType = (family: OsFamily | null): Pick<Device, "type" | "type_id"> => {
  if (family === null) return { type: "Unknown", type_id: 0 };
  return family === "iOS" || family === "Android"
    ? { type: "Mobile", type_id: 5 }
    : { type: "Desktop", type_id: 2 };
};

const operatingSystem = (platform: string | null, family: OsFamily | null): Device["os"] => ({
  name: family ?? platform,
  type: (family ?? platform)?.toLowerCase() ?? null,
  type_id: family === null ? 99 : OS_TYPE_IDS[family],
});

/** Null where nobody tells of compliance, as the real API does not, and of a device that is gone. */
const isCompliant = ({ status, complianceStatus }: OktaDevice, context: EventContext): boolean | null => {
  const told = filled(complianceStatus)?.trim().toUpperCase() ?? "UNKNOWN";
  if (told === "UNKNOWN" || context.deletedAt !== null) return null;
  return status === "ACTIVE" && told === "COMPLIANT";
};

/** What Okta calls the encrypted part of a disk, by the key that Sekoia.io has for it. */
const ENCRYPTED_PARTS: ReadonlyMap<string, "full" | "system_volume" | "user"> = new Map([
  ["FULL", "full"],
  ["ALL_INTERNAL_VOLUMES", "full"],
  ["BITLOCKER", "full"],
  ["FILEVAULT", "full"],
  ["SYSTEM_VOLUME", "system_volume"],
  ["USER", "user"],
]);

/** Which part of the disk is encrypted; nothing if that is not told, or in a word that nobody documents. */
const storageEncryption = ({ diskEncryptionType }: OktaDeviceProfile) => {
  const told = filled(diskEncryptionType)?.trim().toUpperCase();
  if (told === undefined) return {};
  if (told === "NONE") return { Storage_encryption: { partitions: { full: "Disabled" as const } } };
  const part = ENCRYPTED_PARTS.get(told);
  return part === undefined ? {} : { Storage_encryption: { partitions: { [part]: "Enabled" as const } } };
};

/** A device with the keys of Sekoia.io's table of April 2026. Times are whole seconds; nulls are kept. */
export const sekoia2026Device = ({ device }: DeviceFacts, context: EventContext): Sekoia2026DeviceEvent => {
  const { profile } = device;
  const family = osFamily(profile.platform);
  const name = profile.displayName ?? null;
  const created = toSeconds(device.created);
  const sid = filled(profile.sid);
  const imei = filled(profile.imei);
  return {
    ...DEVICE_INVENTORY,
    time: created,
    metadata: { product: PRODUCT, version: OCSF_VERSION },
    device: {
      uid: device.id,
      uid_alt: profile.serialNumber ?? null,
      name,
      hostname: name,
      ...deviceType(family),
      vendor_name: profile.manufacturer ?? null,
      model: profile.model ?? null,
      udid: profile.udid ?? null,
      imei_list: imei === null ? null : [imei],
      is_managed: profile.registered ?? null,
      is_compliant: isCompliant(device, context),
      is_trusted: profile.secureHardwarePresent ?? null,
      created_time: created,
      first_seen_time: created,
      last_seen_time: toSeconds(lastSeen(device)),
      os: operatingSystem(filled(profile.platform), family),
    },
    enrichments: [
      {
        ...DEVICE_INFO,
        data: {
          ...storageEncryption(profile),
          ...(sid !== null && { Users: [`windows_sid:${sid}`] }),
          ...(context.deletedAt !== null && { is_deleted: true as const }),
        },
      },
    ],
  };
};
