/** The secret that Okta sends with event hooks: OKTA_HOOK_SECRET, or <PREFIX>HOOK_SECRET of an entry of CONNECTIONS. */
import { type Clauses, settingProblem } from "./problem.ts";
import type { Setting } from "./types.ts";
import { isHeaderSafe, listOf, type RawEnv } from "./values.ts";

const minLength = 32;
/** The former one and the new one, while it is being changed. */
const maxSecrets = 2;

interface HookSecretProblem {
  readonly code: "too_short" | "odd_characters" | "too_many";
}

const whatIsWrong: Readonly<Record<HookSecretProblem["code"], string>> = {
  too_short: `a secret has at least ${minLength} characters`,
  odd_characters: "a secret has neither blanks nor characters beyond ASCII",
  too_many: `it may hold ${maxSecrets} comma-separated secrets at most, while one takes the place of the other`,
};

const describe = ({ code }: HookSecretProblem, name: string): Clauses => [
  whatIsWrong[code],
  `make one with: openssl rand -hex 32, store it with: npx wrangler secret put ${name}, and give it to the event hook ` +
    "in Okta as the value of its Authorization field",
];

const problemsIn = (secrets: readonly string[]): HookSecretProblem[] => [
  ...(secrets.length > maxSecrets ? [{ code: "too_many" } as const] : []),
  ...(secrets.some((secret) => secret.length < minLength) ? [{ code: "too_short" } as const] : []),
  ...(!secrets.every(isHeaderSafe) ? [{ code: "odd_characters" } as const] : []),
];

/** A connection's hook secrets. */
export interface HookSecrets {
  /** The setting that holds them: OKTA_HOOK_SECRET for the default connection. */
  readonly name: string;
  /** None if the setting is unset. */
  readonly secrets: Setting<readonly string[]>;
}

/**
 * Reads a connection's hook secrets.
 * @param secretPrefix the prefix of the connection's secrets: `OKTA_` for the default connection
 */
export const readHookSecrets = (env: RawEnv, secretPrefix: string): HookSecrets => {
  const name = `${secretPrefix}HOOK_SECRET`;
  const value = listOf(env, name);
  const problems = problemsIn(value).map((problem) => settingProblem(name, describe(problem, name)));
  return { name, secrets: problems.length > 0 ? { ok: false, problems } : { ok: true, value } };
};
