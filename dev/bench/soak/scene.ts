/** An org, a receiver, and the bench Worker over storage on disk, all on one clock that can be moved forward. */
import type { StreamStatus } from "../../../src/contract/status.ts";
import { type StreamName, streamNames } from "../../../src/contract/streams.ts";
import { buildWorker } from "../../../test/support/build.ts";
import type { Json } from "../../../test/support/expected.ts";
import { readEvents } from "../../../test/support/pages.ts";
import { WorkerProcess } from "../../../test/support/worker-process.ts";
import { type ServedOrg, serveOrg } from "../lib/org.ts";
import { sleep } from "../lib/statistics.ts";
import type { Stored } from "../worker/instrumented.ts";
import { CLIENT, Keys } from "./keys.ts";
import { type Receiver, startReceiver } from "./receiver.ts";

/** Short windows, because a refusal lasts until its window ends by the real clock. */
const WINDOW_MS = 2_000;
const REST_WITHIN_MS = 120_000;
/** How far the clock is moved forward at a time while something waits. */
const WAIT_STEP_MS = 30_000;
/** A run that makes no calls for this long waits for one of Okta's windows; the clock is then moved by the step below. */
const STALLED_MS = 400;
const STALL_STEP_MS = WINDOW_MS;

/** The Worker for one org. */
export class Scene {
  readonly org: ServedOrg;
  readonly keys: Keys;
  readonly receiver: Receiver;
  readonly worker: WorkerProcess;

  private constructor(org: ServedOrg, keys: Keys, receiver: Receiver, worker: WorkerProcess) {
    this.org = org;
    this.keys = keys;
    this.receiver = receiver;
    this.worker = worker;
  }

  static async create(users: number): Promise<Scene> {
    const org = await serveOrg({
      users,
      groups: 40,
      devices: users,
      limits: "published",
      windowMs: WINDOW_MS,
      concurrency: 75,
    });
    const keys = new Keys(org.org);
    const receiver = await startReceiver();
    const sinks = [{ type: "http", name: "siem", url: receiver.url, format: "json", dialect: "sekoia" }];
    const worker = await WorkerProcess.create(await buildWorker("dev/bench/worker.ts"), {
      OKTA_BASE_URL: org.url,
      OKTA_CLIENT_ID: CLIENT,
      OKTA_PRIVATE_KEY: await keys.add(),
      DELETION_GUARD: "0.5",
      SINKS: JSON.stringify(sinks),
      CLOCK_OFFSET_MS: "0",
    });
    return new Scene(org, keys, receiver, worker);
  }

  /** Starts the Worker at the current time of the clock. Settings that are given replace the old ones. */
  async start(settings: Readonly<Record<string, string>> = {}): Promise<void> {
    await this.worker.start({ ...settings, CLOCK_OFFSET_MS: String(this.#offset) });
  }

  get #offset(): number {
    return this.org.org.state.clock.offset();
  }

  /** The time of this world, ms since the epoch. */
  now(): number {
    return this.org.org.state.clock.now();
  }

  /** Lets time pass for the org and the Worker. */
  async advance(ms: number): Promise<void> {
    this.org.org.state.clock.setOffset(this.#offset + ms);
    await this.bench("clock", { offset: String(this.#offset) });
  }

  async bench<T>(work: string, parameters: Readonly<Record<string, string>> = {}): Promise<T> {
    const response = await this.worker.request("POST", `/bench/${work}?${new URLSearchParams(parameters)}`);
    if (!response.ok) throw new Error(`${work}: ${response.status} ${await response.text()}`);
    // JSON from our own Worker.
    return (await response.json()) as T;
  }

  stored(): Promise<Record<string, Stored>> {
    return this.bench("stored");
  }

  count(object: string, query: string): Promise<number> {
    return this.bench("count", { object, query });
  }

  async cron(expression: string): Promise<void> {
    await this.worker.request("GET", `/cdn-cgi/local/scheduled?cron=${encodeURIComponent(expression)}`);
  }

  /**
   * Waits until no run is in progress and, if requested, everything is delivered. Backoffs are ended by moving the clock
   * forward.
   */
  async rest({ delivered = false } = {}): Promise<StreamStatus[]> {
    const deadline = Date.now() + REST_WITHIN_MS;
    for (;;) {
      const statuses = (await Promise.all(streamNames.map((stream) => this.worker.status(stream)))).filter(
        (status) => status !== null,
      );
      const waits = ({ run, state, sinks }: StreamStatus): boolean =>
        (run !== null && (state === "backing_off" || run.error !== null)) ||
        (delivered && sinks.some(({ lag_events, next_try_at }) => lag_events > 0 && next_try_at !== null));
      const rests = ({ run, sinks }: StreamStatus): boolean =>
        run === null && (!delivered || sinks.every(({ lag_events }) => lag_events === 0));
      if (statuses.length === streamNames.length && statuses.every(rests)) return statuses;
      if (Date.now() > deadline)
        throw new Error(
          `not at rest within ${REST_WITHIN_MS} ms: ${JSON.stringify(statuses)}\n${this.worker.output}`,
        );
      await sleep(250);
      if (statuses.some(waits)) await this.advance(WAIT_STEP_MS);
      else if (this.org.quietMs() > STALLED_MS) await this.advance(STALL_STEP_MS);
    }
  }

  /** All events of a stream. */
  events(stream: StreamName): Promise<Json[]> {
    return readEvents((path) => this.worker.request("GET", path), `/v1/inventory/${stream}?limit=1000`);
  }

  async close(): Promise<void> {
    await this.worker.remove();
    this.org.close();
    this.receiver.close();
  }
}
