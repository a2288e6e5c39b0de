/** Access tokens of receivers: one request whoever asks, renewed when due or refused, and nothing lost while there are none. */
import { afterEach, expect, test, vi } from "vitest";
import { type ClientCredentials, sendAuthorized } from "../../src/delivery/client-credentials.ts";
import type { SinkRequest } from "../../src/delivery/request.ts";
import { protectForNow } from "../../src/lib/redact.ts";
import { json } from "./receivers/receiver.ts";
import { TokenEndpoint } from "./receivers/token-endpoint.ts";

const tokenUrl = "https://login.example.com/oauth2/token?tenant=t";
const secret = "s3cr3t+of/the=client & more";

afterEach(() => vi.useRealTimers());

let clients = 0;

/** A receiver that takes granted tokens, behind a token endpoint, with a clock of their own. */
class World {
  readonly credentials: ClientCredentials;
  readonly endpoint: TokenEndpoint;
  now = Date.UTC(2026, 10, 25);
  /** What the token endpoint answers instead. */
  instead: (() => Response) | null = null;
  /** It answers once this is over. */
  held = Promise.resolve();
  posts = 0;
  taken = 0;

  constructor(over: Partial<ClientCredentials> = {}) {
    clients += 1;
    const clientId = `client-${clients}`;
    this.credentials = { tokenUrl, clientId, clientSecret: secret, scope: "events.write", ...over };
    this.endpoint = new TokenEndpoint({ ...this.credentials, clientSecret: secret });
  }

  send() {
    return sendAuthorized(this.credentials, { fetch: this.#fetch, now: () => this.now }, request);
  }

  readonly #fetch: typeof fetch = async (input, init) => {
    const asked = new Request(input, init);
    if (asked.url === tokenUrl) {
      await this.held;
      return this.instead === null ? this.endpoint.handle(asked) : this.instead();
    }
    this.posts += 1;
    if (!this.endpoint.allows(asked.headers)) return new Response("who are you", { status: 401 });
    this.taken += 1;
    return new Response(null, { status: 204 });
  };
}

const request: SinkRequest = {
  method: "POST",
  url: "https://siem.example.com/in",
  label: "https://siem.example.com/…",
  headers: { "content-type": "application/json" },
  body: "[]",
  secrets: [],
};

const status = (value: number) => ({ ok: true, value: { sent: { ok: true, value: { status: value } } } });

test("a token is asked for once and used until a tenth of its life is left", async () => {
  const world = new World();
  world.endpoint.lifetime = 1000;
  expect(await world.send()).toMatchObject(status(204));
  world.now += 899_000;
  expect(await world.send()).toMatchObject(status(204));
  expect(world.endpoint.requests).toBe(1);
  world.now += 1000;
  expect(await world.send()).toMatchObject(status(204));
  expect(world.endpoint.requests).toBe(2);
  expect(world.taken).toBe(3);
});

test.each([
  ["without a scope", { scope: null }],
  ["with one", {}],
])("%s, the client proves itself in the body", async (_, over) => {
  // The endpoint checks the method, the content type, the grant, client_id, client_secret and the scope.
  expect(await new World(over).send()).toMatchObject(status(204));
});

test("however many ask at the same time, one request is made", async () => {
  const world = new World();
  let release = (): void => undefined;
  world.held = new Promise((resolve) => {
    release = resolve;
  });
  const sends = Array.from({ length: 50 }, () => world.send());
  release();
  for (const sent of await Promise.all(sends)) expect(sent).toMatchObject(status(204));
  expect(world.endpoint.requests).toBe(1);

  // So it is when all of them find the token refused.
  world.endpoint.revoke();
  for (const sent of await Promise.all(Array.from({ length: 50 }, () => world.send())))
    expect(sent).toMatchObject(status(204));
  expect(world.endpoint.requests).toBe(2);
});

test("a request that never ends, because who made it is gone, holds up nobody for long", async () => {
  vi.useFakeTimers();
  const world = new World();
  world.held = new Promise(() => undefined);
  void world.send();
  const waiting = world.send();
  world.held = Promise.resolve();
  await vi.advanceTimersByTimeAsync(60_000);
  expect(await waiting).toMatchObject(status(204));
  expect(await world.send()).toMatchObject(status(204));
  expect(world.endpoint.requests).toBe(1);
});

test("other credentials have tokens of their own", async () => {
  const [one, other] = [new World(), new World()];
  await one.send();
  await other.send();
  expect(one.endpoint.requests + other.endpoint.requests).toBe(2);
});

test("a token that is refused is renewed once, and what was refused is sent again", async () => {
  const world = new World();
  await world.send();
  world.endpoint.revoke();
  expect(await world.send()).toMatchObject(status(204));
  expect([world.endpoint.requests, world.posts, world.taken]).toEqual([2, 3, 2]);
});

test("a receiver that refuses every token is asked twice, and its 401 is the answer", async () => {
  const world = new World();
  world.endpoint.mood = "grants what nobody takes";
  expect(await world.send()).toMatchObject(status(401));
  expect([world.endpoint.requests, world.posts]).toEqual([2, 2]);
  world.endpoint.mood = "grants";
  expect(await world.send()).toMatchObject(status(204));
});

test("a token that ends while it is on its way is renewed", async () => {
  const world = new World();
  world.endpoint.lifetime = 0;
  await world.send();
  world.endpoint.revoke();
  expect(await world.send()).toMatchObject(status(204));
});

test("a token that is due but valid stays in use while no new one can be had, and the endpoint is not asked each time", async () => {
  const world = new World();
  world.endpoint.lifetime = 3600;
  await world.send();
  world.now += 3_400_000;
  for (const mood of ["down", "hangs", "refuses"] as const) {
    world.endpoint.mood = mood;
    const { requests } = world.endpoint;
    expect(await world.send()).toMatchObject(status(204));
    expect(await world.send()).toMatchObject(status(204));
    expect(world.endpoint.requests).toBe(requests + 1);
    world.now += 60_000;
  }
  world.now += 60_000;
  expect(await world.send()).toMatchObject({ ok: false, error: { kind: "stopped" } });
});

const passes = { ok: false, error: { kind: "retry", error: { code: "unavailable", status: null } } };

test.each(["down", "hangs", "gone"] as const)(
  "an endpoint that is %s is waited for, and no event can be blamed for it: there is no status, time-out or broken connection",
  async (mood) => {
    const world = new World();
    world.endpoint.mood = mood;
    const sent = await world.send();
    expect(sent).toMatchObject(passes);
    expect(sent).toMatchObject({ error: { error: { message: expect.stringContaining("no access token") } } });
    expect(world.posts).toBe(0);
    world.endpoint.mood = "grants";
    expect(await world.send()).toMatchObject(status(204));
  },
);

const stops = (code: string, http: number | null, words: RegExp) => ({
  ok: false,
  error: { kind: "stopped", error: { code, status: http, message: expect.stringMatching(words) } },
});

test.each<[string, () => Response, object]>([
  [
    "429 with Retry-After",
    () => new Response("", { status: 429, headers: { "retry-after": "17" } }),
    { error: { kind: "retry", error: { code: "rate_limited" }, retryAfterMs: 17_000 } },
  ],
  ["503", () => new Response("", { status: 503 }), passes],
  ["408", () => new Response("", { status: 408 }), passes],
  ["400 temporarily_unavailable", () => json(400, { error: "temporarily_unavailable" }), passes],
  [
    "a client that is not known",
    () => json(400, { error: "unauthorized_client", error_description: "AADSTS700016: not found" }),
    stops("credential", 400, /unauthorized_client.*check client_id.*AADSTS700016/),
  ],
  [
    "a secret that has expired",
    () => json(401, { error: "invalid_client" }, { "www-authenticate": "Basic" }),
    stops("credential", 401, /invalid_client.*client_secret_secret names has not expired or been revoked/),
  ],
  [
    "a scope that is not there",
    () => json(400, { error: "invalid_scope" }),
    stops("configuration", 400, /check the scope/),
  ],
  ["404", () => new Response("", { status: 404 }), stops("configuration", 404, /check token_url/)],
  [
    "a redirect",
    () => new Response(null, { status: 302, headers: { location: "https://elsewhere.example.com" } }),
    stops("configuration", 302, /check token_url/),
  ],
  [
    "a web page",
    () => new Response("<html><title>Sign in</title>"),
    stops("configuration", 200, /check the URL.*login/),
  ],
  ["200 without a token", () => json(200, {}), stops("configuration", 200, /not a bearer token's answer/)],
  [
    "a token of another kind",
    () => json(200, { access_token: "abc", token_type: "mac" }),
    stops("configuration", 200, /not a bearer token's answer/),
  ],
  [
    "a token that no header can carry",
    () => json(200, { access_token: "two\nlines", token_type: "Bearer" }),
    stops("configuration", 200, /not a bearer token's answer/),
  ],
])("reads %s", async (_, answer, expected) => {
  const world = new World();
  world.instead = answer;
  expect(await world.send()).toMatchObject(expected);
  expect(world.posts).toBe(0);
  world.instead = null;
  expect(await world.send()).toMatchObject(status(204));
});

test("an answer that breaks off is asked for again", async () => {
  const world = new World();
  const cut = new ReadableStream({
    start: (controller) => controller.enqueue(new TextEncoder().encode('{"access_token":"abc')),
    pull: (controller) => controller.error(new TypeError("the connection was reset")),
  });
  world.instead = () => new Response(cut);
  expect(await world.send()).toMatchObject(passes);
});

test("the endpoint's words are shown without the secret, whichever way it repeats it", async () => {
  // As the settings' secrets are from when they are read on.
  protectForNow([secret]);
  for (const repeated of [
    secret,
    encodeURIComponent(secret),
    btoa(secret),
    "s3cr3t%2Bof%2Fthe%3Dclient+%26+more",
  ]) {
    const world = new World();
    world.instead = () => json(401, { error: "invalid_client", error_description: `it is not ${repeated}!` });
    const text = JSON.stringify(await world.send());
    expect(text).toContain("it is not");
    expect(text).not.toContain(repeated);
  }
});
