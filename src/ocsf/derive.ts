/** What both dialects derive from facts in the same way. Null always means "not known" or "not there". */
import { type EventContext, shown, type UserFacts } from "../inventory/facts.ts";
import { factorName } from "../okta/factor-names.ts";
import type { OktaDevice, OktaRole, OktaUserProfile } from "../okta/records.ts";

/** The string, unless there is nothing to read in it. */
export const filled = (value: string | null | undefined): string | null =>
  value === null || value === undefined || value.trim() === "" ? null : value;

/** ISO 8601 → whole seconds since the epoch, rounded down. */
export const toSeconds = (iso: string | null | undefined): number | null => {
  const at = iso === null || iso === undefined ? Number.NaN : Date.parse(iso);
  return Number.isNaN(at) ? null : Math.floor(at / 1000);
};

/** First and last name, whichever are there. */
export const fullName = (
  first: string | null | undefined,
  last: string | null | undefined,
): string | null => {
  const given = filled(first);
  const family = filled(last);
  return given !== null && family !== null ? `${given} ${family}` : (given ?? family);
};

export const displayName = (profile: OktaUserProfile): string | null =>
  filled(profile.displayName) ?? fullName(profile.firstName, profile.lastName) ?? filled(profile.login);

/** What follows the last `@`, lower-case. */
export const emailDomain = (email: string | null | undefined): string | null => {
  const at = email?.lastIndexOf("@") ?? -1;
  return email === null || email === undefined || at < 0 ? null : filled(email.slice(at + 1).toLowerCase());
};

export const organizationName = (profile: OktaUserProfile): string | null =>
  filled(profile.organization) ?? emailDomain(profile.email);

const isActive = (role: OktaRole): boolean => role.status === "ACTIVE";

/** Labels of the active roles; a role without a label is named by its type. */
export const privileges = (roles: readonly OktaRole[]): string[] =>
  roles.filter(isActive).map((role) => role.label ?? role.type);

/**
 * Whether any role is active, direct or through a group; null when that cannot be told. A group that is known to
 * give a role makes its member an admin even while the member's own roles are unknown.
 */
export const isAdmin = (facts: UserFacts): boolean | null => {
  const roles = shown(facts.roles);
  if (roles?.some(isActive)) return true;
  if (shown(facts.groups)?.some((group) => shown(group.roles)?.some(isActive))) return true;
  return roles === null ? null : false;
};

/** Whether any active factor counts as MFA; null when the factors are unknown. */
export const hasMfa = (facts: UserFacts, ignored: EventContext["mfaIgnoredFactors"]): boolean | null => {
  const factors = shown(facts.factors);
  if (factors === null) return null;
  return factors.some(
    (factor) =>
      factor.status === "ACTIVE" &&
      !(
        ignored.length > 0 &&
        (ignored.includes(factor.factorType.toLowerCase()) ||
          ignored.includes(factorName(factor).toLowerCase()))
      ),
  );
};

/** Only ACTIVE is enabled; a deleted asset never is, whatever its last status said. */
export const isEnabled = (status: string, context: EventContext): boolean =>
  status === "ACTIVE" && context.deletedAt === null;

/** The device's own word, else its profile's, else a linked user whose enrolment is managed. */
export const isManaged = (device: OktaDevice): boolean | null =>
  device.managed ??
  device.profile.managed ??
  (device.users.some((user) => user.managementStatus === "MANAGED") ? true : null);

/** The id of the user that the device belongs to: its own word, else the oldest link. */
export const ownerId = (device: OktaDevice): string | null => device.userId ?? device.users[0]?.id ?? null;

/** `lastUpdated` moves with every signal that Okta Verify reports, so it stands in for a missing `lastSeen`. */
export const lastSeen = (device: OktaDevice): string | null => device.lastSeen ?? device.lastUpdated;
