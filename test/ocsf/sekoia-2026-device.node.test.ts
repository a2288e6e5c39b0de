/** The `sekoia_2026` dialect of devices, by Sekoia.io's table of April 2026. Users are as in `sekoia`. */
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { deviceEvent, omitNulls, sekoia2026DeviceSchema, userEvent } from "../../src/ocsf/index.ts";
import { sekoia2026Device } from "../../src/ocsf/sekoia-2026-device.ts";
import { parseDevice } from "../../src/okta/records.ts";
import { examples } from "../support/seeds.ts";
import { anyContext, deviceFacts, oddDevice, oddUserFacts } from "./odd-records.ts";
import {
  activeUser,
  CHANGED_AT,
  deviceContext,
  managedDevice,
  nonCompliantDevice,
  readDevice,
  readUser,
} from "./samples.ts";

const eventOf = (record: unknown, context = deviceContext) =>
  sekoia2026Device({ device: readDevice(record) }, context);

const withProfile = (profile: object, rest: object = {}) =>
  eventOf({
    id: "guo1",
    status: "ACTIVE",
    ...rest,
    profile: { displayName: "D", platform: "WINDOWS", ...profile },
  });

const seconds = (text: string): number => Date.parse(text) / 1000;

test("a device as the real API returns it", () => {
  const event = eventOf({
    id: "guo1",
    status: "ACTIVE",
    created: "2025-02-02T02:02:02.000Z",
    lastUpdated: "2026-11-25T20:00:00.000Z",
    profile: {
      displayName: "Ada's laptop",
      platform: "WINDOWS",
      manufacturer: "Dell Inc.",
      model: "XPS 13",
      osVersion: "10.0.26100.1",
      serialNumber: "SN1",
      sid: "S-1-5-21-1",
      imei: "356938035643809",
      udid: "UDID1",
      registered: true,
      secureHardwarePresent: false,
      diskEncryptionType: "ALL_INTERNAL_VOLUMES",
    },
    _embedded: { users: [{ managementStatus: "NOT_MANAGED", user: { id: "00u1", profile: {} } }] },
  });
  const created = seconds("2025-02-02T02:02:02Z");
  expect(event).toEqual({
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
    time: created,
    metadata: { product: { name: "Okta", vendor_name: "Okta", version: "N/A" }, version: "1.6.0" },
    device: {
      uid: "guo1",
      uid_alt: "SN1",
      name: "Ada's laptop",
      hostname: "Ada's laptop",
      type: "Desktop",
      type_id: 2,
      vendor_name: "Dell Inc.",
      model: "XPS 13",
      udid: "UDID1",
      imei_list: ["356938035643809"],
      is_managed: true,
      is_compliant: null,
      is_trusted: false,
      created_time: created,
      first_seen_time: created,
      last_seen_time: seconds("2026-11-25T20:00:00Z"),
      os: { name: "Windows", type: "windows", type_id: 100 },
    },
    enrichments: [
      {
        name: "device_info",
        value: "hardware_and_security",
        data: {
          Storage_encryption: { partitions: { full: "Enabled" } },
          Users: ["windows_sid:S-1-5-21-1"],
        },
      },
    ],
  });
});

test("what Okta does not tell is null, and left out on the wire", () => {
  const event = eventOf({ id: "guo1", status: "ACTIVE", profile: { displayName: "D", platform: "IOS" } });
  expect(event.device).toMatchObject({
    uid_alt: null,
    imei_list: null,
    is_managed: null,
    is_compliant: null,
    is_trusted: null,
    last_seen_time: null,
  });
  expect(event.enrichments[0].data).toEqual({});
  expect(omitNulls(event.device)).toEqual({
    uid: "guo1",
    name: "D",
    hostname: "D",
    type: "Mobile",
    type_id: 5,
    os: { name: "iOS", type: "ios", type_id: 301 },
  });
});

test.each([
  ["WINDOWS", "Desktop", 2, { name: "Windows", type: "windows", type_id: 100 }],
  ["MACOS", "Desktop", 2, { name: "macOS", type: "macos", type_id: 300 }],
  ["CHROMEOS", "Desktop", 2, { name: "ChromeOS", type: "chromeos", type_id: 99 }],
  ["Linux", "Desktop", 2, { name: "Linux", type: "linux", type_id: 200 }],
  ["IOS", "Mobile", 5, { name: "iOS", type: "ios", type_id: 301 }],
  ["ANDROID", "Mobile", 5, { name: "Android", type: "android", type_id: 201 }],
  ["TVOS", "Unknown", 0, { name: "TVOS", type: "tvos", type_id: 99 }],
  [null, "Unknown", 0, { name: null, type: null, type_id: 99 }],
])("platform %j", (platform, type, type_id, os) => {
  expect(withProfile({ platform }).device).toMatchObject({ type, type_id, os });
});

test.each([
  ["FULL", { full: "Enabled" }],
  ["ALL_INTERNAL_VOLUMES", { full: "Enabled" }],
  ["BitLocker", { full: "Enabled" }],
  ["FileVault", { full: "Enabled" }],
  ["NONE", { full: "Disabled" }],
  ["SYSTEM_VOLUME", { system_volume: "Enabled" }],
  ["USER", { user: "Enabled" }],
])("disk encryption %s", (diskEncryptionType, partitions) => {
  expect(withProfile({ diskEncryptionType }).enrichments[0].data.Storage_encryption).toEqual({ partitions });
});

test.each([null, "", "A_NEW_WORD"])("disk encryption %j says nothing", (diskEncryptionType) => {
  expect(withProfile({ diskEncryptionType }).enrichments[0].data).not.toHaveProperty("Storage_encryption");
});

describe("compliance", () => {
  test.each([
    ["ACTIVE", "COMPLIANT", true],
    ["ACTIVE", "NON_COMPLIANT", false],
    ["SUSPENDED", "COMPLIANT", false],
    ["ACTIVE", "UNKNOWN", null],
    ["SUSPENDED", null, null],
  ])("%s and %j", (status, complianceStatus, is_compliant) => {
    expect(withProfile({}, { status, complianceStatus }).device.is_compliant).toBe(is_compliant);
  });

  test("as older samples tell it", () => {
    expect(eventOf(managedDevice).device.is_compliant).toBe(true);
    expect(eventOf(nonCompliantDevice).device).toMatchObject({
      is_compliant: false,
      imei_list: ["356938035643809"],
    });
  });
});

test("a deleted device is marked as such, and its compliance is not known any more", () => {
  const event = eventOf(managedDevice, { ...deviceContext, deletedAt: CHANGED_AT });
  expect(event.enrichments[0].data).toMatchObject({ is_deleted: true });
  expect(event.device.is_compliant).toBeNull();
});

test("a user is the same as in the dialect sekoia", () => {
  const facts = fc.sample(oddUserFacts(readUser(activeUser)), 1)[0] ?? expect.fail();
  const context = fc.sample(anyContext("users", "00u1"), 1)[0] ?? expect.fail();
  expect(userEvent(facts, context, "sekoia_2026")).toEqual(userEvent(facts, context, "sekoia"));
});

test("any device that can be read becomes a valid event", () => {
  fc.assert(
    fc.property(oddDevice, fc.gen(), (record, gen) => {
      const parsed = parseDevice(record);
      if (!parsed.ok) return;
      const context = gen(anyContext, "devices", parsed.value.id);
      const event = deviceEvent(deviceFacts(parsed.value), context, "sekoia_2026");
      expect(sekoia2026DeviceSchema.safeParse(event).error).toBeUndefined();
    }),
    examples(200),
  );
});
