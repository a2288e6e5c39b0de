/** What was thrown, as the problem that the caller is told. */
import { HTTPException } from "hono/http-exception";
import { ProblemError } from "./problems.ts";

/**
 * Whether a Durable Object asks to be tried again: it is overloaded, or it was just moved or updated.
 * Source: developers.cloudflare.com/durable-objects, "Error handling" (`retryable`, `overloaded`).
 */
const isPassing = (error: object): boolean =>
  ("retryable" in error && error.retryable === true) || ("overloaded" in error && error.overloaded === true);

/** What a route threw, as the problem that the caller sees. What is not expected is a bug and shows nothing. */
export const problemFrom = (error: Error): ProblemError => {
  if (error instanceof ProblemError) return error;
  if (error instanceof HTTPException && error.status === 400) {
    return new ProblemError(
      "malformed_json",
      "The body is not JSON. A right one looks like the example in /docs.",
    );
  }
  if (error instanceof HTTPException && error.status === 415) {
    return new ProblemError("unsupported_media_type", "Send the body with Content-Type: application/json.");
  }
  if (isPassing(error)) {
    return new ProblemError("unavailable", "A part that is needed is busy. Try again in a few seconds.", {
      headers: { "Retry-After": "2" },
    });
  }
  return new ProblemError(
    "internal_error",
    "Something went wrong here. The log has a line with this request id.",
  );
};
