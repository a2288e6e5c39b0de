import { describe, expect, test } from "vitest";
import { type GroupFacts, known, unknown } from "../../src/inventory/facts.ts";
import { omitNulls } from "../../src/ocsf/index.ts";
import { sekoiaUserSchema } from "../../src/ocsf/sekoia-schemas.ts";
import { sekoiaUser } from "../../src/ocsf/sekoia-user.ts";
import type { OktaFactor, OktaRole } from "../../src/okta/records.ts";
import {
  activeUser,
  CHANGED_AT,
  factsOf,
  publishedUserEvent,
  suspendedUser,
  userContext,
} from "./samples.ts";

const role = (label: string | null, status = "ACTIVE"): OktaRole => ({
  id: `ra-${label}`,
  type: "SUPER_ADMIN",
  label,
  status,
  assignmentType: "USER",
});

const factor = (factorType: string, status = "ACTIVE", provider = "OKTA"): OktaFactor => ({
  id: `f-${factorType}`,
  factorType,
  provider,
  status,
});

const user = (overrides: Parameters<typeof factsOf>[1], context = userContext) =>
  sekoiaUser(factsOf(activeUser, overrides), context).user;

const withProfile = (profile: Record<string, unknown>) =>
  sekoiaUser(factsOf({ id: "00u1", status: "ACTIVE", profile }), userContext).user;

describe("the published samples", () => {
  test("the active user equals the published event, except for its wrong times", () => {
    const expected = structuredClone(publishedUserEvent);
    expected.time = Date.UTC(2020, 5, 4, 10, 0, 0) / 1000; // created, not 1591234567
    const data = expected.enrichments[0]?.data;
    if (data) data.last_time_password_change = Date.UTC(2025, 0, 10, 11, 0, 0) / 1000; // not 1736507400

    const event = sekoiaUser(factsOf(activeUser), userContext);
    expect(JSON.stringify(event)).toBe(JSON.stringify(expected));
    expect(event.time).toBe(1_591_264_800);
    expect(event.enrichments[0].data.last_time_password_change).toBe(1_736_506_800);
    sekoiaUserSchema.parse(event);
  });

  test("the suspended user is not enabled", () => {
    const event = sekoiaUser(factsOf(suspendedUser), userContext);
    expect(event.user).toMatchObject({
      uid: "00oa2cdefgh3EXAMPLE",
      name: "robert.smith@example.com",
      full_name: "Robert Smith",
      org: { name: "example.com", ou_name: "Engineering" },
    });
    expect(event.enrichments[0].data).toEqual({
      is_enabled: false,
      last_logon: "2025-06-10T14:00:00.000Z",
      last_time_password_change: Date.UTC(2021, 0, 15, 9, 0, 0) / 1000,
    });
  });
});

describe("unknown facts", () => {
  test("are null, never false or empty", () => {
    const pending = unknown<never[]>("pending");
    expect(user({ groups: pending, factors: pending, roles: pending })).toMatchObject({
      has_mfa: null,
      groups: null,
      type: null,
      type_id: null,
    });
  });

  test("are null although their last value is known", () => {
    const factors = unknown("failed", { value: [factor("push")], at: CHANGED_AT });
    const roles = unknown("forbidden", { value: [role("Super Administrator")], at: CHANGED_AT });
    expect(user({ factors, roles })).toMatchObject({ has_mfa: null, type: null, type_id: null });
  });

  test("a group's privileges are null if its roles are unknown, and empty if none of them is active", () => {
    const group = (id: string, roles: GroupFacts["roles"]): GroupFacts => ({
      id,
      name: null,
      description: null,
      type: null,
      roles,
    });
    const groups = known(
      [
        group("g1", unknown("forbidden")),
        group("g2", known([role("Super Administrator", "INACTIVE")], CHANGED_AT)),
        group("g3", known([role("Super Administrator"), role(null)], CHANGED_AT)),
      ],
      CHANGED_AT,
    );
    expect(user({ groups }).groups).toEqual([
      { uid: "g1", name: null, desc: null, privileges: null },
      { uid: "g2", name: null, desc: null, privileges: [] },
      { uid: "g3", name: null, desc: null, privileges: ["Super Administrator", "SUPER_ADMIN"] },
    ]);
    expect(user({ groups, roles: unknown("pending") }).type).toBe("Admin");
  });
});

describe("admin", () => {
  test.each([
    ["an active role", [role("A")], "Admin", 2],
    ["an inactive role", [role("A", "INACTIVE")], null, null],
    ["no role", [], null, null],
  ])("with %s", (_, roles, type, typeId) => {
    expect(user({ roles: known(roles, CHANGED_AT) })).toMatchObject({ type, type_id: typeId });
  });
});

describe("has_mfa", () => {
  test.each([
    ["no factor", [], [], false],
    ["a pending factor", [factor("push", "PENDING_ACTIVATION")], [], false],
    ["an active factor", [factor("push")], [], true],
    ["an unknown kind of factor", [factor("novel")], [], true],
    ["a factor ignored by Okta's type", [factor("token:software:totp")], ["token:software:totp"], false],
    ["a factor ignored by its short name", [factor("token:software:totp")], ["totp"], false],
    ["Duo, ignored by its short name", [factor("web", "ACTIVE", "DUO")], ["duo"], false],
    ["ignored and other factors", [factor("email"), factor("push")], ["email", "question"], true],
  ])("with %s", (_, factors, mfaIgnoredFactors, expected) => {
    const context = { ...userContext, mfaIgnoredFactors };
    expect(user({ factors: known(factors, CHANGED_AT) }, context).has_mfa).toBe(expected);
  });
});

describe("names, domain and organization", () => {
  test.each([
    [{}, null, null],
    [{ firstName: "Mary" }, "Mary", "Mary"],
    [{ lastName: "Jones" }, "Jones", "Jones"],
    [{ firstName: "Mary", lastName: "Jones", displayName: "MJ" }, "Mary Jones", "MJ"],
    [{ firstName: " ", lastName: "" }, null, null],
    [{ login: "mj" }, null, "mj"],
    [{ firstName: 7, displayName: null, login: "mj" }, null, "mj"],
  ])("%j", (profile, full, display) => {
    expect(withProfile(profile)).toMatchObject({ full_name: full, display_name: display });
  });

  test.each([
    [{ email: "Mary@Example.COM" }, "example.com", "example.com"],
    [{ email: '"a@b"@example.com' }, "example.com", "example.com"],
    [{ email: "mary" }, null, null],
    [{ email: "mary@" }, null, null],
    [{ email: "mary@example.com", organization: "Example Ltd" }, "example.com", "Example Ltd"],
    [{ login: "mary@example.com" }, null, null],
  ])("%j", (profile, domain, name) => {
    expect(withProfile(profile)).toMatchObject({ domain, org: { name, ou_name: null } });
  });
});

test("a user about whom Okta reports nothing has every key of the example, with nulls", () => {
  const facts = factsOf({ id: "00u1", status: "STAGED", profile: {} });
  const event = sekoiaUser(facts, userContext);
  expect(event.time).toBeNull();
  expect(event.enrichments[0].data).toEqual({
    is_enabled: false,
    last_logon: null,
    last_time_password_change: null,
  });
  expect(Object.keys(event.user)).toEqual(Object.keys(publishedUserEvent.user));
  sekoiaUserSchema.parse(event);
});

test("times are rounded down to whole seconds, even before 1970", () => {
  const time = (created: string) => sekoiaUser(factsOf({ ...activeUser, created }), userContext).time;
  expect(time("2020-06-04T10:00:00.999Z")).toBe(1_591_264_800);
  expect(time("1969-12-31T23:59:59.500Z")).toBe(-1);
});

test("a deleted user is the last event again, disabled and marked as deleted", () => {
  const facts = factsOf(activeUser);
  const event = sekoiaUser(facts, { ...userContext, deletedAt: CHANGED_AT });
  const before = sekoiaUser(facts, userContext);
  expect({ ...event, enrichments: null }).toEqual({ ...before, enrichments: null });
  expect(event.enrichments[0].data).toEqual({
    ...before.enrichments[0].data,
    is_enabled: false,
    is_deleted: true,
  });
  sekoiaUserSchema.parse(event);
});

test("omitNulls removes nulls at any depth and keeps empty lists", () => {
  expect(omitNulls({ a: null, b: { c: null, d: 0 }, e: [], f: [{ g: null, h: false }], i: "" })).toEqual({
    b: { d: 0 },
    e: [],
    f: [{ h: false }],
    i: "",
  });
});
