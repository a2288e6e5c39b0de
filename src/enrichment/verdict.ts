/**
 * Applies malice rules to what was extracted of an account. Pure.
 *
 * What matches:
 * - Rules are tried in order; the first match gives the verdict.
 * - A condition on a fact that could not be read is undecided. `all`, `any` and `not` follow Kleene's logic: `any` matches
 *   if one of its conditions does, whatever the others are. A rule that is undecided and would give another verdict than
 *   the rule that matches after it leaves the verdict undecided. So does any undecided rule if none matches: the default
 *   verdict needs every rule not to match.
 * - A field that Okta has no value for never matches, whatever the operator: `ne`, `not_in` and `not_contains` do not
 *   match either, only `exists` with false does. `not` is the plain negation of "matches".
 * - Text is compared exactly, including case. Nothing is converted: true is not "true". What is of another type than its
 *   field never matches.
 * - `gt`, `gte`, `lt` and `lte` compare two ISO 8601 times as instants, or two other texts by their characters.
 * - On a list (groups, mfa_factors, admin_roles) `contains` looks for the value among the elements, `in` for at least
 *   one element among the values, and `not_contains` and `not_in` are their opposites. On text `contains` looks for a
 *   substring.
 * - `older_than` and `newer_than` compare a time with now minus the duration, strictly.
 */
import { instant } from "./rule-types.ts";
import {
  type Condition,
  type MaliceRules,
  type Operator,
  parseDuration,
  type Scalar,
  type Verdict,
} from "./rules.ts";

/** Fields by name; an unknown one is null or absent. */
export type ExtractedFields = Readonly<Record<string, unknown>>;

/** A rule that the facts that are known do not decide. */
export interface Undecided {
  /** The rule's position: `conditions[0]`. */
  readonly rule: string;
  /** The unknown fields that keep it undecided. */
  readonly unknown: readonly string[];
}

export interface Evaluation {
  readonly verdict: Verdict | null;
  /** The rule that gives the verdict and why it matched; null when none does. */
  readonly rule: { readonly index: number; readonly path: string; readonly why: string } | null;
  /** Where the verdict comes from; `none` when there is nothing to say. */
  readonly source: "rule" | "default_verdict" | "not_found_verdict" | "unknown_verdict" | "none";
  /** The rules that leave the verdict undecided; none if it is decided. */
  readonly undecided: readonly Undecided[];
}

/** Negative, zero or positive as `a` is below, equal to or above `b`; null when they cannot be ordered. */
const order = (a: unknown, b: unknown): number | null => {
  if (typeof a !== "string" || typeof b !== "string") return null;
  const [at, bt] = [instant(a), instant(b)];
  if (at !== null && bt !== null) return at - bt;
  return a < b ? -1 : a > b ? 1 : 0;
};

const sameType = (a: unknown, b: unknown): boolean => typeof a === typeof b;

/** Whether a list or a text holds `wanted`; null when `actual` is neither, or the types cannot be compared. */
const holds = (actual: unknown, wanted: Scalar): boolean | null => {
  if (Array.isArray(actual)) return actual.includes(wanted);
  return typeof actual === "string" && typeof wanted === "string" ? actual.includes(wanted) : null;
};

const among = (actual: unknown, values: readonly Scalar[]): boolean | null => {
  if (Array.isArray(actual)) return values.some((value) => actual.includes(value));
  return values.some((value) => sameType(actual, value)) ? values.some((value) => value === actual) : null;
};

const ageIn = (actual: unknown, value: unknown, now: number): number | null => {
  const at = instant(actual);
  const duration = typeof value === "string" ? parseDuration(value) : null;
  return at === null || duration === null ? null : now - at - duration;
};

/** Applies one operator. What cannot be compared never matches, in either direction. */
const compare = (
  operator: Operator,
  actual: unknown,
  value: Scalar | readonly Scalar[],
  now: number,
): boolean => {
  const missing = actual === null || actual === undefined;
  if (operator === "exists") return missing !== value;
  if (missing) return false;
  if (typeof value === "object") {
    const found = among(actual, value);
    return operator === "in" ? found === true : operator === "not_in" && found === false;
  }
  switch (operator) {
    case "eq":
      return actual === value;
    case "ne":
      return sameType(actual, value) && actual !== value;
    case "contains":
      return holds(actual, value) === true;
    case "not_contains":
      return holds(actual, value) === false;
    case "older_than":
    case "newer_than": {
      const excess = ageIn(actual, value, now);
      return excess !== null && (operator === "older_than" ? excess > 0 : excess < 0);
    }
    case "in":
    case "not_in":
      return false;
    default: {
      const by = order(actual, value);
      if (by === null) return false;
      return operator === "gt" ? by > 0 : operator === "gte" ? by >= 0 : operator === "lt" ? by < 0 : by <= 0;
    }
  }
};

/** The value as a person reads it in an explanation. */
const show = (value: unknown): string => {
  const text = value === null || value === undefined ? "not known" : JSON.stringify(value);
  return text.length > 200 ? `${text.slice(0, 199)}…` : text;
};

/** Whether a condition matches: why it does, or the unknown fields because of which that is open. */
type Match =
  | { readonly is: "true"; readonly why: string }
  | { readonly is: "false" }
  | { readonly is: "unknown"; readonly fields: readonly string[] };

const NO: Match = { is: "false" };

const unknownIn = (matches: readonly Match[]): Match => {
  const fields = matches.flatMap((each) => (each.is === "unknown" ? each.fields : []));
  return fields.length === 0 ? NO : { is: "unknown", fields: [...new Set(fields)] };
};

/** What an account is known by. */
interface Known {
  readonly extracted: ExtractedFields;
  /** Names of the fields that could not be read. */
  readonly unknown: ReadonlySet<string>;
  /** ms since the epoch */
  readonly now: number;
}

const match = (condition: Condition, known: Known): Match => {
  switch (condition.kind) {
    case "test": {
      const { field, operator, value } = condition;
      if (known.unknown.has(field)) return { is: "unknown", fields: [field] };
      const actual = Object.hasOwn(known.extracted, field) ? known.extracted[field] : undefined;
      if (!compare(operator, actual, value, known.now)) return NO;
      return {
        is: "true",
        why:
          operator === "exists"
            ? `${field} ${value === true ? "exists" : "does not exist"}`
            : `${field} ${operator} ${show(value)}: it is ${show(actual)}`,
      };
    }
    case "all": {
      const matches = condition.of.map((each) => match(each, known));
      if (matches.some(({ is }) => is === "false")) return NO;
      const reasons = matches.flatMap((each) => (each.is === "true" ? [each.why] : []));
      return reasons.length === matches.length
        ? { is: "true", why: `all of (${reasons.join("; ")})` }
        : unknownIn(matches);
    }
    case "any": {
      const matches = condition.of.map((each) => match(each, known));
      return matches.find(({ is }) => is === "true") ?? unknownIn(matches);
    }
    case "not": {
      const inner = match(condition.of, known);
      if (inner.is === "true") return NO;
      return inner.is === "false" ? { is: "true", why: `not (${describe(condition.of)})` } : inner;
    }
  }
};

const describe = (condition: Condition): string => {
  if (condition.kind === "test") return `${condition.field} ${condition.operator} ${show(condition.value)}`;
  if (condition.kind === "not") return `not (${describe(condition.of)})`;
  return `${condition.kind} of (${condition.of.map(describe).join("; ")})`;
};

/**
 * The verdict on an account.
 * @param extracted the answer's fields; ignored when the account was not found
 * @param found whether Okta knows the account; when it does not, only `not_found_verdict` applies
 * @param now ms since the epoch, for older_than and newer_than
 * @param unknown names of the fields that could not be read
 */
export const evaluateRules = (
  rules: MaliceRules,
  extracted: ExtractedFields,
  found: boolean,
  now: number,
  unknown: ReadonlySet<string>,
): Evaluation => {
  if (!found) return withoutRule(rules.notFoundVerdict, "not_found_verdict");
  const known = { extracted, unknown, now };
  let undecided: (Undecided & { readonly verdict: Verdict })[] = [];
  for (const [index, { condition, path, verdict }] of rules.rules.entries()) {
    const matched = match(condition, known);
    if (matched.is === "unknown") undecided.push({ rule: path, unknown: matched.fields, verdict });
    if (matched.is !== "true") continue;
    // If one of them matches, too, it says nothing else.
    undecided = undecided.filter((earlier) => earlier.verdict !== verdict);
    if (undecided.length > 0) break;
    return { verdict, rule: { index, path, why: matched.why }, source: "rule", undecided: [] };
  }
  if (undecided.length === 0) return withoutRule(rules.defaultVerdict, "default_verdict");
  return {
    ...withoutRule(rules.unknownVerdict, "unknown_verdict"),
    undecided: undecided.map(({ rule, unknown: fields }) => ({ rule, unknown: fields })),
  };
};

const withoutRule = (verdict: Verdict | null, source: Evaluation["source"]): Evaluation => ({
  verdict,
  rule: null,
  source: verdict === null ? "none" : source,
  undecided: [],
});

/** The facts in `extracted` of which null says that they could not be read. */
const FACTS = [
  "groups",
  "mfa_enrolled",
  "mfa_factors",
  "phishing_resistant",
  "is_admin",
  "admin_roles",
] as const;

/** The unknown fields of `extracted` as somebody gives it: facts that are null. */
export const unknownFields = (extracted: ExtractedFields): ReadonlySet<string> => {
  const facts: readonly string[] = FACTS.filter((name) => extracted[name] === null);
  // Whether there is a newest factor is not known if no factor is.
  const isNewestUnknown = facts.includes("mfa_factors") && extracted["newest_factor_at"] === null;
  return new Set(isNewestUnknown ? [...facts, "newest_factor_at"] : facts);
};
