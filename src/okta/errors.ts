/** What can go wrong between us and Okta, as values. Messages never hold a credential or a query string. */
import { presentable } from "../lib/redact.ts";
import type { WaitReason } from "./wait-reason.ts";

/**
 * - `invalid_credential` 401: wrong, expired or revoked token or client; or a refused DPoP proof
 * - `forbidden` 403: the credential's admin role may not do this; or the org does not have the feature, which Okta may
 *   say with another status
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
 * - `endless_list` a list goes on and on without showing anything new, so it will never be complete
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
  | "foreign_origin"
  | "endless_list";

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
  /** The origin to which a redirect or a link leads; absent for any other error, and if it cannot be read. */
  readonly leadsTo?: string;
  /** The number of entries on the smallest page that Okta was asked for and did not give in time. */
  readonly pageSize?: number;
}

/**
 * An error of a call.
 * @param endpoint method and path template, with a blank between them
 * @param what what went wrong, for people. It may repeat what Okta said: it passes the door for text from elsewhere here
 */
export const oktaError = (
  endpoint: string,
  code: OktaErrorCode,
  what: string,
  facts: Partial<Pick<OktaError, "status" | "oktaErrorCode" | "retryAt" | "reason" | "leadsTo">> = {},
): OktaError => {
  const [method, path] = endpoint.split(" ");
  return {
    code,
    message: `[${method}] "${path}": ${presentable(what)}`,
    endpoint,
    status: null,
    oktaErrorCode: null,
    retryAt: null,
    ...facts,
    ...(facts.leadsTo !== undefined && { leadsTo: presentable(facts.leadsTo) }),
  };
};

/**
 * The error of a list that does not end.
 * @param next the link to its next page; its path names the endpoint
 * @param idle how many pages in a row have shown nothing new
 */
export const endlessList = (next: string, idle: number): OktaError => {
  const path = new URL(next).pathname.replace(/\/(users|groups|devices)\/[^/]+/, "/$1/{id}");
  const what = `the list does not end: ${idle === 1 ? "a page names itself as the next one" : `${idle} pages in a row show nothing new and name a next one`}`;
  return oktaError(`GET ${path}`, "endless_list", what);
};

/** Statuses for time-outs: of Okta itself, of what stands in front of it, and of Cloudflare. */
const TIMED_OUT: ReadonlySet<number | null> = new Set([500, 504, 524]);

/** Whether a page may have failed because of its size: Okta, or what stands in front of it, took too long for it. */
export const tookTooLong = ({ code, status }: OktaError): boolean =>
  code === "timeout" || (code === "unavailable" && TIMED_OUT.has(status));

/** The two refusals that make a fact unknown as `forbidden`. */
export const isForbidden = (error: OktaError): boolean =>
  error.code === "forbidden" || error.code === "insufficient_scope";
