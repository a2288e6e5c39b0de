import { beforeAll, describe, expect, it } from "vitest";
import { devicesPending, newOrg, type Org, oneLookup } from "./support.ts";

const jane = "00uJaneDoe1234567890";
const shared1 = "00uShared11234567890";
const shared2 = "00uShared21234567890";

let org: Org;

beforeAll(async () => {
  org = await newOrg();
  const user = (id: string, login: string, email = login, more: object = {}) =>
    org.user({ id, profile: { login, email, ...more } });
  await org.user({
    id: jane,
    created: "2020-06-04T10:00:00.000Z",
    lastLogin: "2025-01-15T08:30:00.000Z",
    passwordChanged: "2024-11-02T09:12:44.000Z",
    status: "ACTIVE",
    profile: {
      login: "Jane.Doe@Example.com",
      email: "jd@mail.example.org",
      firstName: "Jane",
      lastName: "Doe",
      department: "Engineering",
      jobTitle: "Senior Developer",
      managerId: "00uManager1234567890",
    },
  });
  await org.group("VPN Users", [jane]);
  await org.group("Engineering", [jane]);
  for (const factor of [
    { factorType: "push" },
    { factorType: "token:software:totp", provider: "GOOGLE" },
    { factorType: "webauthn", provider: "FIDO" },
    { factorType: "webauthn", provider: "FIDO" },
    { factorType: "signed_nonce" },
    { factorType: "web", provider: "DUO" },
    { factorType: "made:up" },
    { factorType: "sms", status: "PENDING_ACTIVATION" },
  ]) {
    await org.control("POST", `/users/${jane}/factors`, factor);
  }
  await org.control("POST", `/users/${jane}/roles`, { type: "USER_ADMIN", label: "Group Administrator" });
  await org.control("POST", `/users/${jane}/roles`, {
    type: "APP_ADMIN",
    label: "Application Administrator",
    status: "INACTIVE",
  });
  await user("00uJSmith01234567890", "jsmith@example.com");
  await user("00uDoubl11234567890", "double@example.com");
  await user("00uDoubl21234567890", "double@example.org");
  await user(shared1, "one@example.com", "team@example.com");
  await user(shared2, "two@example.com", "team@example.com");
  await user("00uTeamLogin34567890", "lead@example.com", "boss@example.com");
  await user("00uBossLogin34567890", "boss@example.com", "other@example.com");
  await user("00uQuote1234567890ab", 'o"brien@example.com');
  await user("00uBackslash34567890", "back\\slash@example.com");
  await user("00uSlash1234567890ab", "CORP/slash@example.com", "slash@example.com");
  await user("00uKevin1234567890ab", "kevin@example.com");
  await user("00uNoDomain234567890", "svc-backup", "backup@example.com");
  await user("Odd_Id-7", "odd@example.com");
  await user("00uDomain1234567890a", "CORP\\svc-app", "app@example.com");
  await user("00uRene1234567890abc", "ren\u00e9.martin@example.com");
  await user("00uPlus1234567890abc", "jane+soc@example.com");
  await user("00uShared34567890abc", "sales/eu@example.com");
  await org.calls();
});

const isoSeconds = expect.stringMatching(/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ$/);
const isoMillis = expect.stringMatching(/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z$/);

describe("what is answered", () => {
  it("is the contract, field for field", async () => {
    const { status, okta, headers } = await org.ask("jane.doe@example.com");
    expect(status).toBe(200);
    expect(okta).toEqual({
      success: true,
      found: true,
      extracted: {
        status: "ACTIVE",
        created: "2020-06-04T10:00:00.000Z",
        last_login: "2025-01-15T08:30:00.000Z",
        groups: ["Engineering", "Everyone", "VPN Users"],
        mfa_enrolled: true,
        mfa_factors: ["duo", "fastpass", "made:up", "push", "totp", "webauthn"],
        is_admin: true,
        department: "Engineering",
        title: "Senior Developer",
        user_id: jane,
        login: "Jane.Doe@Example.com",
        email: "jd@mail.example.org",
        display_name: "Jane Doe",
        admin_roles: ["Group Administrator"],
        password_changed: "2024-11-02T09:12:44.000Z",
        manager: "00uManager1234567890",
        mfa_factors_detail: ["duo", "fastpass", "made:up", "push", "totp", "webauthn", "webauthn"].map(
          (name) =>
            expect.objectContaining({
              name,
              provider: expect.any(String),
              enrolled_at: isoMillis,
              last_updated: isoMillis,
            }),
        ),
        newest_factor_at: isoMillis,
        phishing_resistant: true,
        admin_roles_detail: [
          {
            label: "Group Administrator",
            type: "USER_ADMIN",
            assignment: "user",
            group: null,
            assigned_at: isoMillis,
            resource_set: null,
          },
        ],
        realm_id: null,
        user_type: expect.stringMatching(/^oty/),
        attributes: {},
        devices: null,
      },
      verdict: null,
      incomplete: [devicesPending],
      cached: false,
      stale: false,
      enriched_at: isoSeconds,
      facts_as_of: { status: isoSeconds, groups: isoSeconds, mfa: isoSeconds, roles: isoSeconds },
    });
    expect(headers.get("Server-Timing")).toMatch(/^cache;dur=\d+, okta;dur=\d+, rules;dur=\d+$/);
    expect(headers.get("Cache-Control")).toBe("no-store");
  });

  it("says that an account is no admin and has no factor only where Okta said so", async () => {
    const { okta } = await org.ask("kevin@example.com");
    expect(okta.extracted).toMatchObject({
      is_admin: false,
      admin_roles: [],
      mfa_enrolled: false,
      mfa_factors: [],
    });
    expect(okta.incomplete).toEqual([devicesPending]);
  });
});

describe("identifiers", () => {
  it.each([
    [jane, jane],
    [`CORP\\${jane}`, jane],
    ["JANE.doe@EXAMPLE.com", jane],
    ["mailto:Jane.Doe@example.com", jane],
    ["  jane.doe@example.com  ", jane],
    ["JD@mail.example.org", jane],
    ["jane.doe", jane],
    ["CORP\\jsmith", "00uJSmith01234567890"],
    ["JSmith", "00uJSmith01234567890"],
    ['o"brien', "00uQuote1234567890ab"],
    ['O"Brien@example.com', "00uQuote1234567890ab"],
    ["CORP\\back\\slash@example.com", "00uBackslash34567890"],
    ["slash@example.com", "00uSlash1234567890ab"],
    ["00uSlash1234567890ab", "00uSlash1234567890ab"],
    ["svc-backup", "00uNoDomain234567890"],
    ["backup@example.com", "00uNoDomain234567890"],
    ["boss@example.com", "00uBossLogin34567890"], // the login goes before another one's e-mail
    ["two@example.com", shared2],
    ["Odd_Id-7", "Odd_Id-7"],
    [" CORP\\Odd_Id-7 ", "Odd_Id-7"],
    ["CORP\\svc-app", "00uDomain1234567890a"],
    ["corp\\SVC-APP", "00uDomain1234567890a"],
    ["CORP\\\\jsmith", "00uJSmith01234567890"],
    ["MY CORP\\jsmith", "00uJSmith01234567890"],
    ["B\u00dcRO\\jsmith", "00uJSmith01234567890"],
    ["rene\u0301.martin@example.com", "00uRene1234567890abc"],
    ["mailto:jane%2Bsoc@example.com", "00uPlus1234567890abc"],
    ["CORP/slash@example.com", "00uSlash1234567890ab"],
    ["sales/eu@example.com", "00uShared34567890abc"],
    ["sales/eu", "00uShared34567890abc"],
  ])("%j is %s", async (account, userId) => {
    const { status, okta } = await org.ask(account);
    expect(status).toBe(200);
    expect(okta).toMatchObject({ success: true, found: true, extracted: { user_id: userId } });
  });

  it.each([
    ["nobody@example.com"],
    ["nobody"],
    ["00uNobody1234567890a"],
    [jane.toLowerCase()],
    ["odd_id-7"],
    ["ODD_ID-7"],
    ["\u212aevin@example.com"], // KELVIN SIGN
    ["\u212aevin"],
    ["j\u0430ne.doe@example.com"], // Cyrillic a
    ["ｋｅｖｉｎ@example.com"],
    ["jane"],
    ['x" or status pr or profile.login eq "x'],
    ["\\"],
    ['"'],
    ["kevin@example"],
    ["../x"],
    ["a/b"],
    ["svc-app"],
    ["OTHER\\svc-app"],
    ["*"],
    ["?"],
  ])("%j is nobody", async (account) => {
    const { status, okta } = await org.ask(account);
    expect(status).toBe(200);
    expect(okta).toMatchObject({ success: true, found: false, extracted: {}, verdict: null, incomplete: [] });
    expect(okta.matches).toBeUndefined();
  });

  it.each([
    ["double", ["double@example.com", "double@example.org"]],
    ["CORP\\DOUBLE", ["double@example.com", "double@example.org"]],
    ["team@example.com", ["one@example.com", "two@example.com"]],
  ])("%j fits several, and none is selected", async (account, logins) => {
    for (const cached of [false, true]) {
      const { status, okta } = await org.ask(account);
      expect(status).toBe(200);
      expect(okta).toMatchObject({
        success: true,
        found: false,
        extracted: {},
        matches: logins,
        verdict: null,
      });
      if (cached) expect(okta.cached).toBe(true);
    }
  });

  it.each([
    ["me"],
    ["ME"],
    ["CORP\\me"],
    ["mailto:100%"],
    ["%2e%2e"],
    [" "],
    ["mailto:"],
    ["a\u0000b"],
    ["jane\u200b@example.com"],
    ["x".repeat(1_000)],
  ])("%.40j is refused", async (account) => {
    const response = await org.request("GET", `/v1/enrichments/accounts/${encodeURIComponent(account)}`);
    expect(response.status).toBe(400);
    expect(response.headers.get("Content-Type")).toBe("application/problem+json");
    expect(await response.json()).toMatchObject({
      code: "invalid_request",
      errors: [{ field: "path.account", message: expect.stringMatching(/send an e-mail address/) }],
    });
  });

  it("refuses an empty account and one with an unencoded slash as well", async () => {
    for (const rest of ["", "a/b"]) {
      const response = await org.request("GET", `/v1/enrichments/accounts/${rest}`);
      expect(response.status).toBe(400);
    }
  });

  it("refuses an account without a call to Okta", async () => {
    await org.calls();
    await org.request("GET", "/v1/enrichments/accounts/me");
    expect(await org.calls()).toEqual({});
  });
});

describe("aliases", () => {
  it("of one account hit one entry: id, login, e-mail, and the name that was asked", async () => {
    await org.user({
      id: "00uAlias1234567890ab",
      profile: { login: "ali@example.com", email: "ali.as@example.org" },
    });
    await org.calls();
    const first = await org.ask("ali");
    expect(first.okta).toMatchObject({ found: true, cached: false });
    expect(await org.calls()).toEqual({ ...oneLookup, "GET /api/v1/users": 1 });
    for (const account of [
      "ALI",
      "00uAlias1234567890ab",
      "ali@example.com",
      "CORP\\ali",
      "mailto:ali.as@example.org",
    ]) {
      const { okta } = await org.ask(account);
      expect(okta).toEqual({ ...first.okta, cached: true });
    }
    expect(await org.calls()).toEqual({});
  });

  it("an e-mail that two accounts share never stands for the one that was asked for before", async () => {
    await org.ask(shared1);
    await org.ask("two@example.com");
    expect((await org.ask("team@example.com")).okta).toMatchObject({
      found: false,
      matches: ["one@example.com", "two@example.com"],
    });
  });

  it("an e-mail that is another's login leads to the other", async () => {
    await org.ask("lead@example.com");
    expect((await org.ask("boss@example.com")).okta).toMatchObject({
      extracted: { user_id: "00uBossLogin34567890" },
    });
  });
});

describe("batches", () => {
  const askMany = async (accounts: unknown) => org.request("POST", "/v1/enrichments", { accounts });

  it("answer in order, look duplicates up once, and a bad item does not affect the others", async () => {
    await org.user({
      id: "00uBatch1234567890ab",
      profile: { login: "batch@example.com", email: "batch@example.com" },
    });
    await org.calls();
    const accounts = [
      "batch@example.com",
      "me",
      "BATCH@example.com",
      "no-one@example.com",
      "mailto:batch@example.com",
      "double",
    ];
    const response = await askMany(accounts);
    expect(response.status).toBe(200);
    const { results } = await response.json<{
      results: { account: string; okta: Record<string, unknown> }[];
    }>();
    expect(results.map(({ account }) => account)).toEqual(accounts);
    expect(results.map(({ okta }) => [okta["success"], okta["found"]])).toEqual([
      [true, true],
      [false, null],
      [true, true],
      [true, false],
      [true, true],
      [true, false],
    ]);
    expect(results[1]?.okta["error"]).toMatchObject({ code: "invalid_account" });
    expect(await org.calls()).toMatchObject({ "GET /api/v1/users/{id}/factors": 1 });
  });

  it.each([[[]], [Array.from({ length: 101 }, () => "a")], ["a"], [[1]], [undefined]])(
    "of %j are refused",
    async (accounts) => {
      const response = await askMany(accounts);
      expect(response.status).toBe(400);
      expect(await response.json()).toMatchObject({ code: "invalid_request" });
    },
  );
});
