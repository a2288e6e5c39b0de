/** What a change means for the security of an account or a group: its roles, its factors, its password. */
import type { Change } from "../contract/changes.ts";
import { isPlainObject } from "../lib/json.ts";
import { type ChangedFields, type Direction, told } from "./change-fields.ts";

/** The fields that tell of administrators' roles. */
export const ROLE_FIELDS: ReadonlySet<string> = new Set(["is_admin", "admin_roles", "admin_roles_detail"]);

/** The fields that tell of factors, also of those that do not count as MFA. */
export const FACTOR_FIELDS: ReadonlySet<string> = new Set([
  "mfa_enrolled",
  "mfa_factors",
  "mfa_factors_detail",
  "phishing_resistant",
  "newest_factor_at",
  "factors",
  "other_factors",
]);

/** The log events by which a password is reset. */
const PASSWORD_RESETS: ReadonlySet<string> = new Set([
  "user.account.reset_password",
  "system.agent.ad.reset_user_password",
  "system.agent.ldap.reset_user_password",
]);

/** What makes two entries of a list the same role or the same factor. */
const ROLE_KEYS = ["label", "type", "assignment", "resource_set"];
const FACTOR_KEYS = ["name", "provider", "enrolled_at"];

const keyOf = (entry: unknown, keys: readonly string[]): string =>
  JSON.stringify(isPlainObject(entry) ? keys.map((key) => entry[key] ?? null) : entry);

/**
 * Whether a list has more of an entry than before, or less. An entry that was both added and removed has only been
 * updated.
 */
const hasMoved = (
  fields: ChangedFields,
  list: string,
  direction: Direction,
  keys: readonly string[],
): boolean => {
  const opposite = fields
    .entries(list, direction === "added" ? "removed" : "added")
    .map((entry) => keyOf(entry, keys));
  return fields.entries(list, direction).some((entry) => {
    const index = opposite.indexOf(keyOf(entry, keys));
    if (index !== -1) opposite.splice(index, 1);
    return index === -1;
  });
};

/** What a change means for security. */
export interface SecurityMeaning {
  readonly isRoleAdded: boolean;
  readonly isRoleRemoved: boolean;
  readonly isFactorAdded: boolean;
  readonly isFactorRemoved: boolean;
  /** Whether there were factors that count as MFA, and none is left. */
  readonly isWithoutMfa: boolean;
  /** Whether the password was reset, as a log event tells. */
  readonly isPasswordReset: boolean;
}

/** Reads what a change means for security. */
export const securityMeaning = (change: Change, fields: ChangedFields): SecurityMeaning => {
  const had = (field: string) => fields.flag(field, "before");
  const has = (field: string) => fields.flag(field, "after");
  const isWithoutMfa = had("mfa_enrolled") === true && has("mfa_enrolled") === false;
  return {
    isRoleAdded:
      (had("is_admin") !== true && has("is_admin") === true) ||
      fields.entries("admin_roles", "added").length > 0 ||
      hasMoved(fields, "admin_roles_detail", "added", ROLE_KEYS),
    isRoleRemoved:
      (had("is_admin") === true && has("is_admin") === false) ||
      fields.entries("admin_roles", "removed").length > 0 ||
      hasMoved(fields, "admin_roles_detail", "removed", ROLE_KEYS),
    isFactorAdded:
      (had("mfa_enrolled") === false && has("mfa_enrolled") === true) ||
      fields.entries("mfa_factors", "added").length > 0 ||
      hasMoved(fields, "mfa_factors_detail", "added", FACTOR_KEYS),
    isFactorRemoved:
      isWithoutMfa ||
      fields.entries("mfa_factors", "removed").length > 0 ||
      hasMoved(fields, "mfa_factors_detail", "removed", FACTOR_KEYS),
    isWithoutMfa,
    isPasswordReset:
      change.stream === "users" &&
      (fields.has("password_changed") || fields.has("status")) &&
      change.events.some(({ type }) => PASSWORD_RESETS.has(type)),
  };
};

const INFORMATIONAL = { severity: "Informational", severity_id: 1 } as const;
const MEDIUM = { severity: "Medium", severity_id: 3 } as const;
const HIGH = { severity: "High", severity_id: 4 } as const;

/**
 * High if somebody becomes an administrator, a role is added, or no factor is left. Medium for any other change of roles
 * or factors, and for a password that somebody else has set or reset. Informational for the rest.
 */
export const severityOf = (change: Change, fields: ChangedFields, meaning: SecurityMeaning) => {
  if (meaning.isRoleAdded || meaning.isWithoutMfa) return HIGH;
  const author = told(change.actor?.id ?? null);
  const isPasswordSet = meaning.isPasswordReset || fields.has("password_changed");
  const isByAnother = author !== null && author !== change.id;
  return fields.hasAny(ROLE_FIELDS) || fields.hasAny(FACTOR_FIELDS) || (isPasswordSet && isByAnother)
    ? MEDIUM
    : INFORMATIONAL;
};
