/**
 * How long a change takes from the cron, or from the change itself with event hooks, to an HTTP sink, at rest and while a
 * full run is in progress; and what a delta run costs then. Okta's published limits, and 100 ms for each call.
 */
import type { RunDocument } from "../../../src/contract/status.ts";
import { Cast, type ChangeKind, expectedOf } from "../../../test/support/cast.ts";
import { type Collector, startCollector } from "../../../test/support/collector.ts";
import { differences, type Json } from "../../../test/support/expected.ts";
import { type ServedOrg, serveOrg } from "../lib/org.ts";
import { say } from "../lib/progress.ts";
import type { Report, Row } from "../lib/report.ts";
import { assertDone, BenchWorker } from "../lib/runtime.ts";
import { grouped, quantile, sleep } from "../lib/statistics.ts";

const KINDS = ["suspension", "factor reset", "role", "membership"] as const satisfies readonly ChangeKind[];
const LATENCY_MS = 100;
/** The most that the part from the cron to the sink may take, seconds. */
const GOAL_S = 15;
/** The most calls of a stream's delta run when nothing has changed. */
const IDLE_BOUND = 4;
/** How far the crons for delta runs are apart, seconds. */
const INTERVAL_S = 15 * 60;
/** How often runs may ask for the log in a window, and how often they do after a cron: two streams, one finds something. */
const LOG_CALLS = 48;
const CRON_CALLS = 4;
/** Windows end up to this much later than their length says, because their ends are told in whole seconds, ms. */
const ROUNDED_MS = 2_000;
/** Something is broken if a change takes longer, ms. */
const PATIENCE_MS = 180_000;

type Seconds = Readonly<Record<(typeof KINDS)[number], number[]>>;

export interface LanesOptions {
  readonly users: number;
  /** How many changes of each kind are followed at rest, and of how many an event hook tells. */
  readonly atRest: number;
  /** The same during a full run. */
  readonly beside: number;
  /** How long Okta's windows last. */
  readonly windowMs: number;
}

interface Scene {
  readonly org: ServedOrg;
  readonly worker: BenchWorker;
  readonly sink: Collector;
  readonly cast: Cast;
}

const noSeconds = (): Seconds => ({ suspension: [], "factor reset": [], role: [], membership: [] });

/** The secret of the event hook. */
const HOOK_SECRET = "bench-hook-secret-0123456789-0123456789";
/** Hooks make a stream poll at most once in this time, ms: each round is to find it free. */
const HOOK_INTERVAL_MS = 5_000;
/** The most that the part from the change to the sink may take with an event hook, seconds. */
const HOOK_GOAL_S = 10;

/** What lets a delta run begin. */
type Trigger = (worker: BenchWorker) => Promise<unknown>;
const byCron: Trigger = (worker) => worker.bench("cron");
const byHook: Trigger = (worker) => {
  const events = ["user.lifecycle.suspend", "user.mfa.factor.reset_all"].map((eventType) => ({ eventType }));
  const body = { eventType: "com.okta.event_hook", data: { events } };
  return worker.request("POST", "/v1/hooks/okta", body, { authorization: HOOK_SECRET });
};

/** Makes changes, and tells the Worker. @returns when each has come to the sink, in seconds since then, by kind */
const round = async (
  { org, worker, sink, cast }: Scene,
  kinds: readonly (typeof KINDS)[number][],
  trigger: Trigger = byCron,
) => {
  const waiting = new Map(
    kinds.map((kind) => {
      const ids = cast.next(kind).make();
      return [kind, expectedOf(org.org, ids)] as const;
    }),
  );
  const seconds = new Map<(typeof KINDS)[number], number>();
  const { promise: arrived, resolve } = Promise.withResolvers<void>();
  const toldAt = performance.now();
  sink.onEvent = (event) => {
    for (const [kind, wanted] of waiting) {
      if (!isIn(event, wanted)) continue;
      waiting.delete(kind);
      seconds.set(kind, (performance.now() - toldAt) / 1000);
    }
    if (waiting.size === 0) resolve();
  };
  await trigger(worker);
  const late = sleep(PATIENCE_MS).then(() => {
    throw new Error(`not at the sink after ${PATIENCE_MS} ms: ${[...waiting.keys()].join(", ")}`);
  });
  await Promise.race([arrived, late]);
  return seconds;
};

const isIn = (event: Json, wanted: ReadonlyMap<string, Json>): boolean =>
  [...wanted].some(
    ([id, expected]) => differences(new Map([[id, event]]), new Map([[id, expected]])).length === 0,
  );

/** Waits until no delta run is in progress. @returns the last one */
const deltaOf = async (worker: BenchWorker): Promise<RunDocument> => {
  for (;;) {
    const { run, delta, last_delta } = await worker.status();
    if (delta === null && run?.kind !== "delta" && last_delta !== null) return last_delta;
    await sleep(50);
  }
};

/** One delta run with nothing to find. @returns its calls */
const idleCalls = async (worker: BenchWorker): Promise<number> => {
  await worker.bench("cron");
  const run = await deltaOf(worker);
  assertDone(run);
  return run.calls.made;
};

interface Measured {
  readonly atRest: Seconds;
  readonly beside: Seconds;
  /** The same by event hook. */
  readonly hookAtRest: Seconds;
  readonly hookBeside: Seconds;
  /** Calls per change of each kind, besides those of an idle delta run. */
  readonly calls: Readonly<Record<(typeof KINDS)[number], number>>;
  readonly idle: { readonly atRest: number; readonly beside: number; readonly devices: number };
}

const collect = (into: Seconds, from: ReadonlyMap<(typeof KINDS)[number], number>): void => {
  for (const [kind, seconds] of from) into[kind].push(seconds);
};

const measure = async (scene: Scene, { windowMs, ...rounds }: LanesOptions): Promise<Measured> => {
  const { org, worker } = scene;
  const atRest = noSeconds();
  const beside = noSeconds();
  const hookAtRest = noSeconds();
  const hookBeside = noSeconds();
  const calls = { suspension: 0, "factor reset": 0, role: 0, membership: 0 };
  // The first delta run begins to poll the log, and asks the org who it is before that.
  await idleCalls(worker);
  const idle = { atRest: await idleCalls(worker), beside: 0, devices: 0 };
  idle.devices = (await worker.status("devices")).last_delta?.calls.made ?? Number.NaN;
  for (const kind of KINDS) {
    collect(atRest, await round(scene, [kind]));
    calls[kind] = (await deltaOf(worker)).calls.made - idle.atRest;
  }
  for (let n = 1; n < rounds.atRest; n++) {
    say(`lanes: at rest, round ${n + 1} of ${rounds.atRest}`);
    collect(atRest, await round(scene, KINDS));
    await deltaOf(worker);
  }

  for (let n = 0; n < rounds.atRest; n++) {
    say(`lanes: by event hook at rest, round ${n + 1} of ${rounds.atRest}`);
    await sleep(HOOK_INTERVAL_MS);
    collect(hookAtRest, await round(scene, KINDS, byHook));
    await deltaOf(worker);
  }

  // Without a limit until now, the first full run and the changes at rest have used up their windows.
  await sleep(windowMs + ROUNDED_MS);
  await worker.bench("age");
  Object.assign(org.org.options, { limits: "published" });
  const full = await worker.json<RunDocument>("POST", "/v1/streams/users/runs", { kind: "full" });
  const assertBeside = async (): Promise<void> => {
    if ((await worker.status()).run?.id !== full.id)
      throw new Error("the full run has ended before the measurement");
  };
  // While the lists are read, and then between the factors.
  for (let n = 0; n < rounds.beside; n++) {
    say(`lanes: during the full run, round ${n + 1} of ${rounds.beside}`);
    const startedAt = performance.now();
    collect(beside, await round(scene, KINDS));
    await deltaOf(worker);
    await sleep(HOOK_INTERVAL_MS);
    collect(hookBeside, await round(scene, KINDS, byHook));
    await deltaOf(worker);
    await assertBeside();
    // Crons come more often than in reality, but not so often that the log's bucket is used up.
    const roundMs = (1.4 * windowMs * CRON_CALLS) / LOG_CALLS;
    await sleep(Math.max(0, roundMs - (performance.now() - startedAt)));
  }
  idle.beside = await idleCalls(worker);
  await assertBeside();
  return { atRest, beside, hookAtRest, hookBeside, calls, idle };
};

const rowsOf = (table: string, { atRest, beside, hookAtRest, hookBeside, calls, idle }: Measured): Row[] => {
  const situations = [
    ["at rest", atRest],
    ["during a full run", beside],
  ] as const;
  const bound = { table, beside: GOAL_S, besideWhat: "the design's bound", unit: "s" };
  const fromCron = KINDS.flatMap((kind) =>
    situations.flatMap(([when, seconds]): Row[] => [
      { ...bound, what: `${kind}, ${when}, p50`, ours: quantile(seconds[kind], 0.5) },
      { ...bound, what: `${kind}, ${when}, p95`, ours: quantile(seconds[kind], 0.95), atMost: 1 },
    ]),
  );
  const hooked = [
    ["at rest", hookAtRest],
    ["during a full run", hookBeside],
  ] as const;
  const fromChange = hooked.flatMap(([when, seconds]) =>
    [0.5, 0.95].map(
      (part): Row => ({
        table,
        what: `by event hook from the change itself, any kind, ${when}, p${100 * part}`,
        ours: quantile(Object.values(seconds).flat(), part),
        beside: HOOK_GOAL_S,
        besideWhat: "the bound",
        unit: "s",
        ...(part > 0.5 && { atMost: 1 }),
      }),
    ),
  );
  // A change comes at any time between two crons, so the part of them that has waited at most so long is the same part
  // of the interval.
  const whole = situations.flatMap(([when, seconds]) =>
    [0.5, 0.95].map(
      (part): Row => ({
        table,
        what: `… from the change itself, any kind, ${when}, p${100 * part}`,
        ours: part * INTERVAL_S + quantile(Object.values(seconds).flat(), part),
        beside: part * INTERVAL_S,
        besideWhat: "the wait for the cron, which comes every quarter of an hour",
        unit: "s",
        computed: "both",
      }),
    ),
  );
  const ofChanges = KINDS.map(
    (kind): Row => ({
      table,
      what: `more calls for a ${kind}`,
      ours: calls[kind],
      beside: idle.atRest,
      besideWhat: "those of a delta run without changes",
      unit: "calls",
    }),
  );
  const ofIdleRun = (what: string, ours: number): Row => ({
    table,
    what: `delta run of ${what}, without changes`,
    ours,
    beside: IDLE_BOUND,
    besideWhat: "the design's bound",
    unit: "calls",
    atMost: 1,
  });
  return [
    ...fromCron,
    ...whole,
    ...fromChange,
    ...ofChanges,
    ofIdleRun("users, at rest", idle.atRest),
    ofIdleRun("devices, at rest", idle.devices),
    ofIdleRun("users, during a full run", idle.beside),
  ];
};

export const measureLanes = async (report: Report, options: LanesOptions): Promise<void> => {
  const { users, windowMs } = options;
  const org = await serveOrg({ users, groups: 40, devices: 100, limits: "none", windowMs });
  const sink = await startCollector();
  const sinks = [{ type: "http", name: "siem", url: sink.url, streams: ["users"], dialect: "sekoia" }];
  const cast = new Cast(org.org, 2 * (options.atRest + options.beside) + 1);
  const worker = await BenchWorker.start(org, {
    vars: { SINKS: JSON.stringify(sinks), OKTA_HOOK_SECRET: HOOK_SECRET },
  });
  try {
    for (const stream of ["users", "devices"] as const) {
      assertDone(await worker.run("full", stream, `lanes: first full run of ${stream}`));
    }
    Object.assign(org.org.options, { latencyMs: LATENCY_MS });
    const measured = await measure({ org, worker, sink, cast }, options);
    const table =
      `From the cron to an HTTP sink, ${grouped(users)} users, ${LATENCY_MS} ms a call, windows of ${windowMs / 1000} s, ` +
      `${options.atRest} changes of each kind at rest and ${options.beside} during a full run`;
    report.add(...rowsOf(table, measured));
  } finally {
    await worker.close();
    await sink.close();
    org.close();
  }
};
