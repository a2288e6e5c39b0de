/** The settings of sinks in other clouds: Microsoft Sentinel, and stores that speak S3. */
import { describe, expect, it } from "vitest";
import { expectRefused, parse, type Wrong } from "./settings-support.ts";

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

describe("parseSinks refuses", () => {
  it.each<Wrong>([
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
  ])("%s, with the sink's name, path and remedy", (_, sink, path, message) => {
    expectRefused(sink, path, message);
  });

  it("without ever repeating what may be a secret", () => {
    const secret = "00000000-dead-beef-0000-000000000000";
    const text = JSON.stringify(
      parse([
        { ...sentinel, name: "i", client_secret_secret: secret, rule_id: secret, tenant_id: `/${secret}` },
        { ...s3, name: "j", secret_access_key_secret: secret, access_key_id: `${secret}/` },
      ]),
    );
    expect(text).not.toContain(secret);
  });
});
