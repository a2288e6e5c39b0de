/** Search and totals over a large inventory, beside reading one asset by its id through the same route and object. */
import type { Report } from "../lib/report.ts";
import { BenchWorker } from "../lib/worker.ts";

const ROUNDS = 100;

const p50 = (times: number[]): number =>
  times.sort((a, b) => a - b)[Math.floor(times.length / 2)] ?? Number.NaN;

export const measureSearch = async (report: Report, users: number): Promise<void> => {
  // Nobody asks this Okta anything.
  const worker = await BenchWorker.start({ oktaUrl: "http://127.0.0.1:9" });
  await worker.request("POST", `/bench/fill?users=${users}`);
  const time = async (path: string): Promise<number> => {
    const startedAt = performance.now();
    await (await worker.request("GET", path)).arrayBuffer();
    return performance.now() - startedAt;
  };
  const inventory = "/v1/inventory/users";
  const paths = {
    one: `${inventory}/00u${String(Math.floor(users / 2)).padStart(17, "0")}`,
    name: `${inventory}/search?q=last${Math.floor(users / 3)}`,
    prefix: `${inventory}/search?q=fir&limit=50`,
    status: `${inventory}/search?status=DEPROVISIONED&limit=50`,
  };
  const times: Record<string, number[]> = {};
  for (let round = 0; round < ROUNDS; round++) {
    for (const [name, path] of Object.entries(paths)) {
      const list = times[name] ?? [];
      times[name] = list;
      list.push(await time(path));
    }
  }
  await worker.close();
  const table = `Search over ${users} users, p50`;
  const beside = p50(times["one"] ?? []);
  for (const [name, what] of Object.entries({
    name: "one person by name",
    prefix: "three letters that everybody has, 50 results",
    status: "by status, 50 results",
  })) {
    report.add({
      table,
      what,
      ours: p50(times[name] ?? []),
      beside,
      besideWhat: "one event by its id",
      unit: "ms",
    });
  }
};
