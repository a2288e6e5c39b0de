/**
 * How much sooner a first full run is complete where the org's rate limits are larger, as bigger licences have them. The
 * limits are a tenth of the published ones and so are the windows, so that the rates are Okta's.
 */
import { PUBLISHED_LIMITS } from "../../okta-org/api/buckets.ts";
import { serveOrg, sizeOf } from "../lib/org.ts";
import type { Report } from "../lib/report.ts";
import { assertDone, BenchWorker, durationOf } from "../lib/runtime.ts";
import { grouped } from "../lib/statistics.ts";

const PART = 10;
const TIMES = [1, 5, 10] as const;
const LATENCY_MS = 100;

const timed = async (users: number, times: number): Promise<number> => {
  const limits = Object.fromEntries(
    Object.entries(PUBLISHED_LIMITS).map(([bucket, limit]) => [bucket, (limit * times) / PART]),
  );
  const org = await serveOrg({
    ...sizeOf(users),
    devices: 0,
    limits,
    windowMs: 60_000 / PART,
    latencyMs: LATENCY_MS,
    concurrency: 75,
  });
  const worker = await BenchWorker.start(org);
  const run = await worker.run("full", "users", `limits, ${times} times the published ones`);
  assertDone(run);
  if (org.org.stats().violations > 0) throw new Error(`a rate limit was violated at ${times} times`);
  await worker.close();
  org.close();
  return durationOf(run) / 1000;
};

export const measureBuckets = async (report: Report, users: number): Promise<void> => {
  const table = `A first full run of ${grouped(users)} users, ${LATENCY_MS} ms a call, by the size of Okta's rate limits`;
  let first: number | null = null;
  for (const times of TIMES) {
    const seconds = await timed(users, times);
    first ??= seconds;
    const what = `${times} times the published limits`;
    report.add({
      table,
      what,
      ours: seconds,
      beside: first / times,
      besideWhat: "as much faster",
      unit: "s",
    });
  }
};
