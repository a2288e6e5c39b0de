/** Crons, requests and alarms that meet: no run is lost, and none begins twice. */
import { reset } from "cloudflare:test";
import { env } from "cloudflare:workers";
import fc from "fast-check";
import { afterEach, expect, test } from "vitest";
import type { RunKind } from "../../src/contract/status.ts";
import { ok } from "../../src/lib/result.ts";
import { connectOkta } from "../../src/okta/connect.ts";
import type { StreamDefinition } from "../../src/streams/definition.ts";
import { users } from "../../src/streams/users.ts";
import type { Stream, StreamDeps } from "../../src/sync/stream.ts";
import { withStream } from "../support/lent-stream.ts";

const CONNECTION = "t7";
const MIXTURES = 200;

afterEach(() => reset());

/** Runs that make no calls: they look for deletions that wait, and there are none. */
const quick: StreamDefinition = {
  ...users,
  run: { ...users.run, fullPhases: () => ["deletions"], deltaPhases: ["deletions"] },
};

interface Caller {
  readonly call: "full cron" | "delta cron" | RunKind;
  /** How many turns of the microtask queue it comes late. */
  readonly late: number;
}

interface Mixture {
  readonly callers: readonly Caller[];
  /** How many turns the sinks and the gate take to answer. */
  readonly slow: number;
}

const late = fc.integer({ min: 0, max: 60 });
const caller = (...calls: Caller["call"][]): fc.Arbitrary<Caller> =>
  fc.record({ call: fc.constantFrom(...calls), late });

/** The two crons of 02:00 and requests for a run, in any order. */
const mixtures: fc.Arbitrary<Mixture> = fc.record({
  callers: fc
    .tuple(
      caller("full cron"),
      caller("delta cron"),
      fc.array(caller("delta", "full"), { minLength: 1, maxLength: 3 }),
    )
    .map(([full, delta, requests]) => [full, delta, ...requests]),
  slow: fc.integer({ min: 0, max: 30 }),
});

const turns = async (count: number): Promise<void> => {
  for (let n = 0; n < count; n++) await Promise.resolve();
};

/** Calls the stream as the mixture says while its alarms work. @returns the ids of the runs that requests were given */
const play = async (stream: Stream, { callers }: Mixture): Promise<string[]> => {
  let calling = true;
  const called = Promise.all(
    callers.map(async ({ call, late }) => {
      await turns(late);
      if (call === "full cron" || call === "delta cron") {
        await stream.wake(call === "full cron" ? "full" : "delta");
        return [];
      }
      const answer = await stream.startRun(call);
      if (!answer.ok) throw new Error(answer.error.message);
      return [answer.value.run.id];
    }),
  ).finally(() => {
    calling = false;
  });
  while (calling || stream.runs()[0]?.state === "running") {
    await stream.alarm();
    await turns(1);
  }
  return (await called).flat();
};

test("two crons and requests in any order lead to a full run, and every run that was answered took place", async () => {
  let slow = 0;
  const deps: Pick<StreamDeps, "connect" | "wakeSinks" | "snapshotSinks"> = {
    // The org says who it is at once. No other call is made, so no permit is to be given back.
    connect: (options) => {
      const { api } = connectOkta({ ...options, env });
      api.organization = async () => ok({ id: "00o1", pipeline: "idx" });
      return { api, done: () => turns(slow) };
    },
    wakeSinks: async () => {
      await turns(slow);
      return [];
    },
    snapshotSinks: async () => {
      await turns(slow);
      return [];
    },
  };
  await withStream(
    { connection: CONNECTION, stream: "users", definition: quick, ...deps },
    async (stream) => {
      const seen = new Set<string>();
      const newRuns = () => stream.runs().filter(({ id }) => !seen.has(id));
      await fc.assert(
        fc.asyncProperty(mixtures, async (mixture) => {
          for (const { id } of stream.runs()) seen.add(id);
          slow = mixture.slow;
          const answered = await play(stream, mixture);
          const runs = newRuns();
          expect(runs.map(({ id }) => id)).toEqual(expect.arrayContaining(answered));
          expect(runs.map(({ state }) => state)).toEqual(runs.map(() => "done"));
          expect(runs.map(({ kind }) => kind)).toContain("full");
          expect(runs.filter(({ cause }) => cause === "first")).toHaveLength(seen.size === 0 ? 1 : 0);
        }),
        { numRuns: MIXTURES },
      );
    },
  );
});
