/** What an http sink proves itself with, against real local servers: headers, a secret address, access tokens. */
import { afterEach, expect, test } from "vitest";
import { eventOf } from "./events.ts";
import { closeServers, openSink, serveLocally, tryOut } from "./local-sinks.ts";
import { HttpReceiver } from "./receivers/http.ts";
import { TokenEndpoint } from "./receivers/token-endpoint.ts";

afterEach(closeServers);

const named = (setting: object) => ({ type: "http", name: "siem", ...setting });
const deliver = (setting: object, secrets: Readonly<Record<string, string>> = {}) =>
  openSink(named(setting), (name) => secrets[name]).deliver([eventOf(1), eventOf(2)]);
const trial = (setting: object, secrets: Readonly<Record<string, string>> = {}) =>
  tryOut(named(setting), (name) => secrets[name]);

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
  const { url } = await serveLocally(receiver);
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
  const server = await serveLocally(receiver);
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
  const { url } = await serveLocally({
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
