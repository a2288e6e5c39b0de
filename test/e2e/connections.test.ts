/** Several orgs in one Worker: nothing of one is seen, used or waited for by another. */
import { reset } from "cloudflare:test";
import { env } from "cloudflare:workers";
import { afterEach, beforeAll, beforeEach, describe, expect, test } from "vitest";
import {
  call,
  createOrg,
  differences,
  expectedDevices,
  expectedUsers,
  inventory,
  type Json,
  newestById,
  startRun,
  statusOf,
  sync,
  type TestOrg,
  until,
  untilIdle,
} from "../support/org.ts";

const tokens = { t15: "token-of-the-fifteenth-org", t16: "token-of-the-sixteenth-org" };

let a: TestOrg;
let b: TestOrg;

// Settings are read once, so these come before anything else. Each org takes its own token alone.
beforeAll(() => {
  Object.assign(env, { T15_API_TOKEN: tokens.t15, T16_API_TOKEN: tokens.t16 });
});

beforeEach(async () => {
  const common = { users: 40, groups: 8, devices: 12, limits: "published" } as const;
  a = await createOrg("t15", { ...common, seed: 15, token: tokens.t15 });
  b = await createOrg("t16", { ...common, seed: 16, token: tokens.t16 });
});

afterEach(() => reset());

const isOwn = async (org: TestOrg): Promise<void> => {
  const dump = await org.dump();
  const users = newestById(await inventory(org.connection));
  const devices = newestById(await inventory(org.connection, { stream: "devices" }));
  expect(differences(users, expectedUsers(dump))).toEqual([]);
  expect(differences(devices, expectedDevices(dump))).toEqual([]);
};

const lookUp = async (connection: string, account: string): Promise<Json> => {
  const response = await call(connection, "GET", `/v1/enrichments/accounts/${account}`);
  const { okta } = await response.json<{ okta: Json }>();
  return okta;
};

describe("two orgs", () => {
  test("have inventories of their own, filled side by side", async () => {
    for (const { connection } of [a, b]) {
      await startRun(connection, "full", "users");
      await startRun(connection, "full", "devices");
    }
    for (const { connection } of [a, b]) {
      expect(await untilIdle(connection, "users")).toMatchObject({ state: "done", error: null });
      expect(await untilIdle(connection, "devices")).toMatchObject({ state: "done", error: null });
    }
    await isOwn(a);
    await isOwn(b);
    const ids = async ({ connection }: TestOrg) => new Set(newestById(await inventory(connection)).keys());
    const [idsOfA, idsOfB] = await Promise.all([ids(a), ids(b)]);
    expect([...idsOfA].filter((id) => idsOfB.has(id))).toEqual([]);
  });

  test("with a person of the same id and login tell each its own", async () => {
    const person = {
      id: "00uSamePerson1234567",
      profile: { login: "same@example.com", email: "same@example.com" },
    };
    await a.change("POST", "/users", { ...person, profile: { ...person.profile, department: "Alpha" } });
    await b.change("POST", "/users", { ...person, profile: { ...person.profile, department: "Beta" } });
    for (const name of ["same@example.com", person.id]) {
      expect(await lookUp("t15", name)).toMatchObject({ extracted: { department: "Alpha" } });
      expect(await lookUp("t16", name)).toMatchObject({ extracted: { department: "Beta" } });
      expect(await lookUp("t15", name)).toMatchObject({ extracted: { department: "Alpha" }, cached: true });
    }
    const { keys } = await env.ENRICHMENT_CACHE.list();
    const owners = keys.map(({ name }) => name.split("/")[0]);
    expect(new Set(owners)).toEqual(new Set(["t15", "t16"]));
    expect(owners.filter((owner) => owner === "t15")).toHaveLength(owners.length / 2);
  });

  test("get each its own credential, and gates of their own", async () => {
    await sync("t15", "full", "users");
    const { byStatus } = await a.stats();
    expect(byStatus["401"]).toBeUndefined();
    expect((await b.stats()).total).toBe(0);
    expect((await statusOf("t16")).rate_limits).toEqual([]);
    expect((await statusOf("t15")).rate_limits.length).toBeGreaterThan(0);
  });

  test("share no backoff: one that is told to wait holds back itself alone", async () => {
    await a.fault({ match: { endpoint: "GET /api/v1/users" }, kind: "429", resetInMs: 30_000 });
    await startRun("t15");
    await until("t15", ({ rate_limits }) => rate_limits.some((bucket) => bucket.backing_off_until !== null));
    expect(await sync("t16")).toMatchObject({ state: "done", error: null });
    const backingOff = (await statusOf("t16")).rate_limits.filter(
      ({ backing_off_until }) => backing_off_until !== null,
    );
    expect(backingOff).toEqual([]);
  });

  test.each([
    ["answers nothing but 503", { kind: "503" }],
    // Far longer than the test may take: who waits for it never ends.
    ["hangs", { kind: "slow", ms: 600_000 }],
    ["refuses the credential", { kind: "401" }],
    ["answers garbage", { kind: "html" }],
  ] as const)("do not wait for each other when one %s", async (_, fault) => {
    await a.fault({ match: { path: "/api/" }, ...fault });
    await startRun("t15", "full", "users");
    await startRun("t15", "full", "devices");
    const lookUpAtA = lookUp("t15", "nobody@example.com");
    expect(await sync("t16")).toMatchObject({ state: "done", error: null });
    expect(await lookUp("t16", "nobody@example.com")).toMatchObject({ success: true, found: false });
    const status = await statusOf("t15");
    expect(["running", "backing_off"]).toContain(status.state);
    expect(status.assets.total).toBe(0);
    expect((await b.stats()).violations).toBe(0);
    await call("t15", "DELETE", "/v1/streams/users/runs/current");
    await call("t15", "DELETE", "/v1/streams/devices/runs/current");
    expect(await lookUpAtA).toMatchObject({ success: false });
    await a.clearFaults();
    const dump = await b.dump();
    expect(differences(newestById(await inventory("t16")), expectedUsers(dump))).toEqual([]);
  });

  test("are told apart in the metrics", async () => {
    await sync("t15", "full", "devices");
    const text = await (await call("t15", "GET", "/metrics")).text();
    const assets = [...text.matchAll(/^okta_edge_assets\{([^}]*)\} (\d+)$/gm)].map(([, labels, value]) => [
      /connection="([^"]+)"/.exec(labels ?? "")?.[1],
      /stream="([^"]+)"/.exec(labels ?? "")?.[1],
      Number(value),
    ]);
    expect(assets).toContainEqual(["t15", "devices", 12]);
    expect(assets).toContainEqual(["t16", "devices", 0]);
  });
});
