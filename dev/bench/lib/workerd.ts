/**
 * The bare runtime, workerd, without tools around it, so that only the Worker takes time and memory and makes calls. Its
 * storage is a folder that is deleted when it ends.
 */
import { type ChildProcess, spawn } from "node:child_process";
import { existsSync, rmSync } from "node:fs";
import { copyFile, mkdir, mkdtemp, rm, writeFile } from "node:fs/promises";
import { createRequire } from "node:module";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { freePort } from "./ports.ts";
import { sleep } from "./statistics.ts";

export const COMPATIBILITY_DATE = "2026-10-20";
const PATIENCE_MS = 20_000;
/** A file system in memory if there is one, because the speed of a local disk says nothing about Cloudflare's. */
const IN_MEMORY = "/dev/shm";

export interface Script {
  /** The bundled module. */
  readonly file: string;
  /** Its Durable Object classes by the names of their bindings. */
  readonly objects: Readonly<Record<string, string>>;
  readonly vars: Readonly<Record<string, string>>;
}

/** The product's Durable Object classes by the names of their bindings, as in wrangler.toml. */
export const PRODUCT_OBJECTS = {
  OKTA_GATE: "OktaGate",
  INVENTORY_STREAM: "InventoryStream",
  ACCOUNT_LOOKUP: "AccountLookup",
  SINK_DELIVERY: "SinkDelivery",
  REGISTRY: "Registry",
  ALERT_DELIVERY: "AlertDelivery",
};

/** The simplest KV and R2 that the runtime accepts: a map, and a bucket that accepts everything. */
const KV_STUB = `
const values = new Map();
export default { async fetch(request) {
  const key = new URL(request.url).pathname;
  if (request.method === "PUT") values.set(key, await request.arrayBuffer());
  else if (request.method === "DELETE") values.delete(key);
  else return values.has(key) ? new Response(values.get(key)) : new Response(null, { status: 404 });
  return new Response(null);
} };`;
const R2_STUB = `
export default { async fetch(request) {
  const size = Number(request.headers.get("cf-r2-metadata-size"));
  const body = await request.arrayBuffer();
  const { object } = JSON.parse(new TextDecoder().decode(body.slice(0, size)));
  const written = JSON.stringify({ name: object, version: "1", size: body.byteLength - size, etag: "1",
    uploaded: Date.now(), httpFields: {}, customFields: [], checksums: {} });
  return new Response(written, { headers: { "cf-r2-metadata-size": String(written.length) } });
} };`;

/** Text for workerd's configuration, which has the same escapes as ASCII JSON. */
const quoted = (text: string): string => JSON.stringify(text);

const configOf = (port: number, { objects, vars }: Script, v8Flags: readonly string[]): string => {
  const bindings = [
    ...Object.entries(vars).map(([name, text]) => `(name = ${quoted(name)}, text = ${quoted(text)})`),
    ...Object.entries(objects).map(
      ([name, type]) => `(name = ${quoted(name)}, durableObjectNamespace = ${quoted(type)})`,
    ),
    '(name = "ENRICHMENT_CACHE", kvNamespace = "kv")',
    '(name = "EVENTS", r2Bucket = "r2")',
  ];
  const namespaces = Object.values(objects).map(
    (type) => `(className = ${quoted(type)}, uniqueKey = ${quoted(type)}, enableSql = true)`,
  );
  const stub = (code: string): string =>
    `(modules = [(name = "stub.js", esModule = ${quoted(code)})], compatibilityDate = "${COMPATIBILITY_DATE}")`;
  return `using Workerd = import "/workerd/workerd.capnp";
const config :Workerd.Config = (
  services = [
    (name = "main", worker = .main),
    (name = "kv", worker = ${stub(KV_STUB)}),
    (name = "r2", worker = ${stub(R2_STUB)}),
    (name = "disk", disk = (path = "storage", writable = true)),
    (name = "network", network = (allow = ["private", "public"])),
  ],
  sockets = [(name = "http", address = "127.0.0.1:${port}", http = (), service = "main")],
  v8Flags = [${v8Flags.map(quoted).join(", ")}],
);
const main :Workerd.Worker = (
  modules = [(name = "worker.js", esModule = embed "worker.js")],
  compatibilityDate = "${COMPATIBILITY_DATE}",
  bindings = [${bindings.join(",\n    ")}],
  durableObjectNamespaces = [${namespaces.join(", ")}],
  durableObjectStorage = (localDisk = "disk"),
  globalOutbound = "network",
);
`;
};

/** The runtime that comes with wrangler. */
const binary = (): string => {
  const { resolve } = createRequire(import.meta.url);
  const fromWrangler = createRequire(resolve("wrangler/package.json"));
  const found: { default: string } = fromWrangler("workerd");
  return found.default;
};

const alive = new Map<ChildProcess, string>();

/** Ends every runtime that is still running, so that none outlives this process or a section that failed. */
export const endAll = (): void => {
  for (const [child, folder] of alive) {
    child.kill("SIGKILL");
    rmSync(folder, { recursive: true, force: true });
  }
  alive.clear();
};
process.once("exit", endAll);

export class Workerd {
  readonly url: string;
  readonly pid: number;
  /** The time from the start of the process to its first answer, ms. */
  readonly startMs: number;
  readonly #child: ChildProcess;
  readonly #folder: string;

  private constructor(url: string, child: ChildProcess, folder: string, startMs: number) {
    this.url = url;
    this.pid = child.pid ?? 0;
    this.#child = child;
    this.#folder = folder;
    this.startMs = startMs;
  }

  /** Starts it and waits for its first answer. */
  static async start(script: Script, v8Flags: readonly string[] = []): Promise<Workerd> {
    const folder = await mkdtemp(join(existsSync(IN_MEMORY) ? IN_MEMORY : tmpdir(), "okta-bench-"));
    const port = await freePort();
    const url = `http://127.0.0.1:${port}`;
    const config = join(folder, "config.capnp");
    await mkdir(join(folder, "storage"));
    await copyFile(script.file, join(folder, "worker.js"));
    await writeFile(config, configOf(port, script, v8Flags));
    const startedAt = performance.now();
    // The product's log lines are dropped. The runtime's own errors are shown.
    const child = spawn(binary(), ["serve", config], { cwd: folder, stdio: ["ignore", "ignore", "pipe"] });
    alive.set(child, folder);
    let complaints = "";
    child.stderr?.on("data", (chunk: Buffer) => {
      complaints = (complaints + chunk.toString()).slice(-5000);
    });
    while (performance.now() - startedAt < PATIENCE_MS && child.exitCode === null) {
      const answer = await fetch(`${url}/healthz`).catch(() => null);
      if (answer?.ok) return new Workerd(url, child, folder, performance.now() - startedAt);
      await sleep(2);
    }
    throw new Error(`workerd does not answer: ${complaints}`);
  }

  async close(): Promise<void> {
    const ended = new Promise<void>((resolve) => this.#child.once("exit", () => resolve()));
    this.#child.kill("SIGKILL");
    await ended;
    alive.delete(this.#child);
    await rm(this.#folder, { recursive: true, force: true });
  }
}
