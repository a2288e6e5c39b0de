/**
 * The delivery of a whole inventory to the http sink, beside a bare loop in the same object that reads the same pages
 * from the stream and posts them (no cursor, no commits, no alarms), and beside posting batches that lie ready in
 * memory. In turn in one runtime, to a receiver that answers at once.
 */
import { listenLocally } from "../../lib/local-server.ts";
import { fill } from "../lib/fill.ts";
import { freePort } from "../lib/ports.ts";
import { say } from "../lib/progress.ts";
import type { Report } from "../lib/report.ts";
import { BenchWorker } from "../lib/runtime.ts";
import { grouped, median, timeOf } from "../lib/statistics.ts";

/** At most this many times the bare loop. */
const GOAL = 1.5;

/** Counts the bytes of what it is sent. */
const startReceiver = async () => {
  let received = 0;
  let onRequest: () => void = () => {};
  const server = await listenLocally(
    (request, response) => {
      request.on("data", (chunk: Uint8Array) => {
        received += chunk.length;
      });
      request.on("end", () => {
        response.end();
        onRequest();
      });
    },
    await freePort(),
  );
  return {
    url: `${server.url}/in`,
    reset: () => {
      received = 0;
    },
    bytes: () => received,
    /** Waits until so many bytes have come. */
    until: (bytes: number): Promise<void> =>
      new Promise((resolve) => {
        onRequest = () => {
          if (received >= bytes) resolve();
        };
        onRequest();
      }),
    close: () => void server.close(),
  };
};

export const measureDelivery = async (report: Report, users: number, rounds: number): Promise<void> => {
  const receiver = await startReceiver();
  const { url } = receiver;
  const sinks = [{ type: "http", name: "siem", streams: ["users"], url }];
  const worker = await BenchWorker.start(null, { vars: { SINKS: JSON.stringify(sinks) } });
  say(`delivery: filling an inventory of ${grouped(users)} users`);
  await fill(worker, users);
  const batches = await worker.bench<number>("prepare");
  receiver.reset();
  await worker.bench("post", { url });
  const bytes = receiver.bytes();
  const delivered = (work: "deliver" | "replay"): Promise<number> => {
    receiver.reset();
    return timeOf(async () => {
      await worker.bench(work);
      await receiver.until(bytes);
    });
  };
  await delivered("deliver");

  const times = { ours: [] as number[], loop: [] as number[], ready: [] as number[] };
  for (let round = 1; round <= rounds; round++) {
    say(`delivery: round ${round} of ${rounds}`);
    await worker.bench("prepare");
    times.ready.push(await timeOf(() => worker.bench("post", { url })));
    times.loop.push(await timeOf(() => worker.bench("loop", { url })));
    times.ours.push(await delivered("replay"));
  }
  await worker.close();
  receiver.close();

  const table = `Delivery of ${grouped(users)} events to an http sink, ${batches} batches, ${(bytes / 1e6).toFixed(0)} MB, median of ${rounds}`;
  const ours = median(times.ours);
  report.add(
    {
      table,
      what: "time",
      ours,
      beside: median(times.loop),
      besideWhat: "a loop that reads a page and posts it",
      unit: "ms",
      atMost: GOAL,
    },
    {
      table,
      what: "events a second",
      ours: (users * 1000) / ours,
      beside: (users * 1000) / median(times.loop),
      besideWhat: "a loop that reads a page and posts it",
      unit: "events/s",
    },
    {
      table,
      what: "… beside posting alone",
      ours,
      beside: median(times.ready),
      besideWhat: "batches that lie ready in memory",
      unit: "ms",
    },
  );
};
