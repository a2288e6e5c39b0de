import { describe, expect, it } from "vitest";
import { expectRefused, http, parse, type Wrong } from "./settings-support.ts";

const uuid = "B2E2E2C7-1a3e-4b7a-9c2d-8e4f3a6b7c9d";

describe("parseSinks accepts", () => {
  it.each([undefined, null, "", "  ", "[]", []])("%j as no sinks", (value) => {
    expect(parse(value)).toEqual({ accepted: [], refused: [] });
  });

  it("every type with its documented defaults", () => {
    const value = [
      { type: "sekoia", name: "soc", api_key_secret: "SIEM_TOKEN", connector_uuids: { users: uuid } },
      http,
      { type: "r2", name: "lake" },
      { type: "splunk_hec", name: "splunk", url: "https://hec.example.com:8088", token_secret: "SIEM_TOKEN" },
      {
        type: "elasticsearch",
        name: "es",
        url: "https://es.example.com",
        api_key_secret: "ES",
        index: "okta",
      },
      {
        type: "sentinel",
        name: "sentinel",
        endpoint: "https://okta-abcd.westeurope-1.ingest.monitor.azure.com/",
        rule_id: "dcr-0123456789abcdef0123456789abcdef",
        stream_name: "Custom-OktaInventory",
        tenant_id: "contoso.onmicrosoft.com",
        client_id: "11111111-2222-3333-4444-555555555555",
        client_secret_secret: "SIEM_TOKEN",
      },
      {
        type: "s3",
        name: "s3",
        endpoint: "https://s3.eu-west-1.amazonaws.com",
        region: "eu-west-1",
        bucket: "okta-events",
        access_key_id: "AKIAIOSFODNN7EXAMPLE",
        secret_access_key_secret: "SIEM_TOKEN",
      },
      { type: "queue", name: "queue" },
    ];
    const both = ["users", "devices"];
    const expected = [
      {
        type: "sekoia",
        name: "soc",
        streams: ["users"],
        dialect: "sekoia",
        baseUrl: "https://api.sekoia.io",
        apiKey: "s3cr3t-value",
        connectorUuids: { users: uuid.toLowerCase(), devices: null },
        batchSize: 100,
      },
      {
        ...http,
        streams: both,
        dialect: "ocsf",
        format: "json",
        gzip: false,
        token: null,
        hmacKey: null,
      },
      { type: "r2", name: "lake", streams: both, dialect: "ocsf", binding: "EVENTS", prefix: "" },
      {
        type: "splunk_hec",
        name: "splunk",
        streams: both,
        dialect: "ocsf",
        baseUrl: "https://hec.example.com:8088",
        token: "s3cr3t-value",
        index: null,
        sourcetype: null,
        ack: false,
      },
      {
        type: "elasticsearch",
        name: "es",
        streams: both,
        dialect: "ocsf",
        baseUrl: "https://es.example.com",
        // RFC 4648 base64 of "id:key"
        apiKey: "aWQ6a2V5",
        index: "okta",
      },
      {
        type: "sentinel",
        name: "sentinel",
        streams: both,
        dialect: "ocsf",
        endpoint: "https://okta-abcd.westeurope-1.ingest.monitor.azure.com",
        ruleId: "dcr-0123456789abcdef0123456789abcdef",
        streamName: "Custom-OktaInventory",
        credentials: {
          tokenUrl: "https://login.microsoftonline.com/contoso.onmicrosoft.com/oauth2/v2.0/token",
          clientId: "11111111-2222-3333-4444-555555555555",
          clientSecret: "s3cr3t-value",
          scope: "https://monitor.azure.com/.default",
        },
      },
      {
        type: "s3",
        name: "s3",
        streams: both,
        dialect: "ocsf",
        endpoint: "https://s3.eu-west-1.amazonaws.com",
        region: "eu-west-1",
        bucket: "okta-events",
        prefix: "",
        accessKeyId: "AKIAIOSFODNN7EXAMPLE",
        secretAccessKey: "s3cr3t-value",
      },
      { type: "queue", name: "queue", streams: both, dialect: "ocsf", binding: "EVENTS_QUEUE" },
    ];
    expect(parse(JSON.stringify(value))).toEqual({ accepted: expected, refused: [] });
    expect(parse(value).accepted).toEqual(expected);
  });

  it("endpoints pasted along with the base URL", () => {
    const hec = (url: string) => ({ type: "splunk_hec", name: "s", url, token_secret: "SIEM_TOKEN" });
    for (const url of [
      "https://hec.example.com/",
      "https://hec.example.com/services/collector",
      "https://hec.example.com/services/collector/event",
      "https://hec.example.com/services/collector/event/1.0",
    ]) {
      expect(parse([hec(url)]).accepted).toMatchObject([{ baseUrl: "https://hec.example.com" }]);
    }
    const es = {
      type: "elasticsearch",
      name: "e",
      url: "https://es.example.com/x/_bulk",
      api_key_secret: "ES",
      index: "o",
    };
    expect(parse([es]).accepted).toMatchObject([{ baseUrl: "https://es.example.com/x" }]);
  });

  it("loopback where it is permitted, and a prefix without its slash", () => {
    expect(parse([{ ...http, url: "http://127.0.0.1:9000/in" }], { allowLoopback: true }).refused).toEqual(
      [],
    );
    expect(parse([{ type: "r2", name: "lake", prefix: "okta" }]).accepted).toMatchObject([
      { prefix: "okta/" },
    ]);
  });
});

describe("parseSinks refuses", () => {
  const hec = { type: "splunk_hec", name: "siem", url: "https://h.example.com" };
  const es = { type: "elasticsearch", name: "siem", url: "https://h.example.com", api_key_secret: "ES" };
  const sekoia = { type: "sekoia", name: "siem", api_key_secret: "SIEM_TOKEN" };
  it.each<Wrong>([
    ["an unknown type", { ...http, type: "syslog" }, "SINKS[0].type", /known types are sekoia, http, r2/],
    ["a type from the object's prototype", { ...http, type: "toString" }, "SINKS[0].type", /known types are/],
    [
      "an unknown key",
      { ...http, urll: "x" },
      "SINKS[0].urll",
      /known keys are type, name, streams, connections, dialect, changes, url/,
    ],
    ["an inlined secret", { ...http, token: "x" }, "SINKS[0].token", /token_secret/],
    [
      "a missing secret",
      { ...http, token_secret: "NOPE" },
      "SINKS[0].token_secret",
      /the secret NOPE is not set/,
    ],
    ["an empty secret", { ...http, hmac_secret: "EMPTY" }, "SINKS[0].hmac_secret", /is not set/],
    ["a secret of two lines", { ...http, token_secret: "BROKEN" }, "SINKS[0].token_secret", /line breaks/],
    ["a required secret", hec, "SINKS[0].token_secret", /name of a secret/],
    ["http", { ...http, url: "http://siem.example.com" }, "SINKS[0].url", /https:\/\//],
    ["loopback", { ...http, url: "http://localhost:9000" }, "SINKS[0].url", /ALLOW_LOOPBACK/],
    ["a private address", { ...http, url: "https://10.1.2.3/" }, "SINKS[0].url", /private/],
    [
      "a user in the URL",
      { ...http, url: "https://u:p@siem.example.com/" },
      "SINKS[0].url",
      /user name or password/,
    ],
    ["no URL", { type: "http", name: "siem" }, "SINKS[0].url", /URL/],
    ["a format", { ...http, format: "csv" }, "SINKS[0].format", /"json" or "ndjson"/],
    ["a quoted flag", { ...http, gzip: "true" }, "SINKS[0].gzip", /true or false/],
    ["an unknown stream", { ...http, streams: ["groups"] }, "SINKS[0].streams[0]", /"users", "devices"/],
    ["no stream", { ...http, streams: [] }, "SINKS[0].streams", /"users", "devices"/],
    ["a stream twice", { ...http, streams: ["users", "users"] }, "SINKS[0].streams", /each once/],
    ["a dialect", { ...http, dialect: "ecs" }, "SINKS[0].dialect", /"ocsf", "sekoia" or "sekoia_2026"/],
    [
      "an absent binding",
      { type: "r2", name: "siem", binding: "LAKE" },
      "SINKS[0].binding",
      /no binding LAKE.*R2/,
    ],
    ["an absolute prefix", { type: "r2", name: "siem", prefix: "/x" }, "SINKS[0].prefix", /slash/],
    ["an index with capitals", { ...es, index: "Okta" }, "SINKS[0].index", /lower-case/],
    ["no connector", sekoia, "SINKS[0].connector_uuids", /connector UUID/],
    ["an empty connector", { ...sekoia, connector_uuids: {} }, "SINKS[0].connector_uuids", /connector UUID/],
    [
      "a connector that is none",
      { ...sekoia, connector_uuids: { users: "x" } },
      "SINKS[0].connector_uuids.users",
      /UUID/,
    ],
    [
      "a connector for an unknown stream",
      { ...sekoia, connector_uuids: { users: uuid, groups: uuid } },
      "SINKS[0].connector_uuids.groups",
      /known keys are users, devices$/,
    ],
    [
      "streams without connector",
      { ...sekoia, connector_uuids: { users: uuid }, streams: ["devices"] },
      "SINKS[0].connector_uuids",
      /for devices/,
    ],
    [
      "a batch of nothing",
      { ...sekoia, connector_uuids: { users: uuid }, batch_size: 0 },
      "SINKS[0].batch_size",
      /1 to 1000/,
    ],
  ])("%s, with the sink's name, path and remedy", (_, sink, path, message) => {
    expectRefused(sink, path, message);
  });

  it.each(["{", "{}", '"x"', 7])("%j as a whole", (value) => {
    expect(parse(value)).toMatchObject({
      accepted: [],
      refused: [{ name: "SINKS", problems: [{ path: "SINKS" }] }],
    });
  });

  it.each([1, null, [], { type: "http", name: "a b" }, { type: "http" }])("%j by its place", (entry) => {
    expect(parse([http, entry])).toMatchObject({
      accepted: [{ name: "siem" }],
      refused: [{ name: "SINKS[1]" }],
    });
  });

  it("the later of two sinks with one name, and lets the others run", () => {
    const { accepted, refused } = parse([http, { type: "queue", name: "siem" }, { ...http, name: "other" }]);
    expect(accepted.map((sink) => [sink.type, sink.name])).toEqual([
      ["http", "siem"],
      ["http", "other"],
    ]);
    expect(refused).toMatchObject([{ name: "siem", type: "queue", problems: [{ path: "SINKS[1].name" }] }]);
  });

  it("without ever repeating what may be a secret", () => {
    const secret = "00000000-dead-beef-0000-000000000000";
    const text = JSON.stringify(
      parse([
        { ...hec, token_secret: secret },
        { ...http, name: "b", url: `https://siem.example.com:1/?token=${secret}` },
        { ...es, name: "c", url: `https://siem.example.com/?key=${secret}`, index: "o" },
        { ...http, name: "d", token: secret },
      ]),
    );
    expect(text).not.toContain(secret);
    expect(JSON.stringify(parse(`[{"token": "${secret}"`))).not.toContain(secret);
  });
});

describe("connections", () => {
  const connections = ["default", "acme"];

  it("are those that the sink is for; without the key, all", () => {
    const some = parse([{ ...http, connections: ["acme"] }], { connections });
    expect(some.accepted).toMatchObject([{ connections: ["acme"] }]);
    expect(parse([http], { connections }).accepted[0]).not.toHaveProperty("connections");
  });

  it.each<[unknown, RegExp]>([
    [["acme", "other"], /no connection "other"; they have default, acme$/],
    [[], /must list ids of connections/],
    [["acme", "acme"], /each once/],
    ["acme", /must list ids/],
    [[1], /must list ids/],
  ])("%j are refused, with what a right value is", (value, message) => {
    expect(parse([{ ...http, connections: value }], { connections }).refused).toMatchObject([
      { name: "siem", problems: [{ message: expect.stringMatching(message) }] },
    ]);
  });

  it("are believed while the settings' own cannot be read", () => {
    expect(parse([{ ...http, connections: ["other"] }]).accepted).toMatchObject([{ connections: ["other"] }]);
  });
});

describe("batch_size", () => {
  const splunk = {
    type: "splunk_hec",
    name: "siem",
    url: "https://hec.example.com",
    token_secret: "SIEM_TOKEN",
  };
  const elastic = {
    type: "elasticsearch",
    name: "siem",
    url: "https://es.example.com",
    api_key_secret: "ES",
    index: "o",
  };

  it.each([http, splunk, elastic])("of $type is a whole number from 1 to 1000", (setting) => {
    expect(parse([{ ...setting, batch_size: 7 }]).accepted).toMatchObject([{ batchSize: 7 }]);
    for (const wrong of [0, 1001, 1.5, "7"]) {
      expect(parse([{ ...setting, batch_size: wrong }]).refused).toMatchObject([
        { problems: [{ path: "SINKS[0].batch_size", message: "it must be a whole number from 1 to 1000" }] },
      ]);
    }
  });
});
