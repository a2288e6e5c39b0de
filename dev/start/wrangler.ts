/** Starts `wrangler dev` and waits until it answers. */
import { join } from "node:path";
import type { Connector } from "./connector.ts";
import { Failure } from "./failure.ts";
import { duration } from "./numbers.ts";
import { type Program, startProgram } from "./processes.ts";

const ROOT = join(import.meta.dirname, "../..");
const WRANGLER = join(ROOT, "node_modules/wrangler/bin/wrangler.js");
const READY_WITHIN_MS = 90_000;

export interface WranglerOptions {
  readonly port: number;
  /** The folder in which its storage is kept between starts. */
  readonly state: string;
  /** The file to which its output is written. */
  readonly log: string;
  /** Settings that override .dev.vars and wrangler.toml. */
  readonly vars: Readonly<Record<string, string>>;
  /** A file of settings in place of .dev.vars, for tests, which must not know the developer's own. */
  readonly envFile?: string;
}

export const startWrangler = ({ port, state, log, vars, envFile }: WranglerOptions): Program =>
  startProgram({
    command: process.execPath,
    args: [
      WRANGLER,
      "dev",
      ...["--cwd", ROOT, "--ip", "127.0.0.1", "--port", String(port), "--persist-to", state],
      "--show-interactive-dev-session=false",
      ...(envFile === undefined ? [] : ["--env-file", envFile]),
      ...Object.entries(vars).flatMap(([name, value]) => ["--var", `${name}:${value}`]),
    ],
    env: {
      ...process.env,
      CLOUDFLARE_CF_FETCH_ENABLED: "false",
      CLOUDFLARE_TELEMETRY_DISABLED: "1",
      WRANGLER_HIDE_BANNER: "true",
    },
    logFile: log,
  });

/** Waits until the connector answers. Throws a Failure with wrangler's output when it does not. */
export const waitUntilUp = async (connector: Connector, wrangler: Program, log: string): Promise<void> => {
  const deadline = Date.now() + READY_WITHIN_MS;
  while (Date.now() < deadline) {
    if (!wrangler.isRunning())
      throw new Failure(`wrangler dev has ended. Its last output:\n\n${wrangler.tail()}`);
    if (await connector.isUp()) return;
    await new Promise((wake) => setTimeout(wake, 200));
  }
  throw new Failure(
    `wrangler dev did not answer within ${duration(READY_WITHIN_MS / 1000)}. Its output is in ${log}, and ends with:\n\n${wrangler.tail()}`,
  );
};
