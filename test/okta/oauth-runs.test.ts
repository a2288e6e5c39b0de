import { abortAllDurableObjects, reset, runDurableObjectAlarm } from "cloudflare:test";
import { env } from "cloudflare:workers";
import { afterEach, beforeAll, describe, expect, test } from "vitest";
import type { RunDocument } from "../../src/contract/status.ts";
import type { StreamName } from "../../src/contract/streams.ts";
import {
  call,
  createOrg,
  differences,
  expectedUsers,
  inventory,
  newestById,
  startRun,
  statusOf,
  streamStub,
  type TestOrg,
} from "../support/org.ts";
import { passTime } from "../support/time.ts";
import { type AppKey, CLIENT, makeAppKey } from "./oauth-support.ts";

/** This file's connections are service apps; settings are read once, so these come first. */
const CONNECTIONS = ["t17", "t18", "t19"] as const;
type ConnectionId = (typeof CONNECTIONS)[number];

let keys: Record<ConnectionId, AppKey>;

beforeAll(async () => {
  keys = {
    t17: await makeAppKey("RS256", "k1"),
    t18: await makeAppKey("ES256", "k1"),
    t19: await makeAppKey("RS256", "k1"),
  };
  for (const id of CONNECTIONS) {
    const prefix = id.toUpperCase();
    Reflect.deleteProperty(env, `${prefix}_API_TOKEN`);
    Object.assign(env, {
      [`${prefix}_CLIENT_ID`]: CLIENT,
      [`${prefix}_PRIVATE_KEY`]: id === "t18" ? keys[id].pem : keys[id].privateJwk,
      [`${prefix}_KEY_ID`]: "k1",
    });
  }
});

afterEach(() => reset());

const register = (org: TestOrg, key: AppKey, client: object = {}): Promise<unknown> =>
  org.control("POST", "/oauth-clients", { clientId: CLIENT, jwks: { keys: [key.publicJwk] }, ...client });

let orgs = 0;

const makeOrg = async (id: ConnectionId, client: object = {}, options: object = {}): Promise<TestOrg> => {
  // Another seed makes other tokens: one that the Worker still holds from the test before must be worthless.
  orgs += 1;
  const org = await createOrg(id, {
    seed: orgs,
    users: 150,
    groups: 12,
    devices: 5,
    token: null,
    clockOffsetMs: passed,
    ...options,
  });
  await register(org, keys[id], client);
  return org;
};

/** How far the clocks of this file are ahead of the real one, so that no alarm fires unless a test fires it. */
let passed = 3_600_000;
passTime(passed);

const passTimeForBoth = async (org: TestOrg, ms: number): Promise<void> => {
  passed += ms;
  passTime(ms);
  await org.advance(ms);
};

/** Does the work of the stream's next alarm. @returns whether there was one */
const slice = ({ connection }: TestOrg, stream: StreamName = "users"): Promise<boolean> =>
  runDurableObjectAlarm(streamStub(connection, stream));

/** Works until no run is on and returns the last one. */
const finish = async (org: TestOrg, stream: StreamName = "users"): Promise<RunDocument | undefined> => {
  while (await slice(org, stream)) await scheduler.wait(5);
  const [last] = await streamStub(org.connection, stream).runs();
  return last;
};

const isComplete = async (org: TestOrg): Promise<void> => {
  const dump = await org.dump();
  expect(differences(newestById(await inventory(org.connection)), expectedUsers(dump))).toEqual([]);
};

describe("a full run with a service app", () => {
  test("takes one token, with users, devices and look-ups at once", async () => {
    const org = await makeOrg("t17");
    await startRun("t17", "full", "users");
    await startRun("t17", "full", "devices");
    const [users, devices, ...answers] = await Promise.all([
      finish(org, "users"),
      finish(org, "devices"),
      ...["a", "b", "c", "d"].map((name) =>
        call("t17", "GET", `/v1/enrichments/accounts/${name}@example.com`),
      ),
    ]);
    expect(users).toMatchObject({ state: "done", error: null });
    expect(devices).toMatchObject({ state: "done", error: null });
    expect(answers.map(({ status }) => status)).toEqual([200, 200, 200, 200]);
    await isComplete(org);
    const { tokenRequests, byStatus } = await org.stats();
    expect(tokenRequests).toBe(2); // the first one meets the nonce
    expect(byStatus["403"]).toBeUndefined();
  });

  test("ends complete when the token is revoked midway, at one more request", async () => {
    const org = await makeOrg("t17");
    await startRun("t17");
    await slice(org);
    await org.control("POST", "/oauth-tokens/revoke");
    expect(await finish(org)).toMatchObject({ state: "done", error: null });
    await isComplete(org);
    expect((await org.stats()).tokenRequests).toBe(3);
  });

  test("ends complete with tokens that live for a minute, one for each of its slices", async () => {
    const org = await makeOrg("t18", { tokenLifetimeSeconds: 60 });
    await startRun("t18");
    let slices = 0;
    for (; await slice(org); slices++) await passTimeForBoth(org, 55_000);
    expect(slices).toBeGreaterThan(2);
    await isComplete(org);
    const { tokenRequests, byStatus } = await org.stats();
    expect(tokenRequests).toBeGreaterThan(2);
    expect(tokenRequests).toBeLessThanOrEqual(1 + slices); // the first one meets the nonce
    // Renewed ahead of time: no call met an expired token.
    expect(byStatus["401"]).toBeUndefined();
  });

  test("keeps its token in storage: a gate that starts again requests none", async () => {
    const org = await makeOrg("t17");
    await startRun("t17", "full", "devices");
    expect(await finish(org, "devices")).toMatchObject({ state: "done", error: null });
    const before = await env.OKTA_GATE.getByName("t17").accessToken("t17", null);
    await abortAllDurableObjects();
    // The gate knows its connection by its own name, whatever it is told.
    expect(await env.OKTA_GATE.getByName("t17").accessToken("", null)).toEqual(before);
    expect((await org.stats()).tokenRequests).toBe(2);
  });

  test("waits when the key is rotated during a run, says why, and ends complete once the key is valid again", async () => {
    const org = await makeOrg("t19");
    await startRun("t19");
    await slice(org);
    expect((await statusOf("t19")).run?.calls.made).toBeGreaterThan(20);
    await register(org, await makeAppKey("RS256", "k2"));
    await org.resetStats();
    await org.control("POST", "/oauth-tokens/revoke");
    await slice(org);
    const waiting = await statusOf("t19");
    expect(waiting).toMatchObject({ state: "backing_off", assets: { total: 150 } });
    expect(waiting.detail).toContain("invalid_client");
    expect(waiting.detail).toContain("Check the client ID");
    expect((await org.stats()).tokenRequests).toBe(1);
    // Somebody puts the old key back; the new one would come with a new deployment.
    await register(org, keys.t19);
    await passTimeForBoth(org, 60_000);
    expect(await finish(org)).toMatchObject({ state: "done", error: null });
    await isComplete(org);
  });

  test("shows what was granted, never the token", async () => {
    await makeOrg("t18", { scopes: ["okta.users.read", "okta.groups.read"] });
    await call("t18", "GET", "/v1/enrichments/accounts/nobody@example.com");
    const state = await env.OKTA_GATE.getByName("t18").credentialState();
    expect(state).toMatchObject({
      scopes: ["okta.users.read", "okta.groups.read"],
      missingScopes: ["okta.roles.read", "okta.devices.read", "okta.logs.read"],
      bound: true,
    });
    expect(Object.keys(state ?? {})).not.toContain("token");
  });
});
