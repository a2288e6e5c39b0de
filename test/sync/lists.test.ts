/** Lists as some orgs answer them: without an end, without their end, in pieces, at another address. */
import { reset } from "cloudflare:test";
import { afterEach, describe, expect, test } from "vitest";
import { type Machine, withMachine } from "../support/machine.ts";
import {
  createOrg,
  differences,
  expectedUsers,
  expectUsers,
  type Fault,
  startRun,
  statusOf,
  sync,
  type TestOrg,
  until,
} from "../support/org.ts";

const CONNECTION = "t2";

afterEach(() => reset());

const users = { endpoint: "GET /api/v1/users" } as const;

describe("a list that does not end", () => {
  test.each(["first-page", "empty", "cycle", "self"] as const)(
    "fails the run after a bounded number of pages, and says so: %s",
    async (how) => {
      const org = await createOrg(CONNECTION, { users: 210, groups: 2 });
      await org.fault({ kind: "endless-next", how, match: users });
      const run = await sync(CONNECTION);
      expect(run).toMatchObject({
        state: "failed",
        error: { code: "endless_list", phase: "users", remedy: expect.stringContaining("Okta's support") },
      });
      expect(run.calls.by_endpoint["GET /api/v1/users"]).toBeLessThanOrEqual(12);
      const { state, detail } = await statusOf(CONNECTION);
      expect(state).toBe("failed");
      expect(detail).toMatch(
        /^\[GET\] "\/api\/v1\/users": the list does not end: .* Report this to Okta's support/,
      );
      // Nobody is deleted for not being in it.
      expect(run.changes.deleted).toBe(0);
    },
  );

  test.each([
    ["groups", "GET /api/v1/groups", { users: 8, groups: 210 }],
    ["memberships", "GET /api/v1/groups/{id}/users", { users: 20, groups: 5 }],
    ["user_groups", "GET /api/v1/users/{id}/groups", { users: 8, groups: 60 }],
    ["assignees", "GET /api/v1/iam/assignees/users", { users: 20, groups: 5 }],
  ] as const)("of %s leaves its facts unknown, and the rest goes on", async (phase, endpoint, options) => {
    const org = await createOrg(CONNECTION, options);
    await org.resetStats();
    await org.fault({ kind: "endless-next", match: { endpoint } });
    const run = await sync(CONNECTION, "full");
    expect(run.state).toBe("done");
    const { calls } = await org.stats();
    expect(calls[endpoint]).toBeLessThanOrEqual(phase === "user_groups" ? 12 * 2 * 5 : 15 * options.groups);
    const { state, detail, assets } = await statusOf(CONNECTION);
    expect([state, assets.total]).toEqual(["idle", options.users]);
    if (phase === "user_groups") {
      expect(assets.unknown["groups"]).toBeGreaterThan(0);
    } else {
      expect(run.error).toMatchObject({ code: "endless_list", phase });
      expect(detail).toContain("the list does not end");
    }
    await org.clearFaults();
    expect(await sync(CONNECTION)).toMatchObject({ state: "done", error: null });
    await expectUsers(org);
  });

  test.each(["first-page", "empty", "cycle", "self"] as const)(
    "of the log ends with a page that is not full: %s",
    async (how) => {
      const org = await createOrg(CONNECTION, { users: 20, groups: 5 });
      await sync(CONNECTION);
      await sync(CONNECTION, "delta");
      for (const { id } of (await org.dump()).users.slice(0, 3))
        await org.change("POST", `/users/${id}/sign-in`);
      await org.fault({ kind: "endless-next", how, match: { endpoint: "GET /api/v1/logs" } });
      expect(await sync(CONNECTION, "delta")).toMatchObject({
        state: "done",
        calls: { by_endpoint: { "GET /api/v1/logs": 1 } },
      });
      await org.clearFaults();
      expect(await sync(CONNECTION)).toMatchObject({ state: "done", error: null });
      await expectUsers(org);
    },
  );

  test("of devices fails their run", async () => {
    const org = await createOrg(CONNECTION, { users: 8, groups: 1, devices: 210 });
    await org.fault({ kind: "endless-next", match: { endpoint: "GET /api/v1/devices" } });
    expect(await sync(CONNECTION, "full", "devices")).toMatchObject({
      state: "failed",
      error: { code: "endless_list" },
    });
  });

  test("of a search does not keep a delta run from its end", async () => {
    const org = await createOrg(CONNECTION, { users: 20, groups: 2 });
    await sync(CONNECTION);
    const { users: people } = await org.dump();
    for (const { id } of people.slice(0, 2))
      await org.change("PATCH", `/users/${id}`, { profile: { title: "x" } });
    await org.fault({ kind: "endless-next", match: users });
    const run = await sync(CONNECTION, "delta");
    expect(run).toMatchObject({ state: "failed", error: { code: "endless_list", phase: "searches" } });
    expect(run.calls.made).toBeLessThanOrEqual(20);
    await expectUsers(org);
  });
});

describe("a page for which Okta takes too long", () => {
  test("of groups with their statistics above all", async () => {
    const org = await createOrg(CONNECTION, { users: 8, groups: 70 });
    await org.fault({ kind: "504-above-limit", limit: 60, match: { path: "/api/v1/groups?" } });
    expect(await sync(CONNECTION)).toMatchObject({ state: "done", error: null });
    await expectUsers(org);
  });
});

describe("links to the next page", () => {
  test.each(["{next}>; rel=next", "<{next}>; rel=", ""])(
    "that cannot be read are not the end of the list: %j",
    async (header) => {
      const org = await createOrg(CONNECTION, { users: 210, groups: 1, forbid: ["factors"] });
      const garbled: Fault = { kind: "link-header", header: header || "x", match: users };
      await org.fault(garbled);
      await startRun(CONNECTION);
      const { run, detail } = await until(CONNECTION, ({ state }) => state === "backing_off");
      expect(run?.error).toMatchObject({ code: "invalid_response", phase: "users" });
      expect(detail).toContain("the link to the next page cannot be read");
      expect((await statusOf(CONNECTION)).assets.total).toBe(0);
    },
  );

  test.each([
    ", <{next}>; rel=next",
    "garbage, <{next}>; rel='next'",
    '<{self}>; rel="self", <{next}>; title="a, b"; REL="last NEXT", <{next}>; rel="next"',
  ])("that can be read are followed: %s", async (header) => {
    const org = await createOrg(CONNECTION, { users: 8, groups: 210 });
    await org.fault({ kind: "link-header", header });
    expect(await sync(CONNECTION)).toMatchObject({ state: "done", error: null });
    await expectUsers(org);
  });

  test("on the org's other address are followed at the configured one", async () => {
    const nextOrigin = "https://login.acme.example";
    const org = await createOrg(CONNECTION, { users: 8, groups: 210, nextOrigin, alternate: nextOrigin });
    expect(await sync(CONNECTION)).toMatchObject({ state: "done", error: null });
    await expectUsers(org);
    await org.resetStats();
    const { users: people } = await org.dump();
    await org.change("POST", `/users/${people[0]?.id}/suspend`);
    const delta = await sync(CONNECTION, "delta");
    expect(delta).toMatchObject({ state: "done", error: null });
    await expectUsers(org);
    // The log, two searches, the user, and the question for the org's addresses.
    expect(delta.calls.made).toBeLessThanOrEqual(6);
  });

  test("on an address that the org does not name are not followed", async () => {
    await createOrg(CONNECTION, { users: 8, groups: 210, nextOrigin: "https://login.acme.example" });
    await startRun(CONNECTION);
    const { run } = await until(CONNECTION, ({ state }) => state === "backing_off");
    expect(run?.error).toMatchObject({
      code: "foreign_origin",
      remedy: expect.stringContaining("https://login.acme.example"),
    });
  });
});

test("an org that was renamed: the status names its new address and the setting", async () => {
  const org = await createOrg(CONNECTION, { users: 8, groups: 1 });
  await org.fault({ kind: "redirect", status: 301, origin: "https://renamed.okta.com" });
  await startRun(CONNECTION);
  const { run, detail } = await until(CONNECTION, ({ state }) => state === "backing_off");
  expect(run?.error).toMatchObject({ code: "foreign_origin" });
  expect(detail).toMatch(/: 301 to https:\/\/renamed\.okta\.com, where the credential is not sent /);
  expect(detail).toMatch(
    /If https:\/\/renamed\.okta\.com is an address of this org, set it as the base URL: OKTA_BASE_URL/,
  );
});

// These move the clock, and with it the alarms of what comes after them.
describe("a search that Okta does not let us follow to its end", () => {
  /** A stream in an org of 90 people, ten on a page, that is killed at every `every`th call. */
  const inParts = async (org: TestOrg, every: number, work: (machine: Machine) => Promise<void>) => {
    let calls = 0;
    const beforeCall = async () => ++calls % every !== 0;
    await withMachine({ org, stream: "users", callsPerSlice: 5, pageSize: 10, beforeCall }, work);
  };
  const living = async (org: TestOrg) => expectedUsers(await org.dump());

  test.each([7, 1000])("is taken up where it stopped, killed at every call number %i", async (every) => {
    const org = await createOrg(CONNECTION, { users: 90, groups: 3, searchCap: 20 });
    await inParts(org, every, async (machine) => {
      await machine.stream.startRun("full");
      await machine.toRest();
      expect(machine.stream.runs()[0]).toMatchObject({ state: "done", error: null, changes: { deleted: 0 } });
      expect(differences(machine.living(), await living(org))).toEqual([]);
      await org.resetStats();
      await machine.stream.startRun("full");
      await machine.toRest();
      // Nine pages; each part of at most two begins with what the one before has shown, and ends with a refusal.
      const { calls } = await org.stats();
      if (every === 1000) expect(calls["GET /api/v1/users"]).toBeLessThanOrEqual(9 + 5 + 5);
      expect(machine.stream.runs()[0]).toMatchObject({ state: "done", error: null, changes: { deleted: 0 } });
    });
  });

  test("is taken up in a delta run after a mass change as well", async () => {
    const org = await createOrg(CONNECTION, { users: 90, groups: 3 });
    await inParts(org, 1000, async (machine) => {
      await machine.stream.startRun("full");
      await machine.toRest();
      for (const { id } of (await org.dump()).users.slice(0, 60)) {
        await org.change("PATCH", `/users/${id}?silent=true`, { profile: { title: "Renamed" } });
        await org.advance(1000);
      }
      await org.restrict({ limits: "none", searchCap: 20 });
      await machine.stream.startRun("delta");
      await machine.toRest();
      expect(machine.stream.runs()[0]).toMatchObject({ kind: "delta", state: "done", error: null });
      expect(differences(machine.living(), await living(org))).toEqual([]);
    });
  });

  test("is replaced by the plain list if it cannot be sorted either", async () => {
    const org = await createOrg(CONNECTION, { users: 90, groups: 3, searchCap: 20 });
    const sorted = "^/api/v1/users\\?search=status\\+lt.*sortBy";
    await org.fault({ kind: "okta-error", status: 400, code: "E0000031", match: { path: sorted } });
    await inParts(org, 1000, async (machine) => {
      for (const _ of ["first", "second"]) {
        await machine.stream.startRun("full");
        await machine.toRest();
        expect(machine.stream.runs()[0]).toMatchObject({
          state: "done",
          error: null,
          changes: { deleted: 0 },
        });
        expect(differences(machine.living(), await living(org))).toEqual([]);
      }
    });
  });
});
