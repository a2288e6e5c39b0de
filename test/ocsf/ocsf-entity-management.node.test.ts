import { expect, test } from "vitest";
import type { Change, ChangeField } from "../../src/contract/changes.ts";
import { changeEvent, ocsfEntityManagementSchema } from "../../src/ocsf/index.ts";
import { change, deviceContext, from, moved, toldChange } from "./change-samples.ts";

const DEVICE = { stream: "devices", id: "guo1laptop", name: "LAPTOP-MARY-001" } as const;

const eventOf = (source: Change) =>
  ocsfEntityManagementSchema.parse(changeEvent({ ...source, ...DEVICE }, deviceContext));
const updated = (...fields: ChangeField[]) => eventOf(change(fields));

test.each<[string, Change, number, string]>([
  ["created", change([], { kind: "created" }), 1, "Create"],
  ["deleted", change([], { kind: "deleted" }), 4, "Delete"],
  ["restored", change([], { kind: "restored" }), 99, "Restore"],
  ["activated", change([from("status", "CREATED", "ACTIVE")]), 10, "Activate"],
  ["deactivated", change([from("status", "ACTIVE", "DEACTIVATED")]), 11, "Deactivate"],
  ["suspended", change([from("status", "ACTIVE", "SUSPENDED")]), 12, "Suspend"],
  ["unsuspended", change([from("status", "SUSPENDED", "ACTIVE")]), 13, "Resume"],
  ["no longer managed", change([from("is_managed", true, false)]), 3, "Update"],
  ["a new user", change([moved("users", [{ id: "00u1", login: "mary@example.com" }], [])]), 3, "Update"],
])("%s", (_name, source, id, name) => {
  expect(eventOf(source)).toMatchObject({
    activity_id: id,
    activity_name: name,
    category_uid: 3,
    class_name: "Entity Management",
    class_uid: 3004,
    type_uid: 300400 + id,
    type_name: `Entity Management: ${id === 99 ? "Other" : name}`,
    severity_id: 1,
  });
});

test("the device before and after, in the attributes that OCSF 1.6.0 has for it", () => {
  const fields = [
    from("is_managed", true, false),
    from("compliance_status", "COMPLIANT", "UNKNOWN"),
    from("os.name", "Windows", "Windows"),
    from("os.version", "10.0.22621", "10.0.26100"),
    from("user_uid", "00u1mary", null),
    from("serial_number", null, "ABC123DEF456"),
  ];
  const event = eventOf(toldChange(fields, "device.lifecycle.activate"));
  const device = { uid: "guo1laptop", name: "LAPTOP-MARY-001", hostname: "LAPTOP-MARY-001" };
  const entity = { uid: device.uid, name: device.name, type: "Device", type_id: 1 };
  const windows = { name: "Windows", type: "Windows", type_id: 100 };
  expect(event.entity).toEqual({
    ...entity,
    device: {
      ...device,
      type: "Unknown",
      type_id: 0,
      os: { ...windows, version: "10.0.22621", build: "22621" },
      is_managed: true,
      is_compliant: true,
      owner: { uid: "00u1mary" },
    },
  });
  expect(event.entity_result).toEqual({
    ...entity,
    device: {
      ...device,
      type: "Unknown",
      type_id: 0,
      os: { ...windows, version: "10.0.26100", build: "26100" },
      hw_info: { serial_number: "ABC123DEF456" },
      is_managed: false,
    },
  });
  expect(event.metadata).toMatchObject({
    uid: "default/devices/guo1laptop/1756000000000007",
    log_name: "devices",
    event_code: "device.lifecycle.activate",
  });
  expect(event.observables.map(({ name, type_id }) => [name, type_id])).toEqual([
    ["entity.device.uid", 47],
    ["entity.device.hostname", 1],
    ["entity.device.owner.uid", 31],
    ["entity_result.device.hw_info.serial_number", 37],
    ["actor.user.uid", 31],
    ["actor.user.name", 4],
    ["actor.user.email_addr", 5],
    ["src_endpoint.ip", 2],
  ]);
});

test("what OCSF has no attribute for is in unmapped alone", () => {
  const event = updated(from("os.version", "1", "2"));
  expect(event).not.toHaveProperty("entity_result");
  expect(event.entity.device).not.toHaveProperty("os");
  expect(event.unmapped.changes).toEqual([from("os.version", "1", "2")]);
});

test.each([
  ["Laptop", { type: "Laptop", type_id: 3 }],
  ["MobileDevice", { type: "Mobile", type_id: 5 }],
  ["Computer", { type: "Computer", type_id: 99 }],
  ["Other", { type_id: 99 }],
])("type %s", (type, expected) => {
  expect(updated(from("type", null, type)).entity_result?.device).toMatchObject(expected);
});

test.each<[string, Change, string]>([
  [
    "created",
    toldChange([], "device.enrollment.create", { kind: "created" }),
    "created by admin@example.com",
  ],
  ["unmanaged", change([from("is_managed", true, false)]), "management changed"],
  ["its users", change([moved("users", [{ id: "00u1", login: "m@example.com" }], [])]), "users changed"],
])("the message: %s", (_name, source, what) => {
  expect(eventOf(source).message).toBe(`Okta device LAPTOP-MARY-001: ${what}`);
});

test("a name that is no host name", () => {
  expect(updated(from("name", "LAPTOP-MARY-001", "Mary's iPad"))).toMatchObject({
    entity: { name: "LAPTOP-MARY-001", device: { hostname: "LAPTOP-MARY-001" } },
    entity_result: { name: "Mary's iPad", device: { name: "Mary's iPad" } },
  });
});
