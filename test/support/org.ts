/**
 * A simulated org behind one of the test connections (`t1` … `t20`), its streams, and its inventory as callers read it.
 * Call `reset()` of `cloudflare:test` between tests that must not see each other's inventory.
 */

import { runInDurableObject } from "cloudflare:test";
import { env, exports } from "cloudflare:workers";
import { beforeEach, expect, vi } from "vitest";
import type { FaultRule } from "../../dev/okta-org/api/faults.ts";
import type { OrgStats } from "../../dev/okta-org/control/index.ts";
import type { OrgOptionsInput } from "../../dev/okta-org/options.ts";
import { streamObjectName } from "../../src/contract/objects.ts";
import type { RunDocument, RunKind, StreamStatus } from "../../src/contract/status.ts";
import type { StreamName } from "../../src/contract/streams.ts";
import { InventoryStream } from "../../src/sync/inventory-stream.ts";
import { type Control, controlOf } from "./control.ts";
import { differences, expectedUsers, type Json, newestById, type OrgDump, type Unknown } from "./expected.ts";
import { readEvents } from "./pages.ts";

import "./jitter.ts";

export * from "./expected.ts";

/** A fault as the control route takes it; what is left out has a default. */
export type Fault = Partial<Omit<FaultRule, "kind" | "match">> & {
  readonly kind: FaultRule["kind"];
  readonly match?: FaultRule["match"];
};

// The Worker's log lines would drown the test's own output.
beforeEach(() => {
  for (const method of ["log", "warn", "error"] as const)
    vi.spyOn(console, method).mockImplementation(() => {});
});

const sleep = (ms: number): Promise<void> => new Promise((resolve) => setTimeout(resolve, ms));

/** A key with full rights, as the test settings give it. */
export const apiKey = (): string => {
  const keys: unknown = Reflect.get(env, "API_KEYS");
  const full = String(keys)
    .split(",")
    .find((key) => !key.startsWith("read:"));
  if (full === undefined) throw new Error("the test settings have no API key");
  return full;
};

/** Asks a simulated org's control routes. */
export class TestOrg {
  readonly connection: string;
  readonly origin: string;
  readonly control: Control;

  constructor(connection: string) {
    this.connection = connection;
    this.origin = `https://${connection}.okta.com`;
    this.control = controlOf(this.origin);
  }

  /** Makes the org, in place of one that was there. Without limits unless told otherwise. */
  async create(options: OrgOptionsInput = {}): Promise<void> {
    await this.control("POST", "/create", { users: 20, groups: 5, devices: 0, limits: "none", ...options });
  }

  /** A change of the org, by the control route that makes it: `POST /users/{id}/suspend`. */
  change<T = Json>(method: string, path: string, body?: unknown): Promise<T> {
    return this.control<T>(method, path, body);
  }

  /** Makes calls fail, as dev/okta-org/README.md describes. */
  async fault(...faults: readonly Fault[]): Promise<void> {
    await this.control("POST", "/faults", faults);
  }

  async clearFaults(): Promise<void> {
    await this.control("DELETE", "/faults");
  }

  /** Changes the org's options while it is there, for instance what the credential may read. */
  async restrict(options: Json): Promise<void> {
    const { users, groups, devices, seed, epoch, clients, clockOffsetMs, ...rest } = await this.control<Json>(
      "GET",
      "/options",
    );
    await this.control("POST", "/restrict", { ...rest, ...options }); // what is not given gets its default
  }

  /** Random changes of every kind; says what they were. */
  async churn(changes: number): Promise<string[]> {
    const { done } = await this.control<{ done: unknown[] }>("POST", "/churn", { changes });
    return done.map((change) => (typeof change === "string" ? change : JSON.stringify(change)));
  }

  /** Moves the org's clock forward. */
  async advance(ms: number): Promise<void> {
    await this.control("POST", "/clock", { advance_ms: ms });
  }

  stats(): Promise<OrgStats> {
    return this.control<OrgStats>("GET", "/stats");
  }

  async resetStats(): Promise<void> {
    await this.control("POST", "/stats/reset");
  }

  /** Everything that the org holds. */
  dump(): Promise<OrgDump> {
    return this.control<OrgDump>("GET", "/dump");
  }
}

/** Makes the org behind a connection. */
export const createOrg = async (connection: string, options: OrgOptionsInput = {}): Promise<TestOrg> => {
  const org = new TestOrg(connection);
  await org.create(options);
  return org;
};

/** Requests to hosts that are not simulated orgs, whoever made them. */
export const strayRequests = async (): Promise<string[]> => {
  const response = await fetch("https://control.invalid/_world/unexpected");
  return response.json();
};

export const streamStub = (connection: string, stream: StreamName = "users") =>
  env.INVENTORY_STREAM.getByName(streamObjectName({ connection, stream }));

/** Asks the Worker as a caller does. */
export const call = (connection: string, method: string, path: string, body?: unknown): Promise<Response> => {
  const url = new URL(path, "https://connector.example.com");
  url.searchParams.set("connection", connection);
  return exports.default.fetch(url.href, {
    method,
    headers: { authorization: `Bearer ${apiKey()}`, "content-type": "application/json" },
    ...(body === undefined ? {} : { body: JSON.stringify(body) }),
  });
};

export const statusOf = async (connection: string, stream: StreamName = "users"): Promise<StreamStatus> => {
  const response = await call(connection, "GET", `/v1/streams/${stream}`);
  if (response.status !== 200) throw new Error(`status: ${response.status} ${await response.text()}`);
  return response.json();
};

export const startRun = async (
  connection: string,
  kind: RunKind = "full",
  stream: StreamName = "users",
): Promise<RunDocument> => {
  const response = await call(connection, "POST", `/v1/streams/${stream}/runs`, { kind });
  if (response.status >= 300) throw new Error(`start: ${response.status} ${await response.text()}`);
  return response.json();
};

/**
 * Starts a run and waits until it stands still at the call that `match` describes, which is not answered before the
 * org's faults are removed.
 */
export const startHeldRun = async (
  org: TestOrg,
  match: NonNullable<Fault["match"]>,
  { kind = "full", stream = "users" }: { kind?: RunKind; stream?: StreamName } = {},
): Promise<RunDocument> => {
  const { injectedFaults: before } = await org.stats();
  await org.fault({ kind: "slow", ms: 600_000, match });
  const run = await startRun(org.connection, kind, stream);
  await vi.waitFor(
    async () => {
      if ((await org.stats()).injectedFaults === before) throw new Error("no call is held yet");
    },
    { timeout: 30_000, interval: 10 },
  );
  return run;
};

/** Waits until the status is as wanted. The alarms of the stream do the work. */
export const until = async (
  connection: string,
  wanted: (status: StreamStatus) => boolean,
  { stream = "users", timeoutMs = 30_000 }: { stream?: StreamName; timeoutMs?: number } = {},
): Promise<StreamStatus> => {
  const deadline = Date.now() + timeoutMs;
  for (;;) {
    const status = await statusOf(connection, stream);
    if (wanted(status)) return status;
    if (Date.now() > deadline) throw new Error(`not after ${timeoutMs} ms: ${JSON.stringify(status)}`);
    await sleep(25);
  }
};

/** How many alarms of a stream's object are at work now. */
const atWork = new WeakMap<object, number>();
const countWork = (object: object, change: 1 | -1): void => {
  atWork.set(object, (atWork.get(object) ?? 0) + change);
};
const { alarm: work } = InventoryStream.prototype;
InventoryStream.prototype.alarm = async function (this: InventoryStream): Promise<void> {
  countWork(this, 1);
  try {
    await work.call(this);
  } finally {
    countWork(this, -1);
  }
};

/** An alarm that is due within this time, ms, is about to fire. */
const SOON_MS = 20;

/**
 * Waits inside the object, which costs little, until no alarm is at work and no run is in progress. `onBackoff` is
 * called again and again while the run waits for a later alarm.
 */
const untilRest = (
  connection: string,
  stream: StreamName,
  timeoutMs: number,
  onBackoff: (object: InventoryStream, run: RunDocument) => Promise<void> | void = () => {},
): Promise<RunDocument> =>
  runInDurableObject(streamStub(connection, stream), async (object, { storage }) => {
    const deadline = Date.now() + timeoutMs;
    while (Date.now() < deadline) {
      const alarm = await storage.getAlarm();
      if (!atWork.get(object) && (alarm === null || alarm > Date.now() + SOON_MS)) {
        const [run] = await object.runs();
        if (alarm === null && run !== undefined && run.state !== "running") return run;
        if (run?.state === "running") await onBackoff(object, run);
      }
      await scheduler.wait(5);
    }
    throw new Error(`no rest after ${timeoutMs} ms: ${JSON.stringify(await object.status())}`);
  });

/** Waits until no run is in progress and returns the last one. A run that backs off is waited for as well. */
export const untilIdle = (
  connection: string,
  stream: StreamName = "users",
  timeoutMs = 50_000,
): Promise<RunDocument> => untilRest(connection, stream, timeoutMs);

/** The same, but cuts every backoff short, as a person does who starts a run by hand. */
export const untilIdleImpatiently = (
  connection: string,
  stream: StreamName = "users",
  timeoutMs = 120_000,
): Promise<RunDocument> =>
  untilRest(connection, stream, timeoutMs, async (object, { kind, error }) => {
    if (error === null) return;
    // The window of a rate limit does not end any sooner.
    if (error.code === "rate_limited") await scheduler.wait(100);
    await object.startRun(kind);
  });

/** The users in the inventory are those of the org's own dump. @param unknown what could not be read @returns the dump */
export const expectUsers = async (org: TestOrg, unknown: Unknown = {}): Promise<OrgDump> => {
  const dump = await org.dump();
  const stored = newestById(await inventory(org.connection));
  expect(differences(stored, expectedUsers(dump, unknown))).toEqual([]);
  return dump;
};

/** One run from its start to its end. */
export const sync = async (
  connection: string,
  kind: RunKind = "full",
  stream: StreamName = "users",
): Promise<RunDocument> => {
  await startRun(connection, kind, stream);
  return untilIdle(connection, stream);
};

/** The inventory as a puller reads it, page by page along `Link`. */
export const inventory = async (
  connection: string,
  {
    stream = "users",
    after = 0,
    limit = 1000,
    dialect = "sekoia",
  }: { stream?: StreamName; after?: number; limit?: number; dialect?: string } = {},
): Promise<Json[]> => {
  const path = `/v1/inventory/${stream}?after=${after}&limit=${limit}&dialect=${dialect}`;
  return readEvents((next) => call(connection, "GET", next), path);
};
