/** The private key of an OAuth service app, judged by its form; only Okta knows whether it is the app's. */
import { createPrivateKey } from "node:crypto";
import { isPlainObject, parseJson } from "../lib/json.ts";
import { err, ok, type Result } from "../lib/result.ts";
import type { Clauses } from "./problem.ts";

/** What a valid private key is. */
export const privateKeyHint =
  "give the key pair's private part as a JWK or as a PEM (-----BEGIN PRIVATE KEY-----)";

const wordsOfProblems = {
  not_a_key: ["it is neither JSON nor PEM", privateKeyHint],
  broken_jwk: ["it starts like a JWK but is not JSON", privateKeyHint],
  jwk_set: [
    "it is a set with several private keys",
    "give one of them, or say by the key's ID which one it is",
    privateKeyHint,
  ],
  jwk_type: ["its kty must be RSA or EC", privateKeyHint],
  jwk_public: ["it is the public part of the key", privateKeyHint],
  jwk_curve: ["its curve must be P-256 (ES256)"],
  pem_not_pkcs8: [
    "it is an EC key that is not PKCS#8",
    "convert it: openssl pkcs8 -topk8 -nocrypt -in key.pem",
    privateKeyHint,
  ],
  pem_encrypted: ["it is encrypted", "decrypt it: openssl pkcs8 -in key.pem", privateKeyHint],
  pem_public: ["it is the public part of the key", privateKeyHint],
  pem_damaged: ["it is cut off or damaged", privateKeyHint],
} as const satisfies Readonly<Record<string, Clauses>>;

export interface PrivateKeyProblem {
  readonly code: keyof typeof wordsOfProblems;
}

type Code = PrivateKeyProblem["code"];

/** What is wrong with a private key, in words. */
export const describePrivateKey = ({ code }: PrivateKeyProblem): Clauses => wordsOfProblems[code];

const jwkProblem = (jwk: unknown): Code | null => {
  if (!isPlainObject(jwk)) return "broken_jwk";
  const { kty, crv, d } = jwk;
  if (kty !== "RSA" && kty !== "EC") return "jwk_type";
  if (typeof d !== "string" || d === "") return "jwk_public";
  return kty === "EC" && crv !== "P-256" ? "jwk_curve" : null;
};

/** A PEM: its label and what stands between the two lines. Text around it, such as attributes, does not matter. */
const PEM = /-----BEGIN ([A-Z0-9 ]+)-----([\s\S]*?)-----END \1-----/;

/** A PEM as PKCS#8 with real line ends, or what is wrong with it. */
const fromPem = (text: string): Result<string, PrivateKeyProblem> => {
  const [pem, label, body = ""] = PEM.exec(text) ?? [];
  const begun = label ?? /-----BEGIN ([A-Z0-9 ]+)-----/.exec(text)?.[1] ?? "";
  if (begun.includes("PUBLIC KEY") || begun === "CERTIFICATE") return err({ code: "pem_public" });
  if (begun === "ENCRYPTED PRIVATE KEY" || /^\s*Proc-Type:.*ENCRYPTED/m.test(body)) {
    return err({ code: "pem_encrypted" });
  }
  if (begun === "EC PRIVATE KEY") return err({ code: "pem_not_pkcs8" });
  if (pem === undefined || !/^[A-Za-z0-9+/=\s]{40,}$/.test(body)) return err({ code: "pem_damaged" });
  const lines = `-----BEGIN ${label}-----\n${body.trim().split(/\s+/).join("\n")}\n-----END ${label}-----`;
  if (label === "PRIVATE KEY") return ok(lines);
  if (label !== "RSA PRIVATE KEY") return err({ code: "pem_damaged" });
  try {
    return ok(String(createPrivateKey(lines).export({ type: "pkcs8", format: "pem" })).trim());
  } catch {
    return err({ code: "pem_damaged" });
  }
};

/** The one private key of a JSON Web Key Set: the one with this id, else the only one. */
const fromSet = (keys: readonly unknown[], keyId: string | null): Result<string, PrivateKeyProblem> => {
  const all = keys.filter(isPlainObject).filter((key) => typeof key["d"] === "string");
  const [key, ...more] = all.length > 1 ? all.filter(({ kid }) => keyId !== null && kid === keyId) : all;
  if (key === undefined) return err({ code: all.length > 1 ? "jwk_set" : "jwk_public" });
  return more.length > 0 ? err({ code: "jwk_set" }) : fromJson(JSON.stringify(key), keyId);
};

const fromJson = (text: string, keyId: string | null): Result<string, PrivateKeyProblem> => {
  const jwk = parseJson(text);
  if (isPlainObject(jwk) && Array.isArray(jwk["keys"])) return fromSet(jwk["keys"], keyId);
  const code = jwkProblem(jwk);
  return code === null ? ok(text) : err({ code });
};

/** The text that base64 hides; null if it is not base64 of text. */
const decoded = (text: string): string | null => {
  if (!/^[A-Za-z0-9+/_=\s-]{100,}$/.test(text)) return null;
  try {
    return atob(text.replaceAll(/\s/g, "").replaceAll("-", "+").replaceAll("_", "/"));
  } catch {
    return null;
  }
};

/** People paste a key with quotes around it, or as base64 of the whole, or both: at most so many times. */
const MOST_WRAPPINGS = 4;

/** The text without what is wrapped around it. */
const unwrapped = (value: string): string => {
  let text = value.trim();
  for (let n = 0; n < MOST_WRAPPINGS; n++) {
    if (/-----BEGIN/.test(text) && !/^["']/.test(text)) return text;
    const quoted = /^(["'])([\s\S]*)\1$/.exec(text)?.[2];
    const asJson = text.startsWith('"') ? parseJson(text) : undefined;
    const inside = typeof asJson === "string" ? asJson : (quoted ?? decoded(text));
    if (inside === null || inside === undefined) return text;
    text = inside.trim();
  }
  return text;
};

/**
 * Reads a private key in the forms in which people paste it: PKCS#8 or PKCS#1 PEM, on one line with `\n` for line ends, a
 * JWK, a set with one private JWK; with quotes or base64 around it.
 * @param value a PEM, a JWK's JSON text, or the JWK itself
 * @param keyId which key of a set it is; null if it is the only one
 * @returns the JWK as JSON, or a PKCS#8 PEM with real line ends; or what is wrong
 */
export const parsePrivateKey = (
  value: string | Readonly<Record<string, unknown>>,
  keyId: string | null = null,
): Result<string, PrivateKeyProblem> => {
  const text = typeof value === "string" ? unwrapped(value) : JSON.stringify(value);
  if (text.includes("-----BEGIN")) return fromPem(text.replaceAll(/\\+r/g, "").replaceAll(/\\+n/g, "\n"));
  return text.startsWith("{") ? fromJson(text, keyId) : err({ code: "not_a_key" });
};
