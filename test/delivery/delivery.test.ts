import { reset } from "cloudflare:test";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { sha256Hex } from "../../src/lib/bytes.ts";
import { muteLog } from "../http/support.ts";
import { FakeInventory } from "./events.ts";
import { Harness, type HarnessOptions } from "./harness.ts";
import { ElasticsearchReceiver } from "./receivers/elasticsearch.ts";
import { HttpReceiver } from "./receivers/http.ts";
import { newestOf, outOfOrder } from "./receivers/receiver.ts";
import { SekoiaReceiver } from "./receivers/sekoia.ts";
import { SplunkReceiver } from "./receivers/splunk.ts";

beforeEach(muteLog);

afterEach(() => reset());

const http = { type: "http", name: "siem", url: "https://siem.example.com/in" };

const setUp = (options: Partial<HarnessOptions> = {}) => {
  const inventory = new FakeInventory();
  const receiver = new HttpReceiver({
    format: "json",
    gzip: false,
    token: null,
    hmacKey: null,
    now: () => harness.now,
  });
  const network = { answer: null as (() => Promise<Response>) | null };
  const harness: Harness = new Harness({
    name: "siem",
    setting: http,
    inventory,
    fetch: (input, init) => network.answer?.() ?? receiver.handle(new Request(input, init)),
    ...options,
  });
  return { inventory, receiver, harness, network };
};

const fill = (inventory: FakeInventory, count: number): void => {
  for (let user = 1; user <= count; user += 1) inventory.put(`u${user}`);
};

const newest = (inventory: FakeInventory) =>
  new Map(inventory.newest().map(({ assetId, sequence }) => [assetId, sequence]));

describe("a new sink", () => {
  it("gets the whole inventory, over several slices, and is then up to date", async () => {
    const { inventory, receiver, harness } = setUp({ requestsPerSlice: 2 });
    fill(inventory, 2600);
    await harness.wake();
    expect(await harness.status()).toMatchObject({ position: 0, lag_events: 2600, state: "ok" });
    await harness.step();
    expect(receiver.requests).toBe(2);
    await harness.settle();
    expect(newestOf(receiver.delivered)).toEqual(newest(inventory));
    expect(receiver.delivered).toHaveLength(2600);
    expect(await harness.status()).toEqual({
      name: "siem",
      type: "http",
      state: "ok",
      position: 2600,
      lag_events: 0,
      lag_seconds: 0,
      last_error: null,
      next_try_at: null,
      dead_letters: 0,
      refusing: false,
      set_aside: 0,
    });
  });

  it("does nothing while nothing changes, however often it is woken", async () => {
    const { inventory, receiver, harness } = setUp();
    fill(inventory, 10);
    await harness.wake();
    await harness.settle();
    const reads = inventory.reads;
    await harness.wake();
    expect(await harness.step()).toBe(false);
    expect(inventory.reads).toBe(reads);
    expect(receiver.requests).toBe(1);
  });
});

describe("a sink that was down for a day", () => {
  it("catches up in one pass over the changed assets, each once in its newest state", async () => {
    const { inventory, receiver, harness, network } = setUp();
    fill(inventory, 1000);
    await harness.wake();
    await harness.settle();
    const before = receiver.delivered.length;
    const began = harness.now;

    network.answer = () => Promise.resolve(new Response("down", { status: 503 }));
    let changes = 0;
    let tries = 0;
    while (harness.now < began + 24 * 3600 * 1000) {
      for (let n = 0; n < 100; n += 1, changes += 1) inventory.put(`u${(changes * 7) % 300}`);
      await harness.wake();
      if (await harness.step()) tries += 1;
      harness.now += 1_800_000;
    }
    expect(await harness.status()).toMatchObject({ state: "retrying", dead_letters: 0, position: 1000 });
    expect((await harness.status()).lag_seconds).toBeGreaterThanOrEqual(23 * 3600);
    expect(tries).toBeGreaterThan(0);

    network.answer = null;
    const back = harness.now;
    const requests = receiver.requests;
    await harness.wake();
    await harness.settle();
    const late = receiver.delivered.slice(before);
    const changed = inventory.newest().filter((event) => event.sequence > 1000);
    expect(late).toEqual(changed.map(({ assetId, sequence }) => ({ assetId, sequence })));
    expect(receiver.requests - requests).toBe(Math.ceil(changed.length / 500));
    expect(harness.now - back).toBeLessThanOrEqual(5 * 60 * 1000);
    expect(await harness.status()).toMatchObject({ state: "ok", lag_events: 0, last_error: null });
  });
});

describe("a refused credential", () => {
  it("stops the sink visibly, and it resumes by itself once the credential works", async () => {
    const { inventory, receiver, harness, network } = setUp();
    network.answer = () => Promise.resolve(new Response("no", { status: 401 }));
    fill(inventory, 3);
    await harness.wake();
    for (let n = 0; n < 10; n += 1) await harness.step();
    expect(await harness.status()).toMatchObject({
      state: "stopped",
      position: 0,
      dead_letters: 0,
      last_error: expect.stringContaining("401"),
      next_try_at: expect.any(String),
    });
    network.answer = null;
    const fixed = harness.now;
    await harness.settle();
    expect(harness.now - fixed).toBeLessThanOrEqual(5 * 60 * 1000);
    expect(receiver.delivered).toHaveLength(3);
    expect(await harness.status()).toMatchObject({ state: "ok", last_error: null, next_try_at: null });
  });

  it("is tried at once when the settings changed", async () => {
    const { inventory, receiver, harness, network } = setUp();
    network.answer = () => Promise.resolve(new Response("no", { status: 403 }));
    fill(inventory, 3);
    await harness.wake();
    for (let n = 0; n < 10; n += 1) await harness.step();
    network.answer = null;
    harness.setting = { ...http, token_secret: "ROTATED" };
    const changed = harness.now;
    await harness.wake();
    await harness.step();
    expect(harness.now - changed).toBeLessThanOrEqual(1);
    expect(receiver.delivered).toHaveLength(3);
  });
});

describe("dead letters", () => {
  const poison = async () => {
    const world = setUp();
    fill(world.inventory, 20);
    world.inventory.put("u7", { poison: true });
    world.inventory.put("u21");
    await world.harness.wake();
    await world.harness.settle();
    return world;
  };

  it("hold the one event that the sink refuses, and everything else is delivered", async () => {
    const { harness, receiver } = await poison();
    expect(receiver.delivered.map(({ assetId }) => assetId).sort()).toEqual(
      Array.from({ length: 21 }, (_, index) => `u${index + 1}`)
        .filter((id) => id !== "u7")
        .sort(),
    );
    expect(await harness.run((delivery) => delivery.deadLetters(0, 10))).toEqual({
      dead_letters: [
        {
          id: "default/users/u7/21",
          asset_id: "u7",
          sequence: 21,
          code: "refused",
          http_status: 422,
          message: expect.stringContaining("field n is not understood"),
          first_at: expect.any(String),
          last_at: expect.any(String),
          attempts: 1,
          retrying: false,
        },
      ],
      total: 1,
      next: null,
    });
    expect(await harness.status()).toMatchObject({ state: "ok", dead_letters: 1, lag_events: 0 });
  });

  it("are settled by a newer state that arrives", async () => {
    const { harness, inventory, receiver } = await poison();
    inventory.put("u7");
    await harness.wake();
    await harness.settle();
    expect(receiver.delivered.at(-1)).toEqual({ assetId: "u7", sequence: 23 });
    expect(await harness.status()).toMatchObject({ dead_letters: 0 });
  });

  it("can be retried, which the sink may refuse again", async () => {
    const { harness, receiver, network } = await poison();
    expect(
      await harness.run((delivery) => delivery.settleDeadLetters("retry", ["default/users/u7/21"])),
    ).toBe(1);
    await harness.settle();
    expect((await harness.run((delivery) => delivery.deadLetters(0, 10))).dead_letters).toMatchObject([
      { attempts: 2, retrying: false },
    ]);
    network.answer = () => Promise.resolve(new Response(null, { status: 204 }));
    const before = receiver.delivered.length;
    expect(await harness.run((delivery) => delivery.settleDeadLetters("retry", null))).toBe(1);
    await harness.settle();
    expect(receiver.delivered).toHaveLength(before);
    expect(await harness.status()).toMatchObject({ dead_letters: 0, position: 22 });
  });

  it("that are retried after the asset has moved on are history", async () => {
    const { harness, inventory, network } = await poison();
    await harness.run((delivery) => delivery.settleDeadLetters("retry", null));
    inventory.put("u7");
    network.answer = () => Promise.resolve(new Response(null, { status: 204 }));
    await harness.settle();
    expect(await harness.status()).toMatchObject({ dead_letters: 0 });
  });

  it("can be dropped", async () => {
    const { harness } = await poison();
    expect(await harness.run((delivery) => delivery.settleDeadLetters("drop", ["unknown"]))).toBe(0);
    expect(await harness.run((delivery) => delivery.settleDeadLetters("drop", null))).toBe(1);
    expect(await harness.status()).toMatchObject({ dead_letters: 0 });
  });
});

describe("operation", () => {
  it("replays from any sequence that was passed, and refuses to skip", async () => {
    const { inventory, receiver, harness } = setUp();
    fill(inventory, 10);
    await harness.wake();
    await harness.settle();
    expect(await harness.run((delivery) => delivery.replay(11))).toMatchObject({
      ok: false,
      error: { code: "conflict" },
    });
    expect(await harness.run((delivery) => delivery.replay(4))).toEqual({
      ok: true,
      value: { position: 4 },
    });
    expect(await harness.status()).toMatchObject({ position: 4, lag_events: 6 });
    await harness.settle();
    expect(receiver.delivered.slice(10).map(({ sequence }) => sequence)).toEqual([5, 6, 7, 8, 9, 10]);
  });

  it("does not let a running slice undo a replay", async () => {
    const { inventory, receiver, harness, network } = setUp();
    fill(inventory, 10);
    await harness.wake();
    await harness.settle();
    inventory.put("u11");
    await harness.wake();
    await harness.run(async (delivery, storage) => {
      network.answer = async () => {
        network.answer = null;
        await delivery.replay(0);
        return new Response(null, { status: 204 });
      };
      await storage.deleteAlarm();
      await delivery.alarm();
    });
    expect(await harness.status()).toMatchObject({ position: 0 });
    await harness.settle();
    expect(receiver.delivered.slice(10)).toHaveLength(11);
  });

  it("leaves nothing behind when it is retired, even in the middle of a delivery", async () => {
    const { inventory, harness, network } = setUp();
    fill(inventory, 10);
    await harness.wake();
    await harness.run(async (delivery, storage) => {
      network.answer = async () => {
        await delivery.retire();
        return new Response(null, { status: 204 });
      };
      await storage.deleteAlarm();
      await delivery.alarm();
      expect(await storage.getAlarm()).toBeNull();
      expect(
        storage.sql.exec("SELECT name FROM sqlite_master WHERE name NOT LIKE '\\_cf%' ESCAPE '\\'").toArray(),
      ).toEqual([]);
    });
    expect(await harness.status()).toMatchObject({ position: 0 });
  });

  it("starts over for another product under the same name, and for a stream that was set up anew", async () => {
    const { inventory, receiver, harness } = setUp();
    fill(inventory, 10);
    await harness.wake();
    await harness.settle();
    inventory.reset();
    fill(inventory, 4);
    await harness.wake();
    await harness.settle();
    expect(receiver.delivered.slice(10)).toHaveLength(4);
    expect(await harness.status()).toMatchObject({ position: 4, lag_events: 0 });
    harness.setting = { type: "queue", name: "siem" };
    await harness.wake();
    expect(await harness.status()).toMatchObject({ position: 0, type: "queue" });
  });

  it("comes to rest after a stream was set up anew with fewer events than were once announced to the sink", async () => {
    const { inventory, harness } = setUp();
    fill(inventory, 10);
    await harness.wake();
    inventory.reset();
    fill(inventory, 4);
    await harness.step();
    expect(await harness.step()).toBe(false);
    expect(await harness.status()).toMatchObject({ position: 4, lag_events: 0 });
  });

  it("starts over for another inventory, even one whose numbers are not above the cursor", async () => {
    const { inventory, receiver, harness } = setUp();
    inventory.inventory = "former";
    fill(inventory, 10);
    await harness.wake();
    await harness.settle();
    inventory.reset("present");
    fill(inventory, 14);
    await harness.wake();
    await harness.settle();
    expect(receiver.delivered.slice(10)).toHaveLength(14);
    expect(newestOf(receiver.delivered)).toEqual(newest(inventory));
    expect(await harness.status()).toMatchObject({ position: 14, lag_events: 0 });
  });

  it("starts over for an inventory that begins anew between two pages", async () => {
    const { inventory, receiver, harness, network } = setUp();
    inventory.inventory = "former";
    fill(inventory, 1200);
    await harness.wake();
    network.answer = () => {
      network.answer = null;
      inventory.reset("present");
      fill(inventory, 1300);
      return Promise.resolve(new Response());
    };
    await harness.settle();
    expect(newestOf(receiver.delivered)).toEqual(newest(inventory));
  });

  it("forgets the dead letters of a former inventory", async () => {
    const { inventory, harness } = setUp();
    inventory.inventory = "former";
    inventory.put("u1", { poison: true });
    fill(inventory, 2);
    inventory.put("u3", { poison: true });
    await harness.wake();
    await harness.settle();
    expect((await harness.run((delivery) => delivery.deadLetters(0, 10))).total).toBe(1);
    inventory.reset("present");
    fill(inventory, 1);
    await harness.wake();
    await harness.settle();
    expect((await harness.run((delivery) => delivery.deadLetters(0, 10))).total).toBe(0);
  });

  it("takes the identity from a stream that has begun to tell it, and sends nothing again", async () => {
    const { inventory, receiver, harness } = setUp();
    fill(inventory, 3);
    await harness.wake();
    await harness.settle();
    inventory.inventory = "the same";
    inventory.put("u4");
    await harness.wake();
    await harness.settle();
    expect(receiver.delivered).toHaveLength(4);
  });

  it("waits while the assets get new numbers: it moves no cursor, drops nothing, and stays as it is", async () => {
    const { inventory, receiver, harness, network } = setUp();
    inventory.put("u1", { poison: true });
    inventory.put("u2");
    await harness.wake();
    await harness.settle();
    network.answer = () => Promise.resolve(new Response(null, { status: 204 }));
    const before = await harness.status();
    inventory.settling = 3;
    inventory.put("u3");
    await harness.wake();
    await harness.run((delivery) => delivery.settleDeadLetters("retry", null));
    await harness.step();
    expect(await harness.status()).toMatchObject({
      position: before.position,
      state: before.state,
      last_error: before.last_error,
      dead_letters: 1,
    });
    network.answer = null;
    receiver.takesPoison = true;
    await harness.settle();
    expect(newestOf(receiver.delivered)).toEqual(newest(inventory));
    expect(await harness.status()).toMatchObject({ position: 3, state: "ok", dead_letters: 0 });
  });

  it("stores its set-up as the version before reads it, and takes its settings for the same", async () => {
    const { harness } = setUp();
    await harness.wake();
    const settings =
      '{"name":"siem","streams":["users","devices"],"dialect":"ocsf","type":"http",' +
      '"url":"https://siem.example.com/in","format":"json","gzip":false,"token":null,"hmacKey":null}';
    const stored = await harness.run((_, { sql }) =>
      sql.exec<{ value: string }>("SELECT value FROM delivery WHERE key = 'setup'").one(),
    );
    expect(JSON.parse(stored.value)).toEqual({
      connection: "default",
      stream: "users",
      sink: "siem",
      type: "http",
      fingerprint: await sha256Hex(settings),
    });
  });

  it("gets its alarm again if that should have fired long ago, and not if it is only a little late", async () => {
    const { inventory, harness } = setUp();
    const alarm = () => harness.run((_, storage) => storage.getAlarm());
    fill(inventory, 10);
    await harness.wake();
    const due = Number(await alarm());
    harness.now = due + 30_000;
    await harness.wake();
    expect(await alarm()).toBe(due);
    harness.now = due + 5 * 60_000;
    await harness.wake();
    expect(await alarm()).toBeGreaterThanOrEqual(harness.now);
  });

  it("survives an inventory that does not answer", async () => {
    const { inventory, receiver, harness } = setUp();
    fill(inventory, 10);
    inventory.failure = new Error("the object was reset");
    await harness.wake();
    await harness.step();
    expect(await harness.status()).toMatchObject({
      state: "retrying",
      last_error: expect.stringContaining("reset"),
    });
    await harness.settle();
    expect(receiver.delivered).toHaveLength(10);
  });

  it("puts no secret and no unbounded text into the status", async () => {
    const { inventory, harness, network } = setUp();
    network.answer = () =>
      Promise.reject(new TypeError(`connect to https://siem.example.com/in?k=1 ${"x".repeat(9999)}`));
    fill(inventory, 1);
    await harness.wake();
    await harness.step();
    const { last_error } = await harness.status();
    expect(last_error?.length).toBeLessThan(400);
    expect(last_error).not.toContain("k=1");
  });
});

describe("products with a word of their own", () => {
  it("Splunk: the cursor waits for the indexers' acknowledgement, and a lost one sends again", async () => {
    const receiver = new SplunkReceiver({ token: "T-value", ack: true, indexes: [] });
    const { inventory, harness } = setUp({
      setting: {
        type: "splunk_hec",
        name: "siem",
        url: "https://hec.example.com",
        token_secret: "T",
        ack: true,
      },
      fetch: (input, init) => receiver.handle(new Request(input, init)),
    });
    receiver.acknowledges = false;
    fill(inventory, 3);
    await harness.wake();
    for (let n = 0; n < 5; n += 1) await harness.step();
    expect(await harness.status()).toMatchObject({ position: 0, state: "ok" });
    expect(receiver.delivered).toHaveLength(3);
    const sent = harness.now;
    while (harness.now < sent + 300_000) await harness.step();
    receiver.acknowledges = true;
    await harness.settle();
    expect(receiver.delivered).toHaveLength(6);
    expect(await harness.status()).toMatchObject({ position: 3, state: "ok", last_error: null });
  });

  it("Sekoia.io: batches of 100, and a task that ends badly shows until one ends well", async () => {
    const uuid = "b2e2e2c7-1a3e-4b7a-9c2d-8e4f3a6b7c9d";
    const receiver = new SekoiaReceiver("K-value", uuid);
    const { inventory, harness } = setUp({
      setting: { type: "sekoia", name: "siem", api_key_secret: "K", connector_uuids: { users: uuid } },
      fetch: (input, init) => receiver.handle(new Request(input, init)),
    });
    receiver.taskStatus = "FAILED";
    fill(inventory, 250);
    await harness.wake();
    await harness.settle();
    expect(receiver.batches).toEqual([100, 100, 50]);
    expect(await harness.status()).toMatchObject({
      state: "ok",
      position: 250,
      last_error: expect.stringContaining("FAILED"),
    });
    receiver.taskStatus = "FINISHED";
    inventory.put("u1");
    await harness.wake();
    await harness.settle();
    expect(await harness.status()).toMatchObject({ state: "ok", last_error: null });
  });

  it("Elasticsearch: a full write queue delays, a document that does not parse is a dead letter", async () => {
    const receiver = new ElasticsearchReceiver("SEtleQ", "okta");
    const { inventory, harness } = setUp({
      setting: {
        type: "elasticsearch",
        name: "siem",
        url: "https://es.example.com",
        api_key_secret: "E",
        index: "okta",
      },
      fetch: (input, init) => {
        const headers = new Headers(init?.headers);
        headers.set("authorization", "ApiKey SEtleQ");
        receiver.room = 200;
        return receiver.handle(new Request(input, { ...init, headers }));
      },
    });
    fill(inventory, 1000);
    inventory.put("u500", { poison: true });
    await harness.wake();
    await harness.settle();
    expect(outOfOrder(receiver.delivered)).toEqual([]);
    expect(receiver.documents.size).toBe(999);
    expect(await harness.status()).toMatchObject({ state: "ok", dead_letters: 1, lag_events: 0 });
  });
});
