/** Where a link to the next page may lead, and the sizes of pages. Pure. */
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

/** The URL without its origin. Only for what can be parsed as a URL. */
const pageOf = (url: string, pageUrl: string): string => {
  const { pathname, search } = new URL(url, pageUrl);
  return pathname + search;
};

/**
 * Where a page's links to the next one lead, as one absolute URL on the base origin.
 * @param links as the page gave them; they may differ in their origins alone
 * @param pageUrl the page's own URL, which relative links refer to
 * @param others other origins at which the same org answers: their links are followed at the base origin
 * @returns null without links. Errors: `foreign_origin` if the credential must not go there, `unreadable` if the links
 *   contradict each other or are no URLs
 */
export const nextPage = (
  links: readonly string[],
  pageUrl: string,
  others: readonly string[] = [],
): Result<string | null, "foreign_origin" | "unreadable"> => {
  if (links.length === 0) return ok(null);
  const { origin: base } = new URL(pageUrl);
  if (!links.every((link) => URL.canParse(link, pageUrl))) return err("unreadable");
  if (new Set(links.map((link) => pageOf(link, pageUrl))).size > 1) return err("unreadable");
  for (const link of links) {
    const safe = safeNext(URL.canParse(link) ? link : new URL(link, pageUrl).href, base);
    if (safe.ok) return safe;
  }
  for (const link of links) {
    const { origin, username, password } = new URL(link, pageUrl);
    if (username === "" && password === "" && others.includes(origin))
      return ok(base + pageOf(link, pageUrl));
  }
  return err("foreign_origin");
};

/** The URL of the same page with another `limit`; everything else stays as Okta made it. */
export const withLimit = (url: string, limit: number): string =>
  url.replace(/([?&]limit=)\d+/, (_, prefix: string) => `${prefix}${limit}`);

/** The `limit` in a page's URL; null when it has none. */
export const limitOf = (url: string): number | null => {
  const match = /[?&]limit=(\d+)/.exec(url);
  return match?.[1] === undefined ? null : Number(match[1]);
};
