import { describe, expect, test } from "vitest";
import type { Change, ChangeField } from "../../src/contract/changes.ts";
import { changeEvent, ocsfAccountChangeSchema } from "../../src/ocsf/index.ts";
import { AT, admin, change, from, moved, STORED_AT, toldChange, userContext } from "./change-samples.ts";

const eventOf = (source: Change, context = userContext) =>
  ocsfAccountChangeSchema.parse(changeEvent(source, context));

const status = (before: string | null, after: string) => [from("status", before, after)];
const removed = moved("mfa_factors", [], ["push"]);
const noMfa = from("mfa_enrolled", true, false);
const factor = (name: string, enrolled: string, updated = enrolled) => ({
  name,
  provider: "OKTA",
  enrolled_at: enrolled,
  last_updated: updated,
});
const role = (label: string, resourceSet: string | null = null) => ({
  label,
  type: "CUSTOM",
  assignment: "user",
  group: null,
  assigned_at: AT,
  resource_set: resourceSet,
});

test("a suspension, with every part in the attribute that OCSF 1.6.0 has for it", () => {
  const fields = [from("status", "ACTIVE", "SUSPENDED"), from("email", "mary@example.com", "m@example.org")];
  const event = eventOf(toldChange(fields, "user.lifecycle.suspend"));
  const at = Date.UTC(2026, 10, 25, 8, 14, 2);
  const account = { uid: "00u1mary", name: "mary@example.com", type: "Okta", type_id: 99 };
  const person = { uid: "00u1mary", name: "mary@example.com", display_name: "Mary Jones" };
  expect(event).toEqual({
    activity_id: 5,
    activity_name: "Disable",
    category_name: "Identity & Access Management",
    category_uid: 3,
    class_name: "Account Change",
    class_uid: 3001,
    type_name: "Account Change: Disable",
    type_uid: 300105,
    severity: "Informational",
    severity_id: 1,
    time: at,
    status: "Success",
    status_id: 1,
    message:
      "Okta user mary@example.com: status changed from ACTIVE to SUSPENDED; e-mail changed by admin@example.com",
    metadata: {
      version: "1.6.0",
      uid: "default/users/00u1mary/1756000000000007",
      event_code: "user.lifecycle.suspend",
      product: { name: "Okta", vendor_name: "Okta", version: "N/A" },
      tenant_uid: "example.okta.com",
      log_provider: "Okta",
      log_name: "users",
      original_time: AT,
      processed_time: STORED_AT,
      sequence: 7,
      correlation_uid: "default/users/00u1mary/1756000000000007",
    },
    actor: {
      user: {
        uid: "00u9admin",
        name: "admin@example.com",
        display_name: "Ada Admin",
        email_addr: "admin@example.com",
        type: "User",
        type_id: 99,
      },
    },
    src_endpoint: { ip: "203.0.113.7" },
    user: {
      ...person,
      email_addr: "mary@example.com",
      domain: "example.com",
      account: { ...account, labels: ["ACTIVE"] },
    },
    user_result: {
      ...person,
      email_addr: "m@example.org",
      domain: "example.org",
      account: { ...account, labels: ["SUSPENDED"] },
    },
    observables: [
      { name: "user.uid", type: "User Object: uid", type_id: 31, value: "00u1mary" },
      { name: "user.name", type: "User Name", type_id: 4, value: "mary@example.com" },
      { name: "user.email_addr", type: "Email Address", type_id: 5, value: "mary@example.com" },
      { name: "user.account.uid", type: "Account Object: uid", type_id: 35, value: "00u1mary" },
      { name: "user.account.name", type: "Account Object: name", type_id: 34, value: "mary@example.com" },
      { name: "user_result.email_addr", type: "Email Address", type_id: 5, value: "m@example.org" },
      { name: "actor.user.uid", type: "User Object: uid", type_id: 31, value: "00u9admin" },
      { name: "actor.user.name", type: "User Name", type_id: 4, value: "admin@example.com" },
      { name: "actor.user.email_addr", type: "Email Address", type_id: 5, value: "admin@example.com" },
      { name: "src_endpoint.ip", type: "IP Address", type_id: 2, value: "203.0.113.7" },
    ],
    unmapped: {
      changes: fields,
      log_events: [
        {
          uuid: "7f6a1f0e-0000-4000-8000-000000000001",
          type: "user.lifecycle.suspend",
          published: AT,
          actor: admin,
        },
      ],
      source: "log",
    },
  });
});

describe("the activity", () => {
  test.each<[string, ChangeField[], number, string]>([
    ["suspended", status("ACTIVE", "SUSPENDED"), 5, "Disable"],
    ["deactivated", status("SUSPENDED", "DEPROVISIONED"), 5, "Disable"],
    ["unsuspended", status("SUSPENDED", "ACTIVE"), 2, "Enable"],
    ["activated", status("STAGED", "ACTIVE"), 2, "Enable"],
    ["reactivated", status("DEPROVISIONED", "ACTIVE"), 2, "Enable"],
    ["locked", status("ACTIVE", "LOCKED_OUT"), 9, "Lock"],
    ["unlocked", status("LOCKED_OUT", "ACTIVE"), 12, "Unlock"],
    ["unlocked into a recovery", status("LOCKED_OUT", "RECOVERY"), 12, "Unlock"],
    ["suspended while locked", status("LOCKED_OUT", "SUSPENDED"), 5, "Disable"],
    ["a password that was missing was set", status("PASSWORD_EXPIRED", "ACTIVE"), 99, "Change Status"],
    ["active, and what it was before is unknown", status(null, "ACTIVE"), 99, "Change Status"],
    ["an expired password", status("ACTIVE", "PASSWORD_EXPIRED"), 99, "Change Status"],
    ["password", [from("password_changed", null, AT)], 3, "Password Change"],
    ["a factor enrolled", [moved("mfa_factors", ["push"], [])], 10, "MFA Factor Enable"],
    ["the first factor", [from("mfa_enrolled", false, true)], 10, "MFA Factor Enable"],
    ["a factor removed", [removed], 11, "MFA Factor Disable"],
    ["no factor left", [noMfa], 11, "MFA Factor Disable"],
    ["a factor replaced by another", [moved("mfa_factors", ["totp"], ["push"])], 11, "MFA Factor Disable"],
    [
      "a second factor of the same name",
      [moved("mfa_factors_detail", [factor("webauthn", AT)], [])],
      10,
      "MFA Factor Enable",
    ],
    [
      "a factor updated",
      [
        moved(
          "mfa_factors_detail",
          [factor("push", "2026-01-01T00:00:00.000Z", AT)],
          [factor("push", "2026-01-01T00:00:00.000Z")],
        ),
      ],
      99,
      "Update Factor",
    ],
    ["another factor", [moved("other_factors", [factor("question", AT)], [])], 99, "Update Factor"],
    ["a role assigned", [moved("admin_roles", ["Super Administrator"], [])], 99, "Assign Role"],
    ["made an administrator", [from("is_admin", false, true)], 99, "Assign Role"],
    ["a role revoked", [moved("admin_roles", [], ["Super Administrator"])], 99, "Revoke Role"],
    ["no longer an administrator", [from("is_admin", true, false)], 99, "Revoke Role"],
    [
      "a role for another set of resources",
      [moved("admin_roles_detail", [role("Keys", "iam2")], [role("Keys", "iam1")])],
      99,
      "Assign Role",
    ],
    ["two groups at once", [moved("groups", ["A"], ["B"])], 99, "Change Groups"],
    ["profile", [from("email", "a@example.com", "b@example.com")], 99, "Update"],
    ["a custom attribute", [from("attributes.badge", 1, 2)], 99, "Update"],
    ["nothing that is told", [], 99, "Update"],
  ])("%s", (_name, fields, id, name) => {
    expect(eventOf(change(fields))).toMatchObject({
      activity_id: id,
      activity_name: name,
      type_uid: 300100 + id,
      type_name: `Account Change: ${id === 99 ? "Other" : name}`,
    });
  });

  test.each([
    ["created", 1, "Create"],
    ["deleted", 6, "Delete"],
    ["restored", 99, "Restore"],
  ] as const)("%s", (kind, id, name) => {
    const event = eventOf(change(status(null, "ACTIVE"), { kind }));
    expect(event).toMatchObject({ activity_id: id, activity_name: name });
    expect(event).not.toHaveProperty("user_result");
    expect(event.message).toBe(`Okta user mary@example.com: ${kind}`);
  });

  test.each([
    "user.account.reset_password",
    "system.agent.ad.reset_user_password",
    "system.agent.ldap.reset_user_password",
  ])("a password reset, as %s tells", (type) => {
    const expected = { activity_id: 4, activity_name: "Password Reset" };
    expect(eventOf(toldChange(status("ACTIVE", "RECOVERY"), type))).toMatchObject(expected);
    expect(eventOf(toldChange([from("password_changed", null, AT)], type))).toMatchObject(expected);
    expect(eventOf(toldChange([from("title", "a", "b")], type)).activity_name).toBe("Update");
  });

  test("is the most severe of several, in the order that is stated", () => {
    const steps: [ChangeField, string][] = [
      [from("is_admin", false, true), "Assign Role"],
      [removed, "MFA Factor Disable"],
      [moved("mfa_factors_detail", [factor("totp", AT)], []), "MFA Factor Enable"],
      [moved("admin_roles", [], ["Old"]), "Revoke Role"],
      [from("status", "ACTIVE", "SUSPENDED"), "Password Reset"],
      [from("password_changed", null, AT), "Password Reset"],
      [moved("other_factors", [1], []), "Update Factor"],
      [moved("groups", ["A", "B"], []), "Change Groups"],
      [from("title", "a", "b"), "Update"],
    ];
    steps.forEach(([, name], index) => {
      const fields = steps.slice(index).map(([field]) => field);
      expect(eventOf(toldChange(fields, "user.account.reset_password")).activity_name).toBe(name);
    });
    const both = [from("password_changed", null, AT), ...status("ACTIVE", "SUSPENDED")];
    expect(eventOf(change(both)).activity_name).toBe("Disable");
  });
});

describe("the severity", () => {
  const password = [from("password_changed", null, AT)];
  test.each<[string, Change, number]>([
    ["made an administrator", change([from("is_admin", false, true)]), 4],
    ["an administrator, which was unknown", change([from("is_admin", null, true)]), 4],
    ["a role added", change([moved("admin_roles", ["Super Administrator"], [])]), 4],
    ["all factors removed", change([noMfa, removed]), 4],
    ["no factors, which was unknown", change([from("mfa_enrolled", null, false)]), 3],
    ["a factor removed", change([removed]), 3],
    ["a factor added", change([moved("mfa_factors", ["push"], [])]), 3],
    ["a role revoked", change([moved("admin_roles", [], ["Super Administrator"])]), 3],
    ["groups that give roles", change([moved("groups", ["A", "B"], []), moved("admin_roles", [], ["X"])]), 3],
    ["password set by somebody else", toldChange(password, "user.account.update_password"), 3],
    [
      "password reset by somebody else",
      toldChange(status("ACTIVE", "RECOVERY"), "user.account.reset_password"),
      3,
    ],
    [
      "own password",
      toldChange(password, "user.account.update_password", { actor: { ...admin, id: "00u1mary" } }),
      1,
    ],
    ["password, by whom is unknown", change(password), 1],
    [
      "password, by somebody whom the log does not know",
      toldChange(password, "user.account.update_password", { actor: { ...admin, id: "unknown" } }),
      1,
    ],
    ["suspended", change(status("ACTIVE", "SUSPENDED")), 1],
    ["profile", change([from("title", "a", "b")]), 1],
  ])("%s", (_name, source, id) => {
    expect(eventOf(source).severity_id).toBe(id);
    expect(eventOf(source).severity).toBe({ 1: "Informational", 3: "Medium", 4: "High" }[id]);
  });
});

describe("the person before and after", () => {
  test("has what the change tells, and no unknown as a value", () => {
    const event = eventOf(
      change([
        from("login", "mary@example.com", "mary.jones@example.com"),
        from("email", "mary@example.com", "josé@example.com"),
        from("mfa_enrolled", null, true),
        from("is_admin", true, false),
        from("organization", null, "Example"),
        from("first_name", "Mary", null),
      ]),
    );
    expect(event.user).toEqual({
      uid: "00u1mary",
      name: "mary@example.com",
      display_name: "Mary Jones",
      email_addr: "mary@example.com",
      domain: "example.com",
      type: "Admin",
      type_id: 2,
      account: { uid: "00u1mary", name: "mary@example.com", type: "Okta", type_id: 99 },
      ldap_person: { given_name: "Mary" },
    });
    expect(event.user_result).toEqual({
      uid: "00u1mary",
      name: "mary.jones@example.com",
      display_name: "Mary Jones",
      domain: "example.com",
      has_mfa: true,
      type: "User",
      type_id: 1,
      account: { uid: "00u1mary", name: "mary.jones@example.com", type: "Okta", type_id: 99 },
      org: { name: "Example" },
    });
  });

  test("is one state if the change is of nothing that a user has in OCSF", () => {
    expect(eventOf(change([from("realm_id", "a", "b")]))).not.toHaveProperty("user_result");
  });

  test("is the state after a creation", () => {
    const fields = [from("login", null, "new@example.com"), from("status", null, "STAGED")];
    expect(eventOf(change(fields, { kind: "created" })).user).toMatchObject({
      name: "new@example.com",
      account: { name: "new@example.com", labels: ["STAGED"] },
    });
  });
});
