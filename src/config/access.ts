/** Who may call the API: bearer keys, and optionally the identities of a Cloudflare Access team. */
import { err, ok, type Result } from "../lib/result.ts";
import { allOf, type Clauses, settingOf, settingProblem } from "./problem.ts";
import type { Setting } from "./types.ts";
import { listOf, type RawEnv, textOf } from "./values.ts";

/** `read` may look up, read the inventory and the status; `full` may do everything. */
export type Rights = "full" | "read";

export interface ApiKey {
  readonly key: string;
  readonly rights: Rights;
}

export interface AccessTeam {
  /** `https://<team>.cloudflareaccess.com`, the issuer of its tokens. */
  readonly issuer: string;
  /** The application's audience tag. */
  readonly audience: string;
}

const minKeyLength = 32;
const howToMakeAKey =
  "make one with: openssl rand -hex 32, and store it with: npx wrangler secret put API_KEYS";

interface KeyProblem {
  readonly code: "too_short" | "odd_characters" | "two_rights";
  /** Counted from 1: a problem names a key by its position, never by its value. */
  readonly key: number;
}

const describeKey = ({ code, key }: KeyProblem): Clauses => {
  const what = {
    too_short: `is shorter than ${minKeyLength} characters`,
    odd_characters:
      "holds characters that a bearer token cannot have (letters, digits and -._~+/= are allowed)",
    two_rights: "is given both with and without read:",
  };
  return [`key ${key} ${what[code]}`, howToMakeAKey];
};

/** Shown to callers when nobody can be let in, because there is no key yet. */
export const noKeysProblem = settingProblem("API_KEYS", [
  "it is missing, so nobody can be let in",
  howToMakeAKey,
]);

/** The characters of a bearer token (RFC 6750, b64token). */
const isBearer = (text: string): boolean => /^[A-Za-z0-9._~+/-]+=*$/.test(text);

const judgeKeys = (keys: readonly ApiKey[]): KeyProblem[] => {
  const earlier = new Map<string, Rights>();
  const problems: KeyProblem[] = [];
  for (const [index, { key, rights }] of keys.entries()) {
    const refuse = (code: KeyProblem["code"]) => problems.push({ code, key: index + 1 });
    if (key.length < minKeyLength) refuse("too_short");
    else if (!isBearer(key)) refuse("odd_characters");
    else if (earlier.has(key) && earlier.get(key) !== rights) refuse("two_rights");
    earlier.set(key, rights);
  }
  return problems;
};

/**
 * Reads API_KEYS: comma-separated keys of at least 32 characters. `read:` before a key limits it.
 * @returns no keys when it is unset
 */
export const readApiKeys = (env: RawEnv): Setting<readonly ApiKey[]> => {
  const keys = listOf(env, "API_KEYS").map((item): ApiKey => {
    const limited = /^read:/i.test(item);
    return { key: limited ? item.slice("read:".length).trim() : item, rights: limited ? "read" : "full" };
  });
  const problems = judgeKeys(keys).map((problem) => settingProblem("API_KEYS", describeKey(problem)));
  return problems.length > 0 ? { ok: false, problems } : { ok: true, value: keys };
};

interface AccessProblem {
  /** `missing`: the other one of the two settings is there. */
  readonly code: "missing" | "invalid";
}

const describeTeam = ({ code }: AccessProblem): Clauses => [
  code === "missing" ? "it is missing, while ACCESS_AUD is set" : "it is not a team name",
  "a valid value is the team of https://TEAM.cloudflareaccess.com, like my-company",
];

const parseTeam = (text: string | null): Result<string, AccessProblem> => {
  if (text === null) return err({ code: "missing" });
  const match =
    /^(?:https:\/\/)?([a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?)(?:\.cloudflareaccess\.com\/?)?$/i.exec(text);
  const team = match?.[1];
  return team === undefined ? err({ code: "invalid" }) : ok(team.toLowerCase());
};

const describeAudience = ({ code }: AccessProblem): Clauses => [
  code === "missing" ? "it is missing, while ACCESS_TEAM is set" : "it is not an audience tag",
  "a valid value is the Access application's AUD tag, 64 hexadecimal digits",
];

const parseAudience = (text: string | null): Result<string, AccessProblem> => {
  if (text === null) return err({ code: "missing" });
  return /^[0-9a-f]{64}$/i.test(text) ? ok(text) : err({ code: "invalid" });
};

/**
 * Reads ACCESS_TEAM (`team`, or `team.cloudflareaccess.com`) and ACCESS_AUD (64 hexadecimal digits).
 * @returns null when neither is set
 */
export const readAccess = (env: RawEnv): Setting<AccessTeam | null> => {
  const [teamText, audienceText] = [textOf(env, "ACCESS_TEAM"), textOf(env, "ACCESS_AUD")];
  if (teamText === null && audienceText === null) return { ok: true, value: null };
  const parts = allOf({
    team: settingOf("ACCESS_TEAM", parseTeam(teamText), describeTeam),
    audience: settingOf("ACCESS_AUD", parseAudience(audienceText), describeAudience),
  });
  if (!parts.ok) return parts;
  const { team, audience } = parts.value;
  return { ok: true, value: { issuer: `https://${team}.cloudflareaccess.com`, audience } };
};
