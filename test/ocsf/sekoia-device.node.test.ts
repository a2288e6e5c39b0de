import { describe, expect, test } from "vitest";
import { sekoiaDevice } from "../../src/ocsf/sekoia-device.ts";
import { sekoiaDeviceSchema } from "../../src/ocsf/sekoia-schemas.ts";
import {
  CHANGED_AT,
  deviceContext,
  managedDevice,
  nonCompliantDevice,
  publishedDeviceEvent,
  readDevice,
} from "./samples.ts";

const eventOf = (record: unknown, context = deviceContext) =>
  sekoiaDevice({ device: readDevice(record) }, context);

const bare = {
  id: "guo1",
  status: "ACTIVE",
  profile: { displayName: "D", platform: "WINDOWS", registered: true },
};

describe("the published samples", () => {
  test("the managed device equals the published event, except for keys that it lacks and its wrong times", () => {
    const { imei, udid } = { imei: null, udid: null }; // in the published table, and null in the record
    const { uid, name, hostname, type, serial_number, manufacturer, model, ...rest } =
      publishedDeviceEvent.device;
    const signalled = Date.UTC(2025, 7, 26, 9, 30, 0) / 1000; // lastUpdated and lastSeen, not 1725184200
    const created = Date.UTC(2023, 5, 4, 10, 0, 0) / 1000; // not 1685854800
    const expected = {
      ...publishedDeviceEvent,
      time: created,
      metadata: { product: { name: "Okta", vendor_name: "Okta", version: "N/A" }, version: "1.6.0" },
      device: {
        uid,
        name,
        hostname,
        type,
        serial_number,
        manufacturer,
        model,
        imei,
        udid,
        ...rest,
        created_time: created,
        updated_time: signalled,
        last_seen_time: signalled,
        os_update_time: Date.UTC(2025, 7, 20, 14, 30, 0) / 1000, // not 1724044200
      },
      enrichments: publishedDeviceEvent.enrichments.map((enrichment) => ({
        ...enrichment,
        data: { ...enrichment.data, last_seen: signalled },
      })),
    };
    const event = eventOf(managedDevice);
    expect(JSON.stringify(event)).toBe(JSON.stringify(expected));
    expect([event.time, event.device.last_seen_time, event.device.os_update_time]).toEqual([
      1_685_872_800, 1_756_200_600, 1_755_700_200,
    ]);
    sekoiaDeviceSchema.parse(event);
  });

  test("the device that is not compliant", () => {
    expect(eventOf(nonCompliantDevice)).toMatchObject({
      time: Date.UTC(2023, 3, 15, 8, 0, 0) / 1000,
      device: {
        type: "MobileDevice",
        imei: "356938035643809",
        udid: "00008120-0015E40A2E59801E",
        compliance_status: "NON_COMPLIANT",
        user_uid: "00u2c3d4e5f6g7h8i9j0",
        os: { name: "iOS", type: "AppleOS", version: "17.5.1" },
      },
    });
  });
});

describe("the real API's shape", () => {
  test.each([
    ["WINDOWS", "Windows", "Windows", "Computer"],
    ["MACOS", "macOS", "AppleOS", "Computer"],
    ["MacOS", "macOS", "AppleOS", "Computer"],
    ["IOS", "iOS", "AppleOS", "MobileDevice"],
    ["ANDROID", "Android", "Android", "MobileDevice"],
    ["CHROMEOS", "ChromeOS", "Other", "Computer"],
    ["linux", "Linux", "Linux", "Computer"],
    ["TVOS", "TVOS", "Other", "Unknown"],
    [null, null, "Other", "Unknown"],
    [undefined, null, "Other", "Unknown"],
  ])("platform %j", (platform, name, osType, type) => {
    const { device } = eventOf({ ...bare, profile: { displayName: "D", platform } });
    expect(device).toMatchObject({ type, os: { name, type: osType, version: null } });
  });

  const link = (id: string, created: string, managementStatus: string) => ({
    created,
    managementStatus,
    screenLockType: "BIOMETRIC",
    user: { id, profile: {} },
  });
  const links = [
    link("00u2", "2024-05-01T00:00:00.000Z", "MANAGED"),
    link("00u1", "2024-04-01T00:00:00.000Z", "NOT_MANAGED"),
  ];

  test.each([
    ["the device itself", { managed: false, profile: { managed: true }, links }, false],
    ["the profile", { profile: { managed: false }, links }, false],
    ["a managed user", { profile: {}, links }, true],
    ["only users who are not managed", { profile: {}, links: links.slice(1) }, false],
    [
      "users of whom one may be managed",
      {
        profile: {},
        links: [...links.slice(1), { ...link("00u3", "", "NOT_MANAGED"), managementStatus: null }],
      },
      null,
    ],
    [
      "a word that is new",
      { profile: {}, links: [...links.slice(1), link("00u3", "2024-06-01T00:00:00.000Z", "PARTLY_MANAGED")] },
      null,
    ],
    ["nothing", { profile: {}, links: [] }, null],
  ])("is_managed by %s", (_, { links: users, ...rest }, managed) => {
    const event = eventOf({ ...bare, ...rest, _embedded: { users } });
    expect(event.device.is_managed).toBe(managed);
    expect(event.enrichments[0].data.is_managed).toBe(managed);
  });

  test("user_uid is the id of the user who was linked first", () => {
    expect(eventOf({ ...bare, _embedded: { users: links } }).device.user_uid).toBe("00u1");
    expect(eventOf(bare).device.user_uid).toBeNull();
  });

  test("compliance is UNKNOWN, last_seen is lastUpdated, and what is unknown is null", () => {
    const event = eventOf({ ...bare, lastUpdated: "2025-08-26T09:30:00.000Z" });
    expect(event.device).toMatchObject({
      compliance_status: "UNKNOWN",
      last_seen_time: Date.UTC(2025, 7, 26, 9, 30, 0) / 1000,
      serial_number: null,
      created_time: null,
      os_update_time: null,
      is_registered: true,
      has_secure_hardware: null,
    });
    sekoiaDeviceSchema.parse(event);
  });
});

test("a deleted device is its last event again, disabled and marked as deleted", () => {
  const before = eventOf(managedDevice);
  const event = eventOf(managedDevice, { ...deviceContext, deletedAt: CHANGED_AT });
  expect(event.device).toEqual({ ...before.device, is_enabled: false });
  expect(event.enrichments[0].data).toEqual({
    ...before.enrichments[0].data,
    is_enabled: false,
    is_deleted: true,
  });
  sekoiaDeviceSchema.parse(event);
});
