import { describe, expect, it } from "vitest";
import {
  type Account,
  type ActiveFactor,
  type ActiveRole,
  activeRoles,
  fromInventory,
  isComplete,
  missing,
  withLastKnown,
} from "../../src/enrichment/account.ts";
import {
  answerFor,
  extract,
  failureAnswer,
  failureStatus,
  oktaAnswerSchema,
  retryAfter,
} from "../../src/enrichment/answer.ts";
import { ruleFields } from "../../src/enrichment/rules.ts";
import { known } from "../../src/inventory/facts.ts";
import type { OktaRole, OktaUserProfile } from "../../src/okta/records.ts";
import { janeAt } from "./jane.ts";

const at = Date.parse("2025-01-15T10:30:06.789Z");

const factor = (factorType: string, provider: string, created: string | null): ActiveFactor => ({
  factorType,
  provider,
  created,
  lastUpdated: created,
});

const role: OktaRole = {
  id: "1",
  type: "SUPER_ADMIN",
  label: "Super Administrator",
  status: "ACTIVE",
  assignmentType: "USER",
  created: "2024-05-01T00:00:00.000Z",
};

const account = janeAt(at, {
  factors: known(
    [
      factor("email", "OKTA", "2025-01-02T00:00:00.000Z"),
      factor("token:software:totp", "GOOGLE", "2025-01-01T00:00:00.000Z"),
    ],
    at,
  ),
});

describe("extract", () => {
  it("has exactly the fields that rules may name, and those whose parts have names", () => {
    expect(Object.keys(extract(account, []).extracted).sort()).toEqual(
      [...ruleFields, "mfa_factors_detail", "admin_roles_detail", "attributes", "devices"].sort(),
    );
  });

  it("tells of each factor that counts when it was enrolled, and when the newest was", () => {
    expect(extract(account, []).extracted).toMatchObject({
      mfa_factors_detail: [
        {
          name: "email",
          provider: "OKTA",
          enrolled_at: "2025-01-02T00:00:00.000Z",
          last_updated: "2025-01-02T00:00:00.000Z",
        },
        {
          name: "totp",
          provider: "GOOGLE",
          enrolled_at: "2025-01-01T00:00:00.000Z",
          last_updated: "2025-01-01T00:00:00.000Z",
        },
      ],
      newest_factor_at: "2025-01-02T00:00:00.000Z",
    });
    expect(extract(account, ["email"]).extracted).toMatchObject({
      mfa_factors_detail: [{ name: "totp" }],
      newest_factor_at: "2025-01-01T00:00:00.000Z",
    });
  });

  it.each<[readonly [string, string | null][], readonly string[], boolean, string | null]>([
    [[], [], false, null],
    [[["push", "2025-01-01T00:00:00.000Z"]], [], false, "2025-01-01T00:00:00.000Z"],
    [[["webauthn", "2025-01-01T00:00:00.000Z"]], [], true, "2025-01-01T00:00:00.000Z"],
    [[["webauthn", "2025-01-01T00:00:00.000Z"]], ["webauthn"], false, null],
    [[["u2f", null]], [], true, null],
    [
      [
        ["signed_nonce", "2025-01-01T00:00:00.000Z"],
        ["sms", null],
      ],
      [],
      true,
      null,
    ],
  ])(
    "factors %j with %j ignored: resistant to phishing %s, the newest %s",
    (factors, ignored, is, newest) => {
      const of = janeAt(at, {
        factors: known(
          factors.map(([type, on]) => factor(type, "OKTA", on)),
          at,
        ),
      });
      expect(extract(of, ignored).extracted).toMatchObject({
        phishing_resistant: is,
        newest_factor_at: newest,
      });
    },
  );

  it("tells of each role what gives it and since when", () => {
    const roles = activeRoles([
      { ...role, id: "1", label: "Help Desk", type: "CUSTOM", resourceSet: "iam1", assignmentType: "USER" },
      { ...role, id: "2", label: "Super Administrator", group: "Admins", assignmentType: "GROUP" },
      { ...role, id: "3", label: "Super Administrator", assignmentType: "USER", created: null },
      { ...role, id: "4", label: "Not any more", status: "INACTIVE", assignmentType: "USER" },
    ]);
    const { extracted } = extract(janeAt(at, { adminRoles: known(roles, at) }), []);
    const superAdmin = { label: "Super Administrator", type: "SUPER_ADMIN", resource_set: null };
    expect(extracted).toMatchObject({ is_admin: true, admin_roles: ["Help Desk", "Super Administrator"] });
    expect(extracted).toHaveProperty("admin_roles_detail", [
      {
        label: "Help Desk",
        type: "CUSTOM",
        assignment: "user",
        group: null,
        assigned_at: role.created,
        resource_set: "iam1",
      },
      { ...superAdmin, assignment: "group", group: "Admins", assigned_at: role.created },
      { ...superAdmin, assignment: "user", group: null, assigned_at: null },
    ]);
  });

  it.each<[string[], boolean, string[]]>([
    [[], true, ["email", "totp"]],
    [["email"], true, ["totp"]],
    [["email", "token:software:totp"], false, []],
    [["email", "totp"], false, []],
  ])("with %j ignored", (ignored, enrolled, names) => {
    expect(extract(account, ignored).extracted).toMatchObject({ mfa_enrolled: enrolled, mfa_factors: names });
  });

  it("shows the last known value of an unknown fact beside null", () => {
    const now = { ...account, adminRoles: missing<readonly ActiveRole[]>("forbidden", "no") };
    const merged = withLastKnown(now, account);
    expect(isComplete(merged)).toBe(false);
    expect(withLastKnown(now, merged)).toEqual(merged);
    const { extracted, incomplete } = extract(merged, []);
    expect(extracted).toMatchObject({ is_admin: null, admin_roles: null, admin_roles_detail: null });
    const rest = { reason: "forbidden", message: "no", last_known_at: "2025-01-15T10:30:06Z" };
    expect(incomplete).toEqual([
      { field: "is_admin", last_known: false, ...rest },
      { field: "admin_roles", last_known: [], ...rest },
      { field: "admin_roles_detail", last_known: [], ...rest },
    ]);
  });

  it("keeps of two last known values the newer one", () => {
    const older = janeAt(at - 60_000, { adminRoles: known([], at - 60_000) });
    const now = { ...account, adminRoles: missing<readonly ActiveRole[]>("forbidden", "no") };
    for (const merged of [
      withLastKnown(withLastKnown(now, older), account),
      withLastKnown(withLastKnown(now, account), older),
    ])
      expect(merged.adminRoles).toMatchObject({ last: { at } });
  });
});

describe("answers", () => {
  const from = { at, cached: false, stale: false };

  it("fit their schema", () => {
    for (const answer of [
      answerFor({ found: "one", account }, from, []),
      answerFor({ found: "none" }, from, []),
      answerFor({ found: "many", logins: ["a", "b"] }, from, []),
      failureAnswer({ code: "timeout", message: "late", retryAt: null }, at),
    ]) {
      expect(oktaAnswerSchema.safeParse(answer).error).toBeUndefined();
    }
  });

  it("say when Okta said each fact, and are as old as the oldest of them", () => {
    const old = janeAt(at, {
      readAt: at - 1_000,
      factors: known([], at - 600_000),
      adminRoles: missing("forbidden", "no"),
    });
    expect(answerFor({ found: "one", account: old }, from, [])).toMatchObject({
      enriched_at: "2025-01-15T10:20:06Z",
      facts_as_of: {
        status: "2025-01-15T10:30:05Z",
        groups: "2025-01-15T10:30:06Z",
        mfa: "2025-01-15T10:20:06Z",
        roles: null,
      },
    });
    expect(answerFor({ found: "none" }, from, [])).not.toHaveProperty("facts_as_of");
  });

  it("say why they are stale", () => {
    const reason = { code: "invalid_credential", message: "Okta refuses the credential" };
    const stale = answerFor({ found: "one", account }, { ...from, stale: true, reason }, []);
    expect(stale).toMatchObject({ stale: true, stale_reason: reason });
    expect(answerFor({ found: "one", account }, from, [])).not.toHaveProperty("stale_reason");
  });

  it.each<[string, number | null, 502 | 503, number | null]>([
    ["rate_limited", at + 11_001, 503, 12],
    ["rate_limited", at - 1, 503, 1],
    ["timeout", null, 503, 5],
    ["overloaded", null, 503, 5],
    ["invalid_credential", null, 502, null],
    ["forbidden", null, 502, null],
    ["unavailable", null, 502, null],
    ["network", null, 502, null],
  ])("%s that may be tried again at %s", (code, retryAt, status, seconds) => {
    const failure = { code, message: "…", retryAt };
    expect(failureStatus(failure)).toBe(status);
    expect(retryAfter(failure, at)).toBe(seconds);
    expect(failureAnswer(failure, at).error?.retry_after ?? null).toBe(seconds);
  });
});

describe("an account from records", () => {
  const unknown = { state: "unknown", reason: "pending" } as const;
  const of = (profile: OktaUserProfile) =>
    fromInventory(
      {
        user: {
          id: "00u1",
          status: "STAGED",
          created: null,
          activated: null,
          statusChanged: null,
          lastLogin: null,
          lastUpdated: null,
          passwordChanged: null,
          profile,
        },
        groups: unknown,
        factors: unknown,
        roles: unknown,
      },
      at,
      null,
    );

  it.each<[OktaUserProfile, Partial<Account>]>([
    [{}, { login: null, email: null, displayName: null, title: null, manager: null }],
    [{ login: "jane@x.org" }, { displayName: "jane@x.org" }],
    [{ login: "j", firstName: "Jane", lastName: "Doe" }, { displayName: "Jane Doe" }],
    [{ login: "j", firstName: "Jane", displayName: "JD" }, { displayName: "JD" }],
    [{ title: "Dev", jobTitle: "Other" }, { title: "Dev" }],
    [{ title: " ", jobTitle: "Other" }, { title: "Other" }],
    [{ manager: "Sam", managerId: "00uSam" }, { manager: "Sam" }],
    [{ managerId: "00uSam" }, { manager: "00uSam" }],
  ])("with the profile %j", (profile, expected) => expect(of(profile)).toMatchObject(expected));
});
