/**
 * All settings together, as the API and the console use and show them. Every other room reads only its own. Each
 * setting is judged by itself: an invalid one carries its problems to the routes that need it, and everything else
 * keeps working.
 */
import { type AccessTeam, type ApiKey, readAccess, readApiKeys } from "../config/access.ts";
import { type AlertChannels, alertChannelsOf } from "../config/alert-channels.ts";
import type { BaseUrlRules } from "../config/base-url.ts";
import { connectionsOf } from "../config/connections.ts";
import type { HookSecrets } from "../config/hook-secret.ts";
import { oncePerEnv } from "../config/once.ts";
import { type PostureException, postureExceptionsOf } from "../config/posture-exceptions.ts";
import { problemsOf } from "../config/problem.ts";
import type { Connection, Setting, SettingProblem } from "../config/types.ts";
import type { RawEnv } from "../config/values.ts";
import { settingProblemsOf, sinksOf } from "../delivery/settings.ts";
import type { ParsedSinks } from "../delivery/settings-types.ts";
import type { MaliceRules } from "../enrichment/rules.ts";
import { type EnrichmentSettings, enrichmentOf, rulesOf } from "../enrichment/settings.ts";

export interface Config {
  /** By id, `default` first; each judged by itself. */
  readonly connections: ReadonlyMap<string, Setting<Connection>>;
  /** The ids that the settings name, valid or not, each with its base URL; null where that cannot be read. */
  readonly namedConnections: ReadonlyMap<string, string | null>;
  /** By connection: the secrets with which its event hooks come. */
  readonly hookSecrets: ReadonlyMap<string, HookSecrets>;
  /** What is wrong with CONNECTIONS where no connection can be named, for instance that it is not JSON. */
  readonly connectionProblems: readonly SettingProblem[];
  /** Invalid settings that only runs need: nothing else is held up by them. */
  readonly runProblems: readonly SettingProblem[];
  /** Of any connection: 0 < share ≤ 1; the default while OKTA_RATE_LIMIT_SHARE is invalid. */
  readonly rateLimitShare: number;
  /** Empty when API_KEYS is unset. */
  readonly apiKeys: Setting<readonly ApiKey[]>;
  /** Null when Cloudflare Access is not used. */
  readonly access: Setting<AccessTeam | null>;
  readonly enrichment: Setting<EnrichmentSettings>;
  /** Null when there are none. */
  readonly maliceRules: Setting<MaliceRules | null>;
  /** The sinks that run, and those that do not, with what is wrong. */
  readonly sinks: ParsedSinks;
  /** Groups that checks of posture count apart. */
  readonly postureExceptions: Setting<readonly PostureException[]>;
  /** Where alerts are sent, and what is wrong with channels that are left out. */
  readonly alerts: AlertChannels;
  /** How to judge a base URL that comes from elsewhere, such as that of a candidate to test. */
  readonly baseUrlRules: BaseUrlRules;
}

/** Judges every setting of an env. Never throws, never repeats a secret's value. */
export const readConfig = (env: object): Config => {
  const raw: RawEnv = { ...env };
  const connections = connectionsOf(env);
  return {
    connections: connections.byId,
    namedConnections: connections.named,
    hookSecrets: connections.hookSecrets,
    connectionProblems: connections.problems,
    runProblems: connections.runProblems,
    rateLimitShare: connections.rateLimitShare,
    apiKeys: readApiKeys(raw),
    access: readAccess(raw),
    enrichment: enrichmentOf(env),
    maliceRules: rulesOf(env),
    sinks: sinksOf(env),
    postureExceptions: postureExceptionsOf(env),
    alerts: alertChannelsOf(env),
    baseUrlRules: connections.baseUrlRules,
  };
};

/** The config of this env, read once. */
export const configOf = oncePerEnv(readConfig);

/** Invalid settings that stop only a part: a sink, an alert channel, a connection, event hooks, new runs, posture, look-ups, verdicts, Access. */
export const problemsOfParts = (config: Config): SettingProblem[] => [
  ...config.sinks.refused.flatMap(({ problems }) => settingProblemsOf(problems)),
  ...config.connectionProblems,
  ...config.runProblems,
  ...[...config.hookSecrets.values()].flatMap(({ secrets }) => problemsOf(secrets)),
  ...config.alerts.problems,
  ...problemsOf(config.alerts.publicUrl),
  ...problemsOf(config.postureExceptions),
  ...problemsOf(config.enrichment),
  ...problemsOf(config.maliceRules),
  ...problemsOf(config.access),
];
