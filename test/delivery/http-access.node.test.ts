/** What an http sink proves itself with, against real local servers: headers, a secret address, access tokens. */
import { afterEach, expect, test } from "vitest";
import { parseSinks } from "../../src/delivery/settings.ts";
import { testSink } from "../../src/delivery/test-sink.ts";
import { eventOf } from "./events.ts";
import { HttpReceiver } from "./receivers/http.ts";
import type { Receiver } from "./receivers/receiver.ts";
import { type FaultyServer, serve } from "./receivers/server.ts";
import { TokenEndpoint } from "./receivers/token-endpoint.ts";

const started: FaultyServer[] = [];
afterEach(async () => {
  await Promise.all(started.splice(0).map((server) => server.close()));
});

const start = async (receiver: Receiver): Promise<FaultyServer> => {
  const server = await serve(receiver);
  started.push(server);
  return server;
};

const configured = (setting: object, secrets: Readonly<Record<string, string>> = {}) => {
  const { accepted, refused } = parseSinks([{ type: "http", name: "siem", ...setting }], {
    secret: (name) => secrets[name],
    binding: () => false,
    allowLoopback: true,
  });
  return accepted[0] ?? expect.fail(JSON.stringify(refused));
};

const deliver = (setting: object, secrets?: Readonly<Record<string, string>>) =>
  configured(setting, secrets)
    .open({ fetch, now: Date.now, connection: "default", stream: "users", binding: () => undefined })
    .deliver([eventOf(1), eventOf(2)]);

const trial = (setting: object, secrets?: Readonly<Record<string, string>>) =>
  testSink(configured(setting, secrets), { env: {}, connection: "default", fetch, now: Date.now });

/** A collector that keeps the headers and the path of what it took. */
class Recorder extends HttpReceiver {
  headers = new Headers();
  path = "";

  constructor() {
    super({ format: "json", gzip: false, token: null, hmacKey: null, now: Date.now });
  }

  override async handle(request: Request): Promise<Response> {
    const { pathname, search } = new URL(request.url);
    this.headers = request.headers;
    this.path = `${pathname}${search}`;
    return super.handle(request);
  }
}

test("headers go along with those that every request has", async () => {
  const receiver = new Recorder();
  const { url } = await start(receiver);
  const headers = { "X-Api-Key": { secret: "KEY" }, "X-Env": "prod" };
  expect(await deliver({ url, headers }, { KEY: "key-value-0123" })).toEqual({ kind: "accepted" });
  expect(Object.fromEntries(receiver.headers)).toMatchObject({
    "x-api-key": "key-value-0123",
    "x-env": "prod",
    "content-type": "application/json",
    "x-connection": "default",
    "x-stream": "users",
    "idempotency-key": expect.stringMatching(/^[0-9a-f]{64}$/),
  });
});

test("a secret address is used whole, and nothing of it is shown", async () => {
  const receiver = new Recorder();
  const server = await start(receiver);
  const secrets = { ADDRESS: `${server.url}/hooks/T0123456789abcdef?key=k-0123` };
  expect(await deliver({ url_secret: "ADDRESS" }, secrets)).toEqual({ kind: "accepted" });
  expect(receiver.path).toBe("/hooks/T0123456789abcdef?key=k-0123");
  const { port } = new URL(server.url);
  for (const fault of [
    { kind: "status", status: 404, body: `no ${receiver.path} at 127.0.0.1:${port}` },
    { kind: "status", status: 308, headers: { location: `${secrets.ADDRESS}/new` } },
    { kind: "reset" },
  ] as const) {
    server.fault = () => fault;
    const shown = JSON.stringify([
      await deliver({ url_secret: "ADDRESS" }, secrets),
      await trial({ url_secret: "ADDRESS" }, secrets),
    ]);
    expect(shown).toContain("https://…");
    for (const part of [port, "hooks", "T0123456789abcdef", "k-0123"]) expect(shown).not.toContain(part);
  }
});

test("an access token goes along, and the connection test says what is wrong with its client", async () => {
  const tokens = new TokenEndpoint({ clientId: "access", clientSecret: "client-secret-0123", scope: null });
  const collector = new HttpReceiver({
    format: "json",
    gzip: false,
    token: null,
    hmacKey: null,
    now: Date.now,
  });
  const { url } = await start({
    delivered: collector.delivered,
    handle: async (request) => {
      if (new URL(request.url).pathname === "/token") return tokens.handle(request);
      return tokens.allows(request.headers) ? collector.handle(request) : new Response("no", { status: 401 });
    },
  });
  const oauth2 = { token_url: `${url}/token`, client_id: "access", client_secret_secret: "CLIENT" };
  const secrets = { CLIENT: "client-secret-0123" };
  expect(await trial({ url, oauth2 }, secrets)).toMatchObject({ status: "pass", http_status: 202 });
  expect(collector.delivered).toEqual([]);
  expect(await deliver({ url, oauth2 }, secrets)).toEqual({ kind: "accepted" });
  expect(collector.delivered).toHaveLength(2);
  expect(await trial({ url, oauth2 }, { CLIENT: "another-secret-0123" })).toMatchObject({
    status: "fail",
    http_status: 401,
    message: expect.stringContaining("no access token: 401; invalid_client"),
    remedy: expect.stringContaining("client_secret_secret"),
  });
  tokens.revoke();
  tokens.mood = "grants what nobody takes";
  expect(await trial({ url, oauth2 }, secrets)).toMatchObject({
    status: "fail",
    http_status: 401,
    remedy: expect.stringContaining("client_id"),
  });
});
