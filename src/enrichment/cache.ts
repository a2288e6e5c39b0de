/**
 * The look-up cache in KV; `cache-entries.ts` has the form of its entries. KV is eventually consistent: another place
 * may see a write a minute late, so `AccountLookup` guards what must not happen twice.
 */
import type { Connection } from "../config/types.ts";
import { errorFields, log } from "../lib/log.ts";
import { setNewest } from "../lib/newest.ts";
import { type SpentQuota, spentQuota } from "../lib/quota.ts";
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
  type StoredEntry,
  userKey,
} from "./cache-entries.ts";
import {
  type CacheMiss,
  type CacheResult,
  type FetchedAccount,
  SHORT_LIFE_MS,
  STALE_IF_ERROR_MS,
} from "./cached-answer.ts";
import { answersTo, type Identifier, mayBeId, nameIdentifier } from "./identifier.ts";
import { limited } from "./limited.ts";
import { confirmedAt, confirmedBy, namesToStore } from "./names.ts";
import type { EnrichmentSettings } from "./settings.ts";

/** KV refuses shorter ones. */
const MIN_KV_TTL_SECONDS = 60;

/** What `AccountCache` needs of a KV namespace. */
export interface Kv {
  get(key: string): Promise<string | null>;
  put(key: string, value: string, options: { expirationTtl: number }): Promise<void>;
}

/**
 * Where this isolate has found names, so that a repeated question costs one KV read. A pointer only points: the entry
 * that it leads to is read and checked every time.
 */
const pointers = new Map<string, Alias>();
const MAX_POINTERS = 5_000;

const rememberPointer = (key: string, alias: Alias): void => setNewest(pointers, key, alias, MAX_POINTERS);

/** Entries as they were read last. KV is asked every time, but what it says is read anew only where it has changed. */
const lastRead = new Map<string, { text: string; host: string; entry: StoredEntry }>();
const MAX_LAST_READ = 200;

/** The same as `readAccountEntry`. @param key under which the text is stored */
const readEntry = (key: string, text: string | null, host: string): StoredEntry | null => {
  const last = lastRead.get(key);
  if (last !== undefined && last.text === text && last.host === host) return last.entry;
  lastRead.delete(key);
  const entry = readAccountEntry(text, host);
  if (entry !== null && text !== null) setNewest(lastRead, key, { text, host, entry }, MAX_LAST_READ);
  return entry;
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
  /** When Okta was asked, ms since the epoch: if the account was seen to change since then, nothing is stored. */
  readonly startedAt?: number;
  /** Whether a name is found without an alias, because the inventory knows whose it is. */
  readonly isResolved?: (name: Identifier) => boolean;
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
    return this.#byPointer(identifier, { userId: identifier.given, at: null });
  }

  async #byAlias(identifier: Identifier): Promise<CacheResult> {
    const memory = this.#memory(identifier);
    const seen = pointers.get(memory);
    let missed: CacheResult = miss();
    if (seen !== undefined) {
      missed = await this.#byPointer(identifier, seen);
      if (missed.found !== "miss") return missed;
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
    if (negative === null) return missed;
    const { logins, at } = negative;
    return logins.length === 0 ? { found: "none", at } : { found: "many", logins, at };
  }

  /** What is stored of a user, if that is who an identifier means; for whoever knows of a user with that name. */
  async readAs(identifier: Identifier, userId: string): Promise<CacheResult> {
    const entry = await this.#byPointer(identifier, { userId, at: null });
    if (entry.found === "one") this.remember(identifier, userId, entry.at);
    return entry;
  }

  /** Notes in memory whose name it is. @param at when Okta said so, ms since the epoch */
  remember(identifier: Identifier, userId: string, at: number): void {
    if (identifier.given !== userId) rememberPointer(this.#memory(identifier), { userId, at });
  }

  /** The account that something points to. It is as old as the confirmation of its name. */
  async #byPointer(
    identifier: Identifier,
    { userId, at: aliasAt }: { readonly userId: string; readonly at: number | null },
  ): Promise<CacheResult> {
    const key = userKey(this.#connection, userId);
    const text = await this.#get(key);
    const entry = readEntry(key, text, this.#host);
    if (entry === null) return miss(readInvalidation(text));
    const { account, at, previous } = entry;
    if (account.id !== userId) return miss();
    // Logins and e-mails change hands: the account no longer has this name, and older answers are wrong.
    if (!answersTo(identifier, account)) return miss(at);
    const namedAt = confirmedAt(identifier, entry, aliasAt);
    return namedAt === null ? miss() : { found: "one", account, at: Math.min(at, namedAt), previous };
  }

  /**
   * Stores an account under its id, with the names that lead to it: the one that was asked for, its login, and its e-mail
   * if no other account has that. A name that is not found otherwise gets an alias, and so does one that has led
   * somewhere else. An incomplete account is fresh for a minute; the complete one before it stays beside it.
   */
  async writeAccount(asked: Identifier, fetched: FetchedAccount, options: WriteOptions): Promise<void> {
    const { account, at } = fetched;
    const { emailIsUnique, ttlMs, now, startedAt, isResolved = () => false } = options;
    const confirmed = confirmedBy(asked, account, emailIsUnique);
    const [text, unaliased] = await Promise.all([
      this.#get(userKey(this.#connection, account.id)),
      this.#without([...confirmed.values()], account.id, isResolved),
    ]);
    // A run has seen the account change while we were reading it, so what we have may be older than the change.
    const invalidatedAt = readInvalidation(text);
    if (startedAt !== undefined && invalidatedAt !== null && invalidatedAt >= startedAt) return;
    const before = readAccountEntry(text, this.#host);
    const complete = isComplete(account);
    const previous = complete ? null : options.previous;
    const expirationTtl = expirationOf(complete, previous, ttlMs, now);
    const entry = accountEntry(this.#host, fetched, previous, namesToStore(confirmed, account, before, at));
    for (const identifier of confirmed.values()) this.remember(identifier, account.id, at);
    await Promise.all([
      this.#kv.put(userKey(this.#connection, account.id), entry, { expirationTtl }),
      ...unaliased.map((identifier) =>
        this.#putAlias(identifier.key, { userId: account.id, at }, expirationTtl),
      ),
    ]);
  }

  /** Has a name lead to a user, for as long as a complete account is kept. @param key the name's */
  async writeAlias(key: string, alias: Alias, ttlMs: number): Promise<void> {
    await this.#putAlias(key, alias, expirationOf(true, null, ttlMs, alias.at));
  }

  async #putAlias(key: string, alias: Alias, expirationTtl: number): Promise<void> {
    const value = aliasEntry(this.#host, alias);
    await this.#kv.put(await aliasKey(this.#connection, { key }), value, { expirationTtl });
  }

  /** Those of a user's names that need an alias: nothing else leads to the user, or KV has something else about them. */
  async #without(
    names: readonly Identifier[],
    userId: string,
    isResolved: (name: Identifier) => boolean,
  ): Promise<Identifier[]> {
    const needs = await Promise.all(
      names.map(async (name) => {
        if (!isResolved(name)) return true;
        const text = await this.#get(await aliasKey(this.#connection, name));
        return text !== null && readAlias(text, this.#host)?.userId !== userId;
      }),
    );
    return names.filter((_, index) => needs[index]);
  }

  /** Stores that no account, or several, answer to an identifier. */
  async writeNegative(asked: Identifier, logins: readonly string[], at: number): Promise<void> {
    pointers.delete(this.#memory(asked));
    await this.#kv.put(await aliasKey(this.#connection, asked), negativeEntry(this.#host, logins, at), {
      expirationTtl: MIN_KV_TTL_SECONDS,
    });
  }

  /** Has a user looked up anew, because a name no longer leads there. @param now ms since the epoch */
  async forget(userId: string, now: number): Promise<void> {
    const expirationTtl = MIN_KV_TTL_SECONDS;
    await this.#kv.put(userKey(this.#connection, userId), invalidationEntry(now), { expirationTtl });
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
 * @param spent is told if it failed because a daily quota is used up
 * @returns the users for whom it failed or took too long, in the order in which they were given
 */
export const invalidateAccounts = async (
  kv: Kv,
  connection: string,
  userIds: readonly string[],
  now: number,
  spent: (quota: SpentQuota) => void = () => {},
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
    const quota = spentQuota(lastError, now);
    if (quota !== null) spent(quota);
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
