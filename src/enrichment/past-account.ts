/** An account as it was: the facts of now with every change since then undone. Pure. */
import type { ChangeField } from "../contract/changes.ts";
import type { PastFacts } from "../inventory/api.ts";
import { publishedAt, type StoredChange } from "../inventory/changes.ts";
import { type Fact, type GroupFacts, known, type UserFacts } from "../inventory/facts.ts";
import { inheritedFrom, isOwn } from "../inventory/inherited-roles.ts";
import type { OktaFactor, OktaRole } from "../okta/records.ts";
import {
  type Account,
  type AccountFact,
  activeFactors,
  activeRoles,
  groupNames,
  mapFact,
  toAccount,
} from "./account.ts";

/** A field of the answer that cannot be told. */
export interface Untold {
  readonly field: string;
  readonly message: string;
}

/** What is known of an account at a moment; null: there was none. */
export type PastAccount = { readonly account: Account; readonly untold: readonly Untold[] } | null;

/** The code of what the history cannot tell. */
export const UNTOLD = "not_in_history";

type OneFacts = Extract<PastFacts, { readonly found: "one" }>;

const message = {
  begun: "the history does not go back so far",
  cut: "too much has changed since then",
  between: "it changed around then, and it is not known when exactly",
  unread: "it has not been read since then",
  devices: "which devices somebody had is not part of the history",
} as const;

const untold = <T>(why: keyof typeof message): AccountFact<T> => ({
  state: "unknown",
  reason: { code: UNTOLD, message: message[why] },
});

/** Since when a change may have happened, ms: exactly then, if one event told of it. */
const begunAt = ({ events, at, since, readAt }: StoredChange): number => {
  if (events.length > 0) return Math.min(...events.map(publishedAt).filter((time) => time > 0), at);
  return at < readAt ? at : since;
};

/** Of a fact: its value at a moment, and whether that is sure. */
interface Undone<T> {
  value: T | null;
  /** Why it is not; null if it is. */
  doubt: keyof typeof message | null;
}

const start = <T>(fact: Fact<T>, at: number): Undone<T> => {
  if (fact.state === "known") return { value: fact.value, doubt: null };
  const { last } = fact;
  return { value: last?.value ?? null, doubt: last !== undefined && last.at >= at ? null : "unread" };
};

/** Undoes one change. */
const undo = <T>(fact: Undone<T>, before: T, change: StoredChange, at: number): void => {
  fact.value = before;
  fact.doubt = begunAt(change) <= at ? "between" : null;
};

/** The names of fields that an account has of its own record. */
const keys = {
  status: "status",
  login: "login",
  email: "email",
  display_name: "displayName",
  department: "department",
  title: "title",
  manager: "manager",
  password_changed: "passwordChanged",
  realm_id: "realmId",
  user_type: "userType",
} as const satisfies Readonly<Record<string, keyof Account>>;

const isKey = (field: string): field is keyof typeof keys => Object.hasOwn(keys, field);

const ATTRIBUTE = "attributes.";

/** Sets fields back to what they were. */
const withBefore = (account: Account, fields: readonly ChangeField[]): Account => {
  const set: Record<string, unknown> = {};
  const attributes: Record<string, unknown> = {};
  for (const change of fields) {
    if (!("before" in change)) continue;
    const { field, before } = change;
    if (isKey(field)) set[keys[field]] = before;
    else if (field.startsWith(ATTRIBUTE)) attributes[field.slice(ATTRIBUTE.length)] = before;
  }
  // The fields of a change are those of the account that it was made of.
  return { ...account, ...set, attributes: { ...account.attributes, ...attributes } } as Account;
};

/** The record's part of the account, and what of it cannot be told. */
const recordAt = (
  { user }: UserFacts,
  changes: readonly StoredChange[],
  at: number,
): { readonly account: Account; readonly untold: Untold[]; readonly exists: boolean } => {
  let account = toAccount(user, {
    readAt: at,
    groups: untold("unread"),
    factors: untold("unread"),
    adminRoles: untold("unread"),
    devices: untold("devices"),
  });
  let exists = true;
  const doubtful = new Set<string>();
  for (const change of changes) {
    if (change.part !== "asset") continue;
    exists = change.kind === "updated" || change.kind === "deleted";
    account = withBefore(account, change.detail.fields);
    for (const { field } of change.detail.fields)
      if (begunAt(change) <= at) doubtful.add(field.startsWith(ATTRIBUTE) ? "attributes" : field);
      else doubtful.delete(field);
  }
  const isShown = (field: string): boolean => isKey(field) || field === "attributes";
  const untoldFields: Untold[] = [...doubtful]
    .filter(isShown)
    .map((field) => ({ field, message: message.between }));
  // The last sign-in of now is that of then, if it was before; of earlier ones nothing is kept.
  if (account.lastLogin !== null && Date.parse(account.lastLogin) > at)
    untoldFields.push({ field: "last_login", message: "earlier sign-ins are not part of the history" });
  return { account, untold: untoldFields, exists };
};

const factorsAt = (
  fact: UserFacts["factors"],
  changes: readonly StoredChange[],
  at: number,
): Undone<readonly OktaFactor[]> => {
  const factors = start(fact, at);
  for (const change of changes)
    if (change.part === "factors") undo(factors, change.detail.before, change, at);
  return factors;
};

const ownRolesAt = (
  fact: UserFacts["roles"],
  changes: readonly StoredChange[],
  at: number,
): Undone<readonly OktaRole[]> => {
  const roles = start(fact, at);
  roles.value = roles.value?.filter(isOwn) ?? null;
  for (const change of changes) if (change.part === "roles") undo(roles, change.detail.before, change, at);
  return roles;
};

/** A group as it was. */
interface PastGroup {
  readonly id: string;
  name: string | null;
  roles: Undone<readonly OktaRole[]>;
}

const pastGroup = ({ id, name, roles }: GroupFacts, at: number): PastGroup => ({
  id,
  name,
  roles: start(roles, at),
});

/** The groups of the account, and what they were like. */
const groupsAt = (past: OneFacts, status: string, at: number) => {
  const { facts, changes, groups: mentioned, everyone, formerGroups } = past;
  const now = start(facts.groups, at);
  const known = [...mentioned, ...(everyone === null ? [] : [everyone.group]), ...(now.value ?? [])];
  const all = new Map(known.map((group) => [group.id, pastGroup(group, at)]));
  const groupOf = (id: string, name: string | null): PastGroup => {
    const group = all.get(id) ?? { id, name, roles: { value: null, doubt: "unread" as const } };
    all.set(id, group);
    return group;
  };
  const members = new Set((now.value ?? []).map(({ id }) => id));
  let doubt: Undone<unknown>["doubt"] = now.doubt;
  for (const change of changes) {
    if (change.part === "groups") {
      for (const { id } of change.detail.added) members.delete(id);
      for (const { id, name } of change.detail.removed) members.add(groupOf(id, name).id);
      if (begunAt(change) <= at) doubt = "between";
    } else if (change.part === "group") {
      const { name, fields, roles } = change.detail;
      const group = groupOf(change.id, name);
      if (change.kind === "deleted") {
        if (formerGroups.includes(change.id)) members.add(change.id);
        group.roles = { value: roles ?? null, doubt: roles === undefined ? "unread" : null };
      }
      const renamed = fields.find((field) => field.field === "name");
      if (renamed !== undefined && "before" in renamed && change.kind === "updated")
        group.name = typeof renamed.before === "string" ? renamed.before : null;
    } else if (change.part === "group_roles") {
      undo(groupOf(change.id, change.detail.name).roles, change.detail.before, change, at);
    }
  }
  if (everyone !== null) {
    const belongs = status !== "DEPROVISIONED" || everyone.holdsDeprovisioned;
    if (belongs) members.add(groupOf(everyone.group.id, everyone.group.name).id);
    else members.delete(everyone.group.id);
  }
  return { groups: [...members].map((id) => groupOf(id, null)), doubt };
};

const factOf = <T>({ value, doubt }: Undone<T>, at: number): AccountFact<T> =>
  doubt === null && value !== null ? known(value, at) : untold(doubt ?? "unread");

const rolesAt = (
  own: Undone<readonly OktaRole[]>,
  { groups, doubt }: ReturnType<typeof groupsAt>,
  at: number,
): AccountFact<readonly OktaRole[]> => {
  const open = [own.doubt, doubt, ...groups.map(({ roles }) => roles.doubt)].find((why) => why !== null);
  if (open !== undefined || own.value === null) return untold(open ?? "unread");
  const inherited = groups.flatMap((group) => inheritedFrom(group, group.roles.value ?? []));
  return known([...own.value, ...inherited], at);
};

/** An account of which nothing can be told but that it is the one that has this id now. */
const unknownAccount = (facts: UserFacts, at: number, why: keyof typeof message): PastAccount => {
  const { account } = recordAt(facts, [], at);
  const fields = [...Object.keys(keys), "last_login", "attributes"];
  return {
    account: { ...account, groups: untold(why), factors: untold(why), adminRoles: untold(why) },
    untold: fields.map((field) => ({ field, message: message[why] })),
  };
};

/**
 * What is known of an account at a moment.
 * @param past the facts of now, and all that has changed since then, newest first
 * @param at ms since the epoch
 */
export const accountAt = (past: OneFacts, at: number): PastAccount => {
  const { facts, changes, isCut, keptSince, deletedAt } = past;
  const { created } = facts.user;
  if (created !== null && Date.parse(created) > at) return null;
  if (deletedAt !== null && !changes.some(({ kind, part }) => part === "asset" && kind === "deleted"))
    return null;
  if (keptSince === null || at < keptSince) return unknownAccount(facts, at, "begun");
  if (isCut) return unknownAccount(facts, at, "cut");
  const record = recordAt(facts, changes, at);
  if (!record.exists) return null;
  const groups = groupsAt(past, record.account.status, at);
  const roles = rolesAt(ownRolesAt(facts.roles, changes, at), groups, at);
  const inGroups: Account["groups"] =
    groups.doubt === null ? known(groupNames(groups.groups), at) : untold(groups.doubt);
  return {
    account: {
      ...record.account,
      groups: inGroups,
      factors: mapFact(factOf(factorsAt(facts.factors, changes, at), at), activeFactors),
      adminRoles: mapFact(roles, (all) => activeRoles(all)),
    },
    untold: record.untold,
  };
};
