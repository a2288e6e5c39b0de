import { describe, expect, test } from "vitest";
import { known, unknown } from "../../src/inventory/facts.ts";
import { ocsfUserSchema } from "../../src/ocsf/ocsf-schemas.ts";
import { ocsfUser } from "../../src/ocsf/ocsf-user.ts";
import { activeUser, CHANGED_AT, factsOf, userContext } from "./samples.ts";

const withProfile = (profile: Record<string, unknown>) =>
  ocsfUser(factsOf({ id: "00u1", status: "ACTIVE", profile }), userContext);

test("the active sample, with every fact in the attribute that OCSF 1.6.0 has for it", () => {
  const event = ocsfUser(factsOf(activeUser), userContext);
  const uid = "00oa1bcdefg2EXAMPLE";
  const login = "mary.jones@example.com";
  const touched = Date.UTC(2025, 7, 26, 9, 30, 0);
  expect(ocsfUserSchema.parse(event)).toEqual({
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
    time: CHANGED_AT,
    status: "Success",
    status_id: 1,
    message: `Okta user ${login}`,
    metadata: {
      version: "1.6.0",
      uid: `default/users/${uid}/1756000000000007`,
      product: { name: "Okta", vendor_name: "Okta", version: "N/A" },
      tenant_uid: "example.okta.com",
      log_provider: "Okta",
      log_name: "users",
      original_time: "2025-08-26T09:30:00.000Z",
      processed_time: CHANGED_AT,
      sequence: 7,
    },
    user: {
      uid,
      uid_alt: login,
      name: login,
      full_name: "Mary Jones",
      display_name: "Mary Jones",
      email_addr: login,
      domain: "example.com",
      phone_number: "+1-555-234-5678",
      has_mfa: true,
      type: "User",
      type_id: 1,
      account: { uid, name: login, type: "Okta", type_id: 99, labels: ["ACTIVE"] },
      org: { name: "example.com", ou_name: "Finance" },
      groups: [
        {
          uid: "00gj3k4l5mnopqrst",
          name: "Finance Users",
          desc: "Finance department group",
          type: "OKTA_GROUP",
          domain: "example.okta.com",
          privileges: [],
        },
      ],
      ldap_person: {
        given_name: "Mary",
        surname: "Jones",
        job_title: "Financial Analyst",
        employee_uid: "EMP456",
        phone_number: "+1-555-234-5678",
        location: { city: "New York", region: "US-NY", country: "US" },
        created_time: Date.UTC(2020, 5, 4, 10, 0, 0),
        modified_time: touched,
        last_login_time: touched,
      },
    },
    observables: [
      { name: "user.uid", type: "User Object: uid", type_id: 31, value: uid },
      { name: "user.name", type: "User Name", type_id: 4, value: login },
      { name: "user.email_addr", type: "Email Address", type_id: 5, value: login },
      { name: "user.account.uid", type: "Account Object: uid", type_id: 35, value: uid },
      { name: "user.account.name", type: "Account Object: name", type_id: 34, value: login },
      { name: "user.groups[0].uid", type: "Group Object: uid", type_id: 33, value: "00gj3k4l5mnopqrst" },
      { name: "user.groups[0].name", type: "Group Object: name", type_id: 32, value: "Finance Users" },
    ],
    enrichments: [
      {
        name: "access_control",
        value: "okta",
        type: "access_control",
        provider: "Okta",
        data: {
          status: "ACTIVE",
          is_enabled: true,
          activated_time: Date.UTC(2020, 5, 4, 10, 15, 0),
          status_changed_time: touched,
          last_time_password_change: Date.UTC(2025, 0, 10, 11, 0, 0),
          mfa_factors: ["push"],
          factors: [{ type: "push", provider: "OKTA", status: "ACTIVE" }],
          roles: [],
        },
      },
    ],
  });
});

describe("unknown facts", () => {
  test("are left out and named with their reason; what was last known stands beside, with its time", () => {
    const group = { id: "g1", name: "G", description: null, type: "APP_GROUP", roles: known([], CHANGED_AT) };
    const event = ocsfUser(
      factsOf(activeUser, {
        groups: unknown("pending", { value: [group], at: CHANGED_AT - 90_000 }),
        factors: unknown("failed", { value: [], at: CHANGED_AT - 60_000 }),
        roles: unknown("forbidden"),
      }),
      userContext,
    );
    expect(event.user).not.toHaveProperty("groups");
    expect(event.user).not.toHaveProperty("has_mfa");
    expect(event.user).toMatchObject({ type: "Unknown", type_id: 0 });
    expect(event.enrichments[0]?.data).not.toHaveProperty("roles");
    expect(event.enrichments[0]?.data).not.toHaveProperty("mfa_factors");
    expect(event.unmapped).toEqual({
      unknown_facts: { groups: "pending", factors: "failed", roles: "forbidden" },
      last_known: { groups: ["g1"], factors: [] },
      last_known_times: { groups: CHANGED_AT - 90_000, factors: CHANGED_AT - 60_000 },
    });
    ocsfUserSchema.parse(event);
  });

  test("has_mfa is left out while the factors have not been read", () => {
    const event = ocsfUser(factsOf(activeUser, { factors: unknown("pending") }), userContext);
    expect(event.user).not.toHaveProperty("has_mfa");
    expect(event.enrichments[0]?.data).not.toHaveProperty("mfa_factors");
  });

  test("a group whose roles are unknown has no privileges", () => {
    const group = {
      id: "g1",
      name: "G",
      description: null,
      type: "APP_GROUP",
      roles: unknown<[]>("forbidden"),
    };
    const event = ocsfUser(factsOf(activeUser, { groups: known([group], CHANGED_AT) }), userContext);
    expect(event.user.groups).toEqual([{ uid: "g1", name: "G", type: "APP_GROUP" }]);
    expect(event.unmapped).toEqual({ unknown_facts: { group_roles: "forbidden" } });
  });
});

test("an active role makes the user an admin and is shown", () => {
  const role = {
    id: "cr1",
    type: "CUSTOM",
    label: "Key master",
    status: "ACTIVE",
    assignmentType: "GROUP",
  };
  const event = ocsfUser(factsOf(activeUser, { roles: known([role], CHANGED_AT) }), userContext);
  expect(event.user).toMatchObject({ type: "Admin", type_id: 2 });
  expect(event.enrichments[0]?.data.roles).toEqual([
    { type: "CUSTOM", label: "Key master", status: "ACTIVE", assignment_type: "GROUP" },
  ]);
});

describe("what the schema has no attribute for goes to unmapped", () => {
  test.each([
    ["mary@example.com", "mary@example.com", undefined],
    ["o'hara+x@example.co.uk", "o'hara+x@example.co.uk", undefined],
    ["a@b@example.com", undefined, "a@b@example.com"],
    ["mary@localhost", undefined, "mary@localhost"],
    ["josé@example.com", undefined, "josé@example.com"],
    [" ", undefined, undefined],
  ])("e-mail %j", (email, address, left) => {
    const event = withProfile({ email, secondEmail: email });
    expect(event.user.email_addr).toBe(address);
    expect(event.user.ldap_person?.email_addrs).toEqual(address && [address]);
    expect(event.unmapped?.profile?.["email"]).toBe(left);
    expect(event.unmapped?.profile?.["secondEmail"]).toBe(left);
    ocsfUserSchema.parse(event);
  });

  test.each([
    [{ countryCode: "US", state: "NY" }, { country: "US", region: "US-NY" }, undefined],
    [{ countryCode: "us", state: "us-ny" }, { country: "US", region: "US-NY" }, undefined],
    [{ country: "DEU", state: "BY" }, { country: "DE", region: "DE-BY" }, undefined],
    [{ countryCode: "US", state: "New York" }, { country: "US" }, { state: "New York" }],
    [{ state: "NY" }, undefined, { state: "NY" }],
    [{ countryCode: "ZZ" }, undefined, { countryCode: "ZZ" }],
    [{ country: "United States" }, undefined, { country: "United States" }],
    [{ country: "XK" }, undefined, { country: "XK" }],
  ])("location %j", (profile, location, left) => {
    const event = withProfile(profile);
    expect(event.user.ldap_person?.location).toEqual(location);
    expect(event.unmapped?.profile).toEqual(left);
  });

  test("other attributes, and a department without an organization", () => {
    const homeless = {
      middleName: "Ann",
      nickName: "MJ",
      division: "EMEA",
      locale: "en_US",
      timezone: "Europe/Paris",
      department: "Finance",
    };
    const event = withProfile({ ...homeless, title: "Analyst", jobTitle: "Financial Analyst" });
    expect(event.unmapped?.profile).toEqual({ ...homeless, jobTitle: "Financial Analyst" });
    expect(event.user.ldap_person?.job_title).toBe("Analyst");
    expect(event.user).not.toHaveProperty("org");
  });
});

test("person attributes", () => {
  const event = withProfile({
    userType: "Contractor",
    costCenter: "CC1",
    managerId: "EMP1",
    manager: "boss@example.com",
    primaryPhone: "+1",
    mobilePhone: "+2",
    zipCode: "75001",
  });
  expect(event.user.phone_number).toBe("+1");
  expect(event.user.ldap_person).toEqual({
    cost_center: "CC1",
    manager: { uid: "EMP1", name: "boss@example.com" },
    labels: ["Contractor"],
    phone_number: "+2",
    location: { postal_code: "75001" },
  });
});

test("a time that validators would not take for milliseconds is left out", () => {
  const record = {
    ...activeUser,
    created: "1970-01-01T00:00:00.000Z",
    lastLogin: "9999-12-31T23:59:59.999Z",
  };
  const person = ocsfUser(factsOf(record), userContext).user.ldap_person;
  expect(person).not.toHaveProperty("created_time");
  expect(person).not.toHaveProperty("last_login_time");
});

test("a deleted user is disabled, is marked as deleted and has the time of deletion", () => {
  const event = ocsfUser(factsOf(activeUser), { ...userContext, deletedAt: CHANGED_AT - 1000 });
  expect(event.message).toBe("Okta user mary.jones@example.com was deleted");
  expect(event.user.ldap_person?.deleted_time).toBe(CHANGED_AT - 1000);
  expect(event.enrichments[0]?.data).toMatchObject({ is_enabled: false, is_deleted: true });
  ocsfUserSchema.parse(event);
});
