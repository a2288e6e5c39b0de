import type { DeviceFacts, EventContext } from "../inventory/facts.ts";
import type { OktaDevice, OktaDeviceUser } from "../okta/records.ts";
import { DEVICE_INVENTORY, DEVICE_SECURITY } from "./classes.ts";
import { emailDomain, filled, fullName, isEnabled, isManaged, lastSeen, ownerId } from "./derive.ts";
import {
  COLLECTED,
  emailAddress,
  metadata,
  type Observable,
  observe,
  present,
  presentOrNull,
  remainder,
  toMillis,
} from "./ocsf-common.ts";
import type { OcsfDeviceEvent } from "./ocsf-schemas.ts";
import { OS_TYPE_IDS, type OsFamily, osFamily } from "./platform.ts";

const SECURITY_ENRICHMENT = { ...DEVICE_SECURITY, type: "device_security", provider: "Okta" } as const;

type DeviceType = Pick<OcsfDeviceEvent["device"], "type" | "type_id">;
type OsType = Pick<NonNullable<OcsfDeviceEvent["device"]["os"]>, "type" | "type_id">;

const osType = (family: OsFamily): OsType => ({ type: family, type_id: OS_TYPE_IDS[family] });

const UNKNOWN = { type: "Unknown", type_id: 0 } as const;
const DESKTOP = { type: "Desktop", type_id: 2 } as const;
const LAPTOP = { type: "Laptop", type_id: 3 } as const;
const TABLET = { type: "Tablet", type_id: 4 } as const;
const MOBILE = { type: "Mobile", type_id: 5 } as const;

const DEVICE_TYPES: ReadonlyMap<string, DeviceType> = new Map<string, DeviceType>([
  ["unknown", UNKNOWN],
  ["server", { type: "Server", type_id: 1 }],
  ["desktop", DESKTOP],
  ["laptop", LAPTOP],
  ["tablet", TABLET],
  ["mobile", MOBILE],
  ["mobiledevice", MOBILE],
  ["phone", MOBILE],
  ["virtual", { type: "Virtual", type_id: 6 }],
  ["browser", { type: "Browser", type_id: 8 }],
]);

/** A type that the enumeration lacks: 99 with Okta's own word, which OCSF does not allow to be the caption of 99. */
const other = (word: string): { type?: string; type_id: 99 } =>
  word === "Other" ? { type_id: 99 } : { type: word, type_id: 99 };

/** The type that Okta's `deviceType` names; null if it is one that the enumeration lacks. */
const typeNamed = (word: string): DeviceType | null => DEVICE_TYPES.get(word.trim().toLowerCase()) ?? null;

/** The type by Okta's `deviceType` alone. @param word null: not known */
export const typeByName = (word: string | null): DeviceType =>
  word === null ? UNKNOWN : (typeNamed(word) ?? other(word));

/** The type by an Apple model name. Other makers' model names do not show the type. */
const appleType = (model: string): DeviceType | null => {
  if (/^iPad/i.test(model)) return TABLET;
  if (/^MacBook/i.test(model)) return LAPTOP;
  return /^(?:iMac|Mac ?mini|Mac ?Pro|Mac ?Studio)/i.test(model) ? DESKTOP : null;
};

const deviceType = (device: OktaDevice, family: OsFamily | null): DeviceType => {
  const own = filled(device.deviceType);
  const named = own === null ? null : typeNamed(own);
  if (named !== null && named !== MOBILE) return named;
  const apple = appleType(device.profile.model ?? "");
  if (apple !== null) return apple;
  if (named !== null) return named;
  if (own !== null) return other(own);
  if (family === null) return UNKNOWN;
  return family === "iOS" || family === "Android" ? MOBILE : other("Computer");
};

/** The build number: the third number of a Windows version. */
const windowsBuild = (version: string | null): string | null =>
  version === null ? null : (/^\d+\.\d+\.(\d+)/.exec(version)?.[1] ?? null);

/** @param platform as Okta spells it; without it, OCSF has no place for the version either */
export const operatingSystem = (platform: string | null, version: string | null) => {
  if (platform === null) return null;
  const family = osFamily(platform);
  return present({
    name: family ?? platform,
    ...(family === null ? other(platform) : osType(family)),
    version,
    build: family === "Windows" ? windowsBuild(version) : null,
  });
};

const HOSTNAME =
  /^(?=.{1,253}$)[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?(?:\.[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?)*$/i;

/**
 * A display name if it has the form of a host name (RFC 1123), else null: it may be any text, like `Mary's iPhone`.
 */
export const hostname = (name: string | null): string | null =>
  name !== null && HOSTNAME.test(name) ? name : null;

const owner = (device: OktaDevice) => {
  const uid = ownerId(device);
  if (uid === null) return null;
  const link: OktaDeviceUser | undefined = device.users.find((user) => user.id === uid);
  const name = fullName(link?.firstName, link?.lastName);
  return present({
    uid,
    name: filled(link?.login),
    full_name: name,
    display_name: name ?? filled(link?.login),
    email_addr: emailAddress(link?.email),
    domain: emailDomain(link?.email),
  });
};

const linkData = (link: OktaDeviceUser) =>
  present({
    uid: link.id,
    name: filled(link.login),
    email_addr: filled(link.email),
    linked_time: toMillis(link.created),
    management_status: link.managementStatus,
    screen_lock_type: link.screenLockType,
  });

/** Reads `COMPLIANT` and `NON_COMPLIANT`, which older samples have. The real API does not report compliance. */
export const isCompliant = (status: string | null): boolean | null => {
  if (status === "COMPLIANT") return true;
  return status === "NON_COMPLIANT" ? false : null;
};

/** The device's facts for which OCSF 1.6.0 has no attribute. */
const securityData = (device: OktaDevice, context: EventContext) => {
  const { profile } = device;
  return present({
    status: device.status,
    is_enabled: isEnabled(device.status, context),
    compliance_status: device.complianceStatus,
    is_registered: profile.registered ?? null,
    has_secure_hardware: profile.secureHardwarePresent ?? null,
    encryption_type: filled(profile.diskEncryptionType),
    is_jailbroken: profile.integrityJailbreak ?? null,
    os_update_time: toMillis(profile.osUpdateTime),
    users: device.users.length === 0 ? null : device.users.map(linkData),
    is_deleted: context.deletedAt === null ? null : (true as const),
    deleted_time: context.deletedAt,
  });
};

const observablesOf = (device: OcsfDeviceEvent["device"]): Observable[] => {
  const observables: Observable[] = [];
  observe(observables, "deviceUid", "device.uid", device.uid);
  observe(observables, "hostname", "device.hostname", device.hostname);
  observe(observables, "serialNumber", "device.hw_info.serial_number", device.hw_info?.serial_number);
  observe(observables, "userUid", "device.owner.uid", device.owner?.uid);
  observe(observables, "userName", "device.owner.name", device.owner?.name);
  observe(observables, "email", "device.owner.email_addr", device.owner?.email_addr);
  return observables;
};

/**
 * A device as OCSF 1.6.0 Device Inventory Info, valid against the strict schema. Times are in ms; there are no
 * nulls.
 */
export const ocsfDevice = (facts: DeviceFacts, context: EventContext): OcsfDeviceEvent => {
  const source = facts.device;
  const { profile } = source;
  const family = osFamily(profile.platform);
  const name = filled(profile.displayName);
  const vendor = filled(profile.manufacturer);
  const imei = filled(profile.imei);
  const os = operatingSystem(filled(profile.platform), filled(profile.osVersion));
  const device = present({
    uid: source.id,
    uid_alt: filled(profile.sid),
    name,
    hostname: hostname(name),
    ...deviceType(source, family),
    vendor_name: vendor,
    model: filled(profile.model),
    os,
    hw_info: presentOrNull({ serial_number: filled(profile.serialNumber), vendor_name: vendor }),
    imei_list: imei === null ? null : [imei],
    meid: filled(profile.meid),
    udid: filled(profile.udid),
    is_managed: isManaged(source),
    is_compliant: isCompliant(source.complianceStatus),
    owner: owner(source),
    created_time: toMillis(source.created),
    modified_time: toMillis(source.lastUpdated),
    first_seen_time: toMillis(source.created),
    last_seen_time: toMillis(lastSeen(source)),
  });
  const profileRest = remainder({
    osVersion: os === null ? profile.osVersion : null,
    tpmPublicKeyHash: profile.tpmPublicKeyHash,
  });
  return present({
    ...DEVICE_INVENTORY,
    time: context.changedAt,
    ...COLLECTED,
    message: `Okta device ${name ?? source.id}${context.deletedAt === null ? "" : " was deleted"}`,
    metadata: metadata(context, source.lastUpdated),
    device,
    observables: observablesOf(device),
    enrichments: [
      {
        ...SECURITY_ENRICHMENT,
        data: securityData(source, context),
      },
    ],
    unmapped: profileRest === null ? null : { profile: profileRest },
  });
};
