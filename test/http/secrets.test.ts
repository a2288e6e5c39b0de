import { afterEach, describe, expect, it, vi } from "vitest";
import { configOf } from "../../src/http/config.ts";
import { type CallOptions, fakeStream, fullKey, keyedRoutes, makeApp, readKey, textOf } from "./support.ts";

const canary = "canary-0123456789-0123456789-0123456789";

/** Every setting that may hold a secret holds the canary, in settings that are right and in wrong ones. */
const settingsWithCanary: readonly (readonly [string, object])[] = [
  [
    "a token and sinks",
    {
      OKTA_BASE_URL: "https://company.okta.com",
      OKTA_API_TOKEN: canary,
      API_KEYS: `${fullKey},read:${readKey},${canary}-key`,
      SINKS: [
        {
          type: "http",
          name: "siem",
          url: "https://siem.example.com/",
          token_secret: "SIEM",
          hmac_secret: "SIEM",
        },
        { type: "splunk_hec", name: "hec", url: "http://wrong.example.com/", token_secret: "SIEM" },
        {
          type: "http",
          name: "inlined",
          url: `https://u:${canary}@x.example/?k=${canary}`,
          token_secret: canary,
        },
      ],
      SIEM: canary,
    },
  ],
  [
    "sinks with headers, a secret address, and clients of token endpoints",
    {
      OKTA_BASE_URL: "https://company.okta.com",
      OKTA_API_TOKEN: canary,
      API_KEYS: `${fullKey},read:${readKey}`,
      SINKS: [
        {
          type: "http",
          name: "address",
          url_secret: "ADDRESS",
          headers: { "X-Key": { secret: "SIEM" }, "X-Text": canary, Authorization: { secret: "SIEM" } },
        },
        {
          type: "http",
          name: "client",
          url: "https://siem.example.com/",
          oauth2: { token_url: "https://login.example.com/", client_id: "c", client_secret_secret: "SIEM" },
        },
        {
          type: "s3",
          name: "s3",
          endpoint: "https://s3.eu-west-1.amazonaws.com",
          region: "eu-west-1",
          bucket: "okta-events",
          access_key_id: "AKIAIOSFODNN7EXAMPLE",
          secret_access_key_secret: "SIEM",
        },
        {
          type: "sentinel",
          name: "inlined",
          endpoint: `https://u:${canary}@dce.example.com`,
          rule_id: canary,
          stream_name: canary,
          tenant_id: `${canary}/`,
          client_id: `${canary} `,
          client_secret_secret: canary,
          token_url: `http://${canary}.example.com/`,
        },
        {
          type: "http",
          name: "misplaced",
          url_secret: `https://siem.example.com/${canary}`,
          headers: { [`${canary} `]: "x", "X-Key": { secret: canary }, "X-Other": `${canary}\n` },
          oauth2: {
            token_url: canary,
            client_id: `${canary} `,
            client_secret_secret: canary,
            scope: `${canary} `,
          },
        },
      ],
      SIEM: canary,
      ADDRESS: `https://siem.example.com/${canary}?key=${canary}`,
    },
  ],
  [
    "a service app with a damaged key",
    {
      OKTA_BASE_URL: "https://company.okta.com",
      OKTA_CLIENT_ID: canary,
      OKTA_PRIVATE_KEY: `-----BEGIN PRIVATE KEY-----\n${canary}`,
      OKTA_KEY_ID: canary,
      API_KEYS: `${fullKey},read:${readKey}`,
    },
  ],
  [
    "another org",
    {
      API_KEYS: `${fullKey},read:${readKey}`,
      CONNECTIONS: `[{"id":"acme","base_url":"https://u:${canary}@acme.okta.com","secret_prefix":"ACME_","token":"${canary}"}]`,
      ACME_API_TOKEN: `SSWS ${canary}`,
    },
  ],
  ["keys that are wrong", { API_KEYS: `${canary} ${canary}`, OKTA_API_TOKEN: canary }],
];

afterEach(() => vi.restoreAllMocks());

describe("no secret of the settings or of a caller leaves", () => {
  it.each(settingsWithCanary)("%s", async (_, settings) => {
    const lines: string[] = [];
    for (const method of ["log", "warn", "error"] as const) {
      vi.spyOn(console, method).mockImplementation((line) => {
        lines.push(String(line));
      });
    }
    configOf(settings);
    const { call } = makeApp({
      settings,
      stream: (_env, connection, stream) => ({
        ...fakeStream(connection, stream),
        runs: async () => {
          throw new Error(`a bug that tells ${canary}`);
        },
      }),
    });
    const callers: CallOptions[] = [
      { key: fullKey },
      { key: readKey },
      { key: canary },
      { key: null, headers: { Authorization: canary, "Cf-Access-Jwt-Assertion": canary } },
    ];
    const paths = ["/", "/docs", "/openapi.json", "/healthz", `/v1/streams?connection=acme`];
    for (const caller of callers) {
      const requests = [...keyedRoutes, ...paths.map((path) => ["GET", path, undefined] as const)];
      for (const [method, path, body] of requests) {
        const response = await call(method, path, { ...caller, body });
        const headers = JSON.stringify([...response.headers]);
        expect(`${headers}${await textOf(response)}`).not.toContain("canary");
      }
    }
    expect(lines.length).toBeGreaterThan(0);
    expect(lines.join("\n")).not.toContain("canary");
  });
});
