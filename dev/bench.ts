/**
 * Benchmarks of speed, cost and robustness. Every figure is compared with a peer or a floor that is measured in the
 * same run. Prints tables, writes bench-results.json, and reports progress on standard error.
 *
 *     npm run bench -- [--quick] [--only calls,growth,…] [--sizes 1000,10000] [--soak MINUTES]
 */
import { parseArgs } from "node:util";
import { say } from "./bench/lib/progress.ts";
import { Report } from "./bench/lib/report.ts";
import { type MeasuredSize, measureSize } from "./bench/lib/sizes.ts";
import { endAll } from "./bench/lib/workerd.ts";
import { measureBuckets } from "./bench/sections/buckets.ts";
import { reportCalls } from "./bench/sections/calls.ts";
import { measureCost } from "./bench/sections/cost.ts";
import { measureDelivery } from "./bench/sections/delivery.ts";
import { measureEngine } from "./bench/sections/engine.ts";
import { reportGrowth } from "./bench/sections/growth.ts";
import { measureHistory } from "./bench/sections/history.ts";
import { measureLanes } from "./bench/sections/lanes.ts";
import { measureLimits } from "./bench/sections/limits.ts";
import { measureLookups } from "./bench/sections/look-ups.ts";
import { measureSearch } from "./bench/sections/search.ts";
import { soak } from "./bench/sections/soak.ts";
import { measureStartUp } from "./bench/sections/start-up.ts";

const FILE = "bench-results.json";
/** The size up to which the program on Okta's client is actually run. */
const PEER_SIZE = 1000;
/** Larger orgs are measured only for growth. */
const LARGEST_FOR_CALLS = 50_000;

const { values } = parseArgs({
  options: {
    quick: { type: "boolean", default: false },
    only: { type: "string" },
    sizes: { type: "string" },
    soak: { type: "string" },
  },
});

const refuse = (message: string): never => {
  console.error(message);
  process.exit(2);
};

/** A whole number above 0 from the command line. */
const positive = (flag: string, text: string): number => {
  const value = Number(text);
  return Number.isInteger(value) && value > 0
    ? value
    : refuse(`--${flag} must be whole numbers above 0, such as 10, not ${JSON.stringify(text)}.`);
};

const { quick } = values;
const usual = quick ? "300" : "1000,10000,50000,100000";
const sizes = (values.sizes ?? usual).split(",").map((text) => positive("sizes", text));

// When wrangler runs the Worker, none of its own tools may run with it: the trace recorder alone takes a third of the
// runtime's time and memory. Nor may it use the network.
process.env["X_LOCAL_OBSERVABILITY"] = "false";
process.env["X_LOCAL_EXPLORER"] = "false";
process.env["CLOUDFLARE_CF_FETCH_ENABLED"] = "false";
process.env["CLOUDFLARE_TELEMETRY_DISABLED"] = "1";

// After a signal, too, everything that was started is ended.
for (const signal of ["SIGINT", "SIGTERM"] as const) process.once(signal, () => process.exit(130));

const report = new Report();
const measured: MeasuredSize[] = [];

/** Measures each size once, for both calls and growth. */
const measureSizes = async (): Promise<readonly MeasuredSize[]> => {
  for (const users of sizes) {
    if (measured.some((size) => size.users === users)) continue;
    const wantedOfIt = { later: users <= LARGEST_FOR_CALLS, peer: users <= PEER_SIZE };
    measured.push(await measureSize(users, wantedOfIt));
  }
  return measured;
};

const sections: Readonly<Record<string, () => Promise<void>>> = {
  calls: async () => {
    for (const size of await measureSizes()) reportCalls(report, size);
  },
  growth: async () => reportGrowth(report, await measureSizes()),
  limits: async () => {
    await measureLimits(report, quick ? 200 : 1000);
    await measureBuckets(report, quick ? 100 : 400);
  },
  lanes: () =>
    measureLanes(
      report,
      quick
        ? { users: 600, atRest: 2, beside: 2, windowMs: 5_000 }
        : { users: 1600, atRest: 20, beside: 20, windowMs: 60_000 },
    ),
  engine: async () => {
    const size = quick ? { users: 300, rounds: 1 } : { users: 2000, rounds: 9 };
    await measureEngine(report, { ...size, slice: 40, atMost: 2.2 });
    if (!quick) await measureEngine(report, { ...size, slice: 1000, atMost: 2 });
  },
  "look-ups": () => measureLookups(report, quick ? { cached: 80, cold: 5 } : { cached: 3000, cold: 100 }),
  delivery: () => measureDelivery(report, quick ? 2000 : 20_000, quick ? 1 : 5),
  search: () => measureSearch(report, values.sizes === undefined && !quick ? 100_000 : Math.max(...sizes)),
  history: () => measureHistory(report, quick ? { users: 1000, rounds: 1 } : { users: 10_000, rounds: 9 }),
  "start-up": () => measureStartUp(report, quick ? 1 : 5),
  cost: () => measureCost(report, quick ? 100 : 2000),
};

const soakMinutes = values.soak === undefined ? null : positive("soak", values.soak);
const wanted: Readonly<Record<string, () => Promise<void>>> =
  soakMinutes === null ? sections : { soak: () => soak(report, soakMinutes) };
const names =
  soakMinutes === null && values.only !== undefined ? values.only.split(",") : Object.keys(wanted);
const unknown = names.filter((name) => !(name in wanted));
if (unknown.length > 0) refuse(`--only takes ${Object.keys(wanted).join(", ")}, not ${unknown.join(", ")}.`);

for (const [index, name] of names.entries()) {
  say(`${name} (${index + 1} of ${names.length})`);
  try {
    await wanted[name]?.();
  } catch (error) {
    endAll();
    report.fail(name, error instanceof Error ? (error.stack ?? error.message) : String(error));
  }
  report.print();
  report.write(FILE, { quick, sizes, sections: names });
}
say(`done, and written to ${FILE}`);
for (const line of [...report.missed, ...report.failures]) console.log(line);
// The times of a quick run are too short to be reliable.
process.exit(report.failures.length > 0 || (report.missed.length > 0 && !quick) ? 1 : 0);
