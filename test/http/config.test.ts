import { describe, expect, it } from "vitest";
import { secretsOf } from "../../src/config/secrets.ts";
import type { Setting } from "../../src/config/types.ts";
import { configOf, readConfig } from "../../src/http/config.ts";

const key = "k".repeat(32);
const good = {
  OKTA_BASE_URL: "https://company.okta.com",
  OKTA_API_TOKEN: "00-token_value",
  API_KEYS: key,
};
const pem = `-----BEGIN PRIVATE KEY-----\n${"MIIEvQIBADANBgkqhkiG9w0BAQEFAASC".repeat(4)}\n-----END PRIVATE KEY-----`;
const rsaJwk = { kty: "RSA", n: "modulus", e: "AQAB", d: "private-part" };

const problemsOf = (setting: Setting<unknown> | undefined) =>
  setting === undefined || setting.ok ? [] : setting.problems;

/** Whole sentences, as every message about a setting is. */
const sentencesOnly = /^[A-Z"].*[.]$/;

const defaultOf = (env: object) => readConfig(env).connections.get("default");

describe("a complete configuration", () => {
  it("has the design's defaults", () => {
    const config = readConfig(good);
    expect(config.connections.get("default")).toEqual({
      ok: true,
      value: {
        id: "default",
        baseUrl: "https://company.okta.com",
        credential: { kind: "ssws", token: "00-token_value" },
        rateLimitShare: 0.5,
        mfaIgnoredFactors: [],
        profileAttributes: [],
        deletionGuard: 0.2,
        refreshDays: 7,
        historyDays: 90,
        subrequestsPerSlice: 40,
      },
    });
    expect(config.apiKeys).toEqual({ ok: true, value: [{ key, rights: "full" }] });
    expect(config.access).toEqual({ ok: true, value: null });
    expect(config.enrichment).toEqual({
      ok: true,
      value: { ttlSeconds: 3600, lookupTimeoutMs: 8000, cache: "kv" },
    });
    expect(config.maliceRules).toEqual({ ok: true, value: null });
    expect(config.sinks).toEqual({ accepted: [], refused: [] });
    expect(config.connectionProblems).toEqual([]);
    expect(config.baseUrlRules.allowLoopback).toBe(false);
  });

  it("trims what was pasted with blanks or a newline", () => {
    const env = {
      ...good,
      OKTA_API_TOKEN: "  00-token_value\n",
      OKTA_BASE_URL: "https://company.okta.com/ \n",
    };
    expect(defaultOf(env)).toEqual(defaultOf(good));
  });

  it("takes OKTA_DOMAIN for OKTA_BASE_URL", () => {
    const { OKTA_BASE_URL: _, ...rest } = good;
    expect(defaultOf({ ...rest, OKTA_DOMAIN: "company.okta.com" })).toEqual(defaultOf(good));
    expect(defaultOf({ ...good, OKTA_DOMAIN: "company.okta.com" })).toEqual(defaultOf(good));
  });

  it.each([
    ["OKTA_RATE_LIMIT_SHARE", "0.25", { rateLimitShare: 0.25 }],
    ["OKTA_RATE_LIMIT_SHARE", 1, { rateLimitShare: 1 }],
    ["OKTA_RATE_LIMIT_SHARE", ".5", { rateLimitShare: 0.5 }],
    ["DELETION_GUARD", "0", { deletionGuard: 0 }],
    ["DELETION_GUARD", "1", { deletionGuard: 1 }],
    ["REFRESH_DAYS", "30", { refreshDays: 30 }],
    ["HISTORY_DAYS", "0", { historyDays: 0 }],
    ["SUBREQUESTS_PER_SLICE", "9000", { subrequestsPerSlice: 9000 }],
    ["MFA_IGNORED_FACTORS", "email, Question", { mfaIgnoredFactors: ["email", "question"] }],
    ["MFA_IGNORED_FACTORS", "totp,token:software:totp", { mfaIgnoredFactors: ["token:software:totp"] }],
    ["MFA_IGNORED_FACTORS", "", { mfaIgnoredFactors: [] }],
  ])("%s=%j", (name, value, expected) => {
    expect(defaultOf({ ...good, [name]: value })).toMatchObject({ ok: true, value: expected });
  });

  it("is read once for an env", () => {
    const env = { ...good };
    expect(configOf(env)).toBe(configOf(env));
  });
});

describe("an invalid setting of the default connection names itself and what is valid", () => {
  it.each([
    [{ OKTA_BASE_URL: "" }, "OKTA_BASE_URL", "https://your-domain.okta.com"],
    [{ OKTA_BASE_URL: "company.okta.com" }, "OKTA_BASE_URL", "https://your-domain.okta.com"],
    [{ OKTA_BASE_URL: "https://company-admin.okta.com" }, "OKTA_BASE_URL", "https://company.okta.com"],
    [{ OKTA_BASE_URL: "http://127.0.0.1:8790" }, "OKTA_BASE_URL", "ALLOW_LOOPBACK=true"],
    [{ OKTA_BASE_URL: "", OKTA_DOMAIN: "evil.example" }, "OKTA_DOMAIN", "https://your-domain.okta.com"],
    [{ OKTA_DOMAIN: "other.okta.com" }, "OKTA_BASE_URL", "Keep one"],
    [{ OKTA_BASE_URL: "https://login.example.com" }, "OKTA_BASE_URL", "OKTA_CUSTOM_DOMAINS"],
    [{ OKTA_API_TOKEN: "" }, "OKTA_API_TOKEN", "Security > API > Tokens"],
    [{ OKTA_API_TOKEN: " \n" }, "OKTA_API_TOKEN", "Security > API > Tokens"],
    [{ OKTA_API_TOKEN: "SSWS 00token" }, "OKTA_API_TOKEN", "token alone"],
    [{ OKTA_API_TOKEN: "00 token" }, "OKTA_API_TOKEN", "blanks"],
    [{ OKTA_API_TOKEN: "00tökén" }, "OKTA_API_TOKEN", "characters"],
    [{ OKTA_CLIENT_ID: "0oa1" }, "OKTA_API_TOKEN", "Remove OKTA_API_TOKEN"],
    [{ OKTA_RATE_LIMIT_SHARE: "0" }, "OKTA_RATE_LIMIT_SHARE", "above 0 and at most 1"],
    [{ OKTA_RATE_LIMIT_SHARE: "50%" }, "OKTA_RATE_LIMIT_SHARE", "above 0 and at most 1"],
    [{ OKTA_RATE_LIMIT_SHARE: "1.01" }, "OKTA_RATE_LIMIT_SHARE", "above 0 and at most 1"],
    [{ OKTA_RATE_LIMIT_SHARE: "NaN" }, "OKTA_RATE_LIMIT_SHARE", "above 0 and at most 1"],
    [{ OKTA_RATE_LIMIT_SHARE: [0.5] }, "OKTA_RATE_LIMIT_SHARE", "above 0 and at most 1"],
    [{ MFA_IGNORED_FACTORS: "email,emial" }, "MFA_IGNORED_FACTORS", "Item 2"],
    [{ ALLOW_LOOPBACK: "yes" }, "ALLOW_LOOPBACK", "true or false"],
  ])("%j", (change, setting, hint) => {
    const problems = problemsOf(defaultOf({ ...good, ...change }));
    expect(problems.map((problem) => problem.setting)).toEqual([setting]);
    expect(problems[0]?.message).toContain(hint);
    expect(problems[0]?.message).toMatch(sentencesOnly);
  });

  it("reports all problems at once", () => {
    const problems = problemsOf(defaultOf({ OKTA_RATE_LIMIT_SHARE: "x" }));
    expect(problems.map((problem) => problem.setting).sort()).toEqual([
      "OKTA_API_TOKEN",
      "OKTA_BASE_URL",
      "OKTA_RATE_LIMIT_SHARE",
    ]);
  });

  it.each([
    [{ DELETION_GUARD: "-0.1" }, "DELETION_GUARD", "from 0 to 1", { deletionGuard: 0 }],
    [{ DELETION_GUARD: "20" }, "DELETION_GUARD", "from 0 to 1", { deletionGuard: 0 }],
    [{ REFRESH_DAYS: "0" }, "REFRESH_DAYS", "whole number from 1 to 365", { refreshDays: 7 }],
    [{ HISTORY_DAYS: "-1" }, "HISTORY_DAYS", "whole number from 0 to 3650", { historyDays: 90 }],
    [{ REFRESH_DAYS: "1.5" }, "REFRESH_DAYS", "whole number", { refreshDays: 7 }],
    [
      { SUBREQUESTS_PER_SLICE: "9001" },
      "SUBREQUESTS_PER_SLICE",
      "from 1 to 9000",
      { subrequestsPerSlice: 40 },
    ],
    [
      { SUBREQUESTS_PER_SLICE: "1e3" },
      "SUBREQUESTS_PER_SLICE",
      "from 1 to 9000",
      { subrequestsPerSlice: 40 },
    ],
  ])("that only runs need holds up nothing else: %j", (change, setting, hint, value) => {
    const { connections, runProblems } = readConfig({ ...good, ...change });
    expect(connections.get("default")).toMatchObject({ ok: true, value });
    expect(runProblems.map((problem) => problem.setting)).toEqual([setting]);
    expect(runProblems[0]?.message).toContain(hint);
  });

  it("leaves the share at its default where there is no connection", () => {
    expect(readConfig({ OKTA_RATE_LIMIT_SHARE: "0.3" }).rateLimitShare).toBe(0.3);
    expect(readConfig({ OKTA_RATE_LIMIT_SHARE: "3" }).rateLimitShare).toBe(0.5);
  });

  it("names OKTA_CUSTOM_DOMAINS only where a base URL would need it", () => {
    const wrong = { ...good, OKTA_CUSTOM_DOMAINS: "https://login.example.com" };
    expect(defaultOf(wrong)).toMatchObject({ ok: true });
    const needed = problemsOf(defaultOf({ ...wrong, OKTA_BASE_URL: "https://login.example.com" }));
    expect(needed.map((problem) => problem.setting)).toEqual(["OKTA_BASE_URL", "OKTA_CUSTOM_DOMAINS"]);
    const right = {
      ...good,
      OKTA_BASE_URL: "https://login.example.com",
      OKTA_CUSTOM_DOMAINS: "login.example.com",
    };
    expect(defaultOf(right)).toMatchObject({ ok: true, value: { baseUrl: "https://login.example.com" } });
  });
});

describe("an OAuth service app", () => {
  const oauth = { OKTA_BASE_URL: good.OKTA_BASE_URL, OKTA_CLIENT_ID: "0oa1", OKTA_PRIVATE_KEY: pem };

  it.each([
    ["PEM", pem, pem],
    ["PEM on one line", pem.replaceAll("\n", "\\n"), pem],
    ["PEM with Windows line ends", pem.replaceAll("\n", "\r\n"), pem],
    ["JWK text", JSON.stringify(rsaJwk), JSON.stringify(rsaJwk)],
    ["JWK object", rsaJwk, JSON.stringify(rsaJwk)],
    [
      "EC JWK",
      JSON.stringify({ kty: "EC", crv: "P-256", x: "x", y: "y", d: "d" }),
      JSON.stringify({ kty: "EC", crv: "P-256", x: "x", y: "y", d: "d" }),
    ],
  ])("takes a key as %s", (_, given, privateKey) => {
    expect(defaultOf({ ...oauth, OKTA_PRIVATE_KEY: given })).toMatchObject({
      ok: true,
      value: { credential: { kind: "oauth", clientId: "0oa1", privateKey, keyId: null } },
    });
  });

  it("takes the key's id", () => {
    expect(defaultOf({ ...oauth, OKTA_KEY_ID: " kid-1 " })).toMatchObject({
      value: { credential: { keyId: "kid-1" } },
    });
  });

  it.each([
    [{ OKTA_CLIENT_ID: "" }, "OKTA_CLIENT_ID", "missing"],
    [{ OKTA_PRIVATE_KEY: "" }, "OKTA_PRIVATE_KEY", "missing"],
    [{ OKTA_PRIVATE_KEY: "not a key" }, "OKTA_PRIVATE_KEY", "a JWK or as a PEM"],
    [{ OKTA_PRIVATE_KEY: "{broken" }, "OKTA_PRIVATE_KEY", "not JSON"],
    [
      { OKTA_PRIVATE_KEY: pem.replaceAll("PRIVATE", "RSA PRIVATE") },
      "OKTA_PRIVATE_KEY",
      "cut off or damaged",
    ],
    [
      { OKTA_PRIVATE_KEY: pem.replaceAll("PRIVATE", "ENCRYPTED PRIVATE") },
      "OKTA_PRIVATE_KEY",
      "Decrypt it: openssl",
    ],
    [{ OKTA_PRIVATE_KEY: pem.replaceAll("PRIVATE", "PUBLIC") }, "OKTA_PRIVATE_KEY", "public"],
    [{ OKTA_PRIVATE_KEY: pem.slice(0, -20) }, "OKTA_PRIVATE_KEY", "cut"],
    [{ OKTA_PRIVATE_KEY: JSON.stringify({ ...rsaJwk, d: undefined }) }, "OKTA_PRIVATE_KEY", "public part"],
    [
      { OKTA_PRIVATE_KEY: JSON.stringify({ keys: [rsaJwk, rsaJwk] }) },
      "OKTA_PRIVATE_KEY",
      "several private keys",
    ],
    [{ OKTA_PRIVATE_KEY: JSON.stringify({ kty: "oct", k: "x" }) }, "OKTA_PRIVATE_KEY", "RSA or EC"],
    [{ OKTA_PRIVATE_KEY: JSON.stringify({ kty: "EC", crv: "P-384", d: "d" }) }, "OKTA_PRIVATE_KEY", "P-256"],
  ])("%j", (change, setting, hint) => {
    const problems = problemsOf(defaultOf({ ...oauth, ...change }));
    expect(problems.map((problem) => problem.setting)).toEqual([setting]);
    expect(problems[0]?.message).toContain(hint);
  });
});

describe("CONNECTIONS", () => {
  const acme = { id: "acme", base_url: "https://acme.okta.com", secret_prefix: "ACME_" };
  const withAcme = { ...good, ACME_API_TOKEN: "00acme" };

  it.each([
    ["text", JSON.stringify([acme])],
    ["JSON of wrangler.toml", [acme]],
  ])("adds an org with its own credential (%s)", (_, CONNECTIONS) => {
    const config = readConfig({ ...withAcme, CONNECTIONS, DELETION_GUARD: "0.1" });
    expect([...config.connections.keys()]).toEqual(["default", "acme"]);
    expect(config.connections.get("acme")).toMatchObject({
      ok: true,
      value: {
        id: "acme",
        baseUrl: "https://acme.okta.com",
        credential: { kind: "ssws", token: "00acme" },
        deletionGuard: 0.1,
      },
    });
  });

  it.each(["a", "0", "Acme_EU-2", "acme--", "a".repeat(64)])("may be called %s", (id) => {
    const config = readConfig({ ...withAcme, CONNECTIONS: [{ ...acme, id }] });
    expect(config.connectionProblems).toEqual([]);
    expect(config.connections.get(id)).toMatchObject({ ok: true, value: { id } });
  });

  it("works without a default org, which is then the only invalid one", () => {
    const config = readConfig({ ACME_API_TOKEN: "00acme", CONNECTIONS: [acme] });
    expect(config.connections.get("acme")).toMatchObject({ ok: true });
    expect(config.connections.get("default")).toMatchObject({ ok: false });
  });

  it.each([
    [{ ...acme, base_url: "acme.okta.com" }, "CONNECTIONS[0].base_url", "https://your-domain.okta.com"],
    [{ ...acme, base_url: undefined }, "CONNECTIONS[0].base_url", "https://acme.okta.com"],
    [{ ...acme, secret_prefix: "acme" }, "CONNECTIONS[0].secret_prefix", "ACME_"],
    [{ ...acme, secret_prefix: undefined }, "CONNECTIONS[0].secret_prefix", "ACME_"],
    [{ ...acme, secret_prefix: "OTHER_" }, "OTHER_API_TOKEN", "npx wrangler secret put OTHER_API_TOKEN"],
    [{ ...acme, secret_prefix: "OKTA_" }, "CONNECTIONS[0].secret_prefix", "must not go to another"],
    [{ ...acme, token: "secret" }, "CONNECTIONS[0]", "base_url"],
  ])("an invalid entry affects only its own connection: %j", (entry, setting, hint) => {
    const config = readConfig({ ...withAcme, CONNECTIONS: JSON.stringify([entry]) });
    const problems = problemsOf(config.connections.get("acme"));
    expect(problems.map((problem) => problem.setting)).toEqual([setting]);
    expect(problems[0]?.message).toContain(hint);
    expect(config.connections.get("default")).toMatchObject({ ok: true });
    expect(config.connectionProblems).toEqual([]);
  });

  it.each([
    ["[", "CONNECTIONS", "not JSON"],
    ["{}", "CONNECTIONS", "not a JSON list"],
    ['["acme"]', "CONNECTIONS[0]", "not an object"],
    ['[{"base_url":"https://acme.okta.com"}]', "CONNECTIONS[0].id", "missing"],
    ['[{"id":"acme.eu"}]', "CONNECTIONS[0].id", "letters, digits, underscores or hyphens"],
    ['[{"id":"-acme"}]', "CONNECTIONS[0].id", "begins with a letter or digit"],
    ['[{"id":"_acme"}]', "CONNECTIONS[0].id", "begins with a letter or digit"],
    ['[{"id":"default"}]', "CONNECTIONS[0].id", "not default"],
    [`[{"id":"${"a".repeat(65)}"}]`, "CONNECTIONS[0].id", "1 to 64"],
  ])("an entry that names no connection is a problem of the setting: %s", (CONNECTIONS, setting, hint) => {
    const config = readConfig({ ...good, CONNECTIONS });
    expect(config.connectionProblems.map((problem) => problem.setting)).toEqual([setting]);
    expect(config.connectionProblems[0]?.message).toContain(hint);
    expect([...config.connections.keys()]).toEqual(["default"]);
    expect(config.connections.get("default")).toMatchObject({ ok: true });
  });

  it("refuses an id that occurs twice, since it is not clear which is meant", () => {
    const twin = { ...acme, base_url: "https://twin.okta.com", secret_prefix: "TWIN_" };
    const env = { ...withAcme, TWIN_API_TOKEN: "00twin", CONNECTIONS: [acme, twin] };
    const problems = problemsOf(readConfig(env).connections.get("acme"));
    expect(problems.map((problem) => problem.setting)).toEqual(["CONNECTIONS[0].id", "CONNECTIONS[1].id"]);
  });

  it("refuses a prefix that two orgs share", () => {
    const other = { id: "other", base_url: "https://other.okta.com", secret_prefix: "ACME_" };
    const config = readConfig({ ...withAcme, CONNECTIONS: [acme, other] });
    for (const id of ["acme", "other"]) {
      expect(problemsOf(config.connections.get(id))[0]?.message).toContain("must not go to another");
    }
  });
});

describe("API_KEYS", () => {
  const other = "o".repeat(40);

  it.each([
    [`${key}`, [{ key, rights: "full" }]],
    [
      ` ${key} , read:${other},\n`,
      [
        { key, rights: "full" },
        { key: other, rights: "read" },
      ],
    ],
    [`read: ${other}`, [{ key: other, rights: "read" }]],
    ["", []],
    [" , ", []],
  ])("%j", (API_KEYS, keys) => {
    expect(readConfig({ API_KEYS }).apiKeys).toEqual({ ok: true, value: keys });
  });

  it.each([
    ["k".repeat(31), "Key 1 is shorter than 32"],
    [`read:${"k".repeat(31)}`, "Key 1 is shorter than 32"],
    [`${key},short`, "Key 2 is shorter than 32"],
    [`${"k".repeat(31)} k`, "Key 1 holds characters"],
    [`${key},read:${key}`, "Key 2 is given both"],
  ])("%j", (API_KEYS, hint) => {
    const problems = problemsOf(readConfig({ API_KEYS }).apiKeys);
    expect(problems.map((problem) => problem.setting)).toEqual(["API_KEYS"]);
    expect(problems[0]?.message).toContain(hint);
    expect(problems[0]?.message).toContain("openssl rand -hex 32");
  });
});

describe("Cloudflare Access", () => {
  const audience = "0123456789abcdef".repeat(4);

  it.each(["my-team", "my-team.cloudflareaccess.com", "https://My-Team.cloudflareaccess.com/"])(
    "%s",
    (team) => {
      expect(readConfig({ ACCESS_TEAM: team, ACCESS_AUD: audience }).access).toEqual({
        ok: true,
        value: { issuer: "https://my-team.cloudflareaccess.com", audience },
      });
    },
  );

  it.each([
    [{ ACCESS_TEAM: "my-team" }, "ACCESS_AUD"],
    [{ ACCESS_AUD: audience }, "ACCESS_TEAM"],
    [{ ACCESS_TEAM: "evil.example", ACCESS_AUD: audience }, "ACCESS_TEAM"],
    [{ ACCESS_TEAM: "a/../b", ACCESS_AUD: audience }, "ACCESS_TEAM"],
    [{ ACCESS_TEAM: "my-team", ACCESS_AUD: "short" }, "ACCESS_AUD"],
  ])("%j", (env, setting) => {
    expect(problemsOf(readConfig(env).access).map((problem) => problem.setting)).toEqual([setting]);
  });
});

describe("the other settings", () => {
  it.each([
    [{ ENRICHMENT_TTL_SECONDS: "1h" }, "ENRICHMENT_TTL_SECONDS", "whole number"],
    [{ ENRICHMENT_TTL_SECONDS: "-1" }, "ENRICHMENT_TTL_SECONDS", "whole number"],
    [{ LOOKUP_TIMEOUT_MS: "10" }, "LOOKUP_TIMEOUT_MS", "from 100"],
    [{ LOOKUP_CACHE: "none" }, "LOOKUP_CACHE", "kv, which is the default, or off"],
  ])("%j", (change, setting, hint) => {
    const problems = problemsOf(readConfig({ ...good, ...change }).enrichment);
    expect(problems.map((problem) => problem.setting)).toEqual([setting]);
    expect(problems[0]?.message).toContain(hint);
  });

  const rule = { field: "status", operator: "eq", value: "SUSPENDED", verdict: "Suspicious" };

  it.each([
    ["text", JSON.stringify({ malice_rules: { conditions: [rule] } })],
    ["JSON of wrangler.toml", { conditions: [rule] }],
  ])("MALICE_RULES as %s", (_, MALICE_RULES) => {
    const { maliceRules } = readConfig({ MALICE_RULES });
    expect(maliceRules).toMatchObject({ ok: true, value: { rules: [{ verdict: "Suspicious" }] } });
  });

  it.each([
    ["{", ["MALICE_RULES"]],
    [{ conditions: [{ ...rule, operator: "equals" }] }, ["MALICE_RULES.conditions[0].operator"]],
  ])("invalid MALICE_RULES %j", (MALICE_RULES, settings) => {
    const config = readConfig({ ...good, MALICE_RULES });
    expect(problemsOf(config.maliceRules).map((problem) => problem.setting)).toEqual(settings);
    expect(config.connections.get("default")).toMatchObject({ ok: true });
  });

  it("one bad sink does not stop the others", () => {
    const siem = { type: "http", name: "siem", url: "https://siem.example.com/", token_secret: "SIEM_TOKEN" };
    const bad = { type: "http", name: "bad", url: "http://10.0.0.1/" };
    const { sinks } = readConfig({ ...good, SIEM_TOKEN: "siem-token", SINKS: [bad, siem] });
    expect(sinks.accepted.map((sink) => sink.name)).toEqual(["siem"]);
    expect(sinks.refused.map((sink) => sink.name)).toEqual(["bad"]);
  });

  it("lets sinks reach this machine with ALLOW_LOOPBACK", () => {
    const SINKS = [{ type: "http", name: "siem", url: "http://127.0.0.1:9000/" }];
    expect(readConfig({ SINKS }).sinks.refused).toHaveLength(1);
    expect(readConfig({ SINKS, ALLOW_LOOPBACK: "true" }).sinks.accepted).toHaveLength(1);
  });
});

describe("secrets", () => {
  const canary = "canary-secret-0123456789-do-not-show";

  it.each([
    ["OKTA_API_TOKEN", { ...good, OKTA_API_TOKEN: `SSWS ${canary}` }],
    ["OKTA_API_TOKEN in the wrong place", { ...good, OKTA_BASE_URL: canary }],
    ["a base URL's user", { ...good, OKTA_BASE_URL: `https://${canary}@company.okta.com` }],
    ["OKTA_DOMAIN", { OKTA_DOMAIN: canary }],
    ["OKTA_PRIVATE_KEY", { ...good, OKTA_API_TOKEN: "", OKTA_PRIVATE_KEY: canary }],
    ["a JWK", { OKTA_PRIVATE_KEY: `{"kty":"EC","d":"${canary}"}`, OKTA_CLIENT_ID: `${canary} x` }],
    ["API_KEYS", { API_KEYS: `${canary} ,ä${canary},x` }],
    ["CONNECTIONS", { CONNECTIONS: `[{"id":"a","token":"${canary}"},{"id":"${canary}-${canary}"}]` }],
    ["broken CONNECTIONS", { CONNECTIONS: `[{"id":"${canary}"` }],
    ["broken SINKS", { SINKS: `[{"token":"${canary}"` }],
    ["a sink's inlined secret", { SINKS: [{ type: "http", name: "s", token_secret: canary, url: canary }] }],
    ["ACCESS", { ACCESS_TEAM: `${canary}/`, ACCESS_AUD: canary }],
    ["numbers", { ...good, DELETION_GUARD: canary, ENRICHMENT_TTL_SECONDS: canary }],
    ["OKTA_CUSTOM_DOMAINS", { OKTA_BASE_URL: "https://x.example", OKTA_CUSTOM_DOMAINS: `${canary}/` }],
    ["MFA_IGNORED_FACTORS", { ...good, MFA_IGNORED_FACTORS: canary }],
  ])("no problem repeats a value: %s", (_, env) => {
    const config = readConfig(env);
    const problems = [
      ...[...config.connections.values()].flatMap(problemsOf),
      ...config.connectionProblems,
      ...config.runProblems,
      ...problemsOf(config.apiKeys),
      ...problemsOf(config.access),
      ...problemsOf(config.enrichment),
      ...problemsOf(config.maliceRules),
      ...config.sinks.refused.flatMap((sink) => sink.problems),
    ];
    expect(problems.length).toBeGreaterThan(0);
    expect(JSON.stringify(problems)).not.toContain(canary);
  });

  it("are all known for masking, parts of keys included", () => {
    const secrets = secretsOf({
      OKTA_API_TOKEN: " okta-token ",
      OKTA_PRIVATE_KEY: pem,
      API_KEYS: `${key},read:${"r".repeat(32)}`,
      CONNECTIONS: [{ id: "acme", secret_prefix: " ACME_ " }],
      ACME_API_TOKEN: "acme-token",
      SINKS: '[{"type":"http","token_secret":"SIEM_TOKEN","hmac_secret":"SIEM_HMAC"}]',
      SIEM_TOKEN: "siem-token",
      SIEM_HMAC: "siem-hmac-key",
    });
    for (const secret of ["okta-token", key, "r".repeat(32), "acme-token", "siem-token", "siem-hmac-key"]) {
      expect(secrets).toContain(secret);
    }
    expect(secrets).toContain(pem.split("\n")[1]);
  });

  it("are known for masking where sinks name them in headers, addresses and clients, and so are their parts", () => {
    const secrets = secretsOf({
      SINKS: JSON.stringify([
        {
          type: "http",
          url_secret: "ADDRESS",
          headers: {
            "DD-API-KEY": { secret: "DD_KEY" },
            Authorization: { secret: "SCHEME" },
            "X-Text": "inline-text",
          },
          oauth2: { client_secret_secret: "CLIENT" },
        },
        { type: "s3", secret_access_key_secret: "S3" },
      ]),
      ADDRESS: "https://Collect.example.com/receiver/0123456789abcdef0?key=query-value",
      DD_KEY: "dd-key-value",
      SCHEME: "Bearer scheme-value",
      CLIENT: "client-value",
      S3: "s3-secret-value",
    });
    for (const secret of [
      "https://Collect.example.com/receiver/0123456789abcdef0?key=query-value",
      "https://collect.example.com/receiver/0123456789abcdef0?key=query-value",
      "/receiver/0123456789abcdef0",
      "0123456789abcdef0",
      "query-value",
      "dd-key-value",
      "scheme-value",
      "inline-text",
      "client-value",
      "s3-secret-value",
    ])
      expect(secrets).toContain(secret);
  });
});
