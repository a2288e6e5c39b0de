import { exportJWK, generateKeyPair, SignJWT } from "jose";
import { afterEach, beforeEach, describe, expect, test, vi } from "vitest";
import { judgeSession, makeSession, sessionSeconds } from "../../src/http/auth/session.ts";
import { fullKey, goodSettings, muteLog, readKey } from "../http/support.ts";
import { visitorOf } from "./visitor.ts";

beforeEach(muteLog);
afterEach(() => vi.restoreAllMocks());

const origin = "https://connector.example.com";
const keys = [
  { key: fullKey, rights: "full" },
  { key: readKey, rights: "read" },
] as const;
const now = 1_000_000_000_000;

describe("a session", () => {
  test("has the rights of the key it was made with, until it is over", async () => {
    const value = await makeSession(readKey, now);
    expect(await judgeSession(value, keys, now)).toMatchObject({ state: "valid", rights: "read" });
    const end = now + sessionSeconds * 1000;
    expect(await judgeSession(value, keys, end - 1000)).toMatchObject({ state: "valid" });
    expect(await judgeSession(value, keys, end)).toEqual({ state: "expired" });
  });

  test("ends with its key, and changes with the key's rights", async () => {
    const value = await makeSession(fullKey, now);
    expect(await judgeSession(value, [{ key: readKey, rights: "read" }], now)).toEqual({ state: "none" });
    expect(await judgeSession(value, [{ key: fullKey, rights: "read" }], now)).toMatchObject({
      rights: "read",
    });
    expect(await judgeSession(value, [], now)).toEqual({ state: "none" });
  });

  test("cannot be changed by a single character", async () => {
    const value = await makeSession(fullKey, now);
    for (let at = 0; at < value.length; at++) {
      const other = value[at] === "1" ? "2" : "1";
      const changed = value.slice(0, at) + other + value.slice(at + 1);
      expect(await judgeSession(changed, keys, now)).toEqual({ state: "none" });
    }
    for (const wrong of [
      undefined,
      "",
      ".",
      "..",
      `${value}0`,
      value.toUpperCase(),
      `${value} `,
      "9".repeat(5000),
    ]) {
      expect(await judgeSession(wrong, keys, now)).toEqual({ state: "none" });
    }
  });

  test("does not hold the key, and is never the same twice", async () => {
    const [one, two] = [await makeSession(fullKey, now), await makeSession(fullKey, now)];
    expect(one).not.toBe(two);
    expect(one).not.toContain(fullKey.slice(0, 12));
  });
});

/** Somebody before an app whose clock stands at `now`. */
const visitor = (options: Parameters<typeof visitorOf>[0] = {}) => visitorOf({ now: () => now, ...options });

describe("signing in", () => {
  test("gives a cookie that script cannot read and other sites cannot send", async () => {
    const { signIn } = visitor();
    const response = await signIn(fullKey);
    expect(response.status).toBe(303);
    expect(response.headers.get("Location")).toBe("/");
    const cookie = response.headers.get("Set-Cookie") ?? "";
    expect(cookie).toMatch(/^__Host-okta_edge_session=/);
    for (const attribute of [
      "HttpOnly",
      "Secure",
      "SameSite=Strict",
      "Path=/",
      `Max-Age=${sessionSeconds}`,
    ]) {
      expect(cookie).toContain(attribute);
    }
    expect(cookie).not.toContain("Domain");
  });

  test("a wrong key gets 401 and no cookie, and too many of them 429", async () => {
    const { signIn } = visitor();
    const statuses = new Set<number>();
    for (let tries = 0; tries < 500 && !statuses.has(429); tries++) {
      const response = await signIn("wrong");
      statuses.add(response.status);
      expect(response.headers.get("Set-Cookie")).toBeNull();
    }
    expect([...statuses]).toEqual([401, 429]);
    // A right key always passes.
    expect((await signIn(fullKey)).status).toBe(303);
  });

  test("leads to pages of the console alone", async () => {
    const { signIn } = visitor();
    for (const [next, to] of [
      ["/console/sinks?x=1", "/console/sinks?x=1"],
      ["/?connection=acme", "/?connection=acme"],
      ["//evil.example.com", "/"],
      ["https://evil.example.com", "/"],
      ["/\\evil.example.com", "/"],
      ["/v1/streams", "/"],
      ["javascript:alert(1)", "/"],
      ["/console/..//evil.example.com", "/"],
      ["/console/../v1/streams", "/"],
      [`/console/account?account=${"x".repeat(4_000)}`, "/"],
    ] as const) {
      expect((await signIn(fullKey, next)).headers.get("Location")).toBe(to);
    }
  });

  test("a way back that no header could carry is encoded, not an error", async () => {
    const { signIn } = visitor();
    for (const [next, to] of [
      ["/console/account?account=a\r\nX-Injected: b", "/console/account?account=aX-Injected:%20b"],
      ["/console/a\u0000b", "/console/a%00b"],
      ["/?q=\u001b[0m\u007f", "/?q=%1B[0m%7F"],
      ["/console/account?account=Zoë 李", "/console/account?account=Zo%C3%AB%20%E6%9D%8E"],
    ] as const) {
      const response = await signIn(fullKey, next);
      expect([next, response.status]).toEqual([next, 303]);
      expect(response.headers.get("Location")).toBe(to);
      expect(response.headers.get("X-Injected")).toBeNull();
      expect(response.headers.get("Set-Cookie")).toMatch(/^__Host-okta_edge_session=/);
    }
  });

  test("without any key configured the page says what to do", async () => {
    const { get } = visitor({ settings: { ...goodSettings, API_KEYS: "" } });
    const response = await get("/");
    expect(response.status).toBe(503);
    expect(response.headers.get("Content-Type")).toContain("text/html");
    expect(await response.text()).toContain("openssl rand -hex 32");
  });

  test("out again", async () => {
    const { cookieOf, post } = visitor();
    const Cookie = await cookieOf(fullKey);
    const response = await post("/console/sign-out", {}, { Cookie });
    expect(response.status).toBe(303);
    expect(response.headers.get("Set-Cookie")).toMatch(/__Host-okta_edge_session=;.*Max-Age=0/);
  });
});

const pages = [
  "/",
  "/console/inventory",
  "/console/inventory?q=mary",
  "/console/inventory/users",
  "/console/inventory/devices?platform=Windows",
  "/console/account",
  "/console/account?account=mary",
  "/console/account?account=mary&at=1970-01-01T00:00",
  "/console/changes/users?q=mary&by=root&field=roles&kind=updated&from=2025-01-15T02:00",
  "/console/changes/devices",
  "/console/streams",
  "/console/connection",
];

describe("Cloudflare Access", () => {
  const audience = "a".repeat(64);
  const settings = { ...goodSettings, ACCESS_TEAM: "acme", ACCESS_AUD: audience };

  const accessTeam = async () => {
    const { privateKey, publicKey } = await generateKeyPair("ES256");
    const keys = [{ ...(await exportJWK(publicKey)), kid: "1", alg: "ES256" }];
    const token = await new SignJWT({})
      .setProtectedHeader({ alg: "ES256", kid: "1" })
      .setIssuer("https://acme.cloudflareaccess.com")
      .setAudience(audience)
      .setIssuedAt(now / 1000)
      .setExpirationTime(now / 1000 + 60)
      .sign(privateKey);
    return { token, fetch: async () => Response.json({ keys }) };
  };

  test("lets people in without a key, to act from the console's own pages alone", async () => {
    const { token, fetch } = await accessTeam();
    const { get, post } = visitor({ settings, fetch });
    const identity = { "Cf-Access-Jwt-Assertion": token };
    const response = await get("/console/streams", identity);
    expect(response.status).toBe(200);
    expect(await response.text()).toContain('href="/cdn-cgi/access/logout"');
    const run = (headers: Record<string, string>) =>
      post("/console/streams/users/run", { kind: "full" }, { ...identity, ...headers });
    expect((await run({})).status).toBe(303);
    expect((await run({ "Sec-Fetch-Site": "cross-site" })).status).toBe(403);
    const forged = await get("/", { "Cf-Access-Jwt-Assertion": `${token}x` });
    expect(await forged.text()).toContain('action="/console/sign-in"');
  });
});

describe("pages", () => {
  test("nobody sees one without a session; what was asked for comes after signing in", async () => {
    const { get } = visitor();
    for (const path of [...pages, "/console/nothing", "/console/inventory/users/u3/event"]) {
      const response = await get(path);
      expect([path, response.status]).toEqual([path, 200]);
      const html = await response.text();
      expect(html).toContain('action="/console/sign-in"');
      expect(html).toContain(`name="next" value="${path.replaceAll("&", "&amp;")}"`);
      expect(html).not.toContain('aria-label="Pages"');
    }
  });

  test("a session does not open the API, and a key does not open the pages", async () => {
    const { cookieOf, get, call } = visitor();
    const Cookie = await cookieOf(fullKey);
    expect((await get("/v1/streams", { Cookie })).status).toBe(401);
    expect(await (await call("GET", "/console/streams")).text()).toContain('action="/console/sign-in"');
  });

  test.each([fullKey, readKey])("have a strict policy and no inline code", async (key) => {
    const { cookieOf, get } = visitor();
    const Cookie = await cookieOf(key);
    for (const path of pages) {
      const response = await get(path, { Cookie });
      expect([path, response.status]).toEqual([path, 200]);
      const policy = response.headers.get("Content-Security-Policy") ?? "";
      expect(policy).toContain("default-src 'none'; script-src 'self'; style-src 'self'");
      expect(policy).toContain("form-action 'self'");
      expect(policy).not.toContain("unsafe");
      expect(response.headers.get("Cache-Control")).toBe("no-store");
      // Under no-referrer a browser would not say where a form comes from.
      expect(response.headers.get("Referrer-Policy")).toBe("same-origin");
      const html = await response.text();
      expect(html).not.toMatch(/<script(?![^>]* src="\/console\/)/);
      expect(html).not.toMatch(/ style=| on[a-z]+=|<style|javascript:/i);
      expect(html.match(/(?:src|href)="(?!\/|#)[^"]*"/g)).toBeNull();
    }
  });

  test("of a read: key have nothing to act with", async () => {
    const { cookieOf, get } = visitor();
    const forms = async (key: string, path: string) => {
      const html = await (await get(path, { Cookie: await cookieOf(key) })).text();
      return [...html.matchAll(/<form[^>]*method="post"[^>]*action="([^"]*)"/g)].map(([, action]) => action);
    };
    for (const path of pages) expect(await forms(readKey, path)).toEqual(["/console/sign-out"]);
    expect(await forms(fullKey, "/console/streams")).toEqual([
      "/console/sign-out",
      "/console/streams/users/run",
      "/console/streams/users/run",
      "/console/streams/devices/run",
      "/console/streams/devices/run",
    ]);
  });

  test("show removed connections, with when they are deleted, and a button for who may", async () => {
    const { cookieOf, get } = visitor();
    for (const key of [fullKey, readKey]) {
      const Cookie = await cookieOf(key);
      const overview = await (await get("/", { Cookie })).text();
      expect(overview).toMatch(/Connection <bdi>acme<\/bdi> is not in the settings any more/);
      expect(overview).toContain('href="/console/connection#removed"');
      const page = await (await get("/console/connection?notice=purging", { Cookie })).text();
      expect(page).toContain("What is stored of the connection is being deleted.");
      expect(page).toContain("https://acme.okta.com");
      // 500 s and 7 days after the epoch.
      expect(page).toContain('datetime="1970-01-08T00:08:20.000Z"');
      const [form] = /<form[^>]*action="\/console\/connections\/acme\/purge".*?<\/form>/.exec(page) ?? [];
      if (key === readKey) expect(form).toBeUndefined();
      else expect(form).toMatch(/method="post".*type="checkbox" name="sure" value="yes" required/);
    }
  });

  test("that cannot tell which connections are removed say so", async () => {
    const { cookieOf, get } = visitor({
      registry: () => ({
        known: () => Promise.reject(new Error("not now")),
        reconcile: async () => [],
        purge: async () => null,
        noteCalls: async () => {},
        calls: async () => ({ total: [], days: [] }),
      }),
    });
    const Cookie = await cookieOf(fullKey);
    expect((await get("/", { Cookie })).status).toBe(200);
    const page = await get("/console/connection", { Cookie });
    expect(page.status).toBe(200);
    expect(await page.text()).toContain("Internal error");
  });

  test("show a part that fails as that, and the rest", async () => {
    const { cookieOf, get } = visitor({
      settings: { ...goodSettings, OKTA_BASE_URL: "https://evil.example.com" },
    });
    const Cookie = await cookieOf(fullKey);
    const response = await get("/console/connection", { Cookie });
    expect(response.status).toBe(200);
    const html = await response.text();
    expect(html).toContain("OKTA_BASE_URL");
    expect(html).not.toContain("00token");
    expect((await get("/", { Cookie })).status).toBe(200);
  });

  test.each([".", ".."])(
    "an account that a path cannot hold is refused as an account: %s",
    async (account) => {
      const { cookieOf, get } = visitor();
      const response = await get(`/console/account?account=${account}&refresh=true`, {
        Cookie: await cookieOf(fullKey),
      });
      expect(response.status).toBe(200);
      expect(await response.text()).toContain("<code>invalid_account</code>");
    },
  );

  test("a shared link that is opened from elsewhere asks for itself once more, and only then for a key", async () => {
    const { get } = visitor();
    const from = { "Sec-Fetch-Site": "cross-site", "Sec-Fetch-Mode": "navigate" };
    const response = await get('/console/account?account="><script>', from);
    expect(response.status).toBe(200);
    const html = await response.text();
    expect(html).toContain('http-equiv="refresh"');
    expect(html).not.toContain("<script>");
    expect(html).not.toContain("API key");
  });
});

const acts = [
  ["/console/streams/users/run", { kind: "full" }, "/console/streams?notice=run_started"],
  ["/console/streams/devices/cancel", {}, "/console/streams?notice=run_cancelled"],
  ["/console/streams/users/confirm", { sure: "yes" }, "/console/streams?notice=deletions_confirmed"],
  ["/console/connections/acme/purge", { sure: "yes" }, "/console/connection?notice=purging"],
] as const;

describe("acting", () => {
  test.each(acts)("POST %s leads back to where it shows", async (path, form, location) => {
    const { cookieOf, post } = visitor();
    const response = await post(path, form, { Cookie: await cookieOf(fullKey) });
    expect(response.status).toBe(303);
    expect(response.headers.get("Location")).toBe(location);
  });

  test.each(acts)(
    "POST %s is refused from another site, without a session and with a read: key",
    async (path, form) => {
      const { cookieOf, post } = visitor();
      const Cookie = await cookieOf(fullKey);
      for (const headers of [
        { "Sec-Fetch-Site": "cross-site" },
        { "Sec-Fetch-Site": "same-site" },
        { "Sec-Fetch-Site": "cross-site", Origin: origin },
      ]) {
        expect((await post(path, form, { Cookie, ...headers })).status).toBe(403);
      }
      expect((await post(path, form)).headers.get("Location")).toBe("/console/sign-in");
      expect((await post(path, form, { Cookie: await cookieOf(readKey) })).status).toBe(403);
    },
  );

  test("older browsers say where a form comes from in Origin; what says nothing is refused", async () => {
    const { call, cookieOf } = visitor();
    const Cookie = await cookieOf(fullKey);
    const send = async (headers: Record<string, string>) => {
      const body = "kind=full";
      const type = { "Content-Type": "application/x-www-form-urlencoded" };
      return (
        await call("POST", "/console/streams/users/run", {
          key: null,
          body,
          headers: { Cookie, ...type, ...headers },
        })
      ).status;
    };
    expect(await send({ Origin: origin })).toBe(303);
    expect(await send({ Origin: "https://evil.example.com" })).toBe(403);
    expect(await send({ Origin: "null" })).toBe(403);
    expect(await send({})).toBe(403);
  });

  test("signing in cannot be done to somebody from another site", async () => {
    const { post } = visitor();
    const response = await post("/console/sign-in", { key: fullKey }, { "Sec-Fetch-Site": "cross-site" });
    expect(response.status).toBe(403);
    expect(response.headers.get("Set-Cookie")).toBeNull();
  });

  test("nothing is lost without the box ticked, and wrong input is told on a page", async () => {
    const { cookieOf, post } = visitor();
    const Cookie = await cookieOf(fullKey);
    for (const [path, form] of [
      ["/console/streams/users/confirm", {}],
      ["/console/connections/acme/purge", {}],
      ["/console/sinks/users/siem/dead-letters", { action: "drop" }],
      ["/console/streams/users/run", { kind: "everything" }],
      ["/console/streams/users/run", {}],
    ] as const) {
      const response = await post(path, form, { Cookie });
      expect([path, response.status]).toEqual([path, 400]);
      expect(response.headers.get("Content-Type")).toContain("text/html");
    }
    expect((await post("/console/streams/cars/run", { kind: "full" }, { Cookie })).status).toBe(404);
  });

  test("a session stays what its key is: removed from API_KEYS, it is over", async () => {
    const Cookie = await visitor().cookieOf(fullKey);
    const { get } = visitor({ settings: { ...goodSettings, API_KEYS: `read:${readKey}` } });
    expect(await (await get("/", { Cookie })).text()).toContain('action="/console/sign-in"');
  });
});
