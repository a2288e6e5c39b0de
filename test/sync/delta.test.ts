/** Delta runs and deletions by example: what each change costs, and that no cron, gap or guard loses anything. */
import { reset, runInDurableObject } from "cloudflare:test";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import type { HeldDeletions } from "../../src/contract/inventory-documents.ts";
import {
  call,
  createOrg,
  differences,
  expectedDevices,
  expectedUsers,
  inventory,
  isDeleted,
  type Json,
  newestById,
  partOf,
  partsOf,
  statusOf,
  streamStub,
  sync,
  type TestOrg,
  until,
  untilIdle,
} from "../support/org.ts";

const CONNECTION = "t11";
let org: TestOrg;

const dataOf = (event: Json): Json => partOf(partsOf(event, "enrichments")[0] ?? {}, "data");
const living = (events: readonly Json[]): Json[] => events.filter((event) => !isDeleted(event));

const expectUsersEqual = async (): Promise<void> => {
  const found = living(await inventory(CONNECTION));
  expect(differences(newestById(found), expectedUsers(await org.dump()))).toEqual([]);
};

const userIds = async (): Promise<string[]> => (await org.dump()).users.map(({ id }) => id);

/** The ids of ordinary ACTIVE users, without the first one. */
const someUsers = async (count: number): Promise<string[]> =>
  (await org.dump()).users
    .filter(({ status }) => status === "ACTIVE")
    .slice(1, 1 + count)
    .map(({ id }) => id);

/** Makes a delta run of the users stream. @returns its calls by endpoint */
const deltaCalls = async (): Promise<Record<string, number>> => {
  await org.resetStats();
  const run = await sync(CONNECTION, "delta");
  expect(run.state).toBe("done");
  const { calls, total } = await org.stats();
  expect(run.calls.made).toBe(total);
  return calls;
};

const sum = (calls: Record<string, number>): number => Object.values(calls).reduce((a, b) => a + b, 0);

const quiet = () => org.control("POST", "/clock", { advance_ms: 10 * 60_000 });

beforeEach(async () => {
  org = await createOrg(CONNECTION, { users: 60, groups: 12, devices: 20, seed: 5, windowMs: 1000 });
  await sync(CONNECTION, "full");
  await quiet();
  await sync(CONNECTION, "delta");
});
afterEach(reset);

describe("what a delta run costs", () => {
  test("no changes: at most 4 calls per stream", async () => {
    expect(await deltaCalls()).toEqual({
      "GET /api/v1/logs": 1,
      "GET /api/v1/users": 1,
      "GET /api/v1/groups": 1,
    });
    await sync(CONNECTION, "full", "devices");
    await quiet();
    await org.resetStats();
    await sync(CONNECTION, "delta", "devices");
    expect((await org.stats()).total).toBeLessThanOrEqual(4);
  });

  test("k profile changes: no calls beyond the searches, which return the records", async () => {
    for (const id of await someUsers(5))
      await org.change("PATCH", `/users/${id}`, { profile: { title: "Chief" } });
    expect(sum(await deltaCalls())).toBeLessThanOrEqual(4);
    await expectUsersEqual();
  });

  test("sign-ins: last_logon changes without a call", async () => {
    for (const id of await someUsers(3)) await org.change("POST", `/users/${id}/sign-in`);
    expect(sum(await deltaCalls())).toBeLessThanOrEqual(4);
    await expectUsersEqual();
  });

  test("memberships: applied from the log, without a call", async () => {
    const { groups } = await org.dump();
    const group = groups.find(({ type, roles }) => type === "OKTA_GROUP" && roles.length === 0);
    for (const id of await someUsers(3)) await org.change("POST", `/groups/${group?.id}/users/${id}`);
    expect(sum(await deltaCalls())).toBeLessThanOrEqual(4);
    await expectUsersEqual();
  });

  test("k enrolled factors: one call each", async () => {
    for (const id of await someUsers(4)) {
      await org.change("POST", `/users/${id}/factors`, {
        factorType: "push",
        provider: "OKTA",
        status: "ACTIVE",
      });
    }
    const calls = await deltaCalls();
    expect(calls["GET /api/v1/users/{id}/factors"]).toBe(4);
    expect(sum(calls)).toBeLessThanOrEqual(4 + 4);
    await expectUsersEqual();
  });

  test("k assigned roles: one call each", async () => {
    for (const id of await someUsers(2))
      await org.change("POST", `/users/${id}/roles`, { type: "APP_ADMIN" });
    const calls = await deltaCalls();
    expect(calls["GET /api/v1/users/{id}/roles"]).toBe(2);
    expect(sum(calls)).toBeLessThanOrEqual(4 + 2);
    await expectUsersEqual();
  });

  test("a group with a role: one call for its roles, none for those who have it, come or go", async () => {
    const { groups, users } = await org.dump();
    const [group] = groups
      .filter(({ type, roles }) => type === "OKTA_GROUP" && roles.length === 0)
      .toSorted((a, b) => b.usersCount - a.usersCount);
    const id = group?.id ?? "";
    expect(group?.usersCount).toBeGreaterThan(5);
    const rolesCalls = (calls: Record<string, number>) => [
      calls["GET /api/v1/groups/{id}/roles"] ?? 0,
      calls["GET /api/v1/users/{id}/roles"] ?? 0,
    ];
    await org.change("POST", `/groups/${id}/roles`, { type: "APP_ADMIN" });
    expect(rolesCalls(await deltaCalls())).toEqual([1, 0]);
    await expectUsersEqual();
    const active = users.filter(({ status }) => status === "ACTIVE");
    const member = active.find(({ groups: own }) => own.includes(id));
    const other = active.find(({ groups: own }) => !own.includes(id));
    await org.change("DELETE", `/groups/${id}/users/${member?.id}`);
    await org.change("POST", `/groups/${id}/users/${other?.id}`);
    expect(rolesCalls(await deltaCalls())).toEqual([0, 0]);
    await expectUsersEqual();
    await org.change("DELETE", `/groups/${id}/roles`);
    expect(rolesCalls(await deltaCalls())).toEqual([1, 0]);
    await expectUsersEqual();
    await org.change("POST", `/groups/${id}/roles`, { type: "APP_ADMIN" });
    await deltaCalls();
    await org.change("DELETE", `/groups/${id}`);
    expect(rolesCalls(await deltaCalls())).toEqual([0, 0]);
    await expectUsersEqual();
  });

  test("a new user: one call for the factors and one for the groups", async () => {
    await org.change("POST", "/users", { profile: { login: "new@example.com", email: "new@example.com" } });
    expect(sum(await deltaCalls())).toBeLessThanOrEqual(4 + 2);
    await expectUsersEqual();
  });

  test("a deleted user: is checked by id and sent once more, marked as deleted", async () => {
    const [id = ""] = await someUsers(1);
    const before = (await statusOf(CONNECTION)).head;
    await org.change("DELETE", `/users/${id}`);
    await sync(CONNECTION, "delta");
    await expectUsersEqual();
    const told = (await inventory(CONNECTION, { after: before })).find(
      (event) => partOf(event, "user")["uid"] === id,
    );
    expect(dataOf(told ?? {})).toMatchObject({ is_enabled: false, is_deleted: true });
    expect((await statusOf(CONNECTION)).assets).toMatchObject({ deleted: 1 });
    const single = await call(CONNECTION, "GET", `/v1/inventory/users/${id}`);
    expect(single.status).toBe(200);
  });
});

describe("what the log does not report", () => {
  test("profile and group changes are found by the searches", async () => {
    const [id = ""] = await someUsers(1);
    await org.change("PATCH", `/users/${id}?silent=true`, { profile: { department: "Night" } });
    const { groups } = await org.dump();
    const group = groups.find(({ type }) => type === "OKTA_GROUP");
    await org.change("PATCH", `/groups/${group?.id}?silent=true`, {
      profile: { name: "Renamed in silence" },
    });
    await org.change("POST", `/groups/${group?.id}/users/${id}?silent=true`);
    await sync(CONNECTION, "delta");
    await expectUsersEqual();
  });

  test("a deletion is found by the next full run", async () => {
    const [id = ""] = await someUsers(1);
    await org.change("DELETE", `/users/${id}?silent=true`);
    const run = await sync(CONNECTION, "full");
    expect(run.changes.deleted).toBe(1);
    await expectUsersEqual();
  });

  test("a full run also applies what the log has reported", async () => {
    const [id = ""] = await someUsers(1);
    await org.change("DELETE", `/users/${id}/factors`);
    const run = await sync(CONNECTION, "full");
    expect(run.changes.log).toBe(1);
    await expectUsersEqual();
  });

  test("a lost log cursor leads to a full run that reads every fact again", async () => {
    const [id = ""] = await someUsers(1);
    await org.change("POST", `/users/${id}/factors?silent=true`, {
      factorType: "push",
      provider: "OKTA",
      status: "ACTIVE",
    });
    await runInDurableObject(streamStub(CONNECTION), (_, state) => {
      const next = "https://t11.okta.com/api/v1/logs?after=gone&limit=1000";
      state.storage.sql.exec("UPDATE meta SET value = json_set(value, '$.next', ?) WHERE key = 'log'", next);
    });
    const last = await sync(CONNECTION, "delta");
    expect(last).toMatchObject({ kind: "full", cause: "gap", state: "done" });
    await expectUsersEqual();
  });

  test("after 100 days without a run, the inventory becomes correct without a person", async () => {
    await org.control("POST", "/clock", { advance_ms: 50 * 86_400_000 });
    await org.control("POST", "/churn", { changes: 30 });
    await org.control("POST", "/clock", { advance_ms: 50 * 86_400_000 });
    await runInDurableObject(streamStub(CONNECTION), (_, state) => {
      const ago = Date.now() - 100 * 86_400_000;
      state.storage.sql.exec(
        "UPDATE meta SET value = json_set(value, '$.polledAt', ?) WHERE key = 'log'",
        ago,
      );
    });
    await streamStub(CONNECTION).wake("delta");
    const last = await untilIdle(CONNECTION);
    expect(last).toMatchObject({ kind: "full", cause: "gap", state: "done" });
    await expectUsersEqual();
  });
});

describe("held deletions", () => {
  const deletions = async (query = ""): Promise<HeldDeletions> =>
    (await call(CONNECTION, "GET", `/v1/streams/users/deletions?${query}`)).json();
  const heldIds = async (): Promise<string[]> => {
    const ids: string[] = [];
    for (let after: string | null = ""; after !== null; ) {
      const { items, next }: HeldDeletions = await deletions(`limit=7&after=${after}`);
      ids.push(...items.map(({ id }) => id));
      after = next;
    }
    return ids;
  };

  test("if the org suddenly answers 200 [], nothing is deleted until a person confirms", async () => {
    const total = (await userIds()).length;
    await org.restrict({ emptyLists: true });
    const run = await sync(CONNECTION, "full");
    expect(run.state).toBe("held");
    const status = await statusOf(CONNECTION);
    expect(status).toMatchObject({ state: "held", held_deletions: total, assets: { total, deleted: 0 } });
    expect(status.detail).toContain("deletions/confirm");
    await org.restrict({ emptyLists: false });
    const again = await sync(CONNECTION, "full");
    expect(again.state).toBe("done");
    expect(await statusOf(CONNECTION)).toMatchObject({ state: "idle", held_deletions: 0, assets: { total } });
    await expectUsersEqual();
  });

  test("if 30 % disappear between two full runs, they are held, released by a person and checked by id", async () => {
    const ids = await userIds();
    const gone = ids.slice(10, 10 + Math.ceil(ids.length * 0.3));
    for (const id of gone) await org.change("DELETE", `/users/${id}?silent=true`);
    expect((await sync(CONNECTION, "full")).state).toBe("held");
    expect(await statusOf(CONNECTION)).toMatchObject({ held_deletions: gone.length, assets: { deleted: 0 } });
    // Everything else keeps working.
    expect((await sync(CONNECTION, "delta")).changes.deleted).toBe(0);
    const { users } = await org.dump();
    const listed = await heldIds();
    expect(listed).toEqual(gone.toSorted());
    expect(users.some(({ id }) => listed.includes(id))).toBe(false);

    const confirmed = await call(CONNECTION, "POST", "/v1/streams/users/deletions/confirm");
    expect(confirmed.status).toBe(202);
    expect(await confirmed.json()).toMatchObject({ kind: "delta", cause: "request", state: "running" });
    expect((await untilIdle(CONNECTION)).changes).toMatchObject({ deleted: gone.length, still_there: 0 });
    expect(await deletions()).toEqual({ held: 0, known_before: null, since: null, items: [], next: null });
    expect(await statusOf(CONNECTION)).toMatchObject({
      state: "idle",
      held_deletions: 0,
      assets: { deleted: gone.length },
    });
    await expectUsersEqual();
    expect((await call(CONNECTION, "POST", "/v1/streams/users/deletions/confirm")).status).toBe(409);
  });

  test("that turn out to be none are settled: nothing is deleted, and no run is shown as held", async () => {
    const total = (await userIds()).length;
    await org.restrict({ emptyLists: true });
    const { started_at: before } = (await statusOf(CONNECTION)).last_full ?? expect.fail();
    await sync(CONNECTION, "full");
    const page = await deletions("limit=2");
    expect(page).toMatchObject({ held: total, known_before: total });
    expect(Date.parse(page.since ?? "")).toBeGreaterThan(Date.parse(before));
    const [first] = page.items;
    const user = (await org.dump()).users.find(({ id }) => id === first?.id);
    expect(first).toMatchObject({ login: user?.profile["login"], status: user?.status });
    expect(Date.parse(first?.last_seen_at ?? "")).toBeGreaterThanOrEqual(Date.parse(before));
    const found = await call(CONNECTION, "GET", `/v1/inventory/users/search?held=true&q=${first?.login}`);
    expect(await found.json()).toMatchObject({ results: [{ id: first?.id }] });

    await org.restrict({ emptyLists: false });
    await call(CONNECTION, "POST", "/v1/streams/users/deletions/confirm");
    expect((await untilIdle(CONNECTION)).changes).toMatchObject({ deleted: 0, still_there: total });
    expect(await statusOf(CONNECTION)).toMatchObject({
      state: "idle",
      held_deletions: 0,
      attention: [],
      last_full: { state: "done" },
      assets: { total, deleted: 0 },
    });
    const none = await call(CONNECTION, "GET", "/v1/inventory/users/search?held=true");
    expect(await none.json()).toMatchObject({ results: [] });
  });

  test("an absentee that still exists by its id is not deleted", async () => {
    const [id = ""] = await someUsers(1);
    await org.fault({
      match: { endpoint: "GET /api/v1/users", times: 1 },
      kind: "malformed-record",
      record: {},
    });
    const run = await sync(CONNECTION, "full");
    expect(run.changes.deleted).toBe(0);
    expect(id).not.toBe("");
    await expectUsersEqual();
  });

  test("tombstones are dropped after 30 days", async () => {
    const [id = ""] = await someUsers(1);
    await org.change("DELETE", `/users/${id}`);
    await sync(CONNECTION, "delta");
    await runInDurableObject(streamStub(CONNECTION), (_, state) => {
      const ago = Date.now() - 31 * 86_400_000;
      state.storage.sql.exec("UPDATE assets SET deleted_at = ? WHERE deleted_at IS NOT NULL", ago);
    });
    await sync(CONNECTION, "delta");
    expect(await statusOf(CONNECTION)).toMatchObject({ assets: { deleted: 0 } });
    expect((await call(CONNECTION, "GET", `/v1/inventory/users/${id}`)).status).toBe(404);
  });
});

describe("schedule", () => {
  test("a run whose alarm was dropped is revived by the next cron", async () => {
    await org.fault({ match: { endpoint: "GET /api/v1/users" }, kind: "503" });
    const stub = streamStub(CONNECTION);
    await stub.startRun("full");
    await until(CONNECTION, ({ state }) => state === "backing_off");
    await org.clearFaults();
    await runInDurableObject(stub, (_, state) => state.storage.deleteAlarm());
    await stub.wake("delta");
    expect((await untilIdle(CONNECTION)).state).toBe("done");
  });

  test("two crons at once make one run", async () => {
    const stub = streamStub(CONNECTION);
    const before = (await stub.runs()).length;
    await Promise.all([stub.wake("delta"), stub.wake("delta")]);
    await untilIdle(CONNECTION);
    expect((await stub.runs()).length).toBe(before + 1);
  });

  test("the history is newest first", async () => {
    const stub = streamStub(CONNECTION);
    const runs = await stub.runs();
    expect(runs.map(({ kind }) => kind)).toEqual(["delta", "full"]);
    expect(runs[1]?.calls.predicted).toBeGreaterThan(0);
  });
});

describe("rolling refresh", () => {
  test("a change of factors that the log did not report is found once the factors are due", async () => {
    const [id = ""] = await someUsers(1);
    await org.change("DELETE", `/users/${id}/factors?silent=true`);
    await runInDurableObject(streamStub(CONNECTION), (_, state) => {
      // All factors were read just now, except this user's, whose hour has surely come within REFRESH_DAYS.
      const old = Date.now() - 7 * 86_400_000;
      state.storage.sql.exec(
        "UPDATE assets SET factors_at = ?, factors_tried_at = ? WHERE id = ?",
        old,
        old,
        id,
      );
      // No delta run has looked at anybody's hour since.
      state.storage.sql.exec("DELETE FROM meta WHERE key = 'hours'");
    });
    const calls = await deltaCalls();
    expect(calls["GET /api/v1/users/{id}/factors"]).toBe(1);
    await expectUsersEqual();
  });
});

describe("a 404 is not a value", () => {
  const none = { kind: "404" } as const;

  const found = async (): Promise<Map<string, Json>> =>
    new Map(
      [...newestById(living(await inventory(CONNECTION)))].map(([id, event]) => [id, partOf(event, "user")]),
    );

  test("for a user's roles: they become unknown, not none", async () => {
    const { users } = await org.dump();
    const admin = users.find(({ roles }) =>
      roles.some(({ status, assignmentType }) => status === "ACTIVE" && assignmentType === "USER"),
    );
    await org.fault({ match: { endpoint: "GET /api/v1/users/{id}/roles" }, ...none });
    await sync(CONNECTION, "full");
    expect((await found()).get(admin?.id ?? "")).toMatchObject({ type: null, type_id: null });
    expect((await statusOf(CONNECTION)).assets.unknown["roles"]).toBeGreaterThan(0);
  });

  test("for the members of a group that exists: who is in it is unknown, and nobody is said to have left it", async () => {
    await org.fault({ match: { endpoint: "GET /api/v1/groups/{id}/users" }, ...none });
    await sync(CONNECTION, "full");
    const { assets } = await statusOf(CONNECTION);
    expect(assets.unknown["groups"]).toBe(assets.total);
    for (const { groups } of (await found()).values()) expect(groups).toBeNull();
  });

  test("for a group's roles: what it gives is unknown, and its members are not said to lack it", async () => {
    const { users, groups } = await org.dump();
    await org.fault({ match: { endpoint: "GET /api/v1/groups/{id}/roles" }, ...none });
    await sync(CONNECTION, "full");
    const givers = new Set(groups.filter(({ roles }) => roles.length > 0).map(({ id }) => id));
    const now = await found();
    for (const user of users) {
      const event = now.get(user.id) ?? {};
      for (const { uid, privileges } of partsOf(event, "groups"))
        if (givers.has(String(uid))) expect(privileges).toBeNull();
      // Whoever has a role is never said to have none.
      if (user.roles.some(({ status }) => status === "ACTIVE")) expect(event["type"]).toBe("Admin");
    }
  });
});

describe("devices", () => {
  test("links are read by search if Okta has no list of a device's users", async () => {
    await sync(CONNECTION, "full", "devices");
    await org.fault({ match: { endpoint: "GET /api/v1/devices/{id}/users" }, kind: "404" });
    const [user = ""] = await someUsers(1);
    const [device] = (await org.dump()).devices;
    await org.change("POST", `/devices/${device?.id}/users`, { userId: user, managementStatus: "MANAGED" });
    expect((await sync(CONNECTION, "delta", "devices")).state).toBe("done");
    const found = living(await inventory(CONNECTION, { stream: "devices" }));
    expect(differences(newestById(found), expectedDevices(await org.dump()))).toEqual([]);
  });

  test("the same device read by the list and by its id is one event", async () => {
    await sync(CONNECTION, "full", "devices");
    await quiet();
    await sync(CONNECTION, "delta", "devices");
    const { head } = await statusOf(CONNECTION, "devices");
    const { devices } = await org.dump();
    const linked = devices.filter(({ users }) => users.length > 0);
    for (const { id } of linked)
      await org.control("POST", "/events", {
        eventType: "device.user.add",
        targets: [{ id, type: "Device" }],
      });
    await org.resetStats();
    await sync(CONNECTION, "delta", "devices");
    expect((await org.stats()).calls["GET /api/v1/devices/{id}/users"]).toBe(linked.length);
    expect((await statusOf(CONNECTION, "devices")).head).toBe(head);
  });

  test("status, links and deletions follow the log", async () => {
    await sync(CONNECTION, "full", "devices");
    await quiet();
    const [user = ""] = await someUsers(1);
    const { devices } = await org.dump();
    const [first, second, third] = devices;
    await org.change("POST", `/devices/${first?.id}/suspend`);
    await org.change("POST", `/devices/${second?.id}/users`, { userId: user, managementStatus: "MANAGED" });
    await org.change("POST", `/devices/${third?.id}/delete`);
    const run = await sync(CONNECTION, "delta", "devices");
    expect(run.state).toBe("done");
    const found = living(await inventory(CONNECTION, { stream: "devices" }));
    expect(differences(newestById(found), expectedDevices(await org.dump()))).toEqual([]);
  });
});
