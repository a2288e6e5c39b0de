/** The benchmarks that are programs of their own: cached look-ups and delivery. */
import { execFile } from "node:child_process";
import { promisify } from "node:util";
import type { Report } from "../lib/report.ts";

const run = promisify(execFile);

/** The figure behind a label of a script's output. */
const figure = (output: string, label: RegExp): number => {
  const found = Number(new RegExp(`${label.source}\\D*([\\d.]+)`).exec(output)?.[1]);
  if (Number.isNaN(found)) throw new Error(`no figure ${label} in: ${output}`);
  return found;
};

const outputOf = async (script: string, ...args: string[]): Promise<string> => {
  try {
    return (await run(process.execPath, [`dev/bench/${script}`, ...args])).stdout;
  } catch (error) {
    // A missed goal is the script's exit code; the figures are there all the same.
    const stdout: unknown = error instanceof Error ? Reflect.get(error, "stdout") : null;
    if (typeof stdout === "string" && stdout.includes("ratio")) return stdout;
    throw error;
  }
};

export const measureLookups = async (report: Report, rounds: number): Promise<void> => {
  const output = await outputOf("lookup.ts", "--rounds", String(rounds));
  const table = "Look-ups";
  const besideWhat = "a bare Hono route with one KV read";
  const [bare, cached] = [/bare Hono.*?/, /cached look-up.*?/];
  report.add(
    {
      table,
      what: "cached, p50",
      ours: figure(output, new RegExp(`${cached.source}p50`)),
      beside: figure(output, new RegExp(`${bare.source}p50`)),
      besideWhat,
      unit: "ms",
      atMost: 1.3,
    },
    {
      table,
      what: "cached, p99",
      ours: figure(output, new RegExp(`${cached.source}p99`)),
      beside: figure(output, new RegExp(`${bare.source}p99`)),
      besideWhat,
      unit: "ms",
    },
    {
      table,
      what: "not cached, p50",
      ours: figure(output, /cold look-up.*?p50/),
      beside: figure(output, /its calls' own latency/),
      besideWhat: "its Okta calls one after another",
      unit: "ms",
    },
  );
};

export const measureDelivery = async (report: Report, users: number, rounds: number): Promise<void> => {
  const output = await outputOf("delivery.ts", "--users", String(users), "--rounds", String(rounds));
  report.add({
    table: "Delivery",
    what: `${users} events to an http sink`,
    ours: figure(output, /delivery by the http sink.*?p50/),
    beside: figure(output, /bare loop.*?p50/),
    besideWhat: "a loop that reads and posts",
    unit: "ms",
    atMost: 1.5,
  });
};
