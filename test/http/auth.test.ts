import { exportJWK, generateKeyPair, SignJWT } from "jose";
import { afterEach, beforeAll, beforeEach, describe, expect, it, vi } from "vitest";
import { FailureLimiter } from "../../src/http/auth/failures.ts";
import { bearerToken, judgedKey } from "../../src/http/auth/keys.ts";
import { fullKey, goodSettings, keyedRoutes, makeApp, muteLog, problemOf, readKey } from "./support.ts";

beforeEach(muteLog);
afterEach(() => vi.restoreAllMocks());

describe("every route that needs a key", () => {
  it.each(keyedRoutes)("%s %s", async (method, path, body, withFull, withRead) => {
    const { call } = makeApp();
    const missing = await call(method, path, { key: null, body });
    expect(missing.status).toBe(401);
    expect(missing.headers.get("WWW-Authenticate")).toBe('Bearer realm="okta-edge-connector"');
    expect(await problemOf(missing)).toMatchObject({ code: "unauthorized" });

    const wrong = await call(method, path, { key: `${fullKey}x`, body });
    expect(wrong.status).toBe(401);
    expect(wrong.headers.get("WWW-Authenticate")).toContain('error="invalid_token"');
    expect(await problemOf(wrong)).toMatchObject({ code: "unauthorized" });

    const read = await call(method, path, { key: readKey, body });
    expect(read.status).toBe(withRead);
    if (withRead === 403) expect(await problemOf(read)).toMatchObject({ code: "forbidden" });

    expect((await call(method, path, { key: fullKey, body })).status).toBe(withFull);
  });

  it.each([
    ["GET", "/healthz", 200],
    ["GET", "/openapi.json", 200],
    ["GET", "/docs", 200],
    ["GET", "/docs/style.css", 200],
    ["GET", "/nowhere", 404],
    ["GET", "/v1/nowhere", 401],
    ["PUT", "/v1/streams", 401],
  ])("without a key: %s %s → %i", async (method, path, status) => {
    expect((await makeApp().call(method, path, { key: null })).status).toBe(status);
  });

  it.each([
    "Basic dXNlcjpwYXNz",
    fullKey,
    "Bearer",
    "Bearer ",
    `Bearer ${fullKey} ${readKey}`,
    `Bearer read:${readKey}`,
    `Bearer ${fullKey},read:${readKey}`,
    `Token ${fullKey}`,
  ])("refuses Authorization: %s", async (Authorization) => {
    const { call } = makeApp();
    expect((await call("GET", "/v1/streams", { key: null, headers: { Authorization } })).status).toBe(401);
  });

  it("takes the scheme in any case", async () => {
    const headers = { Authorization: `bearer ${fullKey}` };
    expect((await makeApp().call("GET", "/v1/streams", { key: null, headers })).status).toBe(200);
  });
});

describe("no door without keys", () => {
  const { API_KEYS: _, ...withoutKeys } = goodSettings;

  it.each(keyedRoutes)("%s %s says which setting is missing and does nothing", async (method, path, body) => {
    let touched = false;
    const { call } = makeApp({
      settings: withoutKeys,
      stream: () => {
        touched = true;
        throw new Error("nothing may be asked");
      },
    });
    for (const key of [null, fullKey, ""]) {
      const problem = await problemOf(await call(method, path, { key, body }));
      expect(problem).toMatchObject({ code: "not_configured", status: 503 });
      expect(problem.problems).toHaveLength(1);
      expect(problem.problems?.[0]?.setting).toBe("API_KEYS");
      expect(problem.problems?.[0]?.message).toContain("openssl rand -hex 32");
    }
    expect(touched).toBe(false);
  });

  it("says that a key is too short, whatever is sent", async () => {
    const { call } = makeApp({ settings: { ...goodSettings, API_KEYS: "short" } });
    for (const key of ["short", null]) {
      const problem = await problemOf(await call("GET", "/v1/streams", { key }));
      expect(problem).toMatchObject({ code: "misconfigured", status: 503 });
      expect(problem.problems?.[0]).toMatchObject({ setting: "API_KEYS" });
      expect(problem.problems?.[0]?.message).toContain("32 characters");
    }
  });
});

describe("wrong keys are limited by address", () => {
  it("answers 429 after a hundred in a minute, until the minute is over", async () => {
    let now = 0;
    const { call } = makeApp({ now: () => now });
    const attempt = (address: string, key: string | null = "wrong") =>
      call("GET", "/v1/streams", { key, headers: { "CF-Connecting-IP": address } });
    for (let index = 0; index < 100; index++) expect((await attempt("192.0.2.1")).status).toBe(401);
    now = 20_000;
    const limited = await attempt("192.0.2.1");
    expect(limited.headers.get("Retry-After")).toBe("40");
    expect(await problemOf(limited)).toMatchObject({ code: "too_many_failures", status: 429 });
    expect((await attempt("192.0.2.2")).status).toBe(401);
    expect((await attempt("192.0.2.1", fullKey)).status).toBe(200);
    now = 60_000;
    expect((await attempt("192.0.2.1")).status).toBe(401);
  });

  describe("by Cloudflare's rate limiting where it is bound", () => {
    const attemptsBy = (limit: (options: RateLimitOptions) => Promise<RateLimitOutcome>) => {
      const asked = vi.fn(limit);
      const { call } = makeApp({ bindings: { WRONG_KEYS: { limit: asked } } });
      const attempt = (key: string | null) =>
        call("GET", "/v1/streams", { key, headers: { "CF-Connecting-IP": "192.0.2.1" } });
      return { asked, attempt };
    };

    it("asks it on failure only, by address", async () => {
      const { asked, attempt } = attemptsBy(async () => ({ success: false }));
      expect((await attempt(fullKey)).status).toBe(200);
      expect((await attempt(null)).status).toBe(401);
      expect(asked).not.toHaveBeenCalled();
      const limited = await attempt("wrong");
      expect([limited.status, limited.headers.get("Retry-After")]).toEqual([429, "60"]);
      expect(asked).toHaveBeenCalledExactlyOnceWith({ key: "192.0.2.1" });
    });

    it("counts itself where that fails", async () => {
      const { attempt } = attemptsBy(async () => Promise.reject(new Error("unavailable")));
      for (let index = 0; index < 100; index++) expect((await attempt("wrong")).status).toBe(401);
      expect((await attempt("wrong")).status).toBe(429);
    });
  });

  it("remembers a bounded number of addresses", () => {
    const limiter = new FailureLimiter();
    for (let index = 0; index < 20_000; index++) limiter.failed(`2001:db8::${index}`, 0);
    expect(limiter.size).toBe(10_000);
  });
});

describe("keys", () => {
  it("tells whose rights a key has", async () => {
    const keys = [
      { key: fullKey, rights: "full" },
      { key: readKey, rights: "read" },
    ] as const;
    expect(await judgedKey(fullKey, keys)).toMatchObject({ rights: "full" });
    expect(await judgedKey(readKey, keys)).toMatchObject({ rights: "read" });
    expect(await judgedKey(fullKey.slice(1), keys)).toBeNull();
    expect(await judgedKey("", keys)).toBeNull();
    expect(await judgedKey(fullKey, [])).toBeNull();
  });

  it("makes every comparison over hashes, whichever key fits", async () => {
    const compared: number[] = [];
    const { timingSafeEqual } = crypto.subtle;
    const count = (a: ArrayBuffer | ArrayBufferView, b: ArrayBuffer | ArrayBufferView): boolean => {
      compared.push(a.byteLength, b.byteLength);
      return timingSafeEqual.call(crypto.subtle, a, b);
    };
    Object.defineProperty(crypto.subtle, "timingSafeEqual", { value: count, configurable: true });
    try {
      const keys = ["a", "b", "c"].map((key) => ({ key: key.repeat(32), rights: "full" as const }));
      for (const presented of ["a".repeat(32), "c".repeat(32), "x"]) {
        compared.length = 0;
        await judgedKey(presented, keys);
        expect(compared).toEqual([32, 32, 32, 32, 32, 32]);
      }
    } finally {
      Reflect.deleteProperty(crypto.subtle, "timingSafeEqual");
    }
  });

  it("reads bearer tokens", () => {
    expect(bearerToken("Bearer abc.DEF-123_~+/==")).toBe("abc.DEF-123_~+/==");
    expect(bearerToken("Bearer a b")).toBeNull();
  });
});

describe("Cloudflare Access", () => {
  const issuer = "https://team.cloudflareaccess.com";
  const audience = "0123456789abcdef".repeat(4);
  const settings = {
    OKTA_BASE_URL: goodSettings.OKTA_BASE_URL,
    OKTA_API_TOKEN: goodSettings.OKTA_API_TOKEN,
    ACCESS_TEAM: "team",
    ACCESS_AUD: audience,
  };
  const now = Date.UTC(2025, 0, 15);
  let keys: { good: CryptoKey; other: CryptoKey; published: string };

  beforeAll(async () => {
    const good = await generateKeyPair("RS256", { extractable: true });
    const other = await generateKeyPair("RS256", { extractable: true });
    const jwk = { ...(await exportJWK(good.publicKey)), kid: "k1", alg: "RS256", use: "sig" };
    keys = { good: good.privateKey, other: other.privateKey, published: JSON.stringify({ keys: [jwk] }) };
  });

  const statement = (
    change: { iss?: string; aud?: string; exp?: number; key?: CryptoKey; kid?: string } = {},
  ): Promise<string> =>
    new SignJWT({ email: "analyst@example.com" })
      .setProtectedHeader({ alg: "RS256", kid: change.kid ?? "k1" })
      .setIssuer(change.iss ?? issuer)
      .setAudience(change.aud ?? audience)
      .setExpirationTime(change.exp ?? now / 1000 + 600)
      .sign(change.key ?? keys.good);

  const make = (extra: object = {}, answer?: () => Response) => {
    const asked: string[] = [];
    const made = makeApp({
      settings: { ...settings, ...extra },
      now: () => now,
      fetch: async (url) => {
        asked.push(String(url));
        return (
          answer?.() ?? new Response(keys.published, { headers: { "Content-Type": "application/json" } })
        );
      },
    });
    const ask = (token: string, method = "GET", path = "/v1/streams", headers = {}) =>
      made.call(method, path, { key: null, headers: { "Cf-Access-Jwt-Assertion": token, ...headers } });
    return { ...made, ask, asked };
  };

  it("lets an identity of the team do everything, and fetches the team's keys once", async () => {
    const { ask, asked } = make();
    expect((await ask(await statement())).status).toBe(200);
    expect((await ask(await statement(), "DELETE", "/v1/streams/users/runs/current")).status).toBe(200);
    expect(asked).toEqual([`${issuer}/cdn-cgi/access/certs`]);
  });

  it.each([
    ["of another team", { iss: "https://other.cloudflareaccess.com" }],
    ["for another application", { aud: "f".repeat(64) }],
    ["expired", { exp: now / 1000 - 60 }],
    ["signed by an unknown key", { kid: "k2" }],
  ])("refuses a statement %s", async (_, change) => {
    const response = await make().ask(await statement(change));
    expect(await problemOf(response)).toMatchObject({ code: "unauthorized", status: 401 });
  });

  it("refuses a forged signature and what is no statement at all", async () => {
    const { ask } = make();
    expect((await ask(await statement({ key: keys.other }))).status).toBe(401);
    expect((await ask("not.a.jwt")).status).toBe(401);
    expect((await ask("x")).status).toBe(401);
    const unsigned = `${btoa('{"alg":"none"}')}.${btoa(`{"iss":"${issuer}","aud":"${audience}"}`)}.`;
    expect((await ask(unsigned.replaceAll("=", ""))).status).toBe(401);
  });

  it("says so when the team's keys cannot be read", async () => {
    const { ask } = make({}, () => new Response("no", { status: 500 }));
    const response = await ask(await statement());
    expect(await problemOf(response)).toMatchObject({ code: "unavailable", status: 503 });
    expect(response.headers.get("Retry-After")).toBe("10");
  });

  it("ignores the header where Access is not configured", async () => {
    const response = await makeApp().call("GET", "/v1/streams", {
      key: null,
      headers: { "Cf-Access-Jwt-Assertion": await statement() },
    });
    expect(response.status).toBe(401);
  });

  it("judges a key by itself where both are sent", async () => {
    const { ask } = make({ API_KEYS: goodSettings.API_KEYS });
    const token = await statement();
    expect((await ask(token, "GET", "/v1/streams", { Authorization: "Bearer wrong" })).status).toBe(401);
    const readOnly = { Authorization: `Bearer ${readKey}` };
    expect((await ask(token, "DELETE", "/v1/streams/users/runs/current", readOnly)).status).toBe(403);
  });

  it.each([
    [{ "Sec-Fetch-Site": "cross-site" }, 403],
    [{ "Sec-Fetch-Site": "same-site" }, 403],
    [{ "Sec-Fetch-Site": "same-origin" }, 202],
    [{ "Sec-Fetch-Site": "none" }, 202],
    [{ Origin: "https://evil.example" }, 403],
    [{ Origin: "https://connector.example.com" }, 202],
  ])("pages of other sites may not act with an identity: %j → %i", async (headers, status) => {
    const { ask } = make();
    const path = "/v1/streams/users/deletions/confirm";
    expect((await ask(await statement(), "POST", path, headers)).status).toBe(status);
    expect((await ask(await statement(), "GET", "/v1/streams", headers)).status).toBe(200);
  });

  it("names a setting that is wrong", async () => {
    const { ask } = make({ ACCESS_AUD: "short" });
    const problem = await problemOf(await ask(await statement()));
    expect(problem).toMatchObject({ code: "misconfigured", status: 503 });
    expect(problem.problems?.[0]?.setting).toBe("ACCESS_AUD");
  });
});
