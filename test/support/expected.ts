/**
 * What an ideal inventory of a simulated org says, worked out from the org's own dump and the published tables
 * alone, so that a test can compare every asset without trusting the code under test.
 */
import type {
  DumpDevice,
  DumpGroup,
  DumpUser,
  OktaRole,
  OrgDump,
  Profile,
} from "../../dev/okta-org/org/types.ts";

export type { DumpDevice, DumpGroup, DumpUser, OrgDump } from "../../dev/okta-org/org/types.ts";

/** A JSON object of which a test reads single parts. */
export type Json = { readonly [key: string]: unknown };

export interface ExpectedGroup {
  readonly uid: string;
  readonly name: string | null;
  readonly desc: string | null;
  readonly privileges: readonly string[] | null;
}

/** What a test may expect to be unknown: null takes the place of the fact. */
export interface Unknown {
  readonly mfa?: boolean;
  readonly roles?: boolean;
  readonly privileges?: boolean;
  readonly groups?: boolean;
}

const seconds = (iso: string | null | undefined): number | null =>
  iso === null || iso === undefined ? null : Math.floor(Date.parse(iso) / 1000);

const textOf = (profile: Profile, key: string): string | null => {
  const value = profile[key];
  return typeof value === "string" && value !== "" ? value : null;
};

const domainOf = (email: string | null): string | null =>
  email?.includes("@") ? (email.split("@").at(-1)?.toLowerCase() ?? null) : null;

const active = (roles: readonly OktaRole[]): OktaRole[] => roles.filter(({ status }) => status === "ACTIVE");

const byText = (a: string, b: string): number => (a < b ? -1 : a > b ? 1 : 0);

const header = (name: string, uid: number) => ({
  activity_id: 2,
  activity_name: "Collect",
  category_name: "Discovery",
  category_uid: 5,
  class_name: name,
  class_uid: uid,
  type_name: `${name}: Collect`,
  type_uid: uid * 100 + 2,
  severity: "Informational",
  severity_id: 1,
  metadata: { product: { name: "Okta", vendor_name: "Okta", version: "N/A" }, version: "1.6.0" },
});

/** A group as its members' events show it. */
export const expectedGroup = (group: DumpGroup, unknown: Unknown = {}): ExpectedGroup => ({
  uid: group.id,
  name: textOf(group.profile, "name"),
  desc: textOf(group.profile, "description"),
  privileges:
    unknown.privileges === true
      ? null
      : active(group.roles)
          .sort((a, b) => byText(a.id, b.id))
          .map(({ label }) => label),
});

/** The `sekoia` event of a user; groups and their roles by id, so that equal facts make equal events. */
export const expectedUser = (
  user: DumpUser,
  groups: ReadonlyMap<string, DumpGroup>,
  unknown: Unknown = {},
): Json => {
  const { profile } = user;
  const login = textOf(profile, "login");
  const email = textOf(profile, "email");
  const names = [textOf(profile, "firstName"), textOf(profile, "lastName")].filter((name) => name !== null);
  const fullName = names.length === 0 ? null : names.join(" ");
  const admin = unknown.roles !== true && active(user.roles).length > 0;
  return {
    ...header("User Inventory Info", 5003),
    time: seconds(user.created),
    user: {
      uid: user.id,
      name: login,
      full_name: fullName,
      display_name: textOf(profile, "displayName") ?? fullName ?? login,
      email_addr: email,
      uid_alt: login,
      domain: domainOf(email),
      has_mfa: unknown.mfa === true ? null : user.factors.some(({ status }) => status === "ACTIVE"),
      type_id: admin ? 2 : null,
      type: admin ? "Admin" : null,
      account: { uid: user.id, name: login, type: "Other", type_id: 99 },
      org: {
        name: textOf(profile, "organization") ?? domainOf(email),
        ou_name: textOf(profile, "department"),
      },
      groups:
        unknown.groups === true
          ? null
          : [...user.groups].sort(byText).map((id) => {
              const group = groups.get(id);
              if (group === undefined) throw new Error(`the dump has no group ${id}`);
              return expectedGroup(group, unknown);
            }),
    },
    enrichments: [
      {
        name: "access_control",
        value: "okta",
        data: {
          is_enabled: user.status === "ACTIVE",
          last_logon: user.lastLogin,
          last_time_password_change: seconds(user.passwordChanged),
        },
      },
    ],
  };
};

const OS: Readonly<Record<string, { name: string; type: string; device: string }>> = {
  WINDOWS: { name: "Windows", type: "Windows", device: "Computer" },
  MACOS: { name: "macOS", type: "AppleOS", device: "Computer" },
  IOS: { name: "iOS", type: "AppleOS", device: "MobileDevice" },
  ANDROID: { name: "Android", type: "Android", device: "MobileDevice" },
  CHROMEOS: { name: "ChromeOS", type: "Other", device: "Computer" },
  LINUX: { name: "Linux", type: "Linux", device: "Computer" },
};

/** The `sekoia` event of a device of the real API's shape. */
export const expectedDevice = (device: DumpDevice): Json => {
  const { profile, status } = device;
  const text = (key: string): string | null => textOf(profile, key);
  const flag = (key: string): boolean | null => {
    const value = profile[key];
    return typeof value === "boolean" ? value : null;
  };
  const platform = text("platform") ?? "";
  const os = OS[platform] ?? { name: platform, type: "Other", device: "Unknown" };
  const [owner] = [...device.users].sort(
    (a, b) => byText(a.created, b.created) || byText(a.userId, b.userId),
  );
  const isManaged =
    flag("managed") ??
    (device.users.some(({ managementStatus }) => managementStatus === "MANAGED")
      ? true
      : device.users.length > 0 && device.users.every((one) => one.managementStatus === "NOT_MANAGED")
        ? false
        : null);
  const lastSeen = seconds(device.lastUpdated);
  return {
    ...header("Device Inventory Info", 5001),
    time: seconds(device.created),
    device: {
      uid: device.id,
      name: text("displayName"),
      hostname: text("displayName"),
      type: os.device,
      serial_number: text("serialNumber"),
      manufacturer: text("manufacturer"),
      model: text("model"),
      imei: text("imei"),
      udid: text("udid"),
      is_enabled: status === "ACTIVE",
      status,
      is_managed: isManaged,
      is_registered: flag("registered"),
      compliance_status: "UNKNOWN",
      has_secure_hardware: flag("secureHardwarePresent"),
      encryption_type: text("diskEncryptionType"),
      user_uid: owner?.userId ?? null,
      created_time: seconds(device.created),
      updated_time: lastSeen,
      last_seen_time: lastSeen,
      os_update_time: null,
      os: { name: os.name, type: os.type, version: text("osVersion") },
    },
    enrichments: [
      {
        name: "device_security",
        value: "okta_device",
        data: {
          compliance_status: "UNKNOWN",
          is_enabled: status === "ACTIVE",
          is_managed: isManaged,
          has_secure_hardware: flag("secureHardwarePresent"),
          encryption_type: text("diskEncryptionType"),
          last_seen: lastSeen,
        },
      },
    ],
  };
};

/** Every user's event by id. */
export const expectedUsers = (
  dump: Pick<OrgDump, "users" | "groups">,
  unknown: Unknown = {},
): Map<string, Json> => {
  const groups = new Map(dump.groups.map((group) => [group.id, group]));
  return new Map(dump.users.map((user) => [user.id, expectedUser(user, groups, unknown)]));
};

/** Every device's event by id. */
export const expectedDevices = (dump: Pick<OrgDump, "devices">): Map<string, Json> =>
  new Map(dump.devices.map((device) => [device.id, expectedDevice(device)]));

export const isJson = (value: unknown): value is Json =>
  typeof value === "object" && value !== null && !Array.isArray(value);

export const partOf = (record: Json, key: string): Json => {
  const value = record[key];
  if (!isJson(value)) throw new Error(`${key} is no object`);
  return value;
};

export const partsOf = (record: Json, key: string): Json[] => {
  const value = record[key];
  return Array.isArray(value) ? value.filter(isJson) : [];
};

/** The asset that an event is about. */
export const uidOf = (event: Json): string => {
  const asset = event["user"] ?? event["device"];
  return isJson(asset) && typeof asset["uid"] === "string" ? asset["uid"] : "";
};

export const isDeleted = (event: Json): boolean =>
  partsOf(event, "enrichments").some((enrichment) => partOf(enrichment, "data")["is_deleted"] === true);

/** The newest event of each asset, of an inventory read in sequence order. */
export const newestById = (events: readonly Json[]): Map<string, Json> =>
  new Map(events.map((event) => [uidOf(event), event]));

/** In which assets an inventory differs from what it should be: ids, with both sides of the first few. */
export const differences = (
  actual: ReadonlyMap<string, Json>,
  expected: ReadonlyMap<string, Json>,
): { id: string; is: Json | null; should: Json | null }[] => {
  const ids = new Set([...actual.keys(), ...expected.keys()]);
  return [...ids].flatMap((id) => {
    const is = actual.get(id) ?? null;
    const should = expected.get(id) ?? null;
    return canonical(is) === canonical(should && withSameSignIn(should, is)) ? [] : [{ id, is, should }];
  });
};

/** Two sign-ins within this time are one: log events have milliseconds, and records whole seconds. */
const SAME_SIGN_IN_MS = 2_000;

const accessOf = (event: Json): Json => partOf(partsOf(event, "enrichments")[0] ?? {}, "data");

/** What an event should be, with the last sign-in that it has if that is the same one. */
const withSameSignIn = (should: Json, is: Json | null): Json => {
  const [told, wanted] = [is && accessOf(is)["last_logon"], accessOf(should)["last_logon"]];
  const apart = Date.parse(String(wanted)) - Date.parse(String(told));
  if (!(apart > 0 && apart < SAME_SIGN_IN_MS)) return should;
  const [first, ...others] = partsOf(should, "enrichments");
  return {
    ...should,
    enrichments: [{ ...first, data: { ...accessOf(should), last_logon: told } }, ...others],
  };
};

/** JSON text that does not depend on the order of keys. */
const canonical = (value: unknown): string =>
  JSON.stringify(value, (_, part: unknown) =>
    isJson(part) ? Object.fromEntries(Object.entries(part).sort(([a], [b]) => byText(a, b))) : part,
  );
