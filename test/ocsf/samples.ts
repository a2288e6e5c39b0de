/** The sample records and events that Sekoia.io publishes for its Okta asset connectors, unchanged. */
import { type EventContext, known, type UserFacts } from "../../src/inventory/facts.ts";
import { type OktaDevice, type OktaUser, parseDevice, parseUser } from "../../src/okta/records.ts";

export const activeUser = {
  id: "00oa1bcdefg2EXAMPLE",
  status: "ACTIVE",
  created: "2020-06-04T10:00:00.000Z",
  activated: "2020-06-04T10:15:00.000Z",
  statusChanged: "2025-08-26T09:30:00.000Z",
  lastLogin: "2025-08-26T09:30:00.000Z",
  lastUpdated: "2025-08-26T09:30:00.000Z",
  passwordChanged: "2025-01-10T11:00:00.000Z",
  profile: {
    firstName: "Mary",
    lastName: "Jones",
    email: "mary.jones@example.com",
    login: "mary.jones@example.com",
    mobilePhone: "+1-555-234-5678",
    primaryPhone: "+1-555-234-5678",
    department: "Finance",
    jobTitle: "Financial Analyst",
    employeeNumber: "EMP456",
    city: "New York",
    state: "NY",
    country: "USA",
  },
  groupIds: ["00gj3k4l5mnopqrst", "00gh8i9j0klmnopq"],
  _links: { self: [{ href: "https://example.okta.com/api/v1/users/00oa1bcdefg2EXAMPLE" }] },
};

export const suspendedUser = {
  id: "00oa2cdefgh3EXAMPLE",
  status: "SUSPENDED",
  created: "2020-06-04T10:00:00.000Z",
  activated: "2020-06-04T10:15:00.000Z",
  statusChanged: "2025-06-10T14:00:00.000Z",
  lastLogin: "2025-06-10T14:00:00.000Z",
  lastUpdated: "2025-06-10T14:00:00.000Z",
  passwordChanged: "2021-01-15T09:00:00.000Z",
  profile: {
    firstName: "Robert",
    lastName: "Smith",
    email: "robert.smith@example.com",
    login: "robert.smith@example.com",
    mobilePhone: "+1-555-345-6789",
    primaryPhone: "+1-555-345-6789",
    department: "Engineering",
    jobTitle: "Senior Software Engineer",
    employeeNumber: "EMP789",
    city: "San Francisco",
    state: "CA",
    country: "USA",
  },
  groupIds: ["00gj3k4l5mnopqrst"],
  _links: { self: [{ href: "https://example.okta.com/api/v1/users/00oa2cdefgh3EXAMPLE" }] },
};

export const managedDevice = {
  id: "gooabc123defGHIJKL",
  status: "ACTIVE",
  created: "2023-06-04T10:00:00.000Z",
  lastUpdated: "2025-08-26T09:30:00.000Z",
  lastSeen: "2025-08-26T09:30:00.000Z",
  profile: {
    displayName: "LAPTOP-MARY-001",
    platform: "Windows",
    osVersion: "10.0.22621",
    serialNumber: "ABC123DEF456",
    imei: null,
    manufacturer: "Dell",
    model: "Latitude 5540",
    udid: null,
    registered: true,
    secureHardwarePresent: true,
    diskEncryptionType: "BitLocker",
    osUpdateTime: "2025-08-20T14:30:00.000Z",
  },
  deviceType: "Computer",
  managed: true,
  complianceStatus: "COMPLIANT",
  userId: "00u1a2b3c4d5e6f7g8h9",
};

export const nonCompliantDevice = {
  id: "goodef456ghiJKLMNO",
  status: "ACTIVE",
  created: "2023-04-15T08:00:00.000Z",
  lastUpdated: "2025-08-26T09:30:00.000Z",
  lastSeen: "2025-08-26T09:30:00.000Z",
  profile: {
    displayName: "iPhone-ROBERT-001",
    platform: "iOS",
    osVersion: "17.5.1",
    serialNumber: "A2R4P7B9C1D2E3F4G5",
    imei: "356938035643809",
    manufacturer: "Apple",
    model: "iPhone 14 Pro",
    udid: "00008120-0015E40A2E59801E",
    registered: true,
    secureHardwarePresent: true,
    diskEncryptionType: "FileVault",
    osUpdateTime: "2025-08-01T10:00:00.000Z",
  },
  deviceType: "MobileDevice",
  managed: true,
  complianceStatus: "NON_COMPLIANT",
  userId: "00u2c3d4e5f6g7h8i9j0",
};

export const publishedUserEvent = {
  activity_id: 2,
  activity_name: "Collect",
  category_name: "Discovery",
  category_uid: 5,
  class_name: "User Inventory Info",
  class_uid: 5003,
  type_name: "User Inventory Info: Collect",
  type_uid: 500302,
  severity: "Informational",
  severity_id: 1,
  time: 1591234567.0,
  metadata: { product: { name: "Okta", vendor_name: "Okta", version: "N/A" }, version: "1.6.0" },
  user: {
    uid: "00oa1bcdefg2EXAMPLE",
    name: "mary.jones@example.com",
    full_name: "Mary Jones",
    display_name: "Mary Jones",
    email_addr: "mary.jones@example.com",
    uid_alt: "mary.jones@example.com",
    domain: "example.com",
    has_mfa: true,
    type_id: null,
    type: null,
    account: { uid: "00oa1bcdefg2EXAMPLE", name: "mary.jones@example.com", type: "Other", type_id: 99 },
    org: { name: "example.com", ou_name: "Finance" },
    groups: [
      {
        uid: "00gj3k4l5mnopqrst",
        name: "Finance Users",
        desc: "Finance department group",
        privileges: [],
      },
    ],
  },
  enrichments: [
    {
      name: "access_control",
      value: "okta",
      data: {
        is_enabled: true,
        last_logon: "2025-08-26T09:30:00.000Z",
        last_time_password_change: 1736507400.0,
      },
    },
  ],
};

export const publishedDeviceEvent = {
  activity_id: 2,
  activity_name: "Collect",
  category_name: "Discovery",
  category_uid: 5,
  class_name: "Device Inventory Info",
  class_uid: 5001,
  type_name: "Device Inventory Info: Collect",
  type_uid: 500102,
  severity: "Informational",
  severity_id: 1,
  time: 1685854800,
  metadata: { product: { name: "Okta" }, version: "1.6.0" },
  device: {
    uid: "gooabc123defGHIJKL",
    name: "LAPTOP-MARY-001",
    hostname: "LAPTOP-MARY-001",
    type: "Computer",
    serial_number: "ABC123DEF456",
    manufacturer: "Dell",
    model: "Latitude 5540",
    is_enabled: true,
    status: "ACTIVE",
    is_managed: true,
    is_registered: true,
    compliance_status: "COMPLIANT",
    has_secure_hardware: true,
    encryption_type: "BitLocker",
    user_uid: "00u1a2b3c4d5e6f7g8h9",
    created_time: 1685854800,
    updated_time: 1725184200,
    last_seen_time: 1725184200,
    os_update_time: 1724044200,
    os: { name: "Windows", type: "Windows", version: "10.0.22621" },
  },
  enrichments: [
    {
      name: "device_security",
      value: "okta_device",
      data: {
        compliance_status: "COMPLIANT",
        is_enabled: true,
        is_managed: true,
        has_secure_hardware: true,
        encryption_type: "BitLocker",
        last_seen: 1725184200,
      },
    },
  ],
};

/** When the facts in these tests were read and stored. */
export const CHANGED_AT = Date.UTC(2025, 7, 27, 8, 0, 0);

export const userContext: EventContext = {
  connection: "default",
  tenant: "example.okta.com",
  stream: "users",
  assetId: "00oa1bcdefg2EXAMPLE",
  sequence: 1_756_000_000_000_007,
  sequenceBase: 1_756_000_000_000_000,
  changedAt: CHANGED_AT,
  deletedAt: null,
  mfaIgnoredFactors: [],
  profileAttributes: [],
};

export const deviceContext: EventContext = {
  ...userContext,
  stream: "devices",
  assetId: "gooabc123defGHIJKL",
};

export const readUser = (record: unknown): OktaUser => {
  const parsed = parseUser(record);
  if (!parsed.ok) throw new Error(parsed.error.reason);
  return parsed.value;
};

export const readDevice = (record: unknown): OktaDevice => {
  const parsed = parseDevice(record);
  if (!parsed.ok) throw new Error(parsed.error.reason);
  return parsed.value;
};

/** The facts behind the published user event: one group without roles, one factor, and no role. */
export const factsOf = (record: unknown, overrides: Partial<UserFacts> = {}): UserFacts => ({
  user: readUser(record),
  groups: known(
    [
      {
        id: "00gj3k4l5mnopqrst",
        name: "Finance Users",
        description: "Finance department group",
        type: "OKTA_GROUP",
        roles: known([], CHANGED_AT),
      },
    ],
    CHANGED_AT,
  ),
  factors: known([{ id: "opf1", factorType: "push", provider: "OKTA", status: "ACTIVE" }], CHANGED_AT),
  roles: known([], CHANGED_AT),
  ...overrides,
});
