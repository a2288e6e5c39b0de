/** The Worker as a deploy would bundle it, with what wrangler.toml binds to it. */
import { execFile } from "node:child_process";
import { mkdtemp, readFile, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { basename, join } from "node:path";
import { promisify } from "node:util";
import { unstable_getMiniflareWorkerOptions as optionsOf, unstable_readConfig as readConfig } from "wrangler";

const run = promisify(execFile);
const MAIN = "src/index.ts";

/** Plain data: vitest hands it from the process that makes it to those that run tests. */
export interface Build {
  readonly script: string;
  /** Compatibility date, objects, namespaces and assets for Miniflare, without the developer's own settings. */
  readonly options: Omit<ReturnType<typeof optionsOf>["workerOptions"], "bindings" | "modulesRules">;
}

/** Nothing of the developer's own settings, no telemetry, no look at the network. */
const quietEnv = (folder: string): NodeJS.ProcessEnv => ({
  ...process.env,
  CI: "true",
  CLOUDFLARE_CF_FETCH_ENABLED: "false",
  CLOUDFLARE_TELEMETRY_DISABLED: "1",
  WRANGLER_SEND_METRICS: "false",
  WRANGLER_HIDE_BANNER: "true",
  XDG_CONFIG_HOME: folder,
});

/** @param main an entry other than the product's own */
export const buildWorker = async (main = MAIN): Promise<Build> => {
  const folder = await mkdtemp(join(tmpdir(), "okta-edge-connector-build-"));
  try {
    const bundle = ["deploy", main, "--dry-run", "--outdir", folder];
    await run(process.execPath, ["node_modules/wrangler/bin/wrangler.js", ...bundle], {
      env: quietEnv(folder),
    });
    const { bindings, modulesRules, ...options } = optionsOf(
      readConfig({ config: "./wrangler.toml" }),
    ).workerOptions;
    const script = await readFile(join(folder, basename(main).replace(/\.ts$/, ".js")), "utf8");
    return { script, options };
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
};
