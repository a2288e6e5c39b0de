/** The Worker in a real `wrangler dev`, in a process group of its own that can be killed at any instant. */
import { type ChildProcess, execFile, spawn } from "node:child_process";
import { cp, mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { createServer } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { promisify } from "node:util";

const run = promisify(execFile);
const WRANGLER = "node_modules/wrangler/bin/wrangler.js";

/** Full rights. */
export const KEY = "test-key-0123456789-0123456789-01234567";

const sleep = (ms: number): Promise<void> => new Promise((resolve) => setTimeout(resolve, ms));

/** A port that nobody listens on now. */
export const freePort = (): Promise<number> =>
  new Promise((resolve, reject) => {
    const server = createServer();
    server.on("error", reject);
    server.listen(0, "127.0.0.1", () => {
      const address = server.address();
      const port = typeof address === "object" && address !== null ? address.port : 0;
      server.close(() => resolve(port));
    });
  });

/** A folder for one Worker: its bundle, its settings, its storage. */
export class WorkerProcess {
  readonly folder: string;
  readonly port: number;
  readonly #inspectorPort: number;
  #child: ChildProcess | null = null;
  #output = "";

  private constructor(folder: string, port: number, inspectorPort: number) {
    this.folder = folder;
    this.port = port;
    this.#inspectorPort = inspectorPort;
  }

  /** Bundles the Worker once, so that a restart is quick and a change of the source does not restart it. */
  static async create(settings: Readonly<Record<string, string>>): Promise<WorkerProcess> {
    const folder = await mkdtemp(join(tmpdir(), "okta-edge-connector-"));
    await run(process.execPath, [WRANGLER, "deploy", "--dry-run", "--outdir", join(folder, "bundle")], {
      env: quiet(folder),
    });
    // Copies, so that a change of the configuration or of the assets does not restart it either.
    const config = (await readFile("wrangler.toml", "utf8")).replace(
      /^main = .*$/m,
      'main = "bundle/index.js"',
    );
    await cp("public", join(folder, "public"), { recursive: true });
    await writeFile(join(folder, "wrangler.toml"), config);
    const lines = Object.entries({ API_KEYS: KEY, ALLOW_LOOPBACK: "true", ...settings });
    await writeFile(join(folder, ".env"), lines.map(([name, value]) => `${name}='${value}'\n`).join(""));
    return new WorkerProcess(folder, await freePort(), await freePort());
  }

  /** Starts `wrangler dev` and waits until it answers. */
  async start(): Promise<void> {
    const { folder, port } = this;
    const flags: Record<string, string> = {
      "env-file": join(folder, ".env"),
      "persist-to": join(folder, "state"),
      port: String(port),
      ip: "127.0.0.1",
      "inspector-port": String(this.#inspectorPort),
      "log-level": "error",
      "show-interactive-dev-session": "false",
    };
    const child = spawn(
      process.execPath,
      [
        WRANGLER,
        "dev",
        "--no-bundle",
        `--config=${join(folder, "wrangler.toml")}`,
        ...Object.entries(flags).map(([name, value]) => `--${name}=${value}`),
      ],
      { detached: true, stdio: ["ignore", "pipe", "pipe"], env: quiet(folder) },
    );
    this.#child = child;
    const keep = (chunk: Buffer): void => {
      this.#output = (this.#output + chunk.toString()).slice(-20_000);
    };
    child.stdout?.on("data", keep);
    child.stderr?.on("data", keep);
    for (let tries = 0; tries < 600; tries++) {
      if (child.exitCode !== null) break;
      const answer = await fetch(`http://127.0.0.1:${port}/healthz`).catch(() => null);
      if (answer?.ok) return;
      await sleep(50);
    }
    throw new Error(`wrangler dev does not answer:\n${this.#output}`);
  }

  /** What it wrote to its console of late. */
  get output(): string {
    return this.#output;
  }

  /** Ends the whole process group at once, with no chance to say good-bye. */
  async kill(): Promise<void> {
    const child = this.#child;
    this.#child = null;
    if (child?.pid === undefined) return;
    const gone =
      child.exitCode !== null || child.signalCode !== null
        ? Promise.resolve()
        : new Promise<void>((resolve) => child.once("exit", () => resolve()));
    try {
      process.kill(-child.pid, "SIGKILL");
    } catch {
      // the group has ended by itself
    }
    await gone;
  }

  async remove(): Promise<void> {
    await this.kill();
    await rm(this.folder, { recursive: true, force: true, maxRetries: 5, retryDelay: 200 });
  }

  /** Process ids of the workerd processes of this group, by the kernel's own account. */
  async workerdPids(): Promise<number[]> {
    const group = this.#child?.pid;
    if (group === undefined) return [];
    const { stdout } = await run("ps", ["-eo", "pid=,pgid=,comm="]);
    return stdout.split("\n").flatMap((line) => {
      const [pid, pgid, name] = line.trim().split(/\s+/);
      return Number(pgid) === group && name === "workerd" ? [Number(pid)] : [];
    });
  }

  /** The greatest resident set that the workerd process ever had, in bytes. */
  async peakMemory(): Promise<number> {
    const peaks = await Promise.all(
      (await this.workerdPids()).map(async (pid) => {
        const status = await readFile(`/proc/${pid}/status`, "utf8").catch(() => "");
        return Number(/VmHWM:\s+(\d+) kB/.exec(status)?.[1] ?? 0) * 1024;
      }),
    );
    return Math.max(0, ...peaks);
  }

  async request(method: string, path: string, body?: unknown): Promise<Response> {
    return fetch(`http://127.0.0.1:${this.port}${path}`, {
      method,
      headers: { authorization: `Bearer ${KEY}`, "content-type": "application/json" },
      ...(body === undefined ? {} : { body: JSON.stringify(body) }),
    });
  }
}

/** Nothing of the developer's own settings, no telemetry, no look at the network. */
const quiet = (folder: string): NodeJS.ProcessEnv => ({
  ...process.env,
  CI: "true",
  CLOUDFLARE_CF_FETCH_ENABLED: "false",
  CLOUDFLARE_TELEMETRY_DISABLED: "1",
  WRANGLER_SEND_METRICS: "false",
  WRANGLER_HIDE_BANNER: "true",
  WRANGLER_REGISTRY_PATH: join(folder, "registry"),
  XDG_CONFIG_HOME: join(folder, "config"),
});
