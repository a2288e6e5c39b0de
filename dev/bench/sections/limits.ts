/** How long a complete inventory takes under Okta's published limits. All windows last 3 s instead of 60 s. */
import { wrongUsers } from "../lib/check.ts";
import { serveOrg, sizeOf } from "../lib/org.ts";
import { runPeer } from "../lib/peer.ts";
import { say } from "../lib/progress.ts";
import type { Report } from "../lib/report.ts";
import { assertDone, BenchWorker, durationOf } from "../lib/runtime.ts";
import { grouped } from "../lib/statistics.ts";

const WINDOW_MS = 3_000;

/** The fullest window of all buckets, as a part of its limit. */
const fullest = (buckets: readonly { readonly fullest: number; readonly limit: number }[]): number =>
  Math.max(0, ...buckets.map((bucket) => bucket.fullest / bucket.limit));

export const measureLimits = async (report: Report, users: number): Promise<void> => {
  const options = {
    ...sizeOf(users),
    devices: 0,
    limits: "published",
    windowMs: WINDOW_MS,
    concurrency: 75,
  } as const;
  const ours = await serveOrg(options);
  const worker = await BenchWorker.start(ours);
  const run = await worker.run("full", "users", `limits, ${grouped(users)} users`);
  assertDone(run);
  const seconds = durationOf(run) / 1000;
  const oursSaw = ours.org.stats();
  const wrong = await wrongUsers(worker, ours.org.dump());
  await worker.close();
  ours.close();

  const theirs = await serveOrg(options);
  const peer = await runPeer(theirs.url, (done) => {
    if (done % 250 === 0)
      say(`limits: the program on Okta's client has read ${done} of ${grouped(users)} users`);
  });
  theirs.close();
  const theySaw = theirs.org.stats();

  const table = `A complete inventory of ${grouped(users)} users under published limits, windows of 3 s`;
  const besideWhat = "a program on Okta's client";
  report.add(
    { table, what: "time", ours: seconds, beside: peer.seconds, besideWhat, unit: "s" },
    {
      table,
      what: "rate-limit violations",
      ours: oursSaw.violations,
      beside: theySaw.violations,
      besideWhat,
      unit: "429s",
    },
    {
      table,
      what: "violations allowed",
      ours: oursSaw.violations,
      beside: 0,
      besideWhat: "the design's bound",
      unit: "429s",
      atMost: 1,
    },
    {
      table,
      what: "fullest window of any bucket",
      ours: 100 * fullest(oursSaw.buckets),
      beside: 100 * fullest(theySaw.buckets),
      besideWhat,
      unit: "%",
    },
    {
      table,
      what: "fullest window allowed",
      ours: 100 * fullest(oursSaw.buckets),
      beside: 50,
      besideWhat: "OKTA_RATE_LIMIT_SHARE",
      unit: "%",
      atMost: 1,
    },
    {
      table,
      what: "users with a wrong fact; facts taken as empty after a failed call",
      ours: wrong.length,
      beside: peer.mistaken,
      besideWhat,
      unit: "",
      ...(wrong.length > 0 && { detail: `  ${wrong.slice(0, 5).join(", ")}` }),
    },
  );
};
