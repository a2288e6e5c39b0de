import {
  type EventContext,
  type Fact,
  type GroupFacts,
  knownValue,
  type UserFacts,
} from "../inventory/facts.ts";
import { factorName } from "../okta/factor-names.ts";
import type { AttributeValue, OktaFactor, OktaRole, OktaUser, OktaUserProfile } from "../okta/records.ts";
import { ACCESS_CONTROL, USER_INVENTORY } from "./classes.ts";
import { countryCode } from "./countries.ts";
import {
  displayName,
  emailDomain,
  filled,
  fullName,
  hasMfa,
  isAdmin,
  isEnabled,
  organizationName,
  privileges,
} from "./derive.ts";
import {
  ACCOUNT_TYPE,
  COLLECTED,
  emailAddress,
  metadata,
  type Observable,
  observe,
  present,
  presentOrNull,
  remainder,
  toMillis,
} from "./ocsf-common.ts";
import type { OcsfUserEvent } from "./ocsf-schemas.ts";

const ACCESS_ENRICHMENT = { ...ACCESS_CONTROL, type: "access_control", provider: "Okta" } as const;

const USER_TYPES = {
  unknown: { type: "Unknown", type_id: 0 },
  user: { type: "User", type_id: 1 },
  admin: { type: "Admin", type_id: 2 },
} as const;

const userType = (facts: UserFacts) => {
  const admin = isAdmin(facts);
  if (admin === null) return USER_TYPES.unknown;
  return admin ? USER_TYPES.admin : USER_TYPES.user;
};

/**
 * The org for Okta's own groups. Other groups come from a directory or application whose domain Okta does not
 * report.
 */
const groupDomain = (type: string | null, tenant: string): string | null =>
  type === "OKTA_GROUP" || type === "BUILT_IN" ? tenant : null;

const group = (facts: GroupFacts, tenant: string) => {
  const roles = knownValue(facts.roles);
  return present({
    uid: facts.id,
    name: filled(facts.name),
    desc: filled(facts.description),
    type: facts.type,
    domain: groupDomain(facts.type, tenant),
    privileges: roles === null ? null : privileges(roles),
  });
};

/** The ISO 3166-2 code that `location.region` requires; null if Okta's `state` is not one. It is often a name. */
const regionCode = (state: string | null | undefined, country: string | null): string | null => {
  const code = state?.trim().toUpperCase() ?? "";
  if (/^[A-Z]{2}-[A-Z0-9]{1,3}$/.test(code)) return code;
  return country !== null && /^(?:[A-Z]{2,3}|[0-9]{1,3})$/.test(code) ? `${country}-${code}` : null;
};

const location = (profile: OktaUserProfile) => {
  const country = countryCode(profile.countryCode) ?? countryCode(profile.country);
  return presentOrNull({
    city: filled(profile.city),
    region: regionCode(profile.state, country),
    country,
    postal_code: filled(profile.zipCode),
  });
};

const jobTitle = (profile: OktaUserProfile): string | null =>
  filled(profile.title) ?? filled(profile.jobTitle);

const person = (user: OktaUser, where: ReturnType<typeof location>, context: EventContext) => {
  const { profile } = user;
  const userKind = filled(profile.userType);
  const secondEmail = emailAddress(profile.secondEmail);
  return presentOrNull({
    given_name: filled(profile.firstName),
    surname: filled(profile.lastName),
    job_title: jobTitle(profile),
    employee_uid: filled(profile.employeeNumber),
    cost_center: filled(profile.costCenter),
    manager: presentOrNull({ uid: filled(profile.managerId), name: filled(profile.manager) }),
    labels: userKind === null ? null : [userKind],
    email_addrs: secondEmail === null ? null : [secondEmail],
    phone_number: filled(profile.mobilePhone) ?? filled(profile.primaryPhone),
    location: where,
    created_time: toMillis(user.created),
    modified_time: toMillis(user.lastUpdated),
    last_login_time: toMillis(user.lastLogin),
    deleted_time: context.deletedAt,
  });
};

const factorData = (factors: readonly OktaFactor[]) =>
  factors.map((factor) =>
    present({
      type: factorName(factor),
      provider: factor.provider,
      status: factor.status,
      created_time: toMillis(factor.created),
      modified_time: toMillis(factor.lastUpdated),
    }),
  );

const activeFactorNames = (factors: readonly OktaFactor[]): string[] =>
  [...new Set(factors.filter((factor) => factor.status === "ACTIVE").map(factorName))].sort();

const roleData = (roles: readonly OktaRole[]) =>
  roles.map((role) =>
    present({
      type: role.type,
      label: role.label,
      status: role.status,
      assignment_type: role.assignmentType,
      created_time: toMillis(role.created),
      resource_set: role.resourceSet ?? null,
    }),
  );

/** The user's facts for which OCSF 1.6.0 has no attribute. */
const accessData = (facts: UserFacts, context: EventContext) => {
  const { user } = facts;
  const factors = knownValue(facts.factors);
  const roles = knownValue(facts.roles);
  return present({
    status: user.status,
    is_enabled: isEnabled(user.status, context),
    activated_time: toMillis(user.activated),
    status_changed_time: toMillis(user.statusChanged),
    last_time_password_change: toMillis(user.passwordChanged),
    mfa_factors: factors === null ? null : activeFactorNames(factors),
    factors: factors === null ? null : factorData(factors),
    roles: roles === null ? null : roleData(roles),
    is_deleted: context.deletedAt === null ? null : (true as const),
  });
};

/** What an unknown fact was last known to be; null for a known one, and for one that was never known. */
const lastValue = <T, U>(fact: Fact<T>, map: (value: T) => U): U | null =>
  fact.state === "unknown" && fact.last !== undefined ? map(fact.last.value) : null;

/**
 * Which facts are unknown and why. Beside them stands what was known last, and when Okta reported it (ms): the ids of
 * groups, the names of active factors, the privileges of roles. All come from the stored facts alone, so the event is
 * the same every time it is read.
 */
const unknownFacts = ({ groups, factors, roles }: UserFacts) => {
  const groupRoles = knownValue(groups)?.find((member) => member.roles.state === "unknown")?.roles;
  const named: readonly (readonly [string, Fact<unknown> | undefined])[] = [
    ["groups", groups],
    ["group_roles", groupRoles],
    ["factors", factors],
    ["roles", roles],
  ];
  const unknown = named.flatMap(([name, fact]) => (fact?.state === "unknown" ? [{ name, ...fact }] : []));
  return {
    unknown_facts: presentOrNull(Object.fromEntries(unknown.map(({ name, reason }) => [name, reason]))),
    last_known: presentOrNull({
      groups: lastValue(groups, (value) => value.map(({ id }) => id)),
      factors: lastValue(factors, activeFactorNames),
      roles: lastValue(roles, privileges),
    }),
    last_known_times: presentOrNull(
      Object.fromEntries(unknown.map(({ name, last }) => [name, last?.at ?? null])),
    ),
  };
};

/** Profile attributes for which OCSF has no attribute, or whose value OCSF's attribute does not allow. */
const leftovers = (profile: OktaUserProfile, where: ReturnType<typeof location>) =>
  remainder({
    email: emailAddress(profile.email) === null ? profile.email : null,
    secondEmail: emailAddress(profile.secondEmail) === null ? profile.secondEmail : null,
    middleName: profile.middleName,
    honorificPrefix: profile.honorificPrefix,
    honorificSuffix: profile.honorificSuffix,
    jobTitle: jobTitle(profile) === profile.jobTitle ? null : profile.jobTitle,
    nickName: profile.nickName,
    profileUrl: profile.profileUrl,
    streetAddress: profile.streetAddress,
    state: where?.region === undefined ? profile.state : null,
    countryCode: countryCode(profile.countryCode) === null ? profile.countryCode : null,
    country: countryCode(profile.country) === null ? profile.country : null,
    postalAddress: profile.postalAddress,
    preferredLanguage: profile.preferredLanguage,
    locale: profile.locale,
    timezone: profile.timezone,
    division: profile.division,
    department: organizationName(profile) === null ? profile.department : null,
  });

/** The custom attributes to show that are known and set; null if none are. */
const attributesOf = (
  { attributes }: OktaUser,
  { profileAttributes }: EventContext,
): Record<string, AttributeValue> | null => {
  if (attributes === undefined || profileAttributes.length === 0) return null;
  const set = profileAttributes.flatMap((name) => {
    const value = attributes[name] ?? null;
    return value === null ? [] : [[name, value] as const];
  });
  return set.length === 0 ? null : Object.fromEntries(set);
};

const observablesOf = (user: OcsfUserEvent["user"]): Observable[] => {
  const observables: Observable[] = [];
  observe(observables, "userUid", "user.uid", user.uid);
  observe(observables, "userName", "user.name", user.name);
  observe(observables, "email", "user.email_addr", user.email_addr);
  observe(observables, "accountUid", "user.account.uid", user.account.uid);
  observe(observables, "accountName", "user.account.name", user.account.name);
  observe(observables, "email", "user.ldap_person.email_addrs[0]", user.ldap_person?.email_addrs?.[0]);
  user.groups?.forEach((member, index) => {
    observe(observables, "groupUid", `user.groups[${index}].uid`, member.uid);
    observe(observables, "groupName", `user.groups[${index}].name`, member.name);
  });
  return observables;
};

/** A user as OCSF 1.6.0 User Inventory Info, valid against the strict schema. Times are in ms; there are no nulls. */
export const ocsfUser = (facts: UserFacts, context: EventContext): OcsfUserEvent => {
  const { profile } = facts.user;
  const login = filled(profile.login);
  const organization = organizationName(profile);
  const where = location(profile);
  const user = present({
    uid: facts.user.id,
    uid_alt: login,
    name: login,
    full_name: fullName(profile.firstName, profile.lastName),
    display_name: displayName(profile),
    email_addr: emailAddress(profile.email),
    domain: emailDomain(profile.email),
    phone_number: filled(profile.primaryPhone) ?? filled(profile.mobilePhone),
    has_mfa: hasMfa(facts.factors, context.mfaIgnoredFactors),
    ...userType(facts),
    account: present({
      uid: facts.user.id,
      name: login,
      ...ACCOUNT_TYPE,
      labels: [facts.user.status],
    }),
    org: organization === null ? null : present({ name: organization, ou_name: filled(profile.department) }),
    groups: knownValue(facts.groups)?.map((member) => group(member, context.tenant)) ?? null,
    ldap_person: person(facts.user, where, context),
  });
  return present({
    ...USER_INVENTORY,
    time: context.changedAt,
    ...COLLECTED,
    message: `Okta user ${login ?? facts.user.id}${context.deletedAt === null ? "" : " was deleted"}`,
    metadata: metadata(context, facts.user.lastUpdated),
    user,
    observables: observablesOf(user),
    enrichments: [
      {
        ...ACCESS_ENRICHMENT,
        data: accessData(facts, context),
      },
    ],
    unmapped: presentOrNull({
      profile: leftovers(profile, where),
      attributes: attributesOf(facts.user, context),
      realm_id: facts.user.realmId ?? null,
      user_type_id: facts.user.typeId ?? null,
      ...unknownFacts(facts),
    }),
  });
};
