import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { parseMaliceRules } from "../../src/enrichment/rule-reader.ts";
import { type MaliceRules, operators } from "../../src/enrichment/rules.ts";
import { evaluateRules, unknownFields } from "../../src/enrichment/verdict.ts";
import { examples } from "../support/seeds.ts";

const now = Date.parse("2025-06-30T12:00:00Z");

const rulesOf = (value: unknown): MaliceRules => {
  const parsed = parseMaliceRules(value);
  if (!parsed.ok) throw new Error(JSON.stringify(parsed.error));
  return parsed.value;
};

/** No field is unknown. */
const nothing: ReadonlySet<string> = new Set();

const matches = (condition: object, extracted: Record<string, unknown>): boolean =>
  evaluateRules(rulesOf({ rules: [{ ...condition, verdict: "Malicious" }] }), extracted, true, now, nothing)
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
  ["gt", "title", "M", ["N", "Manager"], ["M", "L"], [6, true, ["N"]]],
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

  it("not is true of what has no value", () => {
    expect(matches({ not: test("title", "eq", "Boss") }, { title: null })).toBe(true);
  });

  const open = test("is_admin", "eq", true);
  it.each<[object, boolean | null]>([
    [open, null],
    [test("is_admin", "ne", true), null],
    [test("is_admin", "exists"), null],
    [{ not: open }, null],
    [{ all: [yes, open] }, null],
    [{ all: [no, open] }, false],
    [{ any: [yes, open] }, true],
    [{ any: [no, open] }, null],
    [{ not: { all: [no, open] } }, true],
    [{ not: { any: [yes, open] } }, false],
    [{ any: [{ all: [yes, open] }, { not: no }] }, true],
  ])("of a fact that is unknown, %j is %j", (condition, expected) => {
    const rules = rulesOf({ rules: [{ ...condition, verdict: "Malicious" }], default_verdict: "Benign" });
    const { verdict, undecided } = evaluateRules(rules, { is_admin: null }, true, now, new Set(["is_admin"]));
    expect(verdict).toBe(expected === null ? null : expected ? "Malicious" : "Benign");
    expect(undecided).toEqual(expected === null ? [{ rule: "rules[0]", unknown: ["is_admin"] }] : []);
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
    const names = fc.subarray(["title", "groups", "is_admin"]);
    fc.assert(
      fc.property(leaf, leaf, extracted, names, (a, b, fields, unknown) => {
        const evaluated = (condition: object) =>
          evaluateRules(
            rulesOf({ rules: [{ ...condition, verdict: "Malicious" }] }),
            fields,
            true,
            now,
            new Set(unknown),
          );
        const one = evaluated({ not: { all: [a, b] } });
        const other = evaluated({ any: [{ not: a }, { not: b }] });
        expect([one.verdict, one.undecided]).toEqual([other.verdict, other.undecided]);
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

  const decided = { undecided: [] };

  it("lets the first match win and says why", () => {
    expect(evaluateRules(rules, { status: "SUSPENDED", is_admin: true }, true, now, nothing)).toEqual({
      verdict: "Suspicious",
      source: "rule",
      rule: { index: 0, path: "rules[0]", why: 'status eq "SUSPENDED": it is "SUSPENDED"' },
      ...decided,
    });
  });

  it("falls back to the default verdict, and to not_found_verdict for an account that does not exist", () => {
    expect(evaluateRules(rules, { status: "ACTIVE", is_admin: false }, true, now, nothing)).toEqual({
      verdict: "Benign",
      source: "default_verdict",
      rule: null,
      ...decided,
    });
    expect(evaluateRules(rules, { status: "SUSPENDED" }, false, now, nothing)).toEqual({
      verdict: "Pending",
      source: "not_found_verdict",
      rule: null,
      ...decided,
    });
  });

  it("says nothing without rules", () => {
    const none = rulesOf({ conditions: [] });
    for (const found of [true, false]) {
      expect(evaluateRules(none, { status: "SUSPENDED" }, found, now, new Set(["groups"]))).toEqual({
        verdict: null,
        source: "none",
        rule: null,
        ...decided,
      });
    }
  });

  describe("with roles that could not be read", () => {
    const unknown = new Set(["is_admin", "admin_roles"]);
    const rule = (verdict: string, condition: object) => ({ ...condition, verdict });
    const isAdmin = test("is_admin", "eq", true);
    const isActive = test("status", "eq", "ACTIVE");
    const evaluated = (value: object) =>
      evaluateRules(rulesOf(value), { status: "ACTIVE", is_admin: null }, true, now, unknown);

    it("a rule that matches before them decides", () => {
      expect(evaluated({ rules: [rule("Pending", isActive), rule("Malicious", isAdmin)] })).toMatchObject({
        verdict: "Pending",
        source: "rule",
        rule: { index: 0 },
        undecided: [],
      });
    });

    it("a rule that matches after them decides only if they would say the same", () => {
      const same = { rules: [rule("Suspicious", isAdmin), rule("Suspicious", isActive)] };
      expect(evaluated(same)).toMatchObject({ verdict: "Suspicious", rule: { index: 1 }, undecided: [] });
      const other = {
        rules: [
          rule("Suspicious", isAdmin),
          rule("Benign", { all: [isActive, test("admin_roles", "contains", "X")] }),
          rule("Benign", isActive),
        ],
      };
      expect(evaluated(other)).toEqual({
        verdict: null,
        source: "none",
        rule: null,
        undecided: [{ rule: "rules[0]", unknown: ["is_admin"] }],
      });
    });

    it("the default verdict needs every rule not to match, and unknown_verdict stands in", () => {
      const value = {
        rules: [rule("Suspicious", { all: [isActive, isAdmin] })],
        default_verdict: "Benign",
        unknown_verdict: "Pending",
      };
      expect(evaluated(value)).toEqual({
        verdict: "Pending",
        source: "unknown_verdict",
        rule: null,
        undecided: [{ rule: "rules[0]", unknown: ["is_admin"] }],
      });
    });
  });

  it("a verdict given with facts unknown is the verdict for every value that they could have", () => {
    /** Every value that a fact can have, as far as the conditions below can tell them apart. */
    const values: Readonly<Record<string, readonly unknown[]>> = {
      is_admin: [true, false],
      mfa_enrolled: [true, false],
      groups: [[], ["A"], ["B"], ["A", "B"]],
      title: [null, "a", "b"],
    };
    const leaf = fc.constantFrom(
      test("is_admin", "eq", true),
      test("is_admin", "ne", true),
      test("mfa_enrolled", "in", [false]),
      test("mfa_enrolled", "exists"),
      test("groups", "contains", "A"),
      test("groups", "not_contains", "A"),
      test("groups", "in", ["A", "B"]),
      test("groups", "not_in", ["B"]),
      test("title", "eq", "a"),
      test("title", "exists", false),
    );
    const { condition } = fc.letrec<{ condition: object }>((tie) => ({
      condition: fc.oneof(
        { maxDepth: 3 },
        leaf,
        fc.record({ all: fc.array(tie("condition"), { minLength: 1, maxLength: 3 }) }),
        fc.record({ any: fc.array(tie("condition"), { minLength: 1, maxLength: 3 }) }),
        fc.record({ not: tie("condition") }),
      ),
    }));
    const verdict = fc.constantFrom("Benign", "Suspicious", "Malicious");
    const document = fc.record({
      rules: fc.array(
        fc.tuple(condition, verdict).map(([given, says]) => ({ ...given, verdict: says })),
        { maxLength: 4 },
      ),
      default_verdict: fc.option(verdict),
      unknown_verdict: fc.constant("Pending"),
    });
    const extracted = fc.record(
      Object.fromEntries(Object.entries(values).map(([name, all]) => [name, fc.constantFrom(...all)])),
    );
    // A title is part of the user's record, which is always read.
    const names = fc.subarray(["is_admin", "mfa_enrolled", "groups"]);
    let open = 0;
    fc.assert(
      fc.property(document, extracted, names, (value, truth, unknown) => {
        const parsed = rulesOf(value);
        const shown = { ...truth, ...Object.fromEntries(unknown.map((name) => [name, null])) };
        const given = evaluateRules(parsed, shown, true, now, new Set(unknown));
        if (given.undecided.length > 0) {
          open += 1;
          expect(given).toMatchObject({ verdict: "Pending", rule: null });
          for (const { unknown: fields } of given.undecided)
            expect(fields.every((name) => unknown.some((one) => one === name))).toBe(true);
          return;
        }
        const worlds = unknown.reduce<Record<string, unknown>[]>(
          (all, name) =>
            all.flatMap((world) => (values[name] ?? []).map((each) => ({ ...world, [name]: each }))),
          [{ ...truth }],
        );
        for (const world of worlds) {
          const sure = evaluateRules(parsed, world, true, now, nothing);
          expect(sure).toMatchObject({ verdict: given.verdict, undecided: [] });
        }
      }),
      examples(2_000),
    );
    expect(open).toBeGreaterThan(100);
  });

  it("null facts of given fields are unknown, and other nulls are no values", () => {
    const given = {
      status: null,
      title: null,
      groups: null,
      mfa_enrolled: null,
      mfa_factors: null,
      is_admin: false,
      admin_roles: null,
      newest_factor_at: null,
    };
    expect([...unknownFields(given)].sort()).toEqual([
      "admin_roles",
      "groups",
      "mfa_enrolled",
      "mfa_factors",
      "newest_factor_at",
    ]);
    expect([...unknownFields({ mfa_factors: [], newest_factor_at: null })]).toEqual([]);
    expect([...unknownFields({})]).toEqual([]);
  });
});
