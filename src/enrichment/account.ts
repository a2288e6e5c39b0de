/** An account as a look-up knows it: what the answer needs and no more, so that the cache holds little. Pure. */
import * as z from "zod";
import type { Fact, UserFacts } from "../inventory/facts.ts";
import { displayName, filled } from "../ocsf/derive.ts";
import type { OktaErrorCode } from "../okta/errors.ts";
import type { OktaFactor, OktaRole, OktaUser } from "../okta/records.ts";

/** Why a fact is missing: how Okta failed, or what the inventory says of a fact that it has not read. */
export type MissingReason = OktaErrorCode | "pending" | "failed";

const readingSchema = <T extends z.ZodType>(value: T) =>
  z.discriminatedUnion("known", [
    z.object({ known: z.literal(true), value, at: z.number() }),
    z.object({
      known: z.literal(false),
      reason: z.string(),
      /** For people. */
      message: z.string(),
      /** The value that was known last, and when. */
      last: z.object({ value, at: z.number() }).nullable(),
    }),
  ]);

/** One fact of an account: its value and when Okta said so (ms since the epoch), or why there is none. */
export type Reading<T> =
  | { readonly known: true; readonly value: T; readonly at: number }
  | {
      readonly known: false;
      readonly reason: string;
      readonly message: string;
      readonly last: { readonly value: T; readonly at: number } | null;
    };

/** An ACTIVE factor. */
export type ActiveFactor = Pick<OktaFactor, "factorType" | "provider">;

const text = z.string().nullable();

export const accountSchema = z.object({
  id: z.string(),
  login: text,
  email: text,
  displayName: text,
  status: z.string(),
  created: text,
  lastLogin: text,
  passwordChanged: text,
  department: text,
  title: text,
  manager: text,
  groups: readingSchema(z.array(z.string())),
  factors: readingSchema(z.array(z.object({ factorType: z.string(), provider: text }))),
  adminRoles: readingSchema(z.array(z.string())),
});

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
  /** Names, sorted. */
  readonly groups: Reading<readonly string[]>;
  readonly factors: Reading<readonly ActiveFactor[]>;
  /** Labels of the ACTIVE roles, direct or through a group, sorted; empty is "not an admin". */
  readonly adminRoles: Reading<readonly string[]>;
}

/** What a look-up found. Several logins mean that the name fits several accounts. */
export type Found =
  | { readonly found: "one"; readonly account: Account }
  | { readonly found: "many"; readonly logins: readonly string[] }
  | { readonly found: "none" };

export const knownAt = <T>(value: T, at: number): Reading<T> => ({ known: true, value, at });

export const missing = <T>(reason: MissingReason, message: string): Reading<T> => ({
  known: false,
  reason,
  message,
  last: null,
});

const sortedSet = (values: readonly string[]): string[] => [...new Set(values)].sort();

export const groupNames = (groups: readonly { id: string; name: string | null }[]): string[] =>
  sortedSet(groups.map((group) => filled(group.name) ?? group.id));

export const activeFactors = (factors: readonly OktaFactor[]): ActiveFactor[] =>
  factors
    .filter((factor) => factor.status === "ACTIVE")
    .map(({ factorType, provider }) => ({ factorType, provider }));

export const activeRoles = (roles: readonly OktaRole[]): string[] =>
  sortedSet(roles.filter((role) => role.status === "ACTIVE").map((role) => role.label ?? role.type));

/** An account from Okta's user record and what was read beside it. */
export const toAccount = (
  { id, status, created, lastLogin, passwordChanged, profile }: OktaUser,
  facts: Pick<Account, "groups" | "factors" | "adminRoles">,
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
  ...facts,
});

const inventoryMessages = {
  pending: "the inventory has not read it yet",
  forbidden: "the credential may not read it",
  failed: "the inventory could not read it",
} as const;

const fromFact = <T, U>(fact: Fact<T>, map: (value: T) => U): Reading<U> =>
  fact.state === "known"
    ? knownAt(map(fact.value), fact.at)
    : {
        known: false,
        reason: fact.reason,
        message: inventoryMessages[fact.reason],
        last: fact.last === undefined ? null : { value: map(fact.last.value), at: fact.last.at },
      };

/** An account from the inventory's facts. */
export const fromInventory = (facts: UserFacts): Account =>
  toAccount(facts.user, {
    groups: fromFact(facts.groups, groupNames),
    factors: fromFact(facts.factors, activeFactors),
    adminRoles: fromFact(facts.roles, activeRoles),
  });

const factKeys = ["groups", "factors", "adminRoles"] as const;

/** Whether every fact could be read. */
export const isComplete = (account: Account): boolean => factKeys.every((key) => account[key].known);

const remember = <T>(now: Reading<T>, before: Reading<T>): Reading<T> => {
  if (now.known) return now;
  return { ...now, last: before.known ? { value: before.value, at: before.at } : before.last };
};

/** The account with what was known of its missing facts before. */
export const withLastKnown = (account: Account, before: Account): Account => ({
  ...account,
  groups: remember(account.groups, before.groups),
  factors: remember(account.factors, before.factors),
  adminRoles: remember(account.adminRoles, before.adminRoles),
});
