/**
 * The look-up cache in KV.
 *
 *     <connection>/user/<user id>      {schema, facts, fetched_at, previous}
 *     <connection>/user/<user id>      {schema, invalidated_at}                 while a change is fresh
 *     <connection>/alias/<hash>        {schema, user_id, fetched_at}
 *     <connection>/alias/<hash>        {schema, matches, fetched_at}            none or several accounts
 *
 * An alias is an identifier hashed, because keys are shown in dashboards and logs. What is of another schema,
 * not JSON, or not of this form is a miss. KV is eventually consistent: another place may see a write a minute
 * late, so `AccountLookup` guards what must not happen twice.
 */

import * as z from "zod";
import { sha256Hex } from "../lib/bytes.ts";
import { parseJson } from "../lib/json.ts";
import { errorFields, log } from "../lib/log.ts";
import { type Account, accountSchema, type Found, isComplete } from "./account.ts";
import { answersTo, type Identifier, idIdentifier, mayBeId, nameIdentifier } from "./identifier.ts";

/** Grows when the form of an entry changes: entries of another release are misses. */
const SCHEMA = 1;

/** How long a copy stands in when Okta cannot answer. */
export const STALE_IF_ERROR_MS = 24 * 60 * 60_000;
/** "No such account", "several accounts" and answers with missing facts. */
const SHORT_LIFE_MS = 60_000;
/** KV refuses shorter ones. */
const MIN_KV_TTL_SECONDS = 60;
/** In the last tenth of its life an entry that is asked for is refreshed. */
const DUE_AT = 0.9;

const entrySchema = z.object({
  schema: z.literal(SCHEMA),
  facts: accountSchema,
  fetched_at: z.number(),
  /** The newest complete facts, when `facts` are not complete. */
  previous: z.object({ facts: accountSchema, fetched_at: z.number() }).nullable(),
});

const tombstoneSchema = z.object({ schema: z.literal(SCHEMA), invalidated_at: z.number() });

const aliasSchema = z.object({ schema: z.literal(SCHEMA), user_id: z.string(), fetched_at: z.number() });

const negativeSchema = z.object({
  schema: z.literal(SCHEMA),
  matches: z.array(z.string()),
  fetched_at: z.number(),
});

/** Facts and when they were fetched, ms since the epoch. */
export interface Copy {
  readonly account: Account;
  readonly at: number;
}

/** What the cache has for an identifier. It says nothing of freshness; see `freshness`. */
export type Cached =
  | { readonly found: "one"; readonly account: Account; readonly at: number; readonly previous: Copy | null }
  | { readonly found: "many"; readonly logins: readonly string[]; readonly at: number }
  | { readonly found: "none"; readonly at: number }
  /** `invalidatedAt`: since then what was known before is wrong; ms since the epoch. */
  | { readonly found: "miss"; readonly invalidatedAt: number | null };

/** A cached answer: anything but a miss. */
export type Held = Exclude<Cached, { found: "miss" }>;

/** What a cached answer says, without its age. */
export const foundIn = (held: Held): Found => {
  if (held.found === "one") return { found: "one", account: held.account };
  return held.found === "many" ? { found: "many", logins: held.logins } : { found: "none" };
};

export type Freshness = "fresh" | "due" | "expired";

/** How long an answer counts as fresh, ms. */
const lifetime = (cached: Held, ttlMs: number): number =>
  cached.found === "one" && isComplete(cached.account) ? ttlMs : Math.min(ttlMs, SHORT_LIFE_MS);

/** `due` is fresh, but in the last tenth of its life. A copy from the future (another clock) is expired. */
export const freshness = (cached: Cached, ttlMs: number, now: number): Freshness => {
  if (cached.found === "miss") return "expired";
  const age = now - cached.at;
  const life = lifetime(cached, ttlMs);
  if (age >= life || age < -SHORT_LIFE_MS) return "expired";
  return cached.found === "one" && age >= life * DUE_AT ? "due" : "fresh";
};

/** The copy that may stand in when Okta cannot answer: complete, and not older than a day. */
export const standIn = (cached: Cached, now: number): Copy | null => {
  if (cached.found !== "one") return null;
  const copy = isComplete(cached.account) ? { account: cached.account, at: cached.at } : cached.previous;
  return copy !== null && now - copy.at < STALE_IF_ERROR_MS ? copy : null;
};

/** What `AccountCache` needs of a KV namespace. */
export interface Kv {
  get(key: string): Promise<string | null>;
  put(key: string, value: string, options: { expirationTtl: number }): Promise<void>;
}

interface Alias {
  readonly userId: string;
  readonly at: number;
}

/**
 * Aliases that this isolate has read, so that a repeated question costs one KV read. Only a pointer: the entry
 * that it leads to is read and checked every time.
 */
const pointers = new Map<string, Alias>();
const MAX_POINTERS = 5_000;

const remember = (key: string, alias: Alias): void => {
  pointers.delete(key);
  pointers.set(key, alias);
  if (pointers.size <= MAX_POINTERS) return;
  for (const oldest of pointers.keys()) {
    pointers.delete(oldest);
    break;
  }
};

/** A corrupt entry is a miss. */
const read = <T>(text: string | null, schema: z.ZodType<T>): T | null =>
  text === null ? null : (schema.safeParse(parseJson(text)).data ?? null);

const userKey = (connection: string, userId: string): string => `${connection}/user/${userId}`;

/** 128 bits of SHA-256 over the identifier, with the connection in front. */
const aliasKey = async (connection: string, identifier: Identifier): Promise<string> =>
  `${connection}/alias/${(await sha256Hex(identifier.key)).slice(0, 32)}`;

const miss = (invalidatedAt: number | null = null): Cached => ({ found: "miss", invalidatedAt });

/** Look-ups of one connection. A KV failure on reading is a miss; on writing it is the caller's to catch. */
export class AccountCache {
  readonly #kv: Kv;
  readonly #connection: string;

  constructor(kv: Kv, connection: string) {
    this.#kv = kv;
    this.#connection = connection;
  }

  /**
   * What is stored for an identifier. One KV read, two where the isolate has not seen the alias yet; up to two
   * more for what is not stored under its name and may be an id.
   */
  async read(identifier: Identifier): Promise<Cached> {
    if (identifier.kind === "id") {
      const entry = await this.#byId(identifier);
      return entry.found !== "miss" || entry.invalidatedAt !== null ? entry : this.#byAlias(identifier);
    }
    const asked = await this.#byAlias(identifier);
    if (asked.found === "one" || !mayBeId(identifier)) return asked;
    const entry = await this.#byId(identifier);
    if (entry.found !== "miss" || entry.invalidatedAt !== null) return entry;
    const { key } = nameIdentifier(identifier.given);
    if (key === identifier.key) return asked;
    // The name may be known in another spelling. That it is not known there says nothing of this one.
    const named = await this.#byAlias({ ...identifier, key });
    return named.found === "one" ? named : asked;
  }

  #byId(identifier: Identifier): Promise<Cached> {
    return this.#entry(identifier, { userId: identifier.given, at: Number.POSITIVE_INFINITY });
  }

  async #byAlias(identifier: Identifier): Promise<Cached> {
    const memory = `${this.#connection}/${identifier.key}`;
    const seen = pointers.get(memory);
    if (seen !== undefined) {
      const entry = await this.#entry(identifier, seen);
      if (entry.found !== "miss") return entry;
      pointers.delete(memory);
    }
    const text = await this.#get(await aliasKey(this.#connection, identifier));
    const alias = read(text, aliasSchema);
    if (alias !== null) {
      const pointer = { userId: alias.user_id, at: alias.fetched_at };
      const entry = await this.#entry(identifier, pointer);
      if (entry.found === "one") remember(memory, pointer);
      return entry;
    }
    const negative = read(text, negativeSchema);
    if (negative === null) return miss();
    const { matches, fetched_at: at } = negative;
    return matches.length === 0 ? { found: "none", at } : { found: "many", logins: matches, at };
  }

  /** The entry behind an alias. An alias that was not confirmed with the last fetch is as old as it is. */
  async #entry(identifier: Identifier, alias: Alias): Promise<Cached> {
    const text = await this.#get(userKey(this.#connection, alias.userId));
    const entry = read(text, entrySchema);
    if (entry === null) return miss(read(text, tombstoneSchema)?.invalidated_at ?? null);
    const { facts, fetched_at, previous } = entry;
    if (facts.id !== alias.userId) return miss();
    // Logins and e-mails change hands: who was called this is not any more, and older answers are wrong.
    if (!answersTo(identifier, facts)) return miss(fetched_at);
    return {
      found: "one",
      account: facts,
      at: Math.min(fetched_at, alias.at),
      previous: previous === null ? null : { account: previous.facts, at: previous.fetched_at },
    };
  }

  /** When the sync last saw this user change, if that is fresh; ms since the epoch. */
  async invalidatedAt(userId: string): Promise<number | null> {
    const text = await this.#get(userKey(this.#connection, userId));
    return read(text, tombstoneSchema)?.invalidated_at ?? null;
  }

  /**
   * Stores an account under its id, with aliases for the identifier asked, its login, and its e-mail where that
   * is known to be its alone. Incomplete facts last a minute, beside the complete ones that they do not replace.
   */
  async writeAccount(
    asked: Identifier,
    fetched: Copy,
    options: { emailIsUnique: boolean; previous: Copy | null; ttlMs: number; now: number },
  ): Promise<void> {
    const { account, at } = fetched;
    const complete = isComplete(account);
    const previous = complete ? null : options.previous;
    const holdMs = complete
      ? Math.max(STALE_IF_ERROR_MS, options.ttlMs)
      : previous === null
        ? SHORT_LIFE_MS
        : previous.at + STALE_IF_ERROR_MS - options.now;
    const expirationTtl = Math.max(MIN_KV_TTL_SECONDS, Math.ceil(holdMs / 1000));
    const entry: z.input<typeof entrySchema> = {
      schema: SCHEMA,
      facts: accountSchema.parse(account),
      fetched_at: at,
      previous:
        previous === null ? null : { facts: accountSchema.parse(previous.account), fetched_at: previous.at },
    };
    const aliases = new Map([[asked.key, asked]]);
    const askedName = mayBeId(asked) && asked.given !== account.id ? asked.given : null;
    for (const name of [askedName, account.login, options.emailIsUnique ? account.email : null]) {
      const identifier = name === null ? null : nameIdentifier(name);
      if (identifier !== null) aliases.set(identifier.key, identifier);
    }
    aliases.delete(idIdentifier(account.id).key);
    const alias = JSON.stringify({ schema: SCHEMA, user_id: account.id, fetched_at: at });
    await Promise.all([
      this.#kv.put(userKey(this.#connection, account.id), JSON.stringify(entry), { expirationTtl }),
      ...[...aliases.values()].map(async (identifier) => {
        remember(`${this.#connection}/${identifier.key}`, { userId: account.id, at });
        await this.#kv.put(await aliasKey(this.#connection, identifier), alias, { expirationTtl });
      }),
    ]);
  }

  /** Stores that no account, or several, answer to an identifier. */
  async writeNegative(asked: Identifier, logins: readonly string[], at: number): Promise<void> {
    const value = JSON.stringify({ schema: SCHEMA, matches: logins, fetched_at: at });
    pointers.delete(`${this.#connection}/${asked.key}`);
    await this.#kv.put(await aliasKey(this.#connection, asked), value, { expirationTtl: MIN_KV_TTL_SECONDS });
  }

  async #get(key: string): Promise<string | null> {
    try {
      return await this.#kv.get(key);
    } catch (error) {
      log("warn", "enrichment_cache_unreadable", errorFields(error));
      return null;
    }
  }
}

/**
 * Forgets cached look-ups of users that the sync has seen changed or deleted. Costs a read a user, and a write
 * only for those that are cached.
 * @param now ms since the epoch: what was fetched before is not to be served any more
 */
export const invalidateAccounts = async (
  kv: Kv,
  connection: string,
  userIds: readonly string[],
  now: number,
): Promise<void> => {
  const tombstone = JSON.stringify({ schema: SCHEMA, invalidated_at: now });
  for (const userId of userIds) {
    const key = userKey(connection, userId);
    if ((await kv.get(key)) !== null) await kv.put(key, tombstone, { expirationTtl: MIN_KV_TTL_SECONDS });
  }
};
