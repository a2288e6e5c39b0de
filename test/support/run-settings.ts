/** Reads the environment variables that CONTRIBUTING.md lists, for vitest's `provide`. */
import { randomInt } from "node:crypto";

export interface RunSettings {
  readonly seed: number;
  readonly long: boolean;
}

const FIXED_SEED = 1;

/** Prints a seed that it draws, and leaves it in `env`, where whoever reads the settings again finds the same one. */
export const runSettings = (env: NodeJS.ProcessEnv): RunSettings => {
  if (env["FRESH_SEEDS"] === "1" && !env["SEED"]) {
    env["SEED"] = String(randomInt(1, 1e9));
    console.log(`Seed ${env["SEED"]}; SEED=${env["SEED"]} repeats it.`);
  }
  const seed = env["SEED"] || String(FIXED_SEED);
  if (!/^\d{1,9}$/.test(seed)) {
    throw new Error("SEED must be a whole number of at most nine digits, such as 7");
  }
  return { seed: Number(seed), long: env["LONG_TESTS"] === "1" };
};
