/** What the inventory contains, what the status says and what a caller sees when Okta fails. */
import { reset } from "cloudflare:test";
import { env } from "cloudflare:workers";
import { afterEach, describe, expect, test } from "vitest";
import { connectionOf } from "../../src/config/connections.ts";
import { connectOkta } from "../../src/okta/connect.ts";
import { sizesOf } from "../support/formula.ts";
import {
  call,
  createOrg,
  differences,
  expectedUsers,
  expectUsers,
  type Fault,
  inventory,
  newestById,
  partOf,
  startRun,
  statusOf,
  strayRequests,
  sync,
  type TestOrg,
  until,
  untilIdle,
  untilIdleImpatiently,
} from "../support/org.ts";
import { seeds } from "../support/seeds.ts";

const CONNECTION = "t2";

afterEach(async () => {
  await reset();
  expect((await strayRequests()).filter((request) => request.includes("attacker"))).toEqual([]);
});

const complete = { state: "idle", detail: null, assets: { quarantined: 0, unknown: {} } };

describe("a call that fails once is retried, and nothing else shows it", () => {
  test.each(["500", "503", "throw", "reset", "truncated", "html"] as const)("%s", async (kind) => {
    const org = await createOrg(CONNECTION, { users: 210, groups: 12 });
    await org.fault(
      { kind, match: { endpoint: "GET /api/v1/users", after: 1, times: 1 } },
      { kind, match: { endpoint: "GET /api/v1/groups", times: 1 } },
      { kind, match: { endpoint: "GET /api/v1/groups/{id}/users", after: 2, times: 1 } },
      { kind, match: { endpoint: "GET /api/v1/iam/assignees/users", times: 1 } },
      { kind, match: { endpoint: "GET /api/v1/users/{id}/roles", times: 1 } },
      { kind, match: { endpoint: "GET /api/v1/users/{id}/factors", every: 25 } },
    );
    const run = await sync(CONNECTION);
    expect(run).toMatchObject({ state: "done", error: null });
    // The org does not count a call in which it threw.
    if (kind !== "throw") expect(run.calls.made).toBe((await org.stats()).total);
    expect((await org.stats()).injectedFaults).toBeGreaterThan(8);
    await expectUsers(org);
    expect(await statusOf(CONNECTION)).toMatchObject(complete);
  });

  test("slow answers only take time", async () => {
    const org = await createOrg(CONNECTION, { users: 30, groups: 4 });
    await org.fault({ kind: "slow", ms: 60 });
    expect(await sync(CONNECTION)).toMatchObject({ state: "done", error: null });
    await expectUsers(org);
  });
});

describe("a page that is too large for Okta", () => {
  test("is requested again as smaller pages", async () => {
    const org = await createOrg(CONNECTION, { users: 300, groups: 120 });
    await org.fault({ kind: "500-above-limit", limit: 60, match: { path: "/api/v1/(users|groups)\\?" } });
    expect(await sync(CONNECTION)).toMatchObject({ state: "done", error: null });
    await expectUsers(org);
    expect(await statusOf(CONNECTION)).toMatchObject(complete);
  });
});

describe("rate limits", () => {
  test("a 429 is shown and waited out, and the run continues where it was", async () => {
    const org = await createOrg(CONNECTION, { users: 210, groups: 5, windowMs: 3000 });
    await org.fault({
      kind: "429",
      resetInMs: 3000,
      match: { endpoint: "GET /api/v1/users", after: 1, times: 1 },
    });
    await startRun(CONNECTION);
    const during = await until(CONNECTION, ({ state }) => state === "backing_off");
    expect(during.run).toMatchObject({ phase: "users", error: { code: "rate_limited", phase: "users" } });
    expect(during.detail).toMatch(
      /^\[GET\] "\/api\/v1\/users": 429 E0000047 .* \(rate_limited\)\. Continues at \d\d:/,
    );
    expect(during.rate_limits.find(({ bucket }) => bucket === "/api/v1/users")).toMatchObject({
      remaining: 0,
      backing_off_until: expect.stringMatching(/^20/),
    });
    expect(await untilIdle(CONNECTION)).toMatchObject({ state: "done", error: null });
    expect((await org.stats()).repeats).toBe(0);
    await expectUsers(org);
  });

  test("a run that has used up its part of a window says so", async () => {
    await createOrg(CONNECTION, { users: 30, groups: 5, limits: { "/api/v1/users": 20 } });
    await startRun(CONNECTION);
    const { state, run, detail } = await until(CONNECTION, (status) => status.detail !== null);
    expect({ state, error: run?.error }).toEqual({ state: "running", error: null });
    expect(detail).toMatch(
      /^Waiting until [\d:]{8} UTC for the next window of the rate limit, so that look-ups and other applications keep their share\.$/,
    );
  });

  test("a run that does not know what its former life has used says that, and not that it spares others", async () => {
    await createOrg(CONNECTION, { users: 5, groups: 5, limits: { "/api/v1/users": 20 } });
    const connection = connectionOf(env, CONNECTION);
    if (connection === null) throw new Error("no connection");
    const dies = connectOkta({
      connection,
      env,
      holder: "stream/users/full",
      priority: "background",
      batch: 40,
    });
    await dies.api.userFactors("00u1"); // tells how large the bucket is
    await dies.api.userFactors("00u1"); // gets all permits that there are
    await startRun(CONNECTION);
    const { state, detail } = await until(CONNECTION, (status) => status.detail !== null);
    expect(state).toBe("running");
    expect(detail).toMatch(
      /^Waiting until [\d:]{8} UTC to find out whether Okta has counted calls that were interrupted/,
    );
    expect(detail).not.toContain("other applications");
  });

  test("a concurrency 429 causes a short pause, whatever its reset header says", async () => {
    const org = await createOrg(CONNECTION, { users: 60, groups: 5 });
    await org.fault({
      kind: "concurrency-429",
      match: { endpoint: "GET /api/v1/users/{id}/factors", every: 20 },
    });
    const started = Date.now();
    expect(await sync(CONNECTION)).toMatchObject({ state: "done", error: null });
    // Its reset is minutes away.
    expect(Date.now() - started).toBeLessThan(45_000);
    await expectUsers(org);
  });
});

describe("a failure that lasts", () => {
  const failing = async (fault: Fault) => {
    const org = await createOrg(CONNECTION, { users: 210, groups: 5 });
    await org.fault({ ...fault, match: { endpoint: "GET /api/v1/users", after: 1 } });
    await startRun(CONNECTION);
    const during = await until(CONNECTION, ({ state }) => state === "backing_off");
    expect(during.run).toMatchObject({ state: "running", phase: "users" });
    return { org, during };
  };

  test.each([
    [{ kind: "401" }, "invalid_credential", /^\[GET\] "\/api\/v1\/users": 401 E0000011/],
    [{ kind: "503" }, "unavailable", /^\[GET\] "\/api\/v1\/users": 503 /],
    [{ kind: "html" }, "invalid_response", /: the answer is not JSON /],
    [{ kind: "huge-body", bytes: 30_000_000 }, "too_large", /: the answer is over 25165824 bytes /],
    [{ kind: "redirect" }, "foreign_origin", /: 302 /],
    [{ kind: "foreign-next" }, "foreign_origin", /the next page is on another origin/],
  ] satisfies [Fault, string, RegExp][])(
    "$kind is shown, stored assets stay, and the run continues from there once the failure is over",
    async (fault, code, detail) => {
      const { org, during } = await failing(fault);
      expect(during.run?.error).toMatchObject({ code, phase: "users" });
      expect(during.detail).toMatch(detail);
      expect(during.assets.total).toBe(200);
      expect(await inventory(CONNECTION)).toHaveLength(200);
      await org.clearFaults();
      // A person starts it again: the run in progress continues at once.
      const response = await call(CONNECTION, "POST", "/v1/streams/users/runs", { kind: "full" });
      expect(response.status).toBe(200);
      expect(await response.json()).toMatchObject({ id: during.run?.id });
      expect(await untilIdle(CONNECTION)).toMatchObject({ state: "done", error: null, id: during.run?.id });
      expect((await org.stats()).repeats).toBeLessThanOrEqual(fault.kind === "foreign-next" ? 1 : 0);
      await expectUsers(org);
    },
  );

  test("is waited out, and the run continues by itself", async () => {
    const { org } = await failing({ kind: "503" });
    const first = (await statusOf(CONNECTION)).run?.calls.made ?? 0;
    await org.clearFaults();
    expect(first).toBeGreaterThan(0);
    expect(await untilIdle(CONNECTION)).toMatchObject({ state: "done" });
    await expectUsers(org);
  });
});

describe("facts that Okta does not let us read are unknown, never empty", () => {
  test("403 on factors: has_mfa is null, and the status counts the users for whom it is unknown", async () => {
    const org = await createOrg(CONNECTION, { users: 300, groups: 5, forbid: ["factors"] });
    const run = await sync(CONNECTION);
    expect(run).toMatchObject({ state: "done", error: null });
    const dump = await org.dump();
    const { present } = sizesOf(dump);
    // Thirty refusals from all over the org, and what is under way meanwhile, show that all are refused.
    expect(run.calls.by_endpoint["GET /api/v1/users/{id}/factors"]).toBeLessThanOrEqual(36);
    const stored = newestById(await inventory(CONNECTION));
    for (const { id, status } of dump.users) {
      const { has_mfa } = partOf(stored.get(id) ?? {}, "user");
      expect(has_mfa).toBe(status === "DEPROVISIONED" ? false : null);
    }
    expect(await statusOf(CONNECTION)).toMatchObject({
      state: "idle",
      assets: { total: 300, unknown: { factors: present } },
    });

    // In the next run a few are enough, because they were refused the night before.
    const again = await sync(CONNECTION);
    expect(again.calls.by_endpoint["GET /api/v1/users/{id}/factors"]).toBeLessThanOrEqual(10);
    expect((await statusOf(CONNECTION)).assets.unknown).toEqual({ factors: present });

    // Once it is allowed, the next full run reads them all.
    await org.restrict({ forbid: [] });
    await sync(CONNECTION);
    await expectUsers(org);
    expect(await statusOf(CONNECTION)).toMatchObject(complete);

    // Once it is forbidden again, whoever is tried becomes unknown, and is shown so; what was read of others still holds.
    await org.restrict({ forbid: ["factors"] });
    await sync(CONNECTION);
    const { factors = 0 } = (await statusOf(CONNECTION)).assets.unknown;
    expect(factors).toBeGreaterThan(0);
    const after = newestById(await inventory(CONNECTION));
    const unknown = dump.users.filter(({ id }) => partOf(after.get(id) ?? {}, "user")["has_mfa"] === null);
    expect(unknown).toHaveLength(factors);
    for (const { id, factors: held } of dump.users)
      if (!unknown.some((user) => user.id === id))
        expect(partOf(after.get(id) ?? {}, "user")["has_mfa"]).toBe(
          held.some(({ status }) => status === "ACTIVE"),
        );
  });

  test.each([10, 25])(
    "refusals of the first %i users are theirs alone: others may be seen",
    async (refused) => {
      const org = await createOrg(CONNECTION, { users: 120, groups: 3 });
      const endpoint = "GET /api/v1/users/{id}/factors";
      await org.fault({ kind: "403", match: { endpoint, times: refused } });
      expect(await sync(CONNECTION)).toMatchObject({ state: "done", error: null });
      expect((await statusOf(CONNECTION)).assets.unknown).toEqual({ factors: refused });
      // The next run tries some of them again, and all once one is answered.
      await sync(CONNECTION);
      await expectUsers(org);
      expect(await statusOf(CONNECTION)).toMatchObject(complete);
    },
  );

  test.each([
    { code: "E0000015", status: 401 },
    { code: "E0000022", status: 405 },
  ])(
    "a feature that is not enabled is neither a rejected credential nor an outage: $code",
    async (answer) => {
      const org = await createOrg(CONNECTION, { users: 100, groups: 3 });
      await org.fault({
        kind: "okta-error",
        ...answer,
        match: { endpoint: "GET /api/v1/users/{id}/factors" },
      });
      const run = await sync(CONNECTION);
      expect(run).toMatchObject({ state: "done", error: null });
      expect(run.calls.by_endpoint["GET /api/v1/users/{id}/factors"]).toBeLessThanOrEqual(6);
      expect((await statusOf(CONNECTION)).assets.unknown["factors"]).toBe(sizesOf(await org.dump()).present);
    },
  );

  test("a missing scope applies to every user, so one refusal is enough", async () => {
    const org = await createOrg(CONNECTION, { users: 100, groups: 3 });
    await org.fault({ kind: "403-scope", match: { endpoint: "GET /api/v1/users/{id}/factors" } });
    const run = await sync(CONNECTION);
    expect(run.calls.by_endpoint["GET /api/v1/users/{id}/factors"]).toBeLessThanOrEqual(6);
    expect((await statusOf(CONNECTION)).assets.unknown["factors"]).toBe(sizesOf(await org.dump()).present);
  });

  test("factors that are forbidden or keep failing for some users do not affect other users", async () => {
    const org = await createOrg(CONNECTION, { users: 60, groups: 3 });
    const [one, two, three] = (await org.dump()).users.filter(({ factors }) => factors.length > 0);
    await org.fault(
      { kind: "403", match: { path: `/api/v1/users/${one?.id}/factors` } },
      { kind: "500", match: { path: `/api/v1/users/${two?.id}/factors` } },
      { kind: "404", match: { path: `/api/v1/users/${three?.id}/factors` } },
    );
    expect(await sync(CONNECTION)).toMatchObject({ state: "done" });
    const dump = await org.dump();
    const expected = expectedUsers(dump);
    const unknown = expectedUsers(dump, { mfa: true });
    for (const user of [one, two, three]) expected.set(user?.id ?? "", unknown.get(user?.id ?? "") ?? {});
    expect(differences(newestById(await inventory(CONNECTION)), expected)).toEqual([]);
    expect((await statusOf(CONNECTION)).assets.unknown).toEqual({ factors: 3 });
  });

  test("403 on everything about roles: type and privileges are null", async () => {
    const org = await createOrg(CONNECTION, {
      users: 200,
      groups: 20,
      forbid: ["roles", "groupRoles", "assignees"],
    });
    expect(await sync(CONNECTION)).toMatchObject({ state: "done", error: null });
    const dump = await org.dump();
    const giving = new Set(dump.groups.filter(({ roles }) => roles.length > 0).map(({ id }) => id));
    expect(giving.size).toBeGreaterThan(0);
    const stored = newestById(await inventory(CONNECTION));
    for (const [id, event] of expectedUsers(dump, { roles: true })) {
      const groups = partOf(event, "user")["groups"] as { uid: string; privileges: unknown }[]; // written so above
      // The groups' stats show which of them give roles at all.
      for (const group of groups) if (giving.has(group.uid)) group.privileges = null;
      expect(stored.get(id)).toEqual(event);
    }
    expect(await statusOf(CONNECTION)).toMatchObject({ state: "idle", assets: { unknown: { roles: 200 } } });
    await org.restrict({ forbid: [] });
    await sync(CONNECTION);
    await expectUsers(org);
    expect(await statusOf(CONNECTION)).toMatchObject(complete);
  });

  test("403 only on the roles of groups: their privileges are null, and admins are still known", async () => {
    const org = await createOrg(CONNECTION, { users: 200, groups: 20, forbid: ["groupRoles"] });
    expect(await sync(CONNECTION)).toMatchObject({ state: "done", error: null });
    const dump = await org.dump();
    const stored = newestById(await inventory(CONNECTION));
    for (const [id, event] of expectedUsers(dump)) {
      expect(partOf(stored.get(id) ?? {}, "user")["type"]).toBe(partOf(event, "user")["type"]);
    }
    expect((await statusOf(CONNECTION)).assets.unknown).toEqual({});
  });

  test("403 on groups: groups are null, and who is an admin is unknown", async () => {
    const org = await createOrg(CONNECTION, { users: 60, groups: 10, forbid: ["groups"] });
    expect(await sync(CONNECTION)).toMatchObject({ state: "done", error: null });
    await expectUsers(org, { groups: true, roles: true });
    expect(await statusOf(CONNECTION)).toMatchObject({
      state: "idle",
      assets: { total: 60, unknown: { groups: 60, roles: 60 } },
    });
    await org.restrict({ forbid: [] });
    await sync(CONNECTION);
    await expectUsers(org);
    expect(await statusOf(CONNECTION)).toMatchObject(complete);
  });

  test.each([
    ["members", { users: 100, groups: 8 }],
    ["userGroups", { users: 12, groups: 60 }],
  ] as const)("403 on %s: groups are null", async (resource, options) => {
    const org = await createOrg(CONNECTION, { ...options, forbid: [resource] });
    expect(await sync(CONNECTION)).toMatchObject({ state: "done", error: null });
    const stored = await inventory(CONNECTION);
    const dump = await org.dump();
    const ids = new Set(dump.users.filter(({ status }) => status !== "DEPROVISIONED").map(({ id }) => id));
    for (const event of newestById(stored).values()) {
      const { uid, groups } = partOf(event, "user");
      if (ids.has(String(uid))) expect(groups).toBeNull();
    }
    expect((await statusOf(CONNECTION)).assets.unknown["groups"]).toBeGreaterThanOrEqual(ids.size);
    await org.restrict({ forbid: [] });
    await sync(CONNECTION);
    await expectUsers(org);
    expect(await statusOf(CONNECTION)).toMatchObject(complete);
  });
});

describe("a refusal or a failure that concerns some alone leaves the others known", () => {
  const rolesOfSome = async (org: TestOrg, count: number) => {
    const { users } = await org.dump();
    const active = users.filter(({ status, roles }) => status === "ACTIVE" && roles.length === 0);
    const some = active.slice(0, count).map(({ id }) => id);
    for (const id of some) await org.change("POST", `/users/${id}/roles`, { type: "USER_ADMIN" });
    return some;
  };
  const adminsIn = async (): Promise<Map<string, unknown>> => {
    const page = await call(CONNECTION, "GET", "/v1/inventory/users/search?limit=100");
    const { results } = await page.json<{ results: { id: string; is_admin: boolean | null }[] }>();
    return new Map(results.map(({ id, is_admin }) => [id, is_admin]));
  };

  test("twelve administrators whose roles are a 400 for good: nobody waits for them", async () => {
    const org = await createOrg(CONNECTION, { users: 60, groups: 8 });
    const some = await rolesOfSome(org, 14);
    const bad = some.slice(0, 12);
    await org.fault({ kind: "400", match: { path: `/api/v1/users/(${bad.join("|")})/roles` } });
    const run = await sync(CONNECTION);
    expect(run).toMatchObject({ state: "done", error: null });
    // No back-off, not even one of 2 s.
    expect(Date.parse(run.finished_at ?? "") - Date.parse(run.started_at)).toBeLessThan(2_000);
    const admins = await adminsIn();
    expect(bad.map((id) => admins.get(id))).toEqual(bad.map(() => null));
    expect(some.slice(12).map((id) => admins.get(id))).toEqual([true, true]);
    expect((await statusOf(CONNECTION)).assets.unknown).toEqual({ roles: 12 });
  });

  test("the roles of one group, the first one: its privileges are null, and nobody else's", async () => {
    const org = await createOrg(CONNECTION, { users: 60, groups: 12 });
    const { groups } = await org.dump();
    const ids = groups.filter(({ roles }) => roles.length > 0).map(({ id }) => id);
    const more = groups.filter(({ id, type }) => type === "OKTA_GROUP" && !ids.includes(id)).slice(0, 3);
    for (const { id } of more) await org.change("POST", `/groups/${id}/roles`, { type: "APP_ADMIN" });
    const [first = ""] = [...ids, ...more.map(({ id }) => id)].sort();
    await org.fault({ kind: "403", match: { path: `/api/v1/groups/${first}/roles` } });
    expect(await sync(CONNECTION)).toMatchObject({ state: "done", error: null });
    const dump = await org.dump();
    const stored = newestById(await inventory(CONNECTION));
    for (const [id, event] of expectedUsers(dump)) {
      const { groups: are } = partOf(stored.get(id) ?? {}, "user");
      const { groups: should } = partOf(event, "user");
      const hidden = (list: unknown) =>
        JSON.stringify(list, (_, part) => (part?.uid === first ? { ...part, privileges: null } : part));
      expect(JSON.stringify(are)).toBe(hidden(should));
      // Its members were asked themselves.
      expect(partOf(stored.get(id) ?? {}, "user")["type_id"]).toBe(partOf(event, "user")["type_id"]);
    }
    expect((await statusOf(CONNECTION)).assets.unknown).toEqual({});
  });

  test.each(["404", "403"] as const)(
    "a %s for the list of administrators: known are members of groups that give roles and whom the log names",
    async (kind) => {
      const org = await createOrg(CONNECTION, { users: 60, groups: 12 });
      await org.fault({ kind, match: { endpoint: "GET /api/v1/iam/assignees/users" } });
      const run = await sync(CONNECTION);
      expect(run).toMatchObject({ state: "done", error: null });
      expect(Date.parse(run.finished_at ?? "") - Date.parse(run.started_at)).toBeLessThan(2_000);
      expect(run.calls.by_endpoint["GET /api/v1/iam/assignees/users"]).toBe(1);
      await sync(CONNECTION, "delta");
      const [granted = ""] = await rolesOfSome(org, 1);
      await sync(CONNECTION, "delta");
      const { users, groups } = await org.dump();
      const giving = groups.filter(({ roles }) => roles.length > 0).map(({ id }) => id);
      expect(giving.length).toBeGreaterThan(0);
      const isTold = ({ id, groups: own }: (typeof users)[number]) =>
        id === granted || own.some((group) => giving.includes(group));
      const isOne = ({ roles }: (typeof users)[number]) => roles.some(({ status }) => status === "ACTIVE");
      const expected = new Map(users.map((user) => [user.id, isTold(user) ? isOne(user) : null]));
      expect(await adminsIn()).toEqual(expected);
      const { unknown } = (await statusOf(CONNECTION)).assets;
      expect(unknown["roles"]).toBe(users.filter((user) => !isTold(user)).length);
      // It is as it was after another full run.
      await sync(CONNECTION);
      expect(await adminsIn()).toEqual(expected);
    },
  );
});

describe("an org that takes only parts of the query of a list", () => {
  test.each(["honoured", "ignored", "refused"] as const)("the fields of users: %s", async (fields) => {
    const org = await createOrg(CONNECTION, { users: 250, groups: 4, fields });
    const lists = async () => (await org.stats()).calls["GET /api/v1/users"];
    expect(await sync(CONNECTION)).toMatchObject({ state: "done", error: null });
    await expectUsers(org);
    // What was refused is asked for without at once, and not asked for again.
    expect(await lists()).toBe(fields === "refused" ? 3 : 2);
    await org.resetStats();
    await sync(CONNECTION);
    await sync(CONNECTION, "delta");
    expect(await lists()).toBe(3);
    await expectUsers(org);
  });
});

describe("records that cannot be read", () => {
  test("one bad record is quarantined, and the other records of its page are filed; a later run clears it", async () => {
    const org = await createOrg(CONNECTION, { users: 250, groups: 5 });
    await org.fault({ kind: "malformed-record", match: { endpoint: "GET /api/v1/users", times: 1 } });
    expect(await sync(CONNECTION)).toMatchObject({ state: "done", error: null });
    expect(await statusOf(CONNECTION)).toMatchObject({ assets: { total: 249, quarantined: 1, deleted: 0 } });
    const dump = await org.dump();
    const wrong = differences(newestById(await inventory(CONNECTION)), expectedUsers(dump));
    expect(wrong).toEqual([{ id: dump.users[0]?.id, is: null, should: expect.anything() }]);
    await sync(CONNECTION);
    expect(await statusOf(CONNECTION)).toMatchObject({ assets: { total: 250, quarantined: 0 } });
    await expectUsers(org);
  });

  test("a known user whose record can no longer be read stays as it was and does not count as deleted", async () => {
    const org = await createOrg(CONNECTION, { users: 20, groups: 3 });
    await sync(CONNECTION);
    const [first] = (await org.dump()).users;
    const record = { id: first?.id, status: "ACTIVE", profile: "garbage" };
    await org.fault({ kind: "malformed-record", record, match: { endpoint: "GET /api/v1/users", times: 1 } });
    expect(await sync(CONNECTION)).toMatchObject({ state: "done", changes: { deleted: 0 } });
    expect(await statusOf(CONNECTION)).toMatchObject({ assets: { total: 20, deleted: 0, quarantined: 1 } });
    await expectUsers(org);
  });

  test("a factor that cannot be read makes MFA unknown; it is not left out", async () => {
    const org = await createOrg(CONNECTION, { users: 20, groups: 3 });
    const someone = (await org.dump()).users.find(({ factors }) => factors.length > 1);
    await org.fault({
      kind: "malformed-record",
      record: { id: "opf1", status: "ACTIVE" },
      match: { path: `/api/v1/users/${someone?.id}/factors` },
    });
    await sync(CONNECTION);
    const stored = newestById(await inventory(CONNECTION));
    expect(partOf(stored.get(someone?.id ?? "") ?? {}, "user")["has_mfa"]).toBeNull();
    expect((await statusOf(CONNECTION)).assets.unknown).toEqual({ factors: 1 });
  });
});

describe("an empty list of users", () => {
  test("in the first run fails the run, and the status blames the credential", async () => {
    const org = await createOrg(CONNECTION, { users: 30, groups: 3, emptyLists: true });
    const run = await sync(CONNECTION);
    expect(run).toMatchObject({ state: "failed", error: { code: "empty_list", phase: "users" } });
    expect(await statusOf(CONNECTION)).toMatchObject({
      state: "failed",
      detail: expect.stringContaining("Read-only Administrator"),
      assets: { total: 0 },
    });
    await org.restrict({ emptyLists: false });
    expect(await sync(CONNECTION)).toMatchObject({ state: "done", cause: "first" });
    await expectUsers(org);
  });

  test("in a later run is held for a person, and nothing is deleted", async () => {
    const org = await createOrg(CONNECTION, { users: 30, groups: 3 });
    await sync(CONNECTION);
    await org.restrict({ emptyLists: true });
    expect(await sync(CONNECTION)).toMatchObject({ state: "held", changes: { deleted: 0 } });
    expect(await statusOf(CONNECTION)).toMatchObject({
      state: "held",
      detail: expect.stringContaining("30 known assets missing"),
      held_deletions: 30,
      assets: { total: 30, deleted: 0 },
    });
    await expectUsers(org);
    await org.restrict({ emptyLists: false });
    expect(await sync(CONNECTION)).toMatchObject({ state: "done" });
    expect(await statusOf(CONNECTION)).toMatchObject({ ...complete, held_deletions: 0 });
    await expectUsers(org);
  });
});

describe("devices that Okta does not show", () => {
  test.each([
    ["an org on the Classic Engine", { pipeline: "v1" as const }, "Classic Engine"],
    ["a credential that may not read them", { forbid: ["devices" as const] }, "okta.devices.read"],
  ])("%s: the stream is unavailable and says why; users are not affected", async (_, options, word) => {
    const org = await createOrg(CONNECTION, { users: 30, groups: 3, devices: 20, ...options });
    expect(await sync(CONNECTION, "full", "devices")).toMatchObject({
      state: "failed",
      error: { code: "unavailable" },
    });
    expect(await statusOf(CONNECTION, "devices")).toMatchObject({
      state: "unavailable",
      detail: expect.stringContaining(word),
      assets: { total: 0 },
    });
    expect(await inventory(CONNECTION, { stream: "devices" })).toEqual([]);
    expect(await sync(CONNECTION)).toMatchObject({ state: "done" });
    await expectUsers(org);
  });
});

describe("an org in which about one call in nine fails in some way", () => {
  test.each(seeds(2))("is read completely in the end, seed %i", async (seed) => {
    const org = await createOrg(CONNECTION, { users: 120, groups: 12, seed });
    const kinds = ["500", "503", "throw", "reset", "truncated", "html", "401", "concurrency-429"] as const;
    await org.fault(...kinds.map((kind) => ({ kind, match: { probability: 0.015 } })));
    await startRun(CONNECTION);
    expect(await untilIdleImpatiently(CONNECTION)).toMatchObject({ state: "done" });
    // What this run gave up is unknown, but nothing is wrong. The next run reads it all.
    await org.clearFaults();
    await sync(CONNECTION);
    await expectUsers(org);
    expect(await statusOf(CONNECTION)).toMatchObject(complete);
  });
});
