/**
 * Trouble as a person hears of it: the whole Worker in the real runtime, beside a simulated org and a receiver that get into
 * trouble one after another. Each situation has its attention, its alert, its line on the overview and its metric, and
 * all of them end with it.
 */
import { setTimeout as sleep } from "node:timers/promises";
import { exportJWK, generateKeyPair } from "jose";
import { afterAll, beforeAll, expect, inject, test } from "vitest";
import { createOktaOrg, type OktaOrg } from "../../dev/okta-org/index.ts";
import type { Alert } from "../../src/contract/alerts.ts";
import type { Attention, StreamStatus } from "../../src/contract/status.ts";
import { serveFetch } from "../support/serve-fetch.ts";
import { KEY, WorkerProcess } from "../support/worker-process.ts";

const PATIENCE_MS = 60_000;

const cleanUp: (() => Promise<void>)[] = [];
afterAll(async () => {
  for (const clean of cleanUp) await clean();
});

let org: OktaOrg;
let other: OktaOrg;
let answering: OktaOrg;
let worker: WorkerProcess;
let receiver: (request: Request) => Response | Promise<Response>;
/** What the channel has been told, as it came. */
const alerts: Alert[] = [];
let cookie = "";

const taken = (): Response => new Response(null, { status: 202 });

const control = async (method: string, path: string, body?: unknown): Promise<Record<string, unknown>> => {
  const answer = await answering.fetch(
    new Request(`https://org.invalid/_org${path}`, {
      method,
      headers: { "content-type": "application/json" },
      ...(body !== undefined && { body: JSON.stringify(body) }),
    }),
  );
  expect(answer.ok).toBe(true);
  return answer.json();
};

/** What the credential may not do; everything else as it was. */
const restrict = async (options: object): Promise<void> => {
  await control("POST", "/restrict", { limits: "none", ...options });
};

const until = async <T>(look: () => Promise<T>, isWanted: (value: T) => boolean): Promise<T> => {
  const deadline = Date.now() + PATIENCE_MS;
  for (;;) {
    const value = await look();
    if (isWanted(value)) return value;
    if (Date.now() > deadline) throw new Error(`not in time: ${JSON.stringify(value)}\n${worker.output}`);
    await sleep(50);
  }
};

const cron = async (full = false): Promise<void> => {
  const answer = await worker.request(
    "GET",
    `/cdn-cgi/local/scheduled?cron=${full ? "0+2+*+*+*" : "*/15+*+*+*+*"}`,
  );
  expect(answer.status).toBe(200);
};
const statusOf = async (stream = "users"): Promise<StreamStatus> =>
  (await worker.request("GET", `/v1/streams/${stream}`)).json();
const rest = () =>
  until(
    () => statusOf(),
    ({ run, delta }) => run === null && delta === null,
  );
const metricOf = async (code: string): Promise<string | undefined> => {
  const text = await (await worker.request("GET", "/metrics")).text();
  return text
    .split("\n")
    .find(
      (line) =>
        line.startsWith("okta_edge_attention{") &&
        line.includes('stream="users"') &&
        line.includes(`code="${code}"`),
    )
    ?.split(" ")
    .at(-1);
};
/** The overview's lines, in their order, as text. */
const concerns = async (): Promise<string[]> => {
  const html = await (await fetch(`${worker.url}/`, { headers: { cookie } })).text();
  return [...html.matchAll(/<li class="concern[^"]*">(.*?)<\/li>/gs)].map(([, item = ""]) =>
    item
      .replace(/<[^>]*>/g, "")
      .replace(/\s+/g, " ")
      .replaceAll("&#39;", "'")
      .trim(),
  );
};

const ofUsers = (code: string, resolved: boolean) => (alert: Alert) =>
  alert.stream === "users" && alert.code === code && alert.resolved === resolved;

/** The situation is on: it is said everywhere, in the same words. @returns the attention */
const isTold = async (code: Attention["code"]): Promise<Attention> => {
  const { attention } = await until(
    () => statusOf(),
    (status) => status.attention.some((need) => need.code === code),
  );
  const need = attention.find((one) => one.code === code);
  if (need === undefined) throw new Error(`no attention ${code}`);
  const [alert] = await until(
    async () => alerts.filter(ofUsers(code, false)),
    ({ length }) => length > 0,
  );
  expect(alert).toMatchObject({
    code,
    severity: need.severity,
    remedy: need.remedy,
    connection: "default",
    stream: "users",
    since: need.since,
    resolved: false,
    link: expect.stringContaining("https://okta.example.com/console/"),
  });
  const listed: { alerts: Alert[] } = await (await worker.request("GET", "/v1/alerts")).json();
  expect(listed.alerts).toContainEqual(
    expect.objectContaining({ code, stream: "users", detail: need.detail, remedy: need.remedy }),
  );
  expect(await metricOf(code)).toBe("1");
  return need;
};

/** The situation is over, and nothing says anything else. */
const hasEnded = async (code: Attention["code"]): Promise<void> => {
  await until(
    () => statusOf(),
    ({ attention }) => attention.every((need) => need.code !== code),
  );
  await until(
    async () => alerts.filter(ofUsers(code, true)),
    ({ length }) => length > 0,
  );
  expect(await metricOf(code)).toBe("0");
  // Told once, and taken back once.
  expect(
    alerts
      .filter(({ code: one, stream }) => one === code && stream === "users")
      .map(({ resolved }) => resolved),
  ).toEqual([false, true]);
};

beforeAll(async () => {
  const options = { users: 40, groups: 5, devices: 4, limits: "none" } as const;
  org = createOktaOrg({ ...options, seed: 1 });
  other = createOktaOrg({ ...options, seed: 2 });
  answering = org;
  receiver = taken;
  const oktaServer = await serveFetch((request) => answering.fetch(request));
  const siem = await serveFetch((request) => receiver(request));
  const channel = await serveFetch(async (request) => {
    alerts.push(await request.json());
    return new Response("ok");
  });
  worker = await WorkerProcess.create(inject("build"), {
    OKTA_BASE_URL: oktaServer.url,
    OKTA_API_TOKEN: "sim-token",
    SINKS: JSON.stringify([{ type: "http", name: "siem", url: `${siem.url}/in` }]),
    ALERTS: JSON.stringify([{ type: "webhook", name: "soc", url_secret: "SOC_URL" }]),
    SOC_URL: `${channel.url}/very-secret-path`,
    PUBLIC_URL: "https://okta.example.com",
  });
  cleanUp.push(async () => {
    await worker.remove();
    for (const server of [oktaServer, siem, channel]) await server.close();
  });
  await worker.start();
  const signedIn = await fetch(`${worker.url}/console/sign-in`, {
    method: "POST",
    redirect: "manual",
    headers: { "content-type": "application/x-www-form-urlencoded", "sec-fetch-site": "same-origin" },
    body: new URLSearchParams({ key: KEY, next: "/" }),
  });
  cookie = (signedIn.headers.get("set-cookie") ?? "").split(";")[0] ?? "";
  await cron(true);
  await until(
    () => statusOf(),
    ({ last_full, sinks }) => last_full !== null && sinks[0]?.lag_events === 0,
  );
  expect((await statusOf()).attention).toEqual([]);
  expect(alerts).toEqual([]);
});

test("a revoked token: within 15 s the overview's first line says what happened and what to do", async () => {
  await restrict({ token: null });
  const began = Date.now();
  await cron();
  const [first] = await until(concerns, ([line]) => line?.includes("refuses the credential") ?? false);
  expect(Date.now() - began).toBeLessThan(15_000);
  expect(first).toContain("Create a token under Security");
  await isTold("credential_rejected");
  expect((await concerns()).filter((line) => line.includes("refuses the credential"))).toHaveLength(1);
  await restrict({ token: "sim-token" });
  await worker.request("POST", "/v1/streams/users/runs", { kind: "delta" });
  await worker.request("POST", "/v1/streams/devices/runs", { kind: "delta" });
  await hasEnded("credential_rejected");
  await rest();
});

test("a role that is taken away, and given back", async () => {
  await restrict({ forbid: ["roles", "groupRoles", "assignees"] });
  await cron(true);
  await rest();
  const { detail } = await isTold("permission_lost");
  expect(detail).toContain("who has admin roles");
  expect((await concerns()).join("\n")).toContain("who has admin roles");
  expect((await statusOf()).assets.unknown).toHaveProperty("roles");
  await restrict({ forbid: [] });
  await cron();
  await hasEnded("permission_lost");
  await rest();
  expect((await statusOf()).assets.unknown).toEqual({});
});

test("a receiver whose door is shut", async () => {
  receiver = () => new Response("who are you, jane@example.com?", { status: 401 });
  const [user] = org.dump().users.filter(({ status }) => status === "ACTIVE");
  await control("POST", `/users/${user?.id}/suspend`);
  await cron();
  const { detail } = await isTold("sink_stopped");
  expect(detail).toContain("jane@example.com");
  // The alert repeats nothing that the receiver has said.
  expect(JSON.stringify(alerts)).not.toContain("jane@example.com");
  expect((await concerns())[0]).toContain("siem");
  receiver = taken;
  await hasEnded("sink_stopped");
});

test("a receiver that refuses every event", async () => {
  receiver = () => new Response("no such field", { status: 400 });
  const [user] = org.dump().users.filter(({ status }) => status === "ACTIVE");
  await control("POST", `/users/${user?.id}/suspend`);
  await cron();
  await isTold("sink_refusing");
  receiver = taken;
  await hasEnded("sink_refusing");
});

test("deletions that wait for a person", async () => {
  const users = org.dump().users;
  for (const { id } of users.slice(0, 20)) await control("POST", `/users/${id}/delete?silent=true`);
  await cron(true);
  await rest();
  const { detail } = await isTold("deletions_held");
  expect(detail).toContain("20 known assets");
  expect((await concerns()).join("\n")).toContain("20 deletions of users wait");
  await worker.request("POST", "/v1/streams/users/deletions/confirm");
  await hasEnded("deletions_held");
});

test("another org at the same address", async () => {
  answering = other;
  await cron();
  await isTold("org_changed");
  expect((await concerns())[0]).toContain("answers at");
  answering = org;
  await worker.request("POST", "/v1/streams/users/runs", { kind: "delta" });
  await hasEnded("org_changed");
});

test("settings that become invalid", async () => {
  await worker.kill();
  await worker.start({ OKTA_API_TOKEN: "" });
  await cron();
  const [alert] = await until(
    async () => alerts.filter(ofUsers("misconfigured", false)),
    ({ length }) => length > 0,
  );
  expect(alert?.link).toContain("/console/connection");
  await worker.kill();
  await worker.start({ OKTA_API_TOKEN: "sim-token" });
  await cron();
  await until(
    async () => alerts.filter(ofUsers("misconfigured", true)),
    ({ length }) => length > 0,
  );
});

test("a scope that is taken away from a service app, and granted again", async () => {
  const { publicKey, privateKey } = await generateKeyPair("ES256", { extractable: true });
  const key = await exportJWK(privateKey);
  const scopes = ["users", "groups", "roles", "devices", "logs"].map((name) => `okta.${name}.read`);
  const grant = async (granted: readonly string[]): Promise<void> => {
    const jwks = { keys: [{ ...(await exportJWK(publicKey)), kid: "k1" }] };
    await control("POST", "/oauth-clients", { clientId: "0oa1", jwks, scopes: granted });
    await control("POST", "/oauth-tokens/revoke");
  };
  await grant(scopes);
  await worker.kill();
  await worker.start({
    OKTA_API_TOKEN: "",
    OKTA_CLIENT_ID: "0oa1",
    OKTA_PRIVATE_KEY: JSON.stringify({ ...key, kid: "k1" }),
  });
  await cron(true);
  await rest();
  alerts.length = 0;

  await grant(scopes.filter((scope) => scope !== "okta.roles.read"));
  await cron(true);
  await rest();
  const { detail, remedy } = await isTold("permission_lost");
  expect(detail).toContain("admin roles");
  expect(remedy).toContain("okta.roles.read");
  expect((await concerns()).join("\n")).toContain("okta.roles.read");

  await grant(scopes);
  await cron();
  await hasEnded("permission_lost");
  await rest();
  expect((await statusOf()).assets.unknown).toEqual({});
  expect(JSON.stringify(alerts)).not.toContain(String(key.d));
});

test("no alert holds a secret", () => {
  expect(JSON.stringify(alerts)).not.toMatch(/sim-token|very-secret-path/);
});
