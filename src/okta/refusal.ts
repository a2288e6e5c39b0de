/** What an answer other than a 2xx means. Pure. */
import { isPlainObject } from "../lib/json.ts";
import type { Endpoint } from "./endpoints.ts";
import { type OktaError, type OktaErrorCode, oktaError } from "./errors.ts";

/** An answer's status and headers, and its JSON; undefined when it is not JSON. */
export interface Refusal {
  readonly status: number;
  readonly headers: Headers;
  readonly body: unknown;
}

/** The error that a refusal is. @param retryAt for a 429: when to come back, ms since the epoch; null if unknown */
export const refusalError = (
  endpoint: Endpoint,
  { status, headers, body }: Refusal,
  retryAt: number | null,
): OktaError => {
  const okta = oktaErrorIn(body);
  const code = errorCode(status, headers, okta.code);
  const what = okta.code === null ? String(status) : `${status} ${okta.code} ${okta.summary}`;
  return oktaError(endpoint, code, what, {
    status,
    oktaErrorCode: okta.code,
    retryAt: code === "rate_limited" ? retryAt : null,
  });
};

const errorCode = (status: number, headers: Headers, oktaCode: string | null): OktaErrorCode => {
  const challenge = headers.get("www-authenticate") ?? "";
  if (status >= 300 && status < 400) return "foreign_origin";
  // "You do not have permission to access the feature": the credential is good, the org does not have the feature.
  if (oktaCode === "E0000015") return "forbidden";
  if (status === 401) return "invalid_credential";
  // A DPoP proof that Okta refuses for its time or its nonce is a 400 with a challenge.
  if (status === 400 && /^DPoP\b/i.test(challenge)) return "invalid_credential";
  if (status === 403) return /insufficient_scope/.test(challenge) ? "insufficient_scope" : "forbidden";
  if (status === 404) return "not_found";
  if (status === 429) return "rate_limited";
  return status >= 500 ? "unavailable" : "bad_request";
};

/** Okta's error body; the summary is for people and bounded, and only the code is ever branched on. */
const oktaErrorIn = (body: unknown): { code: string | null; summary: string } => {
  const { errorCode: code, errorSummary: summary } = isPlainObject(body) ? body : {};
  return {
    code: typeof code === "string" ? code.slice(0, 16) : null,
    summary: typeof summary === "string" ? summary.slice(0, 200) : "",
  };
};
