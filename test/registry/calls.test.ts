/** Calls of tools, as they are counted: sums for ever, days for 30 days, and no kinds without end. */
import { runInDurableObject } from "cloudflare:test";
import { env } from "cloudflare:workers";
import { describe, expect, test } from "vitest";
import { addCalls, MOST_KINDS_OF_CALLS } from "../../src/contract/calls.ts";
import { CallStore } from "../../src/registry/calls.ts";

const DAY = 86_400_000;
const NOW = Date.parse("2026-03-31T23:30:00Z");
const call = (calls: number, outcome = "ok", tool = "posture") => ({
  tool,
  key: "API_KEYS[0]",
  outcome,
  calls,
});

const withStore = (name: string, work: (store: CallStore) => void): Promise<void> =>
  runInDurableObject(env.REGISTRY.getByName(name), (_, { storage }) => work(new CallStore(storage.sql)));

describe("counted calls", () => {
  test("are summed by tool, key and outcome, in all and day by day", () =>
    withStore("calls-1", (store) => {
      store.add([call(2), call(1, "refused")], NOW);
      store.add([call(3)], NOW + 60_000);
      store.add([call(5)], NOW + DAY);
      const history = store.history(true, NOW + DAY);
      expect(history.total).toEqual([call(10), call(1, "refused")]);
      expect(history.days).toEqual([
        { day: "2026-04-01", ...call(5) },
        { day: "2026-03-31", ...call(5) },
        { day: "2026-03-31", ...call(1, "refused") },
      ]);
      expect(store.history(false, NOW)).toEqual({ total: history.total, days: [] });
    }));

  test("are kept for 30 days, and their sums for ever", () =>
    withStore("calls-2", (store) => {
      for (let day = 0; day < 40; day++) store.add([call(1)], NOW + day * DAY);
      const { total, days } = store.history(true, NOW + 39 * DAY);
      expect(total).toEqual([call(40)]);
      expect(days).toHaveLength(30);
      expect(days[0]?.day).toBe("2026-05-09");
      expect(days.at(-1)?.day).toBe("2026-04-10");
      // Also while nobody calls.
      expect(store.history(true, NOW + 45 * DAY).days).toHaveLength(24);
    }));

  test("of more kinds than that are not told apart", () => {
    const many = Array.from({ length: MOST_KINDS_OF_CALLS + 10 }, (_, n) => call(1, "ok", `tool${n}`));
    const sum = addCalls([], many);
    expect(sum).toHaveLength(MOST_KINDS_OF_CALLS);
    expect(addCalls(sum, [call(4, "ok", "tool0")])[0]).toEqual(call(5, "ok", "tool0"));
  });
});
