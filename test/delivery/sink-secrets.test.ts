/**
 * A receiver, or a token endpoint, that repeats all that it was sent, wherever it can write: no secret, secret address or
 * header is in what is stored, shown or logged.
 */
import { reset } from "cloudflare:test";
import { afterEach, expect, test, vi } from "vitest";
import { secretsOf } from "../../src/config/secrets.ts";
import { protect } from "../../src/lib/redact.ts";
import { FakeInventory } from "./events.ts";
import { Harness } from "./harness.ts";

afterEach(async () => {
  vi.restoreAllMocks();
  await reset();
});

const base64 = (text: string): string => btoa(text);

/** All values begin with this, so that any half of one is found. */
const CANARY = "canary";
const secrets: Readonly<Record<string, string>> = {
  HEADER_KEY: `${CANARY}-header-0123456789`,
  HEADER_AUTH: `Bearer ${CANARY}-scheme-0123456789`,
  ADDRESS: `https://${CANARY}-host.example.com/${CANARY}-path-0123456789/in?key=${CANARY}-query-0123456789`,
  CLIENT: `${CANARY}-client-0123456789`,
  TOKEN: `${CANARY}-token-0123456789`,
  S3: `${CANARY}-s3-0123456789`,
};

const tokenUrl = "https://login.example.com/token";
const client = { client_id: "echo", client_secret_secret: "CLIENT" };

const sinks: readonly (readonly [string, object])[] = [
  [
    "http with headers and a secret URL",
    {
      type: "http",
      url_secret: "ADDRESS",
      hmac_secret: "TOKEN",
      headers: {
        "X-Key": { secret: "HEADER_KEY" },
        Authorization: { secret: "HEADER_AUTH" },
        "X-Env": `${CANARY}-text-01`,
      },
    },
  ],
  [
    "http with oauth2",
    { type: "http", url: "https://siem.example.com/in", oauth2: { token_url: tokenUrl, ...client } },
  ],
  [
    "sentinel",
    {
      type: "sentinel",
      endpoint: "https://dce.example.com",
      rule_id: "dcr-1",
      stream_name: "Custom-A",
      tenant_id: "t",
      token_url: tokenUrl,
      ...client,
    },
  ],
  [
    "s3",
    {
      type: "s3",
      endpoint: "https://s3.example.com",
      region: "eu-west-1",
      bucket: "okta-events",
      access_key_id: `${CANARY}AKIAEXAMPLE`,
      secret_access_key_secret: "S3",
    },
  ],
  [
    "splunk_hec with Bearer",
    { type: "splunk_hec", url: "https://hec.example.com", token_secret: "TOKEN", auth: "Bearer" },
  ],
];

/** A secret in any spelling that it can be read from. The spellings of base64 depend on where in its groups it begins. */
const readable = new RegExp(
  [CANARY, ...Object.values(secrets).map((value) => base64(value).replace(/=+$/, "")), "granted-token"].join(
    "|",
  ),
  "i",
);

/** What is secret of a request, in every spelling. */
const secretsIn = async (request: Request): Promise<string[]> => {
  const { host, pathname, search } = new URL(request.url);
  const body = new TextDecoder().decode(await request.arrayBuffer());
  const values = [...request.headers.values(), ...new URLSearchParams(body).values()];
  const all = [
    request.url,
    host,
    pathname,
    search,
    ...values,
    ...values.map((value) => value.split(" ").at(-1) ?? ""),
  ];
  const found = [...new Set(all)].filter((text) => text.length < 400 && readable.test(text));
  const spellings = [
    base64,
    encodeURIComponent,
    (text: string) => JSON.stringify({ text }),
    (text: string) => text.toUpperCase(),
  ];
  return [...found, ...spellings.flatMap((spell) => found.map((text) => spell(text)))];
};

type Answer = (echo: string, request: Request) => Response;

const xml = (echo: string): string =>
  `<Error><Code>SignatureDoesNotMatch</Code><Message>${echo.replace(/[<>&]/g, "")}</Message></Error>`;

const answers: readonly (readonly [string, Answer])[] = [
  ["400", (echo) => new Response(echo, { status: 400 })],
  ["401", (echo) => new Response(echo, { status: 401 })],
  ["403 in XML", (echo) => new Response(xml(echo), { status: 403 })],
  ["413", (echo) => new Response(echo, { status: 413 })],
  ["429", (echo) => new Response(echo, { status: 429, headers: { "retry-after": "1" } })],
  ["500", (echo) => new Response(echo, { status: 500 })],
  [
    "a redirect",
    (_, request) =>
      new Response(null, {
        status: 307,
        headers: { location: `${request.url}/${request.headers.get("authorization")?.split(" ")[1]}` },
      }),
  ],
  ["200 with a page", (echo) => new Response(`<html>${echo}`)],
  [
    "an exception",
    (echo) => {
      throw new TypeError(`fetch failed: ${echo}`);
    },
  ],
  [
    "an OAuth error",
    (echo) => Response.json({ error: "invalid_client", error_description: echo }, { status: 400 }),
  ],
];

const cases = sinks.flatMap(([kind, setting]) =>
  answers.flatMap(([said, answer]) =>
    (["receiver", "token endpoint"] as const)
      .filter((who) => who === "receiver" || JSON.stringify(setting).includes("token_url"))
      .map((who) => ({ kind, setting, said, answer, who })),
  ),
);

test.each(cases)("$kind: the $who answers $said", async ({ setting, answer, who }) => {
  const lines: string[] = [];
  for (const level of ["log", "warn", "error"] as const)
    vi.spyOn(console, level).mockImplementation((line: unknown) => void lines.push(String(line)));
  const settings = { name: "echo", ...setting };
  protect(secretsOf({ SINKS: [settings], ...secrets }));
  let tokens = 0;
  let asked = 0;
  const network: typeof fetch = async (input, init) => {
    const request = new Request(input, init);
    const isToken = request.url === tokenUrl;
    if (isToken !== (who === "token endpoint")) {
      tokens += 1;
      return isToken
        ? Response.json({ access_token: `granted-token-${tokens}`, token_type: "Bearer", expires_in: 0 })
        : new Response(null, { status: 204 });
    }
    // A message is cut, so each request is answered with other parts first.
    const parts = await secretsIn(request);
    const begin = parts.length === 0 ? 0 : (asked * 5) % parts.length;
    asked += 1;
    return answer([...parts.slice(begin), ...parts.slice(0, begin)].join("\n"), request);
  };
  const inventory = new FakeInventory();
  const harness = new Harness({ name: "echo", setting: settings, secrets, inventory, fetch: network });
  for (let user = 1; user <= 3; user += 1) inventory.put(`u${user}`);
  await harness.wake();
  for (let slice = 0; slice < 10; slice += 1) await harness.step();
  const shown = [
    await harness.status(),
    await harness.run((delivery) => delivery.deadLetters(0, 100)),
    await harness.test(network),
  ];
  const stored = await harness.run((_, storage) => {
    const tables = storage.sql
      .exec<{ name: string }>(
        "SELECT name FROM sqlite_master WHERE type = 'table' AND name NOT LIKE '\\_cf%' ESCAPE '\\'",
      )
      .toArray();
    return JSON.stringify([
      tables.map(({ name }) => storage.sql.exec(`SELECT * FROM "${name}"`).toArray()),
      [...storage.kv.list()],
    ]);
  });
  const places = { shown: JSON.stringify(shown), stored, log: lines.join("\n") };
  for (const [place, text] of Object.entries(places))
    expect([place, readable.exec(text)?.[0]]).toEqual([place, undefined]);
  expect(stored).toContain("echo");
});
