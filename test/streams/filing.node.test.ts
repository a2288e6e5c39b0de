/** What follows from users' records alone. */
import { expect, test } from "vitest";
import { everyoneHoldsDeprovisioned } from "../../src/streams/users/filing.ts";

test.each([
  ["as many members as users", { count: 100, listed: 100, active: 80, changes: 0 }, true],
  [
    "as many members as users that are not DEPROVISIONED",
    { count: 80, listed: 100, active: 80, changes: 0 },
    false,
  ],
  [
    "a few users less since the members were counted",
    { count: 103, listed: 100, active: 80, changes: 3 },
    true,
  ],
  ["a few users more since then", { count: 78, listed: 100, active: 80, changes: 2 }, false],
  ["no DEPROVISIONED users", { count: 100, listed: 100, active: 100, changes: 0 }, null],
  // Two users were deleted: the old count of the active ones is the new count of all.
  ["as many changes as DEPROVISIONED users", { count: 30, listed: 30, active: 28, changes: 2 }, null],
  ["numbers that fit nothing", { count: 10, listed: 100, active: 80, changes: 1 }, null],
])("whether Everyone holds DEPROVISIONED users, with %s", (_, numbers, expected) => {
  expect(everyoneHoldsDeprovisioned(numbers)).toBe(expected);
});
