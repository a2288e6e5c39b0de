import { Client } from "@okta/okta-sdk-nodejs";
import { exportJWK, generateKeyPair } from "jose";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import type { LocalServer } from "../../dev/lib/local-server.ts";
import { createOktaOrg, type OktaOrg, type OrgDump } from "../../dev/okta-org/index.ts";
import { serveFetch } from "../support/serve-fetch.ts";

// Okta's own client is the witness: what it pages through is what the org holds.

let org: OktaOrg;
let dump: OrgDump;
let server: LocalServer;
let url: string;

const ids = async (collection: AsyncIterable<unknown>): Promise<string[]> => {
  const found: string[] = [];
  for await (const item of collection) {
    // The client's collection ends with one empty value.
    if (item !== null && typeof item === "object") found.push(String(Reflect.get(item, "id")));
  }
  return found;
};

beforeAll(async () => {
  org = createOktaOrg({ users: 450, groups: 40, devices: 250, limits: "none", seed: 5 });
  dump = org.dump();
  server = await serveFetch(org.fetch);
  url = server.url;
});

afterAll(() => server.close());

describe("Okta's own client with an API token", () => {
  const client = () => new Client({ orgUrl: url, token: "sim-token" });

  test("pages all users by search, and all but the deprovisioned ones plainly", async () => {
    const everyone = await ids(await client().userApi.listUsers({ search: 'status lt "ZZZ"', limit: 100 }));
    expect(everyone).toEqual(dump.users.map((user) => user.id));
    const plain = await ids(await client().userApi.listUsers({ limit: 200 }));
    const present = dump.users.filter((user) => user.status !== "DEPROVISIONED").map((user) => user.id);
    expect(plain).toEqual(present);
  });

  test("reads one user by login", async () => {
    const wanted = dump.users[0];
    const user = await client().userApi.getUser({ userId: String(wanted?.profile["login"]) });
    expect(user.id).toBe(wanted?.id);
    expect(user.created?.toISOString()).toBe(wanted?.created);
  });

  test("pages groups and the members of the largest one", async () => {
    expect(await ids(await client().groupApi.listGroups({ limit: 15 }))).toEqual(
      dump.groups.map((g) => g.id),
    );
    const group = dump.groups[1];
    const members = await ids(
      await client().groupApi.listGroupUsers({ groupId: group?.id ?? "", limit: 60 }),
    );
    const wanted = dump.users.filter((user) => user.groups.includes(group?.id ?? "")).map((user) => user.id);
    expect(members).toEqual(wanted);
    expect(members.length).toBe(group?.usersCount);
  });

  test("reads factors and roles, the inherited ones included", async () => {
    for (const user of dump.users.filter((candidate) => candidate.factors.length > 0).slice(0, 10)) {
      const factors = await ids(await client().userFactorApi.listFactors({ userId: user.id }));
      expect(factors).toEqual(user.factors.map((factor) => factor.id));
    }
    const inherited = dump.users.filter((user) => user.roles.some((role) => role.assignmentType === "GROUP"));
    expect(inherited.length).toBeGreaterThan(0);
    for (const user of inherited.slice(0, 5)) {
      const roles = await ids(await client().roleAssignmentApi.listAssignedRolesForUser({ userId: user.id }));
      expect(roles).toEqual(user.roles.map((role) => role.id));
    }
  });

  test("pages devices with their users", async () => {
    const found: string[] = [];
    const collection = await client().deviceApi.listDevices({ limit: 90, expand: "userSummary" });
    for await (const device of collection) if (device) found.push(device.id ?? "");
    expect(found).toEqual(dump.devices.map((device) => device.id));
  });

  test("polls the log", async () => {
    const since = new Date(Date.now() - 1000).toISOString();
    const user = dump.users[3]?.id ?? "";
    await org.fetch(new Request(`${url}/_org/users/${user}/sign-in`, { method: "POST" }));
    const collection = await client().systemLogApi.listLogEvents({ since, sortOrder: "ASCENDING" });
    const first = await collection.next();
    expect(first.value?.eventType).toBe("user.session.start");
    expect(first.value?.actor?.id).toBe(user);
  });
});

describe("Okta's own client as a service app", () => {
  test.each([
    ["with DPoP", true],
    ["without DPoP", false],
  ])("gets a token and lists users %s", async (_name, dpop) => {
    const { publicKey, privateKey } = await generateKeyPair("RS256", { extractable: true });
    const clientId = `0oa${dpop ? "dpop" : "bearer"}`;
    const jwk = { ...(await exportJWK(publicKey)), kid: "k1", kty: "RSA" };
    org.state.oauth.putClients([
      {
        clientId,
        jwks: { keys: [jwk] },
        scopes: ["okta.users.read"],
        dpop,
        adminRole: true,
        tokenLifetimeSeconds: 3600,
      },
    ]);
    const client = new Client({
      orgUrl: url,
      authorizationMode: "PrivateKey",
      clientId,
      scopes: ["okta.users.read", "okta.groups.read"],
      privateKey: { ...(await exportJWK(privateKey)), kid: "k1" },
      keyId: "k1",
    });
    const users = await ids(await client.userApi.listUsers({ search: "status pr" }));
    expect(users).toEqual(dump.users.map((user) => user.id));
    // A scope that was dropped silently shows up as a refusal of the call.
    await expect((await client.groupApi.listGroups()).next()).rejects.toThrow();
  });
});
