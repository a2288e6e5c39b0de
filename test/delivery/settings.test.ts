import { describe, expect, it } from "vitest";
import { parseSinks } from "../../src/delivery/settings.ts";
import type { SinkContext } from "../../src/delivery/settings-resolver.ts";

const uuid = "B2E2E2C7-1a3e-4b7a-9c2d-8e4f3a6b7c9d";
const secrets: Record<string, string> = {
  SIEM_TOKEN: "s3cr3t-value",
  BROKEN: "two\nlines",
  ES: "id:key",
  EMPTY: "",
  SECRET_URL: "https://Siem.example.com/in/0123456789abcdef?key=k",
  PRIVATE_URL: "https://10.0.0.1/in",
  NO_URL: "not an address",
};

const context = (overrides: Partial<SinkContext> = {}): SinkContext => ({
  secret: (name) => secrets[name],
  binding: (name) => name === "EVENTS" || name === "EVENTS_QUEUE",
  allowLoopback: false,
  ...overrides,
});

const parse = (value: unknown, overrides: Partial<SinkContext> = {}) => {
  const { accepted, refused } = parseSinks(value, context(overrides));
  return { accepted: accepted.map((sink) => sink.settings), refused };
};

const http = { type: "http", name: "siem", url: "https://siem.example.com/okta" };

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

const oauth2 = {
  token_url: "https://login.example.com/token",
  client_id: "okta-connector",
  client_secret_secret: "SIEM_TOKEN",
};

describe("http takes", () => {
  it("headers whose values are text or name secrets", () => {
    const headers = { "DD-API-KEY": { secret: "SIEM_TOKEN" }, "X-Env": " prod " };
    expect(parse([{ ...http, headers }])).toMatchObject({
      accepted: [{ headers: { "dd-api-key": "s3cr3t-value", "x-env": "prod" } }],
      refused: [],
    });
  });

  it("Authorization among them, where nothing else sets it", () => {
    expect(parse([{ ...http, headers: { Authorization: { secret: "SIEM_TOKEN" } } }]).refused).toEqual([]);
  });

  it("a URL from a secret", () => {
    const { url: _, ...rest } = http;
    expect(parse([{ ...rest, url_secret: "SECRET_URL" }])).toMatchObject({
      accepted: [{ url: "https://siem.example.com/in/0123456789abcdef?key=k" }],
      refused: [],
    });
  });

  it("an OAuth 2.0 client", () => {
    expect(parse([{ ...http, oauth2: { ...oauth2, scope: "events.write more" } }])).toMatchObject({
      accepted: [
        {
          oauth2: {
            tokenUrl: "https://login.example.com/token",
            clientId: "okta-connector",
            clientSecret: "s3cr3t-value",
            scope: "events.write more",
          },
        },
      ],
      refused: [],
    });
    expect(parse([{ ...http, oauth2 }]).accepted).toMatchObject([{ oauth2: { scope: null } }]);
  });

  it("one event in each request", () => {
    expect(parse([{ ...http, format: "object" }]).accepted).toMatchObject([{ format: "object" }]);
  });
});

describe("splunk_hec takes", () => {
  const hec = { type: "splunk_hec", name: "siem", token_secret: "SIEM_TOKEN" };

  it("the other scheme, and LogScale's own path pasted along", () => {
    for (const url of [
      "https://cloud.humio.com",
      "https://cloud.humio.com/api/v1/ingest/hec",
      "https://cloud.humio.com/services/collector",
    ]) {
      expect(parse([{ ...hec, url, auth: "Bearer" }]).accepted).toMatchObject([
        { baseUrl: "https://cloud.humio.com", auth: "Bearer" },
      ]);
    }
  });

  it("the default as if it were not written, so that a sink has not changed", () => {
    const setting = { ...hec, url: "https://hec.example.com" };
    expect(parse([{ ...setting, auth: "Splunk" }]).accepted).toEqual(parse([setting]).accepted);
  });
});

describe("parseSinks refuses", () => {
  const hec = { type: "splunk_hec", name: "siem", url: "https://h.example.com" };
  const es = { type: "elasticsearch", name: "siem", url: "https://h.example.com", api_key_secret: "ES" };
  const sekoia = { type: "sekoia", name: "siem", api_key_secret: "SIEM_TOKEN" };
  const { url: _, ...noUrl } = http;
  const withHeaders = (headers: unknown) => ({ ...http, headers });
  const withOauth2 = (over: object) => ({ ...http, oauth2: { ...oauth2, ...over } });
  const sentinel = {
    type: "sentinel",
    name: "siem",
    endpoint: "https://okta-abcd.westeurope-1.ingest.monitor.azure.com",
    rule_id: "dcr-0123456789abcdef0123456789abcdef",
    stream_name: "Custom-OktaInventory",
    tenant_id: "contoso.onmicrosoft.com",
    client_id: "11111111-2222-3333-4444-555555555555",
    client_secret_secret: "SIEM_TOKEN",
  };
  const s3 = {
    type: "s3",
    name: "siem",
    endpoint: "https://s3.eu-west-1.amazonaws.com",
    region: "eu-west-1",
    bucket: "okta-events",
    access_key_id: "AKIAIOSFODNN7EXAMPLE",
    secret_access_key_secret: "SIEM_TOKEN",
  };
  it.each<[string, object, string, RegExp]>([
    ["an unknown type", { ...http, type: "syslog" }, "SINKS[0].type", /known types are sekoia, http, r2/],
    ["a type from the object's prototype", { ...http, type: "toString" }, "SINKS[0].type", /known types are/],
    [
      "an unknown key",
      { ...http, urll: "x" },
      "SINKS[0].urll",
      /known keys are type, name, streams, connections, dialect, url/,
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
    ["neither URL nor secret", noUrl, "SINKS[0].url", /give a URL, for example https.*or in url_secret/],
    ["both", { ...http, url_secret: "SECRET_URL" }, "SINKS[0].url_secret", /leave one of the two out/],
    [
      "a URL's secret that is not set",
      { ...noUrl, url_secret: "NOPE" },
      "SINKS[0].url_secret",
      /NOPE is not set/,
    ],
    [
      "a URL's secret that is private",
      { ...noUrl, url_secret: "PRIVATE_URL" },
      "SINKS[0].url_secret",
      /the secret PRIVATE_URL holds no URL to send to: the address is private.*looks like https:/,
    ],
    [
      "a URL's secret that is none",
      { ...noUrl, url_secret: "NO_URL" },
      "SINKS[0].url_secret",
      /it is not a URL/,
    ],
    [
      "headers that are none",
      withHeaders("X-Env: prod"),
      "SINKS[0].headers",
      /an object of headers, for example/,
    ],
    [
      "a header of a number",
      withHeaders({ "X-Env": 7 }),
      "SINKS[0].headers.X-Env",
      /text, or name a secret, for/,
    ],
    [
      "a header with another key",
      withHeaders({ "X-Env": { value: "x" } }),
      "SINKS[0].headers.X-Env",
      /text, or name a secret, for example/,
    ],
    [
      "a header's secret that is not set",
      withHeaders({ "DD-API-KEY": { secret: "NOPE" } }),
      "SINKS[0].headers.DD-API-KEY",
      /the secret NOPE is not set/,
    ],
    [
      "a header's secret of two lines",
      withHeaders({ "DD-API-KEY": { secret: "BROKEN" } }),
      "SINKS[0].headers.DD-API-KEY",
      /line breaks/,
    ],
    ["a header of two lines", withHeaders({ "X-Env": "a\r\nb: c" }), "SINKS[0].headers.X-Env", /on one line/],
    [
      "an empty header",
      withHeaders({ "X-Env": " " }),
      "SINKS[0].headers.X-Env",
      /not empty, for example prod/,
    ],
    [
      "a header that is too long",
      withHeaders({ "X-Env": "x".repeat(4097) }),
      "SINKS[0].headers.X-Env",
      /4096/,
    ],
    ["a name with a blank", withHeaders({ "X Env": "prod" }), "SINKS[0].headers", /for example X-Api-Key/],
    [
      "a name with a line break",
      withHeaders({ "X-Env\r\nHost": "x" }),
      "SINKS[0].headers",
      /for example X-Api-Key/,
    ],
    [
      "a name twice",
      withHeaders({ "X-Env": "a", "x-env": "b" }),
      "SINKS[0].headers.x-env",
      /upper and lower case/,
    ],
    [
      "too many",
      withHeaders(Object.fromEntries(Array.from({ length: 21 }, (_, n) => [`X-${n}`, "v"]))),
      "SINKS[0].headers",
      /more than 20/,
    ],
    ...[
      ["Host", /the URL says/],
      ["content-type", /"format"/],
      ["Content-Encoding", /"gzip"/],
      ["Content-Length", /leave it out/],
      ["User-Agent", /leave it out/],
      ["Accept", /leave it out/],
      ["Idempotency-Key", /leave it out/],
      ["X-Signature", /"hmac_secret"/],
      ["X-Connection", /leave it out/],
      ["X-Stream", /leave it out/],
      ["Transfer-Encoding", /belongs to the connection/],
      ["Connection", /belongs to the connection/],
      ["Keep-Alive", /belongs to the connection/],
      ["TE", /belongs to the connection/],
      ["Trailer", /belongs to the connection/],
      ["Upgrade", /belongs to the connection/],
      ["Expect", /belongs to the connection/],
      ["Proxy-Authorization", /belongs to the connection/],
      ["Cookie", /X-Api-Key/],
      ["Set-Cookie", /leave it out/],
      ["CF-Connecting-IP", /leave it out/],
      ["CDN-Loop", /leave it out/],
    ].map(([name, message]): [string, object, string, RegExp] => [
      `the header ${name}`,
      withHeaders({ [String(name)]: "x" }),
      `SINKS[0].headers.${name}`,
      message as RegExp,
    ]),
    [
      "Authorization beside a token",
      { ...withHeaders({ authorization: "x" }), token_secret: "SIEM_TOKEN" },
      "SINKS[0].headers.authorization",
      /token_secret sets Authorization already; leave one/,
    ],
    [
      "Authorization beside oauth2",
      { ...withHeaders({ Authorization: { secret: "SIEM_TOKEN" } }), oauth2 },
      "SINKS[0].headers.Authorization",
      /oauth2 sets Authorization already; leave one/,
    ],
    [
      "a token beside oauth2",
      { ...http, token_secret: "SIEM_TOKEN", oauth2 },
      "SINKS[0].oauth2",
      /leave one/,
    ],
    ["oauth2 that is none", { ...http, oauth2: "x" }, "SINKS[0].oauth2", /an object, for example/],
    [
      "another key in oauth2",
      withOauth2({ client_secret: "x" }),
      "SINKS[0].oauth2.client_secret",
      /known keys are token_url/,
    ],
    [
      "a private token URL",
      withOauth2({ token_url: "https://169.254.169.254/" }),
      "SINKS[0].oauth2.token_url",
      /private/,
    ],
    [
      "a token URL without https",
      withOauth2({ token_url: "http://login.example.com/" }),
      "SINKS[0].oauth2.token_url",
      /https:/,
    ],
    [
      "a client's secret that is not set",
      withOauth2({ client_secret_secret: "NOPE" }),
      "SINKS[0].oauth2.client_secret_secret",
      /the secret NOPE is not set/,
    ],
    [
      "a client without a name",
      withOauth2({ client_id: "" }),
      "SINKS[0].oauth2.client_id",
      /for example okta-connector/,
    ],
    [
      "a scope",
      withOauth2({ scope: "a  b" }),
      "SINKS[0].oauth2.scope",
      /single spaces, for example events.write/,
    ],
    [
      "a batch of objects",
      { ...http, format: "object", batch_size: 5 },
      "SINKS[0].batch_size",
      /each request holds one event; leave it out/,
    ],
    [
      "a scheme",
      { ...hec, token_secret: "SIEM_TOKEN", auth: "bearer" },
      "SINKS[0].auth",
      /"Splunk", or "Bearer"/,
    ],
    [
      "a rule's name",
      { ...sentinel, rule_id: "my-rule" },
      "SINKS[0].rule_id",
      /immutable ID, for example dcr-/,
    ],
    [
      "a table's name",
      { ...sentinel, stream_name: "Okta_CL" },
      "SINKS[0].stream_name",
      /for example Custom-OktaInventory/,
    ],
    [
      "a tenant",
      { ...sentinel, tenant_id: "a/b" },
      "SINKS[0].tenant_id",
      /tenant's ID or domain, for example/,
    ],
    [
      "a private endpoint",
      { ...sentinel, endpoint: "https://dce.internal" },
      "SINKS[0].endpoint",
      /private network/,
    ],
    [
      "a private token URL of a tenant",
      { ...sentinel, token_url: "https://10.0.0.1/" },
      "SINKS[0].token_url",
      /private/,
    ],
    [
      "a tenant's client without its secret",
      { ...sentinel, client_secret_secret: "NOPE" },
      "SINKS[0].client_secret_secret",
      /the secret NOPE is not set/,
    ],
    ["a store without https", { ...s3, endpoint: "http://s3.amazonaws.com" }, "SINKS[0].endpoint", /https:/],
    [
      "a store by the bucket's own name",
      { ...s3, endpoint: "https://okta-events.s3.eu-west-1.amazonaws.com" },
      "SINKS[0].endpoint",
      /looks like https:\/\/s3\./,
    ],
    ["a bucket with capitals", { ...s3, bucket: "Okta" }, "SINKS[0].bucket", /for example okta-events/],
    ["a region", { ...s3, region: "eu west" }, "SINKS[0].region", /for example eu-west-1/],
    ["no region", { ...s3, region: undefined }, "SINKS[0].region", /for example eu-west-1/],
    ["an access key", { ...s3, access_key_id: "a/b" }, "SINKS[0].access_key_id", /for example AKIA/],
    [
      "an access key's secret that is not set",
      { ...s3, secret_access_key_secret: "NOPE" },
      "SINKS[0].secret_access_key_secret",
      /the secret NOPE is not set/,
    ],
    ["a prefix that leads up", { ...s3, prefix: "a/../b" }, "SINKS[0].prefix", /looks like okta\//],
    ["an absolute prefix in a store", { ...s3, prefix: "/x" }, "SINKS[0].prefix", /slash/],
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
    const { accepted, refused } = parse([sink]);
    expect(accepted).toEqual([]);
    expect(refused).toMatchObject([{ name: "siem", problems: [{ path }] }]);
    expect(refused[0]?.problems[0]?.message).toMatch(message);
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
        { ...http, name: "e", headers: { [`${secret} `]: "x", "X-Key": `${secret}\n` } },
        { ...http, name: "f", headers: { "X-Key": { secret } } },
        { ...noUrl, name: "g", url_secret: `https://siem.example.com/${secret}` },
        {
          ...withOauth2({ client_secret_secret: secret, token_url: `https://10.0.0.1/${secret}` }),
          name: "h",
        },
        { ...sentinel, name: "i", client_secret_secret: secret, rule_id: secret, tenant_id: `/${secret}` },
        { ...s3, name: "j", secret_access_key_secret: secret, access_key_id: `${secret}/` },
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
