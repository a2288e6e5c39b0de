/** What a run does for others besides its work: it never waits for them, and repeats what failed. */
import { reset } from "cloudflare:test";
import { afterEach, beforeEach, expect, test, vi } from "vitest";
import type { RunKind } from "../../src/contract/status.ts";
import { users } from "../../src/streams/users.ts";
import type { Stream, StreamDeps } from "../../src/sync/stream.ts";
import { withStream } from "../support/lent-stream.ts";
import { createOrg, type TestOrg } from "../support/org.ts";

const CONNECTION = "t8";
const place = { connection: CONNECTION, stream: "users", definition: users } as const;
const MINUTE_MS = 60_000;

let org: TestOrg;
let people: string[];
beforeEach(async () => {
  org = await createOrg(CONNECTION, { users: 10, groups: 3, devices: 0 });
  people = (await org.dump()).users.filter(({ status }) => status === "ACTIVE").map(({ id }) => id);
});
afterEach(() => reset());

/** What a stream asked of others. */
const observed = () => {
  const background: Promise<void>[] = [];
  const forget = vi.fn<StreamDeps["forget"]>(async () => []);
  const wake = vi.fn<StreamDeps["wakeSinks"]>(async () => []);
  const snapshot = vi.fn<StreamDeps["snapshotSinks"]>(async () => []);
  const deps = {
    forget,
    wakeSinks: wake,
    snapshotSinks: snapshot,
    background: (work: Promise<void>) => background.push(work),
  } satisfies Partial<StreamDeps>;
  return { deps, forget, wake, snapshot, settled: () => Promise.all(background) };
};

const run = async (stream: Stream, kind: RunKind) => {
  await stream.startRun(kind);
  while ((await stream.status()).run !== null) await stream.alarm();
  return stream.runs()[0];
};

test("changed accounts that the look-up cache fails to forget are given to it again, and nothing waits for it", async () => {
  const { deps, forget, wake, settled } = observed();
  await withStream({ ...place, ...deps }, async (stream) => {
    await run(stream, "full");
    expect(forget).not.toHaveBeenCalled();
    const [first = "", second = ""] = people;
    await org.change("POST", `/users/${first}/suspend`);

    // The cache does not answer at all while the delta run ends and the sinks are told.
    const answer = Promise.withResolvers<readonly string[]>();
    forget.mockReturnValueOnce(answer.promise);
    wake.mockClear();
    expect(await run(stream, "delta")).toMatchObject({ state: "done", error: null });
    expect(forget).toHaveBeenLastCalledWith([first]);
    expect(wake).toHaveBeenLastCalledWith(stream.inventory.assets.head, []);
    answer.resolve([first]);
    await settled();

    await org.change("POST", `/users/${second}/suspend`);
    await run(stream, "delta");
    await settled();
    expect(forget).toHaveBeenLastCalledWith([second, first]);

    forget.mockClear();
    await run(stream, "delta");
    expect(forget).not.toHaveBeenCalled();
  });
});

test("while the cache fails for an hour, sinks hear of every change as soon as without it, and all is forgotten afterwards", async () => {
  const { deps, forget, wake, settled } = observed();
  await withStream({ ...place, ...deps }, async (stream) => {
    await run(stream, "full");
    /** One delta run, as a cron starts every quarter of an hour, after the suspension of one more person. */
    const heardOf = async (person: string): Promise<number> => {
      await org.change("POST", `/users/${person}/suspend`);
      wake.mockClear();
      await run(stream, "delta");
      const { head } = stream.inventory.assets;
      return wake.mock.calls.findIndex(([told]) => told === head);
    };
    const [healthy = "", ...others] = people;
    const usual = await heardOf(healthy);
    await settled();
    forget.mockClear();

    forget.mockImplementation(async (ids) => ids);
    const changed = others.slice(0, 4);
    for (const person of changed) {
      expect(await heardOf(person)).toBe(usual);
      await settled();
    }
    expect(forget.mock.lastCall?.[0]).toHaveLength(changed.length);

    forget.mockImplementation(async () => []);
    await run(stream, "delta");
    await settled();
    expect([...(forget.mock.lastCall?.[0] ?? [])].sort()).toEqual([...changed].sort());
    forget.mockClear();
    await run(stream, "delta");
    await settled();
    expect(forget).not.toHaveBeenCalled();
  });
});

test("accounts that could not be forgotten are remembered when the object leaves memory", async () => {
  const { deps, forget, settled } = observed();
  const [first = ""] = people;
  await withStream({ ...place, ...deps }, async (stream) => {
    await run(stream, "full");
    await org.change("POST", `/users/${first}/suspend`);
    forget.mockImplementationOnce(async (ids) => ids);
    await run(stream, "delta");
    await settled();
  });
  await withStream({ ...place, ...deps }, async (stream) => {
    await run(stream, "delta");
    expect(forget.mock.calls).toEqual([[[first]], [[first]]]);
  });
});

test("an exception of the cache or a sink is logged, and the run ends well", async () => {
  const lines: string[] = [];
  vi.spyOn(console, "error").mockImplementation((line: string) => lines.push(line));
  const { deps, forget, wake, settled } = observed();
  await withStream({ ...place, ...deps }, async (stream) => {
    await run(stream, "full");
    await org.change("POST", `/users/${people[0]}/suspend`);
    forget.mockRejectedValueOnce(new Error("no KV"));
    wake.mockRejectedValueOnce(new Error("no sink"));
    expect(await run(stream, "delta")).toMatchObject({ state: "done", error: null });
    await settled();
  });
  expect(lines.map((line) => JSON.parse(line).event).sort()).toEqual(["forget_threw", "sinks_threw"]);
});

test("a snapshot is asked for until every sink has been reached", async () => {
  const { deps, snapshot } = observed();
  await withStream({ ...place, ...deps }, async (stream) => {
    snapshot.mockResolvedValueOnce(["lake", "archive"]);
    const full = await run(stream, "full");
    expect(snapshot.mock.calls).toEqual([[full?.id, null]]);
    snapshot.mockResolvedValueOnce(["archive"]);
    await stream.wake("delta");
    expect(snapshot).toHaveBeenLastCalledWith(full?.id, ["lake", "archive"]);
    await stream.alarm();
    expect(snapshot).toHaveBeenLastCalledWith(full?.id, ["archive"]);
    snapshot.mockClear();
    await run(stream, "delta");
    expect(snapshot).not.toHaveBeenCalled();
  });
});

test("a run whose alarm should have fired long ago gets it again, by a cron or a request", async () => {
  let ahead = 60 * MINUTE_MS;
  const now = () => Date.now() + ahead;
  const connect = () => {
    throw new Error("no way to Okta");
  };
  await withStream({ ...place, connect, now }, async (stream, storage) => {
    vi.spyOn(console, "error").mockImplementation(() => {});
    await stream.startRun("full");
    await stream.alarm();
    const due = Number(await storage.getAlarm());
    expect(due).toBeGreaterThan(now());

    // A little late is not lost: the object may be busy.
    ahead += MINUTE_MS / 2;
    await stream.wake("full");
    expect(await storage.getAlarm()).toBe(due);

    for (const revive of [() => stream.wake("full"), () => stream.startRun("full")]) {
      const before = Number(await storage.getAlarm());
      ahead += 5 * MINUTE_MS;
      await revive();
      expect(await storage.getAlarm()).toBeGreaterThanOrEqual(before + 4 * MINUTE_MS);
    }
  });
});
