/**
 * One visit to Okta's token endpoint: client_credentials with private_key_jwt (RFC 7523), a DPoP proof
 * (RFC 9449) and the retries that the protocol itself asks for. Source of what is Okta's own: developer.okta.com,
 * "Implement OAuth for Okta with a service app" and "Configure OAuth 2.0 Demonstrating Proof-of-Possession".
 */
import * as oauth from "oauth4webapi";
import { isLoopbackHost } from "../../config/outbound-url.ts";
import type { Credential } from "../../config/types.ts";
import { readBounded } from "../../lib/bounded-text.ts";
import { clockSkew } from "../../lib/clock.ts";
import { holdsSecret, protectForNow } from "../../lib/redact.ts";
import { err, ok, type Result } from "../../lib/result.ts";
import { timeLimit } from "../../lib/timeout.ts";
import type { AccessToken } from "./access-token.ts";
import { type TokenError, tokenError } from "./errors.ts";
import { importSigningKey, newProofKeys, type SigningKey } from "./keys.ts";
import { SCOPE, SCOPES, scopesNamedIn } from "./scopes.ts";

import { answerError, readTokenAnswer, type TokenAnswer } from "./token-answer.ts";

export type OauthCredential = Extract<Credential, { kind: "oauth" }>;

export interface TokenRequestOptions {
  readonly baseUrl: string;
  readonly credential: OauthCredential;
  /** The DPoP nonce of the last visit, so that this one needs no retry for it; null before the first. */
  readonly nonce: string | null;
  /** Okta's clock less ours as last seen, ms. */
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
/** A token answer is 1 to 2 KB; one that is cut off is not JSON. */
const MAX_ANSWER_BYTES = 64 * 1024;
/** Assertions and proofs are dated back by this much, so that a clock slightly ahead does no harm. */
const BACKDATE_SECONDS = 5;
/** Clocks that differ by less are not why Okta refused. */
const NOTABLE_SKEW_MS = 5_000;
const DEFAULT_MAX_REQUESTS = 12;
/** Tokens are taken to live this long when Okta does not say (RFC 6749 leaves it open; Okta gives 3,600 s). */
const DEFAULT_LIFETIME_SECONDS = 300;

interface Failure {
  readonly error: TokenError;
  /** Null when no answer came. */
  readonly answer: TokenAnswer | null;
}

/**
 * Asks for an access token with every scope that the app has been granted. Never throws. Errors: every code of
 * `TokenErrorCode` but `misconfigured` and `token_rejected`.
 */
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

  /** Asks for these scopes, or for as many of them as possible when Okta refuses them together. */
  async ask(scopes: readonly string[]): Promise<Result<AccessToken, TokenError>> {
    const all = await this.#grant(scopes);
    if (all.ok || all.error.code !== "invalid_scope") return all;
    const named = scopesNamedIn(all.error.message, scopes);
    if (named.length > 0 && named.length < scopes.length && this.#left > 0) {
      const others = await this.#grant(scopes.filter((scope) => !named.includes(scope)));
      if (others.ok || others.error.code !== "invalid_scope") return others;
    }
    // Okta does not say which: each is tried alone, then those that it grants are asked for together.
    if (this.#left <= scopes.length) return all;
    const granted: string[] = [];
    for (const scope of scopes) {
      if (this.#left <= 0) return all;
      const alone = await this.#grant([scope]);
      if (alone.ok) granted.push(scope);
      else if (alone.error.code !== "invalid_scope") return alone;
    }
    return granted.length === 0 || this.#left <= 0 ? all : this.#grant(granted);
  }

  get #left(): number {
    return (this.#options.maxRequests ?? DEFAULT_MAX_REQUESTS) - this.requests;
  }

  /** One grant: repeated once with Okta's nonce, and once by Okta's clock. */
  async #grant(scopes: readonly string[]): Promise<Result<AccessToken, TokenError>> {
    let nonceTried = false;
    let clockTried = false;
    for (;;) {
      const used = { nonce: this.nonce, skewMs: this.skewMs };
      const granted = await this.#post(scopes);
      if (granted.ok) return granted;
      const { error, answer } = granted.error;
      const newNonce = answer?.error === "use_dpop_nonce" && this.nonce !== used.nonce;
      const newClock =
        error.code !== "invalid_scope" &&
        answer !== null &&
        answer.status < 429 &&
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

  async #post(scopes: readonly string[]): Promise<Result<AccessToken, Failure>> {
    const { baseUrl, credential, now } = this.#options;
    const server = { issuer: baseUrl, token_endpoint: `${baseUrl}/oauth2/v1/token` };
    const localNow = now();
    const skewSeconds = Math.floor((localNow + this.skewMs - Date.now()) / 1000) - BACKDATE_SECONDS;
    const client = { client_id: credential.clientId, [oauth.clockSkew]: skewSeconds };
    const proof = await newProofKeys();
    const { nonce } = this;
    const limit = timeLimit(TIMEOUT_MS);
    const last: { answer: TokenAnswer | null } = { answer: null };
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
            this.#learn(answer.headers);
            last.answer = readTokenAnswer(answer, text);
            // Challenges are handled by the body's `error`; the library would stop at the header.
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
      // RFC 6749, section 5.1: without `scope`, what was asked for is granted.
      const scope = granted.scope?.split(" ").filter((name) => SCOPE.test(name)) ?? scopes;
      protectForNow([granted.access_token]);
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
      return err({ error: explain(last.answer, limit.signal.aborted, now()), answer: last.answer });
    } finally {
      limit.clear();
    }
  }

  /** Notes what the next request needs. */
  #learn(headers: Headers): void {
    this.skewMs = clockSkew(headers.get("date"), this.#options.now()) ?? this.skewMs;
    const nonce = headers.get("dpop-nonce")?.slice(0, 1024) ?? this.nonce;
    // It is stored until the next request. Nobody's secret is a nonce.
    this.nonce = nonce !== null && holdsSecret(nonce) ? null : nonce;
  }
}

const explain = (answer: TokenAnswer | null, timedOut: boolean, now: number): TokenError => {
  if (timedOut) return tokenError("timeout", `no answer within ${TIMEOUT_MS} ms`);
  return answer === null ? tokenError("network", "the connection failed") : answerError(answer, now);
};
