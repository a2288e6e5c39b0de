import { describe, expect, it } from "vitest";
import { parseMaliceRules } from "../../src/enrichment/rule-reader.ts";
import { parseDuration } from "../../src/enrichment/rules.ts";

const problems = (value: unknown) => {
  const parsed = parseMaliceRules(value);
  return parsed.ok ? [] : parsed.error.map(({ path, message }) => `${path}: ${message}`);
};

const rule = (over: object) => ({
  conditions: [{ field: "status", operator: "eq", value: "SUSPENDED", verdict: "Suspicious", ...over }],
});

/** As in the documentation that customers paste from. */
const seed = `{
  "malice_rules": {
    "conditions": [
      {
        "field": "status",
        "operator": "eq",
        "value": "SUSPENDED",
        "verdict": "Suspicious"
      }
    ]
  }
}`;

describe("parseMaliceRules", () => {
  it("takes the documented example as pasted", () => {
    expect(parseMaliceRules(seed)).toEqual({
      ok: true,
      value: {
        rules: [
          {
            path: "malice_rules.conditions[0]",
            condition: { kind: "test", field: "status", operator: "eq", value: "SUSPENDED" },
            verdict: "Suspicious",
          },
        ],
        defaultVerdict: null,
        notFoundVerdict: null,
        unknownVerdict: null,
      },
    });
  });

  it("takes the rules dialect with its default verdicts, bare and wrapped", () => {
    const dialect = {
      rules: [{ field: "last_login", operator: "older_than", value: "90d", verdict: "Suspicious" }],
      default_verdict: "Benign",
      not_found_verdict: "Pending",
    };
    for (const value of [dialect, { malice_rules: dialect }, JSON.stringify(dialect)]) {
      const parsed = parseMaliceRules(value);
      expect(parsed.ok && parsed.value.defaultVerdict).toBe("Benign");
      expect(parsed.ok && parsed.value.notFoundVerdict).toBe("Pending");
      expect(parsed.ok && parsed.value.rules).toHaveLength(1);
    }
  });

  it.each([
    ["==", "eq"],
    ["!=", "ne"],
    [">", "gt"],
    [">=", "gte"],
    ["<", "lt"],
    ["<=", "lte"],
  ])("reads %s as %s", (symbol, operator) => {
    const parsed = parseMaliceRules(rule({ operator: symbol, value: "A" }));
    expect(parsed.ok && parsed.value.rules[0]?.condition).toMatchObject({ operator });
  });

  it("nests all, any and not", () => {
    const nested = {
      all: [
        { field: "is_admin", operator: "eq", value: true },
        { any: [{ not: { field: "mfa_enrolled", operator: "eq", value: true } }] },
      ],
      verdict: "Malicious",
    };
    expect(problems({ rules: [nested] })).toEqual([]);
  });

  it.each([
    [
      "an operator",
      rule({ operator: "eqq" }),
      /^conditions\[0\]\.operator: "eqq" is not an operator; use one of eq, ne,/,
    ],
    [
      "an operator in upper case",
      rule({ operator: "EQ" }),
      /^conditions\[0\]\.operator: "EQ" is not an operator/,
    ],
    ["an inherited name as operator", rule({ operator: "constructor" }), /^conditions\[0\]\.operator: /],
    [
      "a verdict",
      rule({ verdict: "suspicious" }),
      /^conditions\[0\]\.verdict: "suspicious" is not a verdict; use one of Pending, Benign, Suspicious, Malicious$/,
    ],
    ["no verdict", rule({ verdict: undefined }), /^conditions\[0\]\.verdict: nothing is not a verdict/],
    [
      "a field",
      rule({ field: "statuss" }),
      /^conditions\[0\]\.field: "statuss" is not a field; use one of user_id,/,
    ],
    [
      "a key",
      rule({ vlaue: 1 }),
      /^conditions\[0\]\.vlaue: "vlaue" is not a known key; use one of field, operator, value,/,
    ],
    [
      "an in without a list",
      rule({ operator: "in", value: "A" }),
      /^conditions\[0\]\.value: "A" does not fit in: it takes a list/,
    ],
    ["an empty list", rule({ operator: "not_in", value: [] }), /^conditions\[0\]\.value: /],
    [
      "a duration",
      rule({ field: "last_login", operator: "older_than", value: "90 days" }),
      /^conditions\[0\]\.value: "90 days" does not fit older_than: it takes a duration/,
    ],
    [
      "a number for a duration",
      rule({ field: "created", operator: "newer_than", value: 90 }),
      /^conditions\[0\]\.value: /,
    ],
    [
      "an exists with text",
      rule({ operator: "exists", value: "yes" }),
      /^conditions\[0\]\.value: "yes" does not fit exists/,
    ],
    [
      "a boolean to order",
      rule({ operator: "gt", value: true }),
      /^conditions\[0\]\.value: true does not fit gt/,
    ],
    ["a list to equal", rule({ value: ["A"] }), /^conditions\[0\]\.value: \["A"\] does not fit eq/],
    ["no value", rule({ value: undefined }), /^conditions\[0\]\.value: nothing does not fit eq/],
    ["a combinator beside a field", rule({ all: [] }), /^conditions\[0\]: a condition is either/],
    [
      "an empty combinator",
      { rules: [{ any: [], verdict: "Benign" }] },
      /^rules\[0\]\.any: any takes a list of at least one/,
    ],
    [
      "a not with a list",
      { rules: [{ not: [], verdict: "Benign" }] },
      /^rules\[0\]\.not: a condition is an object/,
    ],
    [
      "a nested typo",
      { rules: [{ all: [{ not: { field: "x", operator: "exists" } }], verdict: "Benign" }] },
      /^rules\[0\]\.all\[0\]\.not\.field: "x" is not a field/,
    ],
    [
      "a nested verdict",
      { rules: [{ all: [{ field: "title", operator: "exists", verdict: "Benign" }], verdict: "Benign" }] },
      /^rules\[0\]\.all\[0\]\.verdict: /,
    ],
    [
      "a default verdict",
      { rules: [], default_verdict: "Good" },
      /^default_verdict: "Good" is not a verdict/,
    ],
    ["a misspelt list", { condition: [] }, /^condition: "condition" is not a known key/],
    ["both lists", { conditions: [], rules: [] }, /^\(root\): give one list/],
    ["something beside the wrapper", { malice_rules: { rules: [] }, x: 1 }, /^x: "x" is not a known key/],
    [
      "a wrapped typo",
      { malice_rules: rule({ operator: "eqq" }) },
      /^malice_rules\.conditions\[0\]\.operator: /,
    ],
    ["a list", [], /^\(root\): malice rules are an object/],
    ["null", null, /^\(root\): malice rules are an object/],
    ["text that is not JSON", "{", /^\(root\): this is not JSON/],
    ["a rule that is no object", { rules: ["x"] }, /^rules\[0\]: a condition is an object/],
  ])("refuses %s with its position", (_, value, expected) => {
    expect(problems(value)[0]).toMatch(expected);
  });

  it.each<[string, string, unknown, RegExp]>([
    // Each could never match, or always would.
    [
      "is_admin",
      "eq",
      "true",
      /\.value: "true" does not fit eq: is_admin is true or false, so it takes true or false$/,
    ],
    ["is_admin", "in", [1], /\.value: \[1\] does not fit in: item 1 is of another type/],
    ["is_admin", "in", [true, false], /\.value: .*with both true and false it always says the same/],
    [
      "is_admin",
      "gt",
      5,
      /\.operator: gt does not apply to is_admin, which is true or false; use one of eq, ne, in/,
    ],
    ["is_admin", "contains", "t", /\.operator: contains does not apply to is_admin/],
    ["phishing_resistant", "ne", "yes", /\.value: /],
    [
      "groups",
      "eq",
      "Admins",
      /\.operator: eq does not apply to groups, which is a list of texts; use one of in, not_in, contains/,
    ],
    ["groups", "contains", 5, /\.value: 5 does not fit contains: it takes text/],
    ["groups", "in", ["A", true], /\.value: .*item 2 is of another type/],
    ["mfa_factors", "gt", 1, /\.operator: gt does not apply to mfa_factors/],
    ["admin_roles", "older_than", "90d", /\.operator: older_than does not apply to admin_roles/],
    ["status", "older_than", "90d", /\.operator: older_than does not apply to status, which is text/],
    [
      "status",
      "eq",
      5,
      /\.value: 5 does not fit eq: status is text, so it takes text, for example "SUSPENDED"$/,
    ],
    ["status", "in", ["ACTIVE", null], /\.value: .*item 2/],
    ["title", "gt", true, /\.value: true does not fit gt: title is text/],
    [
      "last_login",
      "gt",
      1_700_000_000,
      /\.value: 1700000000 does not fit gt: last_login is a time, so it takes an ISO 8601 time/,
    ],
    ["created", "lt", "last year", /\.value: "last year" does not fit lt: created is a time/],
    ["created", "eq", "2025", /\.value: /],
    ["newest_factor_at", "in", ["2025-01-01", "soon"], /\.value: .*item 2/],
  ])("refuses what cannot apply to the field's type: %s %s %j", (field, operator, value, expected) => {
    expect(problems(rule({ field, operator, value }))).toEqual([expect.stringMatching(expected)]);
  });

  it.each<[string, string, unknown]>([
    ["status", "gt", "M"],
    ["status", "not_contains", "LOCK"],
    ["last_login", "gt", "2025-01-31"],
    ["created", "eq", "2025-01-31T00:00:00.000Z"],
    ["password_changed", "newer_than", "12h"],
    ["newest_factor_at", "newer_than", "24h"],
    ["mfa_enrolled", "not_in", [true]],
    ["phishing_resistant", "eq", false],
    ["groups", "in", ["A", "B"]],
    ["admin_roles", "not_contains", "Super Administrator"],
    ["realm_id", "ne", "guo1"],
    ["groups", "exists", false],
  ])("takes what can: %s %s %j", (field, operator, value) => {
    expect(problems(rule({ field, operator, value }))).toEqual([]);
  });

  it("reports every problem at once, in order", () => {
    const value = {
      rules: [rule({ field: "x", verdict: "y" }).conditions[0], rule({ operator: "z" }).conditions[0]],
    };
    expect(problems(value).map((problem) => problem.split(":")[0])).toEqual([
      "rules[0].field",
      "rules[0].verdict",
      "rules[1].operator",
    ]);
  });

  it("bounds depth, count and what it repeats", () => {
    let deep: object = { field: "status", operator: "exists" };
    for (let i = 0; i < 5_000; i++) deep = { not: deep };
    expect(problems({ rules: [{ ...deep, verdict: "Benign" }] })[0]).toMatch(/nested more than 16 deep$/);
    const many = Array.from({ length: 1_500 }, () => rule({}).conditions[0]);
    expect(problems({ rules: many })).toEqual(["rules[1000]: there are more than 1000 conditions"]);
    expect(problems(rule({ operator: "x".repeat(1_000) }))[0]?.length).toBeLessThan(300);
  });
});

describe("parseDuration", () => {
  it.each([
    ["30s", 30_000],
    ["15m", 900_000],
    ["12h", 43_200_000],
    ["90d", 7_776_000_000],
    ["2w", 1_209_600_000],
    ["0d", 0],
  ])("%s", (text, ms) => expect(parseDuration(text)).toBe(ms));

  it.each(["", "d", "90", "90D", "1.5h", "-1d", "1d12h", " 1d", "1M", "1y"])("refuses %j", (text) =>
    expect(parseDuration(text)).toBeNull(),
  );
});
