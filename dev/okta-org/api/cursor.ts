import { createHmac } from "node:crypto";
import type { JsonValue } from "../org/types.ts";
import { OktaError, type OktaErrorCode } from "./errors.ts";

/** Parameters that a client may change while it follows cursors; all others are bound to them. */
const UNBOUND = new Set(["after", "limit"]);

const macOf = (key: string, url: URL, payload: string): string => {
  const query = [...url.searchParams]
    .filter(([name]) => !UNBOUND.has(name))
    .sort(([a], [b]) => (a < b ? -1 : 1));
  const bound = JSON.stringify([url.host, url.pathname, query, payload]);
  return createHmac("sha256", key).update(bound).digest("base64url").slice(0, 20);
};

/**
 * A cursor for a position in the list that `url` names. It carries the position itself, so it outlives restarts
 * and stays right while objects come and go; it is signed with the host, the path and the query, so that one
 * that was built, altered or taken from another list is refused.
 */
export const makeCursor = (key: string, url: URL, position: JsonValue): string => {
  const payload = Buffer.from(JSON.stringify(position)).toString("base64url");
  return `${payload}.${macOf(key, url, payload)}`;
};

/** The position in the `after` of a request, or null on a first page. */
export const readCursor = (key: string, url: URL, code: OktaErrorCode = "E0000001"): unknown => {
  const after = url.searchParams.get("after");
  if (after === null) return null;
  const [payload = "", mac] = after.split(".");
  if (mac !== macOf(key, url, payload))
    throw new OktaError(code, "after: the cursor is not valid for this list");
  return JSON.parse(Buffer.from(payload, "base64url").toString());
};
