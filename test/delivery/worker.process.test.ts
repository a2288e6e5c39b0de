/**
 * The whole Worker in the real runtime, killed again and again, with three sinks behind real local servers that fail
 * at random: in the end every sink holds the newest state of every user, and only the poisoned one is a dead letter.
 */
import { setTimeout as sleep } from "node:timers/promises";
import { afterAll, expect, inject, test } from "vitest";
import { createOktaOrg } from "../../dev/okta-org/index.ts";
import { createRandom } from "../../dev/okta-org/org/random.ts";
import type { StreamStatus } from "../../src/contract/status.ts";
import { partOf, uidOf } from "../support/expected.ts";
import { readEvents } from "../support/pages.ts";
import { long, seed } from "../support/seeds.ts";
import { serveFetch } from "../support/serve-fetch.ts";
import { WorkerProcess } from "../support/worker-process.ts";
import { ElasticsearchReceiver } from "./receivers/elasticsearch.ts";
import { HttpReceiver } from "./receivers/http.ts";
import { newestOf, outOfOrder } from "./receivers/receiver.ts";
import { type Fault, serve } from "./receivers/server.ts";
import { SplunkReceiver } from "./receivers/splunk.ts";

const users = long ? 5000 : 1000;
const kills = long ? 12 : 4;

const cleanUp: (() => Promise<void>)[] = [];
afterAll(async () => {
  for (const clean of cleanUp) await clean();
});

/** Sequence numbers by user, from the inventory itself. */
const inventoryOf = async (worker: WorkerProcess): Promise<Map<string, number>> => {
  const path = "/v1/inventory/users?dialect=ocsf&limit=1000";
  const events = await readEvents((next) => worker.request("GET", next), path);
  return new Map(events.map((event) => [uidOf(event), Number(partOf(event, "metadata")["sequence"])]));
};

test(`${users} users, three failing sinks, ${kills} kills, seed ${seed}`, { timeout: 600_000 }, async () => {
  const org = createOktaOrg({ users, groups: 20, devices: 0, limits: "none", seed: 1 });
  const okta = await serveFetch(org.fetch);
  const random = createRandom(seed, "chaos");
  const poisoned = org.dump().users[Math.floor(users / 3)]?.id ?? expect.fail("a user");

  const receivers = {
    siem: new HttpReceiver({
      format: "ndjson",
      gzip: true,
      token: "tok-value",
      hmacKey: "hmac-value",
      now: Date.now,
    }),
    splunk: new SplunkReceiver({ token: "tok-value", ack: true, indexes: ["okta"] }),
    elastic: new ElasticsearchReceiver("a2V5LXZhbHVl", "okta-assets"),
  };
  const weather = { chaos: true };
  let silences = 1;
  const fault = (): Fault | null => {
    if (!weather.chaos) return null;
    switch (random.int(20)) {
      case 0:
        return { kind: "status", status: 429, headers: { "retry-after": "1" } };
      case 1:
        return {
          kind: "status",
          status: 503,
          headers: { "retry-after": new Date(Date.now() + 1000).toUTCString() },
        };
      case 2:
        return { kind: "status", status: 500 };
      case 3:
        return { kind: "reset" };
      case 4:
        return { kind: "lost-answer" };
      case 5:
        return { kind: "half-answer" };
      case 6:
        silences -= 1;
        return silences >= 0 ? { kind: "silence" } : null;
      default:
        return null;
    }
  };
  const urls: string[] = [];
  for (const receiver of Object.values(receivers)) {
    receiver.poisoned = new Set([poisoned]);
    const server = await serve(receiver);
    server.fault = fault;
    urls.push(server.url);
    cleanUp.push(() => server.close());
  }
  const [siem, splunk, elastic] = urls;
  const worker = await WorkerProcess.create(inject("build"), {
    OKTA_BASE_URL: okta.url,
    OKTA_API_TOKEN: "sim-token",
    TOK: "tok-value",
    HMAC: "hmac-value",
    ES: "a2V5LXZhbHVl",
    SINKS: JSON.stringify([
      {
        type: "http",
        name: "siem",
        url: siem,
        format: "ndjson",
        gzip: true,
        token_secret: "TOK",
        hmac_secret: "HMAC",
      },
      { type: "splunk_hec", name: "splunk", url: splunk, token_secret: "TOK", index: "okta", ack: true },
      { type: "elasticsearch", name: "elastic", url: elastic, api_key_secret: "ES", index: "okta-assets" },
      { type: "http", name: "wrong", url: "http://siem.example.com" },
    ]),
  });
  cleanUp.push(async () => {
    await worker.remove();
    await okta.close();
  });

  await worker.start();
  await worker.request("POST", "/v1/streams/users/runs", { kind: "full" });
  for (let killed = 0; killed < kills; killed += 1) {
    await sleep(random.int(4000));
    await worker.kill();
    await worker.start();
  }
  let status = await worker.status("users");
  for (; status?.run !== null; status = await worker.status("users")) await sleep(250);
  weather.chaos = false;
  for (const sink of ["siem", "splunk", "elastic"]) {
    // What is wanted now is tried now, whatever the backoff says.
    await worker.request("POST", `/v1/streams/users/sinks/${sink}/dead-letters`, { action: "retry" });
  }
  const settled = (all: StreamStatus | null): boolean =>
    all?.sinks.every(
      ({ name, lag_events, state }) => name === "wrong" || (lag_events === 0 && state === "ok"),
    ) ?? false;
  for (; !settled(status); status = await worker.status("users")) await sleep(250);

  const expected = await inventoryOf(worker);
  expect(expected.size).toBe(users);
  expected.delete(poisoned);
  for (const [name, receiver] of Object.entries(receivers)) {
    expect(newestOf(receiver.delivered), name).toEqual(expected);
    expect(outOfOrder(receiver.delivered), name).toEqual([]);
    const letters = await worker.request("GET", `/v1/streams/users/sinks/${name}/dead-letters`);
    expect(await letters.json(), name).toMatchObject({ dead_letters: [{ asset_id: poisoned }], total: 1 });
  }
  expect(status?.sinks.find(({ name }) => name === "wrong")).toMatchObject({
    state: "stopped",
    last_error: expect.stringContaining("SINKS[3].url"),
  });
});
