/** Turns a thrown error into the problem that the caller sees. */
import { HTTPException } from "hono/http-exception";
import { MISPLACED } from "../config/residency.ts";
import { NEWER_DATA } from "../inventory/schema.ts";
import { spentQuota } from "../lib/quota.ts";
import { ProblemError } from "./problems.ts";

/**
 * Whether the error is temporary: the Durable Object was overloaded, or has just been moved or updated.
 * Source: developers.cloudflare.com/durable-objects, "Error handling" (`retryable`, `overloaded`).
 */
const isTemporary = (error: object): boolean =>
  ("retryable" in error && error.retryable === true) || ("overloaded" in error && error.overloaded === true);

/** The problem of an error that a route threw. An unexpected error is a bug, and its details are not shown. */
export const problemFrom = (error: Error): ProblemError => {
  if (error instanceof ProblemError) return error;
  if (error instanceof HTTPException && error.status === 400) {
    return new ProblemError("malformed_json", "The body is not JSON. /docs has an example of a valid body.");
  }
  if (error instanceof HTTPException && error.status === 415) {
    return new ProblemError("unsupported_media_type", "Send the body with Content-Type: application/json.");
  }
  if (isTemporary(error)) {
    return new ProblemError(
      "unavailable",
      "A part of the Worker that this request needs is busy. Try again in a few seconds.",
      {
        headers: { "Retry-After": "2" },
      },
    );
  }
  if (error.name === MISPLACED) {
    const problems = [{ setting: "DATA_JURISDICTION", message: error.message }];
    return new ProblemError("misconfigured", "Wrong or missing settings: DATA_JURISDICTION.", { problems });
  }
  if (error.name === NEWER_DATA) return new ProblemError("newer_data", error.message);
  const quota = spentQuota(error, Date.now());
  if (quota !== null) {
    const wait = Math.ceil((quota.until - Date.now()) / 1000);
    return new ProblemError(
      "quota_exhausted",
      `${quota.what}: Cloudflare's daily quota of the account is used up. It begins anew at 00:00 UTC.`,
      { headers: { "Retry-After": String(wait) } },
    );
  }
  return new ProblemError(
    "internal_error",
    "An internal error occurred. The log has a line with this request id.",
  );
};
