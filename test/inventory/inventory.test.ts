/** The inventory alone, in the SQLite of a real Durable Object: facts go in; sequence numbers and facts come out. */
import { reset } from "cloudflare:test";
import { afterEach, describe, expect, test } from "vitest";
import type { Inventory } from "../../src/inventory/inventory.ts";
import { jsonChunks } from "../../src/inventory/sql.ts";
import { EVERYONE, group, NOW, user, within } from "./support.ts";

afterEach(() => reset());

/** Numbers begin at the time of the first asset, in µs. */
const BASE = NOW * 1000;

/** The assets in the order of their numbers, which are counted from the inventory's first. */
const sequences = (inventory: Inventory): [string, number][] =>
  [...inventory.users.after(0, 100)].map(({ id, sequence }) => [id, sequence - BASE]);

const groupsOf = (inventory: Inventory, id: string) => inventory.users.one(id)?.facts.groups;

describe("the sequence", () => {
  test("grows by one for each new or changed asset, and for nothing else", () =>
    within((inventory) => {
      inventory.assets.file([user("a"), user("b")]);
      expect(sequences(inventory)).toEqual([
        ["a", 1],
        ["b", 2],
      ]);
      expect(inventory.assets.file([user("a"), user("b")]).changed.size).toBe(0);
      inventory.assets.file([user("a", { status: "SUSPENDED" }), user("b"), user("c")]);
      expect(sequences(inventory)).toEqual([
        ["b", 2],
        ["a", 3],
        ["c", 4],
      ]);
      expect(inventory.assets.head).toBe(BASE + 4);
    }));

  test("keeps its order when many assets are renumbered at once", () =>
    within((inventory) => {
      inventory.assets.file([user("c"), user("a"), user("b")]);
      expect(inventory.assets.touch(["b", "c", "nobody"])).toBe(2);
      expect(sequences(inventory)).toEqual([
        ["a", 2],
        ["c", 4],
        ["b", 5],
      ]);
      inventory.assets.touchAll();
      expect(sequences(inventory)).toEqual([
        ["a", 6],
        ["c", 7],
        ["b", 8],
      ]);
    }));

  test("a page shows only the newest state of each asset, in order", () =>
    within((inventory) => {
      inventory.assets.file([user("a"), user("b"), user("c")]);
      inventory.assets.touch(["a"]);
      expect([...inventory.users.after(BASE + 2, 1)].map(({ id }) => id)).toEqual(["c"]);
      expect([...inventory.users.after(BASE + 3, 10)].map(({ id }) => id)).toEqual(["a"]);
    }));

  test("more rows than one parameter can hold are filed in one call", () =>
    within((inventory) => {
      const many = Array.from({ length: 300 }, (_, index) =>
        user(`u${index}`, { profile: { login: `u${index}`, displayName: "x".repeat(4096) } }),
      );
      expect(jsonChunks(many.map(({ id }) => [id, JSON.stringify(many[0])])).length).toBeGreaterThan(1);
      inventory.assets.file(many);
      expect(inventory.assets.head).toBe(BASE + 300);
      expect(sequences(inventory).slice(0, 2)).toEqual([
        ["u0", 1],
        ["u1", 2],
      ]);
    }));
});

describe("the numbers of an inventory", () => {
  test("begin when its first asset is filed, in µs, and count on from there whatever the clock says", () =>
    within((inventory, tick) => {
      expect([inventory.assets.head, inventory.assets.base]).toEqual([0, 0]);
      tick(5);
      inventory.assets.file([user("a")]);
      expect(inventory.assets.base).toBe((NOW + 5) * 1000);
      expect(inventory.assets.head).toBe((NOW + 5) * 1000 + 1);
      tick(1_000_000);
      inventory.assets.file([user("b")]);
      expect(inventory.assets.base).toBe((NOW + 5) * 1000);
      expect(inventory.assets.head).toBe((NOW + 5) * 1000 + 2);
    }));

  test("of an inventory from before go on with those that it has", () =>
    within((inventory) => {
      inventory.meta.set("head", 41);
      inventory.assets.file([user("a")]);
      expect(inventory.users.one("a")?.sequence).toBe(42);
      expect(inventory.assets.base).toBe(0);
    }));

  test("stay exact in the last year of safe integers", () =>
    within((inventory, tick) => {
      tick(Date.UTC(2255, 0, 1) - NOW);
      inventory.assets.file([user("a"), user("b")]);
      inventory.factors.set("a", { value: "[]" }, NOW);
      inventory.assets.touchAll();
      const base = Date.UTC(2255, 0, 1) * 1000;
      const numbers = [...inventory.users.after(base + 4, 10)].map(({ id, sequence }) => [id, sequence]);
      expect(numbers).toEqual([["a", base + 5]]);
      expect(Number.isSafeInteger(base + 5)).toBe(true);
    }));

  test("belong to an inventory with an identity, which it keeps", () =>
    within((inventory) => {
      const { id } = inventory;
      expect(id).toMatch(/^[0-9a-f-]{36}$/);
      expect(inventory.id).toBe(id);
    }));
});

describe("the lag of a reader", () => {
  test("counts assets, not numbers", () =>
    within((inventory) => {
      inventory.assets.file([user("a"), user("b"), user("c")]);
      for (let times = 0; times < 5; times++) inventory.assets.touch(["b"]);
      inventory.bury(inventory.users, "c");
      const lag = (position: number) => inventory.assets.countAfter(position, 3);
      expect([0, BASE, BASE + 1, BASE + 3, BASE + 8].map(lag)).toEqual([3, 3, 2, 2, 1]);
      expect(lag(inventory.assets.head)).toBe(0);
    }));

  test("is bounded by what there is, where counting would take long", () =>
    within((inventory) => {
      inventory.assets.file(Array.from({ length: 10_003 }, (_, index) => user(`u${index}`)));
      for (let times = 0; times < 3; times++) inventory.assets.touch(["u0"]);
      const lag = (position: number) => inventory.assets.countAfter(position, 10_003);
      // 9,999 assets with the numbers 5 to 10,003, and the one with the number 10,006.
      expect(lag(BASE + 4)).toBe(10_000);
      expect(lag(BASE + 3)).toBe(10_003);
      expect(lag(BASE + 1)).toBe(10_003);
    }));
});

describe("factors", () => {
  test("are pending, then known, then unknown with the last known value", () =>
    within((inventory, tick) => {
      inventory.assets.file([user("a")]);
      expect(inventory.users.one("a")?.facts.factors).toEqual({ state: "unknown", reason: "pending" });
      expect(inventory.factors.set("a", { value: "[]" }, NOW)).toBe(true);
      expect(inventory.users.one("a")?.facts.factors).toEqual({ state: "known", value: [], at: NOW });
      tick(1000);
      expect(inventory.factors.set("a", { value: "[]" }, NOW + 1000)).toBe(false);
      expect(inventory.factors.set("a", { reason: "forbidden" }, NOW + 2000)).toBe(true);
      expect(inventory.users.one("a")?.facts.factors).toEqual({
        state: "unknown",
        reason: "forbidden",
        last: { value: [], at: NOW + 1000 },
      });
      expect(inventory.assets.head).toBe(BASE + 3);
      expect(inventory.countUnknown()).toMatchObject({ factors: 1 });
    }));

  test("are read for admins first, then where they were never read, then by age", () =>
    within((inventory) => {
      inventory.assets.file(["old", "older", "new", "admin", "fresh"].map((id) => user(id)));
      inventory.factors.set("old", { value: "[]" }, 200);
      inventory.factors.set("older", { value: "[]" }, 100);
      inventory.factors.set("fresh", { value: "[]" }, 900);
      inventory.admins.setRoles("admin", { value: "[]" }, 1);
      inventory.groups.file(group("00g1", { stats: { usersCount: 2, hasAdminPrivilege: true } }));
      inventory.memberships.addMembers("00g1", ["older", "fresh"], 0);
      const due = { dueBefore: 500, triedBefore: 950 };
      const first = inventory.factors.nextAdmins(null, due);
      expect(first.due).toEqual(["admin"]);
      const second = inventory.factors.nextAdmins(first.next, due);
      expect(second).toEqual({ due: ["older"], next: null });
      for (const id of ["admin", "older"]) inventory.factors.set(id, { value: "[]" }, 960);
      expect(inventory.factors.nextAdmins(null, due).due).toEqual([]);
      expect(inventory.factors.next(due, 10)).toEqual(["new", "old"]);
      inventory.factors.set("new", { reason: "failed" }, 940);
      expect(inventory.factors.next(due, 1)).toEqual(["new"]);
      inventory.factors.set("new", { reason: "failed" }, 970);
      expect(inventory.factors.next(due, 10)).toEqual(["old"]);
      expect(inventory.factors.countDue(500)).toBe(2);
    }));

  test("of a deleted user cannot be set", () =>
    within((inventory) => {
      expect(inventory.factors.set("nobody", { value: "[]" }, NOW)).toBe(false);
      expect(inventory.assets.head).toBe(0);
    }));
});

describe("groups", () => {
  const two = (inventory: Inventory): void => {
    inventory.assets.file([user("a"), user("b"), user("gone", { status: "DEPROVISIONED" })]);
    inventory.groups.file(EVERYONE);
    inventory.groups.file(group("00g2", { description: "Second" }));
    inventory.groups.file(group("00g1"));
    inventory.memberships.addMembers("00g2", ["a"], 0);
    inventory.memberships.addMembers("00g1", ["a"], 0);
  };

  test("are unknown until the org's memberships have been read, then sorted by id and include Everyone", () =>
    within((inventory) => {
      two(inventory);
      expect(groupsOf(inventory, "a")).toEqual({ state: "unknown", reason: "pending" });
      inventory.setGroupsKnown({ at: NOW, reason: null });
      expect(groupsOf(inventory, "a")).toMatchObject({
        state: "known",
        at: NOW,
        value: [{ id: "00g1" }, { id: "00g2", description: "Second" }, { id: "00gEveryone" }],
      });
      expect(groupsOf(inventory, "b")).toMatchObject({ value: [{ id: "00gEveryone" }] });
      expect(groupsOf(inventory, "gone")).toMatchObject({ value: [] });
    }));

  test("keep their last known value, with its time, if a later reading fails", () =>
    within((inventory) => {
      two(inventory);
      inventory.setGroupsKnown({ at: NOW, reason: null });
      inventory.setGroupsKnown({ at: NOW, reason: "forbidden" });
      expect(groupsOf(inventory, "b")).toMatchObject({
        state: "unknown",
        reason: "forbidden",
        last: { at: NOW, value: [{ id: "00gEveryone" }] },
      });
      expect(inventory.countUnknown()).toMatchObject({ groups: 3 });
    }));

  test("that could not be read for one user stay unknown when the whole org's groups are read", () =>
    within((inventory) => {
      two(inventory);
      inventory.userGroups.setRead("a", null, true, NOW);
      inventory.userGroups.setRead("b", "forbidden", false, NOW);
      inventory.setGroupsKnown({ at: NOW, reason: null });
      expect(groupsOf(inventory, "a")).toMatchObject({ state: "known" });
      expect(groupsOf(inventory, "b")).toEqual({ state: "unknown", reason: "forbidden" });
      // Once they are known, a failure keeps what was known.
      inventory.userGroups.setRead("b", null, true, NOW + 1);
      inventory.userGroups.setRead("b", "failed", false, NOW + 2);
      expect(groupsOf(inventory, "b")).toMatchObject({ state: "unknown", last: { at: NOW + 1 } });
    }));

  test("that change renew the events of their members and of nobody else", () =>
    within((inventory) => {
      two(inventory);
      const { head } = inventory.assets;
      inventory.groups.file(group("00g1", { name: "Renamed" }));
      expect([...inventory.users.after(head, 10)].map(({ id }) => id)).toEqual(["a"]);
      inventory.groups.file({ ...EVERYONE, description: "All" });
      expect([...inventory.users.after(head + 1, 10)].map(({ id }) => id)).toEqual(["b", "a"]);
      inventory.groups.remove("00g2");
      expect([...inventory.users.after(head + 3, 10)].map(({ id }) => id)).toEqual(["a"]);
      inventory.groups.file(group("00g1", { name: "Renamed", lastUpdated: "2025-01-01T00:00:00.000Z" }));
      expect(inventory.assets.head).toBe(head + 4);
    }));

  test("lose the members that a complete listing does not show", () =>
    within((inventory) => {
      two(inventory);
      inventory.memberships.addMembers("00g1", ["b"], 0);
      inventory.sweeps.begin("members");
      inventory.sweeps.add("members", 0, ["b"]);
      inventory.sweeps.add("members", 0, ["b"]); // the same page again
      expect(inventory.sweeps.size("members")).toBe(1);
      expect(inventory.memberships.keepOnly("00g1", "members", 0)).toEqual(["a"]);
      expect(inventory.memberships.together([], ["00g1"], 100).first).toEqual(["b"]);
    }));

  test("lose the members that a list of one page does not show, but not one whom an event has added since", () =>
    within((inventory) => {
      two(inventory);
      inventory.memberships.addMembers("00g1", ["b"], 0);
      inventory.memberships.applyEvent({
        uuid: "1",
        groupId: "00g1",
        userId: "c",
        member: true,
        published: 100,
      });
      expect(inventory.memberships.keepThese("00g1", ["b", "d"], 99)).toEqual(["a"]);
      expect(inventory.memberships.together([], ["00g1"], 100).first).toEqual(["b", "c"]);
      expect(inventory.memberships.keepThese("00g1", ["b"], 100)).toEqual(["c"]);
      expect(inventory.memberships.keepThese("00g1", ["b"], 100)).toEqual([]);
    }));

  test("do not change when a membership event is late or repeated", () =>
    within((inventory) => {
      two(inventory);
      const event = (member: boolean, published: number) =>
        inventory.memberships.applyEvent({
          uuid: crypto.randomUUID(),
          groupId: "00g1",
          userId: "b",
          member,
          published,
        });
      expect(event(true, 20)).toBe(true);
      expect(event(true, 20)).toBe(false);
      expect(event(false, 10)).toBe(false);
      expect(inventory.memberships.together([], ["00g1"], 100).first).toEqual(["a", "b"]);
      expect(event(false, 30)).toBe(true);
      expect(inventory.memberships.together([], ["00g1"], 100).first).toEqual(["a"]);
    }));
});

describe("roles", () => {
  const ROLE = JSON.stringify([
    { id: "ra1", type: "ORG_ADMIN", label: "Org", status: "ACTIVE", assignmentType: "USER" },
  ]);

  test("are unknown for every user until the admins are known; then all other users have none", () =>
    within((inventory) => {
      inventory.assets.file([user("a"), user("b")]);
      expect(inventory.users.one("b")?.facts.roles).toEqual({ state: "unknown", reason: "pending" });
      inventory.sweeps.add("assignees", 0, ["a"]);
      expect(inventory.admins.setCandidates("assignees", Number.MAX_SAFE_INTEGER)).toEqual(["a"]);
      inventory.admins.setRoles("a", { value: ROLE }, NOW);
      inventory.admins.setOrg({ at: NOW, reason: null });
      expect(inventory.users.one("a")?.facts.roles).toEqual({
        state: "known",
        value: JSON.parse(ROLE),
        at: NOW,
      });
      expect(inventory.users.one("b")?.facts.roles).toEqual({ state: "known", value: [], at: NOW });
      expect(inventory.countUnknown()).not.toHaveProperty("roles");
    }));

  test("of a user who is no longer an admin are gone", () =>
    within((inventory) => {
      inventory.assets.file([user("a")]);
      inventory.admins.setRoles("a", { value: ROLE }, NOW);
      inventory.admins.setOrg({ at: NOW, reason: null });
      expect(inventory.admins.setCandidates("assignees", Number.MAX_SAFE_INTEGER)).toEqual(["a"]);
      expect(inventory.users.one("a")?.facts.roles).toMatchObject({ state: "known", value: [] });
    }));

  test("come with the groups that give them, and nobody is asked unless Okta does not say which", () =>
    within((inventory) => {
      inventory.assets.file([user("a"), user("b")]);
      inventory.groups.file(group("00g1", { stats: { usersCount: 1, hasAdminPrivilege: true } }));
      inventory.memberships.addMembers("00g1", ["b"], 0);
      expect(inventory.groups.nextWithRoles(NOW)).toBe("00g1");
      expect(inventory.admins.setCandidates("assignees", Number.MAX_SAFE_INTEGER)).toEqual([]);
      inventory.groups.setRoles("00g1", { reason: "forbidden" }, NOW);
      expect(inventory.admins.setCandidates("assignees", Number.MAX_SAFE_INTEGER)).toEqual(["b"]);
      inventory.groups.setRoles("00g1", { value: ROLE }, NOW);
      expect(inventory.admins.setCandidates("assignees", Number.MAX_SAFE_INTEGER)).toEqual(["b"]);
      // Without the list, whoever is in a group that gives roles is asked.
      expect(inventory.admins.setCandidates(null, Number.MAX_SAFE_INTEGER)).toEqual(["b"]);
      expect(inventory.admins.count()).toBe(1);
    }));
});

describe("deletion", () => {
  test("leaves a tombstone with the last known facts, which expires, and removes the memberships", () =>
    within((inventory, tick) => {
      inventory.assets.file([user("a"), user("b")]);
      inventory.groups.file(group("00g1"));
      inventory.memberships.addMembers("00g1", ["a"], 0);
      inventory.setGroupsKnown({ at: NOW, reason: null });
      tick(500);
      expect(inventory.bury(inventory.users, "a")).toBe(true);
      expect(inventory.bury(inventory.users, "a")).toBe(false);
      expect(inventory.users.one("a")).toMatchObject({
        deletedAt: NOW + 500,
        sequence: inventory.assets.head,
        facts: { groups: { state: "known", value: [{ id: "00g1" }] } },
      });
      expect(inventory.memberships.together([], ["00g1"], 100).first).toEqual([]);
      expect(inventory.assets.counts()).toEqual({ total: 1, deleted: 1 });
      inventory.assets.touchAll();
      expect(inventory.users.one("a")?.deletedAt).toBe(NOW + 500);
      inventory.assets.expireTombstones(NOW + 500);
      expect(inventory.assets.counts().deleted).toBe(1);
      inventory.assets.expireTombstones(NOW + 501);
      expect(inventory.assets.counts()).toEqual({ total: 1, deleted: 0 });
    }));

  test("ends when the user comes back", () =>
    within((inventory) => {
      inventory.assets.file([user("a")]);
      inventory.bury(inventory.users, "a");
      expect(inventory.assets.file([user("a")]).changed.get("a")).toMatchObject({ before: null });
      expect(inventory.users.one("a")?.deletedAt).toBeNull();
      expect(inventory.assets.counts()).toEqual({ total: 1, deleted: 0 });
    }));

  test("absentees are the assets that a complete listing did not show; they wait to be confirmed", () =>
    within((inventory) => {
      inventory.assets.file([user("a"), user("b"), user("c")]);
      inventory.sweeps.add("users", 0, ["a"]);
      expect(inventory.sweeps.findAbsentees("users", Number.MAX_SAFE_INTEGER).absent).toBe(2);
      expect(inventory.sweeps.nextAbsentees(10)).toEqual([]);
      inventory.sweeps.confirmAbsentees();
      expect(inventory.sweeps.nextAbsentees(10)).toEqual(["b", "c"]);
      inventory.sweeps.dropAbsentee("b");
      expect(inventory.sweeps.absentees()).toEqual({ waiting: 0, confirmed: 1 });
    }));
});

describe("finding an account", () => {
  test("by login, by e-mail or by the login before the @, which may match several users", () =>
    within((inventory) => {
      inventory.assets.file([
        user("a", { profile: { login: "Mary@example.com", email: "m@mail.example.com" } }),
        user("b", { profile: { login: "mary@example.org", email: "mary@example.com" } }),
        user("c", { profile: { login: "maryann@example.com" } }),
      ]);
      const found = (name: string) => inventory.users.named(name).map(({ id }) => id);
      expect(found("mary@example.com")).toEqual(["a"]);
      expect(found("m@mail.example.com")).toEqual(["a"]);
      expect(found("mary").sort()).toEqual(["a", "b"]);
      expect(found("ma")).toEqual([]);
      inventory.bury(inventory.users, "a");
      expect(found("mary")).toEqual(["b"]);
    }));
});

describe("the quarantine", () => {
  test("counts a bad record once, until it can be read or no longer appears", () =>
    within((inventory, tick) => {
      const bad = { id: null, reason: "no id" };
      inventory.quarantine.add(bad, "users/0/1");
      inventory.quarantine.add(bad, "users/0/1");
      inventory.quarantine.add({ id: "a", reason: "no profile object" }, "users/0/2");
      expect(inventory.quarantine.count()).toBe(2);
      inventory.quarantine.clear(["a"]);
      expect(inventory.quarantine.count()).toBe(1);
      tick(1);
      inventory.quarantine.forgetBefore(NOW + 1);
      expect(inventory.quarantine.count()).toBe(0);
    }));
});
