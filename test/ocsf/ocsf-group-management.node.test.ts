import { describe, expect, test } from "vitest";
import type { ChangeField } from "../../src/contract/changes.ts";
import { changeEvent, ocsfGroupManagementSchema } from "../../src/ocsf/index.ts";
import { change, from, groupContext, moved, toldChange, userContext } from "./change-samples.ts";

const ofPerson = (fields: ChangeField[], type = "group.user_membership.add") =>
  ocsfGroupManagementSchema.parse(changeEvent(toldChange(fields, type), userContext));

const group = (rest: Parameters<typeof change>[1]) =>
  change([], { id: "00g1desk", name: "Help Desk", ...rest });
const ofGroup = (fields: ChangeField[], kind: "created" | "updated" | "deleted" | "restored" = "updated") =>
  ocsfGroupManagementSchema.parse(changeEvent({ ...group({ kind }), fields }, groupContext));

const role = (label: string, through: string | null) => ({
  label,
  type: "CUSTOM",
  assignment: "group",
  group: through,
});

describe("who is in a group", () => {
  test("joining one group is Add User", () => {
    const event = ofPerson([moved("groups", ["Finance Users"], [])]);
    expect(event).toMatchObject({
      activity_id: 3,
      activity_name: "Add User",
      class_name: "Group Management",
      class_uid: 3006,
      type_name: "Group Management: Add User",
      type_uid: 300603,
      severity_id: 1,
      message: "Okta user mary@example.com: added to group Finance Users by admin@example.com",
      metadata: { uid: "default/users/00u1mary/1756000000000007", event_code: "group.user_membership.add" },
      user: { uid: "00u1mary", name: "mary@example.com", email_addr: "mary@example.com" },
    });
    expect(event.group).toEqual({ name: "Finance Users" });
    expect(event).not.toHaveProperty("privileges");
    expect(event.observables.map(({ name, type_id, value }) => [name, type_id, value])).toEqual([
      ["group.name", 32, "Finance Users"],
      ["user.uid", 31, "00u1mary"],
      ["user.name", 4, "mary@example.com"],
      ["user.email_addr", 5, "mary@example.com"],
      ["user.account.uid", 35, "00u1mary"],
      ["user.account.name", 34, "mary@example.com"],
      ["actor.user.uid", 31, "00u9admin"],
      ["actor.user.name", 4, "admin@example.com"],
      ["actor.user.email_addr", 5, "admin@example.com"],
      ["src_endpoint.ip", 2, "203.0.113.7"],
    ]);
  });

  test("leaving one group is Remove User", () => {
    expect(ofPerson([moved("groups", [], ["Finance Users"])], "group.user_membership.remove")).toMatchObject({
      activity_id: 4,
      activity_name: "Remove User",
      type_uid: 300604,
      message: "Okta user mary@example.com: removed from group Finance Users by admin@example.com",
    });
  });

  test("a group that gives roles: the roles that come with it, and the severity of a role", () => {
    const roles = [role("Keys", "Help Desk"), role("Own", null)];
    const gained = [
      moved("groups", ["Help Desk"], []),
      from("is_admin", false, true),
      moved("admin_roles", ["Keys"], []),
      moved("admin_roles_detail", roles, []),
    ];
    expect(ofPerson(gained)).toMatchObject({ activity_id: 3, severity_id: 4, privileges: ["Keys"] });
    const lost = [moved("groups", [], ["Help Desk"]), moved("admin_roles_detail", [], roles)];
    expect(ofPerson(lost)).toMatchObject({ activity_id: 4, severity_id: 3, privileges: ["Keys"] });
  });

  test.each<[string, unknown[], unknown[]]>([
    ["several groups", ["A", "B"], []],
    ["one joined and one left", ["A"], ["B"]],
    ["a group without a name", [" "], []],
    ["something that is no name", [7], []],
    ["no group", [], []],
  ])("%s is an Account Change, with all groups in unmapped", (_name, added, removed) => {
    const fields = [moved("groups", added, removed)];
    expect(changeEvent(change(fields), userContext)).toMatchObject({
      class_uid: 3001,
      activity_id: 99,
      activity_name: "Change Groups",
      unmapped: {
        changes: [{ field: "groups", added: added.map(String), removed: removed.map(String) }],
      },
    });
  });

  test("a person who is deactivated and leaves Everyone with it is an Account Change", () => {
    const gone = change([from("status", "ACTIVE", "DEPROVISIONED"), moved("groups", [], ["Everyone"])]);
    expect(changeEvent(gone, userContext)).toMatchObject({ class_uid: 3001, activity_name: "Disable" });
  });

  test("a person who is new is an Account Change", () => {
    const created = change([moved("groups", ["A"], [])], { kind: "created" });
    expect(changeEvent(created, userContext)).toMatchObject({ class_uid: 3001, activity_id: 1 });
  });
});

describe("a group itself", () => {
  test.each<[string, Parameters<typeof ofGroup>, number, string, number]>([
    ["created", [[from("name", null, "Help Desk")], "created"], 6, "Create", 1],
    ["deleted", [[], "deleted"], 5, "Delete", 1],
    ["restored", [[], "restored"], 99, "Restore", 1],
    ["renamed", [[from("name", "Desk", "Help Desk")]], 99, "Update", 1],
    ["a role assigned", [[moved("admin_roles", ["Keys"], [])]], 1, "Assign Privileges", 4],
    ["a role revoked", [[moved("admin_roles", [], ["Keys"])]], 2, "Revoke Privileges", 3],
    ["one assigned, one revoked", [[moved("admin_roles", ["Keys"], ["Old"])]], 1, "Assign Privileges", 4],
  ])("%s", (_name, input, id, name, severity) => {
    expect(ofGroup(...input)).toMatchObject({
      activity_id: id,
      activity_name: name,
      type_uid: 300600 + id,
      type_name: `Group Management: ${id === 99 ? "Other" : name}`,
      severity_id: severity,
      group: { uid: "00g1desk", name: "Help Desk" },
    });
  });

  test("has the roles that were assigned or revoked", () => {
    expect(ofGroup([moved("admin_roles", ["Keys", "More"], ["Old"])]).privileges).toEqual(["Keys", "More"]);
    expect(ofGroup([moved("admin_roles", [], ["Old"])]).privileges).toEqual(["Old"]);
    expect(ofGroup([from("name", "a", "b")])).not.toHaveProperty("privileges");
  });

  test("is shown as it is afterwards, and is no user", () => {
    const event = ofGroup([from("name", "Desk", "Service Desk"), from("description", "a", "b")]);
    expect(event.group).toEqual({ uid: "00g1desk", name: "Service Desk", desc: "b" });
    expect(event).not.toHaveProperty("user");
    expect(event.message).toBe("Okta group Help Desk: name and description changed");
    expect(event.observables.map(({ name, type_id }) => [name, type_id])).toEqual([
      ["group.uid", 33],
      ["group.name", 32],
    ]);
  });
});
