/**
 * DATA_JURISDICTION and LOCATION_HINT in the whole Worker: where its objects are, and what happens when somebody changes
 * that. The local runtime has no jurisdictions, so these are the test's own: see `support/jurisdictions.ts`.
 */
import { reset, runDurableObjectAlarm, runInDurableObject } from "cloudflare:test";
import { afterEach, beforeAll, beforeEach, describe, expect, test, vi } from "vitest";
import { MISPLACED } from "../../src/config/residency.ts";
import type { StreamStatus } from "../../src/contract/status.ts";
import { type StreamName, streamNames } from "../../src/contract/streams.ts";
import { makeSession } from "../../src/http/auth/session.ts";
import { identifierOf } from "../../src/http/routes/enrichments.ts";
import { textOf } from "../http/support.ts";
import { ask, cron, settingsWith } from "../registry/support.ts";
import {
  alarmsWorkUnder,
  deploySettings,
  installJurisdictions,
  isMemory,
  objectIn,
  placesOfAll,
  type Touch,
  touched,
} from "../support/jurisdictions.ts";
import { apiKey, createOrg, type TestOrg } from "../support/org.ts";

const CONNECTION = "t1";
const HOOK_SECRET = "hook-secret-0123456789-0123456789-0123";

const outlets = {
  SINKS: JSON.stringify([
    { type: "http", name: "siem", url: "https://siem.example.com/in", format: "ndjson" },
  ]),
  ALERTS: JSON.stringify([{ type: "webhook", name: "soc", url_secret: "SOC_URL" }]),
  SOC_URL: "https://soc.example.com/alerts",
};

beforeAll(installJurisdictions);

const nobody = { OKTA_BASE_URL: undefined, OKTA_DOMAIN: undefined, OKTA_API_TOKEN: undefined };

interface Place {
  readonly DATA_JURISDICTION?: string;
  readonly LOCATION_HINT?: string;
}

/** The settings with one connection, or with these, and the objects there. */
const deployed = (place: Place, ids: readonly string[] = [CONNECTION]): Env =>
  settingsWith(ids, {
    ...nobody,
    ...outlets,
    T1_HOOK_SECRET: HOOK_SECRET,
    DATA_JURISDICTION: undefined,
    LOCATION_HINT: undefined,
    ...place,
  });

const deploy = async (place: Place, ids?: readonly string[]): Promise<Env> => {
  const settings = deployed(place, ids);
  await deploySettings(settings);
  return settings;
};

let org: TestOrg;
let logged: Record<string, unknown>[];
/** What the alerts' receiver has got. */
let told: unknown[];

beforeEach(async () => {
  logged = [];
  told = [];
  for (const method of ["log", "warn", "error"] as const)
    vi.spyOn(console, method).mockImplementation((line) => void logged.push(JSON.parse(String(line))));
  const outside = globalThis.fetch;
  vi.spyOn(globalThis, "fetch").mockImplementation(async (input, init) => {
    const request = new Request(input, init);
    const { hostname } = new URL(request.url);
    if (hostname === "soc.example.com") told.push(await request.json());
    return /^(siem|soc)\.example\.com$/.test(hostname) ? new Response() : outside(request);
  });
  org = await createOrg(CONNECTION, { users: 6, groups: 2, devices: 3 });
});

afterEach(async () => {
  alarmsWorkUnder(null);
  vi.restoreAllMocks();
  await reset();
  touched();
});

const withConnection = (path: string): string =>
  `${path}${path.includes("?") ? "&" : "?"}connection=${CONNECTION}`;

const json = { "content-type": "application/json" };

const get = async <T>(settings: Env, path: string): Promise<T> => {
  const response = await ask(settings, "GET", withConnection(path));
  if (response.status !== 200) throw new Error(`${path}: ${response.status} ${await response.text()}`);
  return response.json();
};

const statusOf = (settings: Env, stream: StreamName = "users") =>
  get<StreamStatus>(settings, `/v1/streams/${stream}`);

/** Waits until no run is in progress and the sink has everything. */
const untilDone = (settings: Env): Promise<unknown> =>
  vi.waitFor(
    async () => {
      for (const stream of streamNames) {
        const { run, delta, last_full, sinks, head } = await statusOf(settings, stream);
        if (run !== null || delta !== null || last_full === null) throw new Error(`${stream} runs`);
        if (sinks.some(({ position }) => position !== head)) throw new Error(`${stream} is not delivered`);
      }
    },
    { timeout: 30_000, interval: 25 },
  );

/** What the inventory holds, and what it is called. */
const inventoryOf = async (settings: Env) => {
  const response = await ask(settings, "GET", withConnection("/v1/inventory/users?limit=100"));
  expect(response.status).toBe(200);
  return {
    name: response.headers.get("X-Inventory"),
    ids: (await textOf(response))
      .split("\n")
      .filter((line) => line !== "")
      .map((line) => JSON.parse(line).user?.account?.uid ?? JSON.parse(line).user?.uid)
      .sort(),
  };
};

/** Everything that a caller, Okta, a person or a cron can have the Worker do with a connection. */
const requests: readonly (readonly [string, string, unknown?])[] = [
  ["GET", "/v1/streams"],
  ["GET", "/v1/streams/users"],
  ["GET", "/v1/streams/users/runs"],
  ["POST", "/v1/streams/users/runs", { kind: "delta" }],
  ["GET", "/v1/streams/users/deletions"],
  ["GET", "/v1/inventory/users"],
  ["GET", "/v1/inventory/users/summary"],
  ["GET", "/v1/inventory/devices/search?q=a"],
  ["GET", "/v1/inventory/users/nobody"],
  ["GET", "/v1/enrichments/accounts/mary"],
  ["POST", "/v1/enrichments", { accounts: ["jane", "joe"] }],
  ["POST", "/v1/malice-rules/evaluate", { rules: { conditions: [] }, account: "kim" }],
  ["POST", "/v1/test-connection", {}],
  ["POST", "/v1/streams/users/sinks/siem/replay", { after: 0 }],
  ["GET", "/v1/streams/users/sinks/siem/dead-letters"],
  ["POST", "/v1/streams/users/sinks/siem/dead-letters", { action: "retry" }],
  ["GET", "/v1/alerts"],
];
/** Those that select no connection. */
const general: readonly (readonly [string, string])[] = [
  ["GET", "/v1/connections"],
  ["GET", `/v1/connections/${CONNECTION}`],
  ["DELETE", `/v1/connections/${CONNECTION}`],
  ["GET", "/metrics"],
];

const send = (settings: Env, method: string, path: string, body?: unknown): Promise<Response> =>
  ask(settings, method, path, body === undefined ? {} : { body: JSON.stringify(body), headers: json });

const sendHook = (settings: Env): Promise<Response> =>
  ask(settings, "POST", withConnection("/v1/hooks/okta"), {
    key: "",
    headers: { ...json, authorization: HOOK_SECRET },
    body: JSON.stringify({ data: { events: [{ eventType: "user.lifecycle.suspend", uuid: "u1" }] } }),
  });

const page = async (settings: Env, path: string): Promise<Response> =>
  ask(settings, "GET", path, {
    key: "",
    headers: { cookie: `__Host-okta_edge_session=${await makeSession(apiKey(), Date.now())}` },
  });

/** Does what the Registry's alarm has to do, until there is nothing left. */
const purgeAll = (jurisdiction: string | null): Promise<unknown> =>
  vi.waitFor(
    async () => {
      await runDurableObjectAlarm(objectIn("REGISTRY", jurisdiction, "registry"));
      const known = await objectIn("REGISTRY", jurisdiction, "registry").known();
      if (known.some(({ purgingSince }) => purgingSince !== null)) throw new Error("still purging");
    },
    { timeout: 30_000, interval: 10 },
  );

/** A stream where version 0.1.0 had it, which is asked before the first choice whether it holds anything. */
const isFormer = ({ kind, jurisdiction, hint }: Touch): boolean =>
  kind === "INVENTORY_STREAM" && jurisdiction === null && hint === null;

const allKinds = [
  "ACCOUNT_LOOKUP",
  "ALERT_DELIVERY",
  "INVENTORY_STREAM",
  "OKTA_GATE",
  "REGISTRY",
  "SINK_DELIVERY",
];

test("every object is in the jurisdiction, and is made near the hint", async () => {
  const settings = await deploy({ DATA_JURISDICTION: "eu", LOCATION_HINT: "weur" });
  await cron(settings);
  await untilDone(settings);
  expect((await inventoryOf(settings)).ids).toHaveLength(6);
  for (const [method, path, body] of requests)
    expect([path, (await send(settings, method, withConnection(path), body)).status]).toEqual([
      path,
      path.endsWith("/nobody") ? 404 : expect.toSatisfy((status: number) => status < 300),
    ]);
  for (const [method, path] of general)
    expect([path, (await send(settings, method, path)).status]).toEqual([
      path,
      method === "DELETE" ? 409 : 200,
    ]);
  expect((await sendHook(settings)).status).toBe(204);
  const { results } = await get<{ results: { id: string }[] }>(settings, "/v1/inventory/users/search");
  const paths = [
    "/",
    "/console/streams",
    "/console/sinks",
    "/console/inventory/users",
    "/console/connection",
  ];
  for (const path of [...paths, `/console/inventory/users/${results[0]?.id}`])
    expect([path, (await page(settings, withConnection(path))).status]).toEqual([path, 200]);
  await untilDone(settings);

  const before = await deploy({ DATA_JURISDICTION: "eu", LOCATION_HINT: "weur" }, []);
  await cron(before);
  expect((await send(before, "DELETE", `/v1/connections/${CONNECTION}`)).status).toBe(202);
  await purgeAll("eu");

  const reached = touched();
  const others = reached.filter((touch) => !isMemory(touch) && !isFormer(touch));
  expect([...new Set(others.map(({ kind }) => kind))].sort()).toEqual(allKinds);
  expect(others.filter(({ jurisdiction, hint }) => jurisdiction !== "eu" || hint !== "weur")).toEqual([]);
  expect(await objectIn("INVENTORY_STREAM", null, `${CONNECTION}/users`).holds()).toBe(false);
  // Whichever way they were reached: beside these, there are only the memory and the empty streams that it has asked.
  const places = await placesOfAll(reached);
  expect([...places].filter((place) => !place.endsWith(" in eu")).sort()).toEqual([
    "INVENTORY_STREAM in none",
    "REGISTRY in none",
  ]);
});

test("what the memory keeps is the choice alone", async () => {
  const settings = await deploy({ DATA_JURISDICTION: "eu", LOCATION_HINT: "weur" });
  await cron(settings);
  await untilDone(settings);
  const kept = await runInDurableObject(objectIn("REGISTRY", null, "registry"), (_, { storage }) => ({
    words: [...storage.kv.list()].map(([, value]) => value),
    connections: storage.sql.exec("SELECT * FROM connections").toArray(),
  }));
  expect(kept).toEqual({ words: [{ jurisdiction: "eu", locationHint: "weur" }], connections: [] });
});

const changes: readonly (readonly [string, Place, Place, string, RegExp])[] = [
  [
    "eu → fedramp",
    { DATA_JURISDICTION: "eu" },
    { DATA_JURISDICTION: "fedramp" },
    "DATA_JURISDICTION",
    /eu.*fedramp/,
  ],
  ["eu → none", { DATA_JURISDICTION: "eu" }, {}, "DATA_JURISDICTION", /eu.*not set/],
  ["none → eu", {}, { DATA_JURISDICTION: "eu" }, "DATA_JURISDICTION", /without.*eu/],
  ["none → a hint", {}, { LOCATION_HINT: "weur" }, "LOCATION_HINT", /without.*weur/],
  [
    "a hint → another",
    { DATA_JURISDICTION: "eu", LOCATION_HINT: "weur" },
    { DATA_JURISDICTION: "eu", LOCATION_HINT: "eeur" },
    "LOCATION_HINT",
    /weur.*eeur/,
  ],
  [
    "eu → nonsense",
    { DATA_JURISDICTION: "eu" },
    { DATA_JURISDICTION: "Europe" },
    "DATA_JURISDICTION",
    /eu or fedramp/,
  ],
];

describe("a change of the setting", () => {
  test.each(changes)(
    "%s is refused everywhere, and set back it is as it was",
    async (_, from, to, name, words) => {
      const first = await deploy(from);
      await cron(first);
      await untilDone(first);
      const before = { users: await inventoryOf(first), status: await statusOf(first) };
      const { total } = await org.stats();
      touched();

      const changed = deployed(to);
      for (const [method, path, body] of [
        ...requests.map(([how, where, what]) => [how, withConnection(where), what] as const),
        ...general.map(([how, where]) => [how, where, undefined] as const),
      ]) {
        const response = await send(changed, method, path, body);
        const problem = await response.json<{
          code: string;
          problems: { setting: string; message: string }[];
        }>();
        expect({ path, status: response.status, ...problem }).toMatchObject({
          path,
          status: 503,
          code: "misconfigured",
          problems: [{ setting: name, message: expect.stringMatching(words) }],
        });
      }
      expect((await sendHook(changed)).status).toBe(503);
      const html = await page(changed, withConnection("/"));
      expect(html.status).toBe(503);
      expect(await html.text()).toContain(name);
      for (const path of ["/healthz", "/docs"])
        expect((await ask(changed, "GET", path, { key: "" })).status).toBe(200);

      logged = [];
      await cron(changed);
      expect(logged).toMatchObject([
        { level: "error", event: "misconfigured", settings: name, message: expect.stringMatching(words) },
      ]);
      expect(touched().filter((touch) => !isMemory(touch))).toEqual([]);
      expect((await org.stats()).total).toBe(total);

      expect(await inventoryOf(first)).toEqual(before.users);
      const { inventory, head, last_full } = await statusOf(first);
      expect({ inventory, head, last_full }).toEqual({
        inventory: before.status.inventory,
        head: before.status.head,
        last_full: before.status.last_full,
      });
    },
  );

  test("lets objects rest that wake by their own alarm, until it is set back", async () => {
    const first = await deploy({ DATA_JURISDICTION: "eu" });
    await cron(first);
    await untilDone(first);
    const { total } = await org.stats();
    const stream = objectIn("INVENTORY_STREAM", "eu", `${CONNECTION}/users`);
    const registry = objectIn("REGISTRY", "eu", "registry");
    const sink = objectIn("SINK_DELIVERY", "eu", `${CONNECTION}/users/siem`);
    const nextAlarm = (object: typeof stream) =>
      runInDurableObject(object, (_, { storage }) => storage.getAlarm());

    alarmsWorkUnder(deployed({ DATA_JURISDICTION: "fedramp" }));
    await stream.startRun("full");
    await sink.replay({ connection: CONNECTION, stream: "users", sink: "siem" }, 0);
    const alerts = objectIn("ALERT_DELIVERY", "eu", CONNECTION);
    const need = { code: "stale", severity: "warning", detail: "Late.", remedy: "Look.", since: 0 } as const;
    await alerts.report({ stream: "users", needs: [need], sinksAsked: true, changes: [] });
    await registry.reconcile({ named: [], complete: true });
    await registry.purge(CONNECTION);
    touched();
    await vi.waitFor(async () => {
      if ((await nextAlarm(stream)) !== null) throw new Error("not woken yet");
    });
    // Whatever was due has been tried.
    await runDurableObjectAlarm(sink);
    await runDurableObjectAlarm(registry);
    await runDurableObjectAlarm(alerts);
    expect(touched()).toEqual([]);
    expect(told).toEqual([]);
    expect((await org.stats()).total).toBe(total);
    expect(await stream.runs()).toMatchObject([{ kind: "full", state: "running" }, { state: "done" }]);
    expect((await sink.status({ name: "siem", type: "http" }, 0)).position).toBe(0);
    expect(await registry.known()).toMatchObject([{ id: CONNECTION, purgingSince: expect.any(Number) }]);
  });

  test("lets objects reach no others when a Worker of the settings before still calls them", async () => {
    const first = await deploy({ DATA_JURISDICTION: "eu" });
    await cron(first);
    await untilDone(first);
    await deploySettings(deployed({ DATA_JURISDICTION: "fedramp" }));
    touched();
    const stream = objectIn("INVENTORY_STREAM", "eu", `${CONNECTION}/users`);
    const lookUps = objectIn("ACCOUNT_LOOKUP", "eu", `${CONNECTION}/0`);
    const identifier = identifierOf("mary", "account");
    const refusals = await Promise.all(
      [
        () => stream.status(),
        () => stream.startRun("full"),
        () => stream.purge(),
        () => lookUps.lookUp({ connection: CONNECTION, identifier, demand: "force" }),
      ].map((call) =>
        call().then(
          () => "answered",
          (error: Error) => error.name,
        ),
      ),
    );
    expect(refusals).toEqual(Array(4).fill(MISPLACED));
    // What the Worker asks without waiting for an answer.
    await stream.wake("full");
    await stream.watch();
    await stream.hook([]);
    expect(touched()).toEqual([]);
    // Whoever called hears what is wrong.
    expect(await (await ask(first, "GET", withConnection("/v1/streams"))).json()).toMatchObject({
      code: "misconfigured",
      problems: [{ setting: "DATA_JURISDICTION" }],
    });
    await deploySettings(first);
    expect((await inventoryOf(first)).ids).toHaveLength(6);
  });

  test("of a resting run: the next cron after it is set back takes it up", async () => {
    const first = await deploy({ DATA_JURISDICTION: "eu" });
    await cron(first);
    await untilDone(first);
    const { inventory } = await statusOf(first);
    const stream = objectIn("INVENTORY_STREAM", "eu", `${CONNECTION}/users`);
    const sink = objectIn("SINK_DELIVERY", "eu", `${CONNECTION}/users/siem`);
    alarmsWorkUnder(deployed({}));
    await stream.startRun("full");
    await sink.replay({ connection: CONNECTION, stream: "users", sink: "siem" }, 0);
    await vi.waitFor(async () => {
      const alarms = [
        await runInDurableObject(stream, (_, { storage }) => storage.getAlarm()),
        await runInDurableObject(sink, (_, { storage }) => storage.getAlarm()),
      ];
      if (alarms.some((alarm) => alarm !== null)) throw new Error("not woken yet");
    });
    alarmsWorkUnder(null);
    await cron(first);
    await untilDone(first);
    expect((await statusOf(first)).inventory).toBe(inventory);
    const runs = await stream.runs();
    expect(runs.map(({ kind, state }) => [kind, state])).toEqual(
      expect.arrayContaining([
        ["full", "done"],
        ["full", "done"],
      ]),
    );
    expect(runs.filter(({ kind }) => kind === "full")).toHaveLength(2);
  });
});

describe("a deployment from before these settings", () => {
  /** With data, and with a Registry that knows its connection but has never heard of a choice. */
  const setUp = async (): Promise<Env> => {
    const settings = await deploy({});
    await cron(settings);
    await untilDone(settings);
    await runInDurableObject(objectIn("REGISTRY", null, "registry"), async (object, { storage }) => {
      expect(await object.known()).toMatchObject([{ id: CONNECTION }]);
      await object.forgetResidency();
      expect([...storage.kv.list()]).toEqual([]);
    });
    touched();
    return deployed({});
  };

  test("goes on as before", async () => {
    const settings = await setUp();
    const { ids, name } = await inventoryOf(settings);
    await cron(settings);
    await untilDone(settings);
    expect(await inventoryOf(settings)).toEqual({ ids, name });
    expect(touched().filter(({ jurisdiction, hint }) => jurisdiction !== null || hint !== null)).toEqual([]);
  });

  test("cannot be moved into a jurisdiction", async () => {
    await setUp();
    const response = await ask(deployed({ DATA_JURISDICTION: "eu" }), "GET", withConnection("/v1/streams"));
    expect(await response.json()).toMatchObject({
      code: "misconfigured",
      problems: [{ setting: "DATA_JURISDICTION", message: expect.stringContaining("begun without") }],
    });
    expect(touched().every(isMemory)).toBe(true);
    expect((await ask(deployed({}), "GET", withConnection("/v1/streams"))).status).toBe(200);
  });
});

test("an inventory that version 0.1.0 has stored, without a Registry, cannot be moved into a jurisdiction", async () => {
  const settings = await deploy({});
  await cron(settings);
  await untilDone(settings);
  await runInDurableObject(objectIn("REGISTRY", null, "registry"), async (_, { storage }) => {
    await storage.deleteAll();
    storage.sql.exec(
      "CREATE TABLE connections (id TEXT PRIMARY KEY, base_url TEXT, first_seen_at INTEGER NOT NULL, removed_at INTEGER, purging_since INTEGER, done TEXT NOT NULL DEFAULT '[]', cursor TEXT, try_now INTEGER NOT NULL DEFAULT 0) WITHOUT ROWID",
    );
  });
  const response = await ask(deployed({ DATA_JURISDICTION: "eu" }), "GET", withConnection("/v1/streams"));
  expect(await response.json()).toMatchObject({
    code: "misconfigured",
    problems: [{ setting: "DATA_JURISDICTION", message: expect.stringContaining("begun without") }],
  });
  expect((await inventoryOf(deployed({}))).ids).toHaveLength(6);
});

describe("a new choice", () => {
  test("is free as long as there is no connection", async () => {
    for (const place of [{ DATA_JURISDICTION: "eu" }, {}, { DATA_JURISDICTION: "fedramp" }]) {
      const settings = await deploy(place, []);
      await cron(settings);
      expect((await ask(settings, "GET", "/v1/connections")).status).toBe(200);
    }
    const settings = await deploy({ DATA_JURISDICTION: "fedramp" });
    await cron(settings);
    await untilDone(settings);
    expect((await ask(deployed({}), "GET", "/v1/connections")).status).toBe(503);
  });

  test("is free again once everything is purged and a cron has seen it", async () => {
    const first = await deploy({ DATA_JURISDICTION: "eu" });
    await cron(first);
    await untilDone(first);
    const others = { DATA_JURISDICTION: "fedramp" };
    const without = await deploy({ DATA_JURISDICTION: "eu" }, []);
    const isFree = async (): Promise<boolean> =>
      (await ask(deployed(others, []), "GET", "/v1/connections")).status === 200;

    await cron(without); // removed, and kept
    expect(await isFree()).toBe(false);
    expect((await send(without, "DELETE", `/v1/connections/${CONNECTION}`)).status).toBe(202);
    await cron(without);
    expect(await isFree()).toBe(false);
    await purgeAll("eu");
    expect(await isFree()).toBe(false);
    await cron(without);
    expect(await isFree()).toBe(true);

    touched();
    const second = await deploy(others);
    await cron(second);
    await untilDone(second);
    expect((await inventoryOf(second)).ids).toHaveLength(6);
    const elsewhere = touched().filter(
      (touch) => !isMemory(touch) && !isFormer(touch) && touch.jurisdiction !== "fedramp",
    );
    expect(elsewhere).toEqual([]);
    expect((await ask(deployed({ DATA_JURISDICTION: "eu" }), "GET", "/v1/connections")).status).toBe(503);
  });

  test("is not free while an entry cannot be read, which may name a connection", async () => {
    const settings = settingsWith([], { ...nobody, CONNECTIONS: "[", DATA_JURISDICTION: "eu" });
    await cron(settings);
    expect((await ask(deployed({}, []), "GET", "/v1/connections")).status).toBe(503);
  });
});

test("a memory that fails lets no cron reach an object", async () => {
  const settings = await deploy({ DATA_JURISDICTION: "eu" });
  await runInDurableObject(objectIn("REGISTRY", null, "registry"), (object) => {
    vi.spyOn(Object.getPrototypeOf(object), "residency").mockRejectedValue(new Error("not now"));
  });
  touched();
  await cron(settings);
  expect(logged.filter(({ level }) => level === "error")).toMatchObject([{ event: "residency_unknown" }]);
  const response = await ask(settings, "GET", withConnection("/v1/streams"));
  expect(response.status).toBe(503);
  expect(await response.json()).toMatchObject({ code: "unavailable" });
  expect(touched().filter((touch) => !isMemory(touch))).toEqual([]);
});
