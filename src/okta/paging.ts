/** Links to the next page, and the sizes of pages. Pure. */
import LinkHeader from "http-link-header";
import { err, ok, type Result } from "../lib/result.ts";

/**
 * Decides whether a `next` link may be followed with the credential. Cursor URLs are opaque and followed
 * verbatim, but only on the configured origin; `http://` with the right host is upgraded, since Okta's own
 * documentation shows such links in bodies.
 */
export const safeNext = (next: string, baseUrl: string): Result<string, "foreign_origin"> => {
  const base = new URL(baseUrl);
  if (!URL.canParse(next, baseUrl)) return err("foreign_origin");
  const url = new URL(next, baseUrl);
  if (url.username !== "" || url.password !== "") return err("foreign_origin");
  if (url.origin === base.origin) return ok(url.href === next ? next : url.href);
  const upgraded = url.protocol === "http:" && base.protocol === "https:" && url.host === base.host;
  if (!upgraded) return err("foreign_origin");
  return ok(next.replace(/^http:/i, "https:"));
};

/**
 * A stored page's URL as it is at this origin: an org may have got another domain since. Only for URLs that `safeNext`
 * has checked when they came.
 */
export const onOrigin = (url: string, baseUrl: string): string => {
  const { pathname, search } = new URL(url, baseUrl);
  return url.startsWith(`${baseUrl}/`) ? url : `${baseUrl}${pathname}${search}`;
};

/** The target of `rel="next"` in a Link header, as Okta sent it; null when this is the last page. */
export const nextLink = (header: string | null): string | null => {
  if (header === null) return null;
  try {
    return LinkHeader.parse(header).rel("next")[0]?.uri ?? null;
  } catch {
    return null; // What is not a Link header (RFC 8288) is the same as none.
  }
};

/** The URL of the same page with another `limit`; everything else stays as Okta made it. */
export const withLimit = (url: string, limit: number): string =>
  url.replace(/([?&]limit=)\d+/, (_, prefix: string) => `${prefix}${limit}`);

/** The `limit` in a page's URL; null when it has none. */
export const limitOf = (url: string): number | null => {
  const match = /[?&]limit=(\d+)/.exec(url);
  return match?.[1] === undefined ? null : Number(match[1]);
};
