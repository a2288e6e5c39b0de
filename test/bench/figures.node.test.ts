import { describe, expect, test } from "vitest";
import { dayOf } from "../../dev/bench/sections/cost.ts";
import { stepsOf } from "../../dev/bench/sections/engine.ts";
import type { Measured } from "../../dev/bench/sections/runs.ts";

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

describe("a day's bill", () => {
  const bill = (rowsRead: number, rowsWritten: number) => ({ rowsRead, rowsWritten });
  const measured: Measured = {
    users: 1000,
    fullCalls: 1100,
    idleCalls: 5,
    deltaCalls: 15,
    msPerUser: 1,
    peakMb: 1,
    bills: {
      first: bill(0, 0),
      again: bill(1000, 500),
      idle: bill(10, 50),
      delta: bill(100, 200),
      refresh: bill(8000, 2500),
    },
    seconds: { first: 1, again: 1, idle: 1, delta: 1 },
  };

  test("is a full run, 95 deltas of which 40 find a tenth of a percent changed, and a seventh of the factors", () => {
    const day = dayOf(measured, 1000);
    expect(day.rowsWritten).toBeCloseTo(500 + 95 * 50 + 4 * 200 + (1000 / 7) * 2, 6);
    expect(day.rowsRead).toBeCloseTo(1000 + 95 * 10 + 4 * 100 + (1000 / 7) * 7, 6);
    expect(day.calls).toBeCloseTo(100 + 1000 / 7 + 95 * 5 + 4 * 10, 6);
  });

  test("grows no faster than the org", () => {
    const [small, large] = [dayOf(measured, 1000), dayOf(measured, 10_000)];
    expect(large.rowsWritten).toBeLessThanOrEqual(10 * small.rowsWritten);
    expect(large.calls).toBeLessThanOrEqual(10 * small.calls);
  });
});
