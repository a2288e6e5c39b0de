import { describe, expect, test } from "vitest";
import { type Bill, NO_BILL } from "../../dev/bench/lib/bill.ts";
import {
  dayOf,
  firstRunCeiling,
  freeCeiling,
  type MeasuredCost,
  monthly,
  snapshotWrites,
  storedOf,
  watchedAllDay,
} from "../../dev/bench/lib/month.ts";
import { quantile } from "../../dev/bench/lib/statistics.ts";
import { stepsOf } from "../../dev/bench/lib/steps.ts";
import { programCalls } from "../../dev/bench/sections/calls.ts";
import { rowsBeyond } from "../../dev/bench/soak/verdict.ts";
import { createOktaOrg } from "../../dev/okta-org/index.ts";

describe("the floor's steps", () => {
  test("pages follow each other, calls for single users of one kind go together", () => {
    const paths = [
      "/api/v1/groups?limit=200",
      "/api/v1/users?limit=200",
      "/api/v1/users/a/roles",
      "/api/v1/users/a/factors",
      "/api/v1/users/b/factors",
    ];
    expect(stepsOf("http://o", paths)).toEqual([
      ["http://o/api/v1/groups?limit=200"],
      ["http://o/api/v1/users?limit=200"],
      ["http://o/api/v1/users/a/roles"],
      ["http://o/api/v1/users/a/factors", "http://o/api/v1/users/b/factors"],
    ]);
  });
});

describe("quantiles", () => {
  test.each([
    [0, 1],
    [0.5, 3],
    [0.99, 5],
    [1, 5],
  ])("%d of 1 to 5", (part, value) => {
    expect(quantile([5, 3, 1, 4, 2], part)).toBe(value);
  });
});

describe("the program on Okta's client", () => {
  test("makes three calls a user and one for each of its groups, and does not see who is deprovisioned", () => {
    const { users } = createOktaOrg({ users: 450, groups: 20, devices: 0 }).dump();
    const present = users.filter(({ status }) => status !== "DEPROVISIONED");
    const memberships = present.flatMap(({ groups }) => groups).length;
    const pages = present.length > 400 ? 3 : present.length > 200 ? 2 : 1;
    expect(programCalls({ users })).toBe(pages + 3 * present.length + memberships);
  });
});

describe("a month", () => {
  const bill = (counts: Partial<Bill>): Bill => ({ ...NO_BILL, ...counts });
  const measured: MeasuredCost = {
    users: 1000,
    calls: { full: 1100, idle: 5, delta: 15, lookup: 4 },
    bills: {
      first: bill({ rowsRead: 1000, rowsWritten: 20_000, objectRequests: 100 }),
      again: bill({ rowsRead: 1000, rowsWritten: 500, r2Writes: 4, r2Bytes: 1e6 }),
      refresh: bill({ rowsRead: 8000, rowsWritten: 2500 }),
      idle: bill({ rowsRead: 10, rowsWritten: 50 }),
      delta: bill({ rowsRead: 110, rowsWritten: 250 }),
      lookup: bill({ rowsWritten: 1, kvReads: 2, kvWrites: 3, kvBytes: 1000, objectRequests: 2 }),
      scrape: bill({ rowsRead: 100, objectRequests: 5 }),
      page: bill({ rowsRead: 200, objectRequests: 7 }),
    },
    storedBytes: 5e6,
  };

  test("has days of a full run, 95 deltas of which 40 find 0.1 % changed, and a seventh of the factors", () => {
    const day = dayOf(measured, 1000, 0);
    expect(day.rowsWritten).toBeCloseTo(500 + 95 * 50 + 4 * 200 + (1000 / 7) * 2, 6);
    expect(day.rowsRead).toBeCloseTo(1000 + 95 * 10 + 4 * 100 + (1000 / 7) * 7, 6);
    expect(day.oktaCalls).toBeCloseTo(100 + 1000 / 7 + 95 * 5 + 4 * 10, 6);
    expect(day.requests).toBe(96);
    expect(day.kvWrites).toBe(0);
  });

  test("adds what look-ups take", () => {
    const [quiet, busy] = [dayOf(measured, 1000, 0), dayOf(measured, 1000, 500)];
    expect(busy.requests - quiet.requests).toBe(500);
    expect(busy.kvReads).toBe(1000);
    expect(busy.kvWrites).toBe(1500);
    expect(busy.rowsWritten - quiet.rowsWritten).toBeCloseTo(500, 6);
  });

  test("adds a scrape every 30 s and a page that reads itself anew every 10 s", () => {
    const [alone, watched] = [dayOf(measured, 1000, 0), dayOf(measured, 1000, 0, watchedAllDay)];
    expect(watched.requests - alone.requests).toBe(2_880 + 8_640);
    expect(watched.rowsRead - alone.rowsRead).toBeCloseTo(2_880 * 100 + 8_640 * 200, 6);
    expect(watched.objectRequests - alone.objectRequests).toBeCloseTo(2_880 * 5 + 8_640 * 7, 6);
    expect(watched.rowsWritten).toBe(alone.rowsWritten);
  });

  test.each([
    [1000, 4],
    [10_000, 4],
    [10_001, 6],
    [100_000, 22],
  ])("writes %d users' snapshots in parts of 10,000 and a manifest, for both streams", (users, writes) => {
    expect(snapshotWrites(users)).toBe(writes);
  });

  test("costs what the prices say", () => {
    const day = { ...dayOf(measured, 1000, 0), rowsWritten: 1e6, kvWrites: 1e6 };
    const free = { objects: 0, kv: 0, r2: 0 };
    const less = monthly({ ...day, rowsWritten: 0, kvWrites: 0 }, free);
    expect(monthly(day, free) - less).toBeCloseTo(30 * (1 + 5), 6);
    expect(monthly(day, { objects: 1, kv: 1, r2: 1 }) - monthly(day, free)).toBeCloseTo(0.715, 6);
  });

  test("stores in proportion to the users, and snapshots of 30 days", () => {
    expect(storedOf(measured, 10_000, 10_000)).toEqual({ objects: 0.05, kv: 0.01, r2: 0.3 });
  });

  test("grows no faster than the org", () => {
    const [small, large] = [dayOf(measured, 1000, 0), dayOf(measured, 10_000, 0)];
    expect(large.rowsWritten).toBeLessThanOrEqual(10 * small.rowsWritten);
    expect(large.oktaCalls).toBeLessThanOrEqual(10 * small.oktaCalls);
  });

  test("tells the free plan's ceiling and what ends it", () => {
    // 1,000 KV writes a day are 333 look-ups.
    expect(freeCeiling(measured, 1)).toEqual({ users: 300, limit: "KV writes" });
    // 100,000 rows a day are five times the measured org's.
    expect(firstRunCeiling(measured)).toBe(5000);
  });
});

describe("rows that piled up", () => {
  const of = (rows: Record<string, number>) => ({ users: { rows, bytes: 0 } });

  test("are those beyond a new inventory's; runs have a hundred, assets are judged elsewhere", () => {
    const aged = of({ groups: 12, memberships: 50, runs: 101, assets: 400, stale: 0 });
    const { count, detail } = rowsBeyond(
      aged,
      of({ groups: 10, memberships: 50, runs: 1, assets: 300, stale: 0 }),
    );
    expect(count).toBe(3);
    expect(detail).toBe("  users: groups has 12 rows, not 10\n  users: runs has 101 rows, not 100");
  });

  test("are none where nothing piled up", () => {
    expect(rowsBeyond(of({ groups: 10, runs: 100 }), of({ groups: 10, runs: 1 })).count).toBe(0);
  });
});
