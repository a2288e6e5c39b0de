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

/** A factor's short name; a type that has none keeps Okta's spelling. `web` is Duo when Duo provides it. */
export const factorName = (factor: OktaFactor): string =>
  factor.factorType === "web" && factor.provider === "DUO"
    ? "duo"
    : (SHORT_NAMES.get(factor.factorType) ?? factor.factorType);
