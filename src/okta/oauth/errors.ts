/** What can go wrong when an access token is requested, as values. Messages never hold a key, assertion or token. */
import { presentable } from "../../lib/redact.ts";
import type { OktaError, OktaErrorCode } from "../errors.ts";

/**
 * - `bad_key` the private key cannot be read: not an RSA or P-256 key after all, or damaged
 * - `invalid_client` Okta does not know the client, or the key is not one that the app has registered
 * - `invalid_scope` none of the scopes is granted to the app
 * - `clock_skew` refused, and our clock and Okta's differ so much that this is the likely cause
 * - `dpop_refused` Okta wants DPoP and refuses our proofs
 * - `refused` any other refusal: the app is inactive, may not use client credentials, or a network zone is in the way
 * - `token_rejected` Okta issues access tokens and then refuses them on calls
 * - `misconfigured` the connection has no service app, or no longer has one
 * - `rate_limited` 429; `retryAt` says when to come back
 * - `unavailable` 5xx
 * - `timeout` no answer in time
 * - `network` DNS, TLS or connection failure, or the connection's gate was restarted
 * - `invalid_response` not what a token endpoint answers
 */
export type TokenErrorCode =
  | "bad_key"
  | "invalid_client"
  | "invalid_scope"
  | "clock_skew"
  | "dpop_refused"
  | "refused"
  | "token_rejected"
  | "misconfigured"
  | "rate_limited"
  | "unavailable"
  | "timeout"
  | "network"
  | "invalid_response";

/** Plain data, because a Durable Object returns it over RPC. */
export interface TokenError {
  readonly code: TokenErrorCode;
  /** For people: `[POST] "/oauth2/v1/token": 401 invalid_client …`, and what to do. */
  readonly message: string;
  /** HTTP status of the token endpoint, null when it did not answer. */
  readonly status: number | null;
  /** The `error` of RFC 6749, section 5.2, or Okta's own error code. */
  readonly oktaErrorCode: string | null;
  /** When another try makes sense, ms since the epoch; null if unknown or pointless. */
  readonly retryAt: number | null;
}

export const TOKEN_ENDPOINT = "POST /oauth2/v1/token";

const hints: Partial<Record<TokenErrorCode, string>> = {
  bad_key: "Give the private part of the app's key pair as a JWK or as PKCS#8 PEM.",
  invalid_client:
    "Check the client ID, and that the key pair's public part is active under the app's client credentials with the same key ID.",
  invalid_scope: "Grant the app the read scopes under Okta API Scopes.",
  clock_skew: "Set this machine's clock.",
  dpop_refused: "Okta asks for DPoP and refuses the proof.",
  refused: "Check that the app is active and open to calls from this network.",
  token_rejected: "Okta gives access tokens and refuses them. Check that the app is active and has a role.",
};

/**
 * An error with the text that people see: what Okta said, then what to do.
 * @param said it may repeat what Okta said: it passes the door for text from elsewhere here
 */
export const tokenError = (
  code: TokenErrorCode,
  said: string,
  facts: Partial<Pick<TokenError, "status" | "oktaErrorCode" | "retryAt">> = {},
): TokenError => {
  const hint = hints[code];
  const message = `[POST] "/oauth2/v1/token": ${presentable(said).replace(/\.$/, "")}${hint === undefined ? "" : `. ${hint}`}`;
  return { code, message, status: null, oktaErrorCode: null, retryAt: null, ...facts };
};

const same: ReadonlySet<string> = new Set<OktaErrorCode & TokenErrorCode>([
  "rate_limited",
  "unavailable",
  "timeout",
  "network",
  "invalid_response",
]);

const isSame = (code: TokenErrorCode): code is OktaErrorCode & TokenErrorCode => same.has(code);

/** The error of the call that needed the token. */
export const asOktaError = ({ code, message, status, oktaErrorCode, retryAt }: TokenError): OktaError => ({
  code: isSame(code) ? code : "invalid_credential",
  message,
  endpoint: TOKEN_ENDPOINT,
  status,
  oktaErrorCode,
  retryAt,
});
