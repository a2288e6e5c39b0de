/** A day of an org of 5,000 under every limit that Cloudflare documents. */
import { createScheduledController, reset } from "cloudflare:test";
import { env } from "cloudflare:workers";
import { afterEach, beforeEach, expect, test, vi } from "vitest";
import worker from "../../src/index.ts";
import { differences, expectedUsers, isDeleted, type Json, newestById } from "../support/expected.ts";
import { call, createOrg, inventory, statusOf, untilIdle } from "../support/org.ts";
import { enforcePlatform, platformTrips, platformUsage } from "../support/platform.ts";
import { passTime } from "../support/time.ts";

const CONNECTION = "t7";
const USERS = 5_000;
const QUARTER_MS = 15 * 60_000;
/** The sinks' receiver, and what it has got by the id of the asset. */
const received = new Map<string, Json>();

beforeEach(() => {
  const outside = globalThis.fetch;
  vi.spyOn(globalThis, "fetch").mockImplementation(async (input, init) => {
    const request = new Request(input, init);
    if (new URL(request.url).hostname !== "siem.example.com") return outside(request);
    for (const line of (await request.text()).split("\n").filter(Boolean)) {
      const event: Json = JSON.parse(line);
      received.set(String((event["metadata"] as Json)["uid"]).split("/")[2] ?? "", event);
    }
    return new Response();
  });
});
afterEach(async () => {
  vi.restoreAllMocks();
  await reset();
});

test("nothing that Cloudflare limits is ever reached", { timeout: 600_000 }, async () => {
  Reflect.set(
    env,
    "SINKS",
    JSON.stringify([{ type: "http", name: "siem", url: "https://siem.example.com/in", format: "ndjson" }]),
  );
  await enforcePlatform();
  const org = await createOrg(CONNECTION, { users: USERS, groups: 300, devices: 1_000 });
  const cron = async (text: string): Promise<void> => {
    await worker.scheduled(createScheduledController({ cron: text }), env);
    for (const stream of ["users", "devices"] as const) await untilIdle(CONNECTION, stream, 300_000);
  };
  const get = async (path: string): Promise<Response> => {
    const response = await call(CONNECTION, "GET", path);
    expect([path, response.status]).toEqual([path, 200]);
    await response.arrayBuffer();
    return response;
  };

  await cron("*/15 * * * *");
  const people = (await inventory(CONNECTION))
    .map((event) => JSON.stringify(event))
    .flatMap((text) => /00u\w{17}/.exec(text) ?? []);
  expect(new Set(people).size).toBe(USERS);
  for (let quarter = 1; quarter <= 96; quarter++) {
    passTime(QUARTER_MS);
    await org.advance(QUARTER_MS);
    if (quarter % 4 === 0) await org.churn(25);
    await cron(quarter === 50 ? "0 2 * * *" : "*/15 * * * *");
    for (const path of [
      "/v1/streams/users",
      "/metrics",
      "/v1/inventory/users/summary",
      "/v1/inventory/users/search?admin=unknown",
    ])
      await get(path);
    const id = people[(quarter * 37) % people.length];
    await call(CONNECTION, "GET", `/v1/enrichments/accounts/${id}`).then((response) =>
      response.arrayBuffer(),
    );
    if (quarter % 24 === 0) {
      const accounts = people.slice(quarter, quarter + 20);
      const answers = await call(CONNECTION, "POST", "/v1/enrichments", { accounts });
      expect(answers.status).toBe(200);
      await answers.arrayBuffer();
      const tested = await call(CONNECTION, "POST", "/v1/test-connection", {});
      expect(await tested.json()).toMatchObject({ ok: true });
    }
  }

  expect(platformTrips()).toEqual([]);
  const stored = newestById(await inventory(CONNECTION));
  const living = new Map([...stored].filter(([, event]) => !isDeleted(event)));
  expect(differences(living, expectedUsers(await org.dump()))).toEqual([]);
  await vi.waitFor(async () => {
    const { sinks } = await statusOf(CONNECTION);
    expect(sinks).toMatchObject([{ name: "siem", state: "ok", lag_events: 0, dead_letters: 0 }]);
  });
  const used = platformUsage();
  // What the test is about did happen: slices that use what they may, and a day's worth of alarms.
  expect(used.external).toBeGreaterThan(20);
  expect(used.alarms).toBeGreaterThan(200);
  expect(used.kvWrites).toBeGreaterThan(50);
});
