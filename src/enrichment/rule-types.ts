/**
 * What a rule may compare: each field has a type, and an operator or a value that cannot apply to it would be a rule that
 * always or never matches. Pure.
 */
import { err, ok, type Result } from "../lib/result.ts";
import { type Operator, parseDuration, type RuleField, type Scalar } from "./rules.ts";

/** Text, an ISO 8601 time, true or false, or a list of texts. */
export type FieldType = "text" | "time" | "flag" | "list";

export const fieldTypes: Readonly<Record<RuleField, FieldType>> = {
  user_id: "text",
  login: "text",
  email: "text",
  display_name: "text",
  status: "text",
  created: "time",
  last_login: "time",
  password_changed: "time",
  groups: "list",
  mfa_enrolled: "flag",
  mfa_factors: "list",
  is_admin: "flag",
  admin_roles: "list",
  department: "text",
  title: "text",
  manager: "text",
  newest_factor_at: "time",
  phishing_resistant: "flag",
  realm_id: "text",
  user_type: "text",
};

const typeWords: Readonly<Record<FieldType, string>> = {
  text: "text",
  time: "a time",
  flag: "true or false",
  list: "a list of texts",
};

const equality: readonly Operator[] = ["eq", "ne", "in", "not_in"];
const ordering: readonly Operator[] = ["gt", "gte", "lt", "lte"];
const containing: readonly Operator[] = ["contains", "not_contains"];

const operatorsOf: Readonly<Record<FieldType, readonly Operator[]>> = {
  text: [...equality, ...ordering, ...containing, "exists"],
  time: [...equality, ...ordering, ...containing, "exists", "older_than", "newer_than"],
  flag: [...equality, "exists"],
  list: ["in", "not_in", ...containing, "exists"],
};

/** Values that a list of values may have at most. */
const MAX_LIST = 1_000;

const isoTime = /^\d{4}-\d{2}-\d{2}([T ]\d{2}:\d{2}(:\d{2}(\.\d+)?)?(Z|[+-]\d{2}:?\d{2})?)?$/i;

/** Milliseconds since the epoch, or null when it is not an ISO 8601 date or time. */
export const instant = (value: unknown): number | null => {
  if (typeof value !== "string" || !isoTime.test(value)) return null;
  const at = Date.parse(value);
  return Number.isNaN(at) ? null : at;
};

const fits = (type: FieldType, value: unknown): value is Scalar => {
  switch (type) {
    case "text":
    case "list":
      return typeof value === "string";
    case "time":
      return instant(value) !== null;
    case "flag":
      return typeof value === "boolean";
  }
};

const examples: Readonly<Record<FieldType, string>> = {
  text: '"SUSPENDED"',
  time: '"2025-01-31T00:00:00Z"',
  flag: "true",
  list: '"AWS Admins"',
};

const oneValue = (type: FieldType): string => {
  if (type === "flag") return "it takes true or false";
  return type === "time"
    ? `it takes an ISO 8601 time, for example ${examples.time}`
    : `it takes text, for example ${examples[type]}`;
};

/** What is wrong with a condition: its operator or its value, in a phrase. */
export type Misfit = { readonly at: "operator" | "value"; readonly message: string };

const wrongValue = (message: string): Result<never, Misfit> => err({ at: "value", message });

/**
 * Judges whether an operator and a value can apply to a field.
 * @returns the value to compare with
 */
export const judge = (
  field: RuleField,
  operator: Operator,
  value: unknown,
): Result<Scalar | readonly Scalar[], Misfit> => {
  const type = fieldTypes[field];
  if (!operatorsOf[type].includes(operator)) {
    const message = `${operator} does not apply to ${field}, which is ${typeWords[type]}; use one of ${operatorsOf[type].join(", ")}`;
    return err({ at: "operator", message });
  }
  switch (operator) {
    case "exists":
      if (value === undefined) return ok(true);
      return typeof value === "boolean"
        ? ok(value)
        : wrongValue("it takes true or false, or no value at all");
    case "older_than":
    case "newer_than":
      return typeof value === "string" && parseDuration(value) !== null
        ? ok(value)
        : wrongValue("it takes a duration: a whole number and s, m, h, d or w, for example 90d");
    case "in":
    case "not_in":
      return judgeList(type, value);
    case "contains":
    case "not_contains":
      return typeof value === "string" ? ok(value) : wrongValue('it takes text, for example "AWS Admins"');
    default:
      return fits(type, value)
        ? ok(value)
        : wrongValue(`${field} is ${typeWords[type]}, so ${oneValue(type)}`);
  }
};

const judgeList = (type: FieldType, value: unknown): Result<readonly Scalar[], Misfit> => {
  const form = `a list of 1 to ${MAX_LIST} values, for example [${examples[type]}]`;
  if (!Array.isArray(value) || value.length === 0 || value.length > MAX_LIST)
    return wrongValue(`it takes ${form}`);
  const wrong = value.findIndex((item) => !fits(type, item));
  if (wrong !== -1) return wrongValue(`item ${wrong + 1} is of another type; it takes ${form}`);
  if (type === "flag" && new Set(value).size > 1)
    return wrongValue("with both true and false it always says the same; it takes [true] or [false]");
  return ok(value);
};
