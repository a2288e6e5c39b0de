/** The Worker in the local runtime, with an instrument or two beside it (see engine-worker.ts). */
import { execFileSync } from "node:child_process";
import { readFileSync } from "node:fs";
import { createTestHarness } from "wrangler";
import type { RunDocument, RunKind, StreamName, StreamStatus } from "../../../src/sync/status.ts";
import { freePort } from "./ports.ts";

export const KEY = "b".repeat(40);

export interface WorkerOptions {
  readonly oktaUrl: string;
  /** More connections to the same org, each with an empty inventory: c1, c2, … */
  readonly connections?: number;
  readonly vars?: Readonly<Record<string, string>>;
  readonly inspectorPort?: number;
}

/** What the objects have cost so far, by class; see engine-worker.ts. */
export interface Bill {
  readonly rowsRead: number;
  readonly rowsWritten: number;
}

const objects = {
  OKTA_GATE: "OktaGate",
  INVENTORY_STREAM: "InventoryStream",
  ACCOUNT_LOOKUP: "AccountLookup",
  SINK_DELIVERY: "SinkDelivery",
  FLOOR: "Floor",
};

const sleep = (ms: number): Promise<void> => new Promise((resolve) => setTimeout(resolve, ms));

const workerdPids = (): number[] => {
  const children = execFileSync("pgrep", ["-P", String(process.pid), "workerd"], { encoding: "utf8" });
  return children.trim().split("\n").map(Number);
};

export class BenchWorker {
  readonly #harness: ReturnType<typeof createTestHarness>;
  readonly #pids: readonly number[];

  private constructor(harness: ReturnType<typeof createTestHarness>, pids: readonly number[]) {
    this.#harness = harness;
    this.#pids = pids;
  }

  static async start({
    oktaUrl,
    connections = 0,
    vars = {},
    inspectorPort,
  }: WorkerOptions): Promise<BenchWorker> {
    const more = Array.from({ length: connections }, (_, index) => ({
      id: `c${index + 1}`,
      base_url: oktaUrl,
      secret_prefix: `C${index + 1}_`,
    }));
    const before = new Set(runningWorkerds());
    const harness = createTestHarness({
      workers: [
        {
          config: {
            name: "bench",
            main: "dev/bench/engine-worker.ts",
            compatibility_date: "2026-10-20",
            kv_namespaces: [{ binding: "ENRICHMENT_CACHE" }],
            durable_objects: {
              bindings: Object.entries(objects).map(([name, class_name]) => ({ name, class_name })),
            },
            migrations: [{ tag: "v1", new_sqlite_classes: Object.values(objects) }],
            dev: { port: await freePort(), ...(inspectorPort && { inspector_port: inspectorPort }) },
            vars: {
              OKTA_BASE_URL: oktaUrl,
              OKTA_API_TOKEN: "sim-token",
              ALLOW_LOOPBACK: "true",
              API_KEYS: KEY,
              ...Object.fromEntries(
                more.map(({ secret_prefix }) => [`${secret_prefix}API_TOKEN`, "sim-token"]),
              ),
              CONNECTIONS: JSON.stringify(more),
              ...vars,
            },
          },
        },
      ],
    });
    await harness.listen();
    return new BenchWorker(
      harness,
      runningWorkerds().filter((pid) => !before.has(pid)),
    );
  }

  async request(method: string, path: string, body?: unknown): Promise<Response> {
    const response = await this.#harness.fetch(path, {
      method,
      headers: { authorization: `Bearer ${KEY}`, "content-type": "application/json" },
      ...(body === undefined ? {} : { body: JSON.stringify(body) }),
    });
    if (!response.ok) throw new Error(`${method} ${path}: ${response.status} ${await response.text()}`);
    // The harness answers with undici's Response, which is the one of Node by another name.
    return response as unknown as Response;
  }

  async json<T>(method: string, path: string, body?: unknown): Promise<T> {
    return (await (await this.request(method, path, body)).json()) as T;
  }

  status(stream: StreamName = "users", connection = "default"): Promise<StreamStatus> {
    return this.json("GET", `/v1/streams/${stream}?connection=${connection}`);
  }

  /** One run from its start to its end; how it ended. */
  async run(kind: RunKind, stream: StreamName = "users", connection = "default"): Promise<RunDocument> {
    const started = await this.json<RunDocument>(
      "POST",
      `/v1/streams/${stream}/runs?connection=${connection}`,
      { kind },
    );
    let pause = 20;
    for (;;) {
      const { runs } = await this.json<{ runs: RunDocument[] }>(
        "GET",
        `/v1/streams/${stream}/runs?connection=${connection}`,
      );
      const run = runs.find(({ id }) => id === started.id);
      if (run !== undefined && run.state !== "running") return run;
      await sleep(pause);
      pause = Math.min(1000, pause * 1.5);
    }
  }

  /** Every event as NDJSON; the lines are handed over page by page. */
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
      path = /<([^>]+)>; rel="?next"?/.exec(response.headers.get("link") ?? "")?.[1] ?? null;
    }
  }

  /** What the objects have cost since the last time that this was asked. */
  bill(): Promise<Record<string, Bill>> {
    return this.json("POST", "/bench/bill");
  }

  /** What the runtime wrote to its console. */
  get logs(): string {
    return this.#harness
      .getLogs()
      .map(({ message }) => message)
      .join("\n");
  }

  /** The greatest resident set that the runtime ever had, MB. */
  peakMb(): number {
    return this.#pids
      .map(
        (pid) => Number(/VmHWM:\s+(\d+)/.exec(readFileSync(`/proc/${pid}/status`, "utf8"))?.[1] ?? 0) / 1024,
      )
      .reduce((sum, size) => sum + size, 0);
  }

  /** Processor time that the runtime has taken so far, ms. */
  cpuMs(): number {
    return this.#pids
      .map((pid) => {
        const fields = readFileSync(`/proc/${pid}/stat`, "utf8").split(") ")[1]?.split(" ") ?? [];
        return (Number(fields[11]) + Number(fields[12])) * 10; // ticks of 10 ms
      })
      .reduce((sum, time) => sum + time, 0);
  }

  close(): Promise<void> {
    return this.#harness.close();
  }
}

const runningWorkerds = (): number[] => {
  try {
    return workerdPids();
  } catch {
    return []; // pgrep finds none
  }
};
