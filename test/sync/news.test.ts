/** That what a delta run finds does not wait for the old factors that it reads again. */
import { reset } from "cloudflare:test";
import { afterEach, expect, test } from "vitest";
import type { RunDocument } from "../../src/contract/status.ts";
import { users } from "../../src/streams/users.ts";
import type { Stream } from "../../src/sync/stream.ts";
import { withStream } from "../support/lent-stream.ts";
import { createOrg, type TestOrg } from "../support/org.ts";
import { passTime } from "../support/time.ts";

const CONNECTION = "t7";
const WEEK_MS = 7 * 86_400_000;

afterEach(() => reset());

interface Scene {
  readonly stream: Stream;
  readonly org: TestOrg;
  /** Somebody who is active. */
  readonly someone: string;
  /** The sequence numbers that the sinks were told. */
  readonly told: number[];
}

/** Does something with a stream that is complete, and whose factors are all due to be read again. */
const withOldFactors = async (work: (scene: Scene) => Promise<void>): Promise<void> => {
  const org = await createOrg(CONNECTION, { users: 30, groups: 3 });
  const told: number[] = [];
  const wakeSinks = async (head: number) => {
    told.push(head);
    return [];
  };
  await withStream(
    { connection: CONNECTION, stream: "users", definition: users, wakeSinks },
    async (stream) => {
      await stream.startRun("full");
      while (stream.runs()[0]?.state === "running") await stream.alarm();
      passTime(WEEK_MS);
      await org.advance(WEEK_MS);
      const active = (await org.dump()).users.find(({ status }) => status === "ACTIVE") ?? expect.fail();
      await work({ stream, org, someone: active.id, told });
    },
  );
};

const factorCalls = (run: RunDocument | undefined): number | undefined =>
  run?.calls.by_endpoint["GET /api/v1/users/{id}/factors"];

test("sinks are told of changes before the delta run goes on to read old factors again", () =>
  withOldFactors(async ({ stream, org, someone, told }) => {
    await org.control("POST", `/users/${someone}/suspend`);
    await stream.startRun("delta");
    told.length = 0;
    await stream.alarm();
    expect(stream.runs()[0]).toMatchObject({ kind: "delta", state: "running", phase: "rolling" });
    const { head } = stream.inventory.assets;
    expect(told).toEqual([head]);
    expect(await stream.events.one(someone, "sekoia")).toMatchObject({ sequence: head });
  }));

test("a delta run that is to poll again does so before it reads old factors", () =>
  withOldFactors(async ({ stream, org, someone }) => {
    await org.control("POST", `/users/${someone}/suspend`);
    await stream.startRun("delta");
    await stream.alarm();
    expect(stream.runs()[0]).toMatchObject({ state: "running", phase: "rolling" });
    await org.control("POST", `/users/${someone}/unsuspend`);
    await stream.startRun("delta");
    while (stream.runs()[0]?.state === "running") await stream.alarm();
    expect(stream.inventory.assets.statusOf(someone)).toBe("ACTIVE");
    expect(factorCalls(stream.runs()[0])).toBeUndefined();
  }));

test("a delta run beside a full run leaves old factors to it", () =>
  withOldFactors(async ({ stream }) => {
    await stream.startRun("full");
    await stream.startRun("delta");
    while (stream.runs().some(({ state }) => state === "running")) await stream.alarm();
    const [delta, full] = ["delta", "full"].map((kind) => stream.runs().find((run) => run.kind === kind));
    expect(factorCalls(delta)).toBeUndefined();
    expect(factorCalls(full)).toBeGreaterThan(0);
  }));
