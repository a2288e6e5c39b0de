import { expect, test } from "vitest";
import { factorName } from "../../src/okta/factor-names.ts";

test.each([
  ["push", "OKTA", "push"],
  ["token:software:totp", "GOOGLE", "totp"],
  ["sms", "OKTA", "sms"],
  ["call", "OKTA", "call"],
  ["email", "OKTA", "email"],
  ["question", "OKTA", "question"],
  ["webauthn", "FIDO", "webauthn"],
  ["token:hotp", "CUSTOM", "hotp"],
  ["token:hardware", "YUBICO", "hardware_token"],
  ["u2f", "FIDO", "u2f"],
  ["signed_nonce", "OKTA", "fastpass"],
  ["web", "DUO", "duo"],
  ["claims_provider", "CUSTOM", "idp"],
  ["web", "OKTA", "web"],
  ["token", "SYMANTEC", "token"],
  ["passkey:novel", null, "passkey:novel"],
  ["constructor", null, "constructor"],
])("%s of %s is %s", (factorType, provider, name) => {
  expect(factorName({ factorType, provider })).toBe(name);
});
