/** The names by which a cached account is found: those that Okta has confirmed, and no others. Pure. */
import type { Account } from "./account.ts";
import type { ConfirmedNames, StoredEntry } from "./cache-entries.ts";
import { STALE_IF_ERROR_MS } from "./cached-answer.ts";
import {
  answersTo,
  type Identifier,
  identifierOfKey,
  idIdentifier,
  mayBeId,
  nameIdentifier,
} from "./identifier.ts";

/** Names of former look-ups that an entry keeps beside those of the last one. */
const MOST_FORMER = 8;

/**
 * The names that a look-up has confirmed, by key: the one that was asked for, the login, and the e-mail if it leads to
 * nobody else. Without the id, which needs no confirmation.
 */
export const confirmedBy = (
  asked: Identifier,
  account: Account,
  emailIsUnique: boolean,
): ReadonlyMap<string, Identifier> => {
  const names = new Map([[asked.key, asked]]);
  const askedName = mayBeId(asked) && asked.given !== account.id ? asked.given : null;
  for (const name of [askedName, account.login, emailIsUnique ? account.email : null]) {
    const identifier = name === null ? null : nameIdentifier(name);
    if (identifier !== null) names.set(identifier.key, identifier);
  }
  names.delete(idIdentifier(account.id).key);
  return names;
};

/**
 * All names to store with an account: those that the look-up has confirmed, and of those before it what may still be used.
 * An e-mail that has turned out to be somebody else's as well is none of them.
 * @param before what is stored of the account
 * @param at when it was looked up, ms since the epoch
 */
export const namesToStore = (
  confirmed: ReadonlyMap<string, Identifier>,
  account: Account,
  before: StoredEntry | null,
  at: number,
): ConfirmedNames => {
  const names = new Map([...confirmed.keys()].map((key) => [key, at]));
  const email = account.email === null ? null : nameIdentifier(account.email).key;
  const former = [...(before?.account.id === account.id ? (before.names ?? []) : [])]
    .filter(([key, when]) => !names.has(key) && key !== email && at - when < STALE_IF_ERROR_MS)
    .filter(([key]) => answersTo(identifierOfKey(key), account))
    .sort(([, a], [, b]) => b - a);
  for (const [key, when] of former.slice(0, MOST_FORMER)) names.set(key, when);
  return names;
};

/**
 * When Okta has confirmed that a stored account is who an identifier means, ms since the epoch; null if it has not, or if
 * the account no longer answers to it. Logins and e-mails change hands, so whatever leads to an account is checked here.
 * @param aliasAt when the alias was stored that led to it; null if something else did
 */
export const confirmedAt = (
  identifier: Identifier,
  { account, at, names }: StoredEntry,
  aliasAt: number | null,
): number | null => {
  if (account.id === identifier.given) return at;
  if (!answersTo(identifier, account)) return null;
  if (names === null) return aliasAt;
  const whole = account.login === null ? null : nameIdentifier(account.login).key;
  // A name that may be an id is also known in the spelling of a name.
  const keys = mayBeId(identifier)
    ? [identifier.key, nameIdentifier(identifier.given).key]
    : [identifier.key];
  // No two accounts have the same login, and it goes before everybody's e-mail.
  if (whole !== null && keys.includes(whole)) return at;
  const times = keys.flatMap((key) => names.get(key) ?? []);
  return times.length === 0 ? null : Math.max(...times);
};
