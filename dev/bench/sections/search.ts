/** Search and totals in a large inventory, compared with reading one asset by its id through the same object. */
import { say } from "../lib/progress.ts";
import type { Report } from "../lib/report.ts";
import { BenchWorker } from "../lib/runtime.ts";
import { grouped, quantile, timeOf } from "../lib/statistics.ts";

const ROUNDS = 100;

export const measureSearch = async (report: Report, users: number): Promise<void> => {
  const worker = await BenchWorker.start(null);
  say(`search: filling an inventory of ${grouped(users)} users`);
  await worker.bench("fill", { users });
  say(`search: ${ROUNDS} rounds`);
  const inventory = "/v1/inventory/users";
  const one = `${inventory}/00u${String(Math.floor(users / 2)).padStart(17, "0")}`;
  const searches = {
    "one person by name": `${inventory}/search?q=last${Math.floor(users / 3)}`,
    "three letters that everybody has, 50 results": `${inventory}/search?q=fir&limit=50`,
    "by status, 50 results": `${inventory}/search?status=DEPROVISIONED&limit=50`,
  };
  const times = new Map<string, number[]>([one, ...Object.values(searches)].map((path) => [path, []]));
  for (let round = 0; round < ROUNDS; round++) {
    for (const [path, list] of times)
      list.push(await timeOf(async () => (await worker.request("GET", path)).arrayBuffer()));
  }
  await worker.close();
  for (const [name, part] of [
    ["p50", 0.5],
    ["p99", 0.99],
  ] as const) {
    for (const [what, path] of Object.entries(searches)) {
      report.add({
        table: `Search over ${grouped(users)} users`,
        what: `${what}, ${name}`,
        ours: quantile(times.get(path) ?? [], part),
        beside: quantile(times.get(one) ?? [], part),
        besideWhat: "one event by its id",
        unit: "ms",
      });
    }
  }
};
