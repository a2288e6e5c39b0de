import { beforeEach, describe, expect, test } from "vitest";
import { createOktaWorld } from "../../dev/okta-org/index.ts";
import { field, listOf, type TestOrg, testOrg } from "./support.ts";

let t: TestOrg;
const user = () => t.org.dump().users.find((candidate) => candidate.id === "00uX");
const group = () => t.org.dump().groups.find((candidate) => candidate.id === "00gX");

/** Types and targets of the events since the last look. */
let seen = 0;
const events = async () => {
  const all = listOf(await t.get("/api/v1/logs?limit=1000"));
  const fresh = all.slice(seen);
  seen = all.length;
  return fresh.map((event) => {
    const targets: unknown = event["target"];
    const ids = Array.isArray(targets)
      ? targets.map((target: unknown) => Reflect.get(Object(target), "id"))
      : [];
    return [event["eventType"], ...ids];
  });
};
const later = () => t.control("POST", "/clock", { advance_ms: 1000 });

beforeEach(async () => {
  t = testOrg({ users: 0, groups: 0, devices: 0 });
  seen = 0;
  await t.control("POST", "/groups", { id: "00gX", profile: { name: "X", description: null } });
  await t.control("POST", "/users", {
    id: "00uX",
    profile: { login: "x@y.z", email: "x@y.z" },
    groups: ["00gX"],
  });
  await later();
});

describe("changes write their events and move their times", () => {
  test("creating", async () => {
    expect(await events()).toEqual([
      ["group.lifecycle.create", "00gX"],
      ["user.lifecycle.create", "00uX"],
      ["user.lifecycle.activate", "00uX"],
      ["group.user_membership.add", "00uX", "00gX"],
    ]);
    expect(user()?.groups).toHaveLength(2);
    expect(group()?.usersCount).toBe(1);
  });

  test("a profile change and a status change move lastUpdated", async () => {
    const before = user();
    await t.control("PATCH", "/users/00uX", { profile: { title: "Boss" } });
    const changed = user();
    expect(changed?.profile).toEqual({ login: "x@y.z", email: "x@y.z", title: "Boss" });
    expect(changed?.lastUpdated).not.toBe(before?.lastUpdated);
    expect(changed?.statusChanged).toBe(before?.statusChanged);
    await later();
    await t.control("POST", "/users/00uX/suspend");
    expect(user()).toMatchObject({ status: "SUSPENDED" });
    expect(user()?.statusChanged).toBe(user()?.lastUpdated);
    expect((await events()).slice(-2)).toEqual([
      ["user.account.update_profile", "00uX"],
      ["user.lifecycle.suspend", "00uX"],
    ]);
  });

  test("sign-in, password, factors, roles and memberships leave lastUpdated alone", async () => {
    const before = user();
    await events();
    await t.control("POST", "/users/00uX/sign-in");
    await t.control("POST", "/users/00uX/password");
    const factor = field(await t.control("POST", "/users/00uX/factors", { factorType: "push" }), "id");
    await t.control("DELETE", `/users/00uX/factors/${factor}`);
    await t.control("POST", "/users/00uX/roles", { type: "APP_ADMIN" });
    await t.control("POST", "/groups/00gX/roles", { type: "CUSTOM", label: "Desk" });
    expect(user()?.roles.map((role) => [role.type, role.assignmentType])).toEqual([
      ["APP_ADMIN", "USER"],
      ["CUSTOM", "GROUP"],
    ]);
    const membership = group()?.lastMembershipUpdated;
    await t.control("DELETE", "/groups/00gX/users/00uX");
    expect(group()?.lastMembershipUpdated).not.toBe(membership);
    expect(user()?.lastUpdated).toBe(before?.lastUpdated);
    expect(user()?.lastLogin).not.toBeNull();
    expect(await events()).toEqual([
      ["user.session.start"],
      ["user.account.update_password", "00uX"],
      ["user.mfa.factor.activate", "00uX"],
      ["user.mfa.factor.deactivate", "00uX"],
      ["user.account.privilege.grant", "00uX"],
      ["group.privilege.grant", "00gX"],
      ["group.user_membership.remove", "00uX", "00gX"],
    ]);
  });

  test("a pending factor is told only when it is activated", async () => {
    await events();
    const pending = await t.control("POST", "/users/00uX/factors", {
      factorType: "sms",
      status: "PENDING_ACTIVATION",
    });
    expect(await events()).toEqual([]);
    await t.control("POST", `/users/00uX/factors/${field(pending, "id")}/activate`);
    expect(await events()).toEqual([["user.mfa.factor.activate", "00uX"]]);
    await t.control("DELETE", "/users/00uX/factors");
    expect(await events()).toEqual([["user.mfa.factor.reset_all", "00uX"]]);
    expect(user()?.factors).toEqual([]);
  });

  test("deleting deactivates first, and the user is gone everywhere", async () => {
    await t.control("POST", "/users/00uX/roles", { type: "APP_ADMIN" });
    await t.control("POST", "/devices", {
      id: "guoX",
      profile: { displayName: "D", platform: "MACOS", registered: true },
      users: [{ userId: "00uX" }],
    });
    await events();
    await t.control("POST", "/users/00uX/delete");
    expect(await events()).toEqual([
      ["user.lifecycle.deactivate", "00uX"],
      ["group.user_membership.remove", "00uX", "00gX"],
      ["user.account.privilege.revoke", "00uX"],
      ["user.lifecycle.delete.initiated", "00uX"],
      ["device.user.remove", "guoX", "00uX"],
      ["user.lifecycle.delete.completed", "00uX"],
    ]);
    expect((await t.get("/api/v1/users/00uX")).status).toBe(404);
    expect(t.org.dump().devices[0]?.users).toEqual([]);
    expect(group()?.usersCount).toBe(0);
  });

  test("groups are renamed and deleted", async () => {
    await events();
    await t.control("PATCH", "/groups/00gX", { profile: { name: "Y" } });
    expect(group()?.profile["name"]).toBe("Y");
    await t.control("DELETE", "/groups/00gX");
    expect(await events()).toEqual([
      ["group.profile.update", "00gX"],
      ["group.lifecycle.delete", "00gX"],
    ]);
    expect(user()?.groups).toHaveLength(1);
  });

  test("devices: signals are not logged, links move nothing", async () => {
    const profile = { displayName: "D", platform: "IOS", registered: true };
    await t.control("POST", "/devices", { id: "guoX", profile });
    const device = () => t.org.dump().devices[0];
    const created = device()?.lastUpdated;
    await later();
    await events();
    await t.control("POST", "/devices/guoX/users", { userId: "00uX", managementStatus: "NOT_MANAGED" });
    expect(device()?.lastUpdated).toBe(created);
    await t.control("PATCH", "/devices/guoX", { profile: { osVersion: "18.1" } });
    expect(device()?.lastUpdated).not.toBe(created);
    await t.control("POST", "/devices/guoX/suspend");
    await t.control("DELETE", "/devices/guoX/users/00uX");
    await t.control("POST", "/devices/guoX/delete");
    expect(await events()).toEqual([
      ["device.user.add", "guoX", "00uX"],
      ["device.lifecycle.suspend", "guoX"],
      ["device.user.remove", "guoX", "00uX"],
      ["device.lifecycle.delete", "guoX"],
    ]);
  });

  test("silent changes happen without events", async () => {
    await events();
    await t.control("POST", "/users/00uX/deactivate?silent=true");
    expect(user()).toMatchObject({ status: "DEPROVISIONED", groups: [] });
    expect(await events()).toEqual([]);
  });

  test("wrong bodies and unknown ids say so", async () => {
    expect((await t.control("POST", "/users/00uNone/suspend")).status).toBe(404);
    expect((await t.control("POST", "/users/00uX/dance")).status).toBe(400);
    expect((await t.control("POST", "/users", { profil: {} })).status).toBe(400);
    expect((await t.control("POST", "/restrict", { forbid: ["everything"] })).status).toBe(400);
  });
});

test("random changes are the same for the same seed and keep both sides of a membership equal", async () => {
  const churned = async () => {
    const org = testOrg();
    const { body } = await org.control("POST", "/churn", { changes: 150 });
    return { org, body };
  };
  const [one, two] = [await churned(), await churned()];
  expect(one.body).toEqual(two.body);
  const { users, groups } = one.org.org.dump();
  const fromUsers = users.flatMap((candidate) => candidate.groups);
  for (const candidate of groups) {
    expect(fromUsers.filter((id) => id === candidate.id)).toHaveLength(candidate.usersCount);
  }
  expect(
    users.filter((candidate) => candidate.status === "DEPROVISIONED").every((u) => u.groups.length === 0),
  ).toBe(true);
});

test("a search finds the groups whose members changed", async () => {
  const before = new Date(Date.parse(group()?.lastMembershipUpdated ?? "")).toISOString();
  const find = async (name: string) => {
    const expression = encodeURIComponent(`lastMembershipUpdated gt "${before}"`);
    return listOf(await t.get(`/api/v1/groups?${name}=${expression}`)).map((candidate) => candidate["id"]);
  };
  expect(await find("filter")).toEqual([]);
  await t.control("DELETE", "/groups/00gX/users/00uX");
  expect(await find("filter")).toEqual(["00gX"]);
  expect(await find("search")).toEqual(["00gX"]);
});

test("a world holds many orgs and remembers requests to unknown hosts", async () => {
  const world = createOktaWorld();
  const send = async (url: string, method = "GET", body?: string) => {
    const request = new Request(url, {
      method,
      headers: { authorization: "SSWS sim-token" },
      ...(body === undefined ? {} : { body }),
    });
    const response = await world.fetch(request);
    return { status: response.status, text: await response.text() };
  };
  expect((await send("https://a.okta.com/_org/create", "POST", '{"users":3,"seed":1}')).status).toBe(201);
  expect((await send("https://b.okta.com/_org/create", "POST", '{"users":4,"seed":2}')).status).toBe(201);
  expect((await send("https://b.okta.com/_org/create", "POST", '{"user":4}')).status).toBe(400);
  const count = async (host: string) =>
    JSON.parse((await send(`https://${host}/_org/dump?kind=users`)).text).total;
  expect([await count("a.okta.com"), await count("b.okta.com")]).toEqual([3, 4]);
  expect(await send("https://c.okta.com/api/v1/users?search=secret")).toEqual({
    status: 530,
    text: "unexpected outbound request to c.okta.com",
  });
  expect((await send("https://control.invalid/_world/unexpected")).text).toBe(
    '["GET https://c.okta.com/api/v1/users"]',
  );
  await send("https://control.invalid/_world/unexpected", "DELETE");
  expect((await send("https://control.invalid/_world/unexpected")).text).toBe("[]");
});
