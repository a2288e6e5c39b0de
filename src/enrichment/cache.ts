/**
 * The look-up cache in KV; `cache-entries.ts` has the form of its entries. KV is eventually consistent: another place
 * may see a write a minute late, so `AccountLookup` guards what must not happen twice.
 */
import type { Connection } from "../config/types.ts";
import { errorFields, log } from "../lib/log.ts";
import { timeLimit } from "../lib/timeout.ts";
import { isComplete } from "./account.ts";
import {
  type Alias,
  accountEntry,
  aliasEntry,
  aliasKey,
  connectionPrefix,
  invalidationEntry,
  negativeEntry,
  readAccountEntry,
  readAlias,
  readInvalidation,
  readNegative,
  userKey,
} from "./cache-entries.ts";
import {
  type CacheMiss,
  type CacheResult,
  type FetchedAccount,
  SHORT_LIFE_MS,
  STALE_IF_ERROR_MS,
} from "./cached-answer.ts";
import { answersTo, type Identifier, idIdentifier, mayBeId, nameIdentifier } from "./identifier.ts";
import { limited } from "./limited.ts";
import type { EnrichmentSettings } from "./settings.ts";

/** KV refuses shorter ones. */
const MIN_KV_TTL_SECONDS = 60;

/** What `AccountCache` needs of a KV namespace. */
export interface Kv {
  get(key: string): Promise<string | null>;
  put(key: string, value: string, options: { expirationTtl: number }): Promise<void>;
}

/**
 * Aliases that this isolate has read, so that a repeated question costs one KV read. They only point: the entry
 * that one leads to is read and checked every time.
 */
const pointers = new Map<string, Alias>();
const MAX_POINTERS = 5_000;

const rememberPointer = (key: string, alias: Alias): void => {
  pointers.delete(key);
  pointers.set(key, alias);
  if (pointers.size <= MAX_POINTERS) return;
  for (const oldest of pointers.keys()) {
    pointers.delete(oldest);
    break;
  }
};

const miss = (invalidatedAt: number | null = null): CacheMiss => ({ found: "miss", invalidatedAt });

/** How long KV keeps an account, s: as long as it is fresh or may stand in. `now` in ms since the epoch. */
const expirationOf = (
  complete: boolean,
  previous: FetchedAccount | null,
  ttlMs: number,
  now: number,
): number => {
  const incompleteMs = previous === null ? SHORT_LIFE_MS : previous.at + STALE_IF_ERROR_MS - now;
  const ms = complete ? Math.max(STALE_IF_ERROR_MS, ttlMs) : incompleteMs;
  return Math.max(MIN_KV_TTL_SECONDS, Math.ceil(ms / 1000));
};

export interface WriteOptions {
  /** Whether no other account has the e-mail, as e-mail or login. */
  readonly emailIsUnique: boolean;
  /** The newest complete account, in case this one is not complete. */
  readonly previous: FetchedAccount | null;
  /** How long a complete account is fresh. */
  readonly ttlMs: number;
  /** ms since the epoch. */
  readonly now: number;
}

/** In the place of KV where look-ups are to stay out of it. */
const nowhere: Kv = { get: async () => null, put: async () => {} };

/** Where answers are kept, by the setting LOOKUP_CACHE. */
export const kvFor = (kv: Kv, { cache }: Pick<EnrichmentSettings, "cache">): Kv =>
  cache === "off" ? nowhere : kv;

/** Look-ups of one connection. A KV failure on reading is a miss; a failure on writing is the caller's to catch. */
export class AccountCache {
  readonly #kv: Kv;
  readonly #connection: string;
  readonly #host: string;

  constructor(kv: Kv, { id, baseUrl }: Pick<Connection, "id" | "baseUrl">) {
    this.#kv = kv;
    this.#connection = id;
    this.#host = new URL(baseUrl).host;
  }

  /**
   * What is stored for an identifier. Costs one KV read, two where the isolate has not seen the alias yet, and up to
   * two more for what is not stored under its name and may be an id.
   */
  async read(identifier: Identifier): Promise<CacheResult> {
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

  #byId(identifier: Identifier): Promise<CacheResult> {
    return this.#byPointer(identifier, { userId: identifier.given, at: Number.POSITIVE_INFINITY });
  }

  async #byAlias(identifier: Identifier): Promise<CacheResult> {
    const memory = this.#memory(identifier);
    const seen = pointers.get(memory);
    if (seen !== undefined) {
      const entry = await this.#byPointer(identifier, seen);
      if (entry.found !== "miss") return entry;
      pointers.delete(memory);
    }
    const text = await this.#get(await aliasKey(this.#connection, identifier));
    const alias = readAlias(text, this.#host);
    if (alias !== null) {
      const entry = await this.#byPointer(identifier, alias);
      if (entry.found === "one") rememberPointer(memory, alias);
      return entry;
    }
    const negative = readNegative(text, this.#host);
    if (negative === null) return miss();
    const { logins, at } = negative;
    return logins.length === 0 ? { found: "none", at } : { found: "many", logins, at };
  }

  /** The account that an alias points to. It is as old as its alias where the last fetch did not confirm that. */
  async #byPointer(identifier: Identifier, alias: Alias): Promise<CacheResult> {
    const text = await this.#get(userKey(this.#connection, alias.userId));
    const entry = readAccountEntry(text, this.#host);
    if (entry === null) return miss(readInvalidation(text));
    const { account, at, previous } = entry;
    if (account.id !== alias.userId) return miss();
    // Logins and e-mails change hands: the account no longer has this name, and older answers are wrong.
    if (!answersTo(identifier, account)) return miss(at);
    return { found: "one", account, at: Math.min(at, alias.at), previous };
  }

  /** When the sync last saw this user change, if that was within the last minute; ms since the epoch. */
  async invalidatedAt(userId: string): Promise<number | null> {
    return readInvalidation(await this.#get(userKey(this.#connection, userId)));
  }

  /**
   * Stores an account under its id, with aliases for the identifier asked, its login, and its e-mail if no other
   * account has that. An incomplete account is fresh for a minute; the complete one before it stays beside it.
   */
  async writeAccount(asked: Identifier, fetched: FetchedAccount, options: WriteOptions): Promise<void> {
    const { account, at } = fetched;
    const complete = isComplete(account);
    const previous = complete ? null : options.previous;
    const expirationTtl = expirationOf(complete, previous, options.ttlMs, options.now);
    const aliases = new Map([[asked.key, asked]]);
    const askedName = mayBeId(asked) && asked.given !== account.id ? asked.given : null;
    for (const name of [askedName, account.login, options.emailIsUnique ? account.email : null]) {
      const identifier = name === null ? null : nameIdentifier(name);
      if (identifier !== null) aliases.set(identifier.key, identifier);
    }
    aliases.delete(idIdentifier(account.id).key);
    const alias = { userId: account.id, at };
    await Promise.all([
      this.#kv.put(userKey(this.#connection, account.id), accountEntry(this.#host, fetched, previous), {
        expirationTtl,
      }),
      ...[...aliases.values()].map(async (identifier) => {
        rememberPointer(this.#memory(identifier), alias);
        await this.#kv.put(await aliasKey(this.#connection, identifier), aliasEntry(this.#host, alias), {
          expirationTtl,
        });
      }),
    ]);
  }

  /** Stores that no account, or several, answer to an identifier. */
  async writeNegative(asked: Identifier, logins: readonly string[], at: number): Promise<void> {
    pointers.delete(this.#memory(asked));
    await this.#kv.put(await aliasKey(this.#connection, asked), negativeEntry(this.#host, logins, at), {
      expirationTtl: MIN_KV_TTL_SECONDS,
    });
  }

  /** Under which name `pointers` knows an identifier. */
  #memory({ key }: Identifier): string {
    return `${this.#connection}/${this.#host}/${key}`;
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

/** How many of KV's keys are worked on at once: no more connections than Cloudflare opens at a time. */
const FORGET_IN_PARALLEL = 6;
/** Keys deleted at a time: with the list call below the 50 subrequests of the free plan. */
const KEYS_AT_ONCE = 40;
/** How long forgetting may take, ms. */
const FORGET_WITHIN_MS = 5_000;

/**
 * Forgets cached look-ups of users that the sync has seen changed or deleted. Costs one read per user, and a write
 * only for those that are cached. A key that fails does not keep others from being forgotten. Never throws.
 * @param now ms since the epoch: what was fetched before is no longer served
 * @returns the users for whom it failed or took too long, in the order in which they were given
 */
export const invalidateAccounts = async (
  kv: Kv,
  connection: string,
  userIds: readonly string[],
  now: number,
): Promise<string[]> => {
  const left = new Set(userIds);
  let lastError: unknown;
  const limit = timeLimit(FORGET_WITHIN_MS);
  const inTurn = limited(FORGET_IN_PARALLEL);
  const forget = async (userId: string): Promise<void> => {
    if (limit.signal.aborted) return;
    const key = userKey(connection, userId);
    try {
      if ((await kv.get(key)) !== null) {
        await kv.put(key, invalidationEntry(now), { expirationTtl: MIN_KV_TTL_SECONDS });
      }
      left.delete(userId);
    } catch (error) {
      lastError = error;
    }
  };
  const late = new Promise<void>((resolve) => limit.signal.addEventListener("abort", () => resolve()));
  await Promise.race([Promise.all(userIds.map((userId) => inTurn(() => forget(userId)))), late]);
  limit.clear();
  if (left.size > 0) {
    lastError ??= limit.signal.reason;
    log("warn", "enrichment_cache_not_forgotten", {
      connection,
      users: left.size,
      ...errorFields(lastError),
    });
  }
  return [...left];
};

/**
 * Deletes cached look-ups of a connection, a page of keys at a time. Costs a list call and a call for each key. Throws
 * what KV throws; call it again then.
 * @param cursor what the last call returned; null begins at the first key
 * @returns the cursor of the next page; null when this was the last
 */
export const forgetConnection = async (
  kv: Pick<KVNamespace, "list" | "delete">,
  connection: string,
  cursor: string | null,
): Promise<string | null> => {
  const page = await kv.list({ prefix: connectionPrefix(connection), limit: KEYS_AT_ONCE, cursor });
  const inTurn = limited(FORGET_IN_PARALLEL);
  await Promise.all(page.keys.map(({ name }) => inTurn(() => kv.delete(name))));
  return page.list_complete ? null : page.cursor;
};
