/** The account takeover that the simulated org can stage. */
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import type { Takeover } from "../../dev/okta-org/changes/takeover.ts";
import type { DumpUser, OktaRole } from "../../dev/okta-org/org/types.ts";
import { examples } from "../support/seeds.ts";
import { field, listOf, type TestOrg, testOrg } from "./support.ts";

/** An org with administrators that are no super administrators, whose clock only moves when it is told to. */
const orgOf = async (options: Parameters<typeof testOrg>[0] = {}): Promise<TestOrg> => {
  const t = testOrg({ users: 600, ...options });
  await t.control("POST", "/clock", { stop: true });
  return t;
};

const takeOver = async (t: TestOrg, body?: object, query = ""): Promise<Takeover> => {
  const answer = await t.control("POST", `/takeover${query}`, body);
  expect(answer.status).toBe(200);
  // The route's own type: what it holds is what the tests are about.
  return answer.body as Takeover;
};

const personIn = (t: TestOrg, id: string): DumpUser => {
  const person = t.org.dump().users.find((user) => user.id === id);
  if (person === undefined) throw new Error(`nobody has the id ${id}`);
  return person;
};

const activeTypes = (roles: readonly OktaRole[]): string[] =>
  roles.flatMap(({ status, type }) => (status === "ACTIVE" ? [type] : []));

const log = async (t: TestOrg): Promise<Record<string, unknown>[]> =>
  listOf(await t.get("/api/v1/logs?limit=1000"));

const TYPES = [
  "user.mfa.factor.reset_all",
  "user.mfa.factor.activate",
  "user.account.privilege.grant",
  "group.user_membership.add",
  "user.account.update_profile",
];

describe("a takeover", () => {
  test("tells what it has done as the log tells it: in order, by whom and from where", async () => {
    const t = await orgOf();
    const { user, helpdesk, steps } = await takeOver(t);
    const events = await log(t);
    expect(events.map((event) => event["eventType"])).toEqual(TYPES);
    expect(steps.map(({ event }) => event?.type)).toEqual(TYPES);
    expect(steps.map(({ actor }) => actor.id)).toEqual([helpdesk, user, helpdesk, user, user]);
    const [reset, enrolment] = steps;
    expect(steps.map(({ ip }) => ip === reset?.ip)).toEqual([true, false, true, false, false]);
    expect(new Set(steps.slice(1).map(({ ip }) => ip)).size).toBe(2);
    expect(enrolment?.ip).not.toBe(reset?.ip);
    for (const [index, { at, actor, ip, event }] of steps.entries()) {
      const told = events[index];
      expect(told).toMatchObject({ uuid: event?.uuid, published: at, actor, client: { ipAddress: ip } });
      const targets = told?.["target"];
      expect(Array.isArray(targets) && Reflect.get(Object(targets[0]), "id")).toBe(user);
    }
  });

  test("leaves the user as the attacker wants it", async () => {
    const t = await orgOf();
    const before = t.org.dump().users;
    const { user, steps } = await takeOver(t);
    const was = before.find(({ id }) => id === user);
    const is = personIn(t, user);
    const [reset, enrolment, grant, join, address] = steps;
    expect(reset?.changed["factors"]).toEqual(was?.factors.map(({ id }) => id));
    expect(is.factors).toMatchObject([
      { id: enrolment?.changed["factor"], status: "ACTIVE", created: enrolment?.at },
    ]);
    const own = is.roles.filter(({ assignmentType }) => assignmentType === "USER");
    expect(own).toMatchObject([{ id: grant?.changed["role"], status: "ACTIVE", created: grant?.at }]);
    expect(was?.groups).not.toContain(join?.changed["group"]);
    expect(is.groups).toEqual(expect.arrayContaining([...(was?.groups ?? []), join?.changed["group"]]));
    expect(is.profile["email"]).toBe(address?.changed["email"]);
    expect(is.profile["email"]).not.toBe(was?.profile["email"]);
    expect(is).toMatchObject({ status: "ACTIVE", lastUpdated: address?.at });
    expect(is.profile).toEqual({ ...was?.profile, email: is.profile["email"] });
  });

  test.each([
    [undefined, 7_000],
    [{ gap_ms: 0 }, 0],
    [{ gap_ms: 60_000 }, 60_000],
  ])("with %j lets time pass between its steps, and nothing lies in the future", async (body, gap) => {
    const t = await orgOf();
    const start = t.org.state.clock.now();
    const { steps } = await takeOver(t, body);
    const times = steps.map(({ at }) => Date.parse(at));
    const first = times[0] ?? Number.NaN;
    expect(first).toBeGreaterThanOrEqual(start);
    expect(times).toEqual([0, 1, 2, 3, 4].map((step) => first + step * gap));
    expect(t.org.state.clock.now()).toBe(times[4]);
  });

  test("is of an active user without a role and by an administrator who is not a super administrator", async () => {
    await fc.assert(
      fc.asyncProperty(fc.integer({ min: 1, max: 1e6 }), async (seed) => {
        const t = await orgOf({ seed });
        const before = new Map(t.org.dump().users.map((person) => [person.id, person]));
        const answer = await t.control("POST", "/takeover");
        // An org has few administrators, and it may be that none of them can act.
        const canAct = [...before.values()].some(({ status, roles }) => {
          const types = activeTypes(roles);
          return status === "ACTIVE" && types.length > 0 && !types.includes("SUPER_ADMIN");
        });
        expect(answer.status).toBe(canAct ? 200 : 400);
        if (!canAct) return;
        const user = before.get(String(field(answer, "user")));
        const helpdesk = before.get(String(field(answer, "helpdesk")));
        expect(user).toMatchObject({ status: "ACTIVE", roles: [] });
        expect(user?.factors.some(({ status }) => status === "ACTIVE")).toBe(true);
        const types = activeTypes(helpdesk?.roles ?? []);
        expect(helpdesk?.status).toBe("ACTIVE");
        expect(types).not.toEqual([]);
        expect(types).not.toContain("SUPER_ADMIN");
      }),
      examples(8),
    );
  });

  test("leads into a group that gives a role if there is one", async () => {
    const t = await orgOf();
    await t.control("POST", "/groups", { id: "00gLast", profile: { name: "Z", description: null } });
    await t.control("POST", "/groups/00gLast/roles", { type: "APP_ADMIN" });
    const { steps } = await takeOver(t);
    const group = t.org.dump().groups.find(({ id }) => id === steps[3]?.changed["group"]);
    expect(activeTypes(group?.roles ?? [])).not.toEqual([]);
  });

  test("is of the people that the request names, and of others when it is repeated", async () => {
    const t = await orgOf();
    const [owner, ...others] = t.org.dump().users;
    const user = others.find(({ status }) => status === "SUSPENDED")?.id;
    expect(await takeOver(t, { user, helpdesk: owner?.id })).toMatchObject({ user, helpdesk: owner?.id });
    const [one, two] = [await takeOver(t), await takeOver(t)];
    expect(new Set([one.user, two.user, user]).size).toBe(3);
  });

  test("can be silent", async () => {
    const t = await orgOf();
    const { user, steps } = await takeOver(t, {}, "?silent=true");
    expect(steps.map(({ event }) => event)).toEqual([null, null, null, null, null]);
    expect(await log(t)).toEqual([]);
    expect(personIn(t, user).factors).toHaveLength(1);
  });
});

describe("nothing is done when", () => {
  const admin = "00uAdmin";
  const made = async (): Promise<TestOrg> => {
    const t = testOrg({ users: 0, groups: 0, devices: 0 });
    await t.control("POST", "/clock", { stop: true });
    for (const [id, status] of [
      ["00uOwner", "ACTIVE"],
      [admin, "ACTIVE"],
      ["00uX", "ACTIVE"],
      ["00uGone", "DEPROVISIONED"],
    ])
      await t.control("POST", "/users", { id, status, profile: { login: `${id}@x.y`, email: `${id}@x.y` } });
    await t.control("POST", "/users/00uOwner/roles", { type: "SUPER_ADMIN" });
    return t;
  };
  const group = { id: "00gX", profile: { name: "X", description: null } };
  const factor = { factorType: "push" };
  const role = { type: "HELP_DESK_ADMIN" };

  test.each<[string, [string, object][], object, number, RegExp]>([
    ["nobody has a factor", [["/groups", group]], {}, 400, /^user: /],
    [
      "the only administrator is a super administrator",
      [
        ["/groups", group],
        ["/users/00uX/factors", factor],
      ],
      {},
      400,
      /^helpdesk: /,
    ],
    [
      "there is no group to join",
      [
        ["/users/00uX/factors", factor],
        [`/users/${admin}/roles`, role],
      ],
      {},
      400,
      /group/,
    ],
    [
      "one person plays both parts",
      [["/groups", group]],
      { user: admin, helpdesk: admin },
      400,
      /two people/,
    ],
    ["the user is gone", [["/groups", group]], { user: "00uGone", helpdesk: admin }, 400, /DEPROVISIONED/],
    ["the user is unknown", [["/groups", group]], { user: "00uNone" }, 404, /00uNone/],
    [
      "the administrator is unknown",
      [["/groups", group]],
      { user: "00uX", helpdesk: "00uNone" },
      404,
      /00uNone/,
    ],
    ["the time is negative", [["/groups", group]], { gap_ms: -1 }, 400, /gap_ms/],
  ])("%s", async (_, before, body, status, message) => {
    const t = await made();
    for (const [path, given] of before) await t.control("POST", path, given);
    const [dump, events] = [t.org.dump(), await log(t)];
    const answer = await t.control("POST", "/takeover", body);
    expect(answer.status).toBe(status);
    expect(field(answer, "error")).toMatch(message);
    expect(t.org.dump()).toEqual(dump);
    expect(await log(t)).toEqual(events);
  });
});
