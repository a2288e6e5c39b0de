/**
 * How fast, how frugal, how sturdy: every figure beside its peer or floor, from this one run. Prints the tables and
 * writes bench-results.json. `npm run bench`, or
 * `npm run bench -- [--quick] [--only calls,limits,engine,look-ups,delivery,search,size] [--sizes 1000,10000] [--soak MINUTES]`
 */
import { parseArgs } from "node:util";
import { Report } from "./bench/lib/report.ts";
import { reportCost } from "./bench/sections/cost.ts";
import { measureEngine } from "./bench/sections/engine.ts";
import { measureLimits } from "./bench/sections/limits.ts";
import { type Measured, measureRuns, reportGrowth } from "./bench/sections/runs.ts";
import { measureDelivery, measureLookups } from "./bench/sections/scripts.ts";
import { measureSearch } from "./bench/sections/search.ts";
import { measureSize } from "./bench/sections/size.ts";
import { soak } from "./bench/sections/soak.ts";

const FILE = "bench-results.json";

const { values } = parseArgs({
  options: {
    quick: { type: "boolean", default: false },
    only: { type: "string" },
    sizes: { type: "string" },
    soak: { type: "string" },
  },
});
const { quick } = values;
const sizes = (values.sizes ?? (quick ? "300" : "1000,10000")).split(",").map(Number);

// The runtime asks Cloudflare for a sample of its own metadata otherwise, and tells of its use.
process.env["CLOUDFLARE_CF_FETCH_ENABLED"] = "false";
process.env["CLOUDFLARE_TELEMETRY_DISABLED"] = "1";

const report = new Report();
const sections: Record<string, () => Promise<void>> = {
  calls: async () => {
    const measured: Measured[] = [];
    for (const users of sizes) measured.push(await measureRuns(report, users, users <= 1000));
    reportGrowth(report, measured);
    const largest = measured.at(-1);
    if (largest !== undefined) reportCost(report, largest);
  },
  limits: () => measureLimits(report, quick ? 250 : 1000),
  engine: async () => {
    await measureEngine(report, { users: quick ? 300 : 2000, rounds: quick ? 1 : 3, slice: 40 });
    if (!quick) await measureEngine(report, { users: 2000, rounds: 3, slice: 1000 });
  },
  "look-ups": () => measureLookups(report, quick ? 50 : 2000),
  delivery: () => measureDelivery(report, quick ? 2000 : 20_000, quick ? 1 : 3),
  search: () => measureSearch(report, quick ? 2000 : 100_000),
  size: () => measureSize(report),
};

if (values.soak !== undefined) await soak(report, Number(values.soak));
else {
  const wanted = values.only?.split(",") ?? Object.keys(sections);
  const unknown = wanted.filter((name) => !(name in sections));
  if (unknown.length > 0) {
    console.error(`--only knows ${Object.keys(sections).join(", ")}; not ${unknown.join(", ")}.`);
    process.exit(2);
  }
  for (const name of wanted) {
    const startedAt = performance.now();
    await sections[name]?.();
    console.error(`${name}: ${((performance.now() - startedAt) / 1000).toFixed(0)} s`);
    report.print();
    report.write(FILE, { quick, sizes });
  }
}

report.print();
report.write(FILE, { quick, sizes });
console.log(`\nWritten to ${FILE}.`);
for (const { table, what, ours, beside, unit } of report.missed)
  console.log(
    `Goal missed: ${table}: ${what}: ${ours.toPrecision(4)} beside ${beside.toPrecision(4)} ${unit}`,
  );
// A quick run is too short for times to mean much.
process.exit(report.missed.length > 0 && !quick ? 1 : 0);
