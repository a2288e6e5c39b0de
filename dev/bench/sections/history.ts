/** What keeping the history adds to filing users. Both take turns. */

import { fill } from "../lib/fill.ts";
import type { Report } from "../lib/report.ts";
import { BenchWorker } from "../lib/runtime.ts";
import { grouped, median } from "../lib/statistics.ts";

/** Of a full run's list on an ordinary day, one user in so many has changed. */
const ORDINARY = 50;
/** So often the list is filed for each measurement: processor time is known to 10 ms. */
const PARTS = 5;
/** What it may add to filing on such a day. */
const AT_MOST = 1.05;

export const measureHistory = async (
  report: Report,
  { users, rounds }: { users: number; rounds: number },
): Promise<void> => {
  const worker = await BenchWorker.start(null, {});
  await fill(worker, users);
  const kinds = { "none has changed": 0, "one in 50 has changed": ORDINARY, "all have changed": 1 };
  for (const [what, every] of Object.entries(kinds)) {
    const times = { kept: [] as number[], not: [] as number[] };
    for (let round = 1; round <= 2 * (rounds + 1); round++) {
      // Which comes first changes from pair to pair.
      const isKept = round % 4 === 1 || round % 4 === 0;
      const before = worker.process?.cpuMs() ?? Number.NaN;
      for (let part = 0; part < PARTS; part++)
        await worker.bench("file", {
          from: 0,
          to: users,
          every,
          round: PARTS * round + part,
          kept: String(isKept),
        });
      const spent = (worker.process?.cpuMs() ?? Number.NaN) - before;
      if (round > 2) times[isKept ? "kept" : "not"].push(spent);
    }
    report.add({
      table: `History: filing ${grouped(users)} users, as a full run lists them, median of ${rounds}`,
      what: `processor time, ${what}`,
      ours: median(times.kept),
      beside: median(times.not),
      besideWhat: "the same without keeping changes",
      unit: "ms",
      ...(every !== 1 && { atMost: AT_MOST }),
    });
  }
  await worker.close();
};
