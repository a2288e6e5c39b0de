import { describe, expect, it } from "vitest";
import {
  type Account,
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
import type { OktaUserProfile } from "../../src/okta/records.ts";
import { janeAt } from "./jane.ts";

const at = Date.parse("2025-01-15T10:30:06.789Z");

const account = janeAt(at, {
  factors: known(
    [
      { factorType: "email", provider: "OKTA" },
      { factorType: "token:software:totp", provider: "GOOGLE" },
    ],
    at,
  ),
});

describe("extract", () => {
  it("has exactly the fields that rules may name", () => {
    expect(Object.keys(extract(account, []).extracted).sort()).toEqual([...ruleFields].sort());
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
    const now = { ...account, adminRoles: missing<readonly string[]>("forbidden", "no") };
    const merged = withLastKnown(now, account);
    expect(isComplete(merged)).toBe(false);
    expect(withLastKnown(now, merged)).toEqual(merged);
    const { extracted, incomplete } = extract(merged, []);
    expect(extracted).toMatchObject({ is_admin: null, admin_roles: null });
    const rest = { reason: "forbidden", message: "no", last_known_at: "2025-01-15T10:30:06Z" };
    expect(incomplete).toEqual([
      { field: "is_admin", last_known: false, ...rest },
      { field: "admin_roles", last_known: [], ...rest },
    ]);
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
    fromInventory({
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
    });

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
