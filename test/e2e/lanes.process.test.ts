/**
 * The whole Worker in the real runtime, with an HTTP sink, while a full run is in progress that takes long because of
 * Okta's limits: whatever Okta's log tells is in the inventory and at the sink after the next cron, in every phase of the
 * full run. Calls that only the full run makes are held back, so that each phase is met, and whose turn it is shows in
 * the order of the calls. Then an event hook tells of changes, and no cron is needed. Windows last 3 s instead of 60 s; with `LONG_TESTS=1` they are whole.
 */
import { setTimeout as sleep } from "node:timers/promises";
import { afterAll, expect, inject, test } from "vitest";
import type * as z from "zod";
import { faultRuleSchema } from "../../dev/okta-org/api/faults.ts";
import { deleteUser } from "../../dev/okta-org/changes/users.ts";
import { createOktaOrg } from "../../dev/okta-org/index.ts";
import { registerHook } from "../../dev/start/event-hook.ts";
import type { RunDocument, RunKind, StreamStatus } from "../../src/contract/status.ts";
import { Cast, changeKinds, expectedOf } from "../support/cast.ts";
import { startCollector } from "../support/collector.ts";
import { controlOf } from "../support/control.ts";
import { differences, expectedUsers, isDeleted, type Json, newestById } from "../support/expected.ts";
import { readEvents } from "../support/pages.ts";
import { long } from "../support/seeds.ts";
import { serveFetch } from "../support/serve-fetch.ts";
import { WorkerProcess } from "../support/worker-process.ts";

const USERS = 1200;
const WINDOW_MS = long ? 60_000 : 3000;
/** Rounds in the phase that takes longest, without anything being held back. */
const FREE_ROUNDS = 3;
const ROUNDS = 9 + FREE_ROUNDS + 1;

/** Okta's published limit for the bucket of user lists and factors, which a full run uses most. */
const LIMIT = 600;
const SHARE = 0.5;
/** What a full run takes of a window at most. */
const ALLOWANCE = LIMIT * SHARE * 0.8;
/** More than one slice would make, so that only the order of turns lets a delta run come between. */
const SLICE_CALLS = 1000;
const HOOK_SECRET = "hook-secret-0123456789-0123456789-0123";
/** How many calls for single users a run makes at once. */
const CONCURRENCY = 6;

/** A call that only the full run makes, as a regular expression over path and query, by the phase that makes it. */
type Holds = readonly (readonly [phase: string, path: string])[];

const fault = (rule: z.input<typeof faultRuleSchema>) => faultRuleSchema.parse(rule);
const slow = (holds: Holds) =>
  holds.map(([, path]) => fault({ kind: "slow", ms: 600_000, match: { path, times: 1 } }));

const cleanUp: (() => Promise<void>)[] = [];
afterAll(async () => {
  for (const clean of cleanUp) await clean();
});

/** How long something may take that is not broken, ms. */
const PATIENCE_MS = 60_000 + 2 * WINDOW_MS;

/** Waits until something is there. @param what in words, for the error if it does not come */
const until = async <T>(
  what: string,
  look: () => Promise<T | null>,
  patienceMs = PATIENCE_MS,
): Promise<T> => {
  for (const deadline = Date.now() + patienceMs; Date.now() < deadline; await sleep(20)) {
    const found = await look();
    if (found !== null) return found;
  }
  throw new Error(`not after ${patienceMs} ms: ${what}`);
};

test("what changes during a full run arrives while it goes on, in every phase", {
  timeout: 900_000,
}, async () => {
  const org = createOktaOrg({
    users: USERS,
    groups: 40,
    devices: 0,
    limits: "none",
    windowMs: WINDOW_MS,
    latencyMs: 5,
  });
  const cast = new Cast(org, ROUNDS);
  const asked: string[] = [];
  const server = await serveFetch((request) => {
    const { pathname, search } = new URL(request.url);
    asked.push(decodeURIComponent(pathname + search.replaceAll("+", " ")));
    return org.fetch(request);
  });
  const control = controlOf(server.url, org.fetch);
  const sink = await startCollector();
  const worker = await WorkerProcess.create(inject("build"), {
    OKTA_BASE_URL: server.url,
    OKTA_API_TOKEN: "sim-token",
    OKTA_HOOK_SECRET: HOOK_SECRET,
    OKTA_RATE_LIMIT_SHARE: String(SHARE),
    SUBREQUESTS_PER_SLICE: String(SLICE_CALLS),
    SINKS: JSON.stringify([
      { type: "http", name: "siem", url: sink.url, streams: ["users"], dialect: "sekoia" },
    ]),
  });
  cleanUp.push(
    () => worker.remove(),
    () => server.close(),
    () => sink.close(),
  );

  const status = (): Promise<StreamStatus> => until("a status", () => worker.status("users"));
  const startRun = async (kind: RunKind): Promise<RunDocument> =>
    (await worker.request("POST", "/v1/streams/users/runs", { kind })).json();
  const cron = async (): Promise<void> => {
    const answer = await worker.request("GET", "/cdn-cgi/local/scheduled?cron=*%2F15+*+*+*+*");
    expect(answer.status).toBe(200);
  };
  const untilIdle = (): Promise<StreamStatus> =>
    until(
      "the end of all runs",
      async () => {
        const now = await status();
        return now.run === null && now.delta === null ? now : null;
      },
      PATIENCE_MS + 10 * WINDOW_MS,
    );
  const inventory = async (id: string): Promise<Json> =>
    (await worker.request("GET", `/v1/inventory/users/${id}?dialect=sekoia`)).json();

  /** Has calls of the full run wait for an answer, and answers the one that waits now. Nothing comes between. */
  const hold = (holds: Holds): void => {
    org.state.faults.clear();
    org.state.faults.add(slow(holds));
  };
  /** Waits until so many calls have been held so far. */
  const untilHeld = (count: number): Promise<true> =>
    until(
      `call ${count} is held`,
      async () => (org.stats().injectedFaults >= count ? true : null),
      PATIENCE_MS + 10 * WINDOW_MS,
    );

  /** Makes a change of every kind. @returns what the inventory and the sink have to show */
  const change = (): Map<string, Json> =>
    expectedOf(
      org,
      changeKinds.flatMap((kind) => cast.next(kind).make()),
    );
  /** Waits until the inventory and the sink show this. @returns the status when the inventory did */
  const untilArrived = async (wanted: ReadonlyMap<string, Json>): Promise<StreamStatus> => {
    const shows = (actual: ReadonlyMap<string, Json>): boolean => {
      const ofThese = new Map([...wanted.keys()].flatMap((id) => [[id, actual.get(id) ?? {}] as const]));
      return differences(ofThese, wanted).length === 0;
    };
    const shown = await until("the inventory shows the changes", async () => {
      const events = await Promise.all(
        [...wanted.keys()].map(async (id) => [id, await inventory(id)] as const),
      );
      return shows(new Map(events)) ? status() : null;
    });
    await until("the sink has the changes", async () => (shows(sink.newest) ? true : null));
    return shown;
  };

  await worker.start();
  for (const stream of ["users", "devices"]) {
    await worker.request("POST", `/v1/streams/${stream}/runs`, { kind: "full" });
  }
  await untilIdle();
  expect((await status()).last_full).toMatchObject({ state: "done", cause: "first" });
  // The first delta run begins to poll the log.
  await startRun("delta");
  await untilIdle();

  const { users, groups } = org.dump();
  const bystander = cast.bystander();
  const admin = users.find((user) => user.status === "ACTIVE" && user.roles.length > 0)?.id ?? expect.fail();
  const group =
    groups.find(({ roles, usersCount }) => roles.length > 0 && usersCount > 0)?.id ?? expect.fail();
  const gone = cast.bystander();
  // The log does not tell it, so only the full run finds it.
  deleteUser(org.state, gone, { silent: true });
  const holds: Holds = [
    ["log", "^/api/v1/logs"],
    ["groups", "^/api/v1/groups[?](?!.*search=)"],
    ["group_roles", `^/api/v1/groups/${group}/roles`],
    ["assignees", "^/api/v1/iam/assignees/users"],
    ["memberships", `^/api/v1/groups/${group}/users`],
    ["admin_roles", `^/api/v1/users/${admin}/roles`],
    ["users", "^/api/v1/users[?].*search=status"],
    ["factors", `^/api/v1/users/${bystander}/factors`],
    ["deletions", `^/api/v1/users/${gone}$`],
  ];

  // After a gap in the log, a full run reads everything again, all factors included.
  const limits = Object.fromEntries(org.stats().buckets.map(({ bucket }) => [bucket, 100_000]));
  await control("POST", "/restrict", { limits: { ...limits, "/api/v1/users": LIMIT } });
  // The first run has used its windows without a limit.
  await until("a fresh window", async () => {
    const { limit, remaining } = org.state.limiter.peek("/api/v1/users", Date.now());
    return remaining === limit ? true : null;
  });
  await control("POST", "/stats/reset");
  org.state.faults.add([fault({ kind: "404", match: { endpoint: "GET /api/v1/logs", times: 1 } })]);
  org.state.faults.add(slow(holds));
  await startRun("delta");
  const { run } = await until("the full run", async () => {
    const now = await status();
    return now.run?.kind === "full" ? now : null;
  });
  expect(run).toMatchObject({ kind: "full", cause: "gap" });

  /** How many calls of the full run come after the first so many calls, and before the delta run's first one. */
  const callsBeforeDelta = (from: number): number => {
    // The cron wakes the other stream too, which polls the log with another filter.
    const since = asked
      .slice(from)
      .filter((path) => !path.startsWith("/api/v1/devices"))
      .filter((path) => !path.startsWith("/api/v1/logs") || path.includes("user.lifecycle"));
    const first = since.findIndex((path) => path.startsWith("/api/v1/logs"));
    return first === -1 ? since.length : first;
  };

  const met: string[] = [];
  for (const [index, [phase]] of holds.entries()) {
    // The gap itself was the first fault.
    await untilHeld(index + 2);
    expect((await status()).run).toMatchObject({ id: run?.id, phase, state: "running" });
    const wanted = change();
    await cron();
    expect((await status()).delta).toMatchObject({ kind: "delta", cause: "cron", state: "running" });
    const askedBefore = asked.length;
    hold(holds.slice(index + 1));
    const shown = await untilArrived(wanted);
    // After the last call that is held back, nothing keeps the full run from ending right after the delta run.
    if (index < holds.length - 1) {
      expect(shown.run, `in phase ${phase}`).toMatchObject({ id: run?.id, state: "running" });
    }
    // From the cron on, the full run only ends what it was doing before the delta run has its turn.
    expect(callsBeforeDelta(askedBefore), phase).toBeLessThanOrEqual(CONCURRENCY);
    met.push(phase);
    if (phase !== "factors") continue;
    for (let round = 0; round < FREE_ROUNDS; round++) {
      const { run: before } = await status();
      const made = before?.calls.made ?? expect.fail();
      // What is left of the full run has to be longer than what is asserted below.
      if ((before?.calls.predicted ?? 0) - made < 2 * (ALLOWANCE + CONCURRENCY)) break;
      const more = change();
      await cron();
      const askedThen = asked.length;
      const after = await untilArrived(more);
      expect(after.run).toMatchObject({ id: run?.id, phase, state: "running" });
      expect(callsBeforeDelta(askedThen), "factors, nothing held").toBeLessThanOrEqual(CONCURRENCY);
      // A delta run waits for a permit until the window ends, at most.
      expect((after.run?.calls.made ?? 0) - made).toBeLessThanOrEqual(ALLOWANCE + CONCURRENCY);
      met.push("factors, nothing held");
    }
  }
  expect(met).toEqual(expect.arrayContaining(holds.map(([phase]) => phase)));

  const end = await untilIdle();
  expect(end.last_full).toMatchObject({ id: run?.id, state: "done", error: null });

  await registerHook(server.url, "sim-token", worker.url, HOOK_SECRET);
  await untilArrived(change());
  expect((await untilIdle()).last_delta).toMatchObject({ cause: "hook", state: "done" });
  const tested = await worker.request("POST", "/v1/test-connection", {});
  expect(await tested.json()).toMatchObject({
    checks: expect.arrayContaining([expect.objectContaining({ name: "hooks", status: "pass" })]),
  });

  await until("everything is delivered", async () =>
    (await status()).sinks.every(({ lag_events }) => lag_events === 0) ? true : null,
  );
  const expected = expectedUsers(org.dump());
  const living = (events: ReadonlyMap<string, Json>) =>
    new Map([...events].filter(([, event]) => !isDeleted(event)));
  const stored = await readEvents((path) => worker.request("GET", path), "/v1/inventory/users?limit=1000");
  expect(differences(living(newestById(stored)), expected)).toEqual([]);
  expect(differences(living(sink.newest), expected)).toEqual([]);
  const { violations, buckets } = org.stats();
  console.log(
    `${met.join(", ")}; ${asked.length} calls, ${end.last_full?.calls.made} of them by the full run`,
  );
  expect(violations).toBe(0);
  expect(buckets.filter(({ fullest, limit }) => fullest > limit * SHARE)).toEqual([]);
});
