/** What an answer other than a 2xx means. Pure. */
import { isPlainObject } from "../lib/json.ts";
import type { Endpoint } from "./endpoints.ts";
import { type OktaError, type OktaErrorCode, oktaError } from "./errors.ts";
import { treatmentOf } from "./remedies.ts";

/** An answer's status and headers, and its JSON; undefined when it is not JSON. */
export interface Refusal {
  readonly status: number;
  readonly headers: Headers;
  readonly body: unknown;
}

/** Where a redirect leads: its origin; undefined if it does not lead to another place on the web. */
const redirectedTo = ({ status, headers }: Refusal): string | undefined => {
  const location = headers.get("location") ?? "";
  const isRedirect = status >= 300 && status < 400 && /^https?:/i.test(location) && URL.canParse(location);
  return isRedirect ? new URL(location).origin.slice(0, 200) : undefined;
};

/** The error that a refusal is. @param retryAt for a 429: when to come back, ms since the epoch; null if unknown */
export const refusalError = (endpoint: Endpoint, refusal: Refusal, retryAt: number | null): OktaError => {
  const { status, headers, body } = refusal;
  const okta = oktaErrorIn(body);
  const code = errorCode(status, headers, okta.code);
  const leadsTo = redirectedTo(refusal);
  const told = okta.code === null ? String(status) : `${status} ${okta.code} ${okta.summary}`;
  const what = leadsTo === undefined ? told : `${status} to ${leadsTo}, where the credential is not sent`;
  return oktaError(endpoint, code, what, {
    status,
    oktaErrorCode: okta.code,
    retryAt: code === "rate_limited" ? retryAt : null,
    ...(leadsTo !== undefined && { leadsTo }),
  });
};

const errorCode = (status: number, headers: Headers, oktaCode: string | null): OktaErrorCode => {
  const challenge = headers.get("www-authenticate") ?? "";
  if (status >= 300 && status < 400) return "foreign_origin";
  const treatment = treatmentOf(oktaCode);
  if (treatment !== null) return treatment;
  if (status === 401) return "invalid_credential";
  // A DPoP proof that Okta refuses for its time or its nonce is a 400 with a challenge.
  if (status === 400 && /^DPoP\b/i.test(challenge)) return "invalid_credential";
  if (status === 403) return /insufficient_scope/.test(challenge) ? "insufficient_scope" : "forbidden";
  if (status === 404) return "not_found";
  if (status === 429) return "rate_limited";
  return status >= 500 ? "unavailable" : "bad_request";
};

/** Okta's error codes look like this: `E0000006`. Anything else would be text. */
const CODE = /^E\d{4,10}$/;

/** Okta's error body; the summary is for people, and only the code is ever branched on. */
const oktaErrorIn = (body: unknown): { code: string | null; summary: string } => {
  const { errorCode: code, errorSummary: summary } = isPlainObject(body) ? body : {};
  return {
    code: typeof code === "string" && CODE.test(code) ? code : null,
    summary: typeof summary === "string" ? summary : "",
  };
};
