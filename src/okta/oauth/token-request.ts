/**
 * One visit to Okta's token endpoint: client_credentials with private_key_jwt (RFC 7523), a DPoP proof
 * (RFC 9449) and the retries that the protocol itself asks for. Source of Okta's ways: developer.okta.com,
 * "Implement OAuth for Okta with a service app" and "Configure OAuth 2.0 Demonstrating Proof-of-Possession".
 */
import * as oauth from "oauth4webapi";
import { isLoopbackHost } from "../../config/outbound-url.ts";
import type { Credential } from "../../config/types.ts";
import { readBounded } from "../../lib/bounded-text.ts";
import { clockSkew } from "../../lib/clock.ts";
import { err, ok, type Result } from "../../lib/result.ts";
import { timeLimit } from "../../lib/timeout.ts";
import type { AccessToken } from "./access-token.ts";
import { type TokenError, type TokenErrorCode, tokenError } from "./errors.ts";
import { importSigningKey, newProofKeys, type SigningKey } from "./keys.ts";
import { SCOPES, scopesNamedIn } from "./scopes.ts";

export type OauthCredential = Extract<Credential, { kind: "oauth" }>;

export interface TokenRequestOptions {
  readonly baseUrl: string;
  readonly credential: OauthCredential;
  /** What the last visit taught, so that this one needs no retry. */
  readonly nonce: string | null;
  readonly skewMs: number;
  readonly fetch: typeof fetch;
  readonly now: () => number;
  /** No more requests than this, retries included. */
  readonly maxRequests?: number;
}

export interface Visit {
  readonly result: Result<AccessToken, TokenError>;
  /** For the next visit. */
  readonly nonce: string | null;
  readonly skewMs: number;
  readonly requests: number;
}

const TIMEOUT_MS = 10_000;
/** A token answer is 1 to 2 KB; what is cut is no JSON any more. */
const MAX_ANSWER_BYTES = 64 * 1024;
/** Assertions and proofs are dated back this much, so that a clock slightly ahead does no harm. */
const BACKDATE_SECONDS = 5;
/** Clocks that differ less are not why Okta refused. */
const NOTABLE_SKEW_MS = 5_000;
const DEFAULT_MAX_REQUESTS = 12;
/** Tokens are taken to live this long when Okta does not say (RFC 6749 leaves it open; Okta gives 3,600 s). */
const DEFAULT_LIFETIME_SECONDS = 300;

/** What came over the wire, as far as a failure has to be explained by it. */
interface Seen {
  readonly status: number;
  readonly error: string | null;
  readonly description: string;
  readonly retryAfterSeconds: number | null;
}

/** Asks for an access token with every scope that the app has been granted. Never throws. */
export const requestToken = async (options: TokenRequestOptions): Promise<Visit> => {
  const key = await importSigningKey(options.credential.privateKey, options.credential.keyId);
  const { nonce, skewMs } = options;
  if (!key.ok) return { result: key, nonce, skewMs, requests: 0 };
  const visit = new TokenVisit(options, key.value);
  const result = await visit.ask(SCOPES);
  return { result, nonce: visit.nonce, skewMs: visit.skewMs, requests: visit.requests };
};

class TokenVisit {
  readonly #options: TokenRequestOptions;
  readonly #key: SigningKey;
  nonce: string | null;
  skewMs: number;
  requests = 0;

  constructor(options: TokenRequestOptions, key: SigningKey) {
    this.#options = options;
    this.#key = key;
    this.nonce = options.nonce;
    this.skewMs = options.skewMs;
  }

  /** Asks for these scopes, and for as many of them as possible when Okta refuses them together. */
  async ask(scopes: readonly string[]): Promise<Result<AccessToken, TokenError>> {
    const all = await this.#grant(scopes);
    if (all.ok || all.error.code !== "invalid_scope") return all;
    const named = scopesNamedIn(all.error.message, scopes);
    if (named.length > 0 && named.length < scopes.length && this.#left > 0) {
      const others = await this.#grant(scopes.filter((scope) => !named.includes(scope)));
      if (others.ok || others.error.code !== "invalid_scope") return others;
    }
    // Okta does not say which: each is tried alone, and those that it gives are asked for together.
    if (this.#left <= scopes.length) return all;
    const granted: string[] = [];
    for (const scope of scopes) {
      const alone = await this.#grant([scope]);
      if (alone.ok) granted.push(scope);
      else if (alone.error.code !== "invalid_scope") return alone;
    }
    return granted.length === 0 ? all : this.#grant(granted);
  }

  get #left(): number {
    return (this.#options.maxRequests ?? DEFAULT_MAX_REQUESTS) - this.requests;
  }

  /** One grant: repeated once for Okta's nonce, and once by Okta's clock. */
  async #grant(scopes: readonly string[]): Promise<Result<AccessToken, TokenError>> {
    let nonceTried = false;
    let clockTried = false;
    for (;;) {
      const used = { nonce: this.nonce, skewMs: this.skewMs };
      const answer = await this.#post(scopes);
      if (answer.ok) return answer;
      const { error, seen } = answer.error;
      const newNonce = seen?.error === "use_dpop_nonce" && this.nonce !== used.nonce;
      const newClock =
        error.code !== "invalid_scope" &&
        seen !== null &&
        seen.status < 429 &&
        Math.abs(this.skewMs - used.skewMs) >= NOTABLE_SKEW_MS;
      if (this.#left > 0 && newNonce && !nonceTried) nonceTried = true;
      else if (this.#left > 0 && newClock && !clockTried) clockTried = true;
      else if (clockTried) {
        const seconds = Math.round(this.skewMs / 1000);
        const said = `refused also by Okta's clock, which is ${Math.abs(seconds)} s ${seconds > 0 ? "ahead of" : "behind"} ours`;
        const { status, oktaErrorCode } = error;
        return err(tokenError("clock_skew", said, { status, oktaErrorCode }));
      } else return err(error);
    }
  }

  async #post(
    scopes: readonly string[],
  ): Promise<Result<AccessToken, { error: TokenError; seen: Seen | null }>> {
    const { baseUrl, credential, now } = this.#options;
    const server = { issuer: baseUrl, token_endpoint: `${baseUrl}/oauth2/v1/token` };
    const localNow = now();
    const skewSeconds = Math.floor((localNow + this.skewMs - Date.now()) / 1000) - BACKDATE_SECONDS;
    const client = { client_id: credential.clientId, [oauth.clockSkew]: skewSeconds };
    const proof = await newProofKeys();
    const { nonce } = this;
    const limit = timeLimit(TIMEOUT_MS);
    const heard: { seen: Seen | null } = { seen: null };
    this.requests += 1;
    try {
      const response = await oauth.clientCredentialsGrantRequest(
        server,
        client,
        oauth.PrivateKeyJwt(
          { key: this.#key.key, ...(this.#key.kid !== null && { kid: this.#key.kid }) },
          // Okta wants its token URL as the audience (RFC 7523, section 3), not the issuer.
          {
            [oauth.modifyAssertion]: (_, claims) => Object.assign(claims, { aud: server.token_endpoint }),
          },
        ),
        { scope: scopes.join(" ") },
        {
          DPoP: oauth.DPoP(client, proof.pair, {
            [oauth.modifyAssertion]: (_, claims) => {
              if (nonce !== null) claims["nonce"] = nonce;
            },
          }),
          [oauth.customFetch]: async (url, init) => {
            const answer = await this.#options.fetch(url, {
              ...init,
              headers: { ...init.headers, "user-agent": "okta-edge-connector" },
            });
            const { text } = await readBounded(answer, MAX_ANSWER_BYTES);
            heard.seen = this.#look(answer, text);
            // Challenges are dealt with by the body's `error`; the library would stop at the header.
            const headers = new Headers(answer.headers);
            headers.delete("www-authenticate");
            return new Response(text === "" ? null : text, { status: answer.status, headers });
          },
          [oauth.allowInsecureRequests]: isLoopbackHost(new URL(baseUrl).hostname),
          signal: limit.signal,
        },
      );
      const granted = await oauth.processClientCredentialsResponse(server, client, response);
      const isBound = granted.token_type === "dpop";
      // RFC 6749, section 5.1: without `scope` it is what was asked for.
      const scope = granted.scope?.split(" ").filter((name) => name !== "") ?? scopes;
      return ok({
        token: granted.access_token,
        type: isBound ? "DPoP" : "Bearer",
        scopes: scope.slice(0, 100),
        missingScopes: SCOPES.filter((wanted) => !scope.includes(wanted)),
        issuedAt: localNow,
        expiresAt: localNow + (granted.expires_in ?? DEFAULT_LIFETIME_SECONDS) * 1000,
        proofKey: isBound ? proof.jwk : null,
        skewMs: this.skewMs,
      });
    } catch {
      return err({ error: explain(heard.seen, limit.signal.aborted, now()), seen: heard.seen });
    } finally {
      limit.clear();
    }
  }

  /** Notes what the next request needs, and what a failure will be explained by. */
  #look(response: Response, text: string): Seen {
    this.skewMs = clockSkew(response.headers.get("date"), this.#options.now()) ?? this.skewMs;
    this.nonce = response.headers.get("dpop-nonce")?.slice(0, 1024) ?? this.nonce;
    const retryAfter = response.headers.get("retry-after") ?? "";
    return {
      status: response.status,
      ...errorIn(text),
      retryAfterSeconds: /^\d{1,5}$/.test(retryAfter) ? Number(retryAfter) : null,
    };
  }
}

/** `error` and `error_description` of RFC 6749, or Okta's own `errorCode` and `errorSummary`; bounded. */
const errorIn = (text: string): { error: string | null; description: string } => {
  let body: unknown;
  try {
    body = JSON.parse(text);
  } catch {
    return { error: null, description: "" };
  }
  const read = (...names: readonly string[]): string | null => {
    if (typeof body !== "object" || body === null) return null;
    const values = names.map((name): unknown => Reflect.get(Object(body), name));
    return values.find((value) => typeof value === "string") ?? null;
  };
  // Okta's texts do not repeat assertions; should one ever do, it does not leave here.
  const description = (read("error_description", "errorSummary") ?? "").replace(/eyJ[\w.-]+/g, "[redacted]");
  return {
    error:
      read("error", "errorCode")
        ?.replace(/[^\w.-]/g, "")
        .slice(0, 40) ?? null,
    description: description.replace(/[\r\n]+/g, " ").slice(0, 200),
  };
};

const codes: Readonly<Record<string, TokenErrorCode>> = {
  invalid_client: "invalid_client",
  invalid_scope: "invalid_scope",
  invalid_dpop_proof: "dpop_refused",
  use_dpop_nonce: "dpop_refused",
};

const explain = (seen: Seen | null, timedOut: boolean, now: number): TokenError => {
  if (timedOut) return tokenError("timeout", `no answer within ${TIMEOUT_MS} ms`);
  if (seen === null) return tokenError("network", "the connection failed");
  const { status, error, description, retryAfterSeconds } = seen;
  const said = [String(status), error, description].filter((part) => part !== null && part !== "").join(" ");
  const facts = { status, oktaErrorCode: error };
  if (status === 429) {
    return tokenError("rate_limited", said, { ...facts, retryAt: now + (retryAfterSeconds ?? 10) * 1000 });
  }
  if (status >= 500) return tokenError("unavailable", said, facts);
  if (status < 400 || error === null) {
    return tokenError(
      status === 401 || status === 403 ? "refused" : "invalid_response",
      `${said}, not what a token endpoint answers`,
      facts,
    );
  }
  return tokenError(codes[error] ?? "refused", said, facts);
};
