/**
 * The size of the Worker and how long it takes to start, compared with a bare one. The start is measured in two ways:
 * the processor time of evaluating the modules, sampled by the runtime's own profiler, which Cloudflare limits; and the
 * time from starting workerd with the built script to its first answer.
 */
import { mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { say } from "../lib/progress.ts";
import type { Report } from "../lib/report.ts";
import { median } from "../lib/statistics.ts";
import { PRODUCT_OBJECTS, Workerd } from "../lib/workerd.ts";
import { wrangler } from "../lib/wrangler.ts";

/** Cloudflare refuses a Worker whose start-up takes more processor time than this, ms. */
const PLATFORM_BOUND_MS = 1000;
/** The part of it that we allow ourselves, because a developer's machine is not like Cloudflare's. */
const BOUND_PART = 0.06;
const BARE = `export default { fetch: () => new Response("ok") };\n`;

interface Profile {
  readonly nodes: readonly { readonly id: number; readonly callFrame: { readonly functionName: string } }[];
  readonly samples: readonly number[];
  readonly timeDeltas: readonly number[];
}

/** The busy milliseconds of a profile, including garbage collection. */
const busyMs = ({ nodes, samples, timeDeltas }: Profile): number => {
  const idle = new Set(
    nodes.filter(({ callFrame }) => callFrame.functionName === "(idle)").map(({ id }) => id),
  );
  return samples.reduce((sum, id, index) => sum + (idle.has(id) ? 0 : (timeDeltas[index] ?? 0)), 0) / 1000;
};

/** Processor time of evaluating the modules, ms. A bare Worker's is too short to be sampled. */
const evaluationMs = async (folder: string): Promise<number> => {
  const file = join(folder, "startup.cpuprofile");
  await wrangler("check", "startup", "--outfile", file);
  return busyMs(JSON.parse(await readFile(file, "utf8")));
};

/** The time from starting the runtime to its first answer, ms. */
const firstAnswer = async (file: string, objects: Readonly<Record<string, string>>): Promise<number> => {
  const workerd = await Workerd.start({ file, objects, vars: {} });
  await workerd.close();
  return workerd.startMs;
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
    await wrangler("deploy", "--dry-run", "--outdir", folder);
    const [ours, bare] = [join(folder, "index.js"), join(folder, "bare.js")];
    await writeFile(bare, BARE);
    const evaluation: number[] = [];
    const answer = { ours: [] as number[], bare: [] as number[] };
    for (let round = 1; round <= rounds; round++) {
      say(`start-up: round ${round} of ${rounds}`);
      evaluation.push(await evaluationMs(folder));
      for (let each = 0; each < 3; each++) {
        answer.ours.push(await firstAnswer(ours, PRODUCT_OBJECTS));
        answer.bare.push(await firstAnswer(bare, {}));
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
