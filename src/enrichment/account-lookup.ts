import { DurableObject } from "cloudflare:workers";
import { connectionOf } from "../config/connections.ts";
import { objectOf, refuseMisplaced } from "../config/residency.ts";
import type { Connection } from "../config/types.ts";
import { connectionOfLookup, streamObjectName } from "../contract/objects.ts";
import type { AccountFacts, NamedUser } from "../inventory/api.ts";
import { errorFields, log } from "../lib/log.ts";
import { type Purgeable, purgeObject } from "../lib/purge.ts";
import type { SpentQuota } from "../lib/quota.ts";
import { err, ok, type Result } from "../lib/result.ts";
import { timeLimit } from "../lib/timeout.ts";
import { connectOkta, type OktaSession } from "../okta/connect.ts";
import { type OktaError, oktaError } from "../okta/errors.ts";
import { devicesFact, isComplete } from "./account.ts";
import type { LookupFailure } from "./answer.ts";
import { AccountCache, kvFor } from "./cache.ts";
import { answerToKeep, type CachedAnswer, type CacheResult, foundIn, freshness } from "./cached-answer.ts";
import { addCounts, type LookupCounts, noCounts } from "./counters.ts";
import { Directory, type Inquiry } from "./directory.ts";
import { type Identifier, nameIdentifier } from "./identifier.ts";
import { limited } from "./limited.ts";
import { type LookedUp, lookUpAccount } from "./lookup.ts";
import {
  type LookupOutcome,
  type LookupReply,
  type LookupRequest,
  type RequiredFreshness,
  toReply,
} from "./lookup-rpc.ts";
import { BESIDE_THE_USER, LookupSession } from "./lookup-session.ts";
import { OrgCheck } from "./org-check.ts";
import { RecentAnswers } from "./recent-answers.ts";
import { enrichmentOf } from "./settings.ts";
import { SingleFlight } from "./single-flight.ts";
import { KvQuotas } from "./sparing-kv.ts";
import { answerOfCache, answerOfInventory, withInventory } from "./stand-in.ts";
import { UnaliasedNames } from "./unaliased-names.ts";

const COUNTS = "counts";

/**
 * How many look-ups one object makes at once; the others wait for their turn. The gate limits the interactive calls of
 * a connection. More look-ups at once would only divide these calls among them, so that all of them end late instead
 * of some of them early.
 */
const LOOKUPS_AT_ONCE = 3;

const crowded = oktaError(
  "GET /api/v1/users/{id}",
  "rate_limited",
  "too many accounts are being looked up at once",
);

/** What a look-up has found, and what was known before. Times are in ms since the epoch. */
interface Found {
  readonly looked: LookedUp;
  readonly answer: CachedAnswer;
  readonly before: CacheResult;
  /** Who has the name, as the inventory knows it. */
  readonly named: NamedUser | null;
  readonly startedAt: number;
  readonly ttlMs: number;
}

/** Whether what is cached is new enough. */
const suffices = (
  known: CacheResult,
  demand: Exclude<RequiredFreshness, "force">,
  ttlMs: number,
): known is CachedAnswer => {
  const state = freshness(known, ttlMs, Date.now());
  return state === "fresh" || (state === "due" && demand === "any");
};

/** Which names the inventory resolves to an account. @param asked the name that it was asked for */
const resolvedBy =
  (named: NamedUser | null, id: string, asked: Identifier) =>
  (name: Identifier): boolean => {
    if (named?.id !== id) return false;
    if (name.value === asked.value) return true;
    return named.names.some((other) => nameIdentifier(other).key === name.key);
  };

/** What was looked up, with the devices that the inventory knows. */
const withDevices = async (looked: LookedUp, inquiry: Inquiry): Promise<LookedUp> => {
  if (looked.found !== "one") return looked;
  const { account } = looked;
  return { ...looked, account: { ...account, devices: devicesFact(await inquiry.devices(account.id)) } };
};

const unlessUnwritable = async (write: Promise<void>): Promise<void> => {
  try {
    await write;
  } catch (error) {
    log("warn", "enrichment_cache_unwritable", errorFields(error));
  }
};

/**
 * Looks accounts up in Okta, once for all who ask for one at the same time. The accounts of a connection are spread
 * over several of these objects, see `contract/objects.ts`; another object keeps the connection's counters. Apart from
 * the counters, nothing is stored, and nothing is lost when Cloudflare evicts the object.
 */
export class AccountLookup extends DurableObject<Env> implements Purgeable {
  readonly #flights = new SingleFlight<LookupReply>();
  readonly #inTurn = limited(LOOKUPS_AT_ONCE);
  readonly #recent = new RecentAnswers();
  readonly #org = new OrgCheck();
  readonly #directory = new Directory(Date.now);
  readonly #unaliased = new UnaliasedNames();
  readonly #quotas = new KvQuotas(Date.now, (quota) => this.ctx.waitUntil(this.#tell(quota)));
  #sessions = 0;

  /**
   * The account: from the cache if that is fresh enough, otherwise from Okta. If Okta fails, it is the last complete
   * answer in the cache, or what the inventory has.
   */
  async lookUp({ identifier, demand }: LookupRequest): Promise<LookupReply> {
    refuseMisplaced(this.env, this.ctx.id);
    // Whoever forces a look-up must not get what somebody else's look-up finds in the cache.
    const key = demand === "force" ? `force ${identifier.key}` : identifier.key;
    return this.#flights.run(key, async () => toReply(await this.#lookUp(identifier, demand)));
  }

  /** Adds to the connection's counters; only on the object named by `lookupCountersName`. */
  count(counts: LookupCounts): void {
    this.ctx.storage.kv.put(COUNTS, addCounts(this.#counts(), counts));
  }

  /** What has been counted so far. */
  counts(): LookupCounts {
    return this.#counts();
  }

  purge(): Promise<void> {
    return purgeObject(this.ctx);
  }

  #counts(): LookupCounts {
    return { ...noCounts, ...this.ctx.storage.kv.get<LookupCounts>(COUNTS) };
  }

  async #lookUp(identifier: Identifier, demand: RequiredFreshness): Promise<LookupOutcome> {
    const id = connectionOfLookup(this.ctx.id);
    const connection = connectionOf(this.env, id);
    const enrichment = enrichmentOf(this.env);
    if (connection === null || !enrichment.ok) {
      const message = `the settings of connection ${id} are invalid; GET /v1/streams says which`;
      return err({ code: "misconfigured", message, retryAt: null });
    }
    const { ttlSeconds, lookupTimeoutMs, cache: where } = enrichment.value;
    const ttlMs = ttlSeconds * 1000;
    const kv = this.#quotas.sparing(kvFor(this.env.ENRICHMENT_CACHE, enrichment.value));
    const cache = new AccountCache(kv, connection);
    const read = await cache.read(identifier);
    const known = demand === "force" ? null : await this.#fresh(cache, identifier, read, demand, ttlMs);
    if (known !== null) return this.#hit(cache, identifier, known, ttlMs);
    const asks = { org: this.#org.isDue(connection), names: where === "kv" };
    const inquiry = this.#directory.ask(this.#users(id), identifier.given, asks);
    const refusal = await this.#org.refusal(connection, inquiry.verdict);
    const before = await this.#before(cache, identifier, read, inquiry);
    if (refusal !== null) return this.#refused(connection, identifier, before, refusal);
    if (demand !== "force" && before !== read && suffices(before, demand, ttlMs)) {
      this.#unaliased.note(identifier.key, Date.now());
      return this.#hit(cache, identifier, before, ttlMs);
    }
    const startedAt = Date.now();
    const looked = await this.#ask(connection, identifier, lookupTimeoutMs);
    if (!looked.ok) return this.#withoutOkta(connection, identifier, before, looked.error);
    const found = await withDevices(await this.#withInventory(id, looked.value), inquiry);
    const answer = answerToKeep(found, before, Date.now());
    // Stored before anybody gets the answer, so that whoever asks next finds it.
    const named = await inquiry.user;
    await this.#store(cache, identifier, { looked: looked.value, answer, before, named, startedAt, ttlMs });
    this.#recent.keep(identifier, answer, answer.at);
    return ok({ found: foundIn(answer), from: { at: answer.at, cached: false, stale: false } });
  }

  /** The connection's users stream. */
  #users(connection: string) {
    const name = streamObjectName({ connection, stream: "users" });
    return objectOf(this.env, this.env.INVENTORY_STREAM, name);
  }

  /** What the cache has of the account, also where only the inventory knows that the name is this account's. */
  async #before(
    cache: AccountCache,
    identifier: Identifier,
    read: CacheResult,
    { user }: Inquiry,
  ): Promise<CacheResult> {
    if (identifier.kind === "id" || read.found !== "miss") return read;
    const named = await user;
    if (named === null) return read;
    const found = await cache.readAs(identifier, named.id);
    return found.found === "miss" && found.invalidatedAt === null ? read : found;
  }

  /** The answer that is cached. A name that keeps coming here, because nothing in KV leads to its account, gets an alias. */
  #hit(cache: AccountCache, { key }: Identifier, known: CachedAnswer, ttlMs: number): LookupOutcome {
    const { at } = known;
    const now = Date.now();
    if (known.found === "one" && this.#unaliased.deservesAlias(key, now)) {
      const alias = { userId: known.account.id, at };
      this.ctx.waitUntil(unlessUnwritable(cache.writeAlias(key, alias, ttlMs)));
    }
    return ok({ found: foundIn(known), from: { at, cached: true, stale: false } });
  }

  /** Tells the connection's users stream, which shows it to people, that a quota is used up. */
  async #tell(quota: SpentQuota): Promise<void> {
    const connection = connectionOfLookup(this.ctx.id);
    log("error", "quota_exhausted", { connection, what: quota.what });
    try {
      await this.#users(connection).quotaSpent(quota);
    } catch (error) {
      log("warn", "enrichment_quota_untold", { connection, ...errorFields(error) });
    }
  }

  /** In another org nothing is looked up. While it is not known which org answers, what is known without it is the answer. */
  async #refused(
    connection: Connection,
    identifier: Identifier,
    before: CacheResult,
    refusal: LookupFailure,
  ): Promise<LookupOutcome> {
    if (refusal.code === "org_changed") return err(refusal);
    return this.#withoutOkta(connection, identifier, before, refusal);
  }

  /** What the cache has, or what this object has just stored there, if it is fresh enough; otherwise null. */
  async #fresh(
    cache: AccountCache,
    identifier: Identifier,
    read: CacheResult,
    demand: Exclude<RequiredFreshness, "force">,
    ttlMs: number,
  ): Promise<CachedAnswer | null> {
    if (suffices(read, demand, ttlMs)) return read;
    const recent = this.#recent.find(identifier, Date.now());
    if (recent === null || !suffices(recent, demand, ttlMs)) return null;
    // A name without an alias does not lead to what is known of its account since.
    const last =
      read.found === "miss" && recent.found === "one"
        ? await cache.readAs(identifier, recent.account.id)
        : read;
    if (suffices(last, demand, ttlMs)) return last;
    const times = [read, last].map((result) => (result.found === "miss" ? result.invalidatedAt : null));
    return times.some((at) => at !== null && at >= recent.at) ? null : recent;
  }

  /** Looks the account up in Okta when its turn comes. Waiting counts towards the time that the look-up may take. */
  async #ask(
    connection: Connection,
    identifier: Identifier,
    timeoutMs: number,
  ): Promise<Result<LookedUp, OktaError>> {
    const limit = timeLimit(timeoutMs);
    const endsAt = Date.now() + timeoutMs;
    const timeUp = new Promise<void>((resolve) => {
      limit.signal.addEventListener("abort", () => resolve());
    });
    const session = new LookupSession(() => this.#connect(connection, timeoutMs, endsAt, limit.signal));
    let begun = false;
    const work = this.#inTurn(async () => {
      if (limit.signal.aborted) return err(crowded); // nobody waits for it any more
      begun = true;
      const { profileAttributes: attributes } = connection;
      const looked = lookUpAccount(session.api, identifier, { now: Date.now, timeUp, attributes });
      return looked.finally(() => this.ctx.waitUntil(session.end()));
    });
    try {
      // A look-up that has begun ends by itself when the time is up, with the facts that it has by then.
      return await Promise.race([work, timeUp.then(() => (begun ? work : err(crowded)))]);
    } finally {
      limit.clear();
    }
  }

  #connect(connection: Connection, timeoutMs: number, waitUntil: number, signal: AbortSignal): OktaSession {
    this.#sessions += 1;
    return connectOkta({
      connection,
      env: this.env,
      holder: `look-up/${this.ctx.id.toString()}/${this.#sessions}`,
      priority: "interactive",
      ahead: BESIDE_THE_USER,
      waitMs: timeoutMs,
      waitUntil,
      timeoutMs,
      callMs: timeoutMs,
      signal,
    });
  }

  /** Stores what Okta said. An answer that cannot be stored is still an answer. */
  async #store(cache: AccountCache, identifier: Identifier, found: Found): Promise<void> {
    const { looked, answer, before, named, startedAt, ttlMs } = found;
    const { at } = answer;
    const writes: Promise<void>[] = [];
    // The name was another account's, or still that one's but no longer its alone: what it says of its names is wrong.
    const isElsewhere =
      before.found === "one" && (answer.found !== "one" || answer.account.id !== before.account.id);
    if (isElsewhere && suffices(before, "any", ttlMs)) writes.push(cache.forget(before.account.id, at));
    if (answer.found !== "one") {
      writes.push(cache.writeNegative(identifier, answer.found === "many" ? answer.logins : [], at));
    } else {
      const { account, previous } = answer;
      const emailIsUnique = looked.found === "one" && looked.emailIsUnique;
      const isResolved = resolvedBy(named, account.id, identifier);
      if (isResolved(identifier)) this.#unaliased.note(identifier.key, at);
      const options = { emailIsUnique, previous, ttlMs, now: at, startedAt, isResolved };
      writes.push(cache.writeAccount(identifier, { account, at }, options));
    }
    await Promise.all(writes.map(unlessUnwritable));
  }

  /** What is known without Okta: a copy in the cache, or what the inventory has. Error: why Okta could not be asked. */
  async #withoutOkta(
    connection: Connection,
    identifier: Identifier,
    before: CacheResult,
    { code, message, retryAt }: LookupFailure,
  ): Promise<LookupOutcome> {
    const now = Date.now();
    const reason = { code, message };
    const cached = answerOfCache(before, now, reason);
    if (cached !== null) return ok(cached);
    const facts = await this.#inventoryOf(connection.id, identifier.given);
    const answer = facts === null ? null : answerOfInventory(identifier, facts, now, reason);
    return answer === null ? err({ code, message, retryAt }) : ok(answer);
  }

  /** What was looked up, with what the inventory knows of the facts that could not be read. */
  async #withInventory(connection: string, looked: LookedUp): Promise<LookedUp> {
    if (looked.found !== "one" || isComplete(looked.account)) return looked;
    const facts = await this.#inventoryOf(connection, looked.account.id);
    return facts === null ? looked : withInventory(looked, facts);
  }

  /** What the inventory knows of an account; null if it does not answer. */
  async #inventoryOf(connection: string, identifier: string): Promise<AccountFacts | null> {
    try {
      return await this.#users(connection).account(identifier);
    } catch (error) {
      log("warn", "enrichment_inventory_unreadable", { connection, ...errorFields(error) });
      return null;
    }
  }
}
