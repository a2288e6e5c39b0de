/** The ledger against a model of Okta's buckets, which counts what really lands in each of its windows. */
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import type { Priority } from "../../../src/okta/gate/ledger-state.ts";
import { examples } from "../../support/seeds.ts";
import { Simulation, type Step, type TrueBucket, type World } from "./simulation.ts";

const USERS = "/api/v1/users";
const REST = "/api/v1";

const trueBucket: fc.Arbitrary<TrueBucket> = fc.record({
  limit: fc.constantFrom(20, 60, 100, 600),
  windowMs: fc.constantFrom(3000, 60_000),
  phaseMs: fc.integer({ min: 0, max: 59_999 }),
  others: fc.constantFrom(0, 0, 0, 3, 60),
});

const OURS = [USERS, REST, "/api/v1/groups"] as const;

/** Worlds where each of our buckets is one of Okta's, and worlds where some of ours are the same one of Okta's. */
const world: fc.Arbitrary<World> = fc.record({
  drains: fc
    .record({
      buckets: fc.tuple(trueBucket, trueBucket, trueBucket),
      which: fc.tuple(fc.nat(2), fc.nat(2), fc.nat(2)),
    })
    .map(({ buckets, which }): World["drains"] =>
      Object.fromEntries(OURS.map((bucket, index) => [bucket, buckets[which[index] ?? 0] ?? buckets[0]])),
    ),
  share: fc.constantFrom(0.25, 0.5, 1),
  skewMs: fc.integer({ min: -3_600_000, max: 3_600_000 }),
});

const place = { holder: fc.nat(4), bucket: fc.nat(2) };
const step: fc.Arbitrary<Step> = fc.oneof(
  {
    weight: 4,
    arbitrary: fc.record({
      do: fc.constant("ask" as const),
      ...place,
      want: fc.integer({ min: 1, max: 40 }),
    }),
  },
  {
    weight: 12,
    arbitrary: fc.record({
      do: fc.constant("call" as const),
      ...place,
      calls: fc.integer({ min: 1, max: 40 }),
      latencyMs: fc.oneof(fc.constant(0), fc.integer({ min: 1, max: 30_000 })),
      answered: fc.nat(9).map((n) => n > 0),
      lands: fc.nat(9).map((n) => n > 0),
    }),
  },
  {
    weight: 4,
    arbitrary: fc.record({
      do: fc.constant("wait" as const),
      ms: fc.oneof(fc.integer({ min: 1, max: 300 }), fc.integer({ min: 300, max: 20_000 })),
    }),
  },
  { weight: 1, arbitrary: fc.record({ do: fc.constant("restart" as const), holder: fc.nat(4) }) },
  { weight: 1, arbitrary: fc.record({ do: fc.constant("unheard" as const), holder: fc.nat(4) }) },
  { weight: 1, arbitrary: fc.record({ do: fc.constant("done" as const), holder: fc.nat(4) }) },
);
const steps: fc.Arbitrary<Step[]> = fc.array(step, { minLength: 100, maxLength: 400, size: "max" });

const holders = fc
  .shuffledSubarray<Priority>(["background", "background", "follow", "follow", "interactive"], {
    minLength: 2,
  })
  .filter((priorities) => priorities.includes("background"));

/** What delta and full runs together, and full runs alone, may have of a share of `cap` calls a window, probes aside. */
const partsOf = (cap: number) => {
  const reserve = Math.floor((cap + 4) / 5);
  const lane = Math.max(2, Math.floor((cap + 9) / 10));
  return {
    runs: Math.max(1, cap - reserve),
    sweep: Math.max(1, cap - reserve - lane),
    mostProbes: cap === 1 ? 0 : Math.min(3, Math.max(1, Math.floor(reserve / 2))),
  };
};

const expectParts = (simulation: Simulation): void => {
  for (const { limit, by } of simulation.windows()) {
    const { runs, sweep, mostProbes } = partsOf(simulation.cap(limit));
    const probes = Math.min(simulation.probes, mostProbes);
    expect(by.follow + by.background).toBeLessThanOrEqual(runs + probes);
    expect(by.background).toBeLessThanOrEqual(sweep + probes);
  }
};

describe("for any order of grants, calls, late or lost answers, and restarts", () => {
  test("no window of any true bucket ever sees more than our share", () => {
    fc.assert(
      fc.property(world, steps, holders, (truth, order, priorities) => {
        const simulation = new Simulation(truth, priorities);
        simulation.run(order);
        expect(simulation.overshare()).toBe(0);
      }),
      examples(300),
    );
  });

  test("nor more than delta and full runs may have together, or full runs alone", () => {
    fc.assert(
      fc.property(world, steps, holders, (truth, order, priorities) => {
        const simulation = new Simulation(truth, priorities);
        simulation.run(order);
        expectParts(simulation);
      }),
      examples(300),
    );
  });

  test("nothing stalls for good: after two minutes of silence there are permits again", () => {
    fc.assert(
      fc.property(world, steps, (truth, order) => {
        const simulation = new Simulation({ ...truth }, ["background", "interactive"]);
        simulation.run([...order, { do: "wait", ms: 200_000 }]);
        // Whoever asks first finds that the silent ones are gone; what they held is forgotten a minute later.
        simulation.run([
          { do: "ask", holder: 0, bucket: 0, want: 0 },
          { do: "wait", ms: 70_000 },
        ]);
        for (const bucket of [0, 1, 2]) {
          simulation.run([
            { do: "restart", holder: 0 },
            { do: "wait", ms: 70_000 },
          ]);
          expect(simulation.ask(0, bucket, 1)).toBe(1);
        }
      }),
      examples(100),
    );
  });
});

/** Small buckets, whose holders die with what they hold while calls are on their way. */
const killed = {
  world: fc.record({
    drains: fc
      .record({
        limit: fc.constantFrom(20, 20, 60),
        windowMs: fc.constantFrom(3000, 60_000),
        phaseMs: fc.integer({ min: 0, max: 59_999 }),
        others: fc.constantFrom(0, 0, 2),
        same: fc.boolean(),
      })
      .map(({ same, ...bucket }): World["drains"] => ({
        [USERS]: bucket,
        [REST]: same ? bucket : { ...bucket, phaseMs: (bucket.phaseMs + 1234) % 60_000 },
      })),
    share: fc.constantFrom(0.05, 0.1, 0.25, 0.5, 1),
    skewMs: fc.constant(0),
  }),
  steps: fc
    .array(
      fc.record({
        holder: fc.nat(2),
        bucket: fc.constantFrom(0, 0, 0, 1),
        calls: fc.integer({ min: 1, max: 30 }),
        latencyMs: fc.constantFrom(0, 100, 3000, 9000),
        answered: fc.nat(9).map((n) => n > 0),
        lands: fc.nat(5).map((n) => n > 0),
        thenMs: fc.constantFrom(0, 500, 2000, 6000),
        dies: fc.nat(3).map((n) => n === 0),
        backAfterMs: fc.constantFrom(0, 500, 4000, 6000),
      }),
      { minLength: 40, maxLength: 120, size: "max" },
    )
    .map((turns) =>
      turns.flatMap(({ thenMs, dies, backAfterMs, ...turn }): Step[] => [
        { do: "ask", ...turn, want: 40 },
        { do: "call", ...turn },
        { do: "wait", ms: thenMs },
        ...(dies ? ([{ do: "restart", holder: turn.holder }] as const) : []),
        { do: "wait", ms: backAfterMs },
      ]),
    ),
};

test("killed again and again, holders stay within the share and its parts, and most of them probe", () => {
  let probes = 0;
  fc.assert(
    fc.property(killed.world, killed.steps, holders, (truth, order, priorities) => {
      const simulation = new Simulation(truth, priorities);
      simulation.run(order);
      expect(simulation.overshare()).toBe(0);
      expectParts(simulation);
      probes += simulation.probes;
    }),
    examples(300),
  );
  expect(probes).toBeGreaterThan(examples(300).numRuns / 2);
});
