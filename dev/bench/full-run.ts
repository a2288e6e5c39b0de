/** One full run of both streams in real workerd against a simulated org without limits, measured. */
import { serve } from "@hono/node-server";
import type { RunDocument, StreamName, StreamStatus } from "../../src/sync/status.ts";
import { freePort, WorkerProcess } from "../../test/support/worker-process.ts";
import { createOktaOrg, type OrgDump } from "../okta-org/index.ts";

export interface Size {
  readonly users: number;
  readonly groups: number;
  readonly devices: number;
}

export interface Measured {
  readonly users: RunDocument;
  readonly devices: RunDocument;
  readonly dump: OrgDump;
  /** The greatest resident set of the workerd process, bytes: before the runs, and after both. */
  readonly memory: { readonly idle: number; readonly peak: number };
  readonly seconds: number;
}

const sleep = (ms: number): Promise<void> => new Promise((resolve) => setTimeout(resolve, ms));

const runToEnd = async (worker: WorkerProcess, stream: StreamName): Promise<RunDocument> => {
  await worker.request("POST", `/v1/streams/${stream}/runs`, { kind: "full" });
  for (;;) {
    await sleep(2000);
    const response = await worker.request("GET", `/v1/streams/${stream}`);
    if (!response.ok) throw new Error(`${response.status} ${await response.text()}\n${worker.output}`);
    const status: StreamStatus = await response.json();
    if (process.env["BENCH_VERBOSE"]) {
      const { phase, calls } = status.run ?? { phase: "over", calls: { made: 0 } };
      console.log(phase, calls.made, megabytes(await worker.peakMemory()));
    }
    if (status.run !== null) continue;
    const run = status.last_full;
    if (run?.state !== "done") throw new Error(`the run ended otherwise: ${JSON.stringify(status)}`);
    return run;
  }
};

/** Starts a Worker with an empty inventory, runs both streams, ends it. */
export const measure = async (size: Size): Promise<Measured> => {
  const org = createOktaOrg({ ...size, seed: 1, limits: "none", concurrency: 1000 });
  const port = await freePort();
  const server = serve({ fetch: org.fetch, port, hostname: "127.0.0.1" });
  const worker = await WorkerProcess.create({
    OKTA_BASE_URL: `http://127.0.0.1:${port}`,
    OKTA_API_TOKEN: "sim-token",
    ...JSON.parse(process.env["BENCH_SETTINGS"] ?? "{}"),
  });
  try {
    await worker.start();
    const idle = await worker.peakMemory();
    const started = Date.now();
    const users = await runToEnd(worker, "users");
    const devices = await runToEnd(worker, "devices");
    const seconds = (Date.now() - started) / 1000;
    const peak = await worker.peakMemory();
    return { users, devices, dump: org.dump(), memory: { idle, peak }, seconds };
  } finally {
    await worker.remove();
    server.close();
  }
};

/** The sizes by name, for a choice on the command line. */
export const sizes = {
  "1k": { users: 1000, groups: 150, devices: 1000 },
  "10k": { users: 10_000, groups: 1000, devices: 12_000 },
  "50k": { users: 50_000, groups: 5000, devices: 60_000 },
} as const satisfies Record<string, Size>;

/** The sizes named by the arguments of the script, or all. */
export const chosen = (): [string, Size][] => {
  const names = process.argv.slice(2);
  return Object.entries(sizes).filter(([name]) => names.length === 0 || names.includes(name));
};

export const megabytes = (bytes: number): string => `${Math.round(bytes / 1024 / 1024)} MB`;
