import { abortAllDurableObjects, reset } from "cloudflare:test";
import { env } from "cloudflare:workers";
import { afterEach, beforeAll, describe, expect, test } from "vitest";
import {
  call,
  createOrg,
  differences,
  expectedUsers,
  inventory,
  newestById,
  startRun,
  type TestOrg,
  until,
  untilIdle,
} from "../support/org.ts";
import { type AppKey, CLIENT, makeAppKey } from "./oauth-support.ts";

/** This file's connections are service apps; settings are read once, so these come first. */
const CONNECTIONS = ["t17", "t18", "t19"] as const;
type ConnectionId = (typeof CONNECTIONS)[number];

const TIMEOUT_MS = 40_000;

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

const makeOrg = async (id: ConnectionId, client: object = {}, options: object = {}): Promise<TestOrg> => {
  // Another seed makes other tokens: one that the Worker still holds from the test before must be worthless.
  const seed = Math.floor(Math.random() * 1e9);
  const org = await createOrg(id, { seed, users: 150, groups: 12, devices: 5, token: null, ...options });
  await register(org, keys[id], client);
  return org;
};

const isComplete = async (org: TestOrg): Promise<void> => {
  const dump = await org.dump();
  expect(differences(newestById(await inventory(org.connection)), expectedUsers(dump))).toEqual([]);
};

/** Waits until the run is reading factors. */
const midway = (id: string) => until(id, ({ run }) => (run?.calls.made ?? 0) >= 40);

describe("a full run with a service app", { timeout: TIMEOUT_MS }, () => {
  test("takes one token, with users, devices and look-ups at once", async () => {
    const org = await makeOrg("t17");
    await startRun("t17", "full", "users");
    await startRun("t17", "full", "devices");
    const lookUps = await Promise.all(
      ["a", "b", "c", "d"].map((name) => call("t17", "GET", `/v1/enrichments/accounts/${name}@example.com`)),
    );
    expect(lookUps.map(({ status }) => status)).toEqual([200, 200, 200, 200]);
    expect(await untilIdle("t17", "users")).toMatchObject({ state: "done", error: null });
    expect(await untilIdle("t17", "devices")).toMatchObject({ state: "done", error: null });
    await isComplete(org);
    const { tokenRequests, byStatus } = await org.stats();
    expect(tokenRequests).toBe(2); // the first one meets the nonce
    expect(byStatus["403"]).toBeUndefined();
  });

  test("ends complete when the token is revoked midway, at one more request", async () => {
    const org = await makeOrg("t17");
    await startRun("t17");
    await midway("t17");
    await org.control("POST", "/oauth-tokens/revoke");
    expect(await untilIdle("t17")).toMatchObject({ state: "done", error: null });
    await isComplete(org);
    expect((await org.stats()).tokenRequests).toBe(3);
  });

  test("ends complete with tokens that live for two seconds", async () => {
    const org = await makeOrg("t18", { tokenLifetimeSeconds: 2 }, { latencyMs: 100 });
    const startedAt = Date.now();
    await startRun("t18");
    expect(await untilIdle("t18")).toMatchObject({ state: "done", error: null });
    const lifetimes = Math.ceil((Date.now() - startedAt) / 1800);
    await isComplete(org);
    const { tokenRequests, byStatus } = await org.stats();
    expect(tokenRequests).toBeGreaterThan(2);
    expect(tokenRequests).toBeLessThanOrEqual(1 + lifetimes);
    // Renewed ahead of time: no call met an expired token.
    expect(byStatus["401"]).toBeUndefined();
  });

  test("keeps its token in storage: a gate that starts again requests none", async () => {
    const org = await makeOrg("t17");
    await startRun("t17", "full", "devices");
    expect(await untilIdle("t17", "devices")).toMatchObject({ state: "done", error: null });
    const before = await env.OKTA_GATE.getByName("t17").accessToken("t17", null);
    await abortAllDurableObjects();
    // The gate knows its connection by its own name, whatever it is told.
    expect(await env.OKTA_GATE.getByName("t17").accessToken("", null)).toEqual(before);
    expect((await org.stats()).tokenRequests).toBe(2);
  });

  test("waits when the key is rotated during a run, says why, and ends complete once the key is valid again", async () => {
    const org = await makeOrg("t19");
    await startRun("t19");
    await midway("t19");
    const fresh = await makeAppKey("RS256", "k2");
    await register(org, fresh);
    await org.resetStats();
    await org.control("POST", "/oauth-tokens/revoke");
    const waiting = await until("t19", ({ state }) => state === "backing_off");
    expect(waiting.detail).toContain("invalid_client");
    expect(waiting.detail).toContain("Check the client ID");
    expect((await org.stats()).tokenRequests).toBe(1);
    // Somebody puts the old key back; the new one would come with a new deployment.
    await register(org, keys.t19);
    expect(await untilIdle("t19")).toMatchObject({ state: "done", error: null });
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
