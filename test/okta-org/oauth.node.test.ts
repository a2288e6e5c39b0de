import { type CryptoKey, calculateJwkThumbprint, exportJWK, generateKeyPair, type JWK, SignJWT } from "jose";
import { beforeAll, beforeEach, describe, expect, test } from "vitest";
import { accessTokenHash } from "../../dev/okta-org/oauth/proof.ts";
import { type TestOrg, testOrg } from "./support.ts";

const BASE = "https://acme.okta.com";
const TOKEN_URL = `${BASE}/oauth2/v1/token`;
const CLIENT = "0oaSERVICE";

interface Key {
  privateKey: CryptoKey;
  jwk: JWK;
}
const makeKey = async (alg: string): Promise<Key> => {
  const { publicKey, privateKey } = await generateKeyPair(alg);
  return { privateKey, jwk: await exportJWK(publicKey) };
};

let app: Key;
let dpop: Key;
let other: Key;
let t: TestOrg;

beforeAll(async () => {
  app = await makeKey("RS256");
  [dpop, other] = await Promise.all([makeKey("ES256"), makeKey("ES256")]);
});

const register = (client: object = {}) =>
  t.control("POST", "/oauth-clients", {
    clientId: CLIENT,
    jwks: { keys: [{ ...app.jwk, kid: "k1" }] },
    scopes: ["okta.users.read", "okta.devices.read"],
    ...client,
  });

beforeEach(async () => {
  t = testOrg();
  await register();
});

const seconds = (offset = 0) => Math.floor(Date.now() / 1000) + offset;

const assertion = (claims: object = {}, key = app, header: object = {}): Promise<string> =>
  new SignJWT({
    iss: CLIENT,
    sub: CLIENT,
    aud: TOKEN_URL,
    jti: crypto.randomUUID(),
    exp: seconds(300),
    ...claims,
  })
    .setProtectedHeader({ alg: "RS256", kid: "k1", ...header })
    .sign(key.privateKey);

const proof = (claims: object = {}, key = dpop, header: object = {}): Promise<string> =>
  new SignJWT({ htm: "POST", htu: TOKEN_URL, iat: seconds(), jti: crypto.randomUUID(), ...claims })
    .setProtectedHeader({ alg: "ES256", typ: "dpop+jwt", jwk: key.jwk, ...header })
    .sign(key.privateKey);

const post = async (form: Record<string, string>, dpopProof?: string) => {
  const response = await t.org.fetch(
    new Request(TOKEN_URL, {
      method: "POST",
      body: new URLSearchParams({
        grant_type: "client_credentials",
        scope: "okta.users.read okta.groups.read",
        client_assertion_type: "urn:ietf:params:oauth:client-assertion-type:jwt-bearer",
        ...form,
      }),
      ...(dpopProof === undefined ? {} : { headers: { dpop: dpopProof } }),
    }),
  );
  const body: Record<string, unknown> = Object(await response.json());
  return { status: response.status, nonce: response.headers.get("dpop-nonce"), body };
};

const nonceOf = async (): Promise<string> =>
  (await post({ client_assertion: await assertion() }, await proof())).nonce ?? "";

const dpopToken = async (): Promise<string> => {
  const nonce = await nonceOf();
  const answer = await post({ client_assertion: await assertion() }, await proof({ nonce }));
  return String(answer.body["access_token"]);
};

const call = async (path: string, authorization: string, dpopProof?: string) => {
  const response = await t.org.fetch(
    new Request(BASE + path, { headers: { authorization, ...(dpopProof ? { dpop: dpopProof } : {}) } }),
  );
  return {
    status: response.status,
    challenge: response.headers.get("www-authenticate") ?? "",
    text: await response.text(),
  };
};

const USERS = { htm: "GET", htu: `${BASE}/api/v1/users` };

describe("the token endpoint", () => {
  test("asks for a nonce, then gives a token; scopes that were not granted are dropped", async () => {
    const first = await post({ client_assertion: await assertion() }, await proof());
    expect(first).toMatchObject({ status: 400, body: { error: "use_dpop_nonce" } });
    const nonce = first.nonce ?? "";
    expect(nonce).not.toBe("");
    const second = await post({ client_assertion: await assertion() }, await proof({ nonce }));
    expect(second).toMatchObject({
      status: 200,
      body: { token_type: "DPoP", expires_in: 3600, scope: "okta.users.read" },
    });
    expect(t.org.stats().tokenRequests).toBe(2);
  });

  test.each([
    ["another key", () => assertion({}, other, { alg: "ES256" })],
    ["an unknown kid", () => assertion({}, app, { kid: "k9" })],
    ["an unknown client", () => assertion({ iss: "0oaNOBODY", sub: "0oaNOBODY" })],
    ["another subject", () => assertion({ sub: "0oaNOBODY" })],
    ["another audience", () => assertion({ aud: BASE })],
    ["an expiry in the past", () => assertion({ exp: seconds(-60) })],
    ["an expiry more than an hour ahead", () => assertion({ exp: seconds(3700) })],
    ["no jti", () => assertion({ jti: undefined })],
    ["garbage", async () => "garbage"],
  ])("refuses an assertion with %s", async (_name, make) => {
    const answer = await post({ client_assertion: await make() }, await proof({ nonce: await nonceOf() }));
    expect(answer).toMatchObject({ status: 401, body: { error: "invalid_client" } });
  });

  test("refuses an assertion that was used, another grant, and scopes of which none is granted", async () => {
    const used = await assertion();
    const nonce = await nonceOf();
    expect((await post({ client_assertion: used }, await proof({ nonce }))).status).toBe(200);
    expect((await post({ client_assertion: used }, await proof({ nonce }))).status).toBe(401);
    expect((await post({ grant_type: "password" })).body["error"]).toBe("unsupported_grant_type");
    const none = await post(
      { client_assertion: await assertion(), scope: "okta.logs.read" },
      await proof({ nonce }),
    );
    expect(none).toMatchObject({ status: 400, body: { error: "invalid_scope" } });
  });

  test.each([
    ["no proof", async () => undefined],
    ["another method", (nonce: string) => proof({ nonce, htm: "GET" })],
    ["another address", (nonce: string) => proof({ nonce, htu: `${TOKEN_URL}?x=1` })],
    ["an old proof", (nonce: string) => proof({ nonce, iat: seconds(-900) })],
    ["a proof from the future", (nonce: string) => proof({ nonce, iat: seconds(900) })],
    ["another type", (nonce: string) => proof({ nonce }, dpop, { typ: "JWT" })],
    ["another key than it names", (nonce: string) => proof({ nonce }, dpop, { jwk: other.jwk })],
    ["no jti", (nonce: string) => proof({ nonce, jti: undefined })],
  ])("refuses %s", async (_name, make) => {
    const answer = await post({ client_assertion: await assertion() }, await make(await nonceOf()));
    expect(answer).toMatchObject({ status: 400, body: { error: "invalid_dpop_proof" } });
  });

  test("asks again when the nonce changes", async () => {
    const nonce = await nonceOf();
    await t.control("POST", "/dpop-nonce/rotate");
    const answer = await post({ client_assertion: await assertion() }, await proof({ nonce }));
    expect(answer.body["error"]).toBe("use_dpop_nonce");
    expect(answer.nonce).not.toBe(nonce);
  });
});

describe("calls with an access token", () => {
  test("a good proof works once", async () => {
    const token = await dpopToken();
    const good = await proof({ ...USERS, ath: accessTokenHash(token) });
    expect((await call("/api/v1/users?limit=1", `DPoP ${token}`, good)).status).toBe(200);
    expect((await call("/api/v1/users?limit=1", `DPoP ${token}`, good)).status).toBe(400);
    expect(await calculateJwkThumbprint(dpop.jwk)).not.toBe(await calculateJwkThumbprint(other.jwk));
  });

  test.each([
    ["no proof", async () => undefined],
    ["no ath", () => proof(USERS)],
    ["the ath of another token", () => proof({ ...USERS, ath: accessTokenHash("x") })],
    ["another key", (ath: string) => proof({ ...USERS, ath }, other)],
    ["another method", (ath: string) => proof({ ...USERS, ath, htm: "POST" })],
    ["another address", (ath: string) => proof({ ...USERS, ath, htu: `${BASE}/api/v1/groups` })],
    ["the query in htu", (ath: string) => proof({ ...USERS, ath, htu: `${BASE}/api/v1/users?limit=1` })],
  ])("refuses %s", async (_name, make) => {
    const token = await dpopToken();
    const answer = await call("/api/v1/users?limit=1", `DPoP ${token}`, await make(accessTokenHash(token)));
    expect(answer.status).toBe(400);
    expect(answer.challenge).toContain("invalid_dpop_proof");
  });

  test("a bound token is no bearer token; expired and revoked ones are worthless", async () => {
    const token = await dpopToken();
    const attempt = async () =>
      call(
        "/api/v1/users?limit=1",
        `DPoP ${token}`,
        await proof({ ...USERS, ath: accessTokenHash(token), iat: seconds() }),
      );
    expect((await call("/api/v1/users", `Bearer ${token}`)).status).toBe(401);
    expect((await attempt()).status).toBe(200);
    await t.control("POST", "/clock", { advance_ms: 3_601_000 });
    expect((await attempt()).challenge).toContain("expired");
    await t.control("POST", "/clock", { offset_ms: 0 });
    await t.control("POST", "/oauth-tokens/revoke");
    expect((await attempt()).status).toBe(401);
  });

  test("a missing scope is a 403 without a body", async () => {
    const token = await dpopToken();
    const groups = await proof({ htm: "GET", htu: `${BASE}/api/v1/groups`, ath: accessTokenHash(token) });
    const answer = await call("/api/v1/groups", `DPoP ${token}`, groups);
    expect(answer).toMatchObject({ status: 403, text: "" });
    expect(answer.challenge).toContain('error="insufficient_scope"');
  });

  test("an app without DPoP and without a role: bearer tokens, no users, no devices", async () => {
    await register({ dpop: false, adminRole: false });
    const granted = await post({
      client_assertion: await assertion(),
      scope: "okta.users.read okta.devices.read",
    });
    expect(granted.body["token_type"]).toBe("Bearer");
    const bearer = `Bearer ${granted.body["access_token"]}`;
    expect(await call("/api/v1/users", bearer)).toMatchObject({ status: 200, text: "[]" });
    expect((await call("/api/v1/devices", bearer)).status).toBe(403);
  });

  test("rotating the key makes the old one worthless", async () => {
    const fresh = await makeKey("RS256");
    await register({ jwks: { keys: [{ ...fresh.jwk, kid: "k2" }] } });
    expect((await post({ client_assertion: await assertion() }, await proof())).status).toBe(401);
    const renewed = await post(
      { client_assertion: await assertion({}, fresh, { kid: "k2" }) },
      await proof(),
    );
    expect(renewed.body["error"]).toBe("use_dpop_nonce");
  });
});
