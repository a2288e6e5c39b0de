/**
 * A model test: random changes of an org, delta runs, faults and evictions in any order. After a quiet time and a
 * delta run, the inventory must equal the org. A failure prints its seed; to repeat it, run `npm test -- --project
 * worker model -t "seed 7$"`. `MODEL_STEPS=2000 MODEL_SEEDS=50` goes further.
 */

import { evictDurableObject, reset } from "cloudflare:test";
import { env } from "cloudflare:workers";
import { afterEach, describe, expect, test } from "vitest";
import type { RunKind } from "../../src/contract/status.ts";
import type { StreamName } from "../../src/contract/streams.ts";
import {
  createOrg,
  differences,
  expectedDevices,
  expectedUsers,
  type Fault,
  inventory,
  type Json,
  newestById,
  partOf,
  partsOf,
  startRun,
  statusOf,
  streamStub,
  type TestOrg,
} from "../support/org.ts";

const CONNECTION = "t10";
const STREAMS: readonly StreamName[] = ["users", "devices"];

/** mulberry32, a small generator of random numbers that is the same everywhere. */
const randomOf = (seed: number): (() => number) => {
  let state = seed;
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let t = Math.imul(state ^ (state >>> 15), 1 | state);
    t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t;
    return ((t ^ (t >>> 14)) >>> 0) / 4294967296;
  };
};

const isDeleted = (event: Json): boolean =>
  partsOf(event, "enrichments").some((enrichment) => partOf(enrichment, "data")["is_deleted"] === true);

/** Starts a run and waits until it has ended. A backoff is cut short by asking for a run again, as a person would. */
const runToRest = async (stream: StreamName, kind: RunKind): Promise<void> => {
  await startRun(CONNECTION, kind, stream);
  for (let turn = 0; turn < 3000; turn++) {
    const { state, run } = await statusOf(CONNECTION, stream);
    if (run === null) return;
    if (state === "backing_off") await startRun(CONNECTION, kind, stream);
    await scheduler.wait(5);
  }
  throw new Error(`no rest: ${JSON.stringify(await statusOf(CONNECTION, stream))}`);
};

/** Evicts the object from memory. An object that is not running has nothing to evict. */
const evict = async (stream: StreamName): Promise<void> => {
  try {
    await evictDurableObject(streamStub(CONNECTION, stream));
  } catch (error) {
    if (!String(error).includes("not currently running")) throw error;
  }
};

const expectEqual = async (org: TestOrg, seed: number, steps: readonly string[]): Promise<void> => {
  const dump = await org.dump();
  for (const stream of STREAMS) {
    const expected = stream === "users" ? expectedUsers(dump) : expectedDevices(dump);
    const living = (await inventory(CONNECTION, { stream })).filter((event) => !isDeleted(event));
    const found = differences(newestById(living), expected);
    expect(found.slice(0, 1), `seed ${seed}, ${stream}, after:\n${steps.slice(-40).join("\n")}`).toEqual([]);
  }
};

const FAULTS: readonly Fault["kind"][] = [
  "429",
  "concurrency-429",
  "500",
  "503",
  "throw",
  "truncated",
  "reset",
  "html",
];
/** Much longer than every lag and overlap: after this time, all earlier changes are visible everywhere. */
const QUIET_MS = 10 * 60_000;
/** How many steps there are between two comparisons. */
const STRETCH = 20;

const walk = async (seed: number, steps: number): Promise<void> => {
  const random = randomOf(seed);
  const below = (n: number): number => Math.floor(random() * n);
  const org = await createOrg(CONNECTION, {
    users: 25 + below(30),
    groups: 6 + below(10),
    devices: 10 + below(10),
    seed,
    windowMs: 1000,
    searchLagMs: below(2) * 45_000,
    logDelayMs: below(2) * 40_000,
    logShuffle: random() < 0.5,
    logDuplicates: below(2) * 0.2,
    everyoneIncludesDeprovisioned: random() < 0.5,
    assigneesIncludeGroupInherited: random() < 0.5,
    clockOffsetMs: (below(3) - 1) * 700_000,
  });
  const log: string[] = [];
  for (const stream of STREAMS) await runToRest(stream, "full");
  await expectEqual(org, seed, log);
  for (let step = 1; step <= steps; step++) {
    const dice = random();
    if (dice < 0.55) {
      log.push(...(await org.control<{ done: string[] }>("POST", "/churn", { changes: 1 + below(4) })).done);
    } else if (dice < 0.75) {
      const stream = STREAMS[below(2)] ?? "users";
      log.push(`delta of ${stream}`);
      await runToRest(stream, "delta");
    } else if (dice < 0.85) {
      const kind = FAULTS[below(FAULTS.length)] ?? "500";
      log.push(`fault ${kind}`);
      await org.fault({ match: { path: "/api/v1", times: 1 + below(3), after: below(4) }, kind });
    } else if (dice < 0.95) {
      const advance_ms = below(90_000);
      log.push(`clock +${advance_ms} ms`);
      await org.control("POST", "/clock", { advance_ms });
    } else {
      log.push("eviction");
      for (const stream of STREAMS) await evict(stream);
    }
    if (step % STRETCH > 0) continue;
    await org.clearFaults();
    await org.control("POST", "/clock", { advance_ms: QUIET_MS });
    log.push("quiet, deltas");
    for (const stream of STREAMS) await runToRest(stream, "delta");
    await expectEqual(org, seed, log);
  }
};

const numberFrom = (name: string): number | null => {
  const value: unknown = Reflect.get(env, name);
  return typeof value === "string" && value !== "" ? Number(value) : null;
};
const seeds = Array.from({ length: numberFrom("MODEL_SEEDS") ?? 20 }, (_, index) => index + 1);
const steps = numberFrom("MODEL_STEPS") ?? 100;

describe("the inventory follows the org", () => {
  afterEach(reset);

  test.each(seeds)(
    "random changes, deltas, faults and evictions, seed %i",
    { timeout: 600_000 },
    async (each) => {
      await walk(each, steps);
    },
  );
});
