/**
 * env → Config, once. Nobody else reads settings from env (bindings are passed where they are used).
 * Every setting is judged by itself: a wrong one carries its problems to the routes that need it, and the
 * rest works on.
 */
import { type AccessTeam, type ApiKey, readAccess, readApiKeys } from "./config/access.ts";
import type { BaseUrlRules } from "./config/base-url.ts";
import { readConnections } from "./config/connections.ts";
import { allOf, sentence, settingOf } from "./config/problem.ts";
import { secretsOf } from "./config/secrets.ts";
import type { Connection, EnrichmentSettings, Setting, SettingProblem } from "./config/types.ts";
import { jsonOf, numberOf, type RawEnv } from "./config/values.ts";
import { parseSinks, settingProblemsOf } from "./delivery/settings.ts";
import type { ParsedSinks } from "./delivery/settings-types.ts";
import { type MaliceRules, parseMaliceRules } from "./enrichment/rules.ts";
import { protect } from "./log.ts";

export type { Connection, Credential, Setting, SettingProblem } from "./config/types.ts";

export interface Config {
  /** By id, `default` first; each judged by itself. */
  readonly connections: ReadonlyMap<string, Setting<Connection>>;
  /** What is wrong with CONNECTIONS where no connection can be named, for instance that it is not JSON. */
  readonly connectionProblems: readonly SettingProblem[];
  /** Wrong settings that only runs need: nothing else is held up by them. */
  readonly runProblems: readonly SettingProblem[];
  /** Of any connection: 0 < share ≤ 1; the default while OKTA_RATE_LIMIT_SHARE is wrong. */
  readonly rateLimitShare: number;
  /** Empty when API_KEYS is unset. */
  readonly apiKeys: Setting<readonly ApiKey[]>;
  /** Null when Cloudflare Access is not used. */
  readonly access: Setting<AccessTeam | null>;
  readonly enrichment: Setting<EnrichmentSettings>;
  /** Null when there are none. */
  readonly maliceRules: Setting<MaliceRules | null>;
  /** Sinks that run, and sinks that do not with what is wrong. */
  readonly sinks: ParsedSinks;
  /** How to judge a base URL that comes from elsewhere, such as a candidate to test. */
  readonly baseUrlRules: BaseUrlRules;
  readonly allowLoopback: boolean;
}

const readMaliceRules = (env: RawEnv): Setting<MaliceRules | null> => {
  const json = jsonOf(env, "MALICE_RULES");
  if (!json.ok) {
    return settingOf("MALICE_RULES", {
      ok: false,
      error: `${json.error}; a right value looks like {"conditions": [{"field": "status", "operator": "eq", "value": "SUSPENDED", "verdict": "Suspicious"}]}`,
    });
  }
  if (json.value === null) return { ok: true, value: null };
  const rules = parseMaliceRules(json.value);
  if (rules.ok) return rules;
  const problems = rules.error.map(({ path, message }) => ({
    setting: path === "(root)" ? "MALICE_RULES" : `MALICE_RULES.${path}`,
    message: sentence(message),
  }));
  return { ok: false, problems };
};

const readEnrichment = (env: RawEnv): Setting<EnrichmentSettings> =>
  allOf({
    ttlSeconds: settingOf(
      "ENRICHMENT_TTL_SECONDS",
      numberOf(env, "ENRICHMENT_TTL_SECONDS", { default: 3600, min: 0, max: 2_592_000, whole: true }),
    ),
    lookupTimeoutMs: settingOf(
      "LOOKUP_TIMEOUT_MS",
      numberOf(env, "LOOKUP_TIMEOUT_MS", { default: 8000, min: 100, max: 60_000, whole: true }),
    ),
  });

/** Judges every setting. Never throws, never repeats a secret's value. */
export const readConfig = (env: object): Config => {
  const raw: RawEnv = { ...env };
  const connections = readConnections(raw);
  const { allowLoopback } = connections.baseUrlRules;
  return {
    connections: connections.byId,
    connectionProblems: connections.problems,
    runProblems: connections.runProblems,
    rateLimitShare: connections.rateLimitShare,
    apiKeys: readApiKeys(raw),
    access: readAccess(raw),
    enrichment: readEnrichment(raw),
    maliceRules: readMaliceRules(raw),
    sinks: parseSinks(raw["SINKS"], {
      secret: (name) => {
        const value = raw[name];
        return typeof value === "string" ? value : undefined;
      },
      binding: (name) => typeof raw[name] === "object" && raw[name] !== null,
      allowLoopback,
    }),
    baseUrlRules: connections.baseUrlRules,
    allowLoopback,
  };
};

/** What is wrong with one setting. */
export const problemsOf = (setting: Setting<unknown>): readonly SettingProblem[] =>
  setting.ok ? [] : setting.problems;

/** Settings that are wrong and stop only a part: a sink, another connection, new runs, look-ups, verdicts, Access. */
export const problemsOfParts = (config: Config): SettingProblem[] => [
  ...config.sinks.refused.flatMap(({ problems }) => settingProblemsOf(problems)),
  ...config.connectionProblems,
  ...config.runProblems,
  ...problemsOf(config.enrichment),
  ...problemsOf(config.maliceRules),
  ...problemsOf(config.access),
];

const configs = new WeakMap<object, Config>();

/** The config of this env, read once; from then on logs mask its secrets. */
export const configOf = (env: object): Config => {
  const known = configs.get(env);
  if (known !== undefined) return known;
  const config = readConfig(env);
  protect(secretsOf({ ...env }));
  configs.set(env, config);
  return config;
};
