/**
 * How large the Worker is and how long it takes to start, beside a bare one. Two views of the start: the processor
 * time of the modules' evaluation, sampled by the runtime's own profiler, which is what Cloudflare bounds; and the time
 * from starting workerd with the built script to its first answer.
 */
import { spawn } from "node:child_process";
import { mkdir, mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { createRequire } from "node:module";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { freePort } from "../lib/ports.ts";
import { say } from "../lib/progress.ts";
import type { Report } from "../lib/report.ts";
import { median, sleep } from "../lib/statistics.ts";
import { wrangler } from "../lib/wrangler.ts";

/** Cloudflare refuses a Worker whose start-up takes more processor time, ms. */
const PLATFORM_BOUND_MS = 1000;
/** The part of it that we allow ourselves: a developer's machine is not Cloudflare's. */
const BOUND_PART = 0.25;
const COMPATIBILITY_DATE = "2026-10-20";
const PATIENCE_MS = 10_000;
const BARE = `export default { fetch: () => new Response("ok") };\n`;

interface Profile {
  readonly nodes: readonly { readonly id: number; readonly callFrame: { readonly functionName: string } }[];
  readonly samples: readonly number[];
  readonly timeDeltas: readonly number[];
}

/** Milliseconds of a profile in which something ran, garbage collection included. */
const busyMs = ({ nodes, samples, timeDeltas }: Profile): number => {
  const idle = new Set(
    nodes.filter(({ callFrame }) => callFrame.functionName === "(idle)").map(({ id }) => id),
  );
  return samples.reduce((sum, id, index) => sum + (idle.has(id) ? 0 : (timeDeltas[index] ?? 0)), 0) / 1000;
};

/** Processor time of the modules' evaluation, ms; a bare Worker's is too short for a sample. */
const evaluationMs = async (folder: string): Promise<number> => {
  const file = join(folder, "startup.cpuprofile");
  await wrangler("check", "startup", "--outfile", file);
  return busyMs(JSON.parse(await readFile(file, "utf8")));
};

/** workerd's own configuration of one Worker with objects in memory and a socket. */
const capnp = (port: number, classes: readonly string[]): string => {
  const namespaces = classes.map(
    (name) => `(className = "${name}", uniqueKey = "${name}", enableSql = true)`,
  );
  return `using Workerd = import "/workerd/workerd.capnp";
const config :Workerd.Config = (
  services = [(name = "main", worker = .worker)],
  sockets = [(name = "http", address = "127.0.0.1:${port}", http = (), service = "main")],
);
const worker :Workerd.Worker = (
  modules = [(name = "index.js", esModule = embed "index.js")],
  compatibilityDate = "${COMPATIBILITY_DATE}",
  durableObjectNamespaces = [${namespaces.join(", ")}],
  durableObjectStorage = (inMemory = void),
);
`;
};

/** The runtime that wrangler brings along. */
const workerdBinary = (): string => {
  const { resolve } = createRequire(import.meta.url);
  const fromWrangler = createRequire(resolve("wrangler/package.json"));
  const found: { default: string } = fromWrangler("workerd");
  return found.default;
};

/** From starting the runtime to its first answer, ms. */
const firstAnswer = async (folder: string, classes: readonly string[]): Promise<number> => {
  const port = await freePort();
  const config = join(folder, "config.capnp");
  await writeFile(config, capnp(port, classes));
  const startedAt = performance.now();
  const workerd = spawn(workerdBinary(), ["serve", config], { stdio: "ignore" });
  const ended = new Promise<void>((resolve) => workerd.once("exit", () => resolve()));
  try {
    while (performance.now() - startedAt < PATIENCE_MS) {
      const answer = await fetch(`http://127.0.0.1:${port}/healthz`).catch(() => null);
      if (answer?.ok) return performance.now() - startedAt;
      await sleep(2);
    }
    throw new Error(`workerd does not answer with ${config}`);
  } finally {
    workerd.kill("SIGKILL");
    await ended;
  }
};

const measureSize = async (report: Report): Promise<void> => {
  const output = await wrangler("deploy", "--dry-run");
  const [, size, gzipped] = /Total Upload: ([\d.]+) KiB \/ gzip: ([\d.]+) KiB/.exec(output) ?? [];
  const gate = await readFile("dev/bundle-size.ts", "utf8");
  const budget = (name: string): number => Number(new RegExp(`const ${name} = (\\d+)`).exec(gate)?.[1]);
  const row = {
    table: "The Worker's size",
    besideWhat: "the budget that npm run check enforces",
    unit: "KiB",
    atMost: 1,
  };
  report.add(
    { ...row, what: "after gzip", ours: Number(gzipped), beside: budget("GZIP_BUDGET_KIB") },
    { ...row, what: "as it is parsed", ours: Number(size), beside: budget("BUDGET_KIB") },
  );
};

export const measureStartUp = async (report: Report, rounds: number): Promise<void> => {
  await measureSize(report);
  const folder = await mkdtemp(join(tmpdir(), "okta-bench-start-"));
  try {
    const [ours, bare] = [join(folder, "ours"), join(folder, "bare")];
    await wrangler("deploy", "--dry-run", "--outdir", ours);
    await mkdir(bare);
    await writeFile(join(bare, "index.js"), BARE);
    const classes = ["OktaGate", "InventoryStream", "AccountLookup", "SinkDelivery"];
    const evaluation: number[] = [];
    const answer = { ours: [] as number[], bare: [] as number[] };
    for (let round = 1; round <= rounds; round++) {
      say(`start-up: round ${round} of ${rounds}`);
      evaluation.push(await evaluationMs(folder));
      for (let each = 0; each < 3; each++) {
        answer.ours.push(await firstAnswer(ours, classes));
        answer.bare.push(await firstAnswer(bare, []));
      }
    }
    const table = `The Worker's start-up, median of ${rounds}`;
    const unit = "ms";
    report.add(
      {
        table,
        what: "processor time of evaluating the modules",
        ours: median(evaluation),
        beside: PLATFORM_BOUND_MS,
        besideWhat: "Cloudflare's limit",
        unit,
        atMost: BOUND_PART,
      },
      {
        table,
        what: "from starting workerd to the first answer",
        ours: median(answer.ours),
        beside: median(answer.bare),
        besideWhat: "one line of script",
        unit,
      },
    );
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
};
