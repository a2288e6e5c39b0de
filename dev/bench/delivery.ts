/**
 * How close the delivery of a whole inventory to the http sink comes to a bare loop in the same object that reads the
 * same pages from the stream and posts them: no cursor, no commits, no alarms. Both in turn in one run of the local
 * runtime, to a receiver that answers at once. Also prints the parts of the loop (making the events, reading them over
 * RPC, posting them when they lie ready in memory) and how the runtime's memory moves.
 * `node dev/bench/delivery.ts [--users 50000] [--rounds 5]`
 */
import { execFileSync } from "node:child_process";
import { readFileSync } from "node:fs";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { parseArgs } from "node:util";
import { createTestHarness } from "wrangler";

const { values } = parseArgs({
  options: { users: { type: "string", default: "50000" }, rounds: { type: "string", default: "5" } },
});
const users = Number(values.users);

/** The goal: at most this many times the bare loop. */
const GOAL = 1.5;

let received = 0;
let onBytes: () => void = () => undefined;
const server = createServer((request, response) => {
  request.on("data", (chunk: Uint8Array) => {
    received += chunk.length;
  });
  request.on("end", () => {
    response.end();
    onBytes();
  });
});
await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}/in`;

const objects = { INVENTORY_STREAM: "InventoryStream", SINK_DELIVERY: "SinkDelivery" };
const harness = createTestHarness({
  workers: [
    {
      config: {
        name: "delivery-bench",
        main: "dev/bench/delivery-worker.ts",
        compatibility_date: "2026-10-20",
        durable_objects: {
          bindings: Object.entries(objects).map(([name, class_name]) => ({ name, class_name })),
        },
        migrations: [{ tag: "v1", new_sqlite_classes: Object.values(objects) }],
        vars: {
          ALLOW_LOOPBACK: "true",
          SINKS: JSON.stringify([{ type: "http", name: "siem", streams: ["users"], url }]),
        },
      },
    },
  ],
});
await harness.listen();

const call = async (path: string): Promise<{ json(): Promise<unknown> }> => {
  const response = await harness.fetch(path, { method: "POST" });
  if (!response.ok) throw new Error(`${path}: ${response.status} ${await response.text()}`);
  return response;
};

/** Resident memory of the runtime that this process started, MB. */
const residentMb = (): number => {
  const children = execFileSync("pgrep", ["-P", String(process.pid), "workerd"], { encoding: "utf8" });
  return children
    .trim()
    .split("\n")
    .map((pid) => Number(/VmRSS:\s+(\d+)/.exec(readFileSync(`/proc/${pid}/status`, "utf8"))?.[1] ?? 0) / 1024)
    .reduce((sum, size) => sum + size, 0);
};

const time = async (work: () => Promise<unknown>): Promise<number> => {
  const startedAt = performance.now();
  await work();
  return performance.now() - startedAt;
};

/** Does something that makes deliveries begin, and waits until so many bytes have come. */
const delivered = async (path: string, bytes: number): Promise<void> => {
  received = 0;
  const done = new Promise<void>((resolve) => {
    onBytes = () => {
      if (received >= bytes) resolve();
    };
  });
  await call(path);
  await done;
};

const target = encodeURIComponent(url);
await call(`/fill?users=${users}`);
const batches = await (await call("/prepare")).json();
received = 0;
await call(`/bare?url=${target}`);
const bytes = received;
await delivered("/deliver", bytes);

const times = { made: [], drained: [], bare: [], loop: [], ours: [] } as Record<string, number[]>;
const ratios: number[] = [];
const memory: number[] = [];
for (let round = 0; round < Number(values.rounds); round += 1) {
  times["made"]?.push(await time(() => call("/read")));
  times["drained"]?.push(await time(() => call("/drain")));
  await call("/prepare");
  times["bare"]?.push(await time(() => call(`/bare?url=${target}`)));
  await call("/forget");
  const loop = await time(() => call(`/loop?url=${target}`));
  const before = residentMb();
  const sampler = setInterval(() => memory.push(residentMb() - before), 100);
  const ours = await time(() => delivered("/replay", bytes));
  clearInterval(sampler);
  times["loop"]?.push(loop);
  times["ours"]?.push(ours);
  ratios.push(ours / loop);
}

const p50 = (list: number[] = []): number =>
  [...list].sort((a, b) => a - b)[Math.floor(list.length / 2)] ?? Number.NaN;
const line = (label: string, name: string): void =>
  console.log(`${label.padEnd(46)} p50 ${p50(times[name]).toFixed(0)} ms`);
const ratio = p50(ratios);
console.log(`${users} users, ${batches} batches, ${(bytes / 1e6).toFixed(1)} MB`);
line("making the events", "made");
line("making them and reading them over RPC", "drained");
line("posting batches that lie ready in memory", "bare");
line("bare loop: reading a page, posting it, again", "loop");
line("delivery by the http sink", "ours");
console.log(`resident memory during a delivery: at most +${Math.max(0, ...memory).toFixed(0)} MB`);
console.log(`ratio ${ratio.toFixed(2)} (goal: at most ${GOAL} times the bare loop)`);
await harness.close();
server.close();
process.exitCode = ratio <= GOAL ? 0 : 1;
