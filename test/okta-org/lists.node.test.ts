import fc from "fast-check";
import { describe, expect, test } from "vitest";
import type { OrgOptionsInput } from "../../dev/okta-org/index.ts";
import { nextPage } from "../support/pages.ts";
import { examples } from "../support/seeds.ts";
import { field, HOST, listOf, type TestOrg, testOrg } from "./support.ts";

const search = (expression: string): string => `search=${encodeURIComponent(expression)}`;

describe("determinism", () => {
  test("the same seed makes the same org, another seed another one", () => {
    const dumpOf = (seed: number) => testOrg({ seed }).org.dump();
    expect(dumpOf(4)).toEqual(dumpOf(4));
    expect(dumpOf(4).users[0]?.id).not.toBe(dumpOf(5).users[0]?.id);
  });

  test("a thousand people have every status and the exceptions that connectors trip over", () => {
    const { users, groups, devices } = testOrg({ users: 1000, groups: 150, devices: 1000 }).org.dump();
    expect(new Set(users.map((user) => user.status)).size).toBe(8);
    expect(users.some((user) => user.profile["firstName"] === null)).toBe(true);
    expect(users.some((user) => user.profile["email"] !== user.profile["login"])).toBe(true);
    expect(users.some((user) => String(user.profile["login"]).includes("/"))).toBe(true);
    expect(users.some((user) => user.factors.some((factor) => factor.status === "PENDING_ACTIVATION"))).toBe(
      true,
    );
    const gone = users.filter((user) => user.status === "DEPROVISIONED");
    expect(gone.length).toBeGreaterThan(50);
    expect(gone.every((user) => user.groups.length === 0)).toBe(true);
    expect(new Set(groups.map((group) => group.type)).size).toBe(3);
    expect(groups.some((group) => group.usersCount === 0)).toBe(true);
    expect(groups.some((group) => group.roles.length > 0)).toBe(true);
    expect(new Set(devices.map((device) => Math.min(device.users.length, 2)))).toEqual(new Set([0, 1, 2]));
    expect(users.every((user) => /^00u\w{17}$/.test(user.id))).toBe(true);
  });
});

describe("users", () => {
  test("a plain list, q and filter differ in whom they leave out", async () => {
    const t = testOrg();
    const { users } = t.org.dump();
    const gone = users.filter((user) => user.status === "DEPROVISIONED").length;
    expect(gone).toBeGreaterThan(0);
    expect((await t.all("/api/v1/users?limit=7")).items).toHaveLength(users.length - gone);
    const filter = encodeURIComponent('status eq "DEPROVISIONED"');
    expect((await t.all(`/api/v1/users?filter=${filter}`)).items).toHaveLength(gone);
    expect((await t.all(`/api/v1/users?${search('status lt "ZZZ"')}`)).items).toHaveLength(users.length);
    const login = String(users.find((user) => user.status === "DEPROVISIONED")?.profile["login"]);
    expect(listOf(await t.get(`/api/v1/users?q=${login}`))).toHaveLength(0);
  });

  test("one user by id, login and short name, but not by an ambiguous one or with a slash", async () => {
    const t = testOrg({ users: 0 });
    const add = (id: string, login: string) =>
      t.control("POST", "/users", { id, profile: { login, email: login } });
    await add("00uA", "mary@example.com");
    await add("00uB", "bob@example.com");
    await add("00uC", "bob@example.org");
    await add("00uD", "CORP/eve");
    const idOf = async (key: string) => field(await t.get(`/api/v1/users/${encodeURIComponent(key)}`), "id");
    expect(await idOf("00uA")).toBe("00uA");
    expect(await idOf("MARY@example.com")).toBe("00uA");
    expect(await idOf("mary")).toBe("00uA");
    expect(await idOf("bob@example.org")).toBe("00uC");
    expect((await t.get("/api/v1/users/bob")).status).toBe(404);
    expect((await t.get("/api/v1/users/CORP%2Feve")).status).toBe(404);
    expect(await idOf("00uD")).toBe("00uD");
    expect(field(await t.get("/api/v1/users/nobody"), "errorCode")).toBe("E0000007");
    expect(await idOf("me")).toBe("00uA");
  });

  test("a sorted search pages in order", async () => {
    const t = testOrg();
    const { items, pages } = await t.all(
      `/api/v1/users?${search("status pr")}&sortBy=lastUpdated&sortOrder=desc&limit=9`,
    );
    const times = items.map((user) => String(user["lastUpdated"]));
    expect(times).toEqual([...times].sort().reverse());
    expect(new Set(items.map((user) => user["id"])).size).toBe(60);
    expect(pages).toBe(7);
  });

  test("okta-response leaves credentials out", async () => {
    const t = testOrg();
    const type =
      'application/json; okta-response="omitCredentials,omitCredentialsLinks,omitTransitioningToStatus"';
    const [lean] = listOf(await t.get("/api/v1/users?limit=1", { "content-type": type }));
    const [full] = listOf(await t.get("/api/v1/users?limit=1"));
    expect(lean).not.toHaveProperty("credentials");
    expect(full).toHaveProperty("credentials");
  });

  test.each([
    ["limit=abc", "E0000001"],
    ["limit=0", "E0000001"],
    [search('status ne "ACTIVE"'), "E0000031"],
    [search('status eq "ACTIVE'), "E0000031"],
    [search("status eq ACTIVE"), "E0000031"],
    [search('shoeSize eq "44"'), "E0000031"],
    [search('(status eq "ACTIVE"'), "E0000031"],
    [search('lastUpdated gt "yesterday"'), "E0000031"],
    [`filter=${encodeURIComponent('status sw "ACT"')}`, "E0000031"],
  ])("%s is a 400 %s", async (query, code) => {
    const answer = await testOrg().get(`/api/v1/users?${query}`);
    expect(answer.status).toBe(400);
    expect(field(answer, "errorCode")).toBe(code);
    expect(Object.keys(Object(answer.body))).toEqual([
      "errorCode",
      "errorSummary",
      "errorLink",
      "errorId",
      "errorCauses",
    ]);
  });

  test("search escapes, combines and compares without case", async () => {
    const t = testOrg({ users: 0 });
    await t.control("POST", "/users", {
      id: "00uQ",
      profile: { login: 'o"q\\@x.y', email: "Q@X.Y", floor: 3 },
    });
    await t.control("POST", "/users", {
      id: "00uR",
      status: "STAGED",
      profile: { login: "r@x.y", email: "r@x.y" },
    });
    const found = async (expression: string) =>
      listOf(await t.get(`/api/v1/users?${search(expression)}`)).map((user) => user["id"]);
    expect(await found('profile.login eq "o\\"q\\\\@x.y"')).toEqual(["00uQ"]);
    expect(await found('profile.email eq "q@x.y"')).toEqual(["00uQ"]);
    expect(await found("profile.floor ge 3")).toEqual(["00uQ"]);
    expect(await found("profile.floor pr")).toEqual(["00uQ"]);
    expect(await found('profile.login sw "r@" or (profile.email co "@x" and status eq "ACTIVE")')).toEqual([
      "00uQ",
      "00uR",
    ]);
  });

  test("a lagging search sees objects as they were", async () => {
    const t = testOrg({ users: 0, searchLagMs: 10_000 });
    await t.control("POST", "/users", { id: "00uL", profile: { login: "l@x.y", email: "l@x.y" } });
    const seen = async () =>
      listOf(await t.get(`/api/v1/users?${search("status pr")}`)).map((user) => user["status"]);
    expect(await seen()).toEqual([]);
    await t.control("POST", "/clock", { advance_ms: 11_000 });
    expect(await seen()).toEqual(["ACTIVE"]);
    await t.control("POST", "/users/00uL/suspend");
    expect(await seen()).toEqual(["ACTIVE"]);
    expect(field(await t.get("/api/v1/users/00uL"), "status")).toBe("SUSPENDED");
    await t.control("POST", "/clock", { advance_ms: 11_000 });
    expect(await seen()).toEqual(["SUSPENDED"]);
  });
});

describe("cursors", () => {
  test("are refused when altered, built, or used on another list, host or org", async () => {
    const t = testOrg();
    const next = nextPage(await t.get("/api/v1/users?limit=5")) ?? "";
    expect((await t.get(next)).status).toBe(200);
    expect((await t.get(next.replace("limit=5", "limit=2"))).status).toBe(200);
    const after = new URL(next).searchParams.get("after") ?? "";
    const last = after.at(-1) === "A" ? "B" : "A";
    const status = async (path: string) => (await t.get(path)).status;
    expect(await status(next.replace(after, after.slice(0, -1) + last))).toBe(400);
    expect(await status("/api/v1/users?after=5&limit=5")).toBe(400);
    expect(await status(`/api/v1/groups?after=${after}&limit=5`)).toBe(400);
    expect(await status(`${next}&${search("status pr")}`)).toBe(400);
    expect(await status(next.replace(HOST, "https://other.okta.com"))).toBe(400);
    expect((await testOrg({ seed: 2 }).get(next)).status).toBe(400);
  });

  test("nothing is skipped or repeated while objects come and go", async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.array(fc.nat(59), { maxLength: 12 }),
        fc.integer({ min: 1, max: 25 }),
        async (gone, limit) => {
          const t = testOrg({ devices: 0 });
          const ids = t.org.dump().users.map((user) => user.id);
          const deleted = new Set(gone.map((index) => ids[index] ?? ""));
          const seen: unknown[] = [];
          const pending = [...deleted];
          for (
            let url: string | null = `/api/v1/users?${search("status pr")}&limit=${limit}`;
            url !== null;
          ) {
            const answer = await t.get(url);
            seen.push(...listOf(answer).map((user) => user["id"]));
            url = nextPage(answer);
            const victim = pending.pop();
            if (victim) await t.control("POST", `/users/${victim}/delete`);
          }
          expect(new Set(seen).size).toBe(seen.length);
          for (const id of ids) if (!deleted.has(id)) expect(seen).toContain(id);
        },
      ),
      examples(15),
    );
  });
});

describe("groups, roles, devices", () => {
  test("statistics come with expand=stats alone, in Okta's spelling", async () => {
    const t = testOrg();
    const [bare] = listOf(await t.get("/api/v1/groups?limit=1"));
    expect(bare).not.toHaveProperty("_embedded");
    const { items } = await t.all("/api/v1/groups?expand=stats&limit=6");
    const { groups } = t.org.dump();
    expect(items.map((group) => group["_embedded"])).toEqual(
      groups.map((group) => ({
        stats: {
          usersCount: group.usersCount,
          appsCount: 0,
          groupPushMappingsCount: 0,
          hasAdminPrivlege: group.roles.length > 0,
        },
      })),
    );
  });

  test("memberships read from both sides are the same", async () => {
    const t = testOrg();
    const pairs = new Set<string>();
    for (const group of t.org.dump().groups) {
      const { items } = await t.all(`/api/v1/groups/${group.id}/users?limit=13`);
      for (const user of items) pairs.add(`${group.id}/${user["id"]}`);
    }
    let count = 0;
    for (const user of t.org.dump().users) {
      const { items } = await t.all(`/api/v1/users/${user.id}/groups?limit=2`);
      for (const group of items) expect(pairs).toContain(`${group["id"]}/${user.id}`);
      count += items.length;
    }
    expect(count).toBe(pairs.size);
  });

  test("assignees page in the body, direct holders alone, with http links if asked to", async () => {
    const t = testOrg({ users: 600, assigneesNextHttp: true });
    const found: unknown[] = [];
    for (let url: unknown = "/api/v1/iam/assignees/users?limit=2"; typeof url === "string"; ) {
      const answer = await t.get(url.replace("http:", "https:"));
      const value = field(answer, "value");
      if (Array.isArray(value)) found.push(...value.map((item: unknown) => Reflect.get(Object(item), "id")));
      url = Reflect.get(Object(Reflect.get(Object(field(answer, "_links")), "next")), "href");
      if (typeof url === "string") expect(url).toMatch(/^http:\/\/acme/);
    }
    const direct = t.org
      .dump()
      .users.filter((user) => user.roles.some((role) => role.assignmentType === "USER"));
    expect(direct.length).toBeGreaterThan(2);
    expect(found).toEqual(direct.map((user) => user.id));
  });

  test("a role is linked to whom it is assigned to: the user, or the group that gives it", async () => {
    const t = testOrg();
    const { users, groups } = t.org.dump();
    const giving = groups.find(({ roles }) => roles.length > 0);
    const user = users.find((one) => one.groups.includes(giving?.id ?? ""));
    await t.control("POST", `/users/${user?.id}/roles`, { type: "APP_ADMIN" });
    const links = listOf(await t.get(`/api/v1/users/${user?.id}/roles`)).map((role) => [
      role["assignmentType"],
      Reflect.get(Object(Reflect.get(Object(role["_links"]), "assignee")), "href"),
    ]);
    expect(links).toContainEqual(["USER", expect.stringMatching(new RegExp(`/api/v1/users/${user?.id}$`))]);
    expect(links).toContainEqual([
      "GROUP",
      expect.stringMatching(new RegExp(`/api/v1/groups/${giving?.id}$`)),
    ]);
  });

  test("devices are refused on a Classic org", async () => {
    expect((await testOrg({ pipeline: "v1" }).get("/api/v1/devices")).status).toBe(403);
  });

  test("devices embed their users in both forms", async () => {
    const t = testOrg();
    const { items } = await t.all("/api/v1/devices?expand=user&limit=11");
    const embedded = items.map((device) => Reflect.get(Object(device["_embedded"]), "users"));
    const { devices } = t.org.dump();
    expect(embedded.map((users: unknown) => (Array.isArray(users) ? users.length : -1))).toEqual(
      devices.map((device) => device.users.length),
    );
    const linked = devices.findIndex((device) => device.users.length > 0);
    const [summary] = listOf(
      await t.get(`/api/v1/devices?expand=userSummary&limit=1&${search(`id eq "${devices[linked]?.id}"`)}`),
    );
    expect(JSON.stringify(summary)).toContain(devices[linked]?.users[0]?.userId);
  });

  test("404 on the factors of some deprovisioned users, an empty list on others", async () => {
    const t = testOrg({ users: 300 });
    const gone = t.org.dump().users.filter((user) => user.status === "DEPROVISIONED");
    const statuses = new Set<number>();
    for (const user of gone) statuses.add((await t.get(`/api/v1/users/${user.id}/factors`)).status);
    expect(statuses).toEqual(new Set([200, 404]));
  });
});

describe("lists that are behind", () => {
  const LAG_MS = 45_000;
  const pass = (t: TestOrg) => t.control("POST", "/clock", { advance_ms: LAG_MS + 1000 });
  const person = (id: string) => ({ id, profile: { login: `${id}@x.y`, email: `${id}@x.y` } });
  const idsAt = async (t: TestOrg, path: string) => (await t.all(path)).items.map(({ id }) => id);
  const assignees = async (t: TestOrg) => {
    const value = field(await t.get("/api/v1/iam/assignees/users"), "value");
    return Array.isArray(value) ? value.map((item: unknown) => Reflect.get(Object(item), "id")) : [];
  };

  /** An org with one user, in one group, with one role and a device, all of it older than the lag. */
  const settled = async (options: OrgOptionsInput): Promise<TestOrg> => {
    const t = testOrg({ users: 0, groups: 0, devices: 0, ...options });
    await t.control("POST", "/users", person("00uOld"));
    await t.control("POST", "/groups", {
      id: "00gOld",
      profile: { name: "Old", description: null },
      members: ["00uOld"],
    });
    await t.control("POST", "/users/00uOld/roles", { type: "APP_ADMIN" });
    await t.control("POST", "/groups/00gOld/roles", { type: "USER_ADMIN" });
    await t.control("POST", "/devices", {
      id: "guoOld",
      profile: { displayName: "Old", platform: "MACOS", registered: true },
      users: [{ userId: "00uOld" }],
    });
    await pass(t);
    return t;
  };

  const groupStats = async (t: TestOrg, query = "") =>
    listOf(await t.get(`/api/v1/groups?expand=stats&${query}`)).map((group) => [
      group["id"],
      Reflect.get(Object(Reflect.get(Object(group["_embedded"]), "stats")), "usersCount"),
      Reflect.get(Object(Reflect.get(Object(group["_embedded"]), "stats")), "hasAdminPrivlege"),
    ]);
  const deviceUsers = async (t: TestOrg) =>
    listOf(await t.get("/api/v1/devices?expand=userSummary")).map((device) => {
      const users: unknown = Reflect.get(Object(device["_embedded"]), "users");
      return Array.isArray(users) ? users.length : -1;
    });

  test("show neither what is new nor what has changed, but what is read by its id is as it is", async () => {
    const t = await settled({ listLagMs: LAG_MS });
    const everyone = t.org.state.store.everyoneId;
    await t.control("POST", "/users", { ...person("00uNew"), groups: ["00gOld"] });
    await t.control("POST", "/users/00uNew/roles", { type: "APP_ADMIN" });
    await t.control("POST", "/groups", { id: "00gNew", profile: { name: "New", description: null } });
    await t.control("POST", "/groups/00gNew/users/00uOld");
    await t.control("PATCH", "/groups/00gOld", { profile: { name: "Renamed" } });
    await t.control("POST", "/devices/guoOld/users", { userId: "00uNew" });
    await t.control("POST", "/users/00uOld/suspend");

    const shown = async () => ({
      users: listOf(await t.get("/api/v1/users")).map(({ id, status }) => [id, status]),
      groups: await groupStats(t),
      names: listOf(await t.get("/api/v1/groups")).map((group) =>
        Reflect.get(Object(group["profile"]), "name"),
      ),
      members: await idsAt(t, "/api/v1/groups/00gOld/users"),
      everyone: await idsAt(t, `/api/v1/groups/${everyone}/users`),
      groupsOf: await idsAt(t, "/api/v1/users/00uOld/groups"),
      assignees: await assignees(t),
      links: await deviceUsers(t),
    });
    expect(await shown()).toEqual({
      users: [["00uOld", "ACTIVE"]],
      groups: [
        [everyone, 1, false],
        ["00gOld", 1, true],
      ],
      names: ["Everyone", "Old"],
      members: ["00uOld"],
      everyone: ["00uOld"],
      groupsOf: [everyone, "00gOld"],
      assignees: ["00uOld"],
      links: [1],
    });
    expect(await idsAt(t, "/api/v1/groups/00gNew/users")).toEqual([]);
    expect(field(await t.get("/api/v1/users/00uOld"), "status")).toBe("SUSPENDED");
    expect(Reflect.get(Object(field(await t.get("/api/v1/groups/00gOld"), "profile")), "name")).toBe(
      "Renamed",
    );
    expect(listOf(await t.get("/api/v1/users/00uNew/roles"))).toHaveLength(2);
    expect(listOf(await t.get("/api/v1/devices/guoOld/users"))).toHaveLength(2);

    await pass(t);
    expect(await shown()).toEqual({
      users: [
        ["00uOld", "SUSPENDED"],
        ["00uNew", "ACTIVE"],
      ],
      groups: [
        [everyone, 2, false],
        ["00gOld", 2, true],
        ["00gNew", 1, false],
      ],
      names: ["Everyone", "Renamed", "New"],
      members: ["00uOld", "00uNew"],
      everyone: ["00uOld", "00uNew"],
      groupsOf: [everyone, "00gOld", "00gNew"],
      assignees: ["00uOld", "00uNew"],
      links: [2],
    });
  });

  test.each([
    ["a plain list", { listLagMs: LAG_MS }],
    ["a search", { searchLagMs: LAG_MS }],
  ])("%s still shows what was deleted, and nothing else does", async (kind, options) => {
    const t = await settled(options);
    await t.control("POST", "/users", person("00uStays"));
    await pass(t);
    await t.control("POST", "/users/00uOld/delete");
    await t.control("DELETE", "/groups/00gOld");
    await t.control("POST", "/devices/guoOld/delete");
    const everyone = t.org.state.store.everyoneId;
    const isSearch = kind === "a search";
    const path = (list: string, attribute: string, behind: boolean) =>
      `/api/v1/${list}${behind === isSearch ? `?${search(attribute)}` : ""}`;
    const seen = async (behind: boolean) => ({
      users: await idsAt(t, path("users", "status pr", behind)),
      groups: await idsAt(t, path("groups", "type pr", behind)),
      devices: await idsAt(t, path("devices", "status pr", behind)),
    });
    const now = { users: ["00uStays"], groups: [everyone], devices: [] };
    expect(await seen(true)).toEqual({
      users: ["00uOld", "00uStays"],
      groups: [everyone, "00gOld"],
      devices: ["guoOld"],
    });
    expect(await seen(false)).toEqual(now);
    for (const id of ["users/00uOld", "groups/00gOld", "devices/guoOld", "users/00uOld/roles"])
      expect((await t.get(`/api/v1/${id}`)).status).toBe(404);
    expect(t.org.dump().users).toHaveLength(1);
    if (!isSearch) {
      expect(await idsAt(t, "/api/v1/groups/00gOld/users")).toEqual(["00uOld"]);
      expect(await assignees(t)).toEqual(["00uOld"]);
      expect(await groupStats(t)).toEqual([
        [everyone, 2, false],
        ["00gOld", 1, true],
      ]);
    }
    await pass(t);
    expect(await seen(true)).toEqual(now);
    expect((await t.get("/api/v1/groups/00gOld/users")).status).toBe(404);
  });
});
