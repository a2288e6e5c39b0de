/** The credential of a connection: an API token, or an OAuth service app's client id and private key. */
import { isPlainObject } from "../lib/json.ts";
import { err, ok, type Result } from "../lib/result.ts";
import {
  describePrivateKey,
  type PrivateKeyProblem,
  parsePrivateKey,
  privateKeyHint,
} from "./private-key.ts";
import { type Clauses, settingProblem, validLooksLike } from "./problem.ts";
import type { Credential, Setting } from "./types.ts";
import { isHeaderSafe, type RawEnv, textOf } from "./values.ts";

export const credentialParts = ["api_token", "client_id", "private_key", "key_id"] as const;
export type CredentialPart = (typeof credentialParts)[number];

/** What is wrong with a credential, and with which part of it. */
export type CredentialProblem =
  | {
      readonly part: "api_token";
      /** `two_credentials`: there is a service app as well; `not_alone`: the token comes with its scheme. */
      readonly code: "missing" | "two_credentials" | "not_alone" | "odd_characters";
    }
  | { readonly part: "client_id"; readonly code: "missing" | "odd_characters" }
  | { readonly part: "private_key"; readonly code: "missing" | PrivateKeyProblem["code"] }
  | { readonly part: "key_id"; readonly code: "odd_characters" };

/** How to speak to whoever gave the credential. */
export interface CredentialWording {
  /** `OKTA_API_TOKEN` for a setting, `body.api_token` for a request. */
  readonly nameOf: (part: CredentialPart) => string;
  /** What to do with a new token, such as "run: npx wrangler secret put OKTA_API_TOKEN". */
  readonly giveToken: string;
}

const tokenHint = "paste the token value as Okta showed it when it was created";
const clientIdExample = "0oa1b2c3d4e5f6g7h8i9";

type CodeOf<P extends CredentialPart> = Extract<CredentialProblem, { part: P }>["code"];

const describeToken = (code: CodeOf<"api_token">, { nameOf, giveToken }: CredentialWording): Clauses => {
  const [clientId, privateKey] = [nameOf("client_id"), nameOf("private_key")];
  switch (code) {
    case "missing":
      return [
        "it is missing",
        `create a token in Okta (Security > API > Tokens) and ${giveToken} ` +
          `(or give ${clientId} and ${privateKey} of an OAuth service app)`,
      ];
    case "two_credentials":
      return [
        "both an API token and an OAuth service app are set",
        `remove ${nameOf("api_token")} to use the service app, or ${clientId}, ${privateKey} and ` +
          `${nameOf("key_id")} to use the token`,
      ];
    case "not_alone":
      return ['it must be the token alone, without "SSWS"', tokenHint];
    case "odd_characters":
      return ["it holds blanks or characters that no Okta token has", tokenHint];
  }
};

const describeClientId = (code: CodeOf<"client_id">, { nameOf }: CredentialWording): Clauses =>
  code === "missing"
    ? [
        `it is missing, while ${nameOf("private_key")} or ${nameOf("key_id")} is set`,
        `it is the service app's client ID, like ${clientIdExample}`,
      ]
    : ["it holds blanks or characters that no client ID has", validLooksLike(clientIdExample)];

/** What is wrong with a credential, in words. */
export const describeCredential = (problem: CredentialProblem, wording: CredentialWording): Clauses => {
  switch (problem.part) {
    case "api_token":
      return describeToken(problem.code, wording);
    case "client_id":
      return describeClientId(problem.code, wording);
    case "private_key":
      return problem.code === "missing"
        ? ["it is missing, while the rest of the OAuth service app is set", privateKeyHint]
        : describePrivateKey({ code: problem.code });
    case "key_id":
      return [
        "it is too long, or holds characters that no key ID has",
        "it is the key's KID as the app's page in Okta shows it",
      ];
  }
};

/** Judges the form of a token that is not blank; only Okta knows whether it works. */
const tokenProblem = (token: string): CodeOf<"api_token"> | null => {
  if (/^(ssws|bearer)\b/i.test(token)) return "not_alone";
  return isHeaderSafe(token) ? null : "odd_characters";
};

/** The parts as they were given, by their names. */
type GivenParts = RawEnv & { readonly [P in CredentialPart]?: unknown };

const readPrivateKey = (given: GivenParts): Result<string, CodeOf<"private_key">> => {
  const value = isPlainObject(given.private_key) ? given.private_key : textOf(given, "private_key");
  if (value === null) return err("missing");
  const key = parsePrivateKey(value, textOf(given, "key_id"));
  return key.ok ? key : err(key.error.code);
};

const readServiceApp = (given: GivenParts): Result<Credential, readonly CredentialProblem[]> => {
  const problems: CredentialProblem[] = [];
  const clientId = textOf(given, "client_id");
  if (clientId === null) problems.push({ part: "client_id", code: "missing" });
  else if (!isHeaderSafe(clientId)) problems.push({ part: "client_id", code: "odd_characters" });
  const keyId = textOf(given, "key_id");
  if (keyId !== null && !/^[\x20-\x7e]{1,256}$/.test(keyId)) {
    problems.push({ part: "key_id", code: "odd_characters" });
  }
  const privateKey = readPrivateKey(given);
  if (!privateKey.ok) problems.push({ part: "private_key", code: privateKey.error });
  if (problems.length > 0 || clientId === null || !privateKey.ok) return err(problems);
  return ok({ kind: "oauth", clientId, privateKey: privateKey.value, keyId });
};

/**
 * Reads a credential. Exactly one of the two kinds must be there: silently preferring one would hide which rights
 * the connector has.
 * @param given each part as text (blank is the same as absent); the private key as a JWK as well
 * @returns the credential, or everything that is wrong with it
 */
export const readCredential = (given: GivenParts): Result<Credential, readonly CredentialProblem[]> => {
  const token = textOf(given, "api_token");
  const hasServiceApp =
    isPlainObject(given.private_key) ||
    (["client_id", "private_key", "key_id"] as const).some((part) => textOf(given, part) !== null);
  if (token !== null && hasServiceApp) return err([{ part: "api_token", code: "two_credentials" }]);
  if (hasServiceApp) return readServiceApp(given);
  if (token === null) return err([{ part: "api_token", code: "missing" }]);
  const code = tokenProblem(token);
  return code === null ? ok({ kind: "ssws", token }) : err([{ part: "api_token", code }]);
};

/**
 * Reads a connection's credential from the settings `<PREFIX>API_TOKEN`, or `<PREFIX>CLIENT_ID`,
 * `<PREFIX>PRIVATE_KEY` and `<PREFIX>KEY_ID`.
 */
export const credentialSetting = (env: RawEnv, prefix: string): Setting<Credential> => {
  const nameOf = (part: CredentialPart): string => `${prefix}${part.toUpperCase()}`;
  const wording = { nameOf, giveToken: `run: npx wrangler secret put ${nameOf("api_token")}` };
  const credential = readCredential(
    Object.fromEntries(credentialParts.map((part) => [part, env[nameOf(part)]])),
  );
  if (credential.ok) return credential;
  const problems = credential.error.map((problem) =>
    settingProblem(nameOf(problem.part), describeCredential(problem, wording)),
  );
  return { ok: false, problems };
};
