/**
 * What differs from run to run, in one place. By default nothing does: the seed is 1, and checks are short.
 * `FRESH_SEEDS=1` draws a new seed and prints it, `SEED=7` repeats one, and `LONG_TESTS=1` makes whole what is small by
 * default.
 */
import { inject } from "vitest";
import type { RunSettings } from "./run-settings.ts";

declare module "vitest" {
  interface ProvidedContext extends RunSettings {}
}

export const seed = inject("seed");

/** Whether there is time for the long form of a check. */
export const long = inject("long");

/** As many seeds as asked for, the first of them this run's own. */
export const seeds = (count: number): number[] => Array.from({ length: count }, (_, index) => seed + index);

/** How many examples a property is tried on: `count`, or ten times as many where there is time. */
export const examples = (count: number): { numRuns: number } => ({ numRuns: long ? 10 * count : count });
