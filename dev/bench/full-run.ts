/** Full runs of both streams in real workerd against simulated orgs without limits, measured. */
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
  /** Of the last org. */
  readonly users: RunDocument;
  readonly devices: RunDocument;
  readonly dump: OrgDump;
  /** The greatest resident set of the workerd process, bytes: before the runs, and after all of them. */
  readonly memory: { readonly idle: number; readonly peak: number };
  readonly seconds: number;
}

const sleep = (ms: number): Promise<void> => new Promise((resolve) => setTimeout(resolve, ms));

const runToEnd = async (
  worker: WorkerProcess,
  connection: string,
  stream: StreamName,
): Promise<RunDocument> => {
  const path = `/v1/streams/${stream}`;
  await worker.request("POST", `${path}/runs?connection=${connection}`, { kind: "full" });
  for (;;) {
    await sleep(2000);
    const response = await worker.request("GET", `${path}?connection=${connection}`);
    if (!response.ok) throw new Error(`${response.status} ${await response.text()}\n${worker.output}`);
    const status: StreamStatus = await response.json();
    if (status.run !== null) continue;
    const run = status.last_full;
    if (run?.state !== "done") throw new Error(`the run ended otherwise: ${JSON.stringify(status)}`);
    return run;
  }
};

const orgOn = async (size: Size, seed: number) => {
  const org = createOktaOrg({ ...size, seed, limits: "none", concurrency: 1000 });
  const port = await freePort();
  const server = serve({ fetch: org.fetch, port, hostname: "127.0.0.1" });
  return { org, url: `http://127.0.0.1:${port}`, close: () => server.close() };
};

/** Starts a Worker without an inventory, runs both streams of one org after another, ends it. */
export const measure = async (size: Size, times = 1): Promise<Measured> => {
  const orgs = await Promise.all(Array.from({ length: times }, (_, index) => orgOn(size, index + 1)));
  const connections = orgs.map(({ url }, index) => ({
    id: `org${index}`,
    base_url: url,
    secret_prefix: `ORG${index}_`,
  }));
  const tokens = connections.map(({ secret_prefix }) => [`${secret_prefix}API_TOKEN`, "sim-token"]);
  const worker = await WorkerProcess.create({
    CONNECTIONS: JSON.stringify(connections),
    ...Object.fromEntries(tokens),
  });
  try {
    await worker.start();
    const idle = await worker.peakMemory();
    const started = Date.now();
    let measured: Measured | null = null;
    for (const [index, { org }] of orgs.entries()) {
      const users = await runToEnd(worker, `org${index}`, "users");
      const devices = await runToEnd(worker, `org${index}`, "devices");
      const seconds = (Date.now() - started) / 1000;
      const peak = await worker.peakMemory();
      measured = { users, devices, dump: org.dump(), memory: { idle, peak }, seconds };
    }
    if (measured === null) throw new Error("no org to measure");
    return measured;
  } finally {
    await worker.remove();
    for (const { close } of orgs) close();
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
