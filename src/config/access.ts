/** Who may call the API: bearer keys, and optionally the identities of a Cloudflare Access team. */
import type { Setting, SettingProblem } from "./types.ts";
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
  "Make one with: openssl rand -hex 32, and store it with: npx wrangler secret put API_KEYS.";

/** Told to callers when nobody can be let in, because no key exists yet. */
export const noKeysProblem: SettingProblem = {
  setting: "API_KEYS",
  message: `It is missing, so nobody can be let in. ${howToMakeAKey}`,
};

/** The characters of a bearer token (RFC 6750, b64token). */
const isBearer = (text: string): boolean => /^[A-Za-z0-9._~+/-]+=*$/.test(text);

const keyProblem = (key: string): string | null => {
  if (key.length < minKeyLength) return `is shorter than ${minKeyLength} characters`;
  if (!isBearer(key))
    return "holds characters that a bearer token cannot have (letters, digits and -._~+/= are fine)";
  return null;
};

/**
 * Reads API_KEYS: comma-separated keys of at least 32 characters, `read:` before one limits it.
 * @returns no keys when it is unset; problems name a key by its position, never by its value
 */
export const readApiKeys = (env: RawEnv): Setting<readonly ApiKey[]> => {
  const keys = listOf(env, "API_KEYS").map((item): ApiKey => {
    const limited = /^read:/i.test(item);
    return { key: limited ? item.slice("read:".length).trim() : item, rights: limited ? "read" : "full" };
  });
  const rights = new Map<string, Rights>();
  const problems: SettingProblem[] = [];
  for (const [index, { key, rights: given }] of keys.entries()) {
    const clashes = rights.has(key) && rights.get(key) !== given;
    const problem = keyProblem(key) ?? (clashes ? "is given both with and without read:" : null);
    if (problem !== null) {
      problems.push({ setting: "API_KEYS", message: `Key ${index + 1} ${problem}. ${howToMakeAKey}` });
    }
    rights.set(key, given);
  }
  return problems.length > 0 ? { ok: false, problems } : { ok: true, value: keys };
};

const teamName = (text: string): string | null => {
  const match =
    /^(?:https:\/\/)?([a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?)(?:\.cloudflareaccess\.com\/?)?$/i.exec(text);
  return match?.[1]?.toLowerCase() ?? null;
};

/**
 * Reads ACCESS_TEAM (`team`, or `team.cloudflareaccess.com`) and ACCESS_AUD (64 hexadecimal digits).
 * @returns null when neither is set
 */
export const readAccess = (env: RawEnv): Setting<AccessTeam | null> => {
  const teamText = textOf(env, "ACCESS_TEAM");
  const audience = textOf(env, "ACCESS_AUD");
  if (teamText === null && audience === null) return { ok: true, value: null };
  const problems: SettingProblem[] = [];
  const team = teamText === null ? null : teamName(teamText);
  if (team === null) {
    const what = teamText === null ? "It is missing, while ACCESS_AUD is set" : "It is not a team name";
    problems.push({
      setting: "ACCESS_TEAM",
      message: `${what}. A right value is the team of https://TEAM.cloudflareaccess.com, like my-company.`,
    });
  }
  if (audience === null || !/^[0-9a-f]{64}$/i.test(audience)) {
    const what = audience === null ? "It is missing, while ACCESS_TEAM is set" : "It is not an audience tag";
    problems.push({
      setting: "ACCESS_AUD",
      message: `${what}. A right value is the Access application's AUD tag, 64 hexadecimal digits.`,
    });
  }
  if (problems.length > 0 || team === null || audience === null) return { ok: false, problems };
  return { ok: true, value: { issuer: `https://${team}.cloudflareaccess.com`, audience } };
};
