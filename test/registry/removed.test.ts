/** A connection that is taken out of the settings: noted, kept for 7 days, then purged; or back in time. */
import { reset, runInDurableObject } from "cloudflare:test";
import { env } from "cloudflare:workers";
import { afterEach, beforeEach, describe, expect, test, vi } from "vitest";
import { type StreamName, streamNames } from "../../src/contract/streams.ts";
import { OktaGate, Registry } from "../../src/index.ts";
import {
  createOrg,
  inventory,
  startHeldRun,
  statusOf,
  streamStub,
  sync,
  type TestOrg,
  until,
  untilIdle,
} from "../support/org.ts";
import { ask, cron, purgeNow, READ_KEY, registry, settingsWith, shown, storedOf } from "./support.ts";

const GONE = "t1";
const STAYS = "t2";
const DAY_MS = 86_400_000;

// Before any object reads the settings, because an isolate reads them only once.
Reflect.set(
  env,
  "SINKS",
  JSON.stringify([{ type: "http", name: "siem", url: "https://siem.example.com/in", format: "ndjson" }]),
);

const both = settingsWith([GONE, STAYS]);
const without = settingsWith([STAYS]);

let org: TestOrg;
/** What the log says. */
let logged: string[];

beforeEach(() => {
  logged = [];
  for (const method of ["log", "warn", "error"] as const)
    vi.spyOn(console, method).mockImplementation((line) => void logged.push(String(line)));
  const outside = globalThis.fetch;
  vi.spyOn(globalThis, "fetch").mockImplementation(async (input, init) => {
    const request = new Request(input, init);
    return new URL(request.url).hostname === "siem.example.com" ? new Response() : outside(request);
  });
});

afterEach(async () => {
  vi.restoreAllMocks();
  await reset();
});

const lookUp = async (connection: string, login: string): Promise<void> => {
  const path = `/v1/enrichments/accounts/${encodeURIComponent(login)}?connection=${connection}`;
  expect((await ask(both, "GET", path)).status).toBe(200);
};

/** Both connections with everything that a connection can have, known to the registry. */
const setUp = async (): Promise<void> => {
  const made = await Promise.all(
    [GONE, STAYS].map((id) => createOrg(id, { users: 6, groups: 2, devices: 3 })),
  );
  const fill = async (connection: string, stream: StreamName): Promise<void> => {
    await sync(connection, "full", stream);
    await until(connection, ({ sinks, head }) => sinks.every(({ position }) => position === head), {
      stream,
    });
  };
  const ask = async (one: TestOrg): Promise<void> => {
    const { connection } = one;
    await lookUp(connection, String((await one.dump()).users[0]?.profile["login"]));
    await vi.waitFor(async () => {
      const counters = env.ACCOUNT_LOOKUP.getByName(`${connection}/counters`);
      expect((await counters.counts()).misses).toBe(1);
    });
  };
  // Side by side, since each mostly waits.
  await Promise.all(
    made.map(async (one) => {
      await Promise.all(streamNames.map((stream) => fill(one.connection, stream)));
      await ask(one);
    }),
  );
  const [first] = made;
  if (first === undefined) throw new Error("no org");
  org = first;
  await registry().reconcile({
    named: [GONE, STAYS].map((id) => [id, `https://${id}.okta.com`]),
    complete: true,
  });
};

const ofEverything = [
  `delivery ${GONE}/devices/siem`,
  `delivery ${GONE}/users/siem`,
  `gate ${GONE}`,
  `look-ups ${GONE}/counters`,
  `stream ${GONE}/devices`,
  `stream ${GONE}/users`,
  "cache",
].sort();

const remove = (settings: Env): Promise<Response> => ask(settings, "DELETE", `/v1/connections/${GONE}`);

const startFull = { body: '{"kind":"full"}', headers: { "content-type": "application/json" } };

/** Lets an object work under other settings for a while. */
const under = async (object: object, settings: Env, work: () => Promise<void>): Promise<void> => {
  const own: unknown = Reflect.get(object, "env");
  Reflect.set(object, "env", settings);
  try {
    await work();
  } finally {
    Reflect.set(object, "env", own);
  }
};

const stored = async (connection = GONE) => storedOf(connection, ["siem"]);

/** The clock says what it said at the removal, and so much more. */
const removedAt = async (): Promise<number> => {
  const [one] = (await registry().known()).filter(({ id }) => id === GONE);
  if (one === undefined || one.removedAt === null) throw new Error("not removed");
  return one.removedAt;
};

describe("a connection that is taken out of the settings", () => {
  test("is shown as removed, kept for 7 days to the millisecond, and then purged without a trace", async () => {
    await setUp();
    expect(await shown(both, GONE)).toEqual({
      id: GONE,
      source: "settings",
      base_url: `https://${GONE}.okta.com`,
      state: "active",
      removed_at: null,
      purge_at: null,
    });
    // Gone, which no cron has seen yet.
    expect(await shown(without, GONE)).toMatchObject({ state: "removed", removed_at: null, purge_at: null });

    vi.spyOn(Date, "now").mockReturnValue(Date.now());
    await cron(without);
    const at = await removedAt();
    expect(await shown(without, GONE)).toMatchObject({
      state: "removed",
      base_url: `https://${GONE}.okta.com`,
      removed_at: new Date(at).toISOString(),
      purge_at: new Date(at + 7 * DAY_MS).toISOString(),
    });
    const list = await (await ask(without, "GET", "/v1/connections")).json<{
      connections: { id: string }[];
    }>();
    expect(list).toMatchObject({ total: 3, next: null });
    expect(list.connections.map(({ id }) => id)).toEqual(["default", STAYS, GONE]);
    // All other routes do not know it.
    expect((await ask(without, "GET", `/v1/streams?connection=${GONE}`)).status).toBe(404);

    vi.mocked(Date.now).mockReturnValue(at + 7 * DAY_MS - 1);
    await cron(without);
    await purgeNow();
    expect(Object.keys(await stored()).sort()).toEqual(ofEverything);
    expect(await shown(without, GONE)).toMatchObject({ state: "removed" });

    vi.mocked(Date.now).mockReturnValue(at + 7 * DAY_MS);
    await cron(without);
    expect(await shown(without, GONE)).toMatchObject({
      state: "deleting",
      purge_at: new Date(at + 7 * DAY_MS).toISOString(),
    });
    await purgeNow();
    expect(await stored()).toEqual({});
    expect(await shown(without, GONE)).toBeNull();

    vi.mocked(Date.now).mockRestore();
    // The other one has everything that it had.
    expect(Object.keys(await stored(STAYS)).length).toBe(ofEverything.length);
    expect(await inventory(STAYS)).toHaveLength(6);
    expect((await statusOf(STAYS)).sinks).toMatchObject([{ name: "siem", lag_events: 0 }]);
  });

  test("goes on as if nothing had been when it is back in time", async () => {
    await setUp();
    const before = await statusOf(GONE);
    await cron(without);
    await removedAt();
    await cron(both);
    expect(await shown(both, GONE)).toMatchObject({ state: "active", removed_at: null, purge_at: null });
    await untilIdle(GONE);
    const { inventory: identity, head, sinks } = await statusOf(GONE);
    expect({ identity, head, sinks }).toEqual({
      identity: before.inventory,
      head: before.head,
      sinks: before.sinks,
    });
    expect((await streamStub(GONE).runs()).map(({ kind }) => kind)).toEqual(["delta", "full"]);
    // A later removal counts from its own beginning.
    vi.spyOn(Date, "now").mockReturnValue(Date.now() + 6 * DAY_MS);
    await cron(without);
    expect(await removedAt()).toBe(Date.now());
  });

  test("begins anew when it is back after the purge", async () => {
    await setUp();
    const before = await statusOf(GONE);
    await cron(without);
    expect((await remove(without)).status).toBe(202);
    await purgeNow();
    await cron(both);
    expect(await shown(both, GONE)).toMatchObject({ state: "active" });
    expect(await untilIdle(GONE)).toMatchObject({ kind: "full", cause: "first", state: "done" });
    const after = await until(GONE, ({ sinks, head }) => sinks.every(({ position }) => position === head));
    expect(after.inventory).not.toBe(before.inventory);
    expect(after.head).toBeGreaterThan(before.head);
    expect(await inventory(GONE)).toHaveLength(6);
  });

  test("is purged to the end, and then begins anew, when it is back during the purge", async () => {
    await setUp();
    await cron(without);
    const failing = vi.spyOn(env.ENRICHMENT_CACHE, "list").mockRejectedValue(new Error("KV failed: 500"));
    expect((await remove(without)).status).toBe(202);
    await purgeNow();
    await cron(both);
    await purgeNow();
    expect(await shown(both, GONE)).toMatchObject({ state: "deleting" });
    failing.mockRestore();
    // Nothing has woken it.
    expect(Object.keys(await stored())).toEqual(["cache"]);
    await cron(both);
    await purgeNow();
    expect(await stored()).toEqual({});
    expect(await shown(both, GONE)).toMatchObject({ state: "active" });
    await cron(both);
    expect(await untilIdle(GONE)).toMatchObject({ kind: "full", cause: "first", state: "done" });
  });

  test("rests with its runs and deliveries until it is back", async () => {
    await setUp();
    const { injectedFaults } = await org.stats();
    await org.fault({ kind: "503", match: { endpoint: "GET /api/v1/users" } });
    expect((await ask(both, "POST", `/v1/streams/users/runs?connection=${GONE}`, startFull)).status).toBe(
      202,
    );
    await until(GONE, ({ state }) => state === "backing_off");
    expect((await org.stats()).injectedFaults).toBeGreaterThan(injectedFaults);
    await org.clearFaults();
    const { total } = await org.stats();
    const delivery = env.SINK_DELIVERY.getByName(`${GONE}/users/siem`);
    // As after the deployment that takes it out.
    await runInDurableObject(streamStub(GONE), (object, { storage }) =>
      under(object, without, async () => {
        await storage.deleteAlarm();
        await object.alarm();
        // A Worker of the version before may still wake it.
        await object.wake("full");
        expect(await storage.getAlarm()).toBeNull();
        expect(await object.runs()).toMatchObject([{ state: "running" }, { state: "done" }]);
      }),
    );
    await runInDurableObject(delivery, (object, { storage }) =>
      under(object, without, async () => {
        await object.wake({ connection: GONE, stream: "users", sink: "siem" }, Number.MAX_SAFE_INTEGER);
        await object.alarm();
        expect(await storage.getAlarm()).toBeNull();
      }),
    );
    expect((await org.stats()).total).toBe(total);
    await streamStub(GONE).wake("delta");
    await untilIdle(GONE);
    expect(await streamStub(GONE).runs()).toMatchObject([
      { kind: "delta", state: "done" },
      { kind: "full", state: "done" },
      { kind: "full", state: "done" },
    ]);
  });
});

describe("a purge", () => {
  test("by a person begins at once, needs full rights, and only of what is not in the settings", async () => {
    await setUp();
    const problem = async (response: Response) => [
      response.status,
      (await response.json<{ code: string }>()).code,
    ];
    expect(await problem(await remove(both))).toEqual([409, "conflict"]);
    expect(await problem(await ask(without, "DELETE", "/v1/connections/nobody"))).toEqual([
      404,
      "unknown_connection",
    ]);
    expect(await problem(await ask(without, "DELETE", `/v1/connections/${GONE}`, { key: READ_KEY }))).toEqual(
      [403, "forbidden"],
    );
    // Which connections there are is unknown.
    const broken = settingsWith([], { CONNECTIONS: "[" });
    expect(await problem(await remove(broken))).toEqual([503, "misconfigured"]);
    await purgeNow();
    expect(Object.keys(await stored()).sort()).toEqual(ofEverything);

    // Before any cron has seen that it is gone.
    const begun = await remove(without);
    expect([begun.status, await begun.json()]).toMatchObject([202, { id: GONE, state: "deleting" }]);
    expect((await remove(without)).status).toBe(202);
    await purgeNow();
    expect(await problem(await remove(without))).toEqual([404, "unknown_connection"]);
    expect(await stored()).toEqual({});
    expect(Object.keys(await stored(STAYS)).length).toBe(ofEverything.length);
  });

  test("lets a slice that is at work write nothing any more", async () => {
    await setUp();
    await startHeldRun(org, { endpoint: "GET /api/v1/users" });
    expect(await remove(without)).toMatchObject({ status: 202 });
    await purgeNow();
    await org.clearFaults();
    // What the org has answered is with the Worker once a later call is.
    await sync(STAYS, "delta");
    expect(await stored()).toEqual({});
  });

  test("tries again with the next cron what has failed, and does not keep the rest waiting", async () => {
    await setUp();
    const failing = vi.spyOn(OktaGate.prototype, "purge").mockRejectedValue(new Error("not now"));
    await cron(without);
    await remove(without);
    await purgeNow();
    // The cache comes last, when nothing is at work that could write it.
    expect(Object.keys(await stored()).sort()).toEqual(["cache", `gate ${GONE}`]);
    expect(await shown(without, GONE)).toMatchObject({ state: "deleting" });
    failing.mockRestore();
    await purgeNow();
    expect(Object.keys(await stored()).sort()).toEqual(["cache", `gate ${GONE}`]);
    await cron(without);
    await purgeNow();
    expect(await stored()).toEqual({});
    expect(await shown(without, GONE)).toBeNull();
  });

  test.each(["list", "delete"] as const)("while KV fails to %s keys", async (method) => {
    await setUp();
    const failing = vi.spyOn(env.ENRICHMENT_CACHE, method).mockRejectedValue(new Error("KV failed: 500"));
    await remove(without);
    await purgeNow();
    expect(await shown(without, GONE)).toMatchObject({ state: "deleting" });
    failing.mockRestore();
    expect(Object.keys(await stored())).toEqual(["cache"]);
    await cron(without);
    await purgeNow();
    expect(await stored()).toEqual({});
  });

  test("of many cached look-ups takes as many alarms as keep each within Cloudflare's limits", async () => {
    await registry().reconcile({ named: [[GONE, null]], complete: true });
    for (const id of [GONE, `${GONE}0`])
      for (let n = 0; n < 100; n++) await env.ENRICHMENT_CACHE.put(`${id}/user/${n}`, "{}");
    const deleting = vi.spyOn(env.ENRICHMENT_CACHE, "delete");
    const deleted: number[] = [];
    const { alarm } = Registry.prototype;
    vi.spyOn(Registry.prototype, "alarm").mockImplementation(async function (this: Registry) {
      const before = deleting.mock.calls.length;
      await alarm.call(this);
      deleted.push(deleting.mock.calls.length - before);
    });
    await remove(without);
    await purgeNow();
    expect(deleted.filter((calls) => calls > 0)).toEqual([40, 40, 20]);
    expect(await stored()).toEqual({});
    expect((await env.ENRICHMENT_CACHE.list({ prefix: `${GONE}0/` })).keys).toHaveLength(100);
  });

  test("is told in the log, with the id alone", async () => {
    await setUp();
    logged = [];
    await cron(without);
    await cron(both);
    await cron(without);
    await remove(without);
    await purgeNow();
    const lines = logged.map((line) => JSON.parse(line)).filter(({ event }) => /^connection_/.test(event));
    expect(lines).toEqual(
      ["removed", "returned", "removed", "purge_began", "purged"].map((what) => ({
        level: "info",
        event: `connection_${what}`,
        connection: GONE,
      })),
    );
  });
});

describe("what is no removal", () => {
  test.each<[string, object]>([
    ["CONNECTIONS that is not JSON", { CONNECTIONS: "[{" }],
    ["CONNECTIONS that is not a list", { CONNECTIONS: "{}" }],
    ["an entry that is no object", { CONNECTIONS: '["t1"]' }],
    [
      "an entry without an id",
      { CONNECTIONS: '[{"base_url": "https://t1.okta.com", "secret_prefix": "T1_"}]' },
    ],
    [
      "an id with a blank in it",
      { CONNECTIONS: '[{"id": "t 1", "base_url": "https://t1.okta.com", "secret_prefix": "T1_"}]' },
    ],
    ["a wrong base URL", { CONNECTIONS: '[{"id": "t1", "base_url": "http://t1", "secret_prefix": "T1_"}]' }],
    ["an unknown key", { CONNECTIONS: '[{"id": "t1", "base": "https://t1.okta.com"}]' }],
    [
      "an id twice",
      {
        CONNECTIONS: `[${Array(2).fill('{"id": "t1", "base_url": "https://t1.okta.com", "secret_prefix": "T1_"}')}]`,
      },
    ],
    ["no secret", { T1_API_TOKEN: undefined }],
    ["a wrong share", { OKTA_RATE_LIMIT_SHARE: "7" }],
  ])("%s", async (_, wrong) => {
    await registry().reconcile({ named: [[GONE, "https://t1.okta.com"]], complete: true });
    const settings = settingsWith([GONE], wrong);
    await cron(settings);
    expect((await registry().known()).filter(({ removedAt: at }) => at !== null)).toEqual([]);
    expect(await shown(settings, GONE)).toMatchObject({ state: "active" });
  });

  test("settings that cannot be read, at the time at which a purge would be due", async () => {
    await registry().reconcile({ named: [[GONE, null]], complete: true });
    await cron(without);
    vi.spyOn(Date, "now").mockReturnValue(Date.now() + 30 * DAY_MS);
    await cron(settingsWith([], { CONNECTIONS: "[" }));
    expect(await shown(without, GONE)).toMatchObject({ state: "removed" });
    await cron(without);
    expect(await shown(without, GONE)).toMatchObject({ state: "deleting" });
  });
});

describe("the connection `default`", () => {
  const none = {
    OKTA_BASE_URL: undefined,
    OKTA_DOMAIN: undefined,
    OKTA_API_TOKEN: undefined,
  };

  test("is removed when none of its settings is left", async () => {
    await cron(both);
    await cron(settingsWith([], none));
    expect(await shown(settingsWith([], none), "default")).toMatchObject({
      state: "removed",
      base_url: "https://sim.okta.com",
      removed_at: expect.any(String),
    });
  });

  test.each<[string, object]>([
    ["a base URL", { ...none, OKTA_BASE_URL: "https://sim.okta.com" }],
    ["a wrong domain", { ...none, OKTA_DOMAIN: "nonsense" }],
    ["a secret", { ...none, OKTA_PRIVATE_KEY: { kty: "RSA" } }],
  ])("is there as long as it has %s", async (_, left) => {
    await cron(both);
    await cron(settingsWith([], left));
    expect(await shown(settingsWith([], left), "default")).toMatchObject({
      state: "active",
      problems: expect.any(Array),
    });
  });

  test("is not listed where it was never set up", async () => {
    const settings = settingsWith([STAYS], none);
    await cron(settings);
    const list = await (await ask(settings, "GET", "/v1/connections")).json();
    expect(list).toMatchObject({ connections: [{ id: STAYS, state: "active" }], total: 1 });
  });
});

test("a registry that fails keeps no stream from being woken", async () => {
  vi.spyOn(Registry.prototype, "reconcile").mockRejectedValue(new Error("not now"));
  await createOrg(STAYS, { users: 3 });
  await cron(without);
  expect(await untilIdle(STAYS)).toMatchObject({ cause: "first", state: "done" });
});
