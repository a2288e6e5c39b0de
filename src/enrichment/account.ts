/** An account as a look-up knows it: what the answer needs and no more, so that the cache holds little. Pure. */
import type { Found } from "../contract/found.ts";
import type { LinkedDevices } from "../inventory/api.ts";
import { type Fact, known, type UnknownReason, type UserFacts } from "../inventory/facts.ts";
import { displayName, filled } from "../ocsf/derive.ts";
import type { OktaErrorCode } from "../okta/errors.ts";
import type { AttributeValue, OktaFactor, OktaRole, OktaUser } from "../okta/records.ts";

/** Why a fact of an account is unknown. */
export interface MissingReason {
  /** A code of `OktaErrorCode`, or what the inventory says of a fact that it has not read; see `UnknownReason`. */
  readonly code: string;
  /** For people. */
  readonly message: string;
}

export type AccountFact<T> = Fact<T, MissingReason>;

/** An ACTIVE factor. Times are ISO 8601 as Okta wrote them; null where they are not known. */
export interface ActiveFactor extends Pick<OktaFactor, "factorType" | "provider"> {
  readonly created: string | null;
  readonly lastUpdated: string | null;
}

/** An ACTIVE role. What is not known of it is null. */
export interface ActiveRole {
  readonly label: string;
  readonly type: string | null;
  readonly assignment: "user" | "group" | null;
  /** The name of the group that gives it, or its id where the name is not known. */
  readonly group: string | null;
  /** ISO 8601 as Okta wrote it. */
  readonly assignedAt: string | null;
  /** The id of the resource set that a custom role is limited to. */
  readonly resourceSet: string | null;
}

export interface Account {
  readonly id: string;
  readonly login: string | null;
  readonly email: string | null;
  readonly displayName: string | null;
  /** As Okta spells it. */
  readonly status: string;
  /** Times are ISO 8601 as Okta wrote them. */
  readonly created: string | null;
  readonly lastLogin: string | null;
  readonly passwordChanged: string | null;
  readonly department: string | null;
  readonly title: string | null;
  /** `profile.manager`, else the manager's id. */
  readonly manager: string | null;
  readonly realmId: string | null;
  /** The id of the user's type. */
  readonly userType: string | null;
  /** The custom attributes that were read, null where one is not set. */
  readonly attributes: Readonly<Record<string, AttributeValue | null>>;
  /** When Okta's user record was read, ms since the epoch; null if that was not noted. */
  readonly readAt: number | null;
  /** Names, sorted. */
  readonly groups: AccountFact<readonly string[]>;
  readonly factors: AccountFact<readonly ActiveFactor[]>;
  /** The ACTIVE roles, direct or through a group, sorted; none means "not an admin". */
  readonly adminRoles: AccountFact<readonly ActiveRole[]>;
  /** By the inventory, which alone knows them. */
  readonly devices: AccountFact<LinkedDevices["devices"]>;
}

/** What a look-up found. Several logins mean that the name fits several accounts. */
export type FoundAccount = Found<{ readonly account: Account }>;

/**
 * What was found, with no other custom attributes than these: the cache and the inventory may have more from before a change
 * of the setting. One that they have not read has no key.
 */
export const withAttributes = <F extends FoundAccount>(found: F, names: readonly string[]): F => {
  if (found.found !== "one") return found;
  const { account } = found;
  const kept = names.filter((name) => Object.hasOwn(account.attributes, name));
  const attributes = Object.fromEntries(kept.map((name) => [name, account.attributes[name] ?? null]));
  return { ...found, account: { ...account, attributes } };
};

/** A fact that a look-up could not read. */
export const missing = <T>(code: OktaErrorCode, message: string): AccountFact<T> => ({
  state: "unknown",
  reason: { code, message },
});

const sortedSet = (values: readonly string[]): string[] => [...new Set(values)].sort();

export const groupNames = (groups: readonly { id: string; name: string | null }[]): string[] =>
  sortedSet(groups.map((group) => filled(group.name) ?? group.id));

export const activeFactors = (factors: readonly OktaFactor[]): ActiveFactor[] =>
  factors
    .filter((factor) => factor.status === "ACTIVE")
    .map(({ factorType, provider, created, lastUpdated }) => ({
      factorType,
      provider,
      created: created ?? null,
      lastUpdated: lastUpdated ?? null,
    }));

const assignmentOf = ({ assignmentType }: OktaRole): ActiveRole["assignment"] => {
  if (assignmentType === "GROUP") return "group";
  return assignmentType === "USER" ? "user" : null;
};

/** The ACTIVE roles, sorted by label, then by what gives them. @param groups those that may give them, to name them */
export const activeRoles = (
  roles: readonly OktaRole[],
  groups: readonly { id: string; name: string | null }[] = [],
): ActiveRole[] =>
  roles
    .filter(({ status }) => status === "ACTIVE")
    .map((role) => ({
      label: role.label ?? role.type,
      type: role.type,
      assignment: assignmentOf(role),
      group: filled(groups.find(({ id }) => id === role.group)?.name) ?? role.group ?? null,
      assignedAt: role.created ?? null,
      resourceSet: role.resourceSet ?? null,
    }))
    .sort((a, b) => (order(a) < order(b) ? -1 : 1));

const order = ({ label, assignment, group, assignedAt }: ActiveRole): string =>
  JSON.stringify([label, assignment, group, assignedAt]);

/** The labels of roles, each once, sorted. */
export const labelsOf = (roles: readonly ActiveRole[]): string[] =>
  sortedSet(roles.map(({ label }) => label));

/** Devices of which no run of the devices stream has told yet. */
export const devicesPending: Account["devices"] = {
  state: "unknown",
  reason: {
    code: "pending",
    message: "people's devices are known once a run of the devices stream has succeeded",
  },
};

/** Devices while the inventory does not tell them. */
export const devicesUntold: Account["devices"] = {
  state: "unknown",
  reason: { code: "unavailable", message: "the inventory, which knows people's devices, did not answer" },
};

/** @param linked null while there is no copy of the devices stream; undefined if the inventory does not tell them */
export const devicesFact = (linked: LinkedDevices | null | undefined): Account["devices"] => {
  if (linked === undefined) return devicesUntold;
  return linked === null ? devicesPending : known(linked.devices, linked.at);
};

/** An account from Okta's user record and what was read beside it. */
export const toAccount = (
  { id, status, created, lastLogin, passwordChanged, profile, realmId, typeId, attributes }: OktaUser,
  facts: Pick<Account, "readAt" | "groups" | "factors" | "adminRoles" | "devices">,
): Account => ({
  id,
  login: filled(profile.login),
  email: filled(profile.email),
  displayName: displayName(profile),
  status,
  created,
  lastLogin,
  passwordChanged,
  department: filled(profile.department),
  title: filled(profile.title) ?? filled(profile.jobTitle),
  manager: filled(profile.manager) ?? filled(profile.managerId),
  realmId: realmId ?? null,
  userType: typeId ?? null,
  attributes: attributes ?? {},
  ...facts,
});

const inventoryMessages = {
  pending: "the inventory has not read it yet",
  forbidden: "the credential may not read it",
  failed: "the inventory could not read it",
} as const;

/** Why the inventory does not know a fact, for people. */
export const whyUnknown = (reason: UnknownReason): MissingReason => ({
  code: reason,
  message: inventoryMessages[reason],
});

/** The same fact of other values. */
export const mapFact = <T, U>(fact: AccountFact<T>, map: (value: T) => U): AccountFact<U> => {
  if (fact.state === "known") return known(map(fact.value), fact.at);
  const { reason, last } = fact;
  return {
    state: "unknown",
    reason,
    ...(last !== undefined && { last: { value: map(last.value), at: last.at } }),
  };
};

const fromFact = <T, U>(fact: Fact<T>, map: (value: T) => U): AccountFact<U> => {
  if (fact.state === "known") return known(map(fact.value), fact.at);
  const { reason, last } = fact;
  return {
    state: "unknown",
    reason: whyUnknown(reason),
    ...(last !== undefined && { last: { value: map(last.value), at: last.at } }),
  };
};

/**
 * An account from the inventory's facts.
 * @param readAt when all that Okta tells of changes was last known, ms since the epoch
 * @param linked as in `devicesFact`
 */
export const fromInventory = (
  facts: UserFacts,
  readAt: number,
  linked: LinkedDevices | null | undefined,
): Account =>
  toAccount(facts.user, {
    readAt,
    groups: fromFact(facts.groups, groupNames),
    factors: fromFact(facts.factors, activeFactors),
    adminRoles: fromFact(facts.roles, activeRoles),
    devices: devicesFact(linked),
  });

/** Whether every fact could be read that Okta tells. Devices are not asked of Okta, so asking again would not help. */
export const isComplete = ({ groups, factors, adminRoles }: Account): boolean =>
  [groups, factors, adminRoles].every(({ state }) => state === "known");

const withLast = <T>(now: AccountFact<T>, before: AccountFact<T>): AccountFact<T> => {
  if (now.state === "known") return now;
  const last = before.state === "known" ? { value: before.value, at: before.at } : before.last;
  return last === undefined || (now.last !== undefined && now.last.at >= last.at) ? now : { ...now, last };
};

/** The account with what was known of its missing facts before, the newest of it. */
export const withLastKnown = (account: Account, before: Account): Account => ({
  ...account,
  groups: withLast(account.groups, before.groups),
  factors: withLast(account.factors, before.factors),
  adminRoles: withLast(account.adminRoles, before.adminRoles),
  devices: withLast(account.devices, before.devices),
});
