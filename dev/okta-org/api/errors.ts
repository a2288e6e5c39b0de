/** Okta's error bodies. Clients branch on errorCode alone; the summaries are Okta's wording. */

const SUMMARIES = {
  E0000001: [400, "Api validation failed"],
  E0000031: [400, "Invalid search criteria"],
  E0000053: [400, "Invalid filter"],
  E0000011: [401, "Invalid token provided"],
  E0000005: [403, "Invalid session"],
  E0000006: [403, "You do not have permission to perform the requested action"],
  E0000007: [404, "Not found"],
  E0000022: [405, "The endpoint does not support the provided HTTP method"],
  E0000256: [414, "This request produced a response with a header too large to be processed."],
  E0000047: [429, "API call exceeded rate limit due to too many requests."],
  E0000009: [500, "Internal Server Error"],
} as const;

export type OktaErrorCode = keyof typeof SUMMARIES;

/** Thrown by handlers; the pipeline turns it into a response. */
export class OktaError extends Error {
  readonly code: OktaErrorCode;
  readonly detail: string | undefined;

  constructor(code: OktaErrorCode, detail?: string) {
    super(code);
    this.code = code;
    this.detail = detail;
  }
}

/** A refusal that has no Okta error body: its reason is in WWW-Authenticate alone. */
export class ChallengeError extends Error {
  readonly status: 400 | 401 | 403;
  readonly challenge: string;

  constructor(status: 400 | 401 | 403, challenge: string) {
    super(challenge);
    this.status = status;
    this.challenge = challenge;
  }
}

/**
 * The response of an error, as Okta writes it.
 *
 * @param detail Follows the summary, and becomes a cause of a validation error
 * @example oktaError("E0000007", "Resource not found: 00u1 (User)", "oae123")
 */
export const oktaError = (
  code: OktaErrorCode,
  detail?: string,
  errorId = "oae00000000000000000",
): Response => {
  const [status, summary] = SUMMARIES[code];
  const errorSummary = detail === undefined ? summary : `${summary}: ${detail}`;
  const errorCauses = code === "E0000001" && detail !== undefined ? [{ errorSummary: detail }] : [];
  return Response.json({ errorCode: code, errorSummary, errorLink: code, errorId, errorCauses }, { status });
};

/** How far away the reset of a concurrency 429 lies: obeying it stalls a client, which it should not do. */
const CONCURRENCY_RESET_SECONDS = 180;

/** Okta tells a concurrency refusal from a full window by a limit of 0. */
export const concurrencyRefusal = (nowMs: number, errorId: string): Response => {
  const response = oktaError("E0000047", undefined, errorId);
  const reset = Math.ceil(nowMs / 1000) + CONCURRENCY_RESET_SECONDS;
  response.headers.set("x-rate-limit-limit", "0");
  response.headers.set("x-rate-limit-remaining", "0");
  response.headers.set("x-rate-limit-reset", String(reset));
  return response;
};
