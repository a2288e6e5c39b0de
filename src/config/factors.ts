/** MFA_IGNORED_FACTORS: factor types that do not count as MFA. */

import { refused } from "./problem.ts";
import type { Setting } from "./types.ts";
import { listOf, type RawEnv } from "./values.ts";

const oktaTypes: ReadonlySet<string> = new Set([
  "call",
  "claims_provider",
  "email",
  "push",
  "question",
  "signed_nonce",
  "sms",
  "token",
  "token:hardware",
  "token:hotp",
  "token:software:totp",
  "u2f",
  "web",
  "webauthn",
]);

/** The names that look-ups answer with, where they differ from Okta's. */
const ourNames: ReadonlyMap<string, string> = new Map([
  ["totp", "token:software:totp"],
  ["hotp", "token:hotp"],
  ["hardware_token", "token:hardware"],
  ["fastpass", "signed_nonce"],
  ["duo", "web"],
  ["idp", "claims_provider"],
]);

/**
 * Reads MFA_IGNORED_FACTORS, comma-separated, in Okta's names or in ours. A name that is neither is refused,
 * since a typo would make an account look protected when it is not.
 * @returns Okta's factor types, lower-case
 */
export const readIgnoredFactors = (env: RawEnv): Setting<readonly string[]> => {
  const names = listOf(env, "MFA_IGNORED_FACTORS").map((name) => name.toLowerCase());
  const types = names.map((name) => ourNames.get(name) ?? name);
  const unknown = types.findIndex((type) => !oktaTypes.has(type));
  if (unknown === -1) return { ok: true, value: [...new Set(types)] };
  return refused({
    setting: "MFA_IGNORED_FACTORS",
    message:
      `Item ${unknown + 1} is not a factor type. A right value looks like email,question; the types are ` +
      `${[...oktaTypes].join(", ")}.`,
  });
};
