/** The shapes an org holds: what Okta's API documents, without the links that depend on who asks. */

export type JsonValue = string | number | boolean | null | JsonValue[] | { [key: string]: JsonValue };
export type Profile = Record<string, JsonValue>;

export const USER_STATUSES = [
  "ACTIVE",
  "DEPROVISIONED",
  "LOCKED_OUT",
  "PASSWORD_EXPIRED",
  "PROVISIONED",
  "RECOVERY",
  "STAGED",
  "SUSPENDED",
] as const;
export type UserStatus = (typeof USER_STATUSES)[number];

export interface OktaUser {
  id: string;
  status: UserStatus;
  created: string;
  activated: string | null;
  statusChanged: string | null;
  lastLogin: string | null;
  lastUpdated: string;
  passwordChanged: string | null;
  type: { id: string };
  profile: Profile;
}

export const GROUP_TYPES = ["OKTA_GROUP", "APP_GROUP", "BUILT_IN"] as const;
export type GroupType = (typeof GROUP_TYPES)[number];

export interface OktaGroup {
  id: string;
  type: GroupType;
  created: string;
  lastUpdated: string;
  lastMembershipUpdated: string;
  objectClass: string[];
  profile: Profile;
}

export interface OktaFactor {
  id: string;
  factorType: string;
  provider: string;
  vendorName: string;
  status: string;
  created: string;
  lastUpdated: string;
  profile: Profile;
}

export interface OktaRole {
  id: string;
  label: string;
  type: string;
  status: "ACTIVE" | "INACTIVE";
  created: string;
  lastUpdated: string;
  assignmentType: "USER" | "GROUP";
  role?: string;
  "resource-set"?: string;
}

export const DEVICE_STATUSES = ["ACTIVE", "CREATED", "DEACTIVATED", "SUSPENDED", "UNSUSPENDED"] as const;
export type DeviceStatus = (typeof DEVICE_STATUSES)[number];

export interface OktaDevice {
  id: string;
  status: DeviceStatus;
  created: string;
  lastUpdated: string;
  profile: Profile;
}

export interface DeviceLink {
  created: string;
  managementStatus: "MANAGED" | "NOT_MANAGED" | null;
  screenLockType: string | null;
  userId: string;
}

export interface LogActor {
  id: string;
  type: string;
  alternateId: string | null;
  displayName: string | null;
}

/** From where something was done. Okta sends all keys, with nulls for what it does not know. */
export interface LogClient {
  userAgent: null;
  zone: null;
  device: null;
  id: null;
  ipAddress: string | null;
  geographicalContext: null;
}

export interface OktaLogEvent {
  uuid: string;
  published: string;
  eventType: string;
  version: string;
  severity: string;
  displayMessage: string;
  actor: LogActor & { detailEntry: null };
  client: LogClient;
  outcome: { result: string; reason: string | null };
  target: (LogActor & { detailEntry: null })[] | null;
  transaction: { type: string; id: string; detail: Record<string, never> };
  debugContext: { debugData: Record<string, string> };
  authenticationContext: { externalSessionId: string | null };
  request: {
    ipChain: { ip: string; geographicalContext: null; version: "V4" | "V6"; source: null }[];
  };
}

export interface DumpUser extends OktaUser {
  /** Ids of every group, Everyone included. */
  groups: string[];
  factors: OktaFactor[];
  /** Direct roles and the ones that come through groups. */
  roles: OktaRole[];
}
export interface DumpGroup extends OktaGroup {
  usersCount: number;
  roles: OktaRole[];
}
export interface DumpDevice extends OktaDevice {
  users: DeviceLink[];
}

/** What an ideal inventory of the org would hold. */
export interface OrgDump {
  orgId: string;
  users: DumpUser[];
  groups: DumpGroup[];
  devices: DumpDevice[];
}
