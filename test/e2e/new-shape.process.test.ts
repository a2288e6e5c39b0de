/**
 * The whole Worker in the real runtime, deployed again and again with other MFA_IGNORED_FACTORS, and killed while it gives
 * its assets new numbers: a puller that follows `after` has what the last settings say, and no id had two contents.
 */
import { setTimeout as sleep } from "node:timers/promises";
import { afterAll, expect, inject, test } from "vitest";
import { createOktaOrg } from "../../dev/okta-org/index.ts";
import { createRandom } from "../../dev/okta-org/org/random.ts";
import { partOf, uidOf } from "../support/expected.ts";
import { readEvents } from "../support/pages.ts";
import { long, seed } from "../support/seeds.ts";
import { serveFetch } from "../support/serve-fetch.ts";
import { WorkerProcess } from "../support/worker-process.ts";

const USERS = long ? 20_000 : 2_500;
const KILLS = long ? 10 : 3;
const IGNORED = ["push", "sms", "email", "question", "webauthn"];

const cleanUp: (() => Promise<void>)[] = [];
afterAll(async () => {
  for (const clean of cleanUp) await clean();
});

test(`${USERS} users, seed ${seed}`, { timeout: 600_000 }, async () => {
  const org = createOktaOrg({ users: USERS, groups: 5, devices: 0, limits: "none", seed: 1 });
  const server = await serveFetch(org.fetch);
  const worker = await WorkerProcess.create(inject("build"), {
    OKTA_BASE_URL: server.url,
    OKTA_API_TOKEN: "sim-token",
  });
  cleanUp.push(async () => {
    await worker.remove();
    await server.close();
  });
  const random = createRandom(seed, "new shapes");
  const seen = new Map<string, string>();
  const hasMfa = new Map<string, unknown>();
  let after = 0;
  const pull = async (): Promise<number> => {
    const events = await readEvents(
      (path) => worker.request("GET", path),
      `/v1/inventory/users?after=${after}&limit=1000&dialect=ocsf`,
    );
    for (const event of events) {
      const id = String(partOf(event, "metadata")["uid"]);
      const content = JSON.stringify(event);
      expect(seen.get(id) ?? content).toBe(content);
      seen.set(id, content);
      hasMfa.set(uidOf(event), partOf(event, "user")["has_mfa"]);
      after = Number(id.split("/").at(-1));
    }
    return events.length;
  };
  const enrolled = (): number => [...hasMfa.values()].filter((value) => value === true).length;

  await worker.start();
  await worker.request("POST", "/v1/streams/users/runs", { kind: "full" });
  let status = await worker.status("users");
  for (; status?.run !== null; status = await worker.status("users")) await sleep(100);
  expect(await pull()).toBe(USERS);
  const { users } = org.dump();
  const enrolledBut = (ignored: readonly string[]): number =>
    users.filter(({ factors }) =>
      factors.some(({ status: is, factorType }) => is === "ACTIVE" && !ignored.includes(factorType)),
    ).length;
  expect(enrolled()).toBe(enrolledBut([]));
  expect(enrolledBut(IGNORED)).toBeLessThan(enrolledBut([]));

  for (const ignored of [IGNORED, []]) {
    await worker.kill();
    await worker.start({ MFA_IGNORED_FACTORS: ignored.join() });
    for (let kill = 0; kill < KILLS; kill++) {
      // The reading begins to give new numbers, and ends with the Worker.
      const reading = pull().catch(() => 0);
      await sleep(random.int(60));
      await worker.kill();
      await reading;
      await worker.start();
    }
    while ((await pull()) > 0);
    expect(enrolled()).toBe(enrolledBut(ignored));
    expect((await worker.status("users"))?.head).toBe(after);
  }
  // Settings that stay the same give no new numbers.
  await worker.kill();
  await worker.start();
  expect(await pull()).toBe(0);
});
