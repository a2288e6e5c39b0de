/** What receivers have been reported to do, and what a sink makes of it. The numbers of events are those of the reports. */
import { reset } from "cloudflare:test";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { muteLog } from "../http/support.ts";
import { FakeInventory } from "./events.ts";
import { Harness } from "./harness.ts";
import { MoodyReceiver } from "./moods.ts";
import { ElasticsearchReceiver } from "./receivers/elasticsearch.ts";
import { json, newestOf } from "./receivers/receiver.ts";

beforeEach(muteLog);
afterEach(() => reset());

const uuid = "b2e2e2c7-1a3e-4b7a-9c2d-8e4f3a6b7c9d";
const settings = {
  http: { type: "http", name: "siem", url: "https://siem.example.com/in" },
  splunk: { type: "splunk_hec", name: "siem", url: "https://hec.example.com", token_secret: "T" },
  sekoia: { type: "sekoia", name: "siem", api_key_secret: "K", connector_uuids: { users: uuid } },
  elastic: {
    type: "elasticsearch",
    name: "siem",
    url: "https://es.example.com",
    api_key_secret: "E",
    index: "okta",
  },
} as const;

const worldOf = (setting: object, fetch: typeof fetch_, users: number) => {
  const inventory = new FakeInventory();
  for (let user = 1; user <= users; user += 1) inventory.put(`u${user}`);
  return { inventory, harness: new Harness({ name: "siem", setting, inventory, fetch }) };
};
const fetch_ = fetch;

const lettersOf = async (harness: Harness) =>
  (await harness.run((delivery) => delivery.deadLetters(0, 100))).dead_letters;

/** A receiver that answers each request so. */
const answering = (answer: (request: Request) => Response | Promise<Response>) => {
  const receiver = { requests: 0, fetch: fetch_ };
  receiver.fetch = async (input, init) => {
    receiver.requests += 1;
    return answer(new Request(input, init));
  };
  return receiver;
};

describe("a receiver that refuses everything", () => {
  test.each([
    ["http", 5],
    ["http", 60],
    ["http", 5000],
    ["splunk", 60],
    ["sekoia", 60],
  ] as const)(
    "%s, %i events: it is stopped with its words, and none is a dead letter",
    async (type, users) => {
      const receiver = answering(() =>
        type === "splunk"
          ? json(400, { text: "Event field cannot be blank, source type unknown", code: 21 })
          : json(400, { message: "source type unknown" }),
      );
      const { harness } = worldOf(settings[type], receiver.fetch, users);
      await harness.wake();
      await harness.step();
      expect(await harness.status()).toMatchObject({
        state: "stopped",
        refusing: true,
        position: 0,
        dead_letters: 0,
        last_error: expect.stringContaining("source type unknown"),
      });
      expect(receiver.requests).toBeLessThanOrEqual(16);
      // Afterwards the batch and a few events alone are enough to see that nothing has changed.
      const before = receiver.requests;
      await harness.step();
      expect(receiver.requests - before).toBeLessThanOrEqual(4);
      expect(await lettersOf(harness)).toEqual([]);
    },
  );

  test("is tried after 15 s at most, then ever more rarely up to 5 minutes, and resumes by itself", async () => {
    const receiver = new MoodyReceiver();
    receiver.mood = "refuses all";
    const { harness, inventory } = worldOf(settings.http, receiver.fetch, 60);
    await harness.wake();
    await harness.step();
    const stopped = harness.now;
    await harness.step();
    expect(harness.now - stopped).toBeLessThanOrEqual(15_000);
    for (let n = 0; n < 20; n += 1) {
      const before = harness.now;
      await harness.step();
      expect(harness.now - before).toBeLessThanOrEqual(300_000);
    }
    receiver.mood = "takes";
    await harness.settle(300_000);
    expect(newestOf(receiver.delivered).size).toBe(60);
    expect(await harness.status()).toMatchObject({ state: "ok", lag_events: 0, refusing: false });
    expect(inventory.newest()).toHaveLength(60);
  });

  test("and took everything before: what it refuses now is not blamed on the one event that is new", async () => {
    const receiver = new MoodyReceiver();
    const { harness, inventory } = worldOf(settings.http, receiver.fetch, 60);
    await harness.wake();
    await harness.settle();
    receiver.mood = "refuses all";
    inventory.put("u7");
    await harness.wake();
    await harness.step();
    expect(await harness.status()).toMatchObject({ state: "stopped", refusing: true, dead_letters: 0 });
  });

  test("one event alone, and takes what it took before: that event is a dead letter", async () => {
    const receiver = new MoodyReceiver({ refused: new Set(["u61"]) });
    const { harness, inventory } = worldOf(settings.http, receiver.fetch, 60);
    await harness.wake();
    await harness.settle();
    inventory.put("u61");
    await harness.wake();
    await harness.step();
    expect(await harness.status()).toMatchObject({ state: "ok", dead_letters: 1, lag_events: 0 });
    expect(await lettersOf(harness)).toMatchObject([{ asset_id: "u61", code: "refused", http_status: 400 }]);
  });
});

describe("Elasticsearch's index", () => {
  const bulk = (item: object) => ({
    errors: true,
    items: Array.from({ length: 60 }, () => ({ index: item })),
  });
  const illegal = "illegal_argument_exception";

  test.each([
    [
      400,
      "validation_exception",
      "Validation Failed: 1: this action would add [2] shards, but this cluster currently has [1000]/[1000] maximum normal shards open;",
    ],
    [400, illegal, "pipeline with id [okta] does not exist"],
    [400, illegal, "Limit of total fields [1000] has been exceeded while adding new fields [3]"],
    [403, "cluster_block_exception", "index [okta] blocked by: [FORBIDDEN/8/index write (api)];"],
    [403, "cluster_block_exception", "blocked by: [FORBIDDEN/12/index read-only / allow delete (api)];"],
    [400, "a_new_exception", "something that nobody has heard of"],
  ])("%i %s %s: nothing is blamed, and all arrives once the index is right", async (status, type, reason) => {
    const receiver = new ElasticsearchReceiver("E-value", "okta");
    let isWrong = true;
    const { harness } = worldOf(
      settings.elastic,
      async (input, init) => {
        const request = new Request(input, init);
        if (!isWrong) return receiver.handle(request);
        const size = (await request.text()).trim().split("\n").length / 2;
        const { items, errors } = bulk({ status, error: { type, reason } });
        return json(200, { errors, items: items.slice(0, size) });
      },
      60,
    );
    await harness.wake();
    await harness.step();
    expect(await harness.status()).toMatchObject({
      state: "stopped",
      dead_letters: 0,
      position: 0,
      last_error: expect.stringContaining(reason.slice(0, 40)),
    });
    isWrong = false;
    await harness.settle();
    expect(receiver.delivered).toHaveLength(60);
    expect(await harness.status()).toMatchObject({ state: "ok", dead_letters: 0 });
  });

  test("that is gone for a while, and comes back empty, gets everything again", async () => {
    const receiver = new ElasticsearchReceiver("E-value", "okta");
    const { harness, inventory } = worldOf(
      settings.elastic,
      (input, init) => receiver.handle(new Request(input, init)),
      60,
    );
    await harness.wake();
    await harness.settle();
    receiver.documents.clear();
    receiver.exists = false;
    inventory.put("u1");
    await harness.wake();
    await harness.step();
    expect(await harness.status()).toMatchObject({
      state: "stopped",
      last_error: expect.stringContaining("index"),
    });
    receiver.exists = true;
    await harness.settle();
    expect(receiver.documents.size).toBe(60);
    expect(await harness.status()).toMatchObject({ state: "ok", lag_events: 0 });
  });

  test("that another inventory filled to higher versions gets the newer state, and keeps a newer one", async () => {
    const receiver = new ElasticsearchReceiver("E-value", "okta");
    const held = (processed: number) => ({
      version: 9_000_000,
      source: { metadata: { processed_time: processed } },
    });
    // The tests' events are stored at 1,700,000,000 s and later.
    receiver.documents.set("default/users/u1", held(1_600_000_000_000));
    receiver.documents.set("default/users/u2", held(1_800_000_000_000));
    const { harness, inventory } = worldOf(
      settings.elastic,
      (input, init) => receiver.handle(new Request(input, init)),
      3,
    );
    const sourceOf = (id: string) => receiver.documents.get(`default/users/${id}`)?.source;
    await harness.wake();
    await harness.settle();
    expect(sourceOf("u1")).toMatchObject({ sequence: 1 });
    expect(sourceOf("u2")).toMatchObject({ metadata: { processed_time: 1_800_000_000_000 } });
    inventory.put("u1");
    await harness.wake();
    await harness.settle();
    expect(await harness.status()).toMatchObject({ state: "ok", lag_events: 0, dead_letters: 0 });
  });

  test("whose documents may not be read is not said to have the newer state", async () => {
    const receiver = new ElasticsearchReceiver("E-value", "okta");
    receiver.documents.set("default/users/u1", { version: 9_000_000, source: {} });
    receiver.mayRead = false;
    const { harness } = worldOf(
      settings.elastic,
      (input, init) => receiver.handle(new Request(input, init)),
      3,
    );
    await harness.wake();
    await harness.step();
    expect(await harness.status()).toMatchObject({
      state: "stopped",
      last_error: expect.stringContaining('"read"'),
    });
  });

  test.each([408, 429, 503])("an item with %i is tried again, and no dead letter", async (status) => {
    const receiver = new ElasticsearchReceiver("E-value", "okta");
    let left = 2;
    receiver.itemStatus = ({ uid }) => (uid === "u30" && left-- > 0 ? status : null);
    const { harness } = worldOf(
      settings.elastic,
      (input, init) => receiver.handle(new Request(input, init)),
      60,
    );
    await harness.wake();
    await harness.settle();
    expect(receiver.documents.size).toBe(60);
    expect(await harness.status()).toMatchObject({ state: "ok", dead_letters: 0 });
  });

  test("an item that always fails with 500 is a dead letter within a minute, and the others are in", async () => {
    const receiver = new ElasticsearchReceiver("E-value", "okta");
    receiver.itemStatus = ({ uid }) => (uid === "u30" ? 500 : null);
    const { harness } = worldOf(
      settings.elastic,
      (input, init) => receiver.handle(new Request(input, init)),
      120,
    );
    await harness.wake();
    await harness.settle(60_000);
    expect(receiver.documents.size).toBe(119);
    expect(await lettersOf(harness)).toMatchObject([{ asset_id: "u30", code: "unavailable", attempts: 3 }]);
  });
});

describe("accepted is accepted", () => {
  const cut = () =>
    new ReadableStream({
      type: "bytes",
      pull: (controller) => controller.error(new TypeError("the connection was reset")),
    });

  test.each<[string, object, () => Response]>([
    ["a 200 whose body is cut off", settings.http, () => new Response(cut())],
    ["a 202 without a body", settings.http, () => new Response(null, { status: 202 })],
    ["a 200 of Sekoia.io's that is cut off", settings.sekoia, () => new Response(cut())],
    [
      "HEC with a warning, code 24",
      settings.splunk,
      () => json(200, { text: "Queue is nearly full", code: 24 }),
    ],
    [
      "HEC with a warning, code 25",
      settings.splunk,
      () => json(200, { text: "Channels are nearly full", code: 25 }),
    ],
    ["a HEC-compatible OK", settings.splunk, () => new Response("OK")],
    ["a HEC-compatible {}", settings.splunk, () => json(200, {})],
    ["a HEC 200 that is cut off", settings.splunk, () => new Response(cut())],
  ])("%s", async (_, setting, answer) => {
    const receiver = answering(answer);
    const { harness } = worldOf(setting, receiver.fetch, 5);
    await harness.wake();
    await harness.settle();
    expect(receiver.requests).toBe(1);
    expect(await harness.status()).toMatchObject({ state: "ok", lag_events: 0, position: 5 });
  });
});

describe("not accepted is not", () => {
  const page = () =>
    new Response("<!DOCTYPE html>\n<html><title>Sign in</title>", {
      headers: { "content-type": "text/html" },
    });

  test.each<[string, object, () => Response]>([
    ["a page with 200 from Sekoia.io's address", settings.sekoia, page],
    ["text with 200 from Sekoia.io's address", settings.sekoia, () => new Response("hello")],
    ["a page with 200 from an HTTP receiver", settings.http, page],
    ["a page with 200 from HEC's address", settings.splunk, page],
  ])("%s: the sink stops, and its test fails", async (_, setting, answer) => {
    const receiver = answering(answer);
    const { harness } = worldOf(setting, receiver.fetch, 5);
    await harness.wake();
    await harness.step();
    expect(await harness.status()).toMatchObject({
      state: "stopped",
      position: 0,
      dead_letters: 0,
      last_error: expect.stringContaining("in front of the receiver"),
    });
    expect(await harness.test(receiver.fetch)).toMatchObject({ status: "fail", httpStatus: 200 });
  });

  test.each([301, 307, 308])("a %i: the error names where it points, without the query", async (status) => {
    const location = "https://new.example.com/intake?key=hidden-value";
    const receiver = answering(() => new Response(null, { status, headers: { location } }));
    const { harness } = worldOf(settings.http, receiver.fetch, 5);
    await harness.wake();
    await harness.step();
    const { state, last_error } = await harness.status();
    expect(state).toBe("stopped");
    expect(last_error).toContain("https://new.example.com/intake");
    expect(last_error).not.toContain("hidden");
  });
});

describe("too slow, too large", () => {
  test("0.3 s an event, 120 events, 30 s at most: smaller batches, all delivered", async () => {
    const receiver = new MoodyReceiver({ slowAbove: 100 });
    const { harness } = worldOf(settings.http, receiver.fetch, 120);
    await harness.wake();
    await harness.settle();
    expect(receiver.delivered).toHaveLength(120);
    expect(receiver.sizes).toEqual([120, 60, 60]);
    expect(await harness.status()).toMatchObject({ state: "ok", dead_letters: 0 });
  });

  test("one event too large, the first of 2,000: about 13 requests", async () => {
    const receiver = new MoodyReceiver({ huge: new Set(["u1"]) });
    const { harness } = worldOf(settings.http, receiver.fetch, 2000);
    await harness.wake();
    await harness.settle();
    expect(receiver.delivered).toHaveLength(1999);
    expect(await lettersOf(harness)).toMatchObject([{ asset_id: "u1", code: "too_large", http_status: 413 }]);
    // 500, 250, … 1; what comes next, which proves it; the event again; and the rest.
    expect(receiver.requests).toBeLessThanOrEqual(15);
  });

  test("batch_size is the most events of a batch", async () => {
    const receiver = new MoodyReceiver();
    const { harness } = worldOf({ ...settings.http, batch_size: 7 }, receiver.fetch, 20);
    await harness.wake();
    await harness.settle();
    expect(receiver.sizes).toEqual([7, 7, 6]);
  });
});

describe("poison that answers 500", () => {
  test("is a dead letter within a minute, and all else is delivered meanwhile", async () => {
    const receiver = new MoodyReceiver({ fatal: new Set(["u50"]) });
    const { harness } = worldOf(settings.http, receiver.fetch, 120);
    await harness.wake();
    const began = harness.now;
    while ((await harness.step()) && newestOf(receiver.delivered).size < 119);
    expect(harness.now - began).toBeLessThanOrEqual(10_000);
    // It is not forgotten until it is a dead letter.
    expect(await harness.status()).toMatchObject({ state: "retrying", lag_events: 1, dead_letters: 0 });
    await harness.settle(began + 60_000 - harness.now);
    expect(await lettersOf(harness)).toMatchObject([
      { asset_id: "u50", code: "unavailable", http_status: 500, attempts: 3 },
    ]);
    expect(await harness.status()).toMatchObject({ state: "ok", lag_events: 0, dead_letters: 1 });
  });

  test("is tried again every hour, and gone once the receiver takes it", async () => {
    const fatal = new Set(["u3"]);
    const receiver = new MoodyReceiver({ fatal });
    const { harness } = worldOf(settings.http, receiver.fetch, 5);
    await harness.wake();
    await harness.settle(60_000);
    expect(await harness.status()).toMatchObject({ dead_letters: 1 });
    const requests = receiver.requests;
    await harness.settle(3_600_000);
    // What it took before, to see that it takes anything, and the event.
    expect(receiver.requests - requests).toBe(2);
    fatal.clear();
    await harness.settle(3_600_000);
    expect(newestOf(receiver.delivered).size).toBe(5);
    expect(await harness.status()).toMatchObject({ state: "ok", dead_letters: 0 });
  });

  test("is not seen in a receiver that is down", async () => {
    const receiver = new MoodyReceiver();
    receiver.mood = "down";
    const { harness } = worldOf(settings.http, receiver.fetch, 120);
    await harness.wake();
    await harness.settle(3_600_000);
    expect(await harness.status()).toMatchObject({ state: "retrying", dead_letters: 0, position: 0 });
    receiver.mood = "takes";
    await harness.settle();
    expect(await harness.status()).toMatchObject({ state: "ok", dead_letters: 0, lag_events: 0 });
  });

  test("that a person has tried again does not hold up the others", async () => {
    const receiver = new MoodyReceiver({ fatal: new Set(["u3"]) });
    const { harness, inventory } = worldOf(settings.http, receiver.fetch, 5);
    await harness.wake();
    await harness.settle(60_000);
    await harness.run((delivery) => delivery.settleDeadLetters("retry", null));
    inventory.put("u5");
    await harness.wake();
    await harness.step();
    expect(newestOf(receiver.delivered).get("u5")).toBe(6);
    expect(await harness.status()).toMatchObject({ dead_letters: 1, lag_events: 0 });
  });
});

test("HEC's invalid-event-number is the offender, and those before it are in", async () => {
  const indexed: string[] = [];
  const sizes: number[] = [];
  const receiver = answering(async (request) => {
    const lines = (await request.text()).split("\n").map((line) => JSON.parse(line).event.user.uid as string);
    sizes.push(lines.length);
    const offender = lines.indexOf("u60");
    indexed.push(...lines.slice(0, offender === -1 ? lines.length : offender));
    return offender === -1
      ? json(200, { text: "Success", code: 0 })
      : json(400, { text: "Invalid data format", code: 6, "invalid-event-number": offender });
  });
  const { harness } = worldOf(settings.splunk, receiver.fetch, 100);
  await harness.wake();
  await harness.settle();
  expect(indexed).toEqual(
    Array.from({ length: 100 }, (_, index) => `u${index + 1}`).filter((id) => id !== "u60"),
  );
  expect(sizes).toEqual([100, 1, 40]);
  expect(await lettersOf(harness)).toMatchObject([{ asset_id: "u60", code: "refused" }]);
});

describe("a delivery of version 0.1.0", () => {
  test("keeps its dead letters, and goes on", async () => {
    const receiver = new MoodyReceiver();
    const { harness, inventory } = worldOf(settings.http, receiver.fetch, 5);
    await harness.run((_, { sql }) => {
      sql.exec("CREATE TABLE delivery (key TEXT PRIMARY KEY, value TEXT NOT NULL) WITHOUT ROWID");
      sql.exec(
        `CREATE TABLE dead_letters (
          asset_id TEXT PRIMARY KEY, sequence INTEGER NOT NULL, event_id TEXT NOT NULL, code TEXT NOT NULL, http_status INTEGER,
          message TEXT NOT NULL, first_at INTEGER NOT NULL, last_at INTEGER NOT NULL, attempts INTEGER NOT NULL,
          retry INTEGER NOT NULL DEFAULT 0) WITHOUT ROWID`,
      );
      sql.exec("CREATE INDEX dead_letters_by_sequence ON dead_letters (sequence)");
      sql.exec(
        `CREATE TABLE follow_ups (
          id INTEGER PRIMARY KEY AUTOINCREMENT, reference TEXT NOT NULL UNIQUE, tries INTEGER NOT NULL, due_at INTEGER NOT NULL)`,
      );
      const state =
        '{"position":3,"status":"ok","failures":0,"nextTryAt":null,"lastError":null,"behindSince":null,' +
        '"learnedLimit":null,"suspectLast":5,"refusedInARow":1,"receipt":null}';
      sql.exec("INSERT INTO delivery (key, value) VALUES ('state', ?), ('head', '5')", state);
      sql.exec(
        "INSERT INTO dead_letters VALUES ('u2', 2, 'default/users/u2/2', 'refused', 400, 'no', 1, 1, 1, 0)",
      );
    });
    expect(await lettersOf(harness)).toMatchObject([{ asset_id: "u2", retrying: false }]);
    inventory.put("u6");
    await harness.wake();
    await harness.settle();
    expect(receiver.delivered.map(({ assetId }) => assetId)).toEqual(["u4", "u5", "u6"]);
    expect(await harness.status()).toMatchObject({ position: 6, dead_letters: 1, state: "ok" });
    await harness.run((delivery) => delivery.settleDeadLetters("retry", null));
    await harness.settle();
    expect(await harness.status()).toMatchObject({ dead_letters: 0 });
  });
});
