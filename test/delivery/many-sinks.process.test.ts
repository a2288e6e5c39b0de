/** Fifty sinks side by side in the real runtime, half of them dead: they hold back neither the others nor the run. */
import { setTimeout as sleep } from "node:timers/promises";
import { afterAll, expect, inject, test } from "vitest";
import { createOktaOrg } from "../../dev/okta-org/index.ts";
import { serveFetch } from "../support/serve-fetch.ts";
import { WorkerProcess } from "../support/worker-process.ts";
import { HttpReceiver } from "./receivers/http.ts";
import { newestOf } from "./receivers/receiver.ts";
import { serve } from "./receivers/server.ts";

const cleanUp: (() => Promise<void>)[] = [];
afterAll(async () => {
  for (const clean of cleanUp) await clean();
});

test("50 sinks, 25 of them dead", { timeout: 120_000 }, async () => {
  const org = createOktaOrg({ users: 120, groups: 5, devices: 0, limits: "none", seed: 1 });
  const okta = await serveFetch(org.fetch);
  const receiver = () =>
    new HttpReceiver({ format: "json", gzip: false, token: null, hmacKey: null, now: Date.now });
  const alive = Array.from({ length: 25 }, receiver);
  const urls: string[] = [];
  for (const one of alive) {
    const server = await serve(one);
    cleanUp.push(() => server.close());
    urls.push(server.url);
  }
  // Some never answer, the others cannot be reached.
  const silent = await serve(receiver());
  silent.fault = () => ({ kind: "silence" });
  cleanUp.push(() => silent.close());
  const dead = Array.from({ length: 25 }, (_, index) => (index < 13 ? silent.url : "http://127.0.0.1:1"));
  const worker = await WorkerProcess.create(inject("build"), {
    OKTA_BASE_URL: okta.url,
    OKTA_API_TOKEN: "sim-token",
    SINKS: JSON.stringify([
      ...dead.map((url, index) => ({ type: "http", name: `dead-${index}`, url, streams: ["users"] })),
      ...urls.map((url, index) => ({ type: "http", name: `alive-${index}`, url, streams: ["users"] })),
    ]),
  });
  cleanUp.push(async () => {
    await worker.remove();
    await okta.close();
  });
  await worker.start();
  await worker.request("POST", "/v1/streams/users/runs", { kind: "full" });
  const isDone = () => alive.every(({ delivered }) => newestOf(delivered).size === 120);
  while (!isDone()) await sleep(100);
  let status = await worker.status("users");
  for (; status?.run !== null; status = await worker.status("users")) await sleep(100);
  // The silent ones have not even timed out.
  for (const { name, state, lag_events } of status.sinks) {
    if (name.startsWith("dead")) expect(lag_events, name).toBe(120);
    else expect(state, name).toBe("ok");
  }
  expect(status.sinks).toHaveLength(50);
});
