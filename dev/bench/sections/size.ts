/** The Worker's size after gzip beside its budget (dev/bundle-size.ts, a gate of `npm run check`), and its start-up. */
import { execFile } from "node:child_process";
import { promisify } from "node:util";
import type { Report } from "../lib/report.ts";

const run = promisify(execFile);

export const measureSize = async (report: Report): Promise<void> => {
  const bin = "node_modules/.bin";
  const { stdout } = await run(process.execPath, ["dev/bundle-size.ts"], {
    env: { ...process.env, PATH: `${bin}:${process.env["PATH"]}` },
  });
  const [, size, budget] = /([\d.]+) KiB after gzip, of (\d+) KiB/.exec(stdout) ?? [];
  report.add({
    table: "Worker",
    what: "size after gzip",
    ours: Number(size),
    beside: Number(budget),
    besideWhat: "the budget that npm run check enforces",
    unit: "KiB",
    atMost: 1,
  });
};
