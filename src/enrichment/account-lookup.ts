import { DurableObject } from "cloudflare:workers";
import { connectionOf } from "../config/connections.ts";
import type { Connection } from "../config/types.ts";
import { streamObjectName } from "../contract/objects.ts";
import type { AccountFacts } from "../inventory/api.ts";
import { errorFields, log } from "../lib/log.ts";
import { err, type Result } from "../lib/result.ts";
import type { OktaApi } from "../okta/api.ts";
import { connectOkta } from "../okta/connect.ts";
import type { OktaError } from "../okta/errors.ts";
import { type Found, fromInventory, withLastKnown } from "./account.ts";
import type { Failure } from "./answer.ts";
import {
  AccountCache,
  type Cached,
  type Copy,
  type Freshness,
  foundIn,
  freshness,
  type Held,
  standIn,
} from "./cache.ts";
import { addCounts, type Counts, noCounts } from "./counters.ts";
import { answersTo, type Identifier } from "./identifier.ts";
import { limited } from "./limited.ts";
import { type LookedUp, type LookupApi, lookUpAccount } from "./lookup.ts";
import { enrichmentOf } from "./settings.ts";
import { SingleFlight } from "./single-flight.ts";

/**
 * How new the answer has to be: `any` takes what is fresh, `renew` what is not in its last tenth, `force`
 * nothing that was fetched before.
 */
export type Demand = "any" | "renew" | "force";

export interface LookupRequest {
  readonly connection: string;
  readonly identifier: Identifier;
  readonly demand: Demand;
}

/** Plain data, because it crosses a Durable Object's border. `at` in ms since the epoch. */
export type LookupReply =
  | { readonly kind: "found"; readonly found: Found; readonly at: number; readonly cached: boolean }
  | { readonly kind: "stale"; readonly found: Found; readonly at: number; readonly cached: boolean }
  | { readonly kind: "failed"; readonly failure: Failure };

/** Other places, and this one where it has just read a miss, may see a KV write this much later. */
const KV_LAG_MS = 60_000;
const MAX_LANDED = 500;
const COUNTS = "counts";

const SHARDS = 8;
/**
 * Look-ups at Okta at once in one shard; the rest stand in line. The gate lets a dozen interactive calls out at
 * a time, so more look-ups would only share them out: some complete answers soon serve better than many late.
 */
const LOOKUPS_AT_ONCE = 3;

/** An account's shard: spreads accounts, and keeps all spellings of one identifier together. */
export const shardName = (connection: string, identifier: Identifier): string => {
  let hash = 0;
  for (const unit of identifier.key) hash = (Math.imul(hash, 31) + (unit.codePointAt(0) ?? 0)) >>> 0;
  return `${connection}/${hash % SHARDS}`;
};

/** The object that keeps a connection's counters. */
export const countersName = (connection: string): string => `${connection}/counters`;

const crowded: OktaError = {
  code: "rate_limited",
  message: "too many accounts are being looked up at once",
  endpoint: "GET /api/v1/users/{id}",
  status: null,
  oktaErrorCode: null,
  retryAt: null,
};

/**
 * Looks accounts up at Okta, one flight for any number of simultaneous askers; sharded by account. A thin shell
 * over `lookup.ts` and `cache.ts`. Holds nothing that matters: evicted, it starts anew.
 */
export class AccountLookup extends DurableObject<Env> {
  readonly #flights = new SingleFlight<LookupReply>();
  readonly #inTurn = limited(LOOKUPS_AT_ONCE);
  /** What flights ended with, kept while another place may not see it in KV yet. */
  readonly #landed = new Map<string, Held>();
  #sessions = 0;

  /** The account, from the cache where it meets the demand, else from Okta, else the best copy there is. */
  async lookUp(request: LookupRequest): Promise<LookupReply> {
    const { connection, identifier, demand } = request;
    // A forced look-up serves everyone; but who forces one must not be served from the cache by another's flight.
    const forced = `force ${connection} ${identifier.key}`;
    const key = demand === "force" ? forced : `${connection} ${identifier.key}`;
    return this.#flights.run(key, () => this.#fly(request));
  }

  /** Adds to the connection's counters; only on the object named by `countersName`. */
  count(counts: Counts): void {
    this.ctx.storage.kv.put(COUNTS, addCounts(this.counts(), counts));
  }

  /** What was counted so far. */
  counts(): Counts {
    return { ...noCounts, ...this.ctx.storage.kv.get<Counts>(COUNTS) };
  }

  async #fly({ connection: id, identifier, demand }: LookupRequest): Promise<LookupReply> {
    const connection = connectionOf(this.env, id);
    const enrichment = enrichmentOf(this.env);
    if (connection === null || !enrichment.ok) {
      const message = `the settings of connection ${id} are not right; GET /v1/streams tells which`;
      return { kind: "failed", failure: { code: "misconfigured", message, retryAt: null } };
    }
    const { ttlSeconds, lookupTimeoutMs } = enrichment.value;
    const ttlMs = ttlSeconds * 1000;
    const cache = new AccountCache(this.env.ENRICHMENT_CACHE, id);
    const before = await cache.read(identifier);
    if (demand !== "force") {
      const good = this.#goodEnough(identifier, before, demand, ttlMs);
      if (good !== null) return { kind: "found", found: foundIn(good), at: good.at, cached: true };
    }
    const startedAt = Date.now();
    const looked = await this.#ask(connection, identifier, lookupTimeoutMs);
    if (!looked.ok) return this.#fallBack(id, identifier, before, looked.error);
    const landed = await this.#land(cache, identifier, before, looked.value, startedAt, ttlMs);
    return { kind: "found", found: foundIn(landed), at: landed.at, cached: false };
  }

  /** What the cache, or this object's own last flight, has that meets the demand. */
  #goodEnough(identifier: Identifier, before: Cached, demand: Demand, ttlMs: number): Held | null {
    const accepted: readonly Freshness[] = demand === "renew" ? ["fresh"] : ["fresh", "due"];
    const now = Date.now();
    if (before.found !== "miss" && accepted.includes(freshness(before, ttlMs, now))) return before;
    const own = this.#landed.get(identifier.key);
    if (own === undefined || now - own.at > KV_LAG_MS) return null;
    if (before.found === "miss" && before.invalidatedAt !== null && before.invalidatedAt >= own.at)
      return null;
    return accepted.includes(freshness(own, ttlMs, now)) ? own : null;
  }

  async #ask(
    connection: Connection,
    identifier: Identifier,
    timeoutMs: number,
  ): Promise<Result<LookedUp, OktaError>> {
    const abort = new AbortController();
    let ring = () => {};
    const timeUp = new Promise<void>((resolve) => {
      ring = resolve;
    });
    const timer = setTimeout(() => {
      ring();
      abort.abort();
    }, timeoutMs);
    const api = this.#api(connection, timeoutMs, abort.signal);
    let begun = false;
    const work = this.#inTurn(async () => {
      if (abort.signal.aborted) return err(crowded); // nobody waits for it any more
      begun = true;
      return lookUpAccount(api, identifier, { now: Date.now, timeUp });
    });
    try {
      // What has begun ends by itself when the time is up, with what is known by then.
      return await Promise.race([work, timeUp.then(() => (begun ? work : err(crowded)))]);
    } finally {
      clearTimeout(timer);
    }
  }

  /**
   * Each call goes through a session of its own. One session waits in line for one permit at a time and tells
   * the gate of a finished call with its next request only, so side by side calls would hold one another up.
   */
  #api(connection: Connection, timeoutMs: number, signal: AbortSignal): LookupApi {
    const call = async <T>(work: (api: OktaApi) => Promise<T>): Promise<T> => {
      this.#sessions += 1;
      const session = connectOkta({
        connection,
        env: this.env,
        holder: `look-up/${this.ctx.id.toString()}/${this.#sessions}`,
        priority: "interactive",
        waitMs: timeoutMs,
        timeoutMs,
        signal,
      });
      try {
        return await work(session.api);
      } finally {
        this.ctx.waitUntil(session.done());
      }
    };
    return {
      user: (name) => call((api) => api.user(name)),
      users: (request) => call((api) => api.users(request)),
      userGroups: (userId, request) => call((api) => api.userGroups(userId, request)),
      userFactors: (userId) => call((api) => api.userFactors(userId)),
      userRoles: (userId) => call((api) => api.userRoles(userId)),
    };
  }

  /** Stores what Okta said, before anyone is told, so that the next to ask finds it. */
  async #land(
    cache: AccountCache,
    identifier: Identifier,
    before: Cached,
    looked: LookedUp,
    startedAt: number,
    ttlMs: number,
  ): Promise<Held> {
    const at = Date.now();
    if (looked.found !== "one") {
      const logins = looked.found === "many" ? looked.logins : [];
      const cached =
        looked.found === "many" ? { found: looked.found, logins, at } : { found: looked.found, at };
      await this.#store(() => cache.writeNegative(identifier, logins, at));
      return this.#remember(identifier, cached);
    }
    const previous = standIn(before, at);
    const same = previous !== null && previous.account.id === looked.account.id ? previous : null;
    const account = same === null ? looked.account : withLastKnown(looked.account, same.account);
    const cached = { found: "one", account, at, previous: same } as const;
    await this.#store(async () => {
      // A change that the sync saw while we were reading: what we have may be from before it.
      const invalidatedAt = await cache.invalidatedAt(account.id);
      if (invalidatedAt !== null && invalidatedAt >= startedAt) return;
      const { emailIsUnique } = looked;
      await cache.writeAccount(
        identifier,
        { account, at },
        { emailIsUnique, previous: same, ttlMs, now: at },
      );
    });
    return this.#remember(identifier, cached);
  }

  #remember(identifier: Identifier, cached: Held): Held {
    this.#landed.delete(identifier.key);
    this.#landed.set(identifier.key, cached);
    for (const [key, old] of this.#landed) {
      if (this.#landed.size <= MAX_LANDED && Date.now() - old.at <= KV_LAG_MS) break;
      this.#landed.delete(key);
    }
    return cached;
  }

  /** An answer that cannot be stored is still an answer. */
  async #store(write: () => Promise<void>): Promise<void> {
    try {
      await write();
    } catch (error) {
      log("warn", "enrichment_cache_unwritable", errorFields(error));
    }
  }

  async #fallBack(
    connection: string,
    identifier: Identifier,
    before: Cached,
    error: OktaError,
  ): Promise<LookupReply> {
    const copy: Copy | null = standIn(before, Date.now());
    if (copy !== null) {
      return { kind: "stale", found: { found: "one", account: copy.account }, at: copy.at, cached: true };
    }
    const facts = await this.#inventory(connection, identifier);
    const account = facts?.found === "one" ? fromInventory(facts.facts) : null;
    if (facts?.found === "one" && account !== null && answersTo(identifier, account)) {
      return { kind: "stale", found: { found: "one", account }, at: facts.readAt, cached: false };
    }
    if (facts?.found === "many") {
      const found: Found = { found: "many", logins: facts.logins };
      return { kind: "stale", found, at: Date.now(), cached: false };
    }
    const { code, message, retryAt } = error;
    return { kind: "failed", failure: { code, message, retryAt } };
  }

  /** The inventory does not have everyone (it may never have run): that it has none is no answer. */
  async #inventory(connection: string, identifier: Identifier): Promise<AccountFacts | null> {
    const stream = this.env.INVENTORY_STREAM.getByName(streamObjectName({ connection, stream: "users" }));
    try {
      return await stream.account(identifier.given);
    } catch (error) {
      log("warn", "enrichment_inventory_unreadable", { connection, ...errorFields(error) });
      return null;
    }
  }
}
