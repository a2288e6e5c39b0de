/** What a token endpoint answered, as far as a failure has to be explained by it. Pure. */
import { isPlainObject, parseJson } from "../../lib/json.ts";
import { type TokenError, type TokenErrorCode, tokenError } from "./errors.ts";

export interface TokenAnswer {
  readonly status: number;
  /** `error` of RFC 6749, section 5.2, or Okta's own `errorCode`. */
  readonly error: string | null;
  /** For people, as it came. */
  readonly description: string;
  readonly retryAfterSeconds: number | null;
}

/** What `error` (RFC 6749, section 5.2) and Okta's codes look like. Anything else would be text. */
const CODE = /^([a-z]+(_[a-z]+)*|E\d{4,10})$/;

/** Reads an answer leniently: what it does not say is null or empty. */
export const readTokenAnswer = (
  { status, headers }: Pick<Response, "status" | "headers">,
  text: string,
): TokenAnswer => {
  const json = parseJson(text);
  const body = isPlainObject(json) ? json : {};
  const first = (...names: readonly string[]): string | null => {
    const values = names.map((name) => body[name]);
    return values.find((value) => typeof value === "string") ?? null;
  };
  const error = first("error", "errorCode");
  const retryAfter = headers.get("retry-after") ?? "";
  return {
    status,
    error: error !== null && CODE.test(error) ? error : null,
    description: first("error_description", "errorSummary") ?? "",
    retryAfterSeconds: /^\d{1,15}$/.test(retryAfter)
      ? Math.min(LONGEST_WAIT_SECONDS, Number(retryAfter))
      : null,
  };
};

/** Okta's windows last a minute; nobody is made to wait longer than this. */
const LONGEST_WAIT_SECONDS = 120;
/** When a 429 does not say how long to wait. */
const RETRY_AFTER_SECONDS = 10;

const codes: Readonly<Record<string, TokenErrorCode>> = {
  invalid_client: "invalid_client",
  invalid_scope: "invalid_scope",
  invalid_dpop_proof: "dpop_refused",
  use_dpop_nonce: "dpop_refused",
};

/** The error that an answer without a token is. @param now ms since the epoch */
export const answerError = (answer: TokenAnswer, now: number): TokenError => {
  const { status, error, description, retryAfterSeconds } = answer;
  const said = [String(status), error, description].filter((part) => part !== null && part !== "").join(" ");
  const facts = { status, oktaErrorCode: error };
  if (status === 429) {
    const retryAt = now + (retryAfterSeconds ?? RETRY_AFTER_SECONDS) * 1000;
    return tokenError("rate_limited", said, { ...facts, retryAt });
  }
  if (status >= 500) return tokenError("unavailable", said, facts);
  if (status < 400 || error === null) {
    const code = status === 401 || status === 403 ? "refused" : "invalid_response";
    return tokenError(code, `${said}, not what a token endpoint answers`, facts);
  }
  return tokenError(codes[error] ?? "refused", said, facts);
};
