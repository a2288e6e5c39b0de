import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { parseMaliceRules } from "../../src/enrichment/rule-reader.ts";
import { type MaliceRules, operators } from "../../src/enrichment/rules.ts";
import { evaluateRules } from "../../src/enrichment/verdict.ts";

const now = Date.parse("2025-06-30T12:00:00Z");

const rulesOf = (value: unknown): MaliceRules => {
  const parsed = parseMaliceRules(value);
  if (!parsed.ok) throw new Error(JSON.stringify(parsed.error));
  return parsed.value;
};

const matches = (condition: object, extracted: Record<string, unknown>): boolean =>
  evaluateRules(rulesOf({ rules: [{ ...condition, verdict: "Malicious" }] }), extracted, true, now)
    .verdict === "Malicious";

const test = (field: string, operator: string, value?: unknown) => ({
  field,
  operator,
  ...(value !== undefined && { value }),
});

/** Operator, field, value, what matches, what does not, what is of a type that cannot be compared. */
const table: [string, string, unknown, unknown[], unknown[], unknown[]][] = [
  ["eq", "status", "ACTIVE", ["ACTIVE"], ["SUSPENDED", "active", ""], [1, true, ["ACTIVE"], {}]],
  ["eq", "is_admin", true, [true], [false], ["true", 1, [true]]],
  ["ne", "status", "ACTIVE", ["SUSPENDED", "active"], ["ACTIVE"], [1, true, ["SUSPENDED"], {}]],
  ["ne", "is_admin", true, [false], [true], ["false", 0]],
  ["gt", "last_login", "2025-01-01", ["2025-01-01T00:00:00.001Z"], ["2025-01-01T00:00:00Z"], [1, true, []]],
  ["gt", "last_login", "2025-01-01T00:00:00+02:00", ["2024-12-31T23:00:00Z"], ["2024-12-31T22:00:00Z"], []],
  ["gt", "title", 5, [6], [5, 4], ["6", true, [6]]],
  ["gte", "created", "2025-01-01T00:00:00Z", ["2025-01-01T00:00:00.000Z"], ["2024-12-31T23:59:59Z"], [0]],
  ["lt", "created", "2025-01-01T00:00:00Z", ["2024-12-31T23:59:59Z"], ["2025-01-01T00:00:00.000Z"], [0]],
  ["lte", "created", "2025-01-01T00:00:00Z", ["2025-01-01T00:00:00.000Z"], ["2025-01-02T00:00:00Z"], [false]],
  ["lte", "department", "M", ["Legal", "M"], ["Sales"], [1]],
  ["in", "status", ["SUSPENDED", "LOCKED_OUT"], ["LOCKED_OUT"], ["ACTIVE"], [1, true, {}]],
  ["in", "groups", ["AWS Admins", "Domain Admins"], [["VPN", "AWS Admins"]], [["VPN"], []], [1, true]],
  ["not_in", "status", ["SUSPENDED"], ["ACTIVE"], ["SUSPENDED"], [1, true, {}]],
  ["not_in", "groups", ["AWS Admins"], [["VPN"], []], [["AWS Admins"]], [1]],
  [
    "contains",
    "groups",
    "AWS Admins",
    [["VPN", "AWS Admins"]],
    [["AWS Admins EU"], ["aws admins"], []],
    [1, true, {}],
  ],
  ["contains", "title", "Senior", ["Senior Developer"], ["senior developer", "Developer"], [1, true]],
  ["not_contains", "mfa_factors", "webauthn", [["push"], []], [["webauthn"]], [1, true, {}]],
  ["not_contains", "title", "Senior", ["Developer"], ["Senior Developer"], [1]],
  [
    "older_than",
    "last_login",
    "90d",
    ["2025-04-01T11:59:59Z"],
    ["2025-04-01T12:00:00Z", "2025-06-30T12:00:00Z"],
    [0, "long ago", true],
  ],
  [
    "newer_than",
    "password_changed",
    "12h",
    ["2025-06-30T00:00:01Z", "2025-07-01T00:00:00Z"],
    ["2025-06-30T00:00:00Z"],
    [0, "now", {}],
  ],
];

describe("operators", () => {
  it("are all in the table, except exists", () => {
    expect(new Set([...table.map(([operator]) => operator), "exists"])).toEqual(new Set(operators));
  });

  it.each(table)("%s on %s with %j", (operator, field, value, positive, negative, wrongType) => {
    const condition = test(field, operator, value);
    for (const actual of positive)
      expect([actual, matches(condition, { [field]: actual })]).toEqual([actual, true]);
    for (const actual of [...negative, ...wrongType, null, undefined]) {
      expect([actual, matches(condition, { [field]: actual })]).toEqual([actual, false]);
    }
    expect(matches(condition, {})).toBe(false);
  });

  it("exists matches what is known, even if it is empty", () => {
    for (const known of ["x", "", [], false, 0]) {
      expect(matches(test("title", "exists"), { title: known })).toBe(true);
      expect(matches(test("title", "exists", false), { title: known })).toBe(false);
    }
    for (const extracted of [{}, { title: null }, { title: undefined }]) {
      expect(matches(test("title", "exists", true), extracted)).toBe(false);
      expect(matches(test("title", "exists", false), extracted)).toBe(true);
    }
  });

  it("does not treat inherited names as fields", () => {
    expect(matches(test("title", "exists"), Object.create({ title: "x" }))).toBe(false);
  });
});

describe("combinators", () => {
  const yes = test("status", "exists", false);
  const no = test("status", "exists", true);

  it.each([
    [{ all: [yes, yes] }, true],
    [{ all: [yes, no] }, false],
    [{ any: [no, yes] }, true],
    [{ any: [no, no] }, false],
    [{ not: no }, true],
    [{ not: yes }, false],
    [{ not: { all: [yes, { any: [no, { not: yes }] }] } }, true],
  ])("%j → %s", (condition, expected) => expect(matches(condition, {})).toBe(expected));

  it("not is true of what is not known", () => {
    expect(matches({ not: test("is_admin", "eq", true) }, { is_admin: null })).toBe(true);
  });

  it("obey De Morgan, whatever is extracted", () => {
    const value = fc.oneof(fc.string(), fc.boolean(), fc.integer(), fc.constant(null), fc.array(fc.string()));
    const leaf = fc.constantFrom(
      test("title", "eq", "a"),
      test("title", "ne", "a"),
      test("groups", "contains", "a"),
      test("groups", "not_contains", "a"),
      test("is_admin", "exists"),
    );
    const extracted = fc.record({ title: value, groups: value, is_admin: value });
    fc.assert(
      fc.property(leaf, leaf, extracted, (a, b, fields) => {
        expect(matches({ not: { all: [a, b] } }, fields)).toBe(
          matches({ any: [{ not: a }, { not: b }] }, fields),
        );
      }),
    );
  });
});

describe("evaluateRules", () => {
  const rules = rulesOf({
    rules: [
      { field: "status", operator: "eq", value: "SUSPENDED", verdict: "Suspicious" },
      { field: "is_admin", operator: "eq", value: true, verdict: "Malicious" },
    ],
    default_verdict: "Benign",
    not_found_verdict: "Pending",
  });

  it("lets the first match win and says why", () => {
    expect(evaluateRules(rules, { status: "SUSPENDED", is_admin: true }, true, now)).toEqual({
      verdict: "Suspicious",
      source: "rule",
      rule: { index: 0, path: "rules[0]", why: 'status eq "SUSPENDED": it is "SUSPENDED"' },
    });
  });

  it("falls back to the default verdict, and to not_found_verdict for an account that does not exist", () => {
    expect(evaluateRules(rules, { status: "ACTIVE", is_admin: null }, true, now)).toEqual({
      verdict: "Benign",
      source: "default_verdict",
      rule: null,
    });
    expect(evaluateRules(rules, { status: "SUSPENDED" }, false, now)).toEqual({
      verdict: "Pending",
      source: "not_found_verdict",
      rule: null,
    });
  });

  it("says nothing without rules", () => {
    const none = rulesOf({ conditions: [] });
    for (const found of [true, false]) {
      expect(evaluateRules(none, { status: "SUSPENDED" }, found, now)).toEqual({
        verdict: null,
        source: "none",
        rule: null,
      });
    }
  });
});
