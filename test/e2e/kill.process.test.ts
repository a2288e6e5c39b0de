/**
 * The whole Worker in the real runtime, killed again and again while it syncs an org with Okta's published limits
 * (windows shortened from 60 s to 3 s): what it has in the end is what the org has. With `LONG_TESTS=1` the org is a
 * large one; `KILLS=0` looks at an undisturbed run, which repeats nothing.
 */
import { setTimeout as sleep } from "node:timers/promises";
import { afterAll, describe, expect, inject, test } from "vitest";
import { createOktaOrg } from "../../dev/okta-org/index.ts";
import { createRandom } from "../../dev/okta-org/org/random.ts";
import { differences, expectedUsers, newestById } from "../support/expected.ts";
import { readEvents } from "../support/pages.ts";
import { long, seed } from "../support/seeds.ts";
import { serveFetch } from "../support/serve-fetch.ts";
import { WorkerProcess } from "../support/worker-process.ts";

const SHARE = 0.5;
const size = long ? { users: 10_000, groups: 1000 } : { users: 1500, groups: 150 };
const kills = Number(process.env["KILLS"] ?? (long ? 20 : 6));
/** The longest lives, ms: short ones while the lists are read, which takes seconds, and longer ones for the factors. */
const lives = long ? { lists: 2500, factors: 8000 } : { lists: 800, factors: 2500 };

const cleanUp: (() => Promise<void>)[] = [];
afterAll(async () => {
  for (const clean of cleanUp) await clean();
});

describe("killed at any instant", () => {
  test(`an org of ${size.users} users, ${kills} kills, seed ${seed}`, { timeout: 900_000 }, async () => {
    const org = createOktaOrg({ ...size, devices: 0, windowMs: 3000, seed: 1 });
    const server = await serveFetch(org.fetch);
    const worker = await WorkerProcess.create(inject("build"), {
      OKTA_BASE_URL: server.url,
      OKTA_API_TOKEN: "sim-token",
      OKTA_RATE_LIMIT_SHARE: String(SHARE),
    });
    cleanUp.push(async () => {
      await worker.remove();
      await server.close();
    });
    const random = createRandom(seed, "kills");
    const phases = new Map<string, number>();
    const startedAt = Date.now();

    await worker.start();
    await worker.request("POST", "/v1/streams/users/runs", { kind: "full" });
    for (let killed = 0; killed < kills; killed++) {
      await sleep(random.int(killed < kills / 2 ? lives.lists : lives.factors));
      const before = await worker.status("users");
      await sleep(random.int(200));
      await worker.kill();
      const phase = before === null ? "not up" : (before.run?.phase ?? "none");
      phases.set(phase, (phases.get(phase) ?? 0) + 1);
      await worker.start();
    }
    let status = await worker.status("users");
    for (; status?.run !== null; status = await worker.status("users")) await sleep(250);

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
    const events = await readEvents((path) => worker.request("GET", path), "/v1/inventory/users?limit=1000");
    expect(differences(newestById(events), expectedUsers(org.dump()))).toEqual([]);
    expect(status.assets).toEqual({ total: size.users, deleted: 0, quarantined: 0, unknown: {} });
    expect(stats.violations).toBe(0);
    expect(stats.concurrencyRefused).toBe(0);
    expect(stats.buckets.filter(({ fullest, limit }) => fullest > limit * SHARE)).toEqual([]);
    expect(stats.repeats, JSON.stringify(stats.repeated)).toBeLessThanOrEqual(kills);
  });
});
