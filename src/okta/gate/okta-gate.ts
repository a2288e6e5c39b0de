/** The Durable Object that all callers of a connection ask before they call Okta. */
import { DurableObject } from "cloudflare:workers";
import { connectionOf } from "../../config/connections.ts";
import type { Connection } from "../../config/types.ts";
import { connectionOfGate } from "../../contract/objects.ts";
import type { RateLimitDocument } from "../../contract/rate-limit.ts";
import { type Purgeable, purgeObject } from "../../lib/purge.ts";
import { err, type Result } from "../../lib/result.ts";
import type { Bucket } from "../endpoints.ts";
import type { AccessToken } from "../oauth/access-token.ts";
import { type TokenError, tokenError } from "../oauth/errors.ts";
import { type CredentialState, type KeptToken, TokenKeeper } from "../oauth/token-keeper.ts";
import type { WaitReason } from "../wait-reason.ts";
import { type Books, loadBooks, mendBooks, saveBooks } from "./books.ts";
import { addCalls, type CallCount, type CallStats } from "./call-stats.ts";
import { checkIn, release } from "./holders.ts";
import { grant, grantAhead, type Observation, observe } from "./ledger.ts";
import type { Priority } from "./ledger-state.ts";

/** Permits of one bucket. */
export interface BucketCount {
  readonly bucket: Bucket;
  readonly count: number;
}

/** One round trip with the gate: what came of earlier calls, and permits for the next ones. */
export interface ExchangeRequest {
  /** Not read: it is sent for gates of the version before, which did not know their own name. */
  readonly connection: string;
  /** Who asks, for example `stream/users`. */
  readonly holder: string;
  /** Which life of the holder asks: with a new one it gives up the permits of the old. */
  readonly incarnation: string;
  readonly priority: Priority;
  readonly observations: readonly Observation[];
  /** Calls made since the last exchange, by endpoint and outcome, for the metrics. */
  readonly calls: readonly CallCount[];
  /** What is wanted; null only reports. */
  readonly want: BucketCount | null;
  /**
   * What will be wanted next. Whoever gets what it wants at once gets as much of this as there is to spare; an
   * interactive caller only. Gates of the version before do not read it.
   */
  readonly ahead?: readonly BucketCount[];
  /** How long the answer may wait for a permit, ms. Interactive callers go first, then delta runs. */
  readonly waitMs: number;
  /** True gives back everything still held after the observations. */
  readonly done: boolean;
  /**
   * How long the holder may be silent before it is gone, ms: all calls that its permits were for have ended by then.
   * Not given by callers of the version before, who need 90 s.
   */
  readonly goneAfterMs?: number;
}

export interface ExchangeAnswer {
  readonly granted: number;
  /** When to ask again (ms, local clock), set exactly when something was wanted and nothing was granted. */
  readonly retryAt: number | null;
  /** Why nothing was granted, if something was wanted; not given by gates of the version before. */
  readonly reason?: WaitReason | null;
  /** How long the request waited in line, ms; not given by gates of the version before. */
  readonly waitedMs?: number;
  /** What was granted of `ahead`, if anything. */
  readonly ahead?: readonly BucketCount[];
}

/** Who goes first in line: the lower. A priority that only a later version knows comes last. */
const rankOf = (priority: Priority): number =>
  priority === "interactive" ? 0 : priority === "follow" ? 1 : 2;

/** When to ask again, ms, for those who found callers of a higher priority in line. */
const IN_LINE_MS = 200;

interface Waiter {
  readonly request: ExchangeRequest;
  readonly since: number;
  readonly deadline: number;
  readonly resolve: (answer: ExchangeAnswer) => void;
}

/**
 * The only place that decides who may call Okta now, and with which access token; there is one per connection. A
 * thin shell over `ledger.ts` and `token-keeper.ts`: what both know is stored, so that counts, backoff and the
 * token survive eviction. Callers wait in line.
 */
export class OktaGate extends DurableObject<Env> implements Purgeable {
  readonly #books: Books;
  #waiters: Waiter[] = [];
  #timer: ReturnType<typeof setTimeout> | null = null;
  readonly #keeper: TokenKeeper;

  constructor(ctx: DurableObjectState, env: Env) {
    super(ctx, env);
    const { kv } = ctx.storage;
    this.#books = loadBooks(kv);
    mendBooks(this.#books, Date.now());
    this.#keeper = new TokenKeeper({
      storage: { load: () => kv.get<KeptToken>("token"), save: (kept) => kv.put("token", kept) },
      fetch: (input, init) => fetch(input, init),
      now: Date.now,
    });
  }

  /** Books observations, then grants permits or says when to ask again. */
  async exchange(request: ExchangeRequest): Promise<ExchangeAnswer> {
    const now = Date.now();
    const { ledger, stats } = this.#books;
    checkIn(ledger, { name: request.holder, ...request }, now);
    for (const observation of request.observations) observe(ledger, request.holder, observation, Math.random);
    for (const call of request.calls) addCalls(stats, call);
    if (request.done) release(ledger, request.holder);
    const granted = this.#tryGrant(request, now);
    const ahead = granted.granted > 0 ? this.#grantAhead(request, now) : [];
    const answer = { ...granted, waitedMs: 0, ...(ahead.length > 0 && { ahead }) };
    if (request.want !== null && answer.granted === 0) {
      stats.waits[request.want.bucket] = (stats.waits[request.want.bucket] ?? 0) + 1;
    }
    this.#save();
    this.#pump();
    if (answer.granted > 0 || request.want === null || request.waitMs <= 0) return answer;
    return new Promise((resolve) => {
      this.#waiters.push({ request, since: now, deadline: now + request.waitMs, resolve });
      this.#schedule();
    });
  }

  /** The buckets as the status document shows them. */
  rateLimits(share: number): RateLimitDocument[] {
    const now = Date.now();
    const { buckets, concurrencyBackoffUntil } = this.#books.ledger;
    const iso = (ms: number | null): string | null =>
      ms !== null && ms > now ? new Date(ms).toISOString() : null;
    return Object.entries(buckets).map(([bucket, state]) => ({
      bucket,
      limit: state.limit,
      remaining: now < state.opensAt ? state.remaining : state.limit,
      share,
      resets_at: iso(state.opensAt),
      backing_off_until: iso(Math.max(state.backingOffUntil ?? 0, concurrencyBackoffUntil ?? 0)),
    }));
  }

  /** Calls made to Okta so far, how long they took, and how often no permit was free. */
  callStats(): CallStats {
    return this.#books.stats;
  }

  /**
   * The connection's access token with the key that it is bound to.
   * @param _connection not read: it is sent for gates of the version before, which did not know their own name
   * @param rejected a token that Okta answered 401 to; it is renewed unless that has happened already
   */
  async accessToken(_connection: string, rejected: string | null): Promise<Result<AccessToken, TokenError>> {
    const settings = this.#connection();
    if (settings?.credential.kind !== "oauth") {
      return err(tokenError("misconfigured", "not asked, because the connection has no service app"));
    }
    const { baseUrl, credential } = settings;
    return this.#keeper.token({ baseUrl, credential }, rejected);
  }

  /** What Okta granted the service app; null when no token was asked for. Never the token. */
  credentialState(): CredentialState | null {
    return this.#keeper.state();
  }

  purge(): Promise<void> {
    return purgeObject(this.ctx);
  }

  #tryGrant(request: ExchangeRequest, now: number): ExchangeAnswer {
    const { want, holder, priority } = request;
    if (want === null) return { granted: 0, retryAt: null };
    const goesFirst = ({ request: other }: Waiter): boolean =>
      rankOf(other.priority) < rankOf(priority) && other.want?.bucket === want.bucket;
    if (this.#waiters.some(goesFirst)) return { granted: 0, retryAt: now + IN_LINE_MS, reason: "in_line" };
    const { ledger } = this.#books;
    checkIn(ledger, { name: holder, ...request }, now);
    return grant(ledger, { holder, bucket: want.bucket, want: want.count, priority }, this.#share, now);
  }

  /** Permits for a caller's next calls. There are none to spare while somebody waits in line who goes no later. */
  #grantAhead({ ahead = [], holder, priority }: ExchangeRequest, now: number): BucketCount[] {
    if (this.#waiters.some(({ request: other }) => rankOf(other.priority) <= rankOf(priority))) return [];
    const { ledger } = this.#books;
    return ahead
      .map(({ bucket, count }) => ({
        bucket,
        count: grantAhead(ledger, { holder, bucket, want: count, priority }, this.#share, now),
      }))
      .filter(({ count }) => count > 0);
  }

  get #share(): number {
    return this.#connection()?.rateLimitShare ?? 0.5;
  }

  /** Serves who is in line, by priority and then in order of arrival. */
  #pump(): void {
    if (this.#waiters.length === 0) return;
    const now = Date.now();
    const line = this.#waiters.toSorted((a, b) => rankOf(a.request.priority) - rankOf(b.request.priority));
    this.#waiters = [];
    const left: Waiter[] = [];
    let granted = 0;
    for (const waiter of line) {
      const answer = this.#tryGrant(waiter.request, now);
      granted += answer.granted;
      if (answer.granted > 0 || waiter.deadline <= now || (answer.retryAt ?? 0) > waiter.deadline)
        waiter.resolve({ ...answer, waitedMs: now - waiter.since });
      else left.push(waiter);
    }
    this.#waiters = [...left, ...this.#waiters];
    if (granted > 0) this.#save();
    this.#schedule();
  }

  #schedule(): void {
    if (this.#timer !== null || this.#waiters.length === 0) return;
    this.#timer = setTimeout(() => {
      this.#timer = null;
      this.#pump();
    }, 50);
  }

  #save(): void {
    saveBooks(this.ctx.storage.kv, this.#books);
  }

  /** The settings of the connection whose gate this is; null when they are wrong or gone. */
  #connection(): Connection | null {
    return connectionOf(this.env, connectionOfGate(this.ctx.id));
  }
}
