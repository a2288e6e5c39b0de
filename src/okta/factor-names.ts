/** The names that analysts use for Okta's factor types. */
import type { OktaFactor } from "./records.ts";

const SHORT_NAMES: ReadonlyMap<string, string> = new Map([
  ["push", "push"],
  ["token:software:totp", "totp"],
  ["sms", "sms"],
  ["call", "call"],
  ["email", "email"],
  ["question", "question"],
  ["webauthn", "webauthn"],
  ["token:hotp", "hotp"],
  ["token:hardware", "hardware_token"],
  ["u2f", "u2f"],
  ["signed_nonce", "fastpass"],
  ["claims_provider", "idp"],
]);

type NamedFactor = Pick<OktaFactor, "factorType" | "provider">;

/** A factor's short name; a type that has none keeps Okta's spelling. `web` is Duo when Duo provides it. */
export const factorName = (factor: NamedFactor): string =>
  factor.factorType === "web" && factor.provider === "DUO"
    ? "duo"
    : (SHORT_NAMES.get(factor.factorType) ?? factor.factorType);

/**
 * Whether a factor counts as MFA.
 * @param ignored lower-case factor types, by Okta's names or by short names, that do not count
 */
export const countsAsMfa = (factor: NamedFactor, ignored: readonly string[]): boolean =>
  ignored.length === 0 ||
  !(ignored.includes(factor.factorType.toLowerCase()) || ignored.includes(factorName(factor).toLowerCase()));

/** Okta's types of factors that no look-alike site can use: WebAuthn, U2F and FastPass. */
const PHISHING_RESISTANT: ReadonlySet<string> = new Set(["webauthn", "u2f", "signed_nonce"]);

/** Whether a factor resists phishing. */
export const resistsPhishing = ({ factorType }: Pick<OktaFactor, "factorType">): boolean =>
  PHISHING_RESISTANT.has(factorType);
