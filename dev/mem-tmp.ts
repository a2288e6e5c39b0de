import { BenchWorker } from "./bench/lib/runtime.ts";
for (const skip of [1, 2, 3]) {
const w = await BenchWorker.start(null, {});
const n = 300000;
for (let from = 0; from < n; from += 500) { await w.bench("fill", { from, to: from + 500, skip }); if (from % 100000 === 0) console.log("skip", skip, from, Math.round(w.process!.residentMb())); }
console.log("skip", skip, "filled", Math.round(w.process!.residentMb()), "peak", Math.round(w.process!.peakMb()));
await w.close();
}
process.exit(0);
