/** Fills the inventory of the bench Worker. */
import { say } from "./progress.ts";
import type { BenchWorker } from "./runtime.ts";
import { grouped } from "./statistics.ts";

/** How many users one request files: a page, as a step of a run does. */
const AT_ONCE = 500;

/** Fills it with this many users, their groups, factors and roles. */
export const fill = async (worker: BenchWorker, users: number): Promise<void> => {
  say(`filling an inventory of ${grouped(users)} users`);
  for (let from = 0; from < users; from += AT_ONCE)
    await worker.bench("fill", { from, to: Math.min(users, from + AT_ONCE) });
};
