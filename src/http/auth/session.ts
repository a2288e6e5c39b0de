/**
 * Sessions of the console. A session is a cookie that states when it expires, signed with a key that is derived from
 * the API key that the person presented. Nothing is stored: removing an API key ends its sessions, and changing the
 * rights of an API key changes theirs.
 */

import type { Context } from "hono";
import { deleteCookie, getCookie, setCookie } from "hono/cookie";
import type { ApiKey, Rights } from "../../config/access.ts";
import { fromHex, sha256, toHex, utf8 } from "../../lib/bytes.ts";

/** One work shift: 12 hours. */
export const sessionSeconds = 12 * 3600;

/** Over https, the `__Host-` prefix makes browsers bind the cookie to this host and to https. */
const cookieName = (c: Context): string => (isSecure(c) ? "__Host-okta_edge_session" : "okta_edge_session");

const isSecure = (c: Context): boolean => new URL(c.req.url).protocol === "https:";

/** The HMAC-SHA-256 key of an API key. Hashing first gives every signing key the same length. */
const signingKey = async (apiKey: string): Promise<CryptoKey> => {
  return crypto.subtle.importKey("raw", await sha256(apiKey), { name: "HMAC", hash: "SHA-256" }, false, [
    "sign",
    "verify",
  ]);
};

/** What is signed. The first line keeps it apart from anything else that the same key may sign one day. */
const statement = (expiresAt: number, nonce: string): Uint8Array =>
  utf8(`okta-edge-connector console session v1\n${expiresAt}\n${nonce}`);

/**
 * Makes the value of a session's cookie: `<expiry, s since the epoch>.<nonce>.<signature>`.
 * @param now ms since the epoch
 */
export const makeSession = async (apiKey: string, now: number): Promise<string> => {
  const expiresAt = Math.floor(now / 1000) + sessionSeconds;
  const nonce = toHex(crypto.getRandomValues(new Uint8Array(16)));
  const signature = await crypto.subtle.sign("HMAC", await signingKey(apiKey), statement(expiresAt, nonce));
  return `${expiresAt}.${nonce}.${toHex(new Uint8Array(signature))}`;
};

/** `expired` was a valid session; `none` is not a session, or one whose API key has been removed. */
export type SessionState =
  | { readonly state: "valid"; readonly rights: Rights; readonly expiresAt: number }
  | { readonly state: "expired" | "none" };

/**
 * Judges the value of a session's cookie.
 * @param now ms since the epoch
 */
export const judgeSession = async (
  value: string | undefined,
  keys: readonly ApiKey[],
  now: number,
): Promise<SessionState> => {
  const match = /^(\d{1,12})\.([0-9a-f]{32})\.([0-9a-f]{64})$/.exec(value ?? "");
  const [, expiry = "", nonce = "", signature = ""] = match ?? [];
  if (match === null) return { state: "none" };
  const expiresAt = Number(expiry);
  const signed = fromHex(signature);
  let rights: Rights | null = null;
  // `verify` compares in constant time and every key is tried, so nothing can be learned from the time this takes.
  for (const { key, rights: given } of keys) {
    const good = await crypto.subtle.verify(
      "HMAC",
      await signingKey(key),
      signed,
      statement(expiresAt, nonce),
    );
    rights = good ? given : rights;
  }
  if (rights === null) return { state: "none" };
  return expiresAt * 1000 <= now ? { state: "expired" } : { state: "valid", rights, expiresAt };
};

export const sessionCookie = (c: Context): string | undefined => getCookie(c, cookieName(c));

const attributes = (c: Context) =>
  ({ path: "/", httpOnly: true, sameSite: "Strict", secure: isSecure(c) }) as const;

export const setSessionCookie = (c: Context, value: string): void => {
  setCookie(c, cookieName(c), value, { ...attributes(c), maxAge: sessionSeconds });
};

export const clearSessionCookie = (c: Context): void => {
  deleteCookie(c, cookieName(c), attributes(c));
};
