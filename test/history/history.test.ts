/** What is kept of changes, and for how long. */
import { reset } from "cloudflare:test";
import { afterEach, describe, expect, test } from "vitest";
import type { ChangeEvent } from "../../src/contract/changes.ts";
import { HistoryReader, NOW as NEWEST } from "../../src/inventory/history-reader.ts";
import type { Inventory } from "../../src/inventory/inventory.ts";
import { users } from "../../src/streams/users.ts";
import { group, NOW, user, within } from "../inventory/support.ts";

afterEach(() => reset());

const DAY_MS = 86_400_000;
const iso = (ms: number) => new Date(ms).toISOString();

/** A log event, so many ms after the beginning. */
const event = (uuid: string, after: number): ChangeEvent => ({
  uuid,
  type: "user.account.update_profile",
  published: iso(NOW + after),
  actor: { id: "00uAdmin", type: "User", login: "admin@example.com", name: "Admin", ip: "203.0.113.7" },
});

const named = (title: string, updatedAfter: number) =>
  user("a", { profile: { login: "a@example.com", title }, lastUpdated: iso(NOW + updatedAfter) });

/** Files a record of the user, as a search that is made now shows it. */
const search = (inventory: Inventory, title: string, after: number) =>
  inventory.history.as({ source: "search", skewMs: 0, shownUntil: NOW + after - 120_000 }, () =>
    users.store.file(inventory, [named(title, after)], {
      now: NOW + after,
      listedAt: NOW + after,
      cause: "search",
    }),
  );

const changesOf = (sql: SqlStorage, id = "a") =>
  new HistoryReader(sql).own(id, NEWEST, 100).map(({ kind, source, at, events }) => ({
    kind,
    source,
    at: at - NOW,
    events: events.map(({ uuid }) => uuid),
  }));

/** An inventory that keeps changes of a user who is known. */
const kept = (work: (inventory: Inventory, tick: (ms: number) => void, sql: SqlStorage) => void) =>
  within((inventory, tick, sql) => {
    users.store.file(inventory, [named("One", 0)], { now: NOW });
    inventory.setGroupsKnown({ at: NOW, reason: null });
    inventory.admins.setOrg({ at: NOW, reason: null });
    inventory.history.begin();
    work(inventory, tick, sql);
  });

const heard = (inventory: Inventory, told: ChangeEvent) =>
  inventory.history.hear({ part: "asset", id: "a" }, told);

describe("a change and its events", () => {
  test("whichever comes first, they are one change with its author", async () => {
    for (const isEventFirst of [true, false]) {
      await kept((inventory, tick, sql) => {
        tick(10_000);
        if (isEventFirst) heard(inventory, event("e1", 10_000));
        search(inventory, "Two", 10_000);
        if (!isEventFirst) heard(inventory, event("e1", 10_000));
        heard(inventory, event("e1", 10_000));
        expect(changesOf(sql)).toEqual([
          { kind: "updated", source: isEventFirst ? "log" : "search", at: 10_000, events: ["e1"] },
        ]);
      });
      await reset();
    }
  });

  test("an event that comes later gives the change a new number, and the old one is gone", async () => {
    await kept((inventory, tick, sql) => {
      tick(10_000);
      search(inventory, "Two", 10_000);
      const reader = new HistoryReader(sql);
      const [before] = reader.after(0, 10);
      heard(inventory, event("e1", 10_000));
      const [after, ...others] = reader.after(0, 10);
      expect(others).toEqual([]);
      expect(after?.first).toBe(before?.sequence);
      expect(after?.sequence).toBe(inventory.assets.head);
      expect(after?.sequence).toBeGreaterThan(before?.sequence ?? Number.NaN);
    });
  });

  test("of the next change is not taken for one of this", async () => {
    await kept((inventory, tick, sql) => {
      tick(10_000);
      heard(inventory, event("e1", 10_000));
      search(inventory, "Two", 10_000);
      tick(60_000);
      heard(inventory, event("e2", 70_000));
      search(inventory, "Three", 70_000);
      expect(changesOf(sql).map(({ events }) => events)).toEqual([["e2"], ["e1"]]);
    });
  });

  test("what was read again and is the same leaves no event for a later change", async () => {
    await kept((inventory, tick, sql) => {
      tick(10_000);
      heard(inventory, event("e1", 10_000));
      inventory.stale.add("asset", "a", "log", NOW + 10_000);
      inventory.stale.done("asset", "a");
      tick(DAY_MS);
      search(inventory, "Two", DAY_MS + 10_000);
      expect(changesOf(sql)).toEqual([
        { kind: "updated", source: "search", at: DAY_MS + 10_000, events: [] },
      ]);
    });
  });

  test("ten events at most are kept, the newest", async () => {
    await kept((inventory, tick, sql) => {
      tick(60_000);
      for (let n = 0; n < 15; n++) heard(inventory, event(`e${n}`, 1_000 * n + 10_000));
      search(inventory, "Two", 60_000);
      expect(changesOf(sql)[0]?.events).toEqual(Array.from({ length: 10 }, (_, n) => `e${14 - n}`));
    });
  });
});

describe("what is no change", () => {
  test("the first reading of anything, a failed one, and the same again", async () => {
    await kept((inventory, tick, sql) => {
      const factors = (value: object[]) => ({ value: JSON.stringify(value) });
      const push = { id: "f", factorType: "push", provider: "OKTA", status: "ACTIVE" };
      inventory.factors.set("a", factors([push]), NOW);
      tick(1_000);
      inventory.factors.set("a", { reason: "failed" }, NOW + 1_000);
      inventory.factors.set("a", factors([push]), NOW + 2_000);
      expect(changesOf(sql)).toEqual([]);
      // Compared with what was known last, whatever failed in between.
      inventory.factors.set("a", { reason: "failed" }, NOW + 3_000);
      inventory.factors.set("a", factors([]), NOW + 4_000);
      expect(changesOf(sql)).toHaveLength(1);
    });
  });

  test("what was filed before the first full run has ended, and what follows while nothing is kept", async () => {
    await within((inventory, tick, sql) => {
      users.store.file(inventory, [named("One", 0)], { now: NOW });
      tick(1_000);
      users.store.file(inventory, [named("Two", 1_000)], { now: NOW + 1_000 });
      expect(changesOf(sql)).toEqual([]);
      inventory.history.begin();
      users.store.file(inventory, [named("Three", 2_000)], { now: NOW + 2_000 });
      inventory.history.stop();
      users.store.file(inventory, [named("Four", 3_000)], { now: NOW + 3_000 });
      expect(changesOf(sql)).toHaveLength(1);
    });
  });
});

describe("a group", () => {
  test("of many members that is renamed is one change", async () => {
    await kept((inventory, _tick, sql) => {
      const members = Array.from({ length: 3_000 }, (_, n) => `m${n}`);
      users.store.file(
        inventory,
        members.map((id) => user(id)),
        { now: NOW },
      );
      inventory.groups.file(group("00g1"));
      inventory.memberships.addMembers("00g1", members, NOW);
      const before = new HistoryReader(sql).after(0, 10_000).length;
      inventory.groups.file(group("00g1", { name: "Renamed" }));
      const all = new HistoryReader(sql).after(0, 10_000);
      expect(all.length - before).toBe(1);
      expect(all.at(-1)).toMatchObject({ id: "00g1", part: "group", kind: "updated" });
      // It is in the history of each of them.
      expect(new HistoryReader(sql).ofUser("m1234", null, NEWEST, 10)[0]).toMatchObject({ id: "00g1" });
    });
  });

  test("that is gone stays in the history of those who were in it", async () => {
    await kept((inventory, tick, sql) => {
      inventory.groups.file(group("00g1"));
      inventory.memberships.addMembers("00g1", ["a"], NOW);
      tick(1_000);
      inventory.groups.remove("00g1");
      const reader = new HistoryReader(sql);
      expect(reader.ofUser("a", null, NEWEST, 10).map(({ id, kind }) => [id, kind])).toEqual([
        ["00g1", "deleted"],
        ["a", "updated"],
      ]);
      tick(40 * DAY_MS);
      inventory.history.prune(NOW + 30 * DAY_MS);
      expect(reader.ofUser("a", null, NEWEST, 10)).toEqual([]);
      expect(sql.exec("SELECT * FROM former_members").toArray()).toEqual([]);
    });
  });
});

test("what is older than it is kept goes, in small steps, and the rest stays", async () => {
  await kept((inventory, tick, sql) => {
    for (let n = 1; n <= 30; n++) {
      tick(DAY_MS);
      search(inventory, `Title ${n}`, n * DAY_MS);
    }
    inventory.history.prune(NOW + 20 * DAY_MS);
    expect(changesOf(sql).map(({ at }) => at / DAY_MS)).toEqual(Array.from({ length: 11 }, (_, n) => 30 - n));
    inventory.history.prune(NOW + 100 * DAY_MS);
    expect(changesOf(sql)).toEqual([]);
  });
});
