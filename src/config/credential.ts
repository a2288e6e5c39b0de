/** The credential of a connection: an API token, or an OAuth service app's client id and private key. */

import { isPlainObject } from "../lib/json.ts";
import { err, ok, type Result } from "../lib/result.ts";
import { refused, sentence } from "./problem.ts";
import type { Credential, Setting, SettingProblem } from "./types.ts";
import { type RawEnv, textOf } from "./values.ts";

/** Visible ASCII without blanks: what an HTTP header can carry. */
const isHeaderSafe = (text: string): boolean => /^[\x21-\x7e]+$/.test(text);

/**
 * Judges an API token's form; only Okta knows whether it works.
 * @returns the trimmed token, or what is wrong, without repeating it
 */
export const parseApiToken = (value: string): Result<string, string> => {
  const token = value.trim();
  const hint = "paste the token value as Okta showed it when it was created";
  if (token === "") return err(`it is empty; ${hint}`);
  if (/^(ssws|bearer)\b/i.test(token)) return err(`it must be the token alone, without "SSWS"; ${hint}`);
  if (!isHeaderSafe(token)) return err(`it holds blanks or characters that no Okta token has; ${hint}`);
  return ok(token);
};

const keyHint = "give the key pair's private part as a JWK or as PKCS#8 PEM (-----BEGIN PRIVATE KEY-----)";

const jwkProblem = (jwk: unknown): string | null => {
  if (!isPlainObject(jwk)) return `it is not a JWK; ${keyHint}`;
  if (Array.isArray(jwk["keys"]))
    return `it is a set of keys; give one key of it, the private part; ${keyHint}`;
  const { kty, crv, d } = jwk;
  if (kty !== "RSA" && kty !== "EC") return `its kty must be RSA or EC; ${keyHint}`;
  if (typeof d !== "string" || d === "") return `it is the public part of the key; ${keyHint}`;
  if (kty === "EC" && crv !== "P-256") return "its curve must be P-256 (ES256)";
  return null;
};

const pemProblem = (pem: string): string | null => {
  const label = /^-----BEGIN ([A-Z0-9 ]+)-----/.exec(pem)?.[1] ?? "";
  if (label === "RSA PRIVATE KEY" || label === "EC PRIVATE KEY") {
    return `it is not PKCS#8; convert it: openssl pkcs8 -topk8 -nocrypt -in key.pem; ${keyHint}`;
  }
  if (label === "ENCRYPTED PRIVATE KEY") {
    return `it is encrypted; decrypt it: openssl pkcs8 -in key.pem; ${keyHint}`;
  }
  if (label.includes("PUBLIC KEY") || label === "CERTIFICATE") return `it is a public part; ${keyHint}`;
  const body = /^-----BEGIN PRIVATE KEY-----([A-Za-z0-9+/=\s]{40,})-----END PRIVATE KEY-----$/.exec(pem);
  return body === null ? `it is cut or damaged; ${keyHint}` : null;
};

/**
 * Judges a private key's form.
 * @returns the JWK as JSON, or the PEM with real line ends (`\n` spelt out, as one-line settings have it, is
 *   undone); or what is wrong, without repeating it
 */
const parsePrivateKey = (value: string | Readonly<Record<string, unknown>>): Result<string, string> => {
  const text = typeof value === "string" ? value.trim() : JSON.stringify(value);
  if (text.startsWith("-----BEGIN")) {
    const pem = text.replaceAll("\\r", "").replaceAll("\\n", "\n").replaceAll("\r", "");
    const problem = pemProblem(pem);
    return problem === null ? ok(pem) : err(problem);
  }
  if (!text.startsWith("{")) return err(`it is neither JSON nor PEM; ${keyHint}`);
  let jwk: unknown;
  try {
    jwk = JSON.parse(text);
  } catch {
    return err(`it starts like a JWK but is not JSON; ${keyHint}`);
  }
  const problem = jwkProblem(jwk);
  return problem === null ? ok(text) : err(problem);
};

const readOauth = (env: RawEnv, prefix: string): Setting<Credential> => {
  const problems: SettingProblem[] = [];
  const clientIdName = `${prefix}CLIENT_ID`;
  const privateKeyName = `${prefix}PRIVATE_KEY`;
  const clientId = textOf(env, clientIdName);
  if (clientId === null) {
    problems.push({
      setting: clientIdName,
      message: `It is missing, while ${privateKeyName} is set. It is the service app's client ID, like 0oa1b2c3d4e5f6g7h8i9.`,
    });
  } else if (!isHeaderSafe(clientId)) {
    problems.push({
      setting: clientIdName,
      message: "It holds blanks or other odd characters. A right value looks like 0oa1b2c3d4e5f6g7h8i9.",
    });
  }
  const keyId = textOf(env, `${prefix}KEY_ID`);
  if (keyId !== null && !/^[\x20-\x7e]{1,256}$/.test(keyId)) {
    problems.push({
      setting: `${prefix}KEY_ID`,
      message:
        "It holds odd characters or is too long. It is the key's KID as the app's page in Okta shows it.",
    });
  }
  const privateKey = readPrivateKey(env, privateKeyName);
  if (!privateKey.ok) {
    problems.push({ setting: privateKeyName, message: sentence(privateKey.error) });
  }
  if (problems.length > 0 || clientId === null || !privateKey.ok) return refused(...problems);
  return { ok: true, value: { kind: "oauth", clientId, privateKey: privateKey.value, keyId } };
};

const readPrivateKey = (env: RawEnv, name: string): Result<string, string> => {
  const raw = env[name];
  const value = isPlainObject(raw) ? raw : textOf(env, name);
  if (value === null) {
    return err(`it is missing, while the rest of the OAuth service app is set; ${keyHint}`);
  }
  return parsePrivateKey(value);
};

/**
 * Reads a connection's credential from the settings `<PREFIX>API_TOKEN`, or `<PREFIX>CLIENT_ID`,
 * `<PREFIX>PRIVATE_KEY` and `<PREFIX>KEY_ID`. Exactly one of the two kinds must be there: silently preferring
 * one would hide which rights the connector has.
 */
export const readCredential = (env: RawEnv, prefix: string): Setting<Credential> => {
  const tokenName = `${prefix}API_TOKEN`;
  const token = textOf(env, tokenName);
  const privateKeyName = `${prefix}PRIVATE_KEY`;
  const hasOauth =
    isPlainObject(env[privateKeyName]) ||
    ["CLIENT_ID", "PRIVATE_KEY", "KEY_ID"].some((name) => textOf(env, `${prefix}${name}`) !== null);
  if (token !== null && hasOauth) {
    return refused({
      setting: tokenName,
      message:
        `Both an API token and an OAuth service app are set. Remove ${tokenName} to use the service app, or ` +
        `${prefix}CLIENT_ID, ${privateKeyName} and ${prefix}KEY_ID to use the token.`,
    });
  }
  if (hasOauth) return readOauth(env, prefix);
  if (token === null) {
    return refused({
      setting: tokenName,
      message:
        `It is missing. Create a token in Okta (Security > API > Tokens) and run: npx wrangler secret put ` +
        `${tokenName} (or set ${prefix}CLIENT_ID and ${privateKeyName} of an OAuth service app).`,
    });
  }
  const parsed = parseApiToken(token);
  return parsed.ok
    ? { ok: true, value: { kind: "ssws", token: parsed.value } }
    : refused({ setting: tokenName, message: sentence(parsed.error) });
};
