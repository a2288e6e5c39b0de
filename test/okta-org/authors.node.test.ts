/** Who made a change, and from where, as the log and event hooks of the simulated org tell it. */
import fc from "fast-check";
import { beforeEach, describe, expect, test } from "vitest";
import type { DumpUser } from "../../dev/okta-org/index.ts";
import { examples } from "../support/seeds.ts";
import { type Answer, field, listOf, type TestOrg, testOrg } from "./support.ts";

const IP = "198.51.100.7";
const OWNER = {
  id: "00uOwner",
  login: "owner@x.y",
  email: "owner@x.y",
  firstName: "Olga",
  lastName: "Owner",
};
const ADMIN = { id: "00uAdmin", login: "ada@x.y", email: "ada@x.y", firstName: "Ada", lastName: "Min" };

const actorOf = ({ id, login, firstName, lastName }: typeof ADMIN) => ({
  id,
  type: "User",
  alternateId: login,
  displayName: `${firstName} ${lastName}`,
  detailEntry: null,
});

/** What Okta's log has of a client of which only the address is known, or nothing. */
const clientOf = (ipAddress: string | null) => ({
  userAgent: null,
  zone: null,
  device: null,
  id: null,
  ipAddress,
  geographicalContext: null,
});

let t: TestOrg;
const log = async (): Promise<Record<string, unknown>[]> => listOf(await t.get("/api/v1/logs?limit=1000"));

/** The events that a change writes. */
const eventsOf = async (change: () => Promise<Answer>): Promise<Record<string, unknown>[]> => {
  const before = (await log()).length;
  expect((await change()).status).toBeLessThan(300);
  return (await log()).slice(before);
};

beforeEach(async () => {
  t = testOrg({ users: 0, groups: 0, devices: 0 });
  await t.control("POST", "/groups", { id: "00gX", profile: { name: "X", description: null } });
  await t.control("POST", "/groups", { id: "00gY", profile: { name: "Y", description: null } });
  for (const { id, ...profile } of [OWNER, ADMIN]) await t.control("POST", "/users", { id, profile });
  const profile = { login: "x@y.z", email: "x@y.z" };
  await t.control("POST", "/users", { id: "00uX", profile, groups: ["00gX"] });
  await t.control("POST", "/users/00uX/factors", { id: "mfaX", factorType: "push" });
  await t.control("POST", "/users/00uX/factors", { id: "mfaY", factorType: "sms", status: "NOT_SETUP" });
  await t.control("POST", "/users/00uX/roles", { type: "APP_ADMIN" });
  await t.control("POST", "/groups/00gX/roles", { type: "APP_ADMIN" });
  const device = { displayName: "D", platform: "MACOS", registered: true };
  await t.control("POST", "/devices", { id: "guoX", profile: device, users: [{ userId: "00uX" }] });
});

describe("every change is the deed of whom the request names", () => {
  const someone = { login: "new@x.y", email: "new@x.y" };
  const something = { name: "New", description: null };
  const device = { displayName: "New", platform: "IOS", registered: true };
  test.each<[string, string, object, string[]]>([
    [
      "POST",
      "/users",
      { profile: someone, groups: ["00gY"] },
      ["user.lifecycle.create", "user.lifecycle.activate", "group.user_membership.add"],
    ],
    ["PATCH", "/users/00uX", { profile: { title: "Boss" } }, ["user.account.update_profile"]],
    ["POST", "/users/00uX/suspend", {}, ["user.lifecycle.suspend"]],
    ["POST", "/users/00uX/lock", {}, ["user.account.lock"]],
    ["POST", "/users/00uX/password", {}, ["user.account.update_password"]],
    [
      "POST",
      "/users/00uX/deactivate",
      {},
      ["user.lifecycle.deactivate", "group.user_membership.remove", "user.account.privilege.revoke"],
    ],
    [
      "DELETE",
      "/users/00uX",
      {},
      [
        "user.lifecycle.deactivate",
        "group.user_membership.remove",
        "user.account.privilege.revoke",
        "user.lifecycle.delete.initiated",
        "device.user.remove",
        "user.lifecycle.delete.completed",
      ],
    ],
    ["POST", "/users/00uX/factors", { factorType: "webauthn" }, ["user.mfa.factor.activate"]],
    ["POST", "/users/00uX/factors/mfaY/activate", {}, ["user.mfa.factor.activate"]],
    ["DELETE", "/users/00uX/factors/mfaX", {}, ["user.mfa.factor.deactivate"]],
    ["DELETE", "/users/00uX/factors", {}, ["user.mfa.factor.reset_all"]],
    ["POST", "/users/00uX/roles", { type: "USER_ADMIN" }, ["user.account.privilege.grant"]],
    ["DELETE", "/users/00uX/roles", {}, ["user.account.privilege.revoke"]],
    [
      "POST",
      "/groups",
      { profile: something, members: ["00uX"] },
      ["group.lifecycle.create", "group.user_membership.add"],
    ],
    ["PATCH", "/groups/00gX", { profile: { name: "Z" } }, ["group.profile.update"]],
    ["DELETE", "/groups/00gX", {}, ["group.lifecycle.delete"]],
    ["POST", "/groups/00gY/users/00uX", {}, ["group.user_membership.add"]],
    ["DELETE", "/groups/00gX/users/00uX", {}, ["group.user_membership.remove"]],
    ["POST", "/groups/00gX/roles", { type: "USER_ADMIN" }, ["group.privilege.grant"]],
    ["DELETE", "/groups/00gX/roles", {}, ["group.privilege.revoke"]],
    [
      "POST",
      "/devices",
      { profile: device, users: [{ userId: "00uX" }] },
      ["device.enrollment.create", "device.user.add"],
    ],
    ["POST", "/devices/guoX/suspend", {}, ["device.lifecycle.suspend"]],
    ["DELETE", "/devices/guoX", {}, ["device.lifecycle.delete"]],
    ["POST", "/devices/guoX/users", { userId: "00uAdmin" }, ["device.user.add"]],
    ["DELETE", "/devices/guoX/users/00uX", {}, ["device.user.remove"]],
    ["POST", "/events", { eventType: "some.type" }, ["some.type"]],
  ])("%s %s", async (method, path, body, types) => {
    const change = () => t.control(method, path, { ...body, actor: ADMIN.id, ip: IP });
    const events = await eventsOf(change);
    expect(events.map((event) => event["eventType"])).toEqual(types);
    for (const event of events) {
      expect(event["actor"]).toEqual(actorOf(ADMIN));
      expect(event["client"]).toEqual(clientOf(IP));
      expect(event["request"]).toEqual({
        ipChain: [{ ip: IP, geographicalContext: null, version: "V4", source: null }],
      });
    }
  });
});

describe("an actor", () => {
  const suspend = (body?: object) => () => t.control("POST", "/users/00uX/suspend", body);
  const unknown = { alternateId: "unknown", displayName: "unknown", detailEntry: null };
  const system = {
    type: "SystemPrincipal",
    alternateId: "system@okta.com",
    displayName: "Okta System",
    detailEntry: null,
  };

  test.each<[string, unknown, object]>([
    ["the id of a user", ADMIN.id, actorOf(ADMIN)],
    ["an id alone", { id: ADMIN.id }, actorOf(ADMIN)],
    ["a login alone", { login: ADMIN.login }, actorOf(ADMIN)],
    ["other names than the org's", { id: ADMIN.id, name: "A" }, { ...actorOf(ADMIN), displayName: "A" }],
    [
      "nobody of the org",
      { login: "eve@evil.example" },
      { id: "unknown", type: "User", ...unknown, alternateId: "eve@evil.example" },
    ],
    [
      "an app",
      { id: "0oaX", type: "PublicClientApp", name: "Workflows" },
      { id: "0oaX", type: "PublicClientApp", ...unknown, displayName: "Workflows" },
    ],
    ["Okta itself", { type: "SystemPrincipal" }, system],
  ])("%s", async (_, actor, expected) => {
    const [event] = await eventsOf(suspend({ actor }));
    expect(event).toMatchObject({ actor: expected, client: clientOf(null), request: { ipChain: [] } });
  });

  test("is the token's owner at a fixed address unless somebody is named", async () => {
    const [event] = await eventsOf(suspend());
    expect(event).toMatchObject({ actor: actorOf(OWNER), client: clientOf("203.0.113.7") });
    const [elsewhere] = await eventsOf(suspend({ ip: "2001:db8::7" }));
    expect(elsewhere).toMatchObject({
      actor: actorOf(OWNER),
      client: clientOf("2001:db8::7"),
      request: { ipChain: [{ ip: "2001:db8::7", version: "V6" }] },
    });
  });

  test("of a sign-in is the user, wherever they are", async () => {
    const path = "/users/00uAdmin/sign-in";
    for (const body of [{ ip: IP }, { ip: IP, actor: ADMIN.id }]) {
      const [event] = await eventsOf(() => t.control("POST", path, body));
      expect(event).toMatchObject({ actor: actorOf(ADMIN), client: clientOf(IP), target: null });
    }
    expect((await t.control("POST", path, { actor: OWNER.id })).status).toBe(400);
  });

  test.each<[string, object, number, RegExp]>([
    ["an id that nobody has", { actor: "00uNone" }, 404, /00uNone/],
    ["a user's id that nobody has", { actor: { id: "00uNone" } }, 404, /00uNone/],
    ["an unknown key", { actor: { id: ADMIN.id, mail: "x" } }, 400, /actor/],
    ["no address", { ip: "here" }, 400, /IP address/],
  ])("with %s is refused, and nothing is changed", async (_, body, status, message) => {
    const [before, events] = [t.org.dump(), await log()];
    const answer = await suspend(body)();
    expect(answer.status).toBe(status);
    expect(field(answer, "error")).toMatch(message);
    expect(t.org.dump()).toEqual(before);
    expect(await log()).toEqual(events);
  });

  test("can be named for no change that the log does not tell of", async () => {
    const body = { profile: { osVersion: "2" }, actor: ADMIN.id };
    expect((await t.control("PATCH", "/devices/guoX", body)).status).toBe(400);
  });

  test("and an address are found by the log's filters", async () => {
    await suspend({ actor: ADMIN.id, ip: IP })();
    const find = async (expression: string) =>
      listOf(await t.get(`/api/v1/logs?filter=${encodeURIComponent(expression)}`)).map((e) => e["eventType"]);
    expect(await find(`actor.id eq "${ADMIN.id}"`)).toEqual(["user.lifecycle.suspend"]);
    expect(await find(`client.ipAddress eq "${IP}"`)).toEqual(["user.lifecycle.suspend"]);
  });
});

describe("random changes", () => {
  /** An org after random changes: what was done, the org without its times, who did it, and who may have been an administrator. */
  const churned = async (seed: number, query = "", body: object = {}) => {
    const org = testOrg({ seed, users: 400 });
    await org.control("POST", "/clock", { stop: true });
    const admins = (users: DumpUser[]) => users.flatMap(({ id, roles }) => (roles.length > 0 ? [id] : []));
    const before = admins(org.org.dump().users);
    const { body: done } = await org.control("POST", `/churn${query}`, { changes: 60, ...body });
    const events = listOf(await org.get("/api/v1/logs?limit=1000"));
    const { users, groups, devices } = org.org.dump();
    const plain = JSON.stringify({ users, groups, devices }).replaceAll(/"20\d\d-[^"]*"/g, '"time"');
    const granted = events
      .filter((event) => event["eventType"] === "user.account.privilege.grant")
      .flatMap((event) => idsOf(event["target"]));
    return { done, events, plain, admins: new Set([...before, ...granted]) };
  };
  const idsOf = (targets: unknown): string[] =>
    Array.isArray(targets) ? targets.map((target: unknown) => String(Reflect.get(Object(target), "id"))) : [];
  const actorIn = (event: Record<string, unknown>) => Object(event["actor"]);
  const ipIn = (event: Record<string, unknown>) => String(Object(event["client"])["ipAddress"]);

  test("are made by the user, by administrators and by Okta, the same for the same seed", async () => {
    const kinds = new Set<string>();
    await fc.assert(
      fc.asyncProperty(fc.integer({ min: 1, max: 1e6 }), async (seed) => {
        const [one, two] = [await churned(seed), await churned(seed)];
        const authors = ({ events }: typeof one) => events.map((event) => [event["actor"], event["client"]]);
        expect(authors(one)).toEqual(authors(two));
        for (const event of one.events) {
          const { id, type } = actorIn(event);
          expect(ipIn(event)).toMatch(
            /^(192\.0\.2|198\.51\.100|203\.0\.113)\.([1-9]|\d\d|1\d\d|2[0-4]\d|25[0-4])$/,
          );
          // A sign-in has no target, and somebody's new device is not linked to them yet.
          const isOwn =
            idsOf(event["target"]).includes(id) ||
            ["user.session.start", "device.enrollment.create"].includes(String(event["eventType"]));
          const kind = type === "SystemPrincipal" ? "system" : isOwn ? "self" : "administrator";
          kinds.add(kind);
          if (kind === "administrator") expect(one.admins).toContain(id);
        }
      }),
      examples(6),
    );
    expect([...kinds].sort()).toEqual(["administrator", "self", "system"]);
  });

  test("change the same whoever makes them", async () => {
    const [drawn, silent] = [await churned(5), await churned(5, "?silent=true")];
    const named = await churned(5, "", { actor: { type: "SystemPrincipal" }, ip: IP });
    for (const other of [silent, named]) {
      expect(other.done).toEqual(drawn.done);
      expect(other.plain).toBe(drawn.plain);
    }
    expect(silent.events).toEqual([]);
    const signIns = named.events.filter((event) => event["eventType"] === "user.session.start");
    const others = named.events.filter((event) => !signIns.includes(event));
    expect(new Set(others.map((event) => actorIn(event).type))).toEqual(new Set(["SystemPrincipal"]));
    expect(new Set(named.events.map(ipIn))).toEqual(new Set([IP]));
  });
});
