/**
 * The whole Worker in the real runtime, deployed without one of its connections in the middle of a run, and with it again:
 * the run goes on; or, once a person had everything of it deleted, a new inventory begins.
 */
import { setTimeout as sleep } from "node:timers/promises";
import { afterAll, expect, inject, test } from "vitest";
import { createOktaOrg } from "../../dev/okta-org/index.ts";
import type { StreamStatus } from "../../src/contract/status.ts";
import { serveFetch } from "../support/serve-fetch.ts";
import { WorkerProcess } from "../support/worker-process.ts";

const PATIENCE_MS = 60_000;

const cleanUp: (() => Promise<void>)[] = [];
afterAll(async () => {
  for (const clean of cleanUp) await clean();
});

test("taken out during a run, back, taken out, deleted, back", async () => {
  const orgs = [1, 2].map((seed) =>
    createOktaOrg({ users: 40, groups: 3, devices: 0, limits: "none", seed }),
  );
  const [own, acme] = orgs;
  if (own === undefined || acme === undefined) throw new Error("no orgs");
  let isDown = false;
  let asked = 0;
  const ownServer = await serveFetch(own.fetch);
  const acmeServer = await serveFetch(async (request) => {
    asked += 1;
    return isDown ? new Response(null, { status: 503 }) : acme.fetch(request);
  });
  const withAcme = {
    CONNECTIONS: JSON.stringify([{ id: "acme", base_url: acmeServer.url, secret_prefix: "ACME_" }]),
  };
  const worker = await WorkerProcess.create(inject("build"), {
    OKTA_BASE_URL: ownServer.url,
    OKTA_API_TOKEN: "sim-token",
    ACME_API_TOKEN: "sim-token",
    ...withAcme,
  });
  cleanUp.push(async () => {
    await worker.remove();
    await ownServer.close();
    await acmeServer.close();
  });

  const until = async <T>(look: () => Promise<T>, isWanted: (value: T) => boolean): Promise<T> => {
    const deadline = Date.now() + PATIENCE_MS;
    for (;;) {
      const value = await look();
      if (isWanted(value)) return value;
      if (Date.now() > deadline) throw new Error(`not in time: ${JSON.stringify(value)}\n${worker.output}`);
      await sleep(50);
    }
  };
  const deploy = async (settings: Readonly<Record<string, string>>): Promise<void> => {
    await worker.kill();
    await worker.start(settings);
  };
  const cron = async (): Promise<void> => {
    const answer = await worker.request("GET", "/cdn-cgi/local/scheduled?cron=*/15+*+*+*+*");
    expect(answer.status).toBe(200);
  };
  const status = async (): Promise<StreamStatus> =>
    (await worker.request("GET", "/v1/streams/users?connection=acme")).json();
  const state = async (): Promise<string | null> => {
    const answer = await worker.request("GET", "/v1/connections/acme");
    return answer.ok ? ((await answer.json()) as { state: string }).state : null;
  };

  await worker.start();
  await cron();
  const { inventory } = await until(status, ({ run, last_full }) => run === null && last_full !== null);

  isDown = true;
  await worker.request("POST", "/v1/streams/users/runs?connection=acme", { kind: "full" });
  const { run } = await until(status, (now) => now.state === "backing_off");
  await deploy({ CONNECTIONS: "[]" });
  isDown = false;
  asked = 0;
  await cron();
  expect(await state()).toBe("removed");
  expect((await worker.request("GET", "/v1/streams/users?connection=acme")).status).toBe(404);
  // The other connection does a whole run meanwhile.
  await worker.request("POST", "/v1/streams/users/runs", { kind: "full" });
  await until(
    () => worker.status("users"),
    (now) => now?.run === null,
  );
  expect(asked).toBe(0);

  await deploy(withAcme);
  await cron();
  const back = await until(status, (now) => now.run === null);
  expect(back).toMatchObject({ inventory, last_full: { id: run?.id, state: "done" }, assets: { total: 40 } });
  expect(await state()).toBe("active");
  expect((await worker.request("DELETE", "/v1/connections/acme")).status).toBe(409);

  await deploy({ CONNECTIONS: "[]" });
  expect((await worker.request("DELETE", "/v1/connections/acme")).status).toBe(202);
  await until(state, (now) => now === null);

  await deploy(withAcme);
  await cron();
  const anew = await until(status, (now) => now.run === null && now.last_full !== null);
  expect(anew).toMatchObject({ last_full: { cause: "first", state: "done" }, assets: { total: 40 } });
  expect(anew.inventory).not.toBe(inventory);
  expect(anew.head).toBeGreaterThan(back.head);
});
