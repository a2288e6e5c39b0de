/** The sentinel sink against a receiver that checks what Azure Monitor checks, and the files that make what it sends to. */
import { readFileSync } from "node:fs";
import { afterEach, describe, expect, it, test } from "vitest";
import type { StoredEvent } from "../../src/contract/stream-api.ts";
import { takeBatch } from "../../src/delivery/batching.ts";
import { isPlainObject } from "../../src/lib/json.ts";
import { deviceEvent, omitNulls, userEvent } from "../../src/ocsf/index.ts";
import {
  activeUser,
  CHANGED_AT,
  deviceContext,
  factsOf,
  managedDevice,
  readDevice,
  userContext,
} from "../ocsf/samples.ts";
import { eventOf } from "./events.ts";
import { closeServers, configured, openSink, serveLocally, tools, tryOut } from "./local-sinks.ts";
import { SentinelReceiver } from "./receivers/sentinel.ts";
import type { Fault } from "./receivers/server.ts";
import { TokenEndpoint } from "./receivers/token-endpoint.ts";

const tenantId = "11111111-2222-3333-4444-555555555555";
const ruleId = "dcr-000a00a000a00000a000000aa000a0aa";
const secret = "client-secret-value";

afterEach(closeServers);

let apps = 0;

/** Both endpoints on one local server. */
const start = async () => {
  apps += 1;
  const clientId = `app-${apps}`;
  const tokens = new TokenEndpoint({
    clientId,
    clientSecret: secret,
    scope: "https://monitor.azure.com/.default",
  });
  const receiver = new SentinelReceiver({ tenantId, ruleId, streamName: "Custom-OktaInventory", tokens });
  const server = await serveLocally(receiver);
  const setting = {
    type: "sentinel",
    name: "sentinel",
    endpoint: server.url,
    rule_id: ruleId,
    stream_name: "Custom-OktaInventory",
    tenant_id: tenantId,
    client_id: clientId,
    client_secret_secret: "SENTINEL_SECRET",
    token_url: `${server.url}/${tenantId}/oauth2/v2.0/token`,
  };
  return { tokens, receiver, server, setting };
};

const sinkOf = (setting: object, value = secret) => openSink(setting, () => value);
const trial = (setting: object, value = secret) => tryOut(setting, () => value);

const batch = [eventOf(1), eventOf(2), eventOf(3, "u3", { name: "Zoë \u2028" })];

describe("sentinel", () => {
  it("posts records to the rule's stream with a token for Azure Monitor", async () => {
    const { receiver, setting } = await start();
    expect(await sinkOf(setting).deliver(batch)).toEqual({ kind: "accepted" });
    expect(receiver.records[2]).toEqual({
      TimeGenerated: "2023-11-14T22:13:23.000Z",
      SeenAt: "2023-11-14T22:13:23.000Z",
      EventId: "default/users/u3/3",
      Sequence: 3,
      Connection: "default",
      Stream: "users",
      AssetId: "u3",
      Event: { class_uid: 5003, user: { uid: "u3" }, sequence: 3, name: "Zoë \u2028" },
    });
  });

  it("asks Microsoft for tokens of the tenant unless the settings say otherwise", async () => {
    const { setting } = await start();
    const { token_url: _, ...plain } = setting;
    const asked: string[] = [];
    const network: typeof fetch = async (input) => {
      asked.push(String(input));
      return new Response("", { status: 500 });
    };
    await configured({ ...plain, client_id: "another" }, () => secret)
      .open({ ...tools, fetch: network })
      .deliver(batch);
    expect(asked).toEqual([`https://login.microsoftonline.com/${tenantId}/oauth2/v2.0/token`]);
  });

  it("renews the token once after a 401, and stops at the second", async () => {
    const { tokens, receiver, setting } = await start();
    const sink = sinkOf(setting);
    await sink.deliver(batch);
    tokens.revoke();
    expect(await sink.deliver(batch)).toEqual({ kind: "accepted" });
    expect([tokens.requests, receiver.posts]).toEqual([2, 3]);
    tokens.revoke();
    tokens.mood = "grants what nobody takes";
    expect(await sink.deliver(batch)).toMatchObject({
      kind: "stopped",
      error: { code: "credential", status: 401 },
    });
    expect([tokens.requests, receiver.posts]).toEqual([3, 5]);
  });

  it("sends nothing while there is no token", async () => {
    const { tokens, receiver, setting } = await start();
    tokens.mood = "refuses";
    expect(await sinkOf(setting).deliver(batch)).toMatchObject({
      kind: "stopped",
      error: { code: "credential", message: expect.stringMatching(/no access token: 400.*invalid_client/) },
    });
    tokens.mood = "down";
    expect(await sinkOf(setting).deliver(batch)).toMatchObject({ kind: "retry", error: { status: null } });
    expect(receiver.posts).toBe(0);
  });

  // learn.microsoft.com, "Send data using Logs ingestion API", troubleshooting.
  it.each<[string, Fault, object]>([
    [
      "400",
      { kind: "status", status: 400, body: '{"error":{"code":"InvalidPayload"}}' },
      { kind: "refused" },
    ],
    [
      "403",
      { kind: "status", status: 403 },
      {
        kind: "stopped",
        error: { code: "credential", message: expect.stringContaining("Monitoring Metrics Publisher") },
      },
    ],
    [
      "404",
      { kind: "status", status: 404 },
      { kind: "stopped", error: { code: "configuration", message: expect.stringContaining("rule_id") } },
    ],
    ["413", { kind: "status", status: 413 }, { kind: "too_large" }],
    [
      "429",
      { kind: "status", status: 429, headers: { "retry-after": "30" } },
      { kind: "retry", retryAfterMs: 30_000, error: { code: "rate_limited" } },
    ],
    ["503", { kind: "status", status: 503 }, { kind: "retry", error: { code: "unavailable" } }],
    ["another 2xx", { kind: "status", status: 200 }, { kind: "retry", error: { code: "invalid_response" } }],
    [
      "a web page",
      { kind: "status", status: 200, body: "<html>Sign in</html>" },
      { kind: "stopped", error: { code: "configuration" } },
    ],
    ["a lost answer", { kind: "lost-answer" }, { kind: "retry", error: { code: "network" } }],
  ])("reads %s", async (_, fault, expected) => {
    const { server, setting } = await start();
    const sink = sinkOf(setting);
    await sink.deliver(batch);
    server.fault = () => fault;
    expect(await sink.deliver(batch)).toMatchObject(expected);
  });

  it("is tried with an empty list", async () => {
    const { tokens, receiver, server, setting } = await start();
    expect(await trial(setting)).toMatchObject({ name: "sink:sentinel", status: "pass", http_status: 204 });
    expect(await trial({ ...setting, rule_id: "dcr-1" })).toMatchObject({
      status: "fail",
      http_status: 404,
      remedy: expect.stringContaining("rule_id"),
    });
    expect(await trial({ ...setting, stream_name: "Custom-Other" })).toMatchObject({
      status: "unknown",
      http_status: 400,
      message: expect.stringContaining("InvalidStream"),
    });
    receiver.mayPublish = false;
    expect(await trial(setting)).toMatchObject({
      status: "fail",
      http_status: 403,
      remedy: expect.stringContaining("Monitoring Metrics Publisher"),
    });
    receiver.mayPublish = true;
    expect(await trial(setting, "a-wrong-secret")).toMatchObject({
      status: "fail",
      http_status: 401,
      message: expect.stringContaining("invalid_client"),
      remedy: expect.stringContaining("client_secret_secret"),
    });
    tokens.mood = "down";
    expect(await trial({ ...setting, client_id: "another" })).toMatchObject({
      status: "fail",
      http_status: null,
    });
    tokens.mood = "grants";
    server.fault = () => ({ kind: "status", status: 200, body: "hello" });
    expect(await trial({ ...setting, token_url: `${(await start()).setting.token_url}` })).toMatchObject({
      status: "fail",
    });
    expect(receiver.records).toEqual([]);
  });

  it("sends at most 1 MB and 1,500 records in a call, whatever the events", async () => {
    const sizes: number[] = [];
    const counts: number[] = [];
    const network: typeof fetch = async (input, init) => {
      if (String(input).includes("/oauth2/")) {
        return Response.json({ access_token: "a-token-0123456789", token_type: "Bearer", expires_in: 3600 });
      }
      const text = String(init?.body);
      sizes.push(new TextEncoder().encode(text).length);
      counts.push(JSON.parse(text).length);
      return new Response(null, { status: 204 });
    };
    const { setting } = await start();
    const sink = configured(setting, () => secret).open({
      ...tools,
      connection: "c".repeat(64),
      fetch: network,
    });
    for (const extra of [0, 700, 20_000, 990_000]) {
      const events = Array.from({ length: extra > 20_000 ? 3 : 1600 }, (_, index): StoredEvent => {
        const sequence = 1_736_906_400_000_000 + index;
        const assetId = `00u${"x".repeat(60)}${index}`;
        const { json, changedAt } = eventOf(index, "u", extra === 0 ? {} : { text: "é".repeat(extra / 2) });
        return { id: `default/users/${assetId}/${sequence}`, assetId, sequence, changedAt, json };
      });
      const taken = takeBatch(events, sink, { learnedLimit: null, doubt: null });
      if (taken.kind !== "batch") return expect.fail("oversized");
      expect(await sink.deliver(taken.events)).toEqual({ kind: "accepted" });
    }
    expect(Math.max(...sizes)).toBeLessThanOrEqual(1_000_000);
    expect(Math.max(...sizes)).toBeGreaterThan(900_000);
    expect(Math.max(...counts)).toBeLessThanOrEqual(1500);
    expect(sink.limits.events).toBe(1500);
    const huge = eventOf(1, "u1", { text: "x".repeat(1_000_000) });
    expect(takeBatch([huge], sink, { learnedLimit: null, doubt: null }).kind).toBe("oversized");
  });
});

interface Column {
  readonly name: string;
  readonly type: string;
}

const fileOf = (name: string) => JSON.parse(readFileSync(`docs/sinks/sentinel/${name}`, "utf8"));

/** Whether a value is what Azure Monitor takes for a type. */
const typeChecks: Readonly<Record<string, (value: unknown) => boolean>> = {
  string: (value) => typeof value === "string",
  long: (value) => Number.isSafeInteger(value),
  datetime: (value) => typeof value === "string" && new Date(value).toISOString() === value,
  dynamic: isPlainObject,
};

const at = (value: unknown, path: string): unknown =>
  path.split(".").reduce((held, key) => (isPlainObject(held) ? held[key] : undefined), value);

describe("docs/sinks/sentinel", () => {
  const rule = fileOf("rule.json").properties;
  const table = fileOf("table.json").properties.schema;
  const declared: readonly Column[] = rule.streamDeclarations["Custom-OktaInventory"].columns;
  const [flow] = rule.dataFlows;

  const stored = (event: unknown, assetId: string): StoredEvent => ({
    id: `default/users/${assetId}/7`,
    assetId,
    sequence: 1_736_906_400_000_007,
    changedAt: CHANGED_AT,
    json: JSON.stringify(omitNulls(event)),
  });
  const user = userEvent(factsOf(activeUser), userContext, "ocsf");
  const device = deviceEvent({ device: readDevice(managedDevice) }, deviceContext, "ocsf");

  test("what is sent has the columns that the stream declares, and their types", async () => {
    const { receiver, setting } = await start();
    await sinkOf(setting).deliver([stored(user, "00u1")]);
    const [record = {}] = receiver.records;
    expect(Object.keys(record).sort()).toEqual(declared.map(({ name }) => name).sort());
    for (const { name, type } of declared)
      expect([name, typeChecks[type]?.(record[name])]).toEqual([name, true]);
  });

  test("the transformation makes the table's columns out of them", () => {
    expect(flow).toMatchObject({
      streams: ["Custom-OktaInventory"],
      destinations: [rule.destinations.logAnalytics[0].name],
      outputStream: `Custom-${table.name}`,
    });
    expect(table.name).toMatch(/_CL$/);
    const [, project = ""] =
      /^source \| extend parsed = parse_json\(Event\) \| project (.*)$/.exec(flow.transformKql) ?? [];
    const conversions = { string: "tostring", int: "toint", boolean: "tobool" } as const;
    const made = project.split(", ").map((item): Column => {
      const [, name = item, conversion, path = ""] = /^(\w+) = (\w+)\(parsed\.([\w.]+)\)$/.exec(item) ?? [];
      if (conversion === undefined) {
        const { type } = declared.find((column) => column.name === name) ?? expect.fail(name);
        return { name, type };
      }
      // Every path leads to something in an event of one of the streams.
      expect([path, at(user, path) ?? at(device, path)]).not.toEqual([path, undefined]);
      const [type = ""] = Object.entries(conversions).find(([, named]) => named === conversion) ?? [];
      return { name, type };
    });
    const columns: readonly Column[] = table.columns;
    expect(made).toEqual(columns.map(({ name, type }) => ({ name, type: type.toLowerCase() })));
    // learn.microsoft.com, "Logs Ingestion API": names that a column cannot have.
    for (const { name } of columns) {
      expect(name).toMatch(/^[A-Za-z]\w{0,44}$/);
      expect(["id", "TenantId", "Type", "UniqueId", "Title"]).not.toContain(name);
    }
    expect(columns).toContainEqual({ name: "TimeGenerated", type: "dateTime" });
  });
});
