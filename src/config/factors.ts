/** MFA_IGNORED_FACTORS: factor types that do not count as MFA. */
import { err, ok, type Result } from "../lib/result.ts";
import { type Clauses, settingOf, validLooksLike } from "./problem.ts";
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

interface FactorProblem {
  readonly code: "unknown_factor";
  /** Counted from 1. */
  readonly item: number;
}

const describeFactor = ({ item }: FactorProblem): Clauses => [
  `item ${item} is not a factor type`,
  validLooksLike("email,question"),
  `the types are ${[...oktaTypes].join(", ")}`,
];

const parseFactors = (names: readonly string[]): Result<readonly string[], FactorProblem> => {
  const types = names.map((name) => ourNames.get(name.toLowerCase()) ?? name.toLowerCase());
  const unknown = types.findIndex((type) => !oktaTypes.has(type));
  return unknown === -1 ? ok([...new Set(types)]) : err({ code: "unknown_factor", item: unknown + 1 });
};

/**
 * Reads MFA_IGNORED_FACTORS, comma-separated, in Okta's names or in ours. A name that is neither is refused, since a
 * typo would make an account look protected when it is not.
 * @returns Okta's factor types, lower-case
 */
export const readIgnoredFactors = (env: RawEnv): Setting<readonly string[]> =>
  settingOf("MFA_IGNORED_FACTORS", parseFactors(listOf(env, "MFA_IGNORED_FACTORS")), describeFactor);
