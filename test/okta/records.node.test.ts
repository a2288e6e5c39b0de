import * as fc from "fast-check";
import { describe, expect, test } from "vitest";
import {
  identifierOf,
  parseAll,
  parseDevice,
  parseFactors,
  parseGroup,
  parseLogEvent,
  parseRoles,
  parseUser,
  userFields,
} from "../../src/okta/records.ts";

const user = { id: "00u1", status: "ACTIVE", profile: { login: "mary@example.com" } };
const device = { id: "guo1", status: "ACTIVE", profile: { displayName: "Laptop", platform: "WINDOWS" } };

describe("quarantine", () => {
  test.each([
    ["null", null, "not a JSON object", null],
    ["a list", [user], "not a JSON object", null],
    ["no id", { ...user, id: undefined }, "no id", null],
    ["a number for an id", { ...user, id: 7 }, "no id", null],
    ["an empty id", { ...user, id: "" }, "no id", null],
    ["an id that is a path", { ...user, id: "../groups" }, "no id", null],
    ["an id of 101 characters", { ...user, id: "u".repeat(101) }, "no id", null],
    ["no profile", { ...user, profile: null }, "no profile", "00u1"],
    ["a list for a profile", { ...user, profile: [] }, "no profile", "00u1"],
    ["no status", { ...user, status: null }, "no status", "00u1"],
    ["an empty status", { ...user, status: "" }, "no status", "00u1"],
  ])("of a user or device with %s", (_, record, reason, id) => {
    for (const parse of [parseUser, parseDevice]) {
      const parsed = parse(record);
      expect(parsed).toMatchObject({ ok: false, error: { id, reason: expect.stringContaining(reason) } });
    }
  });

  test("takes one record, not the page", () => {
    const page = parseAll([user, { id: "00u2" }, { ...user, id: "00u3" }], parseUser);
    expect(page.records.map(({ id }) => id)).toEqual(["00u1", "00u3"]);
    expect(page.quarantined).toEqual([{ id: "00u2", reason: "no status" }]);
  });

  test("takes an id of 100 characters and an undocumented status for good", () => {
    const id = "Az09_-".padEnd(100, "x");
    expect(parseUser({ ...user, id, status: "BRAND_NEW" })).toMatchObject({
      ok: true,
      value: { id, status: "BRAND_NEW" },
    });
  });
});

test.each([
  [{ id: "00u1", orn: "orn:okta:directory:00o1:users:00u1" }, "00u1"],
  [{ id: "a/b" }, null],
  ["00u1", null],
  [null, null],
])("the id of %j is %j", (record, id) => {
  expect(identifierOf(record)).toBe(id);
});

describe("canonical projection", () => {
  test("equal content in another order, with unknown keys, is equal text", () => {
    const a = parseUser({
      ...user,
      created: "2020-06-04T10:00:00.000Z",
      profile: { login: "mary@example.com", firstName: "Mary", costCenter: null, shoeSize: 38 },
      credentials: { password: {} },
    });
    const b = parseUser({
      profile: { firstName: "Mary", login: "mary@example.com" },
      created: "2020-06-04T10:00:00.000Z",
      status: "ACTIVE",
      id: "00u1",
    });
    expect(JSON.stringify(a)).toBe(JSON.stringify(b));
    expect(a).toEqual({
      ok: true,
      value: {
        id: "00u1",
        status: "ACTIVE",
        created: "2020-06-04T10:00:00.000Z",
        activated: null,
        statusChanged: null,
        lastLogin: null,
        lastUpdated: null,
        passwordChanged: null,
        profile: { login: "mary@example.com", firstName: "Mary" },
      },
    });
  });

  test.each([
    ["2025-08-26T09:30:00.000Z", "2025-08-26T09:30:00.000Z"],
    ["2025-08-26T09:30:00+02:00", "2025-08-26T09:30:00+02:00"],
    ["2025-13-01T00:00:00.000Z", null],
    ["foo 1", null],
    ["1591264800", null],
    [1591264800, null],
    ["", null],
    [null, null],
  ])("the time %j is kept as %j", (lastLogin, kept) => {
    expect(parseUser({ ...user, lastLogin })).toMatchObject({ value: { lastLogin: kept } });
  });

  const name = (displayName: unknown) => {
    const parsed = parseUser({ ...user, profile: { displayName } });
    return parsed.ok ? parsed.value.profile.displayName : undefined;
  };

  test.each([
    ["2 KB", "n".repeat(2048), "n".repeat(2048)],
    ["4,097 units", "n".repeat(4097), "n".repeat(4096)],
    ["a pair across the bound", `${"n".repeat(4095)}😀x`, "n".repeat(4095)],
    ["a pair up to the bound", `${"n".repeat(4094)}😀x`, `${"n".repeat(4094)}😀`],
    ["a lone surrogate", "a\ud800b", "a\ufffdb"],
    ["right to left", "مريم", "مريم"],
    ["an empty string", "", ""],
    ["a number", 7, undefined],
    ["an object", {}, undefined],
  ])("a name of %s", (_, given, kept) => {
    expect(name(given)).toBe(kept);
  });
});

describe("groups", () => {
  test.each(["hasAdminPrivlege", "hasAdminPrivilege", "hasAdminPrivileges"])("stats with %s", (key) => {
    expect(
      parseGroup({
        id: "00g1",
        type: "OKTA_GROUP",
        profile: { name: "Admins", description: null },
        lastMembershipUpdated: "2025-08-26T09:30:00.000Z",
        _embedded: { stats: { usersCount: 3, [key]: true } },
      }),
    ).toEqual({
      ok: true,
      value: {
        id: "00g1",
        type: "OKTA_GROUP",
        name: "Admins",
        description: null,
        lastUpdated: null,
        lastMembershipUpdated: "2025-08-26T09:30:00.000Z",
        stats: { usersCount: 3, hasAdminPrivilege: true },
      },
    });
  });

  test("without profile, type and stats", () => {
    expect(parseGroup({ id: "00g1" })).toMatchObject({
      ok: true,
      value: { id: "00g1", type: null, name: null, description: null, stats: null },
    });
  });

  test("a count that is no count is unknown, not zero", () => {
    const stats = { usersCount: -1, hasAdminPrivlege: "yes" };
    expect(parseGroup({ id: "00g1", _embedded: { stats } })).toMatchObject({
      value: { stats: { usersCount: null, hasAdminPrivilege: null } },
    });
  });
});

describe("factors and roles", () => {
  test("are sorted, and what cannot be read is named", () => {
    const times = { created: "2025-01-01T00:00:00.000Z", lastUpdated: "2025-02-01T00:00:00.000Z" };
    const push = { id: "f2", factorType: "push", provider: "OKTA", status: "ACTIVE", profile: {}, ...times };
    const sms = { id: "f1", factorType: "sms", provider: "OKTA", status: "PENDING_ACTIVATION" };
    const { records, quarantined } = parseFactors([push, { id: "f3", status: "ACTIVE" }, sms, "x"]);
    expect(records).toEqual([
      {
        id: "f1",
        factorType: "sms",
        provider: "OKTA",
        status: "PENDING_ACTIVATION",
        created: null,
        lastUpdated: null,
      },
      { id: "f2", factorType: "push", provider: "OKTA", status: "ACTIVE", ...times },
    ]);
    expect(quarantined).toEqual([
      { id: "f3", reason: "no factorType" },
      { id: null, reason: "not a JSON object" },
    ]);
  });

  test("roles keep custom ones and their labels", () => {
    const custom = {
      id: "cr1",
      type: "CUSTOM",
      label: "Key master",
      status: "ACTIVE",
      assignmentType: "GROUP",
      "resource-set": "iam1",
      created: "2025-01-01T00:00:00.000Z",
    };
    const { records } = parseRoles([custom, { id: "ra1", type: "SUPER_ADMIN", status: "INACTIVE" }]);
    expect(records).toEqual([
      {
        id: "cr1",
        type: "CUSTOM",
        label: "Key master",
        status: "ACTIVE",
        assignmentType: "GROUP",
        created: "2025-01-01T00:00:00.000Z",
        resourceSet: "iam1",
      },
      {
        id: "ra1",
        type: "SUPER_ADMIN",
        label: null,
        status: "INACTIVE",
        assignmentType: null,
        created: null,
      },
    ]);
  });
});

test.each([
  ["https://acme.okta.com/api/v1/groups/00g1", "00g1"],
  ["http://{yourOktaDomain}/api/v1/groups/00g1/", "00g1"],
  ["https://acme.okta.com/api/v1/users/00u1", undefined],
  ["https://acme.okta.com/api/v1/groups/../users/00u1", undefined],
  [7, undefined],
])("a role linked to the assignee %j is given by the group %j", (href, group) => {
  const role = { id: "gra1", type: "ORG_ADMIN", status: "ACTIVE", assignmentType: "GROUP" };
  expect(parseRoles([{ ...role, _links: { assignee: { href } } }]).records[0]?.group).toBe(group);
});

describe("what else a user's record says", () => {
  const read = (record: object, attributes: readonly string[]) => {
    const parsed = parseUser({ ...user, ...record }, attributes);
    return parsed.ok ? parsed.value : null;
  };

  test("the realm and the type are kept by their ids, if there are any", () => {
    expect(read({ realmId: "guo1", type: { id: "oty1" } }, [])).toMatchObject({
      realmId: "guo1",
      typeId: "oty1",
    });
    for (const odd of [{}, { realmId: 7, type: "oty1" }, { realmId: null, type: { id: "../x" } }]) {
      expect(read(odd, [])).not.toHaveProperty("realmId");
      expect(read(odd, [])).not.toHaveProperty("typeId");
    }
  });

  test("custom attributes are kept as they are, in the order in which they are asked for, and null if not set", () => {
    const profile = {
      login: "a@b.c",
      badge: "B7",
      level: 3,
      contractor: false,
      sites: ["Oslo", 7, null, { a: 1 }],
      secret: "not asked for",
      nested: { a: 1 },
    };
    const asked = ["badge", "contractor", "level", "nested", "none", "sites", "toString"];
    expect(JSON.stringify(read({ profile }, asked)?.attributes)).toBe(
      JSON.stringify({
        badge: "B7",
        contractor: false,
        level: 3,
        nested: null,
        none: null,
        sites: ["Oslo", 7],
        toString: null,
      }),
    );
    expect(read({ profile }, [])).not.toHaveProperty("attributes");
  });

  test("a list asks for what a record is made of, with the custom attributes, each once", () => {
    const fields = userFields(["badge", "login"]);
    expect(fields).toMatch(/^id,status,.*realmId,type,profile:\(login,.*,badge\)$/);
    expect(fields.match(/login/g)).toHaveLength(1);
  });
});

describe("devices", () => {
  test("linked users come oldest first, unreadable links are left out", () => {
    const link = (id: unknown, created: unknown) => ({
      created,
      managementStatus: "MANAGED",
      screenLockType: "BIOMETRIC",
      user: {
        id,
        profile: {
          login: `${id}@example.com`,
          email: null,
          firstName: "F",
          lastName: "L",
          displayName: "Effel",
        },
      },
    });
    const parsed = parseDevice({
      ...device,
      _embedded: {
        users: [
          link("u4", null),
          link("u2", "2024-01-01T00:00:00.000Z"),
          link("u1", "2024-01-01T00:00:00.000Z"),
          link("u3", "2023-01-01T00:00:00.000Z"),
          link(null, "2020-01-01T00:00:00.000Z"),
          "x",
        ],
      },
    });
    expect(parsed.ok && parsed.value.users.map(({ id }) => id)).toEqual(["u3", "u1", "u2", "u4"]);
    expect(parsed.ok && parsed.value.users[0]).toEqual({
      id: "u3",
      created: "2023-01-01T00:00:00.000Z",
      managementStatus: "MANAGED",
      screenLockType: "BIOMETRIC",
      login: "u3@example.com",
      email: null,
      firstName: "F",
      lastName: "L",
    });
  });

  test("the shape of older samples is read as well", () => {
    const parsed = parseDevice({
      ...device,
      lastSeen: "2025-08-26T09:30:00.000Z",
      deviceType: "Computer",
      managed: true,
      complianceStatus: "COMPLIANT",
      userId: "00u1a2b3c4d5e6f7g8h9",
      profile: {
        displayName: "Laptop",
        imei: null,
        managed: "yes",
        osUpdateTime: "2025-08-20T14:30:00.000Z",
      },
    });
    expect(parsed).toEqual({
      ok: true,
      value: {
        id: "guo1",
        status: "ACTIVE",
        created: null,
        lastUpdated: null,
        lastSeen: "2025-08-26T09:30:00.000Z",
        deviceType: "Computer",
        managed: true,
        complianceStatus: "COMPLIANT",
        userId: "00u1a2b3c4d5e6f7g8h9",
        profile: { displayName: "Laptop", osUpdateTime: "2025-08-20T14:30:00.000Z" },
        users: [],
      },
    });
  });
});

describe("log events", () => {
  test("keep who did what to whom", () => {
    expect(
      parseLogEvent({
        uuid: "f0a9482f-2ac1-11ef-8a30-5d6c3c2e2a11",
        published: "2025-08-26T09:30:00.000Z",
        eventType: "group.user_membership.add",
        outcome: { result: "SUCCESS", reason: null },
        actor: { id: "00u9", type: "User", alternateId: "boss@example.com", displayName: "Boss" },
        target: [
          { id: "00u1", type: "User", alternateId: "mary@example.com", displayName: "Mary" },
          null,
          { id: "00g1", type: "UserGroup" },
        ],
        client: { ipAddress: "203.0.113.7", userAgent: { browser: "CHROME" } },
        debugContext: { debugData: { requestUri: "/x" } },
      }),
    ).toEqual({
      ok: true,
      value: {
        uuid: "f0a9482f-2ac1-11ef-8a30-5d6c3c2e2a11",
        published: "2025-08-26T09:30:00.000Z",
        eventType: "group.user_membership.add",
        outcome: "SUCCESS",
        reason: null,
        actor: { id: "00u9", type: "User", alternateId: "boss@example.com", displayName: "Boss" },
        ip: "203.0.113.7",
        target: [
          { id: "00u1", type: "User", alternateId: "mary@example.com", displayName: "Mary" },
          { id: "00g1", type: "UserGroup", alternateId: null, displayName: null },
        ],
      },
    });
  });

  test.each([
    [{ eventType: "user.session.start" }, { reason: "no uuid", id: null }],
    [{ uuid: "u-1" }, { reason: "no eventType", id: "u-1" }],
    ["x", { reason: "not a JSON object", id: null }],
  ])("%j is refused", (record, error) => {
    expect(parseLogEvent(record)).toEqual({ ok: false, error });
  });
});

test("anything at all is read or refused with a reason, never thrown at", () => {
  fc.assert(
    fc.property(fc.anything(), (record) => {
      for (const parse of [parseUser, parseDevice, parseGroup, parseLogEvent]) {
        const parsed = parse(record);
        expect(parsed.ok || parsed.error.reason.length > 0).toBe(true);
      }
      expect(parseFactors([record]).records.length + parseFactors([record]).quarantined.length).toBe(1);
      expect(parseRoles([record]).records.length + parseRoles([record]).quarantined.length).toBe(1);
    }),
  );
});
