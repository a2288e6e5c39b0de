/** One call to Okta, done politely: a permit first, the credential only to its own origin, bounded in time and size. */
import { doubledMs, fullJitter } from "../lib/backoff.ts";
import { readBounded } from "../lib/bounded-text.ts";
import { parseJson } from "../lib/json.ts";
import { err, ok, type Result } from "../lib/result.ts";
import { TimeLimits } from "../lib/timeout.ts";
import type { CredentialSource } from "./credential.ts";
import type { Endpoint } from "./endpoints.ts";
import type { OktaError, OktaErrorCode } from "./errors.ts";
import { msUntilReset, type RateLimitReading, readRateLimit } from "./gate/headers.ts";
import type { Observation } from "./gate/ledger.ts";
import type { Permit } from "./gate/permits.ts";

export interface OktaClientOptions {
  /** Origin only. */
  readonly baseUrl: string;
  readonly credential: CredentialSource;
  readonly permits: {
    take(endpoint: Endpoint): Promise<Permit>;
    report(endpoint: Endpoint, outcome: string, observation: Heard, latencyMs: number): void;
  };
  readonly fetch: typeof fetch;
  readonly now: () => number;
  readonly sleep: (ms: number) => Promise<void>;
  readonly random: () => number;
  /** May one more request be made? Asked before every attempt; a slice's subrequest budget. */
  readonly budget: () => boolean;
  /** Whole call, body included; ms. */
  readonly timeoutMs: number;
  /** Okta's clock less ours as last seen, ms; every answer corrects it. */
  readonly skewMs: number;
  /** Called once per attempt that went out. */
  readonly onCall?: (endpoint: Endpoint) => void;
  /** Aborts everything under way. */
  readonly signal?: AbortSignal;
}

export interface OktaAnswer {
  readonly body: unknown;
  readonly headers: Headers;
  readonly status: number;
  readonly rateLimit: RateLimitReading | null;
  readonly latencyMs: number;
}

export interface GetOptions {
  readonly headers?: Record<string, string>;
  /** Do not repeat a call that ended in 500: the caller asks for less instead. */
  readonly fail500?: boolean;
}

/** A page of 1,000 users is 2 to 4 MB; far more than that is not a page. */
const MAX_BODY_BYTES = 24 * 1024 * 1024;
const ATTEMPTS = 3;
const RETRY = { baseMs: 500, ceilingMs: 2_000 };

/** Codes for which another try soon may end better. */
const transient: ReadonlySet<OktaErrorCode> = new Set([
  "unavailable",
  "timeout",
  "network",
  "invalid_response",
]);

interface Attempt {
  readonly result: Result<OktaAnswer, OktaError>;
  /** A 429 that speaks of concurrency, not of the window. */
  readonly crowded?: boolean;
  /** What the call carried; absent when it did not go out. */
  readonly authorization?: Readonly<Record<string, string>>;
}

type Heard = Omit<Observation, "bucket">;

export class OktaClient {
  readonly #options: OktaClientOptions;
  readonly #limits: TimeLimits;
  #skewMs: number;

  constructor(options: OktaClientOptions) {
    this.#options = options;
    this.#limits = new TimeLimits(options.timeoutMs);
    this.#skewMs = options.skewMs;
  }

  /**
   * Okta's clock less ours, ms. Whole seconds are all that a Date header has: a difference below two of them is
   * taken as none.
   */
  get skewMs(): number {
    return this.#skewMs;
  }

  serverNow(): number {
    return this.#options.now() + this.#skewMs;
  }

  get baseUrl(): string {
    return this.#options.baseUrl;
  }

  /**
   * GET of an absolute URL on the base origin. Errors: every code of `OktaErrorCode`; `rate_limited` comes
   * with `retryAt`. Transient failures are tried up to three times with full jitter, within the budget.
   */
  async get(
    endpoint: Endpoint,
    url: string,
    options: GetOptions = {},
  ): Promise<Result<OktaAnswer, OktaError>> {
    const { baseUrl } = this.#options;
    if (!url.startsWith(`${baseUrl}/`) && new URL(url).origin !== baseUrl) {
      return err(
        this.#error(
          endpoint,
          "foreign_origin",
          "the link leads to another origin, where the credential must not go",
        ),
      );
    }
    let renewed = false;
    for (let attempt = 1; ; attempt++) {
      const permit = await this.#options.permits.take(endpoint);
      if (!permit.granted) {
        return err({
          ...this.#error(endpoint, "rate_limited", "no call is free in this window"),
          retryAt: permit.retryAt,
        });
      }
      const { result, crowded, authorization } = await this.#attempt(endpoint, url, options.headers ?? {});
      if (result.ok) return result;
      const { code } = result.error;
      const mayRenew = code === "invalid_credential" && !renewed && authorization !== undefined;
      if (mayRenew && (await this.#options.credential.renew(authorization))) {
        renewed = true;
        continue;
      }
      const again =
        (transient.has(code) && !(options.fail500 && result.error.status === 500)) || crowded === true;
      if (!again || attempt >= ATTEMPTS || this.#options.signal?.aborted || !this.#options.budget())
        return result;
      await this.#options.sleep(fullJitter(doubledMs(attempt - 1, RETRY), this.#options.random));
    }
  }

  async #attempt(endpoint: Endpoint, url: string, headers: Record<string, string>): Promise<Attempt> {
    const { credential, permits, now, timeoutMs, signal } = this.#options;
    const authorization = await credential.authorize({ method: "GET", url });
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
      const heard = this.#hear(response);
      const latencyMs = now() - started;
      const result = this.#classify(endpoint, response, whole ? text : null, heard, latencyMs);
      permits.report(endpoint, result.ok ? "ok" : result.error.code, heard, latencyMs);
      const crowded = response.status === 429 && heard.reading?.limit === 0 && heard.reading.remaining === 0;
      return { result, crowded, authorization: authorization.value };
    } catch {
      const code = limit.signal.aborted || signal?.aborted ? "timeout" : "network";
      permits.report(endpoint, code, this.#hear(response), now() - started);
      const message = code === "timeout" ? `no answer within ${timeoutMs} ms` : "the connection failed";
      return { result: err(this.#error(endpoint, code, message, response?.status ?? null)) };
    } finally {
      limit.clear();
    }
  }

  /** What an answer, or none, says of Okta's clock and of the bucket. */
  #hear(response: Response | null): Heard {
    const at = this.#options.now();
    if (response === null) return { reading: null, resetInMs: null, status: null, at };
    const { headers, status } = response;
    const dateHeader = headers.get("date");
    const date = Date.parse(dateHeader ?? "");
    if (!Number.isNaN(date)) this.#skewMs = Math.abs(date - at) < 2000 ? 0 : date - at;
    const reading = readRateLimit(headers);
    const resetInMs = reading === null ? null : msUntilReset(reading.resetAt, dateHeader, at);
    return { reading, resetInMs, status, at };
  }

  #classify(
    endpoint: Endpoint,
    response: Response,
    text: string | null,
    { reading: rateLimit, resetInMs, at }: Heard,
    latencyMs: number,
  ): Result<OktaAnswer, OktaError> {
    const { status, headers } = response;
    if (text === null)
      return err(this.#error(endpoint, "too_large", `the answer is over ${MAX_BODY_BYTES} bytes`, status));
    const body = parseJson(text);
    if (status >= 200 && status < 300) {
      if (body === undefined)
        return err(this.#error(endpoint, "invalid_response", "the answer is not JSON", status));
      return ok({ body, headers, status, rateLimit, latencyMs });
    }
    const okta = oktaErrorOf(body);
    const code = errorCode(status, headers, okta.code);
    const said = okta.code === null ? "" : ` ${okta.code} ${okta.summary}`;
    const error = this.#error(endpoint, code, `${status}${said}`, status, okta.code);
    if (code !== "rate_limited" || rateLimit === null || resetInMs === null) return err(error);
    // Limit 0 on a 429 is the concurrency limit, where Reset has no meaning.
    return err({ ...error, retryAt: at + (rateLimit.limit === 0 ? 1000 : resetInMs) });
  }

  #error(
    endpoint: Endpoint,
    code: OktaErrorCode,
    what: string,
    status: number | null = null,
    oktaErrorCode: string | null = null,
  ): OktaError {
    const [method, path] = endpoint.split(" ");
    return {
      code,
      message: `[${method}] "${path}": ${what}`,
      endpoint,
      status,
      oktaErrorCode,
      retryAt: null,
    };
  }
}

const errorCode = (status: number, headers: Headers, oktaCode: string | null): OktaErrorCode => {
  if (status >= 300 && status < 400) return "foreign_origin";
  // "You do not have permission to access the feature": the credential is good, the org has not got the feature.
  if (oktaCode === "E0000015") return "forbidden";
  if (status === 401) return "invalid_credential";
  // A DPoP proof that Okta does not take, for its time or its nonce, is a 400 with a challenge.
  if (status === 400 && /^DPoP\b/i.test(headers.get("www-authenticate") ?? "")) return "invalid_credential";
  if (status === 403) {
    return /insufficient_scope/.test(headers.get("www-authenticate") ?? "")
      ? "insufficient_scope"
      : "forbidden";
  }
  if (status === 404) return "not_found";
  if (status === 429) return "rate_limited";
  return status >= 500 ? "unavailable" : "bad_request";
};

/** Okta's error body; the summary is for people, bounded, and only the code is ever branched on. */
const oktaErrorOf = (body: unknown): { code: string | null; summary: string } => {
  if (typeof body !== "object" || body === null) return { code: null, summary: "" };
  const code = "errorCode" in body && typeof body.errorCode === "string" ? body.errorCode.slice(0, 16) : null;
  const summary = "errorSummary" in body && typeof body.errorSummary === "string" ? body.errorSummary : "";
  return { code, summary: summary.slice(0, 200) };
};
