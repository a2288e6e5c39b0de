/** The sinks that speak HTTP, against real local servers that check what the real products check. */
import { afterEach, describe, expect, it } from "vitest";
import type { Sink } from "../../src/delivery/sink.ts";
import { eventOf } from "./events.ts";
import { closeServers, openSink, serveLocally, tryOut } from "./local-sinks.ts";
import { ElasticsearchReceiver } from "./receivers/elasticsearch.ts";
import { HttpReceiver } from "./receivers/http.ts";
import { SekoiaReceiver } from "./receivers/sekoia.ts";
import type { Fault } from "./receivers/server.ts";
import { SplunkReceiver } from "./receivers/splunk.ts";

const secrets: Record<string, string> = {
  TOKEN: "b3f0-token-value",
  HMAC: "hmac-key-value",
  WRONG: "another-value",
  ES_KEY: "VnVhQ2ZHY0JDZGJrUQ",
};
const uuid = "b2e2e2c7-1a3e-4b7a-9c2d-8e4f3a6b7c9d";

afterEach(closeServers);

const named = (setting: object) => ({ name: "siem", ...setting });
const sinkOf = (setting: object): Sink => openSink(named(setting), (name) => secrets[name]);
const trial = (setting: object) => tryOut(named(setting), (name) => secrets[name]);

const batch = [eventOf(1), eventOf(2), eventOf(3, "u3", { name: "Zoë \u2028" })];
const poisoned = [eventOf(1), eventOf(2, "u2", { poison: true }), eventOf(3)];
const held = batch.map(({ assetId, sequence }) => ({ assetId, sequence }));

const collector = (options: Partial<HttpReceiver["options"]> = {}) =>
  new HttpReceiver({ format: "json", gzip: false, token: null, hmacKey: null, now: Date.now, ...options });

describe("http", () => {
  it.each([
    ["json", false],
    ["json", true],
    ["ndjson", false],
    ["ndjson", true],
  ] as const)("delivers %s (gzip: %s), signed and authenticated", async (format, gzip) => {
    const receiver = collector({ format, gzip, token: "b3f0-token-value", hmacKey: "hmac-key-value" });
    const { url } = await serveLocally(receiver);
    const sink = sinkOf({ type: "http", url, format, gzip, token_secret: "TOKEN", hmac_secret: "HMAC" });
    expect(await sink.deliver(batch)).toEqual({ kind: "accepted" });
    expect(receiver.delivered).toEqual(held);
  });

  it("gives a repeat the same Idempotency-Key, and another batch another", async () => {
    const receiver = collector();
    const { url } = await serveLocally(receiver);
    const sink = sinkOf({ type: "http", url });
    await sink.deliver(batch);
    await sink.deliver(batch);
    expect(receiver.keys.size).toBe(1);
    await sink.deliver(batch.slice(1));
    expect(receiver.keys.size).toBe(2);
  });

  it.each<[string, Fault, object]>([
    [
      "429 with seconds",
      { kind: "status", status: 429, headers: { "retry-after": "7" } },
      { retryAfterMs: 7000 },
    ],
    ["503 without", { kind: "status", status: 503 }, { retryAfterMs: null, error: { code: "unavailable" } }],
    ["500", { kind: "status", status: 500 }, { kind: "retry" }],
    ["408", { kind: "status", status: 408 }, { kind: "retry" }],
    ["a reset", { kind: "reset" }, { kind: "retry", error: { code: "network", status: null } }],
    ["a lost answer", { kind: "lost-answer" }, { kind: "retry", error: { code: "network" } }],
    ["half an answer", { kind: "half-answer" }, { kind: "accepted" }],
    ["401", { kind: "status", status: 401 }, { kind: "stopped", error: { code: "credential", status: 401 } }],
    ["403", { kind: "status", status: 403 }, { kind: "stopped", error: { code: "credential" } }],
    ["404", { kind: "status", status: 404 }, { kind: "stopped", error: { code: "configuration" } }],
    [
      "a redirect",
      { kind: "status", status: 307, headers: { location: "http://127.0.0.1:1/" } },
      { kind: "stopped", error: { code: "configuration", status: 307 } },
    ],
    ["413", { kind: "status", status: 413 }, { kind: "too_large" }],
    ["400", { kind: "status", status: 400 }, { kind: "refused" }],
    ["422", { kind: "status", status: 422 }, { kind: "refused" }],
  ])("reads %s", async (_, fault, expected) => {
    const server = await serveLocally(collector());
    server.fault = () => fault;
    expect(await sinkOf({ type: "http", url: server.url }).deliver(batch)).toMatchObject(expected);
  });

  it("reads Retry-After as a date by the server's clock", async () => {
    const server = await serveLocally(collector());
    const ahead = Date.now() + 3_600_000;
    server.fault = () => ({
      kind: "status",
      status: 503,
      headers: { date: new Date(ahead).toUTCString(), "retry-after": new Date(ahead + 90_000).toUTCString() },
    });
    expect(await sinkOf({ type: "http", url: server.url }).deliver(batch)).toMatchObject({
      retryAfterMs: 90_000,
    });
  });

  it("bounds and redacts what the receiver says", async () => {
    const server = await serveLocally(collector());
    server.fault = () => ({
      kind: "status",
      status: 422,
      body: `<h1>POST /in/0123456789abcdef0123?key=qqqq-wwww</h1> Bearer b3f0-token-value ${"x".repeat(1_000_000)}`,
    });
    const sink = sinkOf({
      type: "http",
      url: `${server.url}/in/0123456789abcdef0123?key=qqqq-wwww`,
      token_secret: "TOKEN",
    });
    const outcome = await sink.deliver(batch);
    const message = "error" in outcome && outcome.error !== null ? outcome.error.message : "";
    expect(message).toMatch(/^\[POST\] "http:\/\/127\.0\.0\.1:\d+\/…": 422 /);
    expect(message.length).toBeLessThan(400);
    for (const secret of ["b3f0-token-value", "qqqq-wwww", "0123456789abcdef"])
      expect(message).not.toContain(secret);
  });

  it("is tried with an empty batch", async () => {
    const receiver = collector({ token: "b3f0-token-value", hmacKey: "hmac-key-value", gzip: true });
    const server = await serveLocally(receiver);
    const { url } = server;
    const setting = { type: "http", url, gzip: true, token_secret: "TOKEN", hmac_secret: "HMAC" };
    expect(await trial(setting)).toMatchObject({
      name: "sink:siem",
      status: "pass",
      http_status: 202,
      remedy: null,
    });
    expect(await trial({ ...setting, hmac_secret: "WRONG" })).toMatchObject({
      status: "fail",
      http_status: 401,
      remedy: expect.stringContaining("hmac_secret"),
    });
    expect(receiver.delivered).toEqual([]);
    await server.close();
    expect(await trial(setting)).toMatchObject({ status: "fail", http_status: null });
  });
});

describe("sekoia", () => {
  const setting = (url: string, over: object = {}) => ({
    type: "sekoia",
    base_url: url,
    api_key_secret: "TOKEN",
    connector_uuids: { users: uuid },
    ...over,
  });

  it("delivers Sekoia.io's body to the stream's connector and follows the task", async () => {
    const receiver = new SekoiaReceiver("b3f0-token-value", uuid);
    const { url } = await serveLocally(receiver);
    const sink = sinkOf(setting(url));
    expect(sink.omitNulls).toBe(true);
    expect(sink.limits.events).toBe(100);
    expect(await sink.deliver(batch)).toEqual({ kind: "accepted", followUp: "task-1" });
    expect(receiver.delivered).toEqual(held);
    for (const [status, expected] of [
      ["PENDING", { kind: "waiting" }],
      ["RUNNING", { kind: "waiting" }],
      ["FINISHED", { kind: "done" }],
    ] as const) {
      receiver.taskStatus = status;
      expect(await sink.followUp?.("task-1")).toEqual(expected);
    }
    receiver.taskStatus = "FAILED";
    expect(await sink.followUp?.("task-1")).toMatchObject({
      kind: "failed",
      message: expect.stringContaining("FAILED"),
    });
  });

  it("takes only 200 for success", async () => {
    const server = await serveLocally(new SekoiaReceiver("b3f0-token-value", uuid));
    server.fault = () => ({ kind: "status", status: 202 });
    expect(await sinkOf(setting(server.url)).deliver(batch)).toMatchObject({
      kind: "retry",
      error: { code: "invalid_response", status: 202 },
    });
  });

  it("reports refusals with Sekoia.io's own words", async () => {
    const { url } = await serveLocally(new SekoiaReceiver("b3f0-token-value", uuid));
    expect(await sinkOf(setting(url)).deliver(poisoned)).toMatchObject({
      kind: "refused",
      error: { status: 400, message: expect.stringContaining("an item does not validate") },
    });
    expect(await sinkOf(setting(url, { api_key_secret: "WRONG" })).deliver(batch)).toMatchObject({
      kind: "stopped",
    });
  });

  it("is tried with an empty batch for every connector", async () => {
    const { url } = await serveLocally(new SekoiaReceiver("b3f0-token-value", uuid));
    expect(await trial(setting(url))).toMatchObject({ status: "pass", http_status: 200 });
    const second = { users: uuid, devices: "00000000-0000-4000-8000-000000000000" };
    expect(await trial(setting(url, { connector_uuids: second }))).toMatchObject({
      status: "fail",
      http_status: 404,
    });
  });
});

describe("splunk_hec", () => {
  const receiverOf = (ack: boolean) =>
    new SplunkReceiver({ token: "b3f0-token-value", ack, indexes: ["okta"] });
  const setting = (url: string, over: object = {}) => ({
    type: "splunk_hec",
    url,
    token_secret: "TOKEN",
    ...over,
  });

  it("delivers events in HEC's envelope", async () => {
    const receiver = receiverOf(false);
    const { url } = await serveLocally(receiver);
    const sink = sinkOf(setting(url, { index: "okta", sourcetype: "okta:inventory" }));
    expect(await sink.deliver(batch)).toEqual({ kind: "accepted" });
    expect(receiver.delivered).toEqual(held);
    expect(receiver.envelopes[0]).toEqual({
      time: 1_700_000_001,
      source: "okta:default/users",
      sourcetype: "okta:inventory",
      index: "okta",
      fields: { event_id: "default/users/u1/1", sequence: 1 },
      event: JSON.parse(batch[0]?.json ?? ""),
    });
  });

  it("waits for the indexers where the token has acknowledgement, on one channel", async () => {
    const receiver = receiverOf(true);
    const { url } = await serveLocally(receiver);
    const sink = sinkOf(setting(url, { ack: true }));
    receiver.acknowledges = false;
    expect(await sink.deliver(batch)).toEqual({ kind: "awaiting", receipt: "1" });
    expect(await sink.settle?.("1")).toEqual({ kind: "waiting" });
    receiver.acknowledges = true;
    expect(await sink.settle?.("1")).toEqual({ kind: "accepted" });
    await sinkOf(setting(url, { ack: true })).deliver(batch);
    expect(receiver.channels.size).toBe(1);
  });

  it.each<[string, boolean, object, object]>([
    [
      "an unknown index",
      false,
      { index: "other" },
      { kind: "stopped", error: { code: "configuration", status: 400 } },
    ],
    [
      "a wrong token",
      false,
      { token_secret: "WRONG" },
      { kind: "stopped", error: { code: "credential", status: 403 } },
    ],
    [
      "a token that wants a channel",
      true,
      {},
      { kind: "stopped", error: { code: "configuration", status: 400 } },
    ],
    [
      "a token without acknowledgement",
      false,
      { ack: true },
      { kind: "stopped", error: { code: "configuration" } },
    ],
  ])("stops for %s instead of blaming the events", async (_, ack, over, expected) => {
    const { url } = await serveLocally(receiverOf(ack));
    expect(await sinkOf(setting(url, over)).deliver(batch)).toMatchObject(expected);
  });

  it("reads busy (code 9) and refused content (code 6)", async () => {
    const server = await serveLocally(receiverOf(false));
    // HEC says which it is, and has indexed those before it.
    expect(await sinkOf(setting(server.url)).deliver(poisoned)).toMatchObject({
      kind: "partial",
      answers: [null, { code: "refused", status: 400 }],
    });
    server.fault = () => ({ kind: "status", status: 503, body: '{"text":"Server is busy","code":9}' });
    expect(await sinkOf(setting(server.url)).deliver(batch)).toMatchObject({ kind: "retry" });
  });

  it("is tried with a request without an event", async () => {
    const receiver = receiverOf(true);
    const { url } = await serveLocally(receiver);
    expect(await trial(setting(url, { ack: true }))).toMatchObject({ status: "pass", http_status: 400 });
    expect(await trial(setting(url))).toMatchObject({
      status: "fail",
      remedy: expect.stringContaining('"ack": true'),
    });
    expect(await trial(setting(url, { token_secret: "WRONG" }))).toMatchObject({
      status: "fail",
      http_status: 403,
    });
    expect(receiver.delivered).toEqual([]);
  });
});

describe("elasticsearch", () => {
  const receiverOf = () => new ElasticsearchReceiver("VnVhQ2ZHY0JDZGJrUQ", "okta-assets");
  const setting = (url: string, over: object = {}) => ({
    type: "elasticsearch",
    url,
    api_key_secret: "ES_KEY",
    index: "okta-assets",
    ...over,
  });

  it("keeps one document per asset, whatever is repeated or late", async () => {
    const receiver = receiverOf();
    const { url } = await serveLocally(receiver);
    const sink = sinkOf(setting(url));
    const done = { kind: "accepted" };
    expect(await sink.deliver([eventOf(5, "a"), eventOf(6, "b")])).toEqual(done);
    expect(await sink.deliver([eventOf(5, "a"), eventOf(6, "b")])).toEqual(done);
    expect(await sink.deliver([eventOf(3, "a"), eventOf(7, "b")])).toEqual(done);
    expect([...receiver.documents].map(([id, { version }]) => [id, version])).toEqual([
      ["default/users/a", 5],
      ["default/users/b", 7],
    ]);
  });

  it("rejects single items, and sends again from the first that has to wait", async () => {
    const receiver = receiverOf();
    const { url } = await serveLocally(receiver);
    receiver.room = 3;
    const events = [eventOf(1), eventOf(2, "u2", { poison: true }), eventOf(3), eventOf(4), eventOf(5)];
    expect(await sinkOf(setting(url)).deliver(events)).toMatchObject({
      kind: "partial",
      answers: [
        null,
        { code: "refused", status: 400, message: expect.stringContaining("field [n]") },
        null,
        { code: "rate_limited", status: 429 },
        { code: "rate_limited", status: 429 },
      ],
    });
  });

  it.each<[string, object, (receiver: ElasticsearchReceiver) => void, string]>([
    ["an index that does not exist", { index: "other" }, () => undefined, "configuration"],
    [
      "a key that may not write",
      {},
      (receiver) => {
        receiver.mayWrite = false;
      },
      "credential",
    ],
  ])("waits for a person with %s, and buries nothing", async (_, over, arrange, code) => {
    const receiver = receiverOf();
    arrange(receiver);
    const { url } = await serveLocally(receiver);
    expect(await sinkOf(setting(url, over)).deliver(batch)).toMatchObject({
      kind: "partial",
      answers: [{ code }, { code }, { code }],
    });
  });

  it("does not take a 200 for an answer that is none", async () => {
    const server = await serveLocally(receiverOf());
    server.fault = () => ({ kind: "status", status: 200, body: "<html>" });
    expect(await sinkOf(setting(server.url)).deliver(batch)).toMatchObject({
      error: { code: "invalid_response" },
    });
  });

  it("is asked what its key may do", async () => {
    const receiver = receiverOf();
    const { url } = await serveLocally(receiver);
    expect(await trial(setting(url))).toMatchObject({ status: "pass" });
    expect(await trial(setting(url, { api_key_secret: "WRONG" }))).toMatchObject({
      status: "fail",
      http_status: 401,
    });
    receiver.mayWrite = false;
    expect(await trial(setting(url))).toMatchObject({ status: "fail", http_status: 200 });
    receiver.knowsSecurity = false;
    expect(await trial(setting(url))).toMatchObject({
      status: "pass",
      message: expect.stringContaining("not proven"),
    });
  });
});
