/** What is kept of Okta's records. Times are ISO 8601 as Okta wrote them. */

/** Why a record could not be read. `id` is null when it could not be read either. */
export interface BadRecord {
  readonly reason: string;
  readonly id: string | null;
}

/** The base attributes of Okta's user schema, and `jobTitle` and `country`, custom ones that many orgs have. */
export const USER_ATTRIBUTES = [
  "login",
  "email",
  "secondEmail",
  "firstName",
  "lastName",
  "middleName",
  "honorificPrefix",
  "honorificSuffix",
  "title",
  "jobTitle",
  "displayName",
  "nickName",
  "profileUrl",
  "primaryPhone",
  "mobilePhone",
  "streetAddress",
  "city",
  "state",
  "zipCode",
  "countryCode",
  "country",
  "postalAddress",
  "preferredLanguage",
  "locale",
  "timezone",
  "userType",
  "employeeNumber",
  "costCenter",
  "organization",
  "division",
  "department",
  "managerId",
  "manager",
] as const;

/** Absent attributes have no key. */
export type OktaUserProfile = Readonly<Partial<Record<(typeof USER_ATTRIBUTES)[number], string>>>;

/** What a custom profile attribute holds. */
export type AttributeValue = string | number | boolean | readonly (string | number | boolean)[];

export interface OktaUser {
  readonly id: string;
  /** As Okta spells it, even when Okta does not document it. */
  readonly status: string;
  readonly created: string | null;
  readonly activated: string | null;
  readonly statusChanged: string | null;
  readonly lastLogin: string | null;
  readonly lastUpdated: string | null;
  readonly passwordChanged: string | null;
  readonly profile: OktaUserProfile;
  /** The realm's id; absent in an org without realms, and in records that version 0.1.0 filed. */
  readonly realmId?: string;
  /** The id of the user's type; absent in records that version 0.1.0 filed. */
  readonly typeId?: string;
  /**
   * The custom attributes to be kept, null where one is not set; absent if none were to be kept when the record was read.
   */
  readonly attributes?: Readonly<Record<string, AttributeValue | null>>;
}

/**
 * What a list of users is asked for, beside custom attributes: all that a user's record is made of here, so that a record of these fields is as good
 * as a whole one. What is read of a user from now on belongs in this text, too.
 * Syntax: Okta's API description, `GET /api/v1/users`, parameter `fields`.
 */
export const userFields = (attributes: readonly string[]): string =>
  [
    "id",
    "status",
    "created",
    "activated",
    "statusChanged",
    "lastLogin",
    "lastUpdated",
    "passwordChanged",
    "realmId",
    "type",
    `profile:(${[...new Set([...USER_ATTRIBUTES, ...attributes])].join(",")})`,
  ].join(",");

export interface OktaGroup {
  readonly id: string;
  /** OKTA_GROUP, APP_GROUP or BUILT_IN; may be null in the list of a user's groups. */
  readonly type: string | null;
  readonly name: string | null;
  readonly description: string | null;
  readonly lastUpdated: string | null;
  readonly lastMembershipUpdated: string | null;
  /** With `expand=stats` only. */
  readonly stats: { readonly usersCount: number | null; readonly hasAdminPrivilege: boolean | null } | null;
}

export interface OktaFactor {
  readonly id: string | null;
  readonly factorType: string;
  readonly provider: string | null;
  /** Only ACTIVE counts as enrolled. */
  readonly status: string;
  /** When it was enrolled; absent in what version 0.1.0 stored. */
  readonly created?: string | null;
  readonly lastUpdated?: string | null;
}

export interface OktaRole {
  readonly id: string | null;
  /** SUPER_ADMIN, …, CUSTOM. */
  readonly type: string;
  /** The display name. */
  readonly label: string | null;
  readonly status: string;
  /** USER or GROUP. */
  readonly assignmentType: string | null;
  /** When it was assigned; absent in what version 0.1.0 stored. */
  readonly created?: string | null;
  /** The id of the resource set that a custom role is limited to; absent for others, and in what version 0.1.0 stored. */
  readonly resourceSet?: string;
  /** The group that gives the role: its name where it is known, else its id. Okta's answer has the id. */
  readonly group?: string;
}

export const DEVICE_TEXTS = [
  "displayName",
  "platform",
  "manufacturer",
  "model",
  "osVersion",
  "serialNumber",
  "imei",
  "meid",
  "udid",
  "sid",
  "tpmPublicKeyHash",
  "diskEncryptionType",
] as const;

export const DEVICE_FLAGS = ["registered", "secureHardwarePresent", "integrityJailbreak", "managed"] as const;

/** Absent attributes have no key. `osUpdateTime` (ISO 8601) is not in the real API, only in imitations of it. */
export type OktaDeviceProfile = Readonly<
  Partial<
    Record<(typeof DEVICE_TEXTS)[number], string> &
      Record<(typeof DEVICE_FLAGS)[number], boolean> &
      Record<"osUpdateTime", string>
  >
>;

/** A user's display name is not kept: only some of Okta's answers have it, and the same state is to be the same text. */
export interface OktaDeviceUser {
  readonly id: string;
  /** When the user was linked to the device. */
  readonly created: string | null;
  /** MANAGED or NOT_MANAGED. */
  readonly managementStatus: string | null;
  readonly screenLockType: string | null;
  readonly login: string | null;
  readonly email: string | null;
  readonly firstName: string | null;
  readonly lastName: string | null;
}

/** `lastSeen`, `deviceType`, `managed`, `complianceStatus` and `userId` are not in the real API, so mostly null. */
export interface OktaDevice {
  readonly id: string;
  readonly status: string;
  readonly created: string | null;
  readonly lastUpdated: string | null;
  readonly lastSeen: string | null;
  readonly deviceType: string | null;
  readonly managed: boolean | null;
  readonly complianceStatus: string | null;
  readonly userId: string | null;
  readonly profile: OktaDeviceProfile;
  /** Sorted by `created`, then id: the oldest link first. */
  readonly users: readonly OktaDeviceUser[];
}

export interface OktaLogActor {
  readonly id: string | null;
  readonly type: string | null;
  readonly alternateId: string | null;
  readonly displayName: string | null;
}

export interface OktaLogEvent {
  readonly uuid: string;
  readonly published: string | null;
  readonly eventType: string;
  /** `outcome.result`: SUCCESS, FAILURE, … */
  readonly outcome: string | null;
  /** `outcome.reason`, such as LOCKED_OUT. */
  readonly reason: string | null;
  readonly actor: OktaLogActor | null;
  /** `client.ipAddress`: where the request came from. */
  readonly ip: string | null;
  readonly target: readonly OktaLogActor[];
}
