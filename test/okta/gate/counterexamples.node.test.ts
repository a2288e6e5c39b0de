/** Orders of events in which the gate once let us take more than our share of a window. */
import { describe, expect, test } from "vitest";
import type { Bucket } from "../../../src/okta/endpoints.ts";
import type { Priority } from "../../../src/okta/gate/ledger-state.ts";
import { allowance } from "../../../src/okta/gate/parts.ts";
import { Simulation, type Step, type TrueBucket } from "./simulation.ts";

const BUCKETS: readonly Bucket[] = ["/api/v1/users", "/api/v1", "/api/v1/groups"];

const ask = (holder: number, bucket: number, want = 1): Step => ({ do: "ask", holder, bucket, want });
const call = (holder: number, bucket: number, calls = 1, latencyMs = 0): Step => ({
  do: "call",
  holder,
  bucket,
  calls,
  latencyMs,
  answered: true,
});
const lost = (holder: number, bucket: number): Step => ({
  do: "call",
  holder,
  bucket,
  calls: 1,
  latencyMs: 0,
  answered: false,
});
const wait = (ms: number): Step => ({ do: "wait", ms });
const restart = (holder: number): Step => ({ do: "restart", holder });

interface Example {
  readonly limit: number;
  readonly windowMs: number;
  readonly share: number;
  readonly holders: readonly Priority[];
  /** All three of our buckets are one and the same of Okta's. */
  readonly steps: readonly Step[];
}

const run = ({ limit, windowMs, share, holders, steps }: Example): Simulation => {
  const one: TrueBucket = { limit, windowMs, phaseMs: 0, others: 0 };
  const drains = Object.fromEntries(BUCKETS.map((bucket) => [bucket, one]));
  const simulation = new Simulation({ drains, share, skewMs: 0 }, holders);
  simulation.run(steps);
  return simulation;
};

const BACKGROUND: readonly Priority[] = ["background", "background"];

describe("background work alone leaves the parts of look-ups and delta runs", () => {
  const examples: readonly (readonly [string, Example])[] = [
    [
      "when an answer that names the window before is booked after a later call was lost",
      {
        limit: 60,
        windowMs: 3000,
        share: 0.25,
        holders: BACKGROUND,
        steps: [
          ...[ask(0, 1), wait(36_000), call(0, 1), wait(54_800)],
          // Answered in one window; its answer is reported in the next, after a call there was lost.
          ...[ask(1, 1), call(1, 1), wait(1000)],
          ...[ask(0, 1), lost(0, 1), ask(0, 0), ask(1, 0), call(0, 0)],
          ...[ask(0, 1, 3), ask(0, 0), call(0, 0), ask(0, 0), call(0, 0), ask(0, 0), call(0, 1, 3)],
          ...Array.from({ length: 6 }, () => [call(0, 0), ask(0, 0)]).flat(),
          call(0, 0),
        ],
      },
    ],
    [
      "when a holder restarts that has learned the size of one of three unknown buckets",
      {
        limit: 20,
        windowMs: 10_000,
        share: 0.25,
        holders: BACKGROUND,
        steps: [
          ...[ask(0, 0), call(0, 0, 1, 14), ask(0, 2), ask(1, 1)],
          ...[call(1, 1, 2, 32), call(0, 2, 1, 44)],
          ...[restart(0), ask(0, 2), ask(0, 0), call(0, 0), call(0, 2)],
        ],
      },
    ],
    [
      "while nobody knows the size of a small bucket and its calls are lost",
      {
        limit: 20,
        windowMs: 3000,
        share: 0.25,
        holders: BACKGROUND,
        steps: [
          ...[ask(0, 1), ask(0, 0), lost(0, 0), lost(0, 1), ask(0, 1), lost(0, 1), ask(0, 0), ask(1, 1)],
          ...[lost(1, 1), ask(1, 1), call(0, 0, 2), call(1, 1, 3)],
        ],
      },
    ],
  ];

  test.each(examples)("%s", (_, example) => {
    const part = allowance(example.limit, example.share, "background");
    expect(
      Math.max(
        ...run(example)
          .windows()
          .map(({ by }) => by.background),
      ),
    ).toBeLessThanOrEqual(part);
  });
});

describe("a holder that dies while its calls are on their way to Okta does not make the share too large", () => {
  /** The size of the bucket is known, and a delta run holds three permits. A full run then gets the 17 that are left. */
  const learned: readonly Step[] = [ask(0, 0), call(0, 0), { do: "done", holder: 0 }, ask(1, 0, 3)];
  const examples: readonly (readonly [string, readonly Step[]])[] = [
    [
      "when an answer comes before they land",
      [...learned, wait(900), ask(0, 0, 40), call(0, 0, 17, 8000), restart(0), ask(0, 0)].concat([
        ...[wait(1500), call(1, 0), ask(1, 0), ask(0, 0, 40), call(0, 0, 40), wait(5000)],
      ]),
    ],
    [
      "when an answer comes after they land to a call that landed before",
      [...learned, call(1, 0, 1, 9000), wait(1900), ask(0, 0, 40), call(0, 0, 17, 8000)].concat([
        ...[restart(0), wait(90), ask(0, 0), wait(7100), ask(1, 0), ask(0, 0, 40), call(0, 0, 40)],
      ]),
    ],
  ];
  test.each(examples)("%s", (_, steps) => {
    const simulation = run({
      limit: 60,
      windowMs: 60_000,
      share: 0.5,
      holders: ["background", "follow"],
      steps,
    });
    expect(simulation.windows().some(({ total }) => total >= 18)).toBe(true);
    expect(simulation.overshare()).toBe(0);
  });
});

test("look-ups and background work together stay within the share of a small bucket that they learn together", () => {
  const simulation = run({
    limit: 20,
    windowMs: 60_000,
    share: 0.5,
    holders: [...BACKGROUND, "interactive"],
    steps: [
      ...[ask(2, 0), ask(0, 1), call(2, 0, 1, 797), restart(2), lost(0, 1), ask(2, 0), lost(2, 0)],
      ...[wait(2000), ask(0, 0), ask(1, 1), ask(2, 2), lost(1, 1), ask(1, 0), lost(2, 2), ask(0, 1)],
      ...[lost(1, 0), wait(2000), ask(1, 0), lost(0, 1), ask(0, 2), ask(2, 2), call(1, 0, 1, 1661)],
      ...[ask(1, 1), lost(1, 1), ask(1, 0), ask(0, 1), call(2, 2, 1, 2190), call(0, 1)],
    ],
  });
  expect(simulation.overshare()).toBe(0);
});
