/**
 * The entries of the look-up cache in KV.
 *
 *     <connection>/user/<user id>      {schema, host, facts, fetched_at, previous, names}
 *     <connection>/user/<user id>      {schema, invalidated_at}                 while a change is fresh
 *     <connection>/alias/<hash>        {schema, host, user_id, fetched_at}
 *     <connection>/alias/<hash>        {schema, host, matches, fetched_at}      none or several accounts
 *
 * An alias is an identifier, hashed because keys are shown in dashboards and logs. It only says where to look: the entry
 * of the account says which names Okta has confirmed, in `names`, and when. An entry that is of another schema, of another
 * host than the connection has now, not JSON or not of this form is a miss. Version 0.1.0 stored no host and no names,
 * so that each of its aliases is also what confirms the name. Times are ms since the epoch.
 */
import * as z from "zod";
import { sha256Hex } from "../lib/bytes.ts";
import { parseJson } from "../lib/json.ts";
import type { FetchedAccount } from "./cached-answer.ts";
import type { Identifier } from "./identifier.ts";
import { fromStored, storedAccountSchema, toStored } from "./stored-account.ts";

/** Grows when the form of an entry changes: entries of another release are misses. */
const SCHEMA = 1;

const schema = z.literal(SCHEMA);
/** The org's host: after a move of the base URL, entries of the former org must not answer. */
const host = z.string().optional();

const fetchedSchema = z.object({ facts: storedAccountSchema, fetched_at: z.number() });

const accountSchema = z.object({
  schema,
  host,
  ...fetchedSchema.shape,
  /** The newest complete facts, while `facts` are not complete. */
  previous: fetchedSchema.nullable(),
  /** When Okta last answered to each of these names with this account alone: by the keys of identifiers. */
  names: z.record(z.string(), z.number()).optional(),
});

const invalidationSchema = z.object({ schema, invalidated_at: z.number() });

const aliasSchema = z.object({ schema, host, user_id: z.string(), fetched_at: z.number() });

const negativeSchema = z.object({ schema, host, matches: z.array(z.string()), fetched_at: z.number() });

/** With what the keys of a connection begin. An id has no slash, so no other connection's keys do. */
export const connectionPrefix = (connection: string): string => `${connection}/`;

export const userKey = (connection: string, userId: string): string => `${connection}/user/${userId}`;

/** 128 bits of SHA-256 over the identifier, with the connection in front. */
export const aliasKey = async (connection: string, identifier: Pick<Identifier, "key">): Promise<string> =>
  `${connection}/alias/${(await sha256Hex(identifier.key)).slice(0, 32)}`;

/** Null for an entry that is not there or cannot be used. @param host the connection's host now */
const read = <T extends { readonly host?: string | undefined }>(
  text: string | null,
  form: z.ZodType<T>,
  host: string | null,
): T | null => {
  const entry = text === null ? null : (form.safeParse(parseJson(text)).data ?? null);
  return entry?.host === undefined || entry.host === host ? entry : null;
};

const fetchedOf = ({ facts, fetched_at }: z.infer<typeof fetchedSchema>): FetchedAccount => ({
  account: fromStored(facts),
  at: fetched_at,
});

const storedOf = ({ account, at }: FetchedAccount): z.infer<typeof fetchedSchema> => ({
  facts: toStored(account),
  fetched_at: at,
});

/** When Okta last answered to each name with an account alone, ms since the epoch, by the keys of identifiers. */
export type ConfirmedNames = ReadonlyMap<string, number>;

/** What is stored of an account. */
export interface StoredEntry extends FetchedAccount {
  readonly previous: FetchedAccount | null;
  /** Null in an entry of version 0.1.0. */
  readonly names: ConfirmedNames | null;
}

/** The entry under a user's key, as an account. */
export const readAccountEntry = (text: string | null, host: string): StoredEntry | null => {
  const entry = read(text, accountSchema, host);
  if (entry === null) return null;
  return {
    ...fetchedOf(entry),
    previous: entry.previous === null ? null : fetchedOf(entry.previous),
    names: entry.names === undefined ? null : new Map(Object.entries(entry.names)),
  };
};

/** When the account under this key was seen to change. */
export const readInvalidation = (text: string | null): number | null =>
  read<{ readonly host?: undefined; readonly invalidated_at: number }>(text, invalidationSchema, null)
    ?.invalidated_at ?? null;

/** An alias and when it was confirmed. */
export interface Alias {
  readonly userId: string;
  readonly at: number;
}

export const readAlias = (text: string | null, host: string): Alias | null => {
  const alias = read(text, aliasSchema, host);
  return alias === null ? null : { userId: alias.user_id, at: alias.fetched_at };
};

/** That no account answers to an identifier, or that several do: their logins. */
export const readNegative = (
  text: string | null,
  host: string,
): { logins: readonly string[]; at: number } | null => {
  const negative = read(text, negativeSchema, host);
  return negative === null ? null : { logins: negative.matches, at: negative.fetched_at };
};

export const accountEntry = (
  host: string,
  fetched: FetchedAccount,
  previous: FetchedAccount | null,
  names: ConfirmedNames,
): string => {
  const entry: z.input<typeof accountSchema> = {
    schema: SCHEMA,
    host,
    ...storedOf(fetched),
    previous: previous === null ? null : storedOf(previous),
    names: Object.fromEntries(names),
  };
  return JSON.stringify(entry);
};

/** The entry of an account that a run has just seen changed. @param now ms since the epoch */
export const invalidationEntry = (now: number): string =>
  JSON.stringify({ schema: SCHEMA, invalidated_at: now });

export const aliasEntry = (host: string, { userId, at }: Alias): string =>
  JSON.stringify({ schema: SCHEMA, host, user_id: userId, fetched_at: at });

export const negativeEntry = (host: string, logins: readonly string[], at: number): string =>
  JSON.stringify({ schema: SCHEMA, host, matches: logins, fetched_at: at });
