import { describe, expect, test } from "vitest";
import {
  type DayCounts,
  daysWords,
  dayWords,
  drawingOf,
  drawingWords,
  HEIGHT,
  isDot,
  spansOf,
  WIDTH,
} from "../../src/console/trend.ts";

const NOW = Date.parse("2026-12-10T12:00:00.000Z");

/** A day in December. */
const on = (day: number, count: number, others: Partial<DayCounts> = {}): DayCounts => ({
  day: `2026-12-${String(day).padStart(2, "0")}`,
  count,
  unknown: 0,
  excepted: 0,
  population: 100,
  ...others,
});

const allUnknown = { unknown: 100 };

const drawn = (days: readonly DayCounts[]) => {
  const drawing = drawingOf(days);
  if (drawing === null) throw new Error("nothing is drawn");
  return drawing;
};

describe("a line", () => {
  test("goes from the first day to the last one, and from 0 to the greatest count", () => {
    const { lines, highest } = drawn([on(1, 0), on(2, 4), on(3, 2)]);
    expect(lines).toEqual([`M0 ${HEIGHT}h0L${WIDTH / 2} 0L${WIDTH} ${HEIGHT / 2}`]);
    expect(highest.count).toBe(4);
  });

  test("lies on the ground where nothing was ever found", () => {
    expect(drawn([on(1, 0), on(2, 0)]).lines).toEqual([`M0 ${HEIGHT}h0L${WIDTH} ${HEIGHT}`]);
  });

  test.each([
    ["a day without a point", [on(1, 1), on(2, 1), on(4, 1), on(5, 1)], 2, 1],
    ["a day of which all is unknown", [on(1, 1), on(2, 0, allUnknown), on(3, 1), on(4, 1)], 2, 1],
    ["a day with nobody to check", [on(1, 1), on(2, 0, { population: 0 }), on(3, 1)], 2, 1],
    ["a 0 that is not certain", [on(1, 1), on(2, 1), on(3, 0, { unknown: 1 }), on(4, 1)], 2, 1],
    ["a day by itself", [on(1, 1), on(2, 1), on(5, 1), on(9, 1)], 3, 5],
  ])("has a gap for %s", (_, days, lines, missing) => {
    expect(drawn(days).lines.length).toBe(lines);
    expect(drawn(days).missing).toBe(missing);
  });

  test("ends with the last day, whether that has a count or not", () => {
    const { ends, lines } = drawn([on(1, 0, allUnknown), on(2, 1), on(3, 1), on(5, 0, allUnknown)]);
    expect(ends).toEqual(["2026-12-01", "2026-12-05"]);
    expect(lines).toEqual([`M${WIDTH / 4} 0h0L${WIDTH / 2} 0`]);
  });

  test("is a dot for a day by itself", () => {
    expect(drawn([on(1, 1), on(2, 1), on(5, 1)]).lines.map(isDot)).toEqual([false, true]);
  });

  test.each([
    ["no day", []],
    ["one day", [on(1, 5)]],
    ["one day of which something is known", [on(1, 5), on(2, 0, allUnknown)]],
  ])("is not drawn of %s", (_, days) => {
    expect(drawingOf(days)).toBeNull();
  });
});

test.each([
  [[on(3, 1), on(4, 4)], on(10, 4), "1 on 3 December, 4 now"],
  [[on(3, 1), on(4, 7), on(5, 3)], on(10, 4), "1 on 3 December, at most 7 on 4 December, 4 now"],
  [[on(3, 1200), on(6, 4)], on(10, 0), "1,200 on 3 December, 0 now, not known on 2 days"],
  [
    [on(3, 1), on(4, 2), on(6, 2)],
    on(10, 0, allUnknown),
    "1 on 3 December, 2 on 6 December, unknown now, not known on 1 day",
  ],
])("a line is told in words: %#", (days, current, words) => {
  expect(drawingWords(drawn(days), current, NOW)).toBe(words);
});

test("days have their year where it is another one, and days in a row their month once", () => {
  expect(dayWords("2026-12-03", NOW)).toBe("3 December");
  expect(dayWords("2025-12-03", NOW)).toBe("3 December 2025");
  expect(daysWords("2026-12-03", "2026-12-03", NOW)).toBe("3 December");
  expect(daysWords("2026-12-03", "2026-12-09", NOW)).toBe("3 to 9 December");
  expect(daysWords("2026-11-28", "2026-12-03", NOW)).toBe("28 November to 3 December");
  expect(daysWords("2025-12-03", "2026-12-09", NOW)).toBe("3 December 2025 to 9 December");
});

test("days in a row that are alike are one row, the newest first, and days without a point too", () => {
  const days = [on(1, 1), on(2, 1), on(3, 2), on(6, 2), on(7, 2, { unknown: 1 }), on(8, 2, { excepted: 1 })];
  expect(spansOf(days).map(({ from, to, counts }) => [from, to, counts?.count ?? null])).toEqual([
    ["2026-12-08", "2026-12-08", 2],
    ["2026-12-07", "2026-12-07", 2],
    ["2026-12-06", "2026-12-06", 2],
    ["2026-12-04", "2026-12-05", null],
    ["2026-12-03", "2026-12-03", 2],
    ["2026-12-01", "2026-12-02", 1],
  ]);
  expect(spansOf([])).toEqual([]);
});
