/**
 * Applies malice rules to what was extracted of an account. Pure.
 *
 * What matches:
 * - Rules are tried in order; the first match gives the verdict.
 * - A field that is missing or null (not read, or not set) never matches, whatever the operator: `ne`, `not_in` and
 *   `not_contains` do not match either, only `exists` with false does. A value of a type that the operator cannot
 *   compare never matches.
 * - `not` is the plain negation of "matches": `{"not": {"field": "mfa_enrolled", …}}` is true while MFA could not be
 *   read. Add `exists` where that matters.
 * - Text is compared exactly, including case. Nothing is converted: true is not "true".
 * - `gt`, `gte`, `lt` and `lte` compare two numbers, two ISO 8601 times as instants, or two other texts by their
 *   characters.
 * - On a list (groups, mfa_factors, admin_roles) `contains` looks for the value among the elements, `in` for at least
 *   one element among the values, and `not_contains` and `not_in` are their opposites. On text `contains` looks for a
 *   substring.
 * - `older_than` and `newer_than` compare a time with now minus the duration, strictly.
 */
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

export interface Evaluation {
  readonly verdict: Verdict | null;
  /** The rule that matched and why; null when none did. */
  readonly rule: { readonly index: number; readonly path: string; readonly why: string } | null;
  /** Where the verdict comes from; `none` when there is nothing to say. */
  readonly source: "rule" | "default_verdict" | "not_found_verdict" | "none";
}

const isoTime = /^\d{4}-\d{2}-\d{2}([T ]\d{2}:\d{2}(:\d{2}(\.\d+)?)?(Z|[+-]\d{2}:?\d{2})?)?$/i;

/** Milliseconds since the epoch, or null when it is not an ISO 8601 date or time. */
const instant = (value: unknown): number | null => {
  if (typeof value !== "string" || !isoTime.test(value)) return null;
  const at = Date.parse(value);
  return Number.isNaN(at) ? null : at;
};

/** Negative, zero or positive as `a` is below, equal to or above `b`; null when they cannot be ordered. */
const order = (a: unknown, b: unknown): number | null => {
  if (typeof a === "number" && typeof b === "number") return a - b;
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

/** Whether a condition matches, and the reason in words when it does. */
const match = (condition: Condition, extracted: ExtractedFields, now: number): string | null => {
  switch (condition.kind) {
    case "test": {
      const { field, operator, value } = condition;
      const actual = Object.hasOwn(extracted, field) ? extracted[field] : undefined;
      if (!compare(operator, actual, value, now)) return null;
      return operator === "exists"
        ? `${field} ${value === true ? "exists" : "does not exist"}`
        : `${field} ${operator} ${show(value)}: it is ${show(actual)}`;
    }
    case "all": {
      const reasons: string[] = [];
      for (const each of condition.of) {
        const why = match(each, extracted, now);
        if (why === null) return null;
        reasons.push(why);
      }
      return `all of (${reasons.join("; ")})`;
    }
    case "any": {
      for (const each of condition.of) {
        const why = match(each, extracted, now);
        if (why !== null) return why;
      }
      return null;
    }
    case "not":
      return match(condition.of, extracted, now) === null ? `not (${describe(condition.of)})` : null;
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
 */
export const evaluateRules = (
  rules: MaliceRules,
  extracted: ExtractedFields,
  found: boolean,
  now: number,
): Evaluation => {
  if (!found) {
    const verdict = rules.notFoundVerdict;
    return { verdict, rule: null, source: verdict === null ? "none" : "not_found_verdict" };
  }
  for (const [index, rule] of rules.rules.entries()) {
    const why = match(rule.condition, extracted, now);
    if (why !== null) return { verdict: rule.verdict, rule: { index, path: rule.path, why }, source: "rule" };
  }
  const verdict = rules.defaultVerdict;
  return { verdict, rule: null, source: verdict === null ? "none" : "default_verdict" };
};
