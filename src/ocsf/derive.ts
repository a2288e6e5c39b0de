/** Values that all dialects derive from facts in the same way. Null always means "unknown" or "not set". */
import { type EventContext, knownValue, type UserFacts } from "../inventory/facts.ts";
import { countsAsMfa, resistsPhishing } from "../okta/factor-names.ts";
import type { OktaDevice, OktaRole, OktaUserProfile } from "../okta/records.ts";

/** The string as it is; null if it is blank or not there. */
export const filled = (value: string | null | undefined): string | null =>
  value === null || value === undefined || value.trim() === "" ? null : value;

/** ISO 8601 to whole seconds since the epoch, rounded down; null if the text is no date. */
export const toSeconds = (iso: string | null | undefined): number | null => {
  const at = iso === null || iso === undefined ? Number.NaN : Date.parse(iso);
  return Number.isNaN(at) ? null : Math.floor(at / 1000);
};

/** First and last name joined by a space, or the one that is set; null if neither is. */
export const fullName = (
  first: string | null | undefined,
  last: string | null | undefined,
): string | null => {
  const given = filled(first);
  const family = filled(last);
  return given !== null && family !== null ? `${given} ${family}` : (given ?? family);
};

/** The display name, else the full name, else the login; null if none is set. */
export const displayName = (profile: OktaUserProfile): string | null =>
  filled(profile.displayName) ?? fullName(profile.firstName, profile.lastName) ?? filled(profile.login);

/** What follows the last `@`, in lower case; null if there is no `@` or nothing follows it. */
export const emailDomain = (email: string | null | undefined): string | null => {
  const at = email?.lastIndexOf("@") ?? -1;
  return email === null || email === undefined || at < 0 ? null : filled(email.slice(at + 1).toLowerCase());
};

/** The profile's organization, else the domain of the e-mail address; null if there is neither. */
export const organizationName = (profile: OktaUserProfile): string | null =>
  filled(profile.organization) ?? emailDomain(profile.email);

const isActive = (role: OktaRole): boolean => role.status === "ACTIVE";

/** The labels of the active roles. A role without a label is named by its type. */
export const privileges = (roles: readonly OktaRole[]): string[] =>
  roles.filter(isActive).map((role) => role.label ?? role.type);

/**
 * Whether the user has an active role, direct or through a group; null if unknown. One that is known for sure suffices,
 * even while others are unknown.
 */
export const isAdmin = ({ roles, groups }: UserFacts): boolean | null => {
  if (roles.state === "known") return roles.value.some(isActive);
  const isSure =
    roles.certain?.some(isActive) === true ||
    knownValue(groups)?.some((group) => knownValue(group.roles)?.some(isActive)) === true;
  return isSure ? true : null;
};

/**
 * Whether the user has an active factor that counts as MFA; null if the factors are unknown.
 * @param ignored lower-case factor types, by Okta's names or by short names, that do not count
 */
export const hasMfa = (
  factors: UserFacts["factors"],
  ignored: EventContext["mfaIgnoredFactors"],
): boolean | null =>
  knownValue(factors)?.some((factor) => factor.status === "ACTIVE" && countsAsMfa(factor, ignored)) ?? null;

/**
 * Whether the user has an active factor that counts as MFA and resists phishing; null if unknown, as in `hasMfa`.
 * @param ignored as in `hasMfa`
 */
export const hasPhishingResistantMfa = (
  factors: UserFacts["factors"],
  ignored: EventContext["mfaIgnoredFactors"],
): boolean | null =>
  knownValue(factors)?.some(
    (factor) => factor.status === "ACTIVE" && countsAsMfa(factor, ignored) && resistsPhishing(factor),
  ) ?? null;

/** Whether the asset is enabled: its status is ACTIVE and it is not deleted. */
export const isEnabled = (status: string, context: EventContext): boolean =>
  status === "ACTIVE" && context.deletedAt === null;

/** By the enrolments of a device's users: true if any is managed, false if there are some and all are not. */
const isManagedByUsers = (users: OktaDevice["users"]): boolean | null => {
  if (users.some((user) => user.managementStatus === "MANAGED")) return true;
  return users.length > 0 && users.every((user) => user.managementStatus === "NOT_MANAGED") ? false : null;
};

/**
 * Whether the device is managed: what the device itself says, else what its profile says, else what the enrolments of its
 * users say; null if unknown.
 */
export const isManaged = (device: OktaDevice): boolean | null =>
  device.managed ?? device.profile.managed ?? isManagedByUsers(device.users);

/**
 * The id of the user to whom the device belongs: `userId`, else the linked user who comes first (the oldest link).
 */
export const ownerId = (device: OktaDevice): string | null => device.userId ?? device.users[0]?.id ?? null;

/**
 * When the device was last seen, ISO 8601. `lastUpdated` moves whenever Okta Verify reports signals, so it stands
 * in for a missing `lastSeen`.
 */
export const lastSeen = (device: OktaDevice): string | null => device.lastSeen ?? device.lastUpdated;
