import fc from "fast-check";
import { expect, test } from "vitest";
import { SLOTS, slotAt, slotBegins } from "../../src/inventory/hours.ts";
import { rollingBudget } from "../../src/sync/phases/rolling.ts";
import { examples } from "../support/seeds.ts";

const DAY_MS = 86_400_000;
const QUARTER_MS = 15 * 60_000;

test("a slot has begun when it is the last one that has", () => {
  fc.assert(
    fc.property(fc.integer({ min: 0, max: 4e12 }), fc.integer({ min: 1, max: 90 }), (now, days) => {
      const slot = slotAt(now, days * DAY_MS);
      // Within the precision of a number.
      expect(slotBegins(slot, days * DAY_MS)).toBeLessThanOrEqual(now + 1);
      expect(slotBegins(slot + 1, days * DAY_MS)).toBeGreaterThan(now - 1);
    }),
    examples(300),
  );
});

test.each([1, 7, 30])(
  "a million users are read within %i days, and half of the delta runs may be missed",
  (days) => {
    const budget = rollingBudget(1_000_000, days * DAY_MS);
    expect(budget * ((days * DAY_MS) / QUARTER_MS)).toBeGreaterThanOrEqual(2_000_000);
    // Never all at once: no quarter of an hour has more than twice its share.
    expect(budget).toBeLessThanOrEqual(Math.ceil((2_000_000 * QUARTER_MS) / (days * DAY_MS)));
  },
);

test("the hours of any assets in a row are spread over the whole period", () => {
  fc.assert(
    fc.property(fc.integer({ min: 1, max: 1e6 }), fc.integer({ min: 16, max: 5_000 }), (first, count) => {
      const parts = new Array<number>(16).fill(0);
      for (let number = first; number < first + count; number++) {
        const slot = (number * 40_503) % SLOTS;
        const part = Math.floor((16 * slot) / SLOTS);
        parts[part] = (parts[part] ?? 0) + 1;
      }
      for (const n of parts) expect(Math.abs(n - count / 16)).toBeLessThan(4 + count / 100);
    }),
    examples(100),
  );
});
