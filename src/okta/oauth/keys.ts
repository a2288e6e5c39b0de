/** Private keys in the forms that people have → keys that sign; and the key pairs that access tokens are bound to. */
import { base64url, decodeJwt, type JWK, SignJWT } from "jose";
import { sha256 } from "../../lib/bytes.ts";
import { err, ok, type Result } from "../../lib/result.ts";
import { type TokenError, tokenError } from "./errors.ts";

/** What signs the client assertions: RS256 for an RSA key, ES256 for one on P-256. */
export interface SigningKey {
  readonly key: CryptoKey;
  /** Which of the app's keys it is; null leaves it to Okta to find out. */
  readonly kid: string | null;
}

const RSA = { name: "RSASSA-PKCS1-v1_5", hash: "SHA-256" } as const;
const EC = { name: "ECDSA", namedCurve: "P-256" } as const;

/** The members that make the key. Others, such as `key_ops` or `use`, only give WebCrypto reasons to refuse it. */
const keyMembers = ["kty", "n", "e", "d", "p", "q", "dp", "dq", "qi", "crv", "x", "y"] as const;

const lean = (jwk: Readonly<Record<string, unknown>>): JsonWebKey & { kty: string } => {
  const members = keyMembers.flatMap((name) => (typeof jwk[name] === "string" ? [[name, jwk[name]]] : []));
  return { kty: "", ...Object.fromEntries(members) };
};

const fromJwk = async (text: string): Promise<SigningKey> => {
  const jwk: unknown = JSON.parse(text);
  if (typeof jwk !== "object" || jwk === null) throw new TypeError("not a JWK");
  const members = lean({ ...jwk });
  const algorithm = members.kty === "EC" ? EC : RSA;
  const key = await crypto.subtle.importKey("jwk", members, algorithm, false, ["sign"]);
  return { key, kid: "kid" in jwk && typeof jwk.kid === "string" ? jwk.kid : null };
};

const fromPem = async (pem: string): Promise<SigningKey> => {
  const base64 = pem.replace(/-----[A-Z ]+-----/g, "").replace(/\s/g, "");
  const der = Uint8Array.from(atob(base64), (char) => char.charCodeAt(0));
  const load = (algorithm: typeof RSA | typeof EC) =>
    crypto.subtle.importKey("pkcs8", der, algorithm, false, ["sign"]);
  // PKCS#8 names the kind of its key: importing it as the other kind fails.
  return { key: await load(RSA).catch(() => load(EC)), kid: null };
};

/**
 * Reads a private key.
 * @param text a JWK (JSON) or a PKCS#8 PEM
 * @param keyId the setting; null takes a JWK's own `kid`
 * @returns the key, or `bad_key`, whose message never repeats the text
 */
export const importSigningKey = async (
  text: string,
  keyId: string | null,
): Promise<Result<SigningKey, TokenError>> => {
  try {
    const { key, kid } = await (text.startsWith("{") ? fromJwk(text) : fromPem(text));
    return ok({ key, kid: keyId ?? kid });
  } catch {
    return err(tokenError("bad_key", "not sent, because the private key cannot be read"));
  }
};

/** An access token's key pair: new for each token, so that a stolen one is worth no more than its token. */
export const newProofKeys = async (): Promise<{ pair: CryptoKeyPair; jwk: JWK }> => {
  const pair = await crypto.subtle.generateKey(EC, true, ["sign", "verify"]);
  // The types allow a single key as well; for ECDSA it is a pair. An exported JWK is never bytes.
  if (!("privateKey" in pair)) throw new TypeError("ECDSA makes key pairs");
  const exported = await crypto.subtle.exportKey("jwk", pair.privateKey);
  if (exported instanceof ArrayBuffer) throw new TypeError("a JWK is an object");
  const { kty, crv, x, y, d } = exported;
  if (kty === undefined || !crv || !x || !y || !d) throw new TypeError("an EC key has crv, x, y and d");
  return { pair, jwk: { kty, crv, x, y, d } };
};

/** Signs the proofs of calls that carry a token bound to this key (RFC 9449, section 4). */
export type Prover = (call: {
  readonly method: string;
  readonly url: string;
  readonly accessToken: string;
  readonly nonce: string | null;
  /** By the server's clock, ms. */
  readonly now: number;
}) => Promise<string>;

/** What signs proofs with this private key, as `newProofKeys` exported it. */
export const proverOf = async (privateJwk: JWK): Promise<Prover> => {
  const key = await crypto.subtle.importKey("jwk", lean({ ...privateJwk }), EC, false, ["sign"]);
  const { kty, crv, x, y } = privateJwk;
  if (kty === undefined || !crv || !x || !y) throw new TypeError("an EC key has crv, x and y");
  const jwk = { kty, crv, x, y };
  return async ({ method, url, accessToken, nonce, now }) => {
    const { origin, pathname } = new URL(url);
    return new SignJWT({
      htm: method,
      htu: origin + pathname,
      iat: Math.floor(now / 1000),
      jti: crypto.randomUUID(),
      ath: base64url.encode(await sha256(accessToken)),
      ...(nonce !== null && { nonce }),
    })
      .setProtectedHeader({ alg: "ES256", typ: "dpop+jwt", jwk })
      .sign(key);
  };
};

/** The time (seconds since the epoch) and the nonce in a proof of ours. */
export const readProof = (proof: string): { iat: number; nonce: string | null } => {
  const { iat = 0, nonce } = decodeJwt(proof);
  return { iat, nonce: typeof nonce === "string" ? nonce : null };
};
