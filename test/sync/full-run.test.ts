import { reset } from "cloudflare:test";
import { afterEach, describe, expect, test } from "vitest";
import type { OrgOptionsInput } from "../../dev/okta-org/options.ts";
import { WINDOW_MS } from "../../src/okta/gate/headers.ts";
import { devicesFormula, sizesOf, usersFormula } from "../support/formula.ts";
import { withMachine } from "../support/machine.ts";
import {
  createOrg,
  type DumpGroup,
  differences,
  expectedDevices,
  expectedUsers,
  expectUsers,
  inventory,
  newestById,
  type OrgDump,
  partOf,
  startHeldRun,
  statusOf,
  sync,
  untilIdle,
} from "../support/org.ts";
import { stopTime } from "../support/time.ts";

const CONNECTION = "t1";

afterEach(() => reset());

const everyoneOf = (dump: OrgDump): DumpGroup => {
  const everyone = dump.groups.find(({ profile }) => profile["name"] === "Everyone");
  if (everyone === undefined) throw new Error("no Everyone");
  return everyone;
};

/** Creates an org and syncs it. The inventory equals the org, and no call was refused or made twice. */
const synced = async (options: OrgOptionsInput) => {
  const org = await createOrg(CONNECTION, options);
  const run = await sync(CONNECTION);
  expect(run).toMatchObject({ state: "done", error: null, progress: 1 });
  const stats = await org.stats();
  expect(stats).toMatchObject({ repeats: 0, violations: 0, concurrencyRefused: 0 });
  expect(stats.total).toBe(run.calls.made);
  return { org, run, dump: await expectUsers(org) };
};

describe("a full run of the users stream", () => {
  test("reads 1,000 users as the org's dump has them, with no more calls than the formula allows", async () => {
    const { org, run, dump } = await synced({ users: 1000, groups: 150, devices: 1000 });
    expect(new Set(dump.users.map(({ status }) => status)).size).toBe(8);
    expect(run.calls.made).toBeLessThanOrEqual(usersFormula(dump));
    const { present, memberPages, listed, groupsWithRoles } = sizesOf(dump);
    const { by_endpoint: made, predicted } = run.calls;
    expect(made).toMatchObject({
      "GET /api/v1/users": 5,
      "GET /api/v1/groups": 1,
      "GET /api/v1/groups/{id}/users": memberPages,
      "GET /api/v1/users/{id}/factors": present,
      "GET /api/v1/users/{id}/roles": listed,
      "GET /api/v1/groups/{id}/roles": groupsWithRoles,
    });
    expect(Math.abs((predicted ?? 0) - run.calls.made)).toBeLessThanOrEqual(run.calls.made * 0.02);
    expect(await statusOf(CONNECTION)).toMatchObject({
      state: "idle",
      detail: null,
      run: null,
      last_full: { id: run.id, cause: "first", changes: { full: 1000, deleted: 0 } },
      assets: { total: 1000, deleted: 0, quarantined: 0, unknown: {} },
      held_deletions: 0,
    });

    // Nothing has changed, so a second run reads few factors again (2 % of its calls plus 5) and makes no events.
    const { head } = await statusOf(CONNECTION);
    await org.resetStats();
    const second = await sync(CONNECTION);
    expect(second).toMatchObject({ state: "done", cause: "request", changes: { full: 0, deleted: 0 } });
    const again = second.calls.by_endpoint["GET /api/v1/users/{id}/factors"] ?? 0;
    expect(again).toBeLessThanOrEqual(5 + 0.02 * (usersFormula(dump) - present));
    expect(second.calls.made).toBeLessThanOrEqual(usersFormula(dump) - present);
    expect(Math.abs((second.calls.predicted ?? 0) - second.calls.made)).toBeLessThanOrEqual(3);
    expect((await statusOf(CONNECTION)).head).toBe(head);
    await expectUsers(org);
  });

  test("reads memberships user by user if that is cheaper", async () => {
    const { run, dump } = await synced({ users: 30, groups: 150 });
    const { present, memberPages } = sizesOf(dump);
    expect(present).toBeLessThan(memberPages);
    expect(run.calls.by_endpoint).toMatchObject({ "GET /api/v1/users/{id}/groups": present });
    expect(run.calls.by_endpoint["GET /api/v1/groups/{id}/users"]).toBeUndefined();
    expect(run.calls.made).toBeLessThanOrEqual(usersFormula(dump));
  });

  test.each([false, true])(
    "handles Everyone; it includes DEPROVISIONED users: %s",
    async (everyoneIncludesDeprovisioned) => {
      const { run, dump } = await synced({ users: 200, groups: 10, everyoneIncludesDeprovisioned });
      const everyone = everyoneOf(dump);
      const gone = dump.users.filter(({ status }) => status === "DEPROVISIONED");
      expect(gone.length).toBeGreaterThan(0);
      expect(gone.every(({ groups }) => groups.includes(everyone.id))).toBe(everyoneIncludesDeprovisioned);
      // Everyone is never listed.
      expect(run.calls.by_endpoint["GET /api/v1/groups/{id}/users"]).toBe(sizesOf(dump).memberPages);
    },
  );

  test.each([false, true])(
    "handles group, custom and inactive roles; the list of assignees includes roles from groups: %s",
    async (assigneesIncludeGroupInherited) => {
      const org = await createOrg(CONNECTION, {
        users: 300,
        groups: 40,
        seed: 3,
        assigneesIncludeGroupInherited,
        assigneesNextHttp: true,
      });
      const before = await org.dump();
      const team = before.groups.find(
        ({ type, usersCount, roles }) =>
          type === "OKTA_GROUP" && usersCount > 1 && usersCount < 20 && roles.length === 0,
      );
      const empty = before.groups.find(({ usersCount }) => usersCount === 0);
      await org.change("POST", `/groups/${team?.id}/roles`, { type: "CUSTOM", label: "Badge Office" });
      await org.change("POST", `/groups/${team?.id}/roles`, {
        type: "APP_ADMIN",
        label: "Application Administrator",
      });
      await org.change("POST", `/groups/${empty?.id}/roles`, { type: "ORG_ADMIN" });
      const alone = before.users.filter(
        ({ groups, status, roles }) =>
          status === "ACTIVE" && roles.length === 0 && !groups.includes(team?.id ?? ""),
      );
      await org.change("POST", `/users/${alone[0]?.id}/roles`, { type: "REPORT_ADMIN", status: "INACTIVE" });
      // More than one page of users with roles.
      await Promise.all(
        alone.slice(1, 130).map(({ id }) => org.change("POST", `/users/${id}/roles`, { type: "USER_ADMIN" })),
      );
      expect(await sync(CONNECTION)).toMatchObject({ state: "done", error: null });
      const dump = await expectUsers(org);
      expect(expectedUsers(dump).get(alone[0]?.id ?? "")).toMatchObject({ user: { type: null } });
      const run = (await statusOf(CONNECTION)).last_full;
      expect(run?.calls.by_endpoint["GET /api/v1/iam/assignees/users"]).toBe(2);
      expect(run?.calls.made).toBeLessThanOrEqual(usersFormula(dump, assigneesIncludeGroupInherited));
    },
  );

  test("makes every user an admin if Everyone has a role", async () => {
    const org = await createOrg(CONNECTION, { users: 60, groups: 5 });
    const { id } = everyoneOf(await org.dump());
    await org.change("POST", `/groups/${id}/roles`, {
      type: "READ_ONLY_ADMIN",
      label: "Read-Only Administrator",
    });
    expect(await sync(CONNECTION)).toMatchObject({ state: "done", error: null });
    const dump = await expectUsers(org);
    const active = dump.users.find(({ status }) => status === "ACTIVE");
    expect(expectedUsers(dump).get(active?.id ?? "")).toMatchObject({ user: { type: "Admin", type_id: 2 } });
    const made = (await statusOf(CONNECTION)).last_full?.calls.by_endpoint ?? {};
    expect(made["GET /api/v1/users/{id}/roles"] ?? 0).toBe(sizesOf(dump).listed);
  });

  test.each([
    ["no groups but Everyone", { users: 20, groups: 1 }],
    ["one user", { users: 1, groups: 3 }],
    ["exactly one page of users and of groups", { users: 200, groups: 200 }],
    ["a group with more than one page of members", { users: 1900, groups: 3 }],
    ["no rate-limit headers", { users: 60, groups: 5, noRateLimitHeaders: true }],
    [
      "rate-limit headers that are not duplicated",
      { users: 60, groups: 5, duplicateRateLimitHeaders: false },
    ],
    ["Okta's clock an hour ahead", { users: 60, groups: 5, clockOffsetMs: 3_600_000 }],
    ["Okta's clock a day behind", { users: 60, groups: 5, clockOffsetMs: -86_400_000 }],
  ] satisfies [string, OrgOptionsInput][])("reads an org with %s", async (_, options) => {
    const { run, dump } = await synced(options);
    expect(run.calls.made).toBeLessThanOrEqual(usersFormula(dump));
  });

  test("shows users as soon as their page is read, with MFA unknown, and again once MFA is known", async () => {
    const org = await createOrg(CONNECTION, { users: 300, groups: 5 });
    await startHeldRun(org, { endpoint: "GET /api/v1/users/{id}/factors", after: 12 });
    const during = await statusOf(CONNECTION);
    expect(during).toMatchObject({
      state: "running",
      assets: { total: 300 },
      run: { phase: "factors", changes: { full: 300 } },
    });
    expect(during.run?.progress).toBeLessThan(1);
    expect(during.run?.calls.predicted).toBeGreaterThan(250);
    const dump = await org.dump();
    const present = dump.users.filter(({ status }) => status !== "DEPROVISIONED").map(({ id }) => id);
    expect(during.assets.unknown["factors"]).toBeGreaterThan(present.length - 50);
    const early = newestById(await inventory(CONNECTION));
    expect(early.size).toBe(300);
    const unknown = present.filter((id) => partOf(early.get(id) ?? {}, "user")["has_mfa"] === null);
    expect(unknown.length).toBeGreaterThan(present.length - 50);
    // Everything except MFA is already final.
    const all = expectedUsers(dump, { mfa: true });
    expect(
      differences(
        new Map(unknown.map((id) => [id, early.get(id) ?? {}])),
        new Map(unknown.map((id) => [id, all.get(id) ?? {}])),
      ),
    ).toEqual([]);
    await org.clearFaults();
    expect(await untilIdle(CONNECTION)).toMatchObject({ state: "done" });
    const again = await inventory(CONNECTION, { after: during.head });
    expect(again.length).toBeGreaterThanOrEqual(unknown.length);
    await expectUsers(org);
  });
});

describe("a full run of the devices stream", () => {
  test("reads 1,000 devices as the org's dump has them, with no more calls than the formula allows", async () => {
    const org = await createOrg(CONNECTION, { users: 500, groups: 5, devices: 1000 });
    const run = await sync(CONNECTION, "full", "devices");
    expect(run).toMatchObject({ state: "done", error: null });
    const dump = await org.dump();
    const stored = newestById(await inventory(CONNECTION, { stream: "devices" }));
    expect(differences(stored, expectedDevices(dump))).toEqual([]);
    expect(run.calls.made).toBeLessThanOrEqual(devicesFormula(dump));
    expect(await statusOf(CONNECTION, "devices")).toMatchObject({
      state: "idle",
      assets: { total: 1000, deleted: 0, quarantined: 0, unknown: {} },
    });
  });

  test("succeeds in an org without devices", async () => {
    await createOrg(CONNECTION, { devices: 0 });
    expect(await sync(CONNECTION, "full", "devices")).toMatchObject({ state: "done", error: null });
    expect(await inventory(CONNECTION, { stream: "devices" })).toEqual([]);
  });
});

// The last ones, since from here on time passes only when it is told to.
describe("a first full run under Okta's published limits", () => {
  test.each<[string, OrgOptionsInput, boolean]>([
    ["memberships are read group by group", { users: 1500, groups: 60 }, false],
    ["Everyone has a role", { users: 700, groups: 20 }, true],
    ["memberships are read user by user", { users: 300, groups: 900 }, false],
  ])(
    "knows the factors of administrators by the next window after the list of users: %s",
    async (_, options, all) => {
      stopTime();
      const org = await createOrg(CONNECTION, { limits: "published", devices: 0, ...options });
      await org.control("POST", "/clock", { stop: true });
      const before = await org.dump();
      if (all)
        await org.change("POST", `/groups/${everyoneOf(before).id}/roles`, { type: "READ_ONLY_ADMIN" });
      const { users } = before;
      const admins = new Set(
        users
          .filter(
            ({ status, roles }) =>
              status !== "DEPROVISIONED" && roles.some((role) => role.status === "ACTIVE"),
          )
          .map(({ id }) => id),
      );
      expect(admins.size).toBeGreaterThan(5);
      let listedAt = 0;
      const order: string[] = [];
      const beforeCall = async (path: string): Promise<boolean> => {
        if (path === "/api/v1/users") listedAt = Date.now();
        const [, id] = /\/users\/([^/]+)\/factors$/.exec(path) ?? [];
        if (id !== undefined) order.push(id);
        return true;
      };
      const scene = { org, stream: "users", pageSize: 1000, beforeCall } as const;
      await withMachine(scene, async (machine) => {
        const { inventory: stored } = machine.stream;
        await machine.stream.startRun("full");
        const isKnown = (id: string) => stored.users.one(id)?.facts.factors.state === "known";
        while (listedAt === 0 || ![...admins].every(isKnown)) expect(await machine.slice()).toBe(true);
        // The list may come right after a window has begun; how far off its end is, is known to the second.
        expect(Date.now() - listedAt).toBeLessThanOrEqual(WINDOW_MS + 2_000);
        // Nobody else is read before them, but for people whose role is inactive.
        const have = new Set(users.filter(({ roles }) => roles.length > 0).map(({ id }) => id));
        expect(order.slice(0, admins.size).filter((id) => !have.has(id))).toEqual([]);
        await machine.stream.cancelRun();
      });
      const stats = await org.stats();
      expect(stats.violations).toBe(0);
    },
  );
});
