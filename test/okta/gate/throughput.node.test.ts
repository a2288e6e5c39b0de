/** Politeness must not make a run slower than needed: steady work reaches its part of the share. */
import { expect, test } from "vitest";
import { Simulation } from "./simulation.ts";

const STEP_MS = 25;
const MINUTES = 10;

test.each([
  ["every call is answered", Number.POSITIVE_INFINITY],
  ["one call in a hundred is lost", 100],
  ["one call in ten is lost", 10],
])("a run that takes permits in batches uses its share up when %s", (_, lostEvery) => {
  const users = { limit: 600, windowMs: 60_000, phaseMs: 0, others: 0 };
  const simulation = new Simulation({ drains: { "/api/v1/users": users }, share: 0.5, skewMs: 0 }, [
    "background",
  ]);
  let calls = 0;
  let held = 0;
  for (let at = 0; at < MINUTES * 60_000; at += STEP_MS) {
    if (held === 0) held = simulation.ask(0, 0, 20);
    if (held > 0) {
      held -= 1;
      calls += 1;
      const answered = calls % lostEvery !== 0;
      simulation.run([{ do: "call", holder: 0, bucket: 0, calls: 1, latencyMs: 150, answered }]);
    }
    simulation.run([{ do: "wait", ms: STEP_MS }]);
  }
  // Of 600 calls a minute half are ours, of which a fifth is left to look-ups, and a tenth to delta runs. Lost calls
  // may be probed for.
  expect(simulation.fullest).toBeLessThanOrEqual(0.7 + Math.min(3, simulation.probes) / 300);
  expect(calls).toBeGreaterThan(MINUTES * 210 * 0.98);
});
