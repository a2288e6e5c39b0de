/**
 * What was learned later is not undone by what was read earlier: the rules that both lanes of a stream rely on, one by
 * one. The first two tests of each rule differ by a millisecond.
 */
import { reset } from "cloudflare:test";
import { afterEach, describe, expect, test } from "vitest";
import type { Inventory } from "../../src/inventory/inventory.ts";
import { INDEX_LAG_MS } from "../../src/inventory/precedence.ts";
import { EVERYONE, group, NOW, user, within } from "./support.ts";

afterEach(() => reset());

const titleOf = (inventory: Inventory, id: string) =>
  inventory.users.one(id)?.facts.user.profile.title ?? null;
const titled = (id: string, title: string, lastUpdated: string | null = null) =>
  user(id, { lastUpdated, profile: { login: id, title } });

describe("a record from a list", () => {
  test.each([
    ["within the lag is asked for by its id", INDEX_LAG_MS, "read", ["a"]],
    ["before the lag is filed", INDEX_LAG_MS + 1, "listed", []],
  ])("of an asset that was read by its id %s", (_, later, title, doubted) =>
    within((inventory) => {
      inventory.assets.file([titled("a", "read")], { readAt: NOW });
      const filed = inventory.assets.file([titled("a", "listed")], { listedAt: NOW + later });
      expect(filed.doubted).toEqual(doubted);
      expect(titleOf(inventory, "a")).toBe(title);
    }),
  );

  test("with an older update is not filed, by whichever way the stored one came", () =>
    within((inventory) => {
      const [old, new_] = ["2026-01-01T00:00:00.000Z", "2026-01-02T00:00:00.000Z"];
      inventory.assets.file([titled("a", "new", new_)], { listedAt: NOW });
      const filed = inventory.assets.file([titled("a", "old", old)], { listedAt: NOW + 9 * INDEX_LAG_MS });
      expect(filed.changed.size + filed.doubted.length).toBe(0);
      expect(titleOf(inventory, "a")).toBe("new");
    }));

  test("that was confirmed by its id counts as read then", () =>
    within((inventory) => {
      inventory.assets.file([titled("a", "same")], { listedAt: NOW - 9 * INDEX_LAG_MS });
      inventory.assets.file([titled("a", "same")], { readAt: NOW });
      expect(inventory.assets.file([titled("a", "old")], { listedAt: NOW }).doubted).toEqual(["a"]);
    }));

  test.each([
    ["within the lag does not bring it back", INDEX_LAG_MS, true],
    ["before the lag brings it back", INDEX_LAG_MS + 1, false],
  ])("of an asset that was deleted %s", (_, later, stays) =>
    within((inventory) => {
      inventory.assets.file([user("a")]);
      inventory.bury(inventory.users, "a");
      expect(inventory.assets.file([user("a")], { listedAt: NOW + later }).doubted).toEqual(
        stays ? ["a"] : [],
      );
      expect(inventory.users.one("a")?.deletedAt === null).toBe(!stays);
    }),
  );

  test.each([
    ["within the lag does not file it", INDEX_LAG_MS, true],
    ["before the lag files it", INDEX_LAG_MS + 1, false],
  ])("of an asset that was never known and found to be gone %s", (_, later, stays) =>
    within((inventory) => {
      inventory.assets.noteGone("a");
      expect(inventory.assets.file([user("a")], { listedAt: NOW + later }).doubted).toEqual(
        stays ? ["a"] : [],
      );
      expect(inventory.assets.exists("a")).toBe(!stays);
    }),
  );

  test("of an asset that is known is not affected by what is noted of unknown ones", () =>
    within((inventory) => {
      inventory.assets.file([user("a")]);
      inventory.assets.noteGone("a");
      expect(inventory.assets.file([user("a", { status: "SUSPENDED" })], { listedAt: NOW }).doubted).toEqual(
        [],
      );
    }));

  test("what was noted of an unknown asset is forgotten once it is old", () =>
    within((inventory) => {
      inventory.assets.noteGone("a");
      inventory.assets.forgetUnheardBefore(NOW);
      expect(inventory.assets.file([user("a")], { listedAt: NOW }).doubted).toEqual(["a"]);
      inventory.assets.forgetUnheardBefore(NOW + 1);
      expect(inventory.assets.file([user("a")], { listedAt: NOW }).doubted).toEqual([]);
    }));

  test("read by its id is filed whatever was noted", () =>
    within((inventory) => {
      inventory.assets.noteGone("a");
      expect(inventory.assets.file([user("a")], { readAt: NOW }).changed.size).toBe(1);
    }));

  test("of a new user shows the sign-in that the log told before, unless it shows a later one", () =>
    within((inventory) => {
      const [first, second, third] = [
        "2026-01-01T00:00:00.000Z",
        "2026-01-02T00:00:00.000Z",
        "2026-01-03T00:00:00.000Z",
      ];
      for (const id of ["a", "b"]) {
        inventory.setLastLogin(id, second);
        inventory.setLastLogin(id, first);
      }
      inventory.assets.file([user("a", { lastLogin: first }), user("b", { lastLogin: third })], {
        listedAt: NOW,
      });
      expect(inventory.users.one("a")?.facts.user.lastLogin).toBe(second);
      expect(inventory.users.one("b")?.facts.user.lastLogin).toBe(third);
    }));
});

describe("a group from a list", () => {
  const named = (name: string, lastUpdated: string | null = null) => group("00g1", { name, lastUpdated });
  const nameOf = (inventory: Inventory) => inventory.groups.ofPage(["00g1"]).byId.get("00g1")?.name ?? null;

  test.each([
    ["within the lag is not filed", INDEX_LAG_MS, "doubted", null],
    ["before the lag is filed", INDEX_LAG_MS + 1, "filed", "Back"],
  ])("that was found to be gone %s", (_, later, expected, name) =>
    within((inventory) => {
      inventory.groups.file(named("There"));
      inventory.groups.remove("00g1");
      expect(inventory.groups.file(named("Back"), { listedAt: NOW + later })).toBe(expected);
      expect(nameOf(inventory)).toBe(name);
    }),
  );

  test("with an older update keeps the name, but takes the stats", () =>
    within((inventory) => {
      inventory.groups.file(named("New", "2026-01-02T00:00:00.000Z"));
      const old = {
        ...named("Old", "2026-01-01T00:00:00.000Z"),
        stats: { usersCount: 0, hasAdminPrivilege: false },
      };
      inventory.groups.file(old, { listedAt: NOW });
      expect(nameOf(inventory)).toBe("New");
      expect(inventory.groups.nextToList("")).toBeNull();
      inventory.groups.file(old);
      expect(nameOf(inventory)).toBe("Old");
    }));

  test.each([
    ["within the lag leaves open whether it gives roles", INDEX_LAG_MS, "00g1"],
    ["before the lag says that it gives none", INDEX_LAG_MS + 1, null],
  ])("whose roles were read %s", (_, later, next) =>
    within((inventory) => {
      inventory.groups.file(named("G"));
      inventory.groups.setRoles("00g1", { value: '[{"id":"ra1"}]' }, NOW);
      inventory.groups.file(named("G"), { listedAt: NOW + later });
      expect(inventory.groups.nextWithRoles(Number.MAX_SAFE_INTEGER)).toBe(next);
    }),
  );

  test.each([
    ["within the lag is in doubt", INDEX_LAG_MS, { gone: [], doubted: ["00g1"] }],
    ["before the lag is gone", INDEX_LAG_MS + 1, { gone: ["00g1"], doubted: [] }],
  ])("that became known %s if a complete list does not show it", (_, later, expected) =>
    within((inventory) => {
      inventory.groups.file(named("G"));
      expect(inventory.groups.absentFrom("groups", NOW + later)).toEqual(expected);
    }),
  );

  test("that is gone is forgotten once that is old", () =>
    within((inventory) => {
      inventory.groups.remove("00g1");
      inventory.groups.forgetGoneBefore(NOW);
      expect(inventory.groups.file(named("G"), { listedAt: NOW })).toBe("doubted");
      inventory.groups.forgetGoneBefore(NOW + 1);
      expect(inventory.groups.file(named("G"), { listedAt: NOW })).toBe("filed");
    }));
});

describe("a list of members", () => {
  const EVENT = 1000;
  const prepared = (inventory: Inventory, member: boolean): void => {
    inventory.groups.file(group("00g1"));
    inventory.memberships.addMembers("00g1", member ? [] : ["a"], 0);
    inventory.memberships.applyEvent({
      uuid: crypto.randomUUID(),
      groupId: "00g1",
      userId: "a",
      member,
      published: EVENT,
    });
  };
  const list = (inventory: Inventory, ids: string[]): void => {
    inventory.sweeps.begin("members");
    inventory.sweeps.add("members", 0, ids);
  };
  const members = (inventory: Inventory) => inventory.memberships.together([], ["00g1"], 100).first;

  test.each([
    ["before an event adds nobody whom the event removed", EVENT - 1, []],
    ["at the time of an event counts", EVENT, ["a"]],
  ])("as of %s", (_, asOf, expected) =>
    within((inventory) => {
      prepared(inventory, false);
      inventory.memberships.addMembers("00g1", ["a"], asOf);
      expect(members(inventory)).toEqual(expected);
    }),
  );

  test.each([
    ["before an event removes nobody whom the event added", EVENT - 1, ["a"]],
    ["at the time of an event counts", EVENT, []],
  ])("as of %s", (_, asOf, expected) =>
    within((inventory) => {
      prepared(inventory, true);
      list(inventory, []);
      inventory.memberships.keepOnly("00g1", "members", asOf);
      expect(members(inventory)).toEqual(expected);
    }),
  );

  test.each([
    ["before both events undoes neither", EVENT - 1, ["00g1"]],
    ["at the time of both events counts", EVENT, ["00g2"]],
  ])("by user, as of %s", (_, asOf, expected) =>
    within((inventory) => {
      prepared(inventory, true);
      inventory.memberships.applyEvent({
        uuid: crypto.randomUUID(),
        groupId: "00g2",
        userId: "a",
        member: false,
        published: EVENT,
      });
      inventory.memberships.replaceGroupsOf("a", ["00g2"], asOf);
      const groups = ["00g1", "00g2"].filter(
        (id) => inventory.memberships.together([], [id], 100).first.length > 0,
      );
      expect(groups).toEqual(expected);
    }),
  );

  test("undoes an event that is heard again, even with a later date", () =>
    within((inventory) => {
      const event = { uuid: "e1", groupId: "00g1", userId: "a", member: true };
      inventory.memberships.applyEvent({ ...event, published: EVENT });
      list(inventory, []);
      inventory.memberships.keepOnly("00g1", "members", EVENT + 1);
      // Its time was still to come by Okta's clock, so it was taken for now.
      for (const published of [EVENT, EVENT + 400])
        expect(inventory.memberships.applyEvent({ ...event, published })).toBe(false);
      expect(members(inventory)).toEqual([]);
    }));

  const HOUR_MS = 3_600_000;
  const changed = (ago: number) => new Date(NOW - ago).toISOString();

  test.each<[string, number | null, string | null, boolean]>([
    ["has members", 2, null, true],
    ["may have members", null, null, true],
    ["is empty", 0, null, false],
    ["was emptied long ago", 0, changed(HOUR_MS), false],
    ["is said to be empty, but somebody has just come or gone", 0, changed(HOUR_MS - 1), true],
  ])("is read of a group that %s", (_, usersCount, lastMembershipUpdated, isListed) =>
    within((inventory) => {
      const stats = { usersCount, hasAdminPrivilege: false };
      const listed = () => inventory.groups.toList().map(({ id }) => id);
      inventory.groups.file(group("00g1", { stats, lastMembershipUpdated }), { listedAt: NOW, now: NOW });
      expect(listed()).toEqual(isListed ? ["00g1"] : []);
      inventory.memberships.addMembers("00g1", ["a"], 0);
      expect(listed()).toEqual(["00g1"]);
      inventory.memberships.removeMember("00g1", "a");
      expect(listed()).toEqual(isListed ? ["00g1"] : []);
      // Without stats, what was no longer empty may be so again.
      inventory.groups.file(group("00g1", { stats: null }));
      expect(listed()).toEqual(["00g1"]);
    }),
  );
});

describe("the users with roles", () => {
  const ROLE = { value: '[{"id":"ra1"}]' };

  test.each([
    ["before the list counts, and the list leaves out, have none any more", NOW + 1, ["a"]],
    ["since then stay", NOW, []],
  ])("whose roles were read %s", (_, asOf, changed) =>
    within((inventory) => {
      inventory.assets.file([user("a")]);
      inventory.admins.setRoles("a", ROLE, NOW);
      expect(inventory.admins.setCandidates("assignees", asOf)).toEqual(changed);
      expect(inventory.admins.count()).toBe(1 - changed.length);
    }),
  );

  test("stay while their roles are to be read again", () =>
    within((inventory) => {
      inventory.assets.file([user("a")]);
      inventory.admins.setRoles("a", ROLE, NOW);
      inventory.stale.add("roles", "a", "log", NOW);
      expect(inventory.admins.setCandidates("assignees", Number.MAX_SAFE_INTEGER)).toEqual([]);
      inventory.stale.done("roles", "a");
      expect(inventory.admins.setCandidates("assignees", Number.MAX_SAFE_INTEGER)).toEqual(["a"]);
    }));
});

describe("users who are newer than a full run", () => {
  test("are neither absentees nor part of what the deletion guard counts from", () =>
    within((inventory) => {
      inventory.assets.file([user("a"), user("b")]);
      const upTo = inventory.assets.newestNumber();
      inventory.assets.file([user("c")]);
      inventory.sweeps.add("users", 0, ["a"]);
      expect(inventory.sweeps.findAbsentees("users", upTo)).toEqual({ absent: 1, known: 2 });
      inventory.sweeps.confirmAbsentees();
      expect(inventory.sweeps.nextAbsentees(9)).toEqual(["b"]);
    }));

  test("who were deleted meanwhile do not count either", () =>
    within((inventory) => {
      inventory.assets.file([user("a"), user("b"), user("c")]);
      const upTo = inventory.assets.newestNumber();
      inventory.bury(inventory.users, "c");
      inventory.sweeps.add("users", 0, ["a"]);
      expect(inventory.sweeps.findAbsentees("users", upTo)).toEqual({ absent: 1, known: 2 });
    }));

  test("keep their groups unknown after a complete reading, as do those whose groups are still to be read", () =>
    within((inventory) => {
      inventory.groups.file(EVERYONE);
      inventory.assets.file([user("old"), user("queued")]);
      const upTo = inventory.assets.newestNumber();
      inventory.assets.file([user("new")]);
      for (const id of ["old", "queued", "new"]) inventory.userGroups.neverKnown(id);
      inventory.stale.add("user_groups", "queued", "log", NOW);
      inventory.userGroups.clearReasons(upTo);
      inventory.setGroupsKnown({ at: NOW, reason: null });
      const states = ["old", "queued", "new"].map((id) => inventory.users.one(id)?.facts.groups.state);
      expect(states).toEqual(["known", "unknown", "unknown"]);
    }));
});

describe("what is to be read again", () => {
  test("is done with once something has shown what happened before it", () =>
    within((inventory) => {
      for (const id of ["a", "b"]) inventory.stale.add("members", id, "log", 100);
      inventory.stale.doneIfBefore("members", "a", 100);
      inventory.stale.doneBefore("members", 100);
      expect(inventory.stale.has("members", "a")).toBe(true);
      inventory.stale.doneIfBefore("members", "a", 101);
      expect(inventory.stale.has("members", "a")).toBe(false);
      expect(inventory.stale.has("members", "b")).toBe(true);
      inventory.stale.doneBefore("members", 101);
      expect(inventory.stale.has("members", "b")).toBe(false);
    }));

  test("is what happened last", () =>
    within((inventory) => {
      inventory.stale.add("roles", "a", "log", 100);
      inventory.stale.add("roles", "a", "log", 50);
      inventory.stale.doneBefore("roles", 100);
      expect(inventory.stale.has("roles", "a")).toBe(true);
    }));
});

test("numbers: changes of users since a moment, by Okta's clock for records and by ours for deletions", () =>
  within((inventory) => {
    const okta = Date.parse("2026-01-01T00:00:00.000Z");
    const at = new Date(okta).toISOString();
    const before = new Date(okta - 1).toISOString();
    inventory.assets.file([
      user("old", { created: before, statusChanged: before }),
      user("created", { created: at }),
      user("turned", { created: before, statusChanged: at }),
      user("gone"),
    ]);
    inventory.bury(inventory.users, "gone");
    expect(inventory.assets.countChangesSince({ byOkta: okta, byUs: NOW })).toBe(3);
    expect(inventory.assets.countChangesSince({ byOkta: okta + 1, byUs: NOW + 1 })).toBe(0);
    inventory.sweeps.add("users", 0, ["old", "created"]);
    expect(inventory.sweeps.countMissing("users")).toBe(1);
  }));
