/** The private key of an OAuth service app, judged by its form; only Okta knows whether it is the app's. */
import { isPlainObject, parseJson } from "../lib/json.ts";
import { err, ok, type Result } from "../lib/result.ts";
import type { Clauses } from "./problem.ts";

/** What a valid private key is. */
export const privateKeyHint =
  "give the key pair's private part as a JWK or as PKCS#8 PEM (-----BEGIN PRIVATE KEY-----)";

const wordsOfProblems = {
  not_a_key: ["it is neither JSON nor PEM", privateKeyHint],
  broken_jwk: ["it starts like a JWK but is not JSON", privateKeyHint],
  jwk_set: ["it is a set of keys", "give one key of it, the private part", privateKeyHint],
  jwk_type: ["its kty must be RSA or EC", privateKeyHint],
  jwk_public: ["it is the public part of the key", privateKeyHint],
  jwk_curve: ["its curve must be P-256 (ES256)"],
  pem_not_pkcs8: [
    "it is not PKCS#8",
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
  if (Array.isArray(jwk["keys"])) return "jwk_set";
  const { kty, crv, d } = jwk;
  if (kty !== "RSA" && kty !== "EC") return "jwk_type";
  if (typeof d !== "string" || d === "") return "jwk_public";
  return kty === "EC" && crv !== "P-256" ? "jwk_curve" : null;
};

const pemProblem = (pem: string): Code | null => {
  const label = /^-----BEGIN ([A-Z0-9 ]+)-----/.exec(pem)?.[1] ?? "";
  if (label === "RSA PRIVATE KEY" || label === "EC PRIVATE KEY") return "pem_not_pkcs8";
  if (label === "ENCRYPTED PRIVATE KEY") return "pem_encrypted";
  if (label.includes("PUBLIC KEY") || label === "CERTIFICATE") return "pem_public";
  const body = /^-----BEGIN PRIVATE KEY-----([A-Za-z0-9+/=\s]{40,})-----END PRIVATE KEY-----$/;
  return body.test(pem) ? null : "pem_damaged";
};

/**
 * Judges a private key's form.
 * @param value a PEM, a JWK's JSON text, or the JWK itself
 * @returns the JWK as JSON, or the PEM with real line ends: one-line settings spell them `\n`; or what is wrong
 */
export const parsePrivateKey = (
  value: string | Readonly<Record<string, unknown>>,
): Result<string, PrivateKeyProblem> => {
  const text = typeof value === "string" ? value.trim() : JSON.stringify(value);
  if (text.startsWith("-----BEGIN")) {
    const pem = text.replaceAll("\\r", "").replaceAll("\\n", "\n").replaceAll("\r", "");
    const code = pemProblem(pem);
    return code === null ? ok(pem) : err({ code });
  }
  if (!text.startsWith("{")) return err({ code: "not_a_key" });
  const code = jwkProblem(parseJson(text));
  return code === null ? ok(text) : err({ code });
};
