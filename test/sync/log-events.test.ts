/** Log events that stand for changes of many, or name those concerned in another way: what is read again, at what cost. */
import { reset, runInDurableObject } from "cloudflare:test";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import {
  createOrg,
  expectUsers,
  type Json,
  type OrgDump,
  statusOf,
  streamStub,
  sync,
  type TestOrg,
} from "../support/org.ts";

const CONNECTION = "t11";
let org: TestOrg;

interface Target {
  readonly id: string;
  readonly type: string;
  readonly alternateId?: string | null;
  readonly displayName?: string | null;
}

/** Writes an event of something that was done silently. */
const tell = (eventType: string, targets: readonly Target[] = []): Promise<unknown> =>
  org.control("POST", "/events", { eventType, targets });

const quiet = () => org.control("POST", "/clock", { advance_ms: 10 * 60_000 });

/** Makes a delta run, after which the inventory equals the org. @returns its calls by endpoint */
const deltaCalls = async (): Promise<Record<string, number>> => {
  await org.resetStats();
  expect(await sync(CONNECTION, "delta")).toMatchObject({ state: "done", error: null });
  await expectUsers(org);
  return (await org.stats()).calls;
};

const withFactor = (dump: OrgDump, type: string): string[] =>
  dump.users
    .filter(
      ({ status, factors }) => status !== "DEPROVISIONED" && factors.some((one) => one.factorType === type),
    )
    .map(({ id }) => id);

/** Takes away all factors of these people, which the log does not tell. */
const loseFactors = async (ids: readonly string[]): Promise<void> => {
  for (const id of ids) await org.change("DELETE", `/users/${id}/factors?silent=true`);
};

const plain = (dump: OrgDump) =>
  dump.users.filter(({ status, roles }) => status === "ACTIVE" && roles.length === 0);

beforeEach(async () => {
  org = await createOrg(CONNECTION, { users: 60, groups: 8, devices: 4, seed: 5, windowMs: 1000 });
  await sync(CONNECTION, "full");
  await quiet();
  await sync(CONNECTION, "delta");
});
afterEach(reset);

describe("an authenticator that is switched off for everyone", () => {
  test.each([
    ["system.mfa.factor.deactivate", { displayName: "SMS Authentication" }, ["sms", "call"]],
    [
      "security.authenticator.lifecycle.deactivate",
      { displayName: "Okta Verify", alternateId: "okta_verify" },
      ["push", "signed_nonce", "token:software:totp"],
    ],
  ])(
    "%s %j: the factors of all who have it are read again, and of nobody else",
    async (type, named, kinds) => {
      const dump = await org.dump();
      const holders = new Set(kinds.flatMap((kind) => withFactor(dump, kind)));
      expect(holders.size).toBeGreaterThan(3);
      await loseFactors([...holders]);
      await tell(type, [{ id: "aut1", type: "Authenticator", ...named }]);
      expect((await deltaCalls())["GET /api/v1/users/{id}/factors"]).toBe(holders.size);
    },
  );

  test("without a name: the factors of all who have any", async () => {
    const { users } = await org.dump();
    const holders = users.filter(({ status, factors }) => status !== "DEPROVISIONED" && factors.length > 0);
    await loseFactors(holders.map(({ id }) => id));
    await tell("system.mfa.factor.deactivate");
    expect((await deltaCalls())["GET /api/v1/users/{id}/factors"]).toBe(holders.length);
  });

  test("and on again: what it gives back is known after the next full run", async () => {
    const [someone] = plain(await org.dump());
    await quiet();
    await tell("security.authenticator.lifecycle.activate", [
      { id: "aut1", type: "Authenticator", displayName: "Email" },
    ]);
    await org.change("POST", `/users/${someone?.id}/factors?silent=true`, {
      factorType: "email",
      provider: "OKTA",
    });
    await sync(CONNECTION, "delta");
    await quiet();
    await sync(CONNECTION, "full");
    await expectUsers(org);
    // It is done once.
    await org.resetStats();
    await sync(CONNECTION, "full");
    expect((await org.stats()).calls["GET /api/v1/users/{id}/factors"] ?? 0).toBeLessThan(10);
  });
});

describe("passwords that were made to expire", () => {
  test("those of everybody: the list of users is read again", async () => {
    const [someone] = plain(await org.dump());
    await org.change("POST", `/users/${someone?.id}/password?silent=true`);
    await quiet();
    await tell("user.lifecycle.password_mass_expiry");
    const calls = await deltaCalls();
    // The search by time, and one page of everybody.
    expect(calls["GET /api/v1/users"]).toBe(2);
    expect(calls["GET /api/v1/users/{id}"]).toBeUndefined();
  });

  test("those of the users whom the event names: these are read again", async () => {
    const [one, other] = plain(await org.dump());
    const targets = [one, other].map((user) => ({ id: user?.id ?? "", type: "User" }));
    await tell("user.lifecycle.password_mass_expiry", targets);
    expect((await deltaCalls())["GET /api/v1/users/{id}"]).toBe(2);
  });

  test.each([
    "system.agent.ldap.reset_user_password",
    "system.import.user.update",
    "system.import.user.a_type_that_may_come",
  ])("%s that names the person in another directory: the user with this login", async (type) => {
    const [someone] = plain(await org.dump());
    const login = String(someone?.profile["login"]).toUpperCase();
    await tell(type, [{ id: "0ua1", type: "AppUser", alternateId: login }]);
    expect((await deltaCalls())["GET /api/v1/users/{id}"]).toBe(1);
  });
});

describe("a custom role that changes", () => {
  test.each([
    "iam.role.update",
    "iam.role.delete",
    "iam.role.permissions.add",
    "iam.role.permissions.delete",
    "iam.resourceset.delete",
  ])("%s: the roles of all who have a custom one, directly or by a group", async (type) => {
    const { groups, ...dump } = await org.dump();
    const [own, lost, member] = plain({ groups, ...dump }).map(({ id }) => id);
    const group = groups.find((one) => one.type === "OKTA_GROUP" && one.roles.length === 0)?.id;
    await org.change("POST", `/groups/${group}/users/${member}`);
    for (const path of [`/users/${own}`, `/users/${lost}`, `/groups/${group}`])
      await org.change("POST", `${path}/roles`, { type: "CUSTOM", label: "Help the desk" });
    await deltaCalls();
    await quiet();
    await deltaCalls();
    for (const path of [`/users/${lost}`, `/groups/${group}`])
      await org.change("DELETE", `${path}/roles?silent=true`);
    await tell(type, [{ id: "cr01", type: "Role", displayName: "Help the desk" }]);
    const calls = await deltaCalls();
    expect(calls["GET /api/v1/users/{id}/roles"]).toBe(2);
    expect(calls["GET /api/v1/groups/{id}/roles"]).toBe(1);
  });

  test.each(["UserGroup", "Group", "GROUP", "AnotherName"])(
    "a binding that names a group as %s: the group's roles",
    async (type) => {
      const { groups } = await org.dump();
      const group = groups.find((one) => one.type === "OKTA_GROUP" && one.roles.length === 0)?.id ?? "";
      await org.change("POST", `/groups/${group}/roles?silent=true`, { type: "CUSTOM", label: "Looks" });
      await tell("iam.resourceset.bindings.update", [{ id: group, type }]);
      const calls = await deltaCalls();
      expect(calls["GET /api/v1/groups/{id}/roles"]).toBe(1);
      expect(calls["GET /api/v1/iam/assignees/users"]).toBeUndefined();
    },
  );
});

describe("a device that is suspended", () => {
  const linked = async (): Promise<{ device: string; people: string[] }> => {
    const { devices } = await org.dump();
    const device = devices.find(({ users }) => users.length > 0);
    return { device: device?.id ?? "", people: device?.users.map(({ userId }) => userId) ?? [] };
  };

  test.each(["suspend", "unsuspend", "deactivate", "delete"])(
    "device.lifecycle.%s: the factors of its people, whom the devices stream knows",
    async (verb) => {
      await sync(CONNECTION, "full", "devices");
      const { device, people } = await linked();
      await loseFactors(people);
      if (verb === "delete") await org.change("DELETE", `/devices/${device}?silent=true`);
      await tell(`device.lifecycle.${verb}`, [{ id: device, type: "Device" }]);
      const calls = await deltaCalls();
      expect(calls["GET /api/v1/users/{id}/factors"]).toBe(people.length);
      expect(calls["GET /api/v1/devices/{id}/users"]).toBeUndefined();
    },
  );

  test("without a devices stream: whom Okta names", async () => {
    const { device, people } = await linked();
    await loseFactors(people);
    await tell("device.lifecycle.suspend", [{ id: device, type: "Device" }]);
    const calls = await deltaCalls();
    expect(calls["GET /api/v1/devices/{id}/users"]).toBe(1);
    expect(calls["GET /api/v1/users/{id}/factors"]).toBe(people.length);
  });

  test("and that nobody knows any more: nothing follows, and nothing waits for it", async () => {
    await tell("device.lifecycle.delete", [{ id: "guo0000000", type: "Device" }]);
    expect((await deltaCalls())["GET /api/v1/users/{id}/factors"]).toBeUndefined();
    expect((await deltaCalls())["GET /api/v1/devices/{id}/users"]).toBeUndefined();
  });
});

describe("groups that an import has deleted", () => {
  test.each(["system.import.group.delete", "app.user_management.user_group_import.delete_success"])(
    "%s: they are gone, without a call",
    async (type) => {
      const { groups } = await org.dump();
      const group = groups.find((one) => one.type === "OKTA_GROUP" && one.usersCount > 0)?.id ?? "";
      await org.change("DELETE", `/groups/${group}?silent=true`);
      await tell(type, [{ id: group, type: "UserGroup" }]);
      const calls = await deltaCalls();
      expect(calls["GET /api/v1/groups/{id}"]).toBeUndefined();
    },
  );
});

describe("memberships beside what the log tells", () => {
  const emptyGroup = async (): Promise<{ group: string; people: string[] }> => {
    const dump = await org.dump();
    const made = await org.change<Json>("POST", "/groups?silent=true", { profile: { name: "New" } });
    return { group: String(made["id"]), people: plain(dump).map(({ id }) => id) };
  };

  test.each([["before"], ["after"]])(
    "a silent change within a second %s one that the log tells is found by the next delta run",
    async (when) => {
      const { group, people } = await emptyGroup();
      await quiet();
      await deltaCalls();
      const [silent, told] = people;
      const change = (id: string | undefined, query: string) =>
        org.change("POST", `/groups/${group}/users/${id}${query}`);
      if (when === "before") await change(silent, "?silent=true");
      await change(told, "");
      await org.advance(1_000);
      if (when === "after") await change(silent, "?silent=true");
      expect((await deltaCalls())["GET /api/v1/groups/{id}/users"]).toBe(1);
    },
  );

  test("one change that the log tells lists nobody", async () => {
    const { group, people } = await emptyGroup();
    await quiet();
    await deltaCalls();
    await org.change("POST", `/groups/${group}/users/${people[0]}`);
    expect((await deltaCalls())["GET /api/v1/groups/{id}/users"]).toBeUndefined();
  });
});

describe("an org that refuses to search groups", () => {
  const refuse = (path: string) =>
    org.fault({ kind: "okta-error", status: 400, code: "E0000031", match: { path } });
  const changeSilently = async (): Promise<void> => {
    const dump = await org.dump();
    const { id: group } = await org.change<Json>("POST", "/groups?silent=true", { profile: { name: "New" } });
    await org.change("POST", `/groups/${group}/users/${plain(dump)[0]?.id}?silent=true`);
  };
  /** Calls of the list of groups in a delta run that finds a silent change. */
  const groupCalls = async (): Promise<number> => {
    await changeSilently();
    const calls = (await deltaCalls())["GET /api/v1/groups"] ?? 0;
    await quiet();
    return calls;
  };

  test("filters them instead, at once from then on", async () => {
    await refuse("^/api/v1/groups[?].*search=");
    expect(await groupCalls()).toBe(2);
    expect(await groupCalls()).toBe(1);
  });

  test("by one of the times, and to filter them: searches by the other", async () => {
    await refuse("^/api/v1/groups[?].*(search=[^&]*lastUpdated|filter=)");
    expect(await groupCalls()).toBe(3);
    expect(await groupCalls()).toBe(1);
  });

  test("in any way: the next full run finds it, and nobody asks in vain each time", async () => {
    await refuse("^/api/v1/groups[?].*(search=|filter=)");
    await changeSilently();
    expect(await sync(CONNECTION, "delta")).toMatchObject({ state: "done" });
    await quiet();
    await org.resetStats();
    await sync(CONNECTION, "delta");
    expect((await org.stats()).calls["GET /api/v1/groups"]).toBeUndefined();
    await sync(CONNECTION, "full");
    await expectUsers(org);
  });
});

test("a version that hears other types begins the log anew, once, and applies nothing twice", async () => {
  const dump = await org.dump();
  const group = dump.groups.find(({ type, usersCount }) => type === "OKTA_GROUP" && usersCount > 1);
  const [someone] = plain(dump);
  const member = plain(dump).find(({ groups }) => groups.includes(group?.id ?? ""));
  await org.change("POST", `/users/${someone?.id}/sign-in`);
  await org.change("DELETE", `/groups/${group?.id}/users/${member?.id}`);
  await deltaCalls();
  // The member is back, as a list shows that is later than the event by more than lists may be behind.
  await org.control("POST", "/clock", { advance_ms: 3 * 60_000 });
  await org.change("POST", `/groups/${group?.id}/users/${member?.id}?silent=true`);
  await deltaCalls();
  const { head } = await statusOf(CONNECTION);
  await runInDurableObject(streamStub(CONNECTION), (_, state) => {
    // Version 0.1.0 did not store what its cursor asks for.
    state.storage.sql.exec("UPDATE meta SET value = json_remove(value, '$.filter') WHERE key = 'log'");
  });
  await deltaCalls();
  expect((await statusOf(CONNECTION)).head).toBe(head);
  expect((await deltaCalls())["GET /api/v1/logs"]).toBe(1);
});
