/** The whole Worker in the real runtime, with its storage on disk, where it can be killed at any instant. */
import { mkdtemp, readFile, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { convertV4MiniflareOptions, Log, LogLevel, Miniflare } from "miniflare";
import { portsBetween } from "../../dev/lib/ports.ts";
import type { StreamStatus } from "../../src/contract/status.ts";
import type { StreamName } from "../../src/contract/streams.ts";
import type { Build } from "./build.ts";

/** Full rights. */
export const KEY = "test-key-0123456789-0123456789-01234567";

const PATIENCE_MS = 60_000;
const KEPT_OUTPUT = 20_000;
/** Below the ports that systems hand out themselves, so that none is taken while the Worker is down. */
const freePort = portsBetween(20_000, 29_999);

/** Process ids of the runtimes that this process has started, as Linux lists them; none on other systems. */
const runtimes = async (): Promise<number[]> => {
  const textOf = (file: string): Promise<string> => readFile(`/proc/${file}`, "utf8").catch(() => "");
  const children = (await textOf(`self/task/${process.pid}/children`)).trim().split(" ").filter(Boolean);
  const names = await Promise.all(children.map((pid) => textOf(`${pid}/comm`)));
  return children.filter((_, index) => names[index]?.trim() === "workerd").map(Number);
};

/** A folder for one Worker's storage, its settings, and the port that it keeps over all its lives. */
export class WorkerProcess {
  readonly #port: number;
  readonly #build: Build;
  readonly #folder: string;
  #settings: Readonly<Record<string, string>>;
  #running: { readonly miniflare: Miniflare; readonly pids: readonly number[] } | null = null;
  #output = "";

  private constructor(
    build: Build,
    folder: string,
    port: number,
    settings: Readonly<Record<string, string>>,
  ) {
    this.#build = build;
    this.#folder = folder;
    this.#port = port;
    this.#settings = settings;
  }

  static async create(build: Build, settings: Readonly<Record<string, string>>): Promise<WorkerProcess> {
    const folder = await mkdtemp(join(tmpdir(), "okta-edge-connector-"));
    return new WorkerProcess(build, folder, await freePort(), {
      API_KEYS: KEY,
      ALLOW_LOOPBACK: "true",
      ...settings,
    });
  }

  /** Starts it and waits until it answers. Settings that are given take the place of earlier ones. */
  async start(settings: Readonly<Record<string, string>> = {}): Promise<void> {
    this.#settings = { ...this.#settings, ...settings };
    const { script, options } = this.#build;
    const before = new Set(await runtimes());
    const miniflare = new Miniflare(
      convertV4MiniflareOptions({
        ...options,
        name: "okta-edge-connector",
        modules: true,
        script,
        bindings: this.#settings,
        host: "127.0.0.1",
        port: this.#port,
        resourcePersistencePath: join(this.#folder, "state"),
        // No look at the network.
        cf: false,
        telemetry: { enabled: false },
        // Crons are fired by hand.
        unsafeTriggerHandlers: true,
        log: new Log(LogLevel.NONE),
        handleStructuredLogs: ({ message }) => {
          this.#output = `${this.#output}${message}\n`.slice(-KEPT_OUTPUT);
        },
      }),
    );
    await miniflare.ready;
    const pids = (await runtimes()).filter((pid) => !before.has(pid));
    this.#running = { miniflare, pids };
    const deadline = Date.now() + PATIENCE_MS;
    while (Date.now() < deadline) {
      const answer = await fetch(`${this.url}/healthz`).catch(() => null);
      if (answer?.ok) return;
      await sleep(20);
    }
    throw new Error(`the Worker does not answer:\n${this.#output}`);
  }

  /** What it wrote to its console of late. */
  get output(): string {
    return this.#output;
  }

  /** Ends the runtime at once, with no chance to finish anything. */
  async kill(): Promise<void> {
    const running = this.#running;
    this.#running = null;
    if (running === null) return;
    for (const pid of running.pids) {
      try {
        process.kill(pid, "SIGKILL");
      } catch {
        // It has ended by itself.
      }
    }
    // At once, since Miniflare restarts a runtime that it did not end. By itself it sends SIGKILL, too.
    await running.miniflare.dispose();
  }

  /** Makes it forget everything; it must not be running. */
  async forget(): Promise<void> {
    await rm(join(this.#folder, "state"), { recursive: true, force: true, maxRetries: 5, retryDelay: 200 });
  }

  async remove(): Promise<void> {
    await this.kill();
    await rm(this.#folder, { recursive: true, force: true, maxRetries: 5, retryDelay: 200 });
  }

  /** The greatest resident set that the runtime has had in this life, in bytes. */
  async peakMemory(): Promise<number> {
    const peaks = await Promise.all(
      (this.#running?.pids ?? []).map(async (pid) => {
        const status = await readFile(`/proc/${pid}/status`, "utf8").catch(() => "");
        return Number(/VmHWM:\s+(\d+) kB/.exec(status)?.[1] ?? 0) * 1024;
      }),
    );
    return Math.max(0, ...peaks);
  }

  get url(): string {
    return `http://127.0.0.1:${this.#port}`;
  }

  /** Asks it as a caller with full rights does. @param path may also be a whole address, as links have it */
  request(method: string, path: string, body?: unknown): Promise<Response> {
    return fetch(new URL(path, this.url), {
      method,
      headers: { authorization: `Bearer ${KEY}`, "content-type": "application/json" },
      ...(body === undefined ? {} : { body: JSON.stringify(body) }),
    });
  }

  /** The status of a stream; null while the Worker does not answer. */
  async status(stream: StreamName): Promise<StreamStatus | null> {
    const response = await this.request("GET", `/v1/streams/${stream}`).catch(() => null);
    return response?.ok ? response.json() : null;
  }
}
