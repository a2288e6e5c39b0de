import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { earlyGroups, planMemberships, predictUsers } from "../../src/streams/plan.ts";
import { examples } from "../support/seeds.ts";

/** A group as the planner knows it: its members, and whether it gives roles. */
const groups = fc
  .array(
    fc.record({
      usersCount: fc.oneof(
        { weight: 6, arbitrary: fc.integer({ min: 1, max: 40 }) },
        { weight: 2, arbitrary: fc.integer({ min: 900, max: 2_100 }) },
        { weight: 1, arbitrary: fc.integer({ min: 5_000, max: 30_000 }) },
      ),
      givesRoles: fc.boolean(),
    }),
    { maxLength: 400 },
  )
  .map((list) => list.map((each, index) => ({ id: `00g${String(index).padStart(4, "0")}`, ...each })));

describe("the calls of a full run", () => {
  test("are no more than the formula allows, groups with roles of 5,000 members and more among them", () => {
    fc.assert(
      fc.property(
        groups,
        fc.integer({ min: 1, max: 60_000 }),
        fc.integer({ min: 0, max: 2_000 }),
        fc.integer({ min: 0, max: 300 }),
        fc.integer({ min: 0, max: 500 }),
        fc.boolean(),
        (all, active, deprovisioned, listed, empty, isFirst) => {
          const users = active + deprovisioned;
          const withRoles = all.filter(({ givesRoles }) => givesRoles).length;
          const { calls } = planMemberships(all, active, isFirst);
          const predicted = predictUsers({
            users,
            active,
            groups: all.length + empty + 1,
            membershipCalls: calls,
            admins: listed,
            groupsWithRoles: withRoles,
            factors: isFirst ? active : 0,
          });
          // The formula as the design has it.
          const members = all.reduce((sum, { usersCount }) => sum + Math.ceil(usersCount / 1000), 0);
          const formula =
            Math.ceil(users / 200) +
            Math.ceil((all.length + empty + 1) / 200) +
            Math.min(members, active) +
            Math.ceil(listed / 100) +
            listed +
            withRoles +
            (isFirst ? active : 0);
          expect(predicted).toBeLessThanOrEqual(formula * 1.02 + 10);
        },
      ),
      examples(500),
    );
  });

  test("list a few groups that give roles early, no more than a fiftieth of the users and four", () => {
    fc.assert(
      fc.property(groups, fc.integer({ min: 1, max: 60_000 }), (all, active) => {
        const early = earlyGroups(all, active);
        const calls = early.reduce((sum, { usersCount }) => sum + Math.ceil((usersCount ?? 1) / 1000), 0);
        expect(calls).toBeLessThanOrEqual(active <= 200 ? 0 : active / 50 + 4);
        expect(early.every(({ givesRoles }) => givesRoles)).toBe(true);
        // What is left out did not fit.
        if (active > 200 && calls < active / 50) {
          const rest = all.filter((each) => each.givesRoles && !early.includes(each));
          for (const { usersCount } of rest)
            expect(calls + Math.ceil(usersCount / 1000)).toBeGreaterThan(Math.floor(active * 0.02) + 4);
        }
      }),
      examples(300),
    );
  });
});
