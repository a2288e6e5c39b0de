/**
 * Sessions of the console: a cookie that says until when it holds, signed with a key that is made of the API key
 * that was presented. Nothing is stored; an API key that is removed ends its sessions, and one whose rights
 * change changes theirs.
 */

import type { Context } from "hono";
import { deleteCookie, getCookie, setCookie } from "hono/cookie";
import type { ApiKey, Rights } from "../../config/access.ts";
import { fromHex, sha256, toHex, utf8 } from "../../lib/bytes.ts";

/** A shift. */
export const sessionSeconds = 12 * 3600;

/** Bound to the host and to https by its name, where there is https. */
const cookieName = (c: Context): string => (isSecure(c) ? "__Host-okta_edge_session" : "okta_edge_session");

const isSecure = (c: Context): boolean => new URL(c.req.url).protocol === "https:";

/** HMAC-SHA-256; the hash in between keeps the API key itself out of the key store, and its length out of play. */
const signingKey = async (apiKey: string): Promise<CryptoKey> => {
  return crypto.subtle.importKey("raw", await sha256(apiKey), { name: "HMAC", hash: "SHA-256" }, false, [
    "sign",
    "verify",
  ]);
};

/** What is signed: never mistaken for anything else that this key may sign one day. */
const statement = (expiresAt: number, nonce: string): Uint8Array =>
  utf8(`okta-edge-connector console session v1\n${expiresAt}\n${nonce}`);

/** The cookie's value: `<expiry, s since the epoch>.<nonce>.<signature>`. */
export const makeSession = async (apiKey: string, now: number): Promise<string> => {
  const expiresAt = Math.floor(now / 1000) + sessionSeconds;
  const nonce = toHex(crypto.getRandomValues(new Uint8Array(16)));
  const signature = await crypto.subtle.sign("HMAC", await signingKey(apiKey), statement(expiresAt, nonce));
  return `${expiresAt}.${nonce}.${toHex(new Uint8Array(signature))}`;
};

/** `expired` was ours once; `none` is no session, or one whose key is gone. */
export type SessionState =
  | { readonly state: "valid"; readonly rights: Rights; readonly expiresAt: number }
  | { readonly state: "expired" | "none" };

/** @param now ms since the epoch */
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
  // `verify` compares in constant time, and every key is tried, so that time tells nothing.
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
