/**
 * The same of the other types that speak HTTP, and of receivers behind a token endpoint that fails in ways of its own: see
 * any-receiver.test.ts.
 */
import { reset } from "cloudflare:test";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { muteLog } from "../http/support.ts";
import { long, seed } from "../support/seeds.ts";
import { expectDelivery, type Kind, type Surroundings } from "./any-receiver.ts";
import type { Speech } from "./moods.ts";
import { parse } from "./receivers/receiver.ts";
import { TokenEndpoint, tokenMoods } from "./receivers/token-endpoint.ts";

beforeEach(muteLog);
afterEach(() => reset());

const tokenUrl = "https://login.example.com/oauth2/token";

/** A token endpoint before the receiver, which takes only tokens that were granted and not revoked. */
const behindTokens =
  (clientId: string, scope: string | null) =>
  (receiver: typeof fetch): Surroundings => {
    const endpoint = new TokenEndpoint({ clientId, clientSecret: "CLIENT_SECRET-value", scope });
    let isFlapping = false;
    let random = Math.random;
    return {
      fetch: async (input, init) => {
        const request = new Request(input, init);
        if (request.url === tokenUrl) {
          // Every token is for one request, and every other time there is none: then a failure is easily taken for an event's.
          if (isFlapping) {
            endpoint.mood = random() < 0.5 ? "down" : "grants";
            endpoint.lifetime = 0;
          }
          return endpoint.handle(request);
        }
        return endpoint.allows(request.headers) ? receiver(input, init) : new Response("no", { status: 401 });
      },
      changeMood: (given) => {
        random = given;
        isFlapping = random() < 0.3;
        endpoint.mood = tokenMoods[Math.floor(random() * tokenMoods.length)] ?? "grants";
        endpoint.lifetime = [null, 0, 1, 60, 3600][Math.floor(random() * 5)] ?? null;
        if (random() < 0.3) endpoint.revoke();
      },
      calm: () => {
        isFlapping = false;
        endpoint.mood = "grants";
      },
    };
  };

const gunzip = async (request: Request): Promise<string> => {
  const { body } = request;
  if (body === null) return "";
  return new Response(body.pipeThrough(new DecompressionStream("gzip"))).text();
};

const objects: Speech = {
  read: async (request) => {
    if (request.method !== "PUT" || !/-\d+-\d+\.ndjson\.gz$/.test(request.url)) return undefined;
    return (await gunzip(request)).split("\n").filter(Boolean).map(parse);
  },
  taken: { status: 200, text: "" },
};

const records: Speech = {
  read: async (request) => {
    const list = parse(await request.text());
    return Array.isArray(list) ? list.map(({ Event }) => Event) : undefined;
  },
  taken: { status: 204, text: null },
};

const oauth2 = { token_url: tokenUrl, client_secret_secret: "CLIENT_SECRET" };

const kinds: readonly (readonly [string, (number: number) => Kind])[] = [
  [
    "http with oauth2",
    (number) => ({
      setting: {
        type: "http",
        name: "siem",
        url: "https://siem.example.com/in",
        headers: { "X-Env": "prod" },
        oauth2: { ...oauth2, client_id: `http-${number}`, scope: "events.write" },
      },
      around: behindTokens(`http-${number}`, "events.write"),
    }),
  ],
  [
    "sentinel",
    (number) => ({
      setting: {
        type: "sentinel",
        name: "siem",
        endpoint: "https://okta-abcd.westeurope-1.ingest.monitor.azure.com",
        rule_id: "dcr-0123456789abcdef0123456789abcdef",
        stream_name: "Custom-OktaInventory",
        tenant_id: "contoso.onmicrosoft.com",
        ...oauth2,
        client_id: `sentinel-${number}`,
      },
      speech: records,
      around: behindTokens(`sentinel-${number}`, "https://monitor.azure.com/.default"),
    }),
  ],
  [
    "s3",
    () => ({
      setting: {
        type: "s3",
        name: "siem",
        endpoint: "https://s3.eu-west-1.amazonaws.com",
        region: "eu-west-1",
        bucket: "okta-events",
        access_key_id: "AKIAIOSFODNN7EXAMPLE",
        secret_access_key_secret: "S3_KEY",
      },
      speech: objects,
    }),
  ],
];

describe.each(kinds)("%s", (_, kind) => {
  test.each(Array.from({ length: long ? 60 : 6 }, (_, index) => seed + index))(
    "any receiver, seed %i",
    async (number) => {
      expect.hasAssertions();
      await expectDelivery(number, kind(number));
    },
  );
});
