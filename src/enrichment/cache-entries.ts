/**
 * The entries of the look-up cache in KV.
 *
 *     <connection>/user/<user id>      {schema, facts, fetched_at, previous}
 *     <connection>/user/<user id>      {schema, invalidated_at}                 while a change is fresh
 *     <connection>/alias/<hash>        {schema, user_id, fetched_at}
 *     <connection>/alias/<hash>        {schema, matches, fetched_at}            none or several accounts
 *
 * An alias is an identifier, hashed because keys are shown in dashboards and logs. An entry that is of another
 * schema, not JSON or not of this form is a miss. Times are ms since the epoch.
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

const fetchedSchema = z.object({ facts: storedAccountSchema, fetched_at: z.number() });

const accountSchema = z.object({
  schema,
  ...fetchedSchema.shape,
  /** The newest complete facts, while `facts` are not complete. */
  previous: fetchedSchema.nullable(),
});

const invalidationSchema = z.object({ schema, invalidated_at: z.number() });

const aliasSchema = z.object({ schema, user_id: z.string(), fetched_at: z.number() });

const negativeSchema = z.object({ schema, matches: z.array(z.string()), fetched_at: z.number() });

/** With what the keys of a connection begin. An id has no slash, so no other connection's keys do. */
export const connectionPrefix = (connection: string): string => `${connection}/`;

export const userKey = (connection: string, userId: string): string => `${connection}/user/${userId}`;

/** 128 bits of SHA-256 over the identifier, with the connection in front. */
export const aliasKey = async (connection: string, identifier: Identifier): Promise<string> =>
  `${connection}/alias/${(await sha256Hex(identifier.key)).slice(0, 32)}`;

/** Null for an entry that is not there or cannot be used. */
const read = <T>(text: string | null, form: z.ZodType<T>): T | null =>
  text === null ? null : (form.safeParse(parseJson(text)).data ?? null);

const fetchedOf = ({ facts, fetched_at }: z.infer<typeof fetchedSchema>): FetchedAccount => ({
  account: fromStored(facts),
  at: fetched_at,
});

const storedOf = ({ account, at }: FetchedAccount): z.infer<typeof fetchedSchema> => ({
  facts: toStored(account),
  fetched_at: at,
});

/** The entry under a user's key, as an account. */
export const readAccountEntry = (
  text: string | null,
): (FetchedAccount & { readonly previous: FetchedAccount | null }) | null => {
  const entry = read(text, accountSchema);
  if (entry === null) return null;
  return { ...fetchedOf(entry), previous: entry.previous === null ? null : fetchedOf(entry.previous) };
};

/** When the account under this key was seen to change. */
export const readInvalidation = (text: string | null): number | null =>
  read(text, invalidationSchema)?.invalidated_at ?? null;

/** An alias and when it was confirmed. */
export interface Alias {
  readonly userId: string;
  readonly at: number;
}

export const readAlias = (text: string | null): Alias | null => {
  const alias = read(text, aliasSchema);
  return alias === null ? null : { userId: alias.user_id, at: alias.fetched_at };
};

/** That no account answers to an identifier, or that several do: their logins. */
export const readNegative = (text: string | null): { logins: readonly string[]; at: number } | null => {
  const negative = read(text, negativeSchema);
  return negative === null ? null : { logins: negative.matches, at: negative.fetched_at };
};

export const accountEntry = (fetched: FetchedAccount, previous: FetchedAccount | null): string => {
  const entry: z.input<typeof accountSchema> = {
    schema: SCHEMA,
    ...storedOf(fetched),
    previous: previous === null ? null : storedOf(previous),
  };
  return JSON.stringify(entry);
};

/** The entry of an account that a run has just seen changed. @param now ms since the epoch */
export const invalidationEntry = (now: number): string =>
  JSON.stringify({ schema: SCHEMA, invalidated_at: now });

export const aliasEntry = ({ userId, at }: Alias): string =>
  JSON.stringify({ schema: SCHEMA, user_id: userId, fetched_at: at });

export const negativeEntry = (logins: readonly string[], at: number): string =>
  JSON.stringify({ schema: SCHEMA, matches: logins, fetched_at: at });
