/**
 * Crons and requests that meet at an object that is not in memory, over real RPC, with sinks that are told: no run is
 * lost, and none begins twice. `starting.test.ts` tries many more orders at a stream alone.
 */
import { evictDurableObject, reset } from "cloudflare:test";
import { env } from "cloudflare:workers";
import fc from "fast-check";
import { afterEach, expect, test } from "vitest";
import type { RunDocument, RunKind } from "../../src/contract/status.ts";
import { createOrg, streamStub, untilIdle } from "../support/org.ts";
import { long } from "../support/seeds.ts";

const CONNECTION = "t7";
const MIXTURES = long ? 200 : 40;

afterEach(() => reset());

interface Caller {
  readonly call: "full cron" | "delta cron" | RunKind;
  /** How many ms it comes late. */
  readonly late: number;
}

const caller = (...calls: Caller["call"][]): fc.Arbitrary<Caller> =>
  fc.record({ call: fc.constantFrom(...calls), late: fc.integer({ min: 0, max: 12 }) });

/** The two crons of 02:00, a third one now and then, and requests for a run, in any order. */
const mixtures: fc.Arbitrary<readonly Caller[]> = fc
  .tuple(
    caller("full cron"),
    caller("delta cron"),
    fc.array(caller("delta", "full", "delta cron"), { minLength: 1, maxLength: 4 }),
  )
  .chain(([full, delta, more]) =>
    fc.shuffledSubarray([full, delta, ...more], { minLength: 2 + more.length }),
  );

/** Takes the object out of memory; one that is not there has none to lose. */
const evict = async (): Promise<void> => {
  try {
    await evictDurableObject(streamStub(CONNECTION));
  } catch (error) {
    if (!String(error).includes("not currently running")) throw error;
  }
};

/** Calls the stream. @returns the ids of the runs that requests were given */
const play = async (callers: readonly Caller[]): Promise<string[]> => {
  const answered = await Promise.all(
    callers.map(async ({ call, late }) => {
      if (late > 0) await scheduler.wait(late);
      // Each caller is another invocation of the Worker, with a stub of its own.
      const stub = streamStub(CONNECTION);
      if (call === "full cron" || call === "delta cron") {
        await stub.wake(call === "full cron" ? "full" : "delta");
        return [];
      }
      const answer = await stub.startRun(call);
      if (!answer.ok) throw new Error(answer.error.message);
      return [answer.value.run.id];
    }),
  );
  return answered.flat();
};

/** Fails if two runs of one kind were in progress at a time. @param runs all of the stream, newest first */
const expectOneAtATime = (runs: readonly RunDocument[]): void => {
  for (const kind of ["full", "delta"]) {
    const ofKind = runs.filter((run) => run.kind === kind).toReversed();
    for (const [index, run] of ofKind.entries()) {
      const before = ofKind[index - 1];
      if (before !== undefined)
        expect(Date.parse(run.started_at)).toBeGreaterThanOrEqual(Date.parse(before.finished_at ?? ""));
    }
  }
};

test(`${MIXTURES} mixtures of crons and requests at a cold object lead to a full run, and every answered run took place`, async () => {
  Object.assign(env, { SINKS: JSON.stringify([{ type: "r2", name: "lake" }]) });
  await createOrg(CONNECTION, { users: 3, groups: 1, devices: 0, limits: "none" });
  const seen = new Set<string>();
  await fc.assert(
    fc.asyncProperty(mixtures, async (callers) => {
      await evict();
      const isFirst = seen.size === 0;
      const answered = await play(callers);
      const inProgress = (await streamStub(CONNECTION).runs()).filter(({ state }) => state === "running");
      await untilIdle(CONNECTION);
      const runs = await streamStub(CONNECTION).runs();
      const fresh = runs.filter(({ id }) => !seen.has(id));
      for (const { id } of fresh) seen.add(id);

      expect(new Set(inProgress.map(({ kind }) => kind)).size).toBe(inProgress.length);
      const ids = fresh.map(({ id }) => id);
      expect(ids).toEqual(expect.arrayContaining([...answered, ...inProgress.map(({ id }) => id)]));
      expect(fresh.map(({ state }) => state)).toEqual(fresh.map(() => "done"));
      expect(fresh.map(({ kind }) => kind)).toContain("full");
      expect(fresh.filter(({ cause }) => cause === "first")).toHaveLength(isFirst ? 1 : 0);
      expectOneAtATime(runs);
    }),
    { numRuns: MIXTURES, endOnFailure: true },
  );
  const { sinks } = await streamStub(CONNECTION).status();
  expect(sinks).toMatchObject([{ name: "lake", state: "ok", lag_events: 0 }]);
});
