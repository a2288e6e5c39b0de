import { describe, expect, test } from "vitest";
import { ocsfDevice } from "../../src/ocsf/ocsf-device.ts";
import { ocsfDeviceSchema } from "../../src/ocsf/ocsf-schemas.ts";
import { CHANGED_AT, deviceContext, managedDevice, readDevice } from "./samples.ts";

const eventOf = (record: unknown, context = deviceContext) => {
  const event = ocsfDevice({ device: readDevice(record) }, context);
  ocsfDeviceSchema.parse(event);
  return event;
};

const withProfile = (profile: Record<string, unknown>, rest: Record<string, unknown> = {}) =>
  eventOf({ id: "guo1", status: "ACTIVE", profile, ...rest });

test("the managed sample, with every fact in the attribute that OCSF 1.6.0 has for it", () => {
  const event = eventOf(managedDevice);
  const created = Date.UTC(2023, 5, 4, 10, 0, 0);
  const touched = Date.UTC(2025, 7, 26, 9, 30, 0);
  expect(event).toMatchObject({
    class_uid: 5001,
    type_uid: 500102,
    time: CHANGED_AT,
    message: "Okta device LAPTOP-MARY-001",
    metadata: {
      uid: "default/devices/gooabc123defGHIJKL/1756000000000007",
      log_name: "devices",
      sequence: 7,
    },
  });
  expect(event.device).toEqual({
    uid: "gooabc123defGHIJKL",
    name: "LAPTOP-MARY-001",
    hostname: "LAPTOP-MARY-001",
    type: "Computer",
    type_id: 99,
    vendor_name: "Dell",
    model: "Latitude 5540",
    os: { name: "Windows", type: "Windows", type_id: 100, version: "10.0.22621", build: "22621" },
    hw_info: { serial_number: "ABC123DEF456", vendor_name: "Dell" },
    is_managed: true,
    is_compliant: true,
    owner: { uid: "00u1a2b3c4d5e6f7g8h9" },
    created_time: created,
    modified_time: touched,
    first_seen_time: created,
    last_seen_time: touched,
  });
  expect(event.observables).toEqual([
    { name: "device.uid", type: "Device Object: uid", type_id: 47, value: "gooabc123defGHIJKL" },
    { name: "device.hostname", type: "Hostname", type_id: 1, value: "LAPTOP-MARY-001" },
    { name: "device.hw_info.serial_number", type: "Serial Number", type_id: 37, value: "ABC123DEF456" },
    { name: "device.owner.uid", type: "User Object: uid", type_id: 31, value: "00u1a2b3c4d5e6f7g8h9" },
  ]);
  expect(event.enrichments[0]?.data).toEqual({
    status: "ACTIVE",
    is_enabled: true,
    compliance_status: "COMPLIANT",
    is_registered: true,
    has_secure_hardware: true,
    encryption_type: "BitLocker",
    os_update_time: Date.UTC(2025, 7, 20, 14, 30, 0),
  });
  expect(event).not.toHaveProperty("unmapped");
});

test("a device as the real API returns it, with its users", () => {
  const link = (id: string, created: string) => ({
    created,
    managementStatus: "NOT_MANAGED",
    screenLockType: "PASSCODE",
    user: {
      id,
      profile: { login: `${id}@example.com`, email: `${id}@example.com`, firstName: "F", lastName: "L" },
    },
  });
  const event = withProfile(
    {
      displayName: "F's iPhone",
      platform: "IOS",
      imei: "356938035643809",
      meid: "A0000000000001",
      udid: "00008120-0015E40A2E59801E",
      sid: null,
      integrityJailbreak: false,
      diskEncryptionType: "FULL",
      tpmPublicKeyHash: "abc",
    },
    {
      _embedded: { users: [link("u2", "2024-02-01T00:00:00.000Z"), link("u1", "2024-01-01T00:00:00.000Z")] },
    },
  );
  expect(event.device).toEqual({
    uid: "guo1",
    name: "F's iPhone",
    type: "Mobile",
    type_id: 5,
    os: { name: "iOS", type: "iOS", type_id: 301 },
    imei_list: ["356938035643809"],
    meid: "A0000000000001",
    udid: "00008120-0015E40A2E59801E",
    is_managed: false,
    owner: {
      uid: "u1",
      name: "u1@example.com",
      full_name: "F L",
      display_name: "F L",
      email_addr: "u1@example.com",
      domain: "example.com",
    },
  });
  expect(event.enrichments[0]?.data).toMatchObject({
    encryption_type: "FULL",
    is_jailbroken: false,
    users: [
      {
        uid: "u1",
        name: "u1@example.com",
        email_addr: "u1@example.com",
        linked_time: Date.UTC(2024, 0, 1),
        management_status: "NOT_MANAGED",
        screen_lock_type: "PASSCODE",
      },
      { uid: "u2" },
    ],
  });
  expect(event.unmapped).toEqual({ profile: { tpmPublicKeyHash: "abc" } });
});

describe("type", () => {
  test.each([
    [{ platform: "WINDOWS" }, null, "Computer", 99],
    [{ platform: "ANDROID" }, null, "Mobile", 5],
    [{ platform: "IOS", model: "iPad13,1" }, null, "Tablet", 4],
    [{ platform: "IOS", model: "iPad13,1" }, "MobileDevice", "Tablet", 4],
    [{ platform: "MACOS", model: "MacBookPro18,1" }, null, "Laptop", 3],
    [{ platform: "MACOS", model: "Macmini9,1" }, "Computer", "Desktop", 2],
    [{ platform: "MACOS", model: "VirtualMac2,1" }, null, "Computer", 99],
    [{ platform: "WINDOWS" }, "Laptop", "Laptop", 3],
    [{ platform: "WINDOWS" }, "Kiosk", "Kiosk", 99],
    [{ platform: "WINDOWS" }, "Other", undefined, 99],
    [{ platform: "TVOS" }, null, "Unknown", 0],
    [{}, null, "Unknown", 0],
  ])("%j as %j", (profile, deviceType, type, typeId) => {
    const { device } = withProfile(profile, { deviceType });
    expect([device.type, device.type_id]).toEqual([type, typeId]);
  });
});

describe("operating system", () => {
  test.each([
    [
      { platform: "MACOS", osVersion: "14.5" },
      { name: "macOS", type: "macOS", type_id: 300, version: "14.5" },
    ],
    [{ platform: "CHROMEOS" }, { name: "ChromeOS", type: "ChromeOS", type_id: 99 }],
    [{ platform: "Linux" }, { name: "Linux", type: "Linux", type_id: 200 }],
    [{ platform: "ANDROID" }, { name: "Android", type: "Android", type_id: 201 }],
    [{ platform: "TVOS" }, { name: "TVOS", type: "TVOS", type_id: 99 }],
    [{ platform: "Other" }, { name: "Other", type_id: 99 }],
    [{ platform: "" }, undefined],
  ])("%j", (profile, os) => {
    expect(withProfile(profile).device.os).toEqual(os);
  });

  test("a version without a platform is kept in unmapped", () => {
    expect(withProfile({ osVersion: "10.0" }).unmapped).toEqual({ profile: { osVersion: "10.0" } });
  });
});

test.each([
  ["LAPTOP-MARY-001", true],
  ["host.example.com", true],
  ["a".repeat(63), true],
  ["a".repeat(64), false],
  [Array(64).fill("aaaa").join("."), false],
  ["-x", false],
  ["x-", false],
  ["Mary's MacBook", false],
  ["a..b", false],
  ["ünï", false],
])("host name %j: %j", (displayName, valid) => {
  const { device } = withProfile({ displayName });
  expect(device.name).toBe(displayName);
  expect(device.hostname).toBe(valid ? displayName : undefined);
});

test.each([
  ["COMPLIANT", true],
  ["NON_COMPLIANT", false],
  ["UNKNOWN", undefined],
  [null, undefined],
])("compliance %j: %j", (complianceStatus, compliant) => {
  expect(withProfile({}, { complianceStatus }).device.is_compliant).toBe(compliant);
});

test("a deleted device is disabled, is marked as deleted and has the time of deletion", () => {
  const event = eventOf(managedDevice, { ...deviceContext, deletedAt: CHANGED_AT - 1000 });
  expect(event.enrichments[0]?.data).toMatchObject({
    status: "ACTIVE",
    is_enabled: false,
    is_deleted: true,
    deleted_time: CHANGED_AT - 1000,
  });
});
