import { decodeJwt, decodeProtectedHeader } from "jose";
import { beforeAll, describe, expect, test } from "vitest";
import { emptyTokenCache } from "../../src/okta/oauth/oauth-credential.ts";
import { TokenKeeper } from "../../src/okta/oauth/token-keeper.ts";
import { requestToken } from "../../src/okta/oauth/token-request.ts";
import { type AppKey, BASE, CLIENT, makeAppKey, setUp } from "./oauth-support.ts";

let rsa: AppKey;
let ec: AppKey;

beforeAll(async () => {
  [rsa, ec] = await Promise.all([makeAppKey("RS256", "k1"), makeAppKey("ES256", "k1")]);
});

const all = ["okta.users.read", "okta.groups.read", "okta.roles.read", "okta.devices.read", "okta.logs.read"];

describe("a token", () => {
  test.each([
    ["RS256 as JWK", () => rsa, "privateJwk", "RS256"],
    ["RS256 as PEM", () => rsa, "pem", "RS256"],
    ["ES256 as JWK", () => ec, "privateJwk", "ES256"],
    ["ES256 as PEM", () => ec, "pem", "ES256"],
  ] as const)("is got with a key of %s", async (_, key, form, alg) => {
    const t = await setUp(key());
    t.credential = { ...t.credential, privateKey: key()[form], keyId: "k1" };
    expect((await t.caller().api.users({ query: { limit: "1" } })).ok).toBe(true);
    const form1 = new URLSearchParams(await t.sent[0]?.text());
    const assertion = form1.get("client_assertion") ?? "";
    expect(decodeProtectedHeader(assertion)).toMatchObject({ alg, kid: "k1" });
    expect(decodeJwt(assertion)).toMatchObject({
      iss: CLIENT,
      sub: CLIENT,
      aud: `${BASE}/oauth2/v1/token`,
    });
    expect(form1.get("scope")?.split(" ")).toEqual(all);
  });

  test("without a key ID in the settings names the JWK's own, and a PEM none", async () => {
    for (const [privateKey, kid] of [
      [rsa.privateJwk, "k1"],
      [rsa.pem, undefined],
    ] as const) {
      const t = await setUp(rsa);
      t.credential = { ...t.credential, privateKey };
      expect((await t.caller().api.users({})).ok).toBe(true);
      const form = new URLSearchParams(await t.sent[0]?.text());
      expect(decodeProtectedHeader(form.get("client_assertion") ?? "").kid).toBe(kid);
    }
  });

  test("costs one more request for Okta's nonce, once: the next visit knows it", async () => {
    const t = await setUp(rsa);
    const { api } = t.caller();
    expect((await api.users({})).ok).toBe(true);
    expect(t.org.stats().tokenRequests).toBe(2);
    await t.passTimeForBoth(3_590_000);
    expect((await api.users({})).ok).toBe(true);
    expect(t.org.stats().tokenRequests).toBe(3);
    await t.control("POST", "/dpop-nonce/rotate");
    await t.passTimeForBoth(3_590_000);
    expect((await api.users({})).ok).toBe(true);
    expect(t.org.stats().tokenRequests).toBe(5);
  });

  test("of an app without DPoP is a bearer token after one request", async () => {
    const t = await setUp(rsa, { client: { dpop: false } });
    expect((await t.caller().api.users({})).ok).toBe(true);
    expect(t.org.stats().tokenRequests).toBe(1);
    const call = t.sent.at(-1);
    expect(call?.headers.get("authorization")).toMatch(/^Bearer /);
    expect(call?.headers.has("dpop")).toBe(false);
  });

  test("is bound to a key of its own, and every call carries a proof of its own", async () => {
    const t = await setUp(rsa);
    const { api } = t.caller();
    await Promise.all([api.users({}), api.users({}), api.groups({ query: { limit: "2" } })]);
    const proofs = t.sent.slice(2).map((request) => request.headers.get("dpop") ?? "");
    expect(proofs).toHaveLength(3);
    expect(new Set(proofs.map((proof) => decodeJwt(proof).jti)).size).toBe(3);
    expect(proofs.map((proof) => decodeJwt(proof)["htu"]).sort()).toEqual([
      `${BASE}/api/v1/groups`,
      `${BASE}/api/v1/users`,
      `${BASE}/api/v1/users`,
    ]);
    const header = decodeProtectedHeader(proofs[0] ?? "");
    expect(header).toMatchObject({ typ: "dpop+jwt", alg: "ES256" });
    expect(JSON.stringify(header)).not.toContain('"d"');
  });

  test("survives its keeper: another one over the same storage asks for none", async () => {
    const t = await setUp(rsa);
    expect((await t.caller().api.users({})).ok).toBe(true);
    const again = new TokenKeeper({
      storage: { load: () => t.stored.kept, save: () => {} },
      fetch: t.fetch,
      now: t.now,
    });
    const token = await again.token({ baseUrl: BASE, credential: t.credential }, null);
    expect(token).toMatchObject({ ok: true, value: { token: t.stored.kept?.access?.token } });
    expect(t.org.stats().tokenRequests).toBe(2);
  });

  test("belongs to its settings: another client ID, key or org never gets it", async () => {
    const t = await setUp(rsa);
    expect((await t.caller().api.users({})).ok).toBe(true);
    t.credential = { ...t.credential, clientId: "0oaOTHER" };
    expect(await t.caller().api.users({})).toMatchObject({
      ok: false,
      error: { code: "invalid_credential", oktaErrorCode: "invalid_client", status: 401 },
    });
  });
});

describe("one request per change, however many callers", () => {
  const callers = 20;

  test("the first token, one that ends, one that is revoked, and again", async () => {
    const t = await setUp(rsa);
    const shared = emptyTokenCache();
    const apis = Array.from({ length: callers }, (_, n) => t.caller(n % 2 === 0 ? shared : undefined).api);
    const round = async (): Promise<void> => {
      const answers = await Promise.all(apis.map((api) => api.users({ query: { limit: "1" } })));
      expect(answers.every((answer) => answer.ok)).toBe(true);
    };
    await round();
    expect(t.org.stats().tokenRequests).toBe(2); // the first one meets the nonce
    await t.passTimeForBoth(3_595_000);
    await round();
    expect(t.org.stats().tokenRequests).toBe(3);
    await t.control("POST", "/oauth-tokens/revoke");
    await round();
    expect(t.org.stats().tokenRequests).toBe(4);
    await round();
    expect(t.org.stats().tokenRequests).toBe(4);
  });

  test("a token that Okta considers expired before we do is renewed", async () => {
    const t = await setUp(rsa);
    const { api } = t.caller();
    expect((await api.users({})).ok).toBe(true);
    await t.control("POST", "/clock", { advance_ms: 3_700_000 });
    expect((await api.users({})).ok).toBe(true);
    expect(t.org.stats().tokenRequests).toBe(4); // nonce, token; Okta's clock, token
  });

  test("a rotated key is refused once in a while, and the new one works at once", async () => {
    const t = await setUp(rsa);
    const apis = Array.from({ length: callers }, () => t.caller().api);
    expect((await apis[0]?.users({}))?.ok).toBe(true);
    const fresh = await makeAppKey("ES256", "k2");
    await t.register(fresh);
    await t.control("POST", "/oauth-tokens/revoke");
    await t.control("POST", "/stats/reset");
    const refused = await Promise.all(apis.map((api) => api.users({})));
    for (const answer of refused) {
      expect(answer).toMatchObject({ ok: false, error: { code: "invalid_credential", status: 401 } });
    }
    expect(t.org.stats().tokenRequests).toBe(1);
    t.credential = { ...t.credential, privateKey: fresh.privateJwk };
    const answers = await Promise.all(apis.map((api) => api.users({})));
    expect(answers.every((answer) => answer.ok)).toBe(true);
    expect(t.org.stats().tokenRequests).toBe(3); // another key meets the nonce anew
  });

  test("tokens that Okta issues and then refuses are not requested endlessly", async () => {
    const t = await setUp(rsa, {
      answer: (request) =>
        request.url.includes("/api/")
          ? Response.json({ errorCode: "E0000011", errorSummary: "Invalid token provided" }, { status: 401 })
          : null,
    });
    const { api } = t.caller();
    for (let n = 0; n < 20; n++) {
      expect(await api.users({})).toMatchObject({ ok: false, error: { code: "invalid_credential" } });
    }
    expect(t.org.stats().tokenRequests).toBeLessThanOrEqual(4);
    t.passTime(60_000);
    await api.users({});
    expect(t.org.stats().tokenRequests).toBeLessThanOrEqual(6);
  });

  test("a token that is still valid stays in use when no new one can be had", async () => {
    let down = false;
    const t = await setUp(rsa, {
      answer: (request) =>
        down && request.url.endsWith("/token") ? new Response("", { status: 503 }) : null,
    });
    const { api } = t.caller();
    expect((await api.users({})).ok).toBe(true);
    down = true;
    t.passTime(3_400_000);
    expect((await api.users({})).ok).toBe(true);
    expect(t.keeper.state()).toMatchObject({ error: { code: "unavailable", status: 503 } });
    t.passTime(300_000);
    expect(await api.users({})).toMatchObject({ ok: false, error: { code: "unavailable" } });
  });
});

describe("scopes", () => {
  test("that Okta silently leaves out are noticed", async () => {
    const t = await setUp(rsa, { client: { scopes: ["okta.users.read", "okta.logs.read"] } });
    const { api } = t.caller();
    expect((await api.users({})).ok).toBe(true);
    expect(t.keeper.state()).toMatchObject({
      scopes: ["okta.users.read", "okta.logs.read"],
      missingScopes: ["okta.groups.read", "okta.roles.read", "okta.devices.read"],
      bound: true,
      error: null,
    });
    expect(await api.groups({})).toMatchObject({ ok: false, error: { code: "insufficient_scope" } });
  });

  const refuseUnless =
    (granted: readonly string[], describe: boolean) => (request: Request, body: string) => {
      if (!request.url.endsWith("/token")) return null;
      const asked = new URLSearchParams(body).get("scope")?.split(" ") ?? [];
      const missing = asked.filter((scope) => !granted.includes(scope));
      if (missing.length === 0) {
        return Response.json({
          token_type: "Bearer",
          expires_in: 3600,
          access_token: "t",
          scope: asked.join(" "),
        });
      }
      const error_description = describe
        ? `Not granted: ${missing.join(", ")}.`
        : "Not all scopes are granted.";
      return Response.json({ error: "invalid_scope", error_description }, { status: 400 });
    };

  test.each([
    ["named", true, 2],
    ["not named", false, 7],
  ])("that are refused together and %s are found out", async (_, describe, requests) => {
    const granted = ["okta.users.read", "okta.groups.read"];
    let count = 0;
    const t = await setUp(rsa);
    const answer = refuseUnless(granted, describe);
    const keeper = new TokenKeeper({
      storage: { load: () => undefined, save: () => {} },
      fetch: async (input, init) => {
        count += 1;
        const request = new Request(input, init);
        const stub = answer(request, await request.clone().text());
        if (stub === null) throw new Error("only the token endpoint is asked");
        return stub;
      },
      now: t.now,
    });
    const token = await keeper.token({ baseUrl: BASE, credential: t.credential }, null);
    expect(token).toMatchObject({
      ok: true,
      value: { scopes: granted, missingScopes: all.filter((scope) => !granted.includes(scope)) },
    });
    expect(count).toBe(requests);
  });

  test("that are tried one by one cost no more requests than allowed, new nonces included", async () => {
    const t = await setUp(rsa);
    const granting = refuseUnless(all.slice(0, 4), false);
    let requests = 0;
    const visit = await requestToken({
      baseUrl: BASE,
      credential: t.credential,
      nonce: null,
      skewMs: 0,
      fetch: async (input, init) => {
        requests += 1;
        // Every second request is refused for its nonce.
        const challenge = { status: 400, headers: { "dpop-nonce": `n${requests}` } };
        if (requests % 2 === 0) return Response.json({ error: "use_dpop_nonce" }, challenge);
        const request = new Request(input, init);
        return granting(request, await request.clone().text()) ?? Response.error();
      },
      now: t.now,
      maxRequests: 7,
    });
    expect(visit).toMatchObject({ requests: 7, result: { ok: false, error: { code: "invalid_scope" } } });
    expect(requests).toBe(7);
  });

  test("of which none is granted are an error that says what to grant", async () => {
    const t = await setUp(rsa, { client: { scopes: ["okta.apps.read"] } });
    expect(await t.caller().api.users({})).toMatchObject({
      ok: false,
      error: {
        code: "invalid_credential",
        oktaErrorCode: "invalid_scope",
        message: expect.stringContaining("Grant the app the read scopes under Okta API Scopes"),
      },
    });
  });
});

describe("clocks", () => {
  test.each([-3_600_000, -90_000, 90_000, 3_600_000])("%i ms apart are allowed for", async (offset) => {
    const t = await setUp(rsa, { org: { clockOffsetMs: offset } });
    const { api } = t.caller();
    expect((await api.users({})).ok).toBe(true);
    expect(t.org.stats().byStatus["400"] ?? 0).toBeLessThanOrEqual(1); // the nonce
    const before = t.org.stats().tokenRequests;
    expect(before).toBeLessThanOrEqual(3);
    // From then on the difference is known.
    await t.passTimeForBoth(3_590_000);
    expect((await api.users({})).ok).toBe(true);
    expect(t.org.stats().tokenRequests).toBe(before + 1);
  });

  test("that jump during a run cost one more try", async () => {
    const t = await setUp(rsa);
    const { api } = t.caller();
    expect((await api.users({})).ok).toBe(true);
    await t.control("POST", "/clock", { advance_ms: 1_800_000 });
    expect((await api.users({})).ok).toBe(true);
    expect(t.org.stats().tokenRequests).toBe(2);
  });

  test("that no correction helps with are named as the likely cause", async () => {
    const t = await setUp(rsa, {
      answer: (request) =>
        request.url.endsWith("/token")
          ? Response.json(
              { error: "invalid_client", error_description: "The client_assertion token is expired." },
              { status: 401, headers: { date: new Date(Date.now() + 600_000).toUTCString() } },
            )
          : null,
    });
    const token = await t.keeper.token({ baseUrl: BASE, credential: t.credential }, null);
    expect(token).toMatchObject({ ok: false, error: { code: "clock_skew", status: 401 } });
    expect(JSON.stringify(token)).toMatch(/(599|600) s ahead of ours/);
  });
});

describe("a nonce that the API itself asks for", () => {
  test("goes into the next proof without another token", async () => {
    let asked = 0;
    const t = await setUp(rsa, {
      answer: (request) => {
        const proof = request.headers.get("dpop");
        if (!request.url.includes("/api/") || proof === null || decodeJwt(proof)["nonce"] === "n-1")
          return null;
        asked += 1;
        return new Response(null, {
          status: 401,
          headers: { "www-authenticate": 'DPoP error="use_dpop_nonce"', "dpop-nonce": "n-1" },
        });
      },
    });
    const { api } = t.caller();
    expect((await api.users({})).ok).toBe(true);
    expect((await api.users({})).ok).toBe(true);
    expect(asked).toBe(1);
    expect(t.org.stats().tokenRequests).toBe(2);
  });
});

describe("what goes wrong at the token endpoint is a value", () => {
  const html = new Response("<html>Sign in</html>", { headers: { "content-type": "text/html" } });
  const okta = (status: number, errorCode: string): Response =>
    Response.json({ errorCode, errorSummary: "Something" }, { status });
  test.each([
    ["html", () => html.clone(), "invalid_response", 200, null],
    ["404", () => new Response("Not found", { status: 404 }), "invalid_response", 404, null],
    ["redirect", () => Response.redirect("https://attacker.invalid/", 302), "invalid_response", 302, null],
    ["500", () => okta(500, "E0000009"), "unavailable", 500, "E0000009"],
    ["429", () => okta(429, "E0000047"), "rate_limited", 429, "E0000047"],
    ["403", () => okta(403, "E0000006"), "refused", 403, "E0000006"],
    ["bare 403", () => new Response(null, { status: 403 }), "refused", 403, null],
    [
      "inactive app",
      () => Response.json({ error: "unauthorized_client" }, { status: 400 }),
      "refused",
      400,
      "unauthorized_client",
    ],
    [
      "proof refused",
      () => Response.json({ error: "invalid_dpop_proof" }, { status: 400 }),
      "dpop_refused",
      400,
      "invalid_dpop_proof",
    ],
    [
      "a new nonce each time",
      () =>
        Response.json(
          { error: "use_dpop_nonce" },
          { status: 400, headers: { "dpop-nonce": crypto.randomUUID() } },
        ),
      "dpop_refused",
      400,
      "use_dpop_nonce",
    ],
    ["no token", () => Response.json({ token_type: "DPoP", scope: "x" }), "invalid_response", 200, null],
    ["huge", () => Response.json({ a: "x".repeat(1_000_000) }), "invalid_response", 200, null],
  ])("%s", async (_, answer, code, status, oktaErrorCode) => {
    const t = await setUp(rsa, { answer: () => answer() });
    const token = await t.keeper.token({ baseUrl: BASE, credential: t.credential }, null);
    expect(token).toMatchObject({ ok: false, error: { code, status, oktaErrorCode } });
    const shown = JSON.stringify(token);
    expect(shown.length).toBeLessThan(900);
    expect(shown).not.toContain("eyJ");
  });

  test("a connection that fails", async () => {
    const t = await setUp(rsa, {
      answer: () => {
        throw new TypeError("fetch failed");
      },
    });
    const token = await t.keeper.token({ baseUrl: BASE, credential: t.credential }, null);
    expect(token).toMatchObject({ ok: false, error: { code: "network", status: null } });
  });

  test("a key that cannot be read is neither sent nor repeated", async () => {
    const t = await setUp(rsa);
    const privateKey = `-----BEGIN PRIVATE KEY-----\n${btoa("canary".repeat(20))}\n-----END PRIVATE KEY-----`;
    t.credential = { ...t.credential, privateKey };
    const token = await t.keeper.token({ baseUrl: BASE, credential: t.credential }, null);
    expect(token).toMatchObject({ ok: false, error: { code: "bad_key" } });
    expect(JSON.stringify(token)).not.toContain(btoa("canary"));
    expect(t.sent).toEqual([]);
  });

  test("an assertion that an answer repeats is not passed on", async () => {
    const t = await setUp(rsa, {
      answer: () =>
        Response.json(
          { error: "invalid_client", error_description: "eyJhbGci.eyJpc3M.c2ln is bad" },
          { status: 401 },
        ),
    });
    const token = await t.keeper.token({ baseUrl: BASE, credential: t.credential }, null);
    expect(JSON.stringify(token)).toContain("[redacted] is bad");
    expect(JSON.stringify(token)).not.toContain("eyJ");
  });

  test("http is for loopback alone", async () => {
    const t = await setUp(rsa);
    const ask = (baseUrl: string) => t.keeper.token({ baseUrl, credential: t.credential }, null);
    expect(await ask("http://acme.okta.com")).toMatchObject({ ok: false });
    expect(t.sent).toEqual([]);
    await ask("http://127.0.0.1:8790");
    expect(t.sent.map(({ url }) => url)[0]).toBe("http://127.0.0.1:8790/oauth2/v1/token");
  });
});
