/** What the streams of a connection keep of each other: right after each run, cheap, and never in a run's way. */
import { reset } from "cloudflare:test";
import { afterEach, describe, expect, it, test, vi } from "vitest";
import { InventoryStream } from "../../src/sync/inventory-stream.ts";
import {
  administratorsCopied,
  copiesAndDump,
  copyDate,
  devicesCopied,
  devicesTold,
  expectedDevices,
  lookUp,
  syncAndCopy,
} from "../support/copies.ts";
import { call, createOrg, streamStub, sync, type TestOrg, until, untilIdle } from "../support/org.ts";
import { seeds } from "../support/seeds.ts";

const CONNECTION = "t12";
const SIZE = { users: 12, groups: 3, devices: 15, seed: 5 };

afterEach(async () => {
  vi.restoreAllMocks();
  await reset();
});

const firstUser = async (org: TestOrg): Promise<string> => {
  const [user] = (await org.dump()).users;
  if (user === undefined) throw new Error("the org has nobody");
  return user.id;
};

const bothStreams = async (org: TestOrg): Promise<void> => {
  await sync(org.connection, "full", "users");
  await syncAndCopy(org.connection, "devices");
  await syncAndCopy(org.connection, "users", "delta");
};

describe("devices in look-ups", () => {
  it("are unknown before the devices stream has run, and say why", async () => {
    const org = await createOrg(CONNECTION, SIZE);
    await sync(CONNECTION, "full", "users");
    const okta = await lookUp(CONNECTION, await firstUser(org));
    expect(okta).toMatchObject({ success: true, found: true, extracted: { devices: null } });
    expect(okta.incomplete).toEqual([
      {
        field: "devices",
        reason: "pending",
        message: expect.stringContaining("devices stream"),
        last_known: null,
        last_known_at: null,
      },
    ]);
    expect(okta.facts_as_of).not.toHaveProperty("devices");
  });

  it("are right for everybody after both streams have run, with the date of the run", async () => {
    const org = await createOrg(CONNECTION, SIZE);
    await bothStreams(org);
    const dump = await org.dump();
    const owners = dump.users.filter(({ id }) => expectedDevices(dump, id).length > 0);
    expect(owners.length).toBeGreaterThan(0);
    expect(owners.length).toBeLessThan(dump.users.length);
    for (const { id } of dump.users)
      expect(await devicesTold(CONNECTION, id)).toEqual(expectedDevices(dump, id));
    const at = await copyDate(CONNECTION, "users");
    const okta = await lookUp(CONNECTION, owners[0]?.id ?? "");
    expect(okta.facts_as_of?.devices).toBe(new Date(at ?? 0).toISOString().replace(/\.\d+/, ""));
    expect(okta.incomplete).toEqual([]);
  });

  it("are right as well where the devices stream has run first", async () => {
    const org = await createOrg(CONNECTION, SIZE);
    const { finished_at } = await sync(CONNECTION, "full", "devices");
    await sync(CONNECTION, "full", "users");
    await vi.waitFor(async () =>
      expect(await copyDate(CONNECTION, "users")).toBe(Date.parse(finished_at ?? "")),
    );
    const dump = await org.dump();
    for (const { id } of dump.users)
      expect(await devicesTold(CONNECTION, id)).toEqual(expectedDevices(dump, id));
  });

  it("tell what Okta calls managed as true, as false, or as unknown", async () => {
    const org = await createOrg(CONNECTION, { ...SIZE, devices: 0 });
    const userId = await firstUser(org);
    const device = async (displayName: string, managementStatus?: string) =>
      org.change("POST", "/devices", {
        profile: { displayName, platform: "MACOS", registered: true },
        users: [{ userId, ...(managementStatus !== undefined && { managementStatus }) }],
      });
    await device("b", "NOT_MANAGED");
    await device("a", "MANAGED");
    await bothStreams(org);
    expect(await devicesTold(CONNECTION, userId)).toEqual([
      { id: expect.any(String), name: "a", platform: "macOS", managed: true },
      { id: expect.any(String), name: "b", platform: "macOS", managed: false },
    ]);
  });

  it("are told of somebody whom the inventory does not know yet", async () => {
    const org = await createOrg(CONNECTION, SIZE);
    await bothStreams(org);
    const { id: userId } = await org.change("POST", "/users", { profile: { login: "new@example.com" } });
    await org.change("POST", "/devices", {
      profile: { displayName: "New", platform: "IOS", registered: true },
      users: [{ userId }],
    });
    await syncAndCopy(CONNECTION, "devices", "delta");
    expect(await devicesTold(CONNECTION, "new@example.com")).toMatchObject([
      { name: "New", platform: "iOS" },
    ]);
  });

  it("are told while Okta does not answer", async () => {
    const org = await createOrg(CONNECTION, SIZE);
    await bothStreams(org);
    const dump = await org.dump();
    const owner = dump.users.find(({ id }) => expectedDevices(dump, id).length > 0)?.id ?? "";
    await org.fault({ kind: "500", match: { endpoint: "GET /api/v1/users/{id}" } });
    const okta = await lookUp(CONNECTION, owner);
    expect(okta).toMatchObject({ stale: true, extracted: { devices: expectedDevices(dump, owner) } });
  });

  it("are not told of a past moment", async () => {
    const org = await createOrg(CONNECTION, SIZE);
    await bothStreams(org);
    const now = new Date(Date.now()).toISOString();
    const okta = await lookUp(CONNECTION, await firstUser(org), `?at=${now}`);
    expect(okta.extracted).toHaveProperty("devices", null);
    expect(okta.incomplete).toContainEqual(
      expect.objectContaining({ field: "devices", reason: "not_in_history" }),
    );
  });
});

describe("a change shows after the next run of the devices stream", () => {
  const changes: Record<string, (org: TestOrg, device: string, user: string) => Promise<unknown>> = {
    "a new name": (org, device) =>
      org.change("PATCH", `/devices/${device}`, { profile: { displayName: "Renamed" } }),
    "a link that is gone": (org, device, user) => org.change("DELETE", `/devices/${device}/users/${user}`),
    "a device that is gone": async (org, device) => {
      await org.change("POST", `/devices/${device}/deactivate`);
      await org.change("POST", `/devices/${device}/delete`);
    },
  };

  it.each(Object.entries(changes))("%s, also in look-ups that were cached", async (_, change) => {
    const org = await createOrg(CONNECTION, SIZE);
    await bothStreams(org);
    const before = await org.dump();
    const device = before.devices.find(({ status, users }) => status === "ACTIVE" && users.length === 1);
    const user = device?.users[0]?.userId ?? "";
    await lookUp(CONNECTION, user);
    await org.advance(1_000);
    await change(org, device?.id ?? "", user);
    await syncAndCopy(CONNECTION, "devices", "delta");
    const expected = expectedDevices(await org.dump(), user);
    expect(expected).not.toEqual(expectedDevices(before, user));
    await vi.waitFor(async () =>
      expect((await lookUp(CONNECTION, user, "")).extracted).toMatchObject({ devices: expected }),
    );
  });
});

test("a run that has changed nothing costs one request, and its date shows", async () => {
  const org = await createOrg(CONNECTION, SIZE);
  await bothStreams(org);
  const page = vi.spyOn(InventoryStream.prototype, "copyPage");
  await syncAndCopy(CONNECTION, "devices", "delta");
  await syncAndCopy(CONNECTION, "users", "delta");
  expect(page).not.toHaveBeenCalled();
  const { copies, expected } = await copiesAndDump(CONNECTION, await org.dump());
  expect(copies).toEqual(expected);
});

test("who is an administrator is unknown where Okta does not tell", async () => {
  const org = await createOrg(CONNECTION, { ...SIZE, forbid: ["roles", "assignees", "groupRoles"] });
  await sync(CONNECTION, "full", "devices");
  await syncAndCopy(CONNECTION, "users");
  const { users } = await org.dump();
  const copied = await administratorsCopied(
    CONNECTION,
    users.map(({ id }) => id),
  );
  for (const { id, profile } of users)
    expect(copied[id]).toMatchObject({ id, isAdmin: null, login: profile["login"] });
});

test("a copy fails no run and holds none up, and the next run makes up for it", async () => {
  const org = await createOrg(CONNECTION, SIZE);
  await sync(CONNECTION, "full", "users");
  const { promise: untilReleased, resolve: release } = Promise.withResolvers<void>();
  const silent = vi.spyOn(InventoryStream.prototype, "otherRan").mockImplementation(() => untilReleased);
  expect(await sync(CONNECTION, "full", "devices")).toMatchObject({ state: "done", error: null });
  expect(silent).toHaveBeenCalled();
  release();
  silent.mockRejectedValue(new Error("overloaded"));
  expect(await sync(CONNECTION, "delta", "devices")).toMatchObject({ state: "done", error: null });
  expect(await copyDate(CONNECTION, "users")).toBeNull();
  silent.mockRestore();
  await syncAndCopy(CONNECTION, "devices", "delta");
  const userId = await firstUser(org);
  expect(await devicesTold(CONNECTION, userId)).toEqual(expectedDevices(await org.dump(), userId));
});

test("another inventory begins the copy anew, and nothing of the former one is left", async () => {
  const org = await createOrg(CONNECTION, SIZE);
  await bothStreams(org);
  const former = await org.dump();
  const orgId = "00oOTHERorgOTHERorg0";
  const other = await createOrg(CONNECTION, { ...SIZE, orgId, seed: 6 });
  const dump = await other.dump();
  const reset = async (stream: string) => {
    const response = await call(CONNECTION, "POST", `/v1/streams/${stream}/reset`, { org_id: orgId });
    expect(response.status).toBe(202);
  };
  await reset("devices");
  await untilIdle(CONNECTION, "devices");
  // The users are still the former org's, of whom the other org's devices say nothing.
  await vi.waitFor(async () => expect(await copyDate(CONNECTION, "users")).toBeNull());
  await reset("users");
  await until(CONNECTION, ({ state, last_full }) => state === "idle" && last_full?.state === "done");
  await syncAndCopy(CONNECTION, "devices", "delta");
  await syncAndCopy(CONNECTION, "users", "delta");
  const { copies, expected } = await copiesAndDump(CONNECTION, dump);
  expect(copies).toEqual(expected);
  const ids = former.users.map(({ id }) => id).filter((id) => dump.users.every((user) => user.id !== id));
  for (const devices of Object.values(await devicesCopied(CONNECTION, ids))) expect(devices).toEqual([]);
});

test("a stream that holds nothing stays empty when it is told of the other one's runs", async () => {
  await createOrg(CONNECTION, SIZE);
  const told = vi.spyOn(InventoryStream.prototype, "otherRan");
  await sync(CONNECTION, "full", "devices");
  await vi.waitFor(() => expect(told).toHaveBeenCalled());
  await Promise.all(told.mock.results.map(({ value }) => value));
  expect(await streamStub(CONNECTION, "users").holds()).toBe(false);
});

test.each(seeds(2))("after any changes and runs, both copies are what the org is (seed %i)", async (seed) => {
  const org = await createOrg(CONNECTION, { ...SIZE, users: 30, devices: 40, seed });
  await bothStreams(org);
  for (let round = 0; round < 4; round++) {
    await org.churn(15);
    const { users, devices } = await org.dump();
    for (const [index, device] of devices.entries()) {
      if (index % 4 !== round) continue;
      const [link] = device.users;
      if (link !== undefined && round % 2 === 0)
        await org.change("DELETE", `/devices/${device.id}/users/${link.userId}`);
      else
        await org.change("POST", `/devices/${device.id}/users`, { userId: users[index % users.length]?.id });
    }
    await org.advance(60_000);
    await sync(CONNECTION, "delta", round % 2 === 0 ? "devices" : "users");
    await syncAndCopy(CONNECTION, "users");
    await syncAndCopy(CONNECTION, "devices");
    const { copies, expected } = await copiesAndDump(CONNECTION, await org.dump());
    expect(copies).toEqual(expected);
  }
});
