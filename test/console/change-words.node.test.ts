import fc from "fast-check";
import { describe, expect, test } from "vitest";
import {
  choicesOf,
  fieldLabel,
  fieldsOf,
  type ShownField,
  shownActor,
  shownFields,
} from "../../src/console/change-words.ts";
import { fieldValue, momentOf } from "../../src/console/moments.ts";
import type { ChangeActor, ChangeField } from "../../src/contract/changes.ts";
import { streamNames } from "../../src/contract/streams.ts";
import { examples } from "../support/seeds.ts";

const ID = "00uJane";
const shown = (...fields: ChangeField[]): ShownField[] => shownFields({ id: ID, fields });
const value = (before: unknown, after: unknown, field = "title"): ChangeField => ({ field, before, after });
const text = (of: string) => ({ as: "text", text: of });

describe("a field of a change", () => {
  test.each<[string, ChangeField, string, unknown, unknown]>([
    ["text", value("Clerk", "Boss"), "Title", text("Clerk"), text("Boss")],
    ["what is not set, or unknown", value(null, ""), "Title", { as: "none" }, { as: "none" }],
    ["yes and no", value(true, false, "is_admin"), "Administrator", text("Yes"), text("No")],
    ["a constant", value("ACTIVE", "LOCKED_OUT", "status"), "Status", text("Active"), text("Locked out")],
    ["text like a constant", value("HR", "R_D", "department"), "Department", text("HR"), text("R_D")],
    [
      "a time",
      value(null, "2026-11-25T08:00:00Z", "password_changed"),
      "Password changed",
      { as: "none" },
      { as: "time", at: "2026-11-25T08:00:00Z" },
    ],
    [
      "a custom attribute",
      value(7, ["a"], "attributes.badge"),
      "badge (custom attribute)",
      text("7"),
      text('["a"]'),
    ],
    ["a field of a later version", value("a", "b", "shoe_size"), "shoe_size", text("a"), text("b")],
    ["a field with a strange name", value("a", "b", "constructor"), "constructor", text("a"), text("b")],
  ])("that is %s", (_what, field, label, before, after) => {
    expect(shown(field)).toEqual([{ label, kind: "value", before, after }]);
  });

  const factor = (name: string, more: object = {}) => ({
    name,
    provider: "OKTA",
    enrolled_at: null,
    ...more,
  });
  const role = (label: string, assignment: string, group: string | null) => ({ label, assignment, group });

  test.each<[string, ChangeField, string[], string[], string[]]>([
    ["names", { field: "groups", added: ["A"], removed: ["B", "C"] }, ["A"], ["B", "C"], []],
    [
      "factors",
      {
        field: "mfa_factors_detail",
        added: [factor("push", { enrolled_at: "2026-11-25T08:00:00.000Z" })],
        removed: [factor("sms", { provider: null, status: "PENDING_ACTIVATION" })],
      },
      ["push (OKTA, enrolled 2026-11-25 08:00:00 UTC)"],
      ["sms (pending activation)"],
      [],
    ],
    [
      "a factor of which only the last update is new",
      {
        field: "mfa_factors_detail",
        added: [factor("push", { last_updated: "2026-11-25T08:00:00.000Z" })],
        removed: [factor("push", { last_updated: null })],
      },
      [],
      [],
      ["push (OKTA)"],
    ],
    [
      "roles",
      {
        field: "admin_roles_detail",
        added: [role("Super Admin", "user", null), role("Help Desk", "group", "Staff")],
        removed: [role("Read-only", "group", null), role("Of this group", "group", ID)],
      },
      ["Super Admin", "Help Desk (through Staff)"],
      ["Read-only (through a group)", "Of this group"],
      [],
    ],
    [
      "people of a device",
      {
        field: "users",
        added: [
          { id: "00u1", login: "a@b", management_status: "NOT_MANAGED", screen_lock_type: "BIOMETRIC" },
        ],
        removed: [{ id: "00u2", login: null }],
      },
      ["a@b (not managed, screen lock: biometric)"],
      ["00u2"],
      [],
    ],
    ["anything else", { field: "x", added: [7, { y: 1 }], removed: [null] }, ["7", '{"y":1}'], ["null"], []],
  ])("that is a list of %s", (_what, field, added, removed, altered) => {
    expect(shown(field)).toEqual([{ label: fieldLabel(field.field), kind: "list", added, removed, altered }]);
  });

  test("is not told twice: its details say it as well", () => {
    const fields = shown(
      { field: "mfa_factors", added: ["push"], removed: [] },
      { field: "mfa_factors_detail", added: [factor("push")], removed: [] },
      { field: "admin_roles", added: ["Super Admin"], removed: [] },
    );
    expect(fields.map(({ label }) => label)).toEqual(["MFA factors", "Roles"]);
    expect(fields[0]).toMatchObject({ added: ["push (OKTA)"] });
  });

  test("is shown whatever it holds", () => {
    const anyField: fc.Arbitrary<ChangeField> = fc.oneof(
      fc.record({ field: fc.string(), before: fc.jsonValue(), after: fc.jsonValue() }),
      fc.record({ field: fc.string(), added: fc.array(fc.jsonValue()), removed: fc.array(fc.jsonValue()) }),
    );
    fc.assert(
      fc.property(fc.array(anyField), (fields) => {
        expect(shown(...fields).length).toBeLessThanOrEqual(fields.length);
      }),
      examples(200),
    );
  });
});

describe("whoever made a change", () => {
  const nobody: ChangeActor = { id: null, type: null, login: null, name: null, ip: null };
  test.each<[string, ChangeActor | null, ReturnType<typeof shownActor>]>([
    ["nobody", null, null],
    ["nobody of whom anything is told", nobody, null],
    [
      "a person",
      { id: "00u1", type: "User", login: "a@b", name: "Ada", ip: "203.0.113.7" },
      { name: "Ada", login: "a@b", type: null, ip: "203.0.113.7" },
    ],
    [
      "a person without a name",
      { ...nobody, type: "User", login: "a@b" },
      { name: "a@b", login: null, type: null, ip: null },
    ],
    [
      "a program",
      { ...nobody, id: "sp1", type: "SystemPrincipal" },
      { name: "sp1", login: null, type: "SystemPrincipal", ip: null },
    ],
    ["an address alone", { ...nobody, ip: "::1" }, { name: null, login: null, type: null, ip: "::1" }],
  ])("is %s", (_what, actor, expected) => {
    expect(shownActor(actor)).toEqual(expected);
  });
});

describe("what can be chosen", () => {
  test.each(streamNames)("of %s stands for fields, and each of these has a label", (stream) => {
    const choices = choicesOf(stream);
    expect(choices.length).toBeGreaterThan(3);
    for (const [name] of choices)
      for (const field of fieldsOf(stream, name))
        expect([field, fieldLabel(field)]).not.toEqual([field, field]);
  });

  test("is also a field by its own name", () => {
    expect(fieldsOf("users", "attributes.badge")).toEqual(["attributes.badge"]);
    expect(fieldsOf("users", "constructor")).toEqual(["constructor"]);
  });
});

describe("a moment in a form", () => {
  test.each([
    ["2026-11-25T08:00", "2026-11-25T08:00:00.000Z"],
    ["2026-11-25T08:00:05", "2026-11-25T08:00:05.000Z"],
    [" 2026-11-25T08:00:05.250Z ", "2026-11-25T08:00:05.250Z"],
    ["2026-11-25T08:00:00+02:00", "2026-11-25T06:00:00.000Z"],
    ["2026-11-25", null],
    ["2026-13-25T08:00", null],
    ["25.11.2026", null],
    ["", null],
  ])("%j is %s", (given, moment) => {
    expect(momentOf(given)).toBe(moment);
  });

  test.each([
    [null, ""],
    ["2026-11-25T08:00:00.000Z", "2026-11-25T08:00"],
    ["2026-11-25T08:00:05.000Z", "2026-11-25T08:00:05"],
  ])("%s is shown as %j", (iso, field) => {
    expect(fieldValue(iso)).toBe(field);
  });

  test("of whole seconds is the same when it is sent again", () => {
    fc.assert(
      fc.property(fc.integer({ min: 0, max: 4_000_000_000 }), (seconds) => {
        const iso = new Date(seconds * 1000).toISOString();
        expect(momentOf(fieldValue(iso))).toBe(iso);
      }),
      examples(200),
    );
  });
});
