/** One call to Okta: with a permit, the credential sent to its own origin alone, bounded in time and size. */
import { doubledMs, fullJitter } from "../lib/backoff.ts";
import { readBounded } from "../lib/bounded-text.ts";
import { clockSkew } from "../lib/clock.ts";
import { parseJson } from "../lib/json.ts";
import { err, ok, type Result } from "../lib/result.ts";
import { TimeLimits } from "../lib/timeout.ts";
import type { CredentialSource } from "./credential.ts";
import type { Endpoint } from "./endpoints.ts";
import { type OktaError, type OktaErrorCode, oktaError } from "./errors.ts";
import { isConcurrencyLimit, msUntilReset, readRateLimit } from "./gate/headers.ts";
import type { CallObservation } from "./gate/ledger.ts";
import type { Permits } from "./gate/permits.ts";
import { refusalError } from "./refusal.ts";

export interface OktaClientOptions {
  /** Origin only. */
  readonly baseUrl: string;
  readonly credential: CredentialSource;
  readonly permits: Pick<Permits, "take" | "report">;
  readonly fetch: typeof fetch;
  readonly now: () => number;
  readonly sleep: (ms: number) => Promise<void>;
  readonly random: () => number;
  /** Whether a failed call may be repeated, for example because a slice's budget of calls is not used up. */
  readonly budget: () => boolean;
  /** For one attempt, body included; ms. */
  readonly timeoutMs: number;
  /** Okta's clock less ours as last seen, ms; every answer corrects it. */
  readonly skewMs: number;
  /** Called once per attempt that is made. */
  readonly onCall?: (endpoint: Endpoint) => void;
  /** Called with what each call has ended in, repeated attempts taken as one call. */
  readonly onAnswer?: (endpoint: Endpoint, result: Result<OktaResponse, OktaError>) => void;
  /** Aborts the attempt under way, and prevents further ones. */
  readonly signal?: AbortSignal;
}

/** A 2xx with JSON. */
export interface OktaResponse {
  readonly body: unknown;
  readonly headers: Headers;
  readonly status: number;
}

export interface GetOptions {
  readonly headers?: Record<string, string>;
  /** Whether not to repeat a call that has failed in this way, because the caller does something else instead. */
  readonly isFinal?: (error: OktaError) => boolean;
  /** Leave the credential out of the call, which does not need it. */
  readonly anonymous?: boolean;
}

/** A page of 1,000 users is 2 to 4 MB; what is far larger is not a page. */
const MAX_BODY_BYTES = 24 * 1024 * 1024;
const ATTEMPTS = 3;
const CROWDED_WAIT_MS = 1_000;
/** Clocks may differ by a time zone and a day; by more only if something is wrong with one of them, or with a header. */
const LIKELY_SKEW_MS = 2 * 86_400_000;
/** Two answers mean the same clock, if it is read with a difference of this, ms. */
const SAME_SKEW_MS = 120_000;
const RETRY = { baseMs: 500, ceilingMs: 2_000 };

/** Codes for which another try soon may end better. */
const transient: ReadonlySet<OktaErrorCode> = new Set([
  "unavailable",
  "timeout",
  "network",
  "invalid_response",
]);

interface Attempt {
  readonly result: Result<OktaResponse, OktaError>;
  /** A 429 because of too many calls at once, not because the window is full. */
  readonly crowded?: boolean;
  /** What the call carried; absent when it did not go out. */
  readonly authorization?: Readonly<Record<string, string>>;
}

export class OktaClient {
  readonly #options: OktaClientOptions;
  readonly #limits: TimeLimits;
  #skewMs: number;
  #unlikelySkewMs: number | null = null;

  constructor(options: OktaClientOptions) {
    this.#options = options;
    this.#limits = new TimeLimits(options.timeoutMs);
    this.#skewMs = options.skewMs;
  }

  /** Okta's clock less ours, ms, by the last answer; see `clockSkew`. */
  get skewMs(): number {
    return this.#skewMs;
  }

  /** Now by Okta's clock, ms since the epoch. */
  serverNow(): number {
    return this.#options.now() + this.#skewMs;
  }

  get baseUrl(): string {
    return this.#options.baseUrl;
  }

  /** Whether a failed call may be repeated. */
  get mayRepeat(): boolean {
    return !this.#options.signal?.aborted && this.#options.budget();
  }

  /**
   * GET of an absolute URL on the base origin. Errors: every code of `OktaErrorCode`; without a permit it is
   * `rate_limited` with `retryAt` and the gate's `reason`. Transient failures are tried up to three times with full jitter, within the
   * budget.
   */
  async get(
    endpoint: Endpoint,
    url: string,
    options: GetOptions = {},
  ): Promise<Result<OktaResponse, OktaError>> {
    const result = await this.#get(endpoint, url, options);
    this.#options.onAnswer?.(endpoint, result);
    return result;
  }

  async #get(endpoint: Endpoint, url: string, options: GetOptions): Promise<Result<OktaResponse, OktaError>> {
    const { baseUrl } = this.#options;
    if (!url.startsWith(`${baseUrl}/`) && new URL(url).origin !== baseUrl) {
      const what = "the link leads to another origin, where the credential must not go";
      return err(oktaError(endpoint, "foreign_origin", what));
    }
    let renewed = false;
    for (let attempt = 1; ; attempt++) {
      const permit = await this.#options.permits.take(endpoint);
      if (!permit.granted) {
        const what = "no call is free now";
        const { retryAt, reason } = permit;
        return err(oktaError(endpoint, "rate_limited", what, { retryAt, ...(reason && { reason }) }));
      }
      const { result, crowded, authorization } = await this.#attempt(endpoint, url, options);
      if (result.ok) return result;
      const { code } = result.error;
      const mayRenew = code === "invalid_credential" && !renewed && authorization !== undefined;
      if (mayRenew && (await this.#options.credential.renew(authorization))) {
        renewed = true;
        continue;
      }
      const again = transient.has(code) || crowded === true;
      if (options.isFinal?.(result.error) === true || !again || attempt >= ATTEMPTS || !this.mayRepeat)
        return result;
      await this.#options.sleep(fullJitter(doubledMs(attempt - 1, RETRY), this.#options.random));
    }
  }

  async #attempt(endpoint: Endpoint, url: string, { headers, anonymous }: GetOptions): Promise<Attempt> {
    const { credential, permits, now, timeoutMs, signal } = this.#options;
    const authorization = anonymous ? ok({}) : await credential.authorize({ method: "GET", url });
    if (!authorization.ok) {
      const unsent = { reading: null, resetInMs: null, status: 0, at: now() };
      permits.report(endpoint, authorization.error.code, unsent, 0);
      return { result: authorization };
    }
    const started = now();
    const limit = this.#limits.start();
    this.#options.onCall?.(endpoint);
    let response: Response | null = null;
    try {
      response = await this.#options.fetch(url, {
        headers: {
          accept: "application/json",
          "user-agent": "okta-edge-connector",
          ...headers,
          ...authorization.value,
        },
        redirect: "manual",
        signal: signal ? AbortSignal.any([limit.signal, signal]) : limit.signal,
      });
      credential.observe(response.headers);
      const { text, whole } = await readBounded(response, MAX_BODY_BYTES);
      const observation = this.#observe(response, started);
      const result = resultOf(endpoint, response, whole ? text : null, observation);
      permits.report(endpoint, result.ok ? "ok" : result.error.code, observation, now() - started);
      const { reading } = observation;
      const crowded = response.status === 429 && reading !== null && isConcurrencyLimit(reading);
      return { result, crowded, ...(!anonymous && { authorization: authorization.value }) };
    } catch {
      const code = limit.signal.aborted || signal?.aborted ? "timeout" : "network";
      permits.report(endpoint, code, this.#observe(response, started), now() - started);
      const what = code === "timeout" ? `no answer within ${timeoutMs} ms` : "the connection failed";
      return { result: err(oktaError(endpoint, code, what, { status: response?.status ?? null })) };
    } finally {
      limit.clear();
    }
  }

  /** Believes what an answer says of Okta's clock; something unlikely only if two answers in a row say it. */
  #noteSkew(skewMs: number | null): void {
    if (skewMs === null) return;
    const isLikely = Math.abs(skewMs - this.#skewMs) <= LIKELY_SKEW_MS || Math.abs(skewMs) <= LIKELY_SKEW_MS;
    const isRepeated =
      this.#unlikelySkewMs !== null && Math.abs(skewMs - this.#unlikelySkewMs) <= SAME_SKEW_MS;
    this.#unlikelySkewMs = isLikely ? null : skewMs;
    if (isLikely || isRepeated) this.#skewMs = skewMs;
  }

  /** What an answer, or none, says about Okta's clock and about the bucket. @param sentAt ms since the epoch */
  #observe(response: Response | null, sentAt: number): CallObservation {
    const at = this.#options.now();
    if (response === null) return { reading: null, resetInMs: null, status: null, at, sentAt };
    const { headers, status } = response;
    const date = headers.get("date");
    this.#noteSkew(clockSkew(date, at));
    const reading = readRateLimit(headers, at, date);
    const resetInMs = reading === null ? null : msUntilReset(reading.resetAt, date, at);
    return { reading, resetInMs, status, at, sentAt };
  }
}

/** What a call ended in. @param text the body; null when it is over the bound */
const resultOf = (
  endpoint: Endpoint,
  { status, headers }: Response,
  text: string | null,
  { reading, resetInMs, at }: CallObservation,
): Result<OktaResponse, OktaError> => {
  if (text === null) {
    return err(oktaError(endpoint, "too_large", `the answer is over ${MAX_BODY_BYTES} bytes`, { status }));
  }
  const body = parseJson(text);
  if (status >= 200 && status < 300) {
    if (body !== undefined) return ok({ body, headers, status });
    return err(oktaError(endpoint, "invalid_response", "the answer is not JSON", { status }));
  }
  const waitMs = reading !== null && isConcurrencyLimit(reading) ? CROWDED_WAIT_MS : resetInMs;
  return err(refusalError(endpoint, { status, headers, body }, waitMs === null ? null : at + waitMs));
};
