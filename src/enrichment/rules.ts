/**
 * Malice rules: what a SOC says about an account once it is known. `rule-reader.ts` reads them, `verdict.ts`
 * evaluates them.
 */

export const verdicts = ["Pending", "Benign", "Suspicious", "Malicious"] as const;
export type Verdict = (typeof verdicts)[number];

/** The names in `extracted`, which are the fields that a rule may name. */
export const ruleFields = [
  "user_id",
  "login",
  "email",
  "display_name",
  "status",
  "created",
  "last_login",
  "password_changed",
  "groups",
  "mfa_enrolled",
  "mfa_factors",
  "is_admin",
  "admin_roles",
  "department",
  "title",
  "manager",
  "newest_factor_at",
  "phishing_resistant",
  "realm_id",
  "user_type",
] as const;
export type RuleField = (typeof ruleFields)[number];

export const operators = [
  "eq",
  "ne",
  "gt",
  "gte",
  "lt",
  "lte",
  "in",
  "not_in",
  "contains",
  "not_contains",
  "exists",
  "older_than",
  "newer_than",
] as const;
export type Operator = (typeof operators)[number];

export type Scalar = string | number | boolean;

export type Condition =
  | {
      readonly kind: "test";
      readonly field: RuleField;
      readonly operator: Operator;
      /** One that can apply to the field with this operator; see `rule-types.ts`. */
      readonly value: Scalar | readonly Scalar[];
    }
  | { readonly kind: "all" | "any"; readonly of: readonly Condition[] }
  | { readonly kind: "not"; readonly of: Condition };

export interface MaliceRule {
  /** Its position in what was given, for example `conditions[0]`. */
  readonly path: string;
  readonly condition: Condition;
  readonly verdict: Verdict;
}

export interface MaliceRules {
  readonly rules: readonly MaliceRule[];
  /** For an account that was found and that no rule matches; null gives no verdict. */
  readonly defaultVerdict: Verdict | null;
  /** For an account that Okta does not know. */
  readonly notFoundVerdict: Verdict | null;
  /** For an account of which too much is unknown to tell; null gives no verdict. */
  readonly unknownVerdict: Verdict | null;
}

/** The rules when none are configured: they never give a verdict. */
export const noMaliceRules: MaliceRules = {
  rules: [],
  defaultVerdict: null,
  notFoundVerdict: null,
  unknownVerdict: null,
};

const MS = { s: 1_000, m: 60_000, h: 3_600_000, d: 86_400_000, w: 604_800_000 } as const;

/**
 * Reads a duration such as `90d`: a whole number and s, m (minutes), h, d or w.
 * @returns milliseconds, or null when it is not a duration
 */
export const parseDuration = (text: string): number | null => {
  const match = /^(\d{1,9})([smhdw])$/.exec(text);
  const unit = match?.[2];
  if (unit !== "s" && unit !== "m" && unit !== "h" && unit !== "d" && unit !== "w") return null;
  return Number(match?.[1]) * MS[unit];
};
