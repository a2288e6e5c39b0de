/** R2 and Queues as Miniflare has them. */
import { reset } from "cloudflare:test";
import { env } from "cloudflare:workers";
import { afterEach, beforeEach, describe, expect, it, test } from "vitest";
import { newSnapshot, restarted } from "../../src/delivery/snapshot.ts";
import { testSink } from "../../src/delivery/test-sink.ts";
import { muteLog } from "../http/support.ts";
import { FakeInventory } from "./events.ts";
import { Harness, settingsOf } from "./harness.ts";

beforeEach(muteLog);

afterEach(() => reset());

const bindings: Readonly<Record<string, unknown>> = { ...env };
const bucket = bindings["EVENTS"] as R2Bucket;
const queue = bindings["EVENTS_QUEUE"] as Queue;

const linesOf = async (key: string): Promise<{ sequence: number; user: { uid: string } }[]> => {
  const object = await bucket.get(key);
  if (object === null) throw new Error(`there is no ${key}`);
  const text = await new Response(object.body.pipeThrough(new DecompressionStream("gzip"))).text();
  expect(text.endsWith("\n")).toBe(true);
  return text
    .trimEnd()
    .split("\n")
    .map((line) => JSON.parse(line));
};

const keys = async (prefix = ""): Promise<string[]> =>
  (await bucket.list({ prefix })).objects.map((object) => object.key).sort();

describe("r2", () => {
  const setUp = (setting: object = {}, binding: unknown = bucket) => {
    const inventory = new FakeInventory();
    const harness = new Harness({
      name: "lake",
      setting: { type: "r2", name: "lake", prefix: "okta/", ...setting },
      inventory,
      binding: (name) => (name === "EVENTS" ? binding : undefined),
    });
    return { inventory, harness };
  };

  it("writes compressed lines under keys that an engine can partition on, one object per hour and batch", async () => {
    const { inventory, harness } = setUp();
    // 1,700,000,000 s is 2023-11-14T22:13:20Z, and every sequence is a second later: 23:00 comes at 2,800.
    for (let user = 1; user <= 3000; user += 1) inventory.put(`u${user}`);
    await harness.wake();
    await harness.settle();
    expect(await keys()).toEqual([
      "okta/class_uid=5003/date=2023-11-14/hour=22/default-users-1-2000.ndjson.gz",
      "okta/class_uid=5003/date=2023-11-14/hour=22/default-users-2001-2799.ndjson.gz",
      "okta/class_uid=5003/date=2023-11-14/hour=23/default-users-2800-3000.ndjson.gz",
    ]);
    const lines = await linesOf(
      "okta/class_uid=5003/date=2023-11-14/hour=23/default-users-2800-3000.ndjson.gz",
    );
    expect(lines.map((line) => line.sequence)).toEqual(
      Array.from({ length: 201 }, (_, index) => 2800 + index),
    );
    const head = await bucket.head(
      "okta/class_uid=5003/date=2023-11-14/hour=23/default-users-2800-3000.ndjson.gz",
    );
    expect(head?.httpMetadata).toEqual({ contentType: "application/gzip" });
  });

  it("replaces the object of a repeated batch", async () => {
    const { inventory, harness } = setUp();
    inventory.put("u1");
    await harness.wake();
    await harness.settle();
    await harness.run((delivery) => delivery.replay(0));
    await harness.settle();
    expect(await keys()).toHaveLength(1);
  });

  it("keeps a snapshot per full run, in parts with a manifest, and the one asked for meanwhile after it", async () => {
    const { inventory, harness } = setUp();
    for (let user = 1; user <= 10_500; user += 1) inventory.put(`u${user}`);
    await harness.run((delivery) => delivery.snapshot("run-1"));
    await harness.run((delivery) => delivery.snapshot("run-2"));
    await harness.settle();
    const folder = "okta/snapshots/class_uid=5003/date=2100-01-15/run=run-1/default-users";
    expect(await keys("okta/snapshots/class_uid=5003/date=2100-01-15/run=run-1")).toEqual([
      `${folder}-00001.ndjson.gz`,
      `${folder}-00002.ndjson.gz`,
      `${folder}-manifest.json`,
    ]);
    const first = await linesOf(`${folder}-00001.ndjson.gz`);
    const second = await linesOf(`${folder}-00002.ndjson.gz`);
    expect([first.length, second.length]).toEqual([10_000, 500]);
    expect(new Set([...first, ...second].map((line) => line.user.uid)).size).toBe(10_500);
    expect(await (await bucket.get(`${folder}-manifest.json`))?.json()).toEqual({
      connection: "default",
      stream: "users",
      run_id: "run-1",
      started_at: expect.stringMatching(/^2100-01-15T12:00:00/),
      parts: 2,
      events: 10_500,
    });
    expect(await keys("okta/snapshots/class_uid=5003/date=2100-01-15/run=run-2")).toHaveLength(3);
    expect(await harness.status()).toMatchObject({ state: "ok", lag_events: 0 });
  });

  it("continues a snapshot where a failing bucket or inventory interrupted it", async () => {
    let failures = 3;
    const flaky = {
      head: (key: string) => bucket.head(key),
      put: (key: string, value: ArrayBuffer) => {
        failures -= 1;
        if (failures >= 0) return Promise.reject(new Error("put: We encountered an internal error. (10001)"));
        return bucket.put(key, value);
      },
    };
    const { inventory, harness } = setUp({}, flaky);
    for (let user = 1; user <= 20; user += 1) inventory.put(`u${user}`);
    await harness.run((delivery) => delivery.snapshot("run-1"));
    await harness.step();
    expect(await harness.status()).toMatchObject({
      state: "retrying",
      last_error: expect.stringContaining("10001"),
    });
    await harness.settle();
    expect(await harness.status()).toMatchObject({ state: "ok", last_error: null });
    expect(await keys("okta/snapshots/")).toHaveLength(2);
    expect(await keys("okta/class_uid")).toHaveLength(1);
  });

  it("ends no snapshot while assets get new numbers, and continues it with what they are then", async () => {
    const { inventory, harness } = setUp();
    inventory.inventory = "former";
    for (let user = 1; user <= 700; user += 1) inventory.put(`u${user}`);
    await harness.wake();
    await harness.settle();
    await harness.run((delivery) => delivery.snapshot("run-1"));
    // The first reading is of changes, and there are none. The others are of the snapshot.
    const { reads } = inventory;
    const { events } = inventory;
    Object.assign(inventory, {
      events: async (query: Parameters<typeof events>[0]) => {
        if (inventory.reads === reads + 2) inventory.settling = 2;
        return events(query);
      },
    });
    await harness.settle();
    const folder = "okta/snapshots/class_uid=5003/date=2100-01-15/run=run-1/default-users";
    const first = await linesOf(`${folder}-00001.ndjson.gz`);
    const second = await linesOf(`${folder}-00002.ndjson.gz`);
    expect([first.length, second.length]).toEqual([500, 200]);
    expect(new Set([...first, ...second].map((line) => line.user.uid)).size).toBe(700);
    expect(await (await bucket.get(`${folder}-manifest.json`))?.json()).toMatchObject({
      parts: 2,
      events: 700,
    });
    expect(await harness.status()).toMatchObject({ state: "ok", lag_events: 0 });
  });

  it("leaves the snapshot of an inventory that has begun anew, and takes up the next one", () => {
    const begun = { ...newSnapshot("run-1", 1), part: 3, after: 20_000, events: 20_000 };
    expect(restarted(begun, 5)).toBeNull();
    expect(restarted({ ...begun, nextRunId: "run-2" }, 5)).toEqual(newSnapshot("run-2", 5));
    expect(restarted(newSnapshot("run-1", 1), 5)).toEqual(newSnapshot("run-1", 1));
  });

  it("is tried without writing", async () => {
    const deps = { connection: "default", fetch, now: Date.now };
    const settings = settingsOf({ type: "r2", name: "lake" });
    expect(await testSink(settings, { ...deps, env })).toMatchObject({ status: "pass" });
    expect(await testSink(settings, { ...deps, env: {} })).toMatchObject({
      status: "fail",
      remedy: expect.stringContaining("r2_buckets"),
    });
    expect(await keys()).toEqual([]);
  });
});

test("s3 signs in this runtime what Smithy's signer signs, which s3.node.test.ts compares in general", async () => {
  const seen: Request[] = [];
  const setting = {
    type: "s3",
    name: "lake",
    endpoint: "https://s3.eu-west-1.amazonaws.com",
    region: "eu-west-1",
    bucket: "okta-events",
    prefix: "a+b/",
    access_key_id: "AKIAIOSFODNN7EXAMPLE",
    secret_access_key_secret: "S3",
  };
  await settingsOf(setting, undefined, { S3: "wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY" })
    .open({
      fetch: async (input, init) => {
        seen.push(new Request(input, init));
        return new Response("");
      },
      now: () => Date.UTC(2026, 10, 25, 8),
      connection: "default",
      stream: "users",
      binding: () => undefined,
    })
    .test();
  expect(seen.map(({ url }) => url)).toEqual([
    "https://s3.eu-west-1.amazonaws.com/okta-events/a%2Bb/class_uid%3D5003/",
  ]);
  expect(seen[0]?.headers.get("authorization")).toBe(
    "AWS4-HMAC-SHA256 Credential=AKIAIOSFODNN7EXAMPLE/20261125/eu-west-1/s3/aws4_request, SignedHeaders=host;x-amz-content-sha256;x-amz-date, Signature=c728f217590d821d662fd57230298b4bbd2daff54d155da3c161e76d49570ec4",
  );
});

describe("queue", () => {
  it("sends a message per event, within the product's bounds, and buries what can never be sent", async () => {
    const inventory = new FakeInventory();
    const batches: MessageSendRequest<unknown>[][] = [];
    const harness = new Harness({
      name: "queue",
      setting: { type: "queue", name: "queue" },
      inventory,
      binding: () => ({
        sendBatch: async (messages: MessageSendRequest<unknown>[]) => {
          await queue.sendBatch(messages);
          batches.push(messages);
        },
      }),
    });
    for (let user = 1; user <= 150; user += 1) inventory.put(`u${user}`);
    for (let user = 151; user <= 155; user += 1) inventory.put(`u${user}`, { text: "x".repeat(100_000) });
    inventory.put("u156", { text: "x".repeat(128_000) });
    inventory.put("u157");
    await harness.wake();
    await harness.settle();
    const sizes = batches.map((batch) =>
      batch.reduce((sum, { body }) => sum + JSON.stringify(body).length + 100, 0),
    );
    expect(batches.length).toBeGreaterThan(0);
    expect(Math.max(...batches.map((batch) => batch.length))).toBe(100);
    expect(Math.max(...sizes)).toBeLessThanOrEqual(256_000);
    expect(batches.flat().map(({ body }) => body)).toEqual(
      inventory
        .newest()
        .filter((event) => event.assetId !== "u156")
        .map((event) => JSON.parse(event.json)),
    );
    expect(await harness.status()).toMatchObject({ state: "ok", dead_letters: 1, lag_events: 0 });
    expect((await harness.run((delivery) => delivery.deadLetters(0, 10))).dead_letters).toMatchObject([
      { asset_id: "u156", code: "too_large", http_status: null },
    ]);
  });

  it("waits for a queue that is not bound any more, and says what to do", async () => {
    const inventory = new FakeInventory();
    inventory.put("u1");
    const harness = new Harness({ name: "queue", setting: { type: "queue", name: "queue" }, inventory });
    await harness.wake();
    await harness.step();
    expect(await harness.status()).toMatchObject({
      state: "stopped",
      last_error: expect.stringContaining("queues.producers"),
    });
  });
});
