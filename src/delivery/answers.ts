/** What an HTTP answer means for delivery, where the product says nothing more precise. */
import { type Answer, describeAnswer, type SinkRequest } from "./request.ts";
import { retryAfterMs } from "./retry-after.ts";
import type { DeliveryErrorCode, DeliveryOutcome } from "./sink.ts";

/** What is not accepted, by status. */
const codeOf = (status: number): DeliveryErrorCode => {
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
    // Too slow, a repeat that overtook its original (draft-ietf-httpapi-idempotency-key-header), locked, too early.
    case 408:
    case 409:
    case 423:
    case 425:
      return "unavailable";
    default:
      return status >= 500 ? "unavailable" : "configuration";
  }
};

/** The outcome of an answer that did not accept the batch, with the product's own verdict if it has one. */
export const notAccepted = (
  request: SinkRequest,
  answer: Answer,
  now: number,
  verdict?: DeliveryErrorCode,
): Exclude<DeliveryOutcome, { kind: "accepted" | "partial" | "awaiting" }> => {
  const code = verdict ?? codeOf(answer.status);
  const error = { code, status: answer.status, message: describeAnswer(request, answer) };
  switch (code) {
    case "refused":
      return { kind: "refused", error };
    case "too_large":
      return { kind: "too_large", error };
    case "credential":
    case "configuration":
      return { kind: "stopped", error, retryAfterMs: retryAfterMs(answer.headers, now) };
    default:
      return { kind: "retry", error, retryAfterMs: retryAfterMs(answer.headers, now) };
  }
};
