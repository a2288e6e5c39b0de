/**
 * Does memory grow with the org? Peak resident sets of workerd over full runs of both streams.
 *
 * workerd's own memory grows with the number of calls until it levels off (a bare Worker that does nothing but
 * fetch shows the same), so an org of 50,000 users is held against five of 10,000 in one process: as many calls,
 * a fifth of the size. One org of 10,000 alone is shown as well. `node dev/bench/memory.ts`
 */
import { measure, megabytes, sizes } from "./full-run.ts";

/** The most that five times the org may take of the smaller one's memory. */
const MAX_RATIO = 1.3;

const peakOf = async (name: string, size: Parameters<typeof measure>[0], times = 1): Promise<number> => {
  const { memory, seconds } = await measure(size, times);
  console.log(
    `${name}: peak ${megabytes(memory.peak)}, idle ${megabytes(memory.idle)}, ${seconds.toFixed(0)} s`,
  );
  return memory.peak;
};

const alone = await peakOf("one org of 10,000 users", sizes["10k"]);
const small = await peakOf("five orgs of 10,000 users, one after another", sizes["10k"], 5);
const large = await peakOf("one org of 50,000 users", sizes["50k"]);
const ratio = large / small;
console.log(
  `for as many calls: ratio ${ratio.toFixed(2)}, at most ${MAX_RATIO}; for one run each: ${(large / alone).toFixed(2)}`,
);
if (ratio > MAX_RATIO) process.exitCode = 1;
