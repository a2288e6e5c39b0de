/** What an HTTP answer means for a delivery, where the product says nothing more precise. */
import { type Answer, describe, describeAnswer, type SinkRequest } from "./request.ts";
import { retryAfterMs } from "./retry-after.ts";
import { type DeliveryError, type DeliveryErrorCode, type Outcome, retry, stopped } from "./sink.ts";

/** What a status that does not accept a batch says. */
const statusErrorCode = (status: number): DeliveryErrorCode => {
  switch (status) {
    case 400:
    case 422:
      return "refused";
    case 401:
    case 403:
    case 407:
      return "credential";
    case 413:
      return "too_large";
    case 429:
      return "rate_limited";
    // Too slow; a repeat that overtook its original (draft-ietf-httpapi-idempotency-key-header); locked; too early.
    case 408:
    case 409:
    case 423:
    case 425:
      return "unavailable";
    default:
      return status >= 500 ? "unavailable" : "configuration";
  }
};

/**
 * The outcome of an answer that did not accept the batch.
 *
 * @param now ms since the epoch, for a Retry-After without a Date
 * @param verdict the product's own, where it gives one
 */
export const notAccepted = (
  request: SinkRequest,
  answer: Answer,
  now: number,
  verdict?: DeliveryErrorCode,
): Outcome<"retry" | "stopped" | "too_large" | "refused"> => {
  const code = verdict ?? statusErrorCode(answer.status);
  const error = { code, status: answer.status, message: describeAnswer(request, answer) };
  switch (code) {
    case "refused":
      return { kind: "refused", error };
    case "too_large":
      return { kind: "too_large", error };
    case "credential":
    case "configuration":
      return stopped(error, retryAfterMs(answer.headers, now));
    default:
      return retry(error, retryAfterMs(answer.headers, now));
  }
};

const WEB_PAGE = /^\s*(<!doctype\s+html|<html)/i;

/** Whether an answer is a web page: a login or a proxy answered, and nothing that takes events. */
export const isWebPage = ({ text }: Answer): boolean => WEB_PAGE.test(text);

/** What to do about a web page. */
export const webPageRemedy =
  "check the URL, and what stands in front of the receiver, such as a login or a proxy: it answered instead";

/** A web page came with a status that would accept the batch. */
export const webPageError = (request: SinkRequest, { status }: Answer): DeliveryError => ({
  code: "configuration",
  status,
  message: describe(request, `${status}, but with a web page: ${webPageRemedy}`),
});
