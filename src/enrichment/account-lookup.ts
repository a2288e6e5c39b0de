import { DurableObject } from "cloudflare:workers";
import { connectionOf } from "../config/connections.ts";
import { objectOf, refuseMisplaced } from "../config/residency.ts";
import type { Connection } from "../config/types.ts";
import { connectionOfLookup, streamObjectName } from "../contract/objects.ts";
import type { AccountFacts } from "../inventory/api.ts";
import { errorFields, log } from "../lib/log.ts";
import { type Purgeable, purgeObject } from "../lib/purge.ts";
import { err, ok, type Result } from "../lib/result.ts";
import { timeLimit } from "../lib/timeout.ts";
import { connectOkta, type OktaSession } from "../okta/connect.ts";
import { type OktaError, oktaError } from "../okta/errors.ts";
import { isComplete } from "./account.ts";
import type { LookupFailure } from "./answer.ts";
import { AccountCache, kvFor } from "./cache.ts";
import { answerToKeep, type CachedAnswer, type CacheResult, foundIn, freshness } from "./cached-answer.ts";
import { addCounts, type LookupCounts, noCounts } from "./counters.ts";
import type { Identifier } from "./identifier.ts";
import { limited } from "./limited.ts";
import { type LookedUp, lookUpAccount } from "./lookup.ts";
import {
  type LookupOutcome,
  type LookupReply,
  type LookupRequest,
  type RequiredFreshness,
  toReply,
} from "./lookup-rpc.ts";
import { OrgCheck } from "./org-check.ts";
import { RecentAnswers } from "./recent-answers.ts";
import { sessionPerCall } from "./session-per-call.ts";
import { enrichmentOf } from "./settings.ts";
import { SingleFlight } from "./single-flight.ts";
import { answerOfCache, answerOfInventory, withInventory } from "./stand-in.ts";

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

/**
 * Looks accounts up in Okta, once for all who ask for one at the same time. The accounts of a connection are spread
 * over several of these objects, see `contract/objects.ts`; another object keeps the connection's counters. Apart from
 * the counters, nothing is stored, and nothing is lost when Cloudflare evicts the object.
 */
export class AccountLookup extends DurableObject<Env> implements Purgeable {
  readonly #flights = new SingleFlight<LookupReply>();
  readonly #inTurn = limited(LOOKUPS_AT_ONCE);
  readonly #recent = new RecentAnswers();
  readonly #org = new OrgCheck((connection) =>
    objectOf(
      this.env,
      this.env.INVENTORY_STREAM,
      streamObjectName({ connection, stream: "users" }),
    ).orgVerdict(),
  );
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
    const { ttlSeconds, lookupTimeoutMs } = enrichment.value;
    const ttlMs = ttlSeconds * 1000;
    const cache = new AccountCache(kvFor(this.env.ENRICHMENT_CACHE, enrichment.value), connection);
    const before = await cache.read(identifier);
    const known = demand === "force" ? null : this.#fresh(identifier, before, demand, ttlMs);
    if (known !== null) {
      return ok({ found: foundIn(known), from: { at: known.at, cached: true, stale: false } });
    }
    const refusal = await this.#org.refusal(connection);
    if (refusal !== null) return this.#refused(connection, identifier, before, refusal);
    const startedAt = Date.now();
    const looked = await this.#ask(connection, identifier, lookupTimeoutMs);
    if (!looked.ok) return this.#withoutOkta(connection, identifier, before, looked.error);
    const answer = answerToKeep(await this.#withInventory(id, looked.value), before, Date.now());
    // Stored before anybody gets the answer, so that whoever asks next finds it.
    await this.#store(cache, identifier, looked.value, answer, startedAt, ttlMs);
    this.#recent.keep(identifier, answer, answer.at);
    return ok({ found: foundIn(answer), from: { at: answer.at, cached: false, stale: false } });
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
  #fresh(
    identifier: Identifier,
    before: CacheResult,
    demand: Exclude<RequiredFreshness, "force">,
    ttlMs: number,
  ): CachedAnswer | null {
    const now = Date.now();
    const suffices = (answer: CachedAnswer): boolean => {
      const state = freshness(answer, ttlMs, now);
      return state === "fresh" || (state === "due" && demand === "any");
    };
    if (before.found !== "miss" && suffices(before)) return before;
    const recent = this.#recent.find(identifier, now);
    if (recent === null || !suffices(recent)) return null;
    const invalidatedAt = before.found === "miss" ? before.invalidatedAt : null;
    return invalidatedAt !== null && invalidatedAt >= recent.at ? null : recent;
  }

  /** Looks the account up in Okta when its turn comes. Waiting counts towards the time that the look-up may take. */
  async #ask(
    connection: Connection,
    identifier: Identifier,
    timeoutMs: number,
  ): Promise<Result<LookedUp, OktaError>> {
    const limit = timeLimit(timeoutMs);
    const timeUp = new Promise<void>((resolve) => {
      limit.signal.addEventListener("abort", () => resolve());
    });
    const api = sessionPerCall(
      () => this.#connect(connection, timeoutMs, limit.signal),
      (work) => this.ctx.waitUntil(work),
    );
    let begun = false;
    const work = this.#inTurn(async () => {
      if (limit.signal.aborted) return err(crowded); // nobody waits for it any more
      begun = true;
      return lookUpAccount(api, identifier, {
        now: Date.now,
        timeUp,
        attributes: connection.profileAttributes,
      });
    });
    try {
      // A look-up that has begun ends by itself when the time is up, with the facts that it has by then.
      return await Promise.race([work, timeUp.then(() => (begun ? work : err(crowded)))]);
    } finally {
      limit.clear();
    }
  }

  #connect(connection: Connection, timeoutMs: number, signal: AbortSignal): OktaSession {
    this.#sessions += 1;
    return connectOkta({
      connection,
      env: this.env,
      holder: `look-up/${this.ctx.id.toString()}/${this.#sessions}`,
      priority: "interactive",
      waitMs: timeoutMs,
      timeoutMs,
      callMs: timeoutMs,
      signal,
    });
  }

  /** Stores what Okta said. An answer that cannot be stored is still an answer. */
  async #store(
    cache: AccountCache,
    identifier: Identifier,
    looked: LookedUp,
    answer: CachedAnswer,
    startedAt: number,
    ttlMs: number,
  ): Promise<void> {
    const { at } = answer;
    try {
      if (answer.found !== "one") {
        await cache.writeNegative(identifier, answer.found === "many" ? answer.logins : [], at);
        return;
      }
      const { account, previous } = answer;
      // A run has seen the account change while we were reading it, so what we have may be older than the change.
      const invalidatedAt = await cache.invalidatedAt(account.id);
      if (invalidatedAt !== null && invalidatedAt >= startedAt) return;
      const emailIsUnique = looked.found === "one" && looked.emailIsUnique;
      await cache.writeAccount(identifier, { account, at }, { emailIsUnique, previous, ttlMs, now: at });
    } catch (error) {
      log("warn", "enrichment_cache_unwritable", errorFields(error));
    }
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
    const name = streamObjectName({ connection, stream: "users" });
    try {
      return await objectOf(this.env, this.env.INVENTORY_STREAM, name).account(identifier);
    } catch (error) {
      log("warn", "enrichment_inventory_unreadable", { connection, ...errorFields(error) });
      return null;
    }
  }
}
