import { describe, expect, test } from "vitest";
import { allowance, mostProbes } from "../../../src/okta/gate/parts.ts";

describe("the parts of a share", () => {
  test.each([
    // cap, then what interactive callers, delta runs and background work may fill a window to
    [1, 1, 1, 1],
    [2, 2, 1, 1],
    [3, 3, 2, 1],
    [4, 4, 3, 1],
    [5, 5, 4, 2],
    [10, 10, 8, 6],
    [60, 60, 48, 42],
    [70, 70, 56, 49],
    [300, 300, 240, 210],
  ])(
    "of %d calls: look-ups %d, delta runs %d, background work %d",
    (cap, interactive, follow, background) => {
      expect({
        interactive: allowance(2 * cap, 0.5, "interactive"),
        follow: allowance(2 * cap, 0.5, "follow"),
        background: allowance(2 * cap, 0.5, "background"),
      }).toEqual({ interactive, follow, background });
    },
  );

  test.each([
    [1, 0],
    [2, 1],
    [3, 1],
    [5, 1],
    [10, 1],
    [20, 2],
    [60, 3],
    [300, 3],
  ])("of %d calls: %d probes, out of the look-ups' part", (cap, probes) => {
    expect(mostProbes(2 * cap, 0.5)).toBe(probes);
    expect(allowance(2 * cap, 0.5, "follow", probes)).toBe(allowance(2 * cap, 0.5, "follow") + probes);
    expect(allowance(2 * cap, 0.5, "background", probes)).toBe(allowance(2 * cap, 0.5, "background"));
  });

  test("nobody is kept from calling for good, however small the share is", () => {
    for (const priority of ["interactive", "follow", "background"] as const) {
      expect(allowance(20, 0.01, priority)).toBe(1);
    }
  });
});
