/** What can go wrong between us and Okta, as values. Messages never hold a credential or a query string. */
import type { WaitReason } from "./wait-reason.ts";

/**
 * - `invalid_credential` 401: wrong, expired or revoked token or client; or a refused DPoP proof
 * - `forbidden` 403: the credential's admin role may not do this; or the org does not have the feature
 * - `insufficient_scope` 403 with this challenge: the OAuth token lacks the scope
 * - `not_found` 404
 * - `bad_request` any other 4xx: the request is wrong, or a cursor has expired
 * - `rate_limited` no permit now, or Okta answered 429; `retryAt` says when to come back
 * - `unavailable` 5xx after the retries
 * - `timeout` no answer in time, after the retries
 * - `network` DNS, TLS or connection failure, after the retries
 * - `invalid_response` not the JSON that Okta documents (HTML, truncated, wrong shape), after the retries
 * - `too_large` the body is over the bound
 * - `foreign_origin` a `next` link or redirect leads to another origin; the credential was not sent there
 */
export type OktaErrorCode =
  | "invalid_credential"
  | "forbidden"
  | "insufficient_scope"
  | "not_found"
  | "bad_request"
  | "rate_limited"
  | "unavailable"
  | "timeout"
  | "network"
  | "invalid_response"
  | "too_large"
  | "foreign_origin";

export interface OktaError {
  readonly code: OktaErrorCode;
  /** For people: `[GET] "/api/v1/users/{id}/factors": 403 E0000006 You do not have permission …`. */
  readonly message: string;
  /** The endpoint's template, for example `GET /api/v1/users/{id}/factors`. */
  readonly endpoint: string;
  /** HTTP status; null when no answer came, or the error is not about the answer. */
  readonly status: number | null;
  /** Okta's own code, for example `E0000006`. */
  readonly oktaErrorCode: string | null;
  /** When a retry makes sense, ms since the epoch by the local clock; null if unknown or pointless. */
  readonly retryAt: number | null;
  /** Why the gate gave no permit; absent for any other error, and if the gate did not say. */
  readonly reason?: WaitReason;
}

/**
 * An error of a call.
 * @param endpoint method and path template, with a blank between them
 * @param what what went wrong, for people; no secrets
 */
export const oktaError = (
  endpoint: string,
  code: OktaErrorCode,
  what: string,
  facts: Partial<Pick<OktaError, "status" | "oktaErrorCode" | "retryAt" | "reason">> = {},
): OktaError => {
  const [method, path] = endpoint.split(" ");
  return {
    code,
    message: `[${method}] "${path}": ${what}`,
    endpoint,
    status: null,
    oktaErrorCode: null,
    retryAt: null,
    ...facts,
  };
};

/** The two refusals that make a fact unknown as `forbidden`. */
export const isForbidden = (error: OktaError): boolean =>
  error.code === "forbidden" || error.code === "insufficient_scope";
