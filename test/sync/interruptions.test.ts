/** Runs that are interrupted, cancelled or requested twice, and runs that a cron starts. */
import {
  abortAllDurableObjects,
  createScheduledController,
  evictDurableObject,
  reset,
  runInDurableObject,
} from "cloudflare:test";
import { env } from "cloudflare:workers";
import { afterEach, describe, expect, test } from "vitest";
import type { RunDocument, RunKind } from "../../src/contract/status.ts";
import worker from "../../src/index.ts";
import {
  call,
  createOrg,
  expectUsers,
  inventory,
  newestById,
  startHeldRun,
  startRun,
  statusOf,
  streamStub,
  sync,
  type TestOrg,
  until,
  untilIdle,
} from "../support/org.ts";

const CONNECTION = "t3";

afterEach(() => reset());

/** A call of each phase that is neither its first nor its last. */
const middleOf = {
  users: { endpoint: "GET /api/v1/users", after: 1, times: 1 },
  memberships: { endpoint: "GET /api/v1/groups/{id}/users", after: 5, times: 1 },
  factors: { endpoint: "GET /api/v1/users/{id}/factors", after: 40, times: 1 },
} as const;

/** Starts a run that waits in the middle of a phase until the org's faults are removed. */
const runHeldIn = async (phase: keyof typeof middleOf, users = 450) => {
  const org = await createOrg(CONNECTION, { users, groups: 20 });
  const run = await startHeldRun(org, middleOf[phase]);
  expect((await statusOf(CONNECTION)).run).toMatchObject({ id: run.id, phase });
  return { org, run };
};

/** Evicts the stream's object as soon as the slice in progress has had its answer. */
const evictWith = async (org: TestOrg): Promise<void> => {
  const evicted = evictDurableObject(streamStub(CONNECTION));
  await org.clearFaults();
  await evicted;
};

describe("an object that is evicted from memory during a run", () => {
  test.each(["users", "memberships", "factors"] as const)(
    "in phase %s: continues there and ends with a complete inventory",
    async (phase) => {
      const { org, run } = await runHeldIn(phase);
      await evictWith(org);
      expect(await untilIdle(CONNECTION)).toMatchObject({ id: run.id, state: "done", error: null });
      expect((await org.stats()).repeats).toBeLessThanOrEqual(1);
      await expectUsers(org);
    },
  );

  test("in the middle of factors, without warning: asks again for 20 users at most, and for those under way", async () => {
    const { org, run } = await runHeldIn("factors");
    await abortAllDurableObjects();
    await org.clearFaults();
    const done = await untilIdle(CONNECTION);
    expect(done).toMatchObject({ id: run.id, state: "done" });
    const { total, repeats } = await org.stats();
    // The run counts the calls whose answers it has stored.
    expect(total - done.calls.made).toBeLessThanOrEqual(20 + 6);
    expect(repeats).toBe(0);
    await expectUsers(org);
  });

  test("repeatedly and without warning, together with all other objects: loses nothing", async () => {
    const org = await createOrg(CONNECTION, { users: 250, groups: 20, latencyMs: 15 });
    const run = await startRun(CONNECTION);
    for (let times = 0; times < 5; times++) {
      await new Promise((resolve) => setTimeout(resolve, 20 + 50 * times));
      await abortAllDurableObjects();
    }
    expect(await untilIdle(CONNECTION)).toMatchObject({ id: run.id, state: "done" });
    expect((await org.stats()).repeats).toBeLessThanOrEqual(5);
    expect((await org.stats()).violations).toBe(0);
    await expectUsers(org);
  });

  test("a cron revives a run whose alarm was dropped", async () => {
    const org = await createOrg(CONNECTION, { users: 100, groups: 5 });
    await org.fault({ kind: "503", match: { endpoint: "GET /api/v1/users" } });
    const run = await startRun(CONNECTION);
    await until(CONNECTION, ({ state }) => state === "backing_off");
    await org.clearFaults();
    const stub = streamStub(CONNECTION);
    await runInDurableObject(stub, (_, { storage }) => storage.deleteAlarm());
    await evictDurableObject(stub);
    await stub.wake("delta");
    expect(await runInDurableObject(stub, (_, { storage }) => storage.getAlarm())).not.toBeNull();
    await untilIdle(CONNECTION);
    // Beside the full run, the cron has started a delta run.
    expect(await stub.runs()).toMatchObject([
      { kind: "delta", cause: "cron", state: "done" },
      { id: run.id, state: "done" },
    ]);
    await expectUsers(org);
  });
});

describe("cancelling", () => {
  test("ends the run at once and keeps everything that was stored", async () => {
    const { org, run } = await runHeldIn("factors");
    const stored = await inventory(CONNECTION);
    expect(newestById(stored).size).toBe(450);
    const response = await call(CONNECTION, "DELETE", "/v1/streams/users/runs/current");
    expect(response.status).toBe(200);
    expect(await response.json()).toMatchObject({
      id: run.id,
      state: "cancelled",
      finished_at: expect.stringMatching(/^20/),
    });
    const status = await statusOf(CONNECTION);
    expect(status).toMatchObject({ state: "idle", run: null, assets: { total: 450 } });
    // Calls that were in flight are not stored any more, and no further call is made.
    await org.clearFaults();
    await untilIdle(CONNECTION);
    const { total } = await org.stats();
    await new Promise((resolve) => setTimeout(resolve, 100));
    expect((await org.stats()).total).toBe(total);
    expect((await statusOf(CONNECTION)).head).toBe(status.head);
    expect(newestById(await inventory(CONNECTION)).size).toBe(450);

    // There is nothing left to cancel, the history has the run, and the next run is still the first full one.
    expect((await call(CONNECTION, "DELETE", "/v1/streams/users/runs/current")).status).toBe(404);
    const history = await call(CONNECTION, "GET", "/v1/streams/users/runs");
    expect(await history.json()).toMatchObject({ runs: [{ id: run.id, state: "cancelled" }] });
    expect(await sync(CONNECTION, "delta")).toMatchObject({ kind: "full", cause: "first", state: "done" });
    await expectUsers(org);
  });
});

describe("requesting a run", () => {
  test("while one of the same kind is in progress returns that run, and a delta run starts beside a full run", async () => {
    const { org, run } = await runHeldIn("factors", 60);
    const request = async (kind: RunKind) => {
      const response = await call(CONNECTION, "POST", "/v1/streams/users/runs", { kind });
      const document: RunDocument = await response.json();
      return { status: response.status, document };
    };
    expect(await request("full")).toMatchObject({ status: 200, document: { id: run.id, state: "running" } });
    const { status, document: delta } = await request("delta");
    expect(status).toBe(202);
    expect(delta).toMatchObject({ kind: "delta", cause: "request", state: "running" });
    expect(await request("delta")).toMatchObject({ status: 200, document: { id: delta.id } });
    expect(await statusOf(CONNECTION)).toMatchObject({
      state: "running",
      run: { id: run.id },
      delta: { id: delta.id },
    });

    // DELETE ends the full run first.
    for (const { id } of [run, delta]) {
      const response = await call(CONNECTION, "DELETE", "/v1/streams/users/runs/current");
      expect(await response.json()).toMatchObject({ id, state: "cancelled" });
      expect((await statusOf(CONNECTION)).state).toBe(id === run.id ? "running" : "idle");
    }
    await org.clearFaults();
    await untilIdle(CONNECTION);
    const history = await call(CONNECTION, "GET", "/v1/streams/users/runs");
    expect(await history.json()).toMatchObject({
      runs: [
        { id: delta.id, state: "cancelled" },
        { id: run.id, state: "cancelled" },
      ],
    });
  });

  test("starts a full or delta run, and the history is newest first", async () => {
    await createOrg(CONNECTION, { users: 10, groups: 2 });
    const first = await call(CONNECTION, "POST", "/v1/streams/users/runs", { kind: "delta" });
    expect(first.status).toBe(202);
    // Before the first full run, there is nothing that a delta run could build on.
    expect(await first.json()).toMatchObject({ kind: "full", cause: "first" });
    await untilIdle(CONNECTION);
    expect(await sync(CONNECTION, "delta")).toMatchObject({ kind: "delta", cause: "request", state: "done" });
    expect(await sync(CONNECTION, "full")).toMatchObject({ kind: "full", cause: "request", state: "done" });
    const history: { runs: { kind: string }[] } = await (
      await call(CONNECTION, "GET", "/v1/streams/users/runs")
    ).json();
    expect(history.runs.map(({ kind }) => kind)).toEqual(["full", "delta", "full"]);
  });

  test("for both streams of one connection lets them run at the same time", async () => {
    const org = await createOrg(CONNECTION, { users: 100, groups: 4, devices: 300, latencyMs: 5 });
    await startRun(CONNECTION, "full", "users");
    await startRun(CONNECTION, "full", "devices");
    expect(await untilIdle(CONNECTION, "users")).toMatchObject({ state: "done" });
    expect(await untilIdle(CONNECTION, "devices")).toMatchObject({ state: "done" });
    await expectUsers(org);
    expect((await statusOf(CONNECTION, "devices")).assets.total).toBe(300);
  });
});

describe("the cron", () => {
  test("starts the first full run of every configured connection", async () => {
    const orgs = await Promise.all(
      ["t3", "t4", "t5"].map((id) => createOrg(id, { users: 10, groups: 2, devices: 3 })),
    );
    const connections = orgs.map(({ connection: id, origin }) => ({
      id,
      base_url: origin,
      secret_prefix: `${id.toUpperCase()}_`,
    }));
    const settings: Env = Object.assign({ ...env }, { CONNECTIONS: JSON.stringify(connections) });
    // Without the connection that has no entry in CONNECTIONS.
    for (const name of ["OKTA_BASE_URL", "OKTA_API_TOKEN"]) Reflect.deleteProperty(settings, name);
    await worker.scheduled(createScheduledController({ cron: "*/15 * * * *" }), settings);
    for (const { connection } of orgs) {
      for (const stream of ["users", "devices"] as const) {
        const run = await untilIdle(connection, stream);
        expect(run).toMatchObject({ kind: "full", cause: "first", state: "done" });
      }
    }
    expect(await streamStub("t6").runs()).toEqual([]);
  });
});
