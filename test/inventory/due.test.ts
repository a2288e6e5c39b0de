/** Finding whose facts are to be read costs a bounded number of rows for each, however many users there are. */
import { reset } from "cloudflare:test";
import { afterEach, describe, expect, test } from "vitest";
import type { HourPosition } from "../../src/inventory/factors.ts";
import { SLOTS } from "../../src/inventory/hours.ts";
import { Inventory } from "../../src/inventory/inventory.ts";
import { group, NOW, user, within } from "./support.ts";

afterEach(() => reset());

/** The same storage, which counts the rows that are read. */
const counting = (sql: SqlStorage): { readonly sql: SqlStorage; readonly rowsRead: () => number } => {
  const cursors: { readonly rowsRead: number }[] = [];
  const exec: SqlStorage["exec"] = (query, ...parameters) => {
    const cursor = sql.exec<never>(query, ...parameters);
    cursors.push(cursor);
    return cursor;
  };
  const counted = new Proxy(sql, {
    get: (target, name) => (name === "exec" ? exec : Reflect.get(target, name)),
  });
  return { sql: counted, rowsRead: () => cursors.reduce((sum, { rowsRead }) => sum + rowsRead, 0) };
};

const idsOf = (count: number) => Array.from({ length: count }, (_, n) => `u${String(n).padStart(5, "0")}`);

/** How many rows `ask` reads for each user that it names until it names none any more. @param read stores a reading */
const rowsPerCall = (
  storage: SqlStorage,
  ask: (inventory: Inventory) => readonly string[],
  read: (inventory: Inventory, id: string) => void,
): { readonly calls: number; readonly rows: number } => {
  const { sql, rowsRead } = counting(storage);
  const asking = new Inventory(sql, () => NOW);
  const storing = new Inventory(storage, () => NOW);
  let calls = 0;
  for (let ids = ask(asking); ids.length > 0; ids = ask(asking)) {
    for (const id of ids) read(storing, id);
    calls += ids.length;
  }
  return { calls, rows: rowsRead() / calls };
};

const setFactors = ({ factors }: Inventory, id: string): void => {
  factors.set(id, { value: "[]" }, NOW);
};

describe.each([500, 2_000])("among %i users", (count) => {
  const ids = idsOf(count);
  const due = { dueBefore: NOW, triedBefore: NOW };

  test.each<[string, (inventory: Inventory) => void]>([
    ["never read", () => {}],
    [
      "old",
      ({ factors }) => {
        factors.setOf(ids.map((userId) => ({ userId, reading: { value: "[]" }, readAt: NOW - 1_000 })));
      },
    ],
    [
      "refused before",
      ({ factors }) => {
        factors.setOf(
          ids.map((userId) => ({ userId, reading: { reason: "forbidden" }, readAt: NOW - 1_000 })),
        );
      },
    ],
  ])("the next factors that were %s", (_, prepare) =>
    within((inventory, _tick, sql) => {
      inventory.assets.file(ids.map((id) => user(id)));
      prepare(inventory);
      const { calls, rows } = rowsPerCall(sql, ({ factors }) => factors.next(due, 40), setFactors);
      expect(calls).toBe(count);
      expect(rows).toBeLessThan(5);
    }),
  );

  test("the next administrators' factors, and the next administrators' roles", () =>
    within((inventory, _tick, sql) => {
      inventory.assets.file(ids.map((id) => user(id)));
      inventory.groups.file(group("00g1", { stats: { usersCount: count, hasAdminPrivilege: true } }));
      inventory.memberships.addMembers("00g1", ids, 0);
      inventory.sweeps.add("assignees", 0, ids.slice(0, count / 2));
      inventory.admins.setCandidates("assignees", NOW);
      const roles = rowsPerCall(
        sql,
        ({ admins }) => admins.next(NOW, 40),
        ({ admins }, id) => void admins.setRoles(id, { value: "[]" }, NOW),
      );
      expect(roles.calls).toBe(count / 2);
      expect(roles.rows).toBeLessThan(5);
      let after: Parameters<typeof inventory.factors.nextAdmins>[0] = null;
      const next = ({ factors }: Inventory): readonly string[] => {
        for (;;) {
          const page: ReturnType<typeof factors.nextAdmins> = factors.nextAdmins(after, due);
          if (page.due.length > 0 || page.next === null) return page.due.slice(0, 40);
          after = page.next;
        }
      };
      const { calls, rows } = rowsPerCall(sql, next, setFactors);
      expect(calls).toBe(count);
      expect(rows).toBeLessThan(20);
    }));

  test("the next users whose groups are read one by one", () =>
    within((inventory, _tick, sql) => {
      inventory.assets.file(ids.map((id, n) => user(id, n % 4 === 0 ? { status: "DEPROVISIONED" } : {})));
      let after = 0;
      const next = ({ userGroups }: Inventory): readonly string[] => {
        const users = userGroups.next({ triedBefore: NOW, after, limit: 40, failedOnly: false });
        after = (users[0]?.number ?? 1) - 1;
        return users.map(({ id }) => id);
      };
      const { calls, rows } = rowsPerCall(sql, next, ({ userGroups }, id) => {
        userGroups.setRead(id, null, false, NOW);
      });
      expect(calls).toBe((3 * count) / 4);
      expect(rows).toBeLessThan(5);
    }));

  test("those whose hour has come, each once in a period", () =>
    within((inventory, _tick, sql) => {
      inventory.assets.file(ids.map((id) => user(id)));
      const { sql: counted, rowsRead } = counting(sql);
      const { factors } = new Inventory(counted, () => NOW);
      // The period begins anywhere, and ends in the next lap.
      let at: HourPosition = { slot: 7 * SLOTS + 40_000, number: 0 };
      const until = at.slot + SLOTS - 1;
      const seen: string[] = [];
      const perPart = [0, 0, 0, 0, 0, 0, 0, 0];
      for (let rows = factors.byHour(at, until); rows.length > 0; rows = factors.byHour(at, until)) {
        for (const row of rows) {
          expect(row.at.slot).toBeGreaterThanOrEqual(at.slot);
          at = row.at;
          seen.push(row.id);
          const part = Math.floor((8 * (row.at.slot - (7 * SLOTS + 40_000))) / SLOTS);
          perPart[part] = (perPart[part] ?? 0) + 1;
        }
      }
      expect(seen.toSorted()).toEqual(ids);
      expect(rowsRead() / count).toBeLessThan(5);
      // Every eighth of the period has its share, within 2 %.
      for (const n of perPart) expect(Math.abs(n - count / 8)).toBeLessThan(count / 50);
    }));
});
