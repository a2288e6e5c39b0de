/** What http and splunk_hec sinks prove themselves with, as settings: headers, secret addresses, access tokens. */
import { describe, expect, it } from "vitest";
import { expectRefused, http, parse, type Wrong } from "./settings-support.ts";

const oauth2 = {
  token_url: "https://login.example.com/token",
  client_id: "okta-connector",
  client_secret_secret: "SIEM_TOKEN",
};

const { url: _, ...noUrl } = http;
const withHeaders = (headers: unknown) => ({ ...http, headers });
const withOauth2 = (over: object) => ({ ...http, oauth2: { ...oauth2, ...over } });

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
  it.each<Wrong>([
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
  ])("%s, with the sink's name, path and remedy", (_, sink, path, message) => {
    expectRefused(sink, path, message);
  });

  it("without ever repeating what may be a secret", () => {
    const secret = "00000000-dead-beef-0000-000000000000";
    const text = JSON.stringify(
      parse([
        { ...http, name: "e", headers: { [`${secret} `]: "x", "X-Key": `${secret}\n` } },
        { ...http, name: "f", headers: { "X-Key": { secret } } },
        { ...noUrl, name: "g", url_secret: `https://siem.example.com/${secret}` },
        {
          ...withOauth2({ client_secret_secret: secret, token_url: `https://10.0.0.1/${secret}` }),
          name: "h",
        },
      ]),
    );
    expect(text).not.toContain(secret);
  });
});

describe("changes", () => {
  it("are taken with the dialect ocsf, and refused with another", () => {
    expect(parse([{ ...http, changes: true }])).toMatchObject({ accepted: [{ changes: true }], refused: [] });
    // Off is what it was before there was this.
    expect(parse([{ ...http, changes: false }]).accepted).toEqual(parse([http]).accepted);
    expectRefused({ ...http, dialect: "sekoia", changes: true }, "SINKS[0].changes", /only the dialect ocsf/);
    expectRefused({ ...http, changes: "yes" }, "SINKS[0].changes", /true or false/);
  });
});
