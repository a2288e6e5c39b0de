/**
 * A Worker whose inventory begins anew, over consumers of the former one: a puller, a sink, a bucket and an index. Nothing that the
 * new inventory says is taken for something that the former one said, and nothing is missed.
 */
import { evictDurableObject, reset, runInDurableObject } from "cloudflare:test";
import { env } from "cloudflare:workers";
import { afterEach, beforeEach, describe, expect, test, vi } from "vitest";
import { ElasticsearchReceiver } from "../delivery/receivers/elasticsearch.ts";
import {
  call,
  createOrg,
  type Json,
  partOf,
  statusOf,
  streamStub,
  sync,
  uidOf,
  until,
} from "../support/org.ts";
import { eventsIn, nextPage } from "../support/pages.ts";

const CONNECTION = "t18";

// Before any object reads the settings, because an isolate reads them only once.
Reflect.set(
  env,
  "SINKS",
  JSON.stringify([
    { type: "http", name: "siem", url: "https://siem.example.com/in", format: "ndjson", streams: ["users"] },
    { type: "r2", name: "lake", streams: ["users"] },
    {
      type: "elasticsearch",
      name: "index",
      url: "https://es.example.com",
      api_key_secret: "INDEX_KEY",
      index: "okta",
      streams: ["users"],
    },
  ]),
);
Reflect.set(env, "INDEX_KEY", "a2V5");
// The generated types do not have this binding, because wrangler.toml ships without it.
const { EVENTS } = env as unknown as { EVENTS: R2Bucket };

let received: Json[];
let index: ElasticsearchReceiver;

const eventsOf = async (body: Request | Response): Promise<Json[]> =>
  eventsIn(new TextDecoder().decode(await body.arrayBuffer()));

beforeEach(() => {
  received = [];
  index = new ElasticsearchReceiver("a2V5", "okta");
  const outside = globalThis.fetch;
  vi.spyOn(globalThis, "fetch").mockImplementation(async (input, init) => {
    const request = new Request(input, init);
    const { hostname } = new URL(request.url);
    if (hostname === "es.example.com") return index.handle(request);
    if (hostname !== "siem.example.com") return outside(request);
    received.push(...(await eventsOf(request)));
    return new Response();
  });
});

afterEach(async () => {
  vi.restoreAllMocks();
  await reset();
});

const idOf = (event: Json): string => String(partOf(event, "metadata")["uid"]);
const numberOf = (event: Json): number => Number(idOf(event).split("/").at(-1));

interface Pulled {
  readonly events: Json[];
  readonly last: number;
  readonly inventory: string | null;
}

/** All that a puller gets that stands at `after`. */
const pull = async (after: number): Promise<Pulled> => {
  const events: Json[] = [];
  let last = after;
  let inventory: string | null = null;
  let next: string | null = `/v1/inventory/users?after=${after}&limit=7&dialect=ocsf`;
  while (next !== null) {
    const page: Response = await call(CONNECTION, "GET", next);
    expect(page.status).toBe(200);
    events.push(...(await eventsOf(page)));
    last = Number(page.headers.get("x-last-sequence"));
    inventory = page.headers.get("x-inventory");
    next = nextPage(page);
  }
  return { events, last, inventory };
};

const delivered = () =>
  until(
    CONNECTION,
    ({ sinks, head }) =>
      sinks.length === 3 && sinks.every(({ position, lag_events }) => position === head && lag_events === 0),
  );

/** The keys of changes in the bucket, in the bucket's order. */
const objects = async (): Promise<string[]> =>
  (await EVENTS.list({ prefix: "class_uid=5003/" })).objects.map(({ key }) => key);

/** The storage is lost, as when a Worker is deleted and deployed again. */
const lose = async (): Promise<void> => {
  const stub = streamStub(CONNECTION);
  await runInDurableObject(stub, async (_, { storage }) => {
    await storage.deleteAlarm();
    await storage.deleteAll();
  });
  await evictDurableObject(stub);
};

describe("an inventory that begins anew after one", () => {
  test.each([
    ["of this version", 0],
    ["from before, whose numbers began at 1", 1],
  ])("%s", async (_, head) => {
    await createOrg(CONNECTION, { users: 20, groups: 4 });
    // What version 0.1.0 has stored goes on with its numbers.
    if (head > 0) {
      await streamStub(CONNECTION).runs(); // makes the tables
      await runInDurableObject(streamStub(CONNECTION), (_object, { storage }) => {
        storage.sql.exec("INSERT INTO meta (key, value) VALUES ('head', ?)", String(head));
      });
    }
    await sync(CONNECTION);
    await delivered();
    const former = await pull(0);
    const formerStatus = await statusOf(CONNECTION);
    expect(former.inventory).toBe(formerStatus.inventory);
    expect(former.last).toBe(formerStatus.head);
    if (head > 0) expect(former.last).toBeLessThan(10_000);
    else expect(String(former.last)).toHaveLength(16);
    const formerReceived = received;
    const formerObjects = await objects();

    await lose();
    received = [];
    // The new inventory is empty, so nobody can have read from it.
    const early = await call(CONNECTION, "GET", `/v1/inventory/users?after=${former.last}`);
    expect([early.status, (await early.json<{ code: string }>()).code]).toEqual([409, "sequence_ahead"]);
    await sync(CONNECTION);
    await delivered();

    const present = await pull(former.last);
    expect(present.inventory).toBe((await statusOf(CONNECTION)).inventory);
    expect(present.inventory).not.toBe(former.inventory);
    // The old position gets everything, as 0 does.
    expect(present.events).toEqual((await pull(0)).events);
    expect(new Set(present.events.map(uidOf)).size).toBe(20);
    expect(Math.min(...present.events.map(numberOf))).toBeGreaterThan(former.last);
    // The dialect's own numbers have 32 bits, and begin again.
    const small = present.events.map((event) => Number(partOf(event, "metadata")["sequence"]));
    expect(Math.min(...small)).toBeGreaterThan(0);
    expect(Math.max(...small)).toBeLessThan(10_000);

    // The sink got every newest event, and none under an id that it had.
    const ids = new Set(received.map(idOf));
    expect(present.events.filter((event) => !ids.has(idOf(event)))).toEqual([]);
    expect(formerReceived.filter((event) => ids.has(idOf(event)))).toEqual([]);

    // The index holds the newest state of each under its new number, although it had all of them.
    const held = [...index.documents.values()].map(({ source }) => idOf(source as Json));
    expect(held.sort()).toEqual(present.events.map(idOf).sort());

    // In the bucket, no object was replaced; those of 16 digits are in the order of their numbers.
    const all = await objects();
    expect(all).toEqual(expect.arrayContaining(formerObjects));
    const fresh = all.filter((key) => !formerObjects.includes(key));
    expect(fresh.length).toBeGreaterThan(0);
    const firstOf = (key: string): number => Number(/-(\d+)-\d+\.ndjson\.gz$/.exec(key)?.[1]);
    expect(fresh.map(firstOf)).toEqual(fresh.map(firstOf).sort((a, b) => a - b));

    // A number that no inventory has given out is refused; one at the head is not.
    const ahead = await call(CONNECTION, "GET", `/v1/inventory/users?after=${present.last + 1}`);
    expect(ahead.status).toBe(409);
    expect(ahead.headers.get("x-inventory")).toBe(present.inventory);
    expect((await pull(present.last)).events).toEqual([]);
  });
});
