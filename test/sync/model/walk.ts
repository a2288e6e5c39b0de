/**
 * A model test: random changes of an org, deltas, faults and evictions in any order; after a quiet delta the inventory
 * equals the org. The walks of one file run at the same time, each on a connection of its own, since they wait for
 * Okta's windows most of the time. A failure names its seed: `SEED=7 npx vitest run test/sync/model` walks from there.
 */

import { evictDurableObject, reset } from "cloudflare:test";
import { afterAll, describe, expect, test } from "vitest";
import { createRandom } from "../../../dev/okta-org/org/random.ts";
import type { RunKind } from "../../../src/contract/status.ts";
import type { StreamName } from "../../../src/contract/streams.ts";
import {
  createOrg,
  differences,
  expectedDevices,
  expectedUsers,
  inventory,
  isDeleted,
  newestById,
  startRun,
  streamStub,
  type TestOrg,
  untilIdleImpatiently,
} from "../../support/org.ts";
import { long } from "../../support/seeds.ts";
import { FAULTS } from "./faults.ts";

const STREAMS: readonly StreamName[] = ["users", "devices"];
const STEPS = long ? 1000 : 100;
/** Steps between two comparisons. */
const STRETCH = 20;
/** Far beyond every lag and overlap: what happened before is visible everywhere after it. */
const QUIET_MS = 10 * 60_000;

/** Starts a run and goes on until the stream rests. */
const runToRest = async (connection: string, stream: StreamName, kind: RunKind): Promise<void> => {
  await startRun(connection, kind, stream);
  await untilIdleImpatiently(connection, stream);
};

/** Drops the object's memory; one that rests has none to drop. */
const evict = async (connection: string, stream: StreamName): Promise<void> => {
  try {
    await evictDurableObject(streamStub(connection, stream));
  } catch (error) {
    if (!String(error).includes("not currently running")) throw error;
  }
};

const expectEqual = async (org: TestOrg, seed: number, steps: readonly string[]): Promise<void> => {
  const dump = await org.dump();
  for (const stream of STREAMS) {
    const expected = stream === "users" ? expectedUsers(dump) : expectedDevices(dump);
    const living = (await inventory(org.connection, { stream })).filter((event) => !isDeleted(event));
    const found = differences(newestById(living), expected);
    expect(found.slice(0, 1), `seed ${seed}, ${stream}, after:\n${steps.slice(-40).join("\n")}`).toEqual([]);
  }
};

const walk = async (seed: number, connection: string): Promise<void> => {
  const random = createRandom(seed, "model");
  const org = await createOrg(connection, {
    users: 25 + random.int(30),
    groups: 6 + random.int(10),
    devices: 10 + random.int(10),
    seed,
    windowMs: 1000,
    searchLagMs: random.int(2) * 45_000,
    logDelayMs: random.int(2) * 40_000,
    logShuffle: random.chance(0.5),
    logDuplicates: random.int(2) * 0.2,
    everyoneIncludesDeprovisioned: random.chance(0.5),
    assigneesIncludeGroupInherited: random.chance(0.5),
    clockOffsetMs: (random.int(3) - 1) * 700_000,
  });
  const log: string[] = [];
  for (const stream of STREAMS) await runToRest(connection, stream, "full");
  await expectEqual(org, seed, log);
  for (let step = 1; step <= STEPS; step++) {
    const dice = random.next();
    if (dice < 0.55) {
      log.push(...(await org.churn(1 + random.int(4))));
    } else if (dice < 0.75) {
      const stream = STREAMS[random.int(2)] ?? "users";
      log.push(`delta of ${stream}`);
      await runToRest(connection, stream, "delta");
    } else if (dice < 0.85) {
      const kind = random.pick(FAULTS);
      log.push(`fault ${kind}`);
      await org.fault({ match: { path: "/api/v1", times: 1 + random.int(3), after: random.int(4) }, kind });
    } else if (dice < 0.95) {
      const ms = random.int(90_000);
      log.push(`clock +${ms} ms`);
      await org.advance(ms);
    } else {
      log.push("eviction");
      for (const stream of STREAMS) await evict(connection, stream);
    }
    if (step % STRETCH > 0) continue;
    await org.clearFaults();
    await org.advance(QUIET_MS);
    log.push("quiet, deltas");
    for (const stream of STREAMS) await runToRest(connection, stream, "delta");
    await expectEqual(org, seed, log);
  }
};

/** Defines a test for each seed. */
export const walkFrom = (seeds: readonly number[]): void => {
  describe.concurrent("the inventory follows the org", () => {
    afterAll(reset);

    test.each(seeds.map((seed, index) => ({ seed, connection: `t${index + 1}` })))(
      "random changes, deltas, faults and evictions, seed $seed",
      { timeout: long ? 7_200_000 : 600_000 },
      ({ seed, connection }) => walk(seed, connection),
    );
  });
};
