/** Reads the environment variables that seeds.ts describes. */
import { randomInt } from "node:crypto";

const FIXED_SEED = 1;

/** For vitest's `provide`. Prints a seed that was drawn, since nobody could repeat the run without it. */
export const chances = (env: NodeJS.ProcessEnv): { seed: number; long: boolean } => {
  const { SEED: given = "", FRESH_SEEDS: fresh, LONG_TESTS: long } = env;
  if (given !== "" && !/^\d{1,9}$/.test(given)) {
    throw new Error("SEED must be a whole number of at most nine digits, such as 7");
  }
  const seed = given !== "" ? Number(given) : fresh === "1" ? randomInt(1, 1e9) : FIXED_SEED;
  if (seed !== FIXED_SEED) console.log(`Seed ${seed}; SEED=${seed} repeats it.`);
  return { seed, long: long === "1" };
};
