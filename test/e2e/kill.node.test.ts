/**
 * The whole Worker in real `wrangler dev`, killed again and again while it syncs a large org with Okta's
 * published limits (windows shortened from 60 s to 3 s): what it has in the end is what the org has.
 * A failure prints the seed that repeats the moments: `KILL_SEED=7 npx vitest run --project node test/e2e/kill`.
 */
import { serve } from "@hono/node-server";
import { afterAll, describe, expect, test } from "vitest";
import { createOktaOrg } from "../../dev/okta-org/index.ts";
import { createRandom } from "../../dev/okta-org/org/random.ts";
import type { StreamStatus } from "../../src/contract/status.ts";
import { differences, expectedUsers, type Json, newestById } from "../support/expected.ts";
import { freePort, WorkerProcess } from "../support/worker-process.ts";

const SHARE = 0.5;
const seed = Number(process.env["KILL_SEED"] ?? Date.now() % 1_000_000);
/** None for a look at an undisturbed run, which repeats nothing. */
const kills = Number(process.env["KILLS"] ?? 20);

const sleep = (ms: number): Promise<void> => new Promise((resolve) => setTimeout(resolve, ms));

const cleanUp: (() => Promise<void>)[] = [];
afterAll(async () => {
  for (const clean of cleanUp) await clean();
});

const inventoryOf = async (worker: WorkerProcess): Promise<Map<string, Json>> => {
  const events: Json[] = [];
  let path: string | null = "/v1/inventory/users?limit=1000";
  while (path !== null) {
    const response: Response = await worker.request("GET", path);
    if (response.status !== 200) throw new Error(`${response.status} ${await response.text()}`);
    for (const line of (await response.text()).split("\n")) if (line !== "") events.push(JSON.parse(line));
    const next = /<([^>]+)>; rel="?next"?/.exec(response.headers.get("link") ?? "")?.[1];
    path = next === undefined ? null : new URL(next).pathname + new URL(next).search;
  }
  return newestById(events);
};

const statusOf = async (worker: WorkerProcess): Promise<StreamStatus | null> => {
  const response = await worker.request("GET", "/v1/streams/users").catch(() => null);
  return response?.ok ? response.json() : null;
};

describe("killed at any instant", () => {
  test(`a 10,000-user org, ${kills} kills, seed ${seed}`, { timeout: 900_000 }, async () => {
    const org = createOktaOrg({ users: 10_000, groups: 1000, devices: 0, windowMs: 3000, seed: 1 });
    const port = await freePort();
    const server = serve({ fetch: org.fetch, port, hostname: "127.0.0.1" });
    const worker = await WorkerProcess.create({
      OKTA_BASE_URL: `http://127.0.0.1:${port}`,
      OKTA_API_TOKEN: "sim-token",
      OKTA_RATE_LIMIT_SHARE: String(SHARE),
    });
    cleanUp.push(async () => {
      await worker.remove();
      server.close();
    });
    const random = createRandom(seed, "kills");
    const phases = new Map<string, number>();
    const startedAt = Date.now();

    await worker.start();
    await worker.request("POST", "/v1/streams/users/runs", { kind: "full" });
    for (let killed = 0; killed < kills; killed++) {
      // The lists take seconds, the factors minutes: the first kills come thick and fast to hit the lists, too.
      await sleep(killed < kills / 2 ? random.int(2500) : random.int(8000));
      const before = await statusOf(worker);
      await sleep(random.int(200));
      await worker.kill();
      const phase = before === null ? "not up" : (before.run?.phase ?? "none");
      phases.set(phase, (phases.get(phase) ?? 0) + 1);
      await worker.start();
    }
    let status = await statusOf(worker);
    for (; status?.run !== null; status = await statusOf(worker)) await sleep(1000);

    const stats = org.stats();
    const windows = stats.buckets.map(({ bucket, fullest, limit }) => `${bucket} ${fullest} of ${limit}`);
    console.log(
      [
        `seed ${seed}: ${kills} kills (${[...phases].map(([phase, times]) => `${phase} ${times}`).join(", ")})`,
        `${Math.round((Date.now() - startedAt) / 1000)} s`,
        `${stats.total} calls, ${status.last_full?.calls.predicted} predicted, ${stats.repeats} pages repeated`,
        `fullest windows: ${windows.join(", ")}`,
      ].join("; "),
    );
    expect(status.last_full).toMatchObject({ state: "done", error: null });
    expect(differences(await inventoryOf(worker), expectedUsers(org.dump()))).toEqual([]);
    expect(status.assets).toEqual({ total: 10_000, deleted: 0, quarantined: 0, unknown: {} });
    expect(stats.violations).toBe(0);
    expect(stats.concurrencyRefused).toBe(0);
    expect(stats.buckets.filter(({ fullest, limit }) => fullest > limit * SHARE)).toEqual([]);
    expect(stats.repeats, JSON.stringify(stats.repeated)).toBeLessThanOrEqual(kills);
  });
});
