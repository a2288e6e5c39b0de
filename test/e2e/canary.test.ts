/**
 * Okta, or whoever answers in its place, repeats the credential that it was sent wherever it can write: in texts, codes,
 * links, headers and addresses, as it is and encoded. It is in nothing that is stored, shown or logged.
 */
import { reset } from "cloudflare:test";
import { afterEach, describe, expect, test, vi } from "vitest";
import { statusMetrics } from "../../src/http/metrics.ts";
import { protect, protectForNow } from "../../src/lib/redact.ts";
import { requestToken } from "../../src/okta/oauth/token-request.ts";
import { withMachine } from "../support/machine.ts";
import { createOrg } from "../support/org.ts";
import { stopTime } from "../support/time.ts";

const CONNECTION = "t19";
/** The token that the test settings give. */
const TOKEN = "sim-token";

afterEach(async () => {
  vi.restoreAllMocks();
  await reset();
});

const json = (status: number, body: unknown, headers: Record<string, string> = {}): Response =>
  new Response(JSON.stringify(body), { status, headers: { "content-type": "application/json", ...headers } });
const okta = (status: number, summary: string, code = "E0000006", headers: Record<string, string> = {}) =>
  json(status, { errorCode: code, errorSummary: summary, errorCauses: [{ errorSummary: summary }] }, headers);

const base64 = (text: string): string => btoa(text);

/** Where a peer can write, and what it writes there. `url` is what it was asked for. */
const hostile: readonly (readonly [string, (token: string, url: URL) => Response])[] = [
  ["in the summary", (token) => okta(403, `The token ${token} may not do this`)],
  ["in the summary, as a header", (token) => okta(401, `Authorization: SSWS ${token}`, "E0000011")],
  ["in the summary, at the cut", (token) => okta(400, `${"x".repeat(292)}${token}`, "E0000001")],
  ["in the summary, after a flood", (token) => okta(400, `${"x ".repeat(9_000)}${token}`, "E0000001")],
  ["in the summary, as base64", (token) => okta(403, `cmVx ${base64(token)} ${base64(`id:${token}`)}`)],
  [
    "in the summary, in JSON and in upper case",
    (token) => okta(403, JSON.stringify({ token: token.toUpperCase() })),
  ],
  ["in the summary, between control characters", (token) => okta(403, `\u202e\n${token}\u0000`)],
  ["as the code", (token) => okta(403, "no", token)],
  ["as the status text of a server error", (token) => new Response(`<h1>${token}</h1>`, { status: 503 })],
  [
    "as the host that a redirect leads to",
    (token) =>
      new Response(null, {
        status: 302,
        headers: { location: `https://${token}.attacker.example/${token}?t=${token}` },
      }),
  ],
  [
    "as the scope that is missing",
    (token) =>
      okta(403, token, "E0000006", {
        "www-authenticate": `DPoP error="insufficient_scope", scope="${token}"`,
      }),
  ],
  [
    "in the link to the next page",
    (token, url) => json(200, [], { link: `<${url.origin}${url.pathname}?after=${token}>; rel="next"` }),
  ],
  [
    "in headers",
    (token) =>
      json(200, [], {
        "x-okta-request-id": token,
        "x-rate-limit-limit": token,
        "x-rate-limit-reset": token,
        date: token,
        etag: token,
      }),
  ],
  [
    "as the id of the org",
    (token, url) =>
      json(200, {
        id: token,
        pipeline: token,
        _links: {
          organization: { href: `https://${token}.okta.com` },
          alternate: { href: `${url.origin}/${token}` },
        },
      }),
  ],
];

/** The token in any spelling that it can be read from. */
const readable = new RegExp([TOKEN, base64(TOKEN).replace(/=+$/, "")].join("|"), "i");

const listen = (): string[] => {
  const lines: string[] = [];
  for (const level of ["log", "warn", "error"] as const)
    vi.spyOn(console, level).mockImplementation((line: unknown) => void lines.push(String(line)));
  return lines;
};

describe("a token that Okta repeats", () => {
  test.each(hostile)("%s", async (_, answer) => {
    stopTime();
    const lines = listen();
    const org = await createOrg(CONNECTION, { users: 6, groups: 2 });
    let isHostile = false;
    const peer: typeof fetch = async (input, init) => {
      const url = new URL(String(input));
      const token = new Headers(init?.headers).get("authorization")?.split(" ")[1] ?? TOKEN;
      return isHostile ? answer(token, url) : fetch(input, init);
    };
    await withMachine({ org, stream: "users", fetch: peer }, async (machine) => {
      await machine.stream.startRun("full");
      await machine.toRest();
      isHostile = true;
      for (const kind of ["delta", "full"] as const) {
        await machine.stream.startRun(kind);
        for (let n = 0; n < 8; n++) await machine.slice();
      }
      const status = await machine.stream.status();
      const tables = machine.storage.sql
        .exec<{ name: string }>(
          "SELECT name FROM sqlite_master WHERE type = 'table' AND name NOT LIKE '\\_cf%' ESCAPE '\\'",
        )
        .toArray();
      const stored = tables.map(({ name }) => machine.storage.sql.exec(`SELECT * FROM "${name}"`).toArray());
      const places = {
        status: JSON.stringify(status),
        runs: JSON.stringify(machine.stream.runs()),
        stored: JSON.stringify(stored),
        metrics: JSON.stringify(statusMetrics([status])),
        log: lines.join("\n"),
      };
      for (const [place, text] of Object.entries(places))
        expect([place, readable.exec(text)?.[0]]).toEqual([place, undefined]);
      expect(places.stored).toContain("@");
    });
  });
});

const SECRET = "k9vXq2Lm-7PzR4tWy8Nb";

describe("a key that a token endpoint repeats", () => {
  const key = async (): Promise<string> => {
    const pair = (await crypto.subtle.generateKey({ name: "ECDSA", namedCurve: "P-256" }, true, [
      "sign",
    ])) as CryptoKeyPair;
    return JSON.stringify({
      ...((await crypto.subtle.exportKey("jwk", pair.privateKey)) as JsonWebKey),
      kid: "k",
    });
  };
  const answers: readonly (readonly [string, (assertion: string) => Response])[] = [
    [
      "in the description",
      (assertion) => json(401, { error: "invalid_client", error_description: `${SECRET} ${assertion}` }),
    ],
    ["as the error", () => json(400, { error: SECRET, error_description: "x" })],
    [
      "as the error, without dashes",
      () => json(400, { error: SECRET.replaceAll("-", "_"), errorCode: SECRET }),
    ],
    [
      "as a nonce",
      () => json(400, { error: "use_dpop_nonce", error_description: "x" }, { "dpop-nonce": SECRET }),
    ],
    ["in a page", (assertion) => new Response(`<h1>${SECRET} ${assertion}</h1>`, { status: 502 })],
    [
      "as a scope",
      () =>
        json(200, {
          access_token: "an-access-token-0123456789",
          token_type: "Bearer",
          expires_in: 3600,
          scope: `okta.users.read ${SECRET}`,
        }),
    ],
  ];

  test.each(answers)("%s", async (_, answer) => {
    protect([SECRET]);
    const privateKey = await key();
    let assertion = "";
    const visit = await requestToken({
      baseUrl: "https://company.okta.com",
      credential: { kind: "oauth", clientId: "0oa1", privateKey, keyId: null },
      nonce: null,
      skewMs: 0,
      now: Date.now,
      fetch: async (_input, init) => {
        assertion = new URLSearchParams(String(init?.body)).get("client_assertion") ?? "";
        return answer(assertion);
      },
    } as Parameters<typeof requestToken>[0]);
    const { result, nonce } = visit;
    const told = JSON.stringify(result.ok ? { ...result.value, token: "" } : result.error);
    expect(assertion).not.toBe("");
    expect(told).not.toContain(SECRET);
    expect(told).not.toContain(SECRET.replaceAll("-", "_"));
    expect(told).not.toContain(assertion);
    expect(String(nonce)).not.toContain(SECRET);
  });
});

test("many secrets that come and go do not make the settings' ones forgotten", async () => {
  const { redact } = await import("../../src/lib/redact.ts");
  protect([SECRET]);
  for (let n = 0; n < 500; n++) protectForNow([`passing-secret-${n}`]);
  expect(redact(`${SECRET} passing-secret-499`)).toBe("[redacted] [redacted]");
});
