/** Marks against what the checks' titles say, and how long they hold. */
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { type Datings, hasMark, type MarkName, marks, marksOf } from "../../src/inventory/marks.ts";
import { examples } from "../support/seeds.ts";

const DAY = 86_400;
const NOW = 1_760_000_000;

const nothing: Datings = {
  isDevice: false,
  lastLogin: NOW,
  created: NOW,
  passwordChanged: null,
  newestFactor: null,
  hasUndatedFactor: false,
  newestRole: null,
  newestGroupRole: null,
  newestToldRole: null,
  lastSeen: null,
  isOfAdmin: false,
};
const device: Datings = { ...nothing, isDevice: true, lastLogin: null, lastSeen: NOW };

const namesOf = (set: number): MarkName[] =>
  (Object.keys(marks) as MarkName[]).filter((name) => hasMark(set, name));

/** What a title says, at a moment: longer ago than so many days, or within them. */
const isOlder = (at: number | null, days: number, now: number) => at !== null && now - at > days * DAY;
const isWithin = (at: number | null, days: number, now: number) => at !== null && now - at <= days * DAY;

const expected = (it: Datings, now: number): MarkName[] =>
  (
    [
      ["idle30", !it.isDevice && isOlder(it.lastLogin, 30, now)],
      ["idle90", !it.isDevice && isOlder(it.lastLogin, 90, now)],
      ["unused30", !it.isDevice && it.lastLogin === null && isOlder(it.created, 30, now)],
      ["undatedCreation", !it.isDevice && it.lastLogin === null && it.created === null],
      ["password365", !it.isDevice && isOlder(it.passwordChanged, 365, now)],
      ["factor24h", !it.isDevice && isWithin(it.newestFactor, 1, now)],
      ["undatedFactor", !it.isDevice && it.hasUndatedFactor],
      ["role7d", !it.isDevice && isWithin(it.newestRole, 7, now)],
      ["groupRole7d", !it.isDevice && isWithin(it.newestGroupRole, 7, now)],
      ["toldRole7d", !it.isDevice && isWithin(it.newestToldRole, 7, now)],
      ["unseen90", it.isDevice && isOlder(it.lastSeen, 90, now)],
      ["undatedSight", it.isDevice && it.lastSeen === null],
      ["ofAdmin", it.isDevice && it.isOfAdmin === true],
      ["maybeOfAdmin", it.isDevice && it.isOfAdmin === null],
    ] as const
  ).flatMap(([name, is]) => (is ? [name] : []));

/** A time around one of the bounds, or none. */
const time = fc.option(
  fc
    .tuple(fc.constantFrom(0, 1, 7, 30, 90, 365, 400), fc.integer({ min: -2, max: 2 }))
    .map(([days, seconds]) => NOW - days * DAY + seconds),
  { nil: null },
);
const datings: fc.Arbitrary<Datings> = fc.record({
  isDevice: fc.boolean(),
  lastLogin: time,
  created: time,
  passwordChanged: time,
  newestFactor: time,
  hasUndatedFactor: fc.boolean(),
  newestRole: time,
  newestGroupRole: time,
  newestToldRole: time,
  lastSeen: time,
  isOfAdmin: fc.constantFrom(true, false, null),
});

describe("marks", () => {
  test("no two share a bit, and each is one", () => {
    const bits = Object.values(marks);
    expect(new Set(bits).size).toBe(bits.length);
    for (const bit of bits) expect(Math.log2(bit) % 1).toBe(0);
  });

  test.each([
    ["somebody about whom there is nothing to remark", nothing, []],
    ["a sign-in 30 days ago", { ...nothing, lastLogin: NOW - 30 * DAY }, []],
    ["a sign-in a second before that", { ...nothing, lastLogin: NOW - 30 * DAY - 1 }, ["idle30"]],
    ["a sign-in more than 90 days ago", { ...nothing, lastLogin: NOW - 91 * DAY }, ["idle30", "idle90"]],
    ["nobody has ever signed in", { ...nothing, lastLogin: null, created: NOW - 31 * DAY }, ["unused30"]],
    ["nor since a month", { ...nothing, lastLogin: null, created: NOW - 29 * DAY }, []],
    ["nobody knows since when", { ...nothing, lastLogin: null, created: null }, ["undatedCreation"]],
    ["an old password", { ...nothing, passwordChanged: NOW - 366 * DAY }, ["password365"]],
    ["no password", { ...nothing, passwordChanged: null }, []],
    ["a factor of yesterday, 24 hours ago", { ...nothing, newestFactor: NOW - DAY }, ["factor24h"]],
    ["a second before that", { ...nothing, newestFactor: NOW - DAY - 1 }, []],
    ["a factor dated ahead of our clock", { ...nothing, newestFactor: NOW + 60 }, ["factor24h"]],
    ["a role of this week", { ...nothing, newestRole: NOW - 6 * DAY }, ["role7d"]],
    ["a device that was seen today", device, []],
    ["a device that was not seen", { ...device, lastSeen: NOW - 91 * DAY }, ["unseen90"]],
    ["a device of which it is unknown", { ...device, lastSeen: null }, ["undatedSight"]],
    ["a device of an administrator", { ...device, isOfAdmin: true }, ["ofAdmin"]],
    ["a device of somebody who may be one", { ...device, isOfAdmin: null }, ["maybeOfAdmin"]],
  ] as const)("%s", (_, it, names) => {
    expect(namesOf(marksOf(it, NOW).marks)).toEqual(names);
  });

  test("are what their titles say, at any moment", () => {
    fc.assert(
      fc.property(datings, fc.double({ min: -400 * DAY, max: 400 * DAY, noNaN: true }), (it, later) => {
        const now = NOW + later;
        expect(namesOf(marksOf(it, now).marks)).toEqual(expected(it, now));
      }),
      examples(300),
    );
  });

  test("hold exactly until they say", () => {
    fc.assert(
      fc.property(datings, fc.double({ min: 0, max: 1, noNaN: true }), (it, part) => {
        const { marks: now, until } = marksOf(it, NOW);
        if (until === null) {
          for (const days of [1, 30, 400, 4000]) expect(marksOf(it, NOW + days * DAY).marks).toBe(now);
          return;
        }
        expect(until).toBeGreaterThanOrEqual(NOW);
        expect(marksOf(it, NOW + (until - NOW) * part).marks).toBe(now);
        expect(marksOf(it, until).marks).toBe(now);
        expect(marksOf(it, until + 0.001).marks).not.toBe(now);
      }),
      examples(300),
    );
  });
});
