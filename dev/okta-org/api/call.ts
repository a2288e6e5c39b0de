import type { OauthClient, Resource } from "../options.ts";
import type { OrgState } from "../org/state.ts";
import type { JsonValue } from "../org/types.ts";
import type { Bucket } from "./buckets.ts";
import { makeCursor } from "./cursor.ts";
import { OktaError } from "./errors.ts";

/** Who calls: the owner of the API token, or a service app with the scopes of its access token. */
export type Principal = { kind: "ssws" } | { kind: "oauth"; client: OauthClient; scopes: string[] };

/** One call on its way through a handler. */
export interface Call {
  state: OrgState;
  request: Request;
  url: URL;
  /** Origin of links: the configured base URL or the request's own. */
  origin: string;
  param: (name: string) => string;
  principal: Principal;
}

/** One endpoint of the API: what it is called, what it costs, what it needs, what answers. */
export interface Endpoint {
  /** GET when absent. */
  method?: "POST" | "DELETE";
  /** Path with `{name}` parameters, also the name in statistics. */
  path: string;
  bucket: Bucket;
  /** OAuth scope; null needs no credential at all. */
  scope: string | null;
  resource: Resource | null;
  /** Whether its pages count in the statistics of repeated pages. */
  list?: boolean;
  /** Whether it sends its rate-limit headers twice when the org does so at all. */
  duplicated?: boolean;
  defaultLimit?: number;
  handle: (call: Call) => Response | Promise<Response>;
}

/** The page size of a call: absent is the default, above the maximum is the maximum, nonsense is a 400. */
export const limitOf = (call: Call, byDefault: number, max: number): number => {
  const text = call.url.searchParams.get("limit");
  if (text === null) return byDefault;
  if (!/^\d{1,9}$/.test(text) || Number(text) === 0)
    throw new OktaError("E0000001", "limit: must be a positive integer");
  return Math.min(Number(text), max);
};

/** URL of the page that starts after a position. */
export const nextUrl = (call: Call, position: JsonValue, limit: number): string => {
  const next = new URL(call.url.pathname + call.url.search, call.state.options.nextOrigin ?? call.origin);
  next.searchParams.delete("after");
  next.searchParams.delete("limit");
  next.searchParams.set("after", makeCursor(call.state.cursorKey, call.url, position));
  next.searchParams.set("limit", String(limit));
  return next.href;
};

/** A JSON response of texts that are JSON already. */
export const jsonText = (text: string): Response =>
  new Response(text, { headers: { "content-type": "application/json" } });

/** The most characters that the links of an answer may have. Okta documents the error, but no number. */
const MAX_LINKS = 8_192;

/** A page of a list with Okta's links: self always, next when a position to go on from is given. */
export const listResponse = (
  call: Call,
  texts: string[],
  position: JsonValue | null,
  limit: number,
): Response => {
  const response = jsonText(`[${texts.join(",")}]`);
  response.headers.append("link", `<${call.origin}${call.url.pathname}${call.url.search}>; rel="self"`);
  if (position !== null) response.headers.append("link", `<${nextUrl(call, position, limit)}>; rel="next"`);
  if ((response.headers.get("link") ?? "").length > MAX_LINKS) throw new OktaError("E0000256");
  return response;
};

/** Object of a JSON text without brackets, to append members to. */
export const withMembers = (objectText: string, members: string): string =>
  `${objectText.slice(0, -1)},${members}}`;
