/**
 * Users per second through fetch, parse, store, map and NDJSON export, with recorded answers. The floor is fetching and
 * parsing the same URLs in the same runtime, with the same concurrency and without storing anything. Both take turns.
 */
import { serveOrg, sizeOf } from "../lib/org.ts";
import type { Report } from "../lib/report.ts";
import { assertDone, BenchWorker, durationOf } from "../lib/runtime.ts";
import { grouped, median, timeOf } from "../lib/statistics.ts";
import { stepsOf } from "../lib/steps.ts";

/** developer.okta.com, "Rate limits": 600 calls per minute, of which OKTA_RATE_LIMIT_SHARE is half. */
const FACTOR_CALLS_A_SECOND = (600 / 60) * 0.5;

export const measureEngine = async (
  report: Report,
  { users, rounds, slice, atMost }: { users: number; rounds: number; slice: number; atMost: number },
): Promise<void> => {
  const org = await serveOrg({ ...sizeOf(users), devices: 0, recorded: true });
  const worker = await BenchWorker.start(org, {
    connections: rounds,
    vars: { SUBREQUESTS_PER_SLICE: String(slice) },
  });
  const wall = { ours: [] as number[], floor: [] as number[] };
  const cpu = { ours: [] as number[], floor: [] as number[] };
  const cpuNow = (): number => worker.process?.cpuMs() ?? Number.NaN;
  // The first one warms the runtime up and records the answers.
  for (const connection of ["default", ...Array.from({ length: rounds }, (_, index) => `c${index + 1}`)]) {
    org.takeAsked();
    const cpuBefore = cpuNow();
    const run = await worker.run("full", "users", `engine, connection ${connection}`, connection);
    assertDone(run);
    const steps = stepsOf(org.url, org.takeAsked());
    const exported = await timeOf(() => worker.inventory("users", () => {}, { connection }));
    const cpuBetween = cpuNow();
    const floor = await timeOf(() => worker.bench("floor", {}, steps));
    if (connection === "default") continue;
    wall.ours.push(durationOf(run) + exported);
    wall.floor.push(floor);
    cpu.ours.push(cpuBetween - cpuBefore);
    cpu.floor.push(cpuNow() - cpuBetween);
  }
  const measured = worker.process !== null;
  await worker.close();
  org.close();
  const table = `Engine, ${grouped(users)} users, no limits, no latency, ${slice} calls a slice, median of ${rounds}`;
  const besideWhat = "fetching and parsing the same";
  const perSecond = (ms: readonly number[]): number => (users * 1000) / median(ms);
  report.add(
    {
      table,
      what: "time for the whole inventory",
      ours: median(wall.ours),
      beside: median(wall.floor),
      besideWhat,
      unit: "ms",
      atMost,
    },
    {
      table,
      what: "users a second",
      ours: perSecond(wall.ours),
      beside: perSecond(wall.floor),
      besideWhat,
      unit: "users/s",
    },
    {
      table,
      what: "users a second, beside Okta's limits",
      ours: perSecond(wall.ours),
      beside: FACTOR_CALLS_A_SECOND,
      besideWhat: "one call for factors each, at half of the 600 a minute that Okta publishes",
      unit: "users/s",
      computed: "beside",
    },
  );
  if (!measured) return;
  report.add({
    table,
    what: "processor time of the runtime",
    ours: median(cpu.ours),
    beside: median(cpu.floor),
    besideWhat,
    unit: "ms",
    atMost,
  });
};
