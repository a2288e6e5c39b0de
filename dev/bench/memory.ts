/**
 * Does memory grow with the org? The peak resident set of workerd over a full run of both streams, on 10,000 and
 * on 50,000 users: nothing may grow but the SQLite file. `node dev/bench/memory.ts`
 */
import { measure, megabytes, sizes } from "./full-run.ts";

/** The most that five times the org may take of the smaller one's memory. */
const MAX_RATIO = 1.3;

const small = await measure(sizes["10k"]);
console.log(
  `10k users: peak ${megabytes(small.memory.peak)}, idle ${megabytes(small.memory.idle)}, ${small.seconds.toFixed(0)} s`,
);
const large = await measure(sizes["50k"]);
console.log(
  `50k users: peak ${megabytes(large.memory.peak)}, idle ${megabytes(large.memory.idle)}, ${large.seconds.toFixed(0)} s`,
);
const ratio = large.memory.peak / small.memory.peak;
console.log(`ratio ${ratio.toFixed(2)}, at most ${MAX_RATIO}`);
if (ratio > MAX_RATIO) process.exitCode = 1;
