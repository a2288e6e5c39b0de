/** Runs wrangler's commands without the developer's settings and without the network. */
import { execFile } from "node:child_process";
import { promisify } from "node:util";

const run = promisify(execFile);

/** @returns what it wrote to its standard output */
export const wrangler = async (...args: readonly string[]): Promise<string> => {
  const { stdout } = await run(process.execPath, ["node_modules/wrangler/bin/wrangler.js", ...args], {
    env: { ...process.env, WRANGLER_HIDE_BANNER: "true", WRANGLER_SEND_METRICS: "false" },
  });
  return stdout;
};
