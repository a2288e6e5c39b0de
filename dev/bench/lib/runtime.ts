/** The bench Worker (worker.ts) in a runtime of its own. */

import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { RunDocument, RunKind, StreamStatus } from "../../../src/contract/status.ts";
import type { StreamName } from "../../../src/contract/streams.ts";
import { makeSession } from "../../../src/http/auth/session.ts";
import { nextPage } from "../../../test/support/pages.ts";
import type { Bill } from "./bill.ts";
import type { ServedOrg } from "./org.ts";
import { ProcessMeter } from "./process.ts";
import { say } from "./progress.ts";
import { grouped, sleep } from "./statistics.ts";
import { PRODUCT_OBJECTS, Workerd } from "./workerd.ts";
import { wrangler } from "./wrangler.ts";

const KEY = "b".repeat(40);
/** While Okta has been called within this time, a run is in progress and its status need not be requested, ms. */
const QUIET_MS = 250;
const TELL_EVERY_MS = 10_000;

export interface WorkerOptions {
  /** More connections to the same org, each with an empty inventory: c1, c2, … */
  readonly connections?: number;
  readonly vars?: Readonly<Record<string, string>>;
  /** Settings of V8. */
  readonly v8Flags?: readonly string[];
}

const objects = { ...PRODUCT_OBJECTS, FLOOR: "Floor" };

let bundled: Promise<string> | null = null;

/** The bench Worker as one module, made once. */
const bundle = (): Promise<string> => {
  bundled ??= (async () => {
    const folder = mkdtempSync(join(tmpdir(), "okta-bench-"));
    process.once("exit", () => rmSync(folder, { recursive: true, force: true }));
    await wrangler("deploy", "dev/bench/worker.ts", "--dry-run", "--outdir", folder);
    return join(folder, "worker.js");
  })();
  return bundled;
};

export class BenchWorker {
  readonly #workerd: Workerd;
  readonly #org: ServedOrg | null;
  /** Its process; null where the system does not report it. */
  readonly process: ProcessMeter | null;

  private constructor(workerd: Workerd, org: ServedOrg | null) {
    this.#workerd = workerd;
    this.#org = org;
    this.process = process.platform === "linux" ? new ProcessMeter(workerd.pid) : null;
  }

  /** @param org null for a Worker that makes no calls to Okta */
  static async start(
    org: ServedOrg | null,
    { connections = 0, vars = {}, v8Flags = [] }: WorkerOptions = {},
  ): Promise<BenchWorker> {
    const oktaUrl = org?.url ?? "http://127.0.0.1:9";
    const more = Array.from({ length: connections }, (_, index) => ({
      id: `c${index + 1}`,
      base_url: oktaUrl,
      secret_prefix: `C${index + 1}_`,
    }));
    const tokens = more.map(({ secret_prefix }) => [`${secret_prefix}API_TOKEN`, "sim-token"]);
    const script = {
      file: await bundle(),
      objects,
      vars: {
        OKTA_BASE_URL: oktaUrl,
        OKTA_API_TOKEN: "sim-token",
        ALLOW_LOOPBACK: "true",
        API_KEYS: KEY,
        CONNECTIONS: JSON.stringify(more),
        ...Object.fromEntries(tokens),
        ...vars,
      },
    };
    return new BenchWorker(await Workerd.start(script, ["--expose-gc", ...v8Flags]), org);
  }

  /** @param headers instead of the usual ones, or beside them */
  async request(
    method: string,
    path: string,
    body?: unknown,
    headers: Readonly<Record<string, string>> = {},
  ): Promise<Response> {
    const response = await fetch(new URL(path, this.#workerd.url), {
      method,
      headers: { authorization: `Bearer ${KEY}`, "content-type": "application/json", ...headers },
      ...(body === undefined ? {} : { body: typeof body === "string" ? body : JSON.stringify(body) }),
    });
    if (!response.ok) throw new Error(`${method} ${path}: ${response.status} ${await response.text()}`);
    return response;
  }

  /** Opens a page of the console, as somebody who has signed in. */
  async page(path: string): Promise<void> {
    const cookie = `okta_edge_session=${await makeSession(KEY, Date.now())}`;
    const response = await fetch(new URL(path, this.#workerd.url), {
      headers: { cookie },
      redirect: "manual",
    });
    if (response.status !== 200) throw new Error(`${path}: ${response.status}`);
    await response.arrayBuffer();
  }

  async json<T>(method: string, path: string, body?: unknown): Promise<T> {
    return (await (await this.request(method, path, body)).json()) as T;
  }

  /** Calls one of the bench Worker's own routes, see worker.ts. */
  bench<T>(
    work: string,
    parameters: Readonly<Record<string, string | number>> = {},
    body?: unknown,
  ): Promise<T> {
    const query = new URLSearchParams(
      Object.entries(parameters).map(([name, value]) => [name, String(value)]),
    );
    return this.json("POST", `/bench/${work}?${query}`, body);
  }

  /** What Cloudflare would bill for what was done since the last call. */
  bill(): Promise<Bill> {
    return this.bench("bill");
  }

  /** The resident set at rest and after garbage collection, MB; null where the system does not report it. */
  async liveMb(): Promise<number | null> {
    // Native objects that the first collection releases are freed by the second.
    for (let n = 0; n < 2; n++) await this.bench("collect");
    return (await this.process?.settledMb()) ?? null;
  }

  status(stream: StreamName = "users", connection = "default"): Promise<StreamStatus> {
    return this.json("GET", `/v1/streams/${stream}?connection=${connection}`);
  }

  /**
   * Performs one run and returns how it ended. While it calls Okta, it is left alone, and its progress is taken from the
   * number of calls.
   * @param label its name in progress messages
   */
  async run(kind: RunKind, stream: StreamName, label: string, connection = "default"): Promise<RunDocument> {
    const path = `/v1/streams/${stream}/runs?connection=${connection}`;
    const { id } = await this.json<RunDocument>("POST", path, { kind });
    let pause = 50;
    let toldAt = performance.now();
    for (;;) {
      await sleep(pause);
      if (this.#org !== null && performance.now() - toldAt > TELL_EVERY_MS) {
        toldAt = performance.now();
        say(`${label}: ${grouped(this.#org.askedCount())} calls so far`);
      }
      if (this.#org !== null && this.#org.quietMs() < QUIET_MS) continue;
      const { runs } = await this.json<{ runs: RunDocument[] }>("GET", path);
      const run = runs.find((each) => each.id === id);
      if (run !== undefined && run.state !== "running") return run;
      pause = Math.min(1000, Math.max(QUIET_MS, pause * 1.5));
    }
  }

  /** Reads all events as NDJSON, and passes the lines on page by page. */
  async inventory(
    stream: StreamName,
    onPage: (text: string) => void,
    { connection = "default", dialect = "sekoia" } = {},
  ): Promise<void> {
    let path: string | null =
      `/v1/inventory/${stream}?limit=1000&dialect=${dialect}&connection=${connection}`;
    while (path !== null) {
      const response: Response = await this.request("GET", path);
      onPage(await response.text());
      path = nextPage(response);
    }
  }

  close(): Promise<void> {
    return this.#workerd.close();
  }
}

/** How long a run took, ms by the Worker's own clock. */
export const durationOf = ({ started_at, finished_at }: RunDocument): number =>
  Date.parse(finished_at ?? "") - Date.parse(started_at);

/** Throws unless the run has succeeded. */
export const assertDone = (run: RunDocument): void => {
  if (run.state !== "done")
    throw new Error(`a ${run.kind} run ended as ${run.state}: ${JSON.stringify(run.error)}`);
};
