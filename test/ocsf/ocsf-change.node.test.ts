/** What the events of all changes have in common: who, when, and the message. */
import { describe, expect, test } from "vitest";
import type { Change, ChangeField } from "../../src/contract/changes.ts";
import { changeEvent, ocsfAccountChangeSchema } from "../../src/ocsf/index.ts";
import { admin, change, from, moved, STORED_AT, toldChange, userContext } from "./change-samples.ts";

const eventOf = (source: Change, context = userContext) =>
  ocsfAccountChangeSchema.parse(changeEvent(source, context));

describe("who made the change", () => {
  const title = [from("title", "a", "b")];

  test("is nobody if no log event tells", () => {
    const event = eventOf(change(title));
    expect(event).not.toHaveProperty("actor");
    expect(event).not.toHaveProperty("src_endpoint");
    expect(event.metadata).not.toHaveProperty("event_code");
    expect(event.metadata).not.toHaveProperty("original_time");
    expect(event.unmapped.log_events).toEqual([]);
    expect(event.message).toBe("Okta user mary@example.com: title changed");
  });

  test.each([
    [
      "Okta itself",
      { id: "00usys", type: "SystemPrincipal", login: "system@okta.com", name: "Okta System" },
      { uid: "00usys", name: "system@okta.com", type: "System", type_id: 3 },
    ],
    [
      "an application",
      { id: "0oa1", type: "PublicClientApp", login: "0oa1", name: "Provisioning" },
      { uid: "0oa1", name: "0oa1", type: "PublicClientApp", type_id: 99 },
    ],
    ["only an id", { id: "00u2", type: null, login: "unknown", name: null }, { uid: "00u2" }],
  ])("is %s", (_name, actor, user) => {
    const event = eventOf(
      toldChange(title, "user.account.update_profile", { actor: { ...actor, ip: null } }),
    );
    expect(event.actor?.user).toMatchObject(user);
    expect(event).not.toHaveProperty("src_endpoint");
  });

  test("is not shown where OCSF has no place for it", () => {
    const actor = { id: "unknown", type: "User", login: null, name: "Ada", ip: null };
    const event = eventOf(toldChange(title, "user.account.update_profile", { actor }));
    expect(event).not.toHaveProperty("actor");
    expect(event.message).toBe("Okta user mary@example.com: title changed by Ada");
  });

  test.each([
    ["192.168.200.24", true],
    ["2001:0db8:85a3:0000:0000:8a2e:0370:7334", true],
    ["2001:db8::1", true],
    ["::", true],
    ["::ffff:192.0.2.1", true],
    ["::ffff:192.0.2.256", false],
    ["10.0.0.256", false],
    ["10.0.0.1:443", false],
    [" 10.0.0.1", false],
    ["1::2::3", false],
    ["fe80::1%eth0", false],
    ["unknown", false],
    ["", false],
  ])("from %j", (ip, isAddress) => {
    const event = eventOf(toldChange(title, "x", { actor: { ...admin, ip } }));
    expect(event.src_endpoint).toEqual(isAddress ? { ip } : undefined);
  });
});

test("a time that validators would not take for milliseconds is when the change was stored", () => {
  expect(eventOf(change([], { at: "1970-01-01T00:00:00.000Z" })).time).toBe(STORED_AT);
});

describe("the message", () => {
  test.each<[ChangeField[], string]>([
    [[from("email", "a", "b")], "e-mail changed"],
    [[from("email", "a", "b"), from("title", "a", "b")], "e-mail and title changed"],
    [
      ["title", "department", "first_name", "manager"].map((field) => from(field, "a", "b")),
      "title, department, first name and 1 more changed",
    ],
    [
      [from("mfa_enrolled", true, false), moved("mfa_factors", [], ["push", "totp"])],
      "all MFA factors removed (push and totp)",
    ],
    [
      [from("is_admin", false, true), moved("admin_roles", ["Super Administrator"], [])],
      "made an administrator; admin role Super Administrator assigned",
    ],
    [[moved("groups", ["A", "B"], ["C"])], "added to groups A and B; removed from group C"],
    [[from("attributes.badge", 1, 2)], "attribute badge changed"],
    [[], "changed"],
  ])("%j", (fields, what) => {
    expect(eventOf(toldChange(fields, "x")).message).toBe(
      `Okta user mary@example.com: ${what} by admin@example.com`,
    );
  });

  test("keeps to one line and to a bound", () => {
    const subject = { name: null, login: `evil\n\u202e${"x".repeat(5000)}`, email: null };
    const { message } = eventOf(change([from("email", "a", "b")]), { ...userContext, subject });
    expect(message).toBe(`Okta user evil ${"x".repeat(80 - "evil ".length - 1)}…: e-mail changed`);
  });
});
