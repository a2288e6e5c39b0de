/** The Okta orgs: the default one from the plain settings, and those of CONNECTIONS. */
import type { BaseUrlRules } from "./base-url.ts";
import { readBaseUrlRules, readDefaultBaseUrl } from "./base-url-settings.ts";
import { type ConnectionEntry, connectionsExample, readEntries } from "./connection-entries.ts";
import { credentialParts, credentialSetting } from "./credential.ts";
import { type HookSecrets, readHookSecrets } from "./hook-secret.ts";
import { oncePerEnv } from "./once.ts";
import { allOf, problemsOf, refused, settingProblem, validLooksLike } from "./problem.ts";
import { readTreatment, type Treatment } from "./treatment.ts";
import type { Connection, Setting, SettingProblem } from "./types.ts";
import { jsonOf, notJson, type RawEnv, textOf } from "./values.ts";

export const defaultConnectionId = "default";

/** The prefix of the default connection's secrets. */
const defaultPrefix = "OKTA_";

export interface Connections {
  /** `default` first, then those of CONNECTIONS in order. */
  readonly byId: ReadonlyMap<string, Setting<Connection>>;
  /**
   * The ids that the settings name, valid or not, each with its base URL; null where that cannot be read. Other than in
   * `byId`, `default` is among them only if any of its settings is given.
   */
  readonly named: ReadonlyMap<string, string | null>;
  /** By connection: the secrets with which its event hooks come. */
  readonly hookSecrets: ReadonlyMap<string, HookSecrets>;
  /** What is wrong with CONNECTIONS where no connection can be named. */
  readonly problems: readonly SettingProblem[];
  /** Invalid settings that only runs need: every connection keeps working with a careful value, but starts no run. */
  readonly runProblems: readonly SettingProblem[];
  /** OKTA_RATE_LIMIT_SHARE, or its default while that is invalid. */
  readonly rateLimitShare: number;
  readonly baseUrlRules: BaseUrlRules;
}

const readConnection = (
  env: RawEnv,
  id: string,
  baseUrl: Setting<string>,
  secretPrefix: string,
  treatment: Setting<Treatment>,
): Setting<Connection> => {
  const parts = allOf({ baseUrl, credential: credentialSetting(env, secretPrefix), treatment });
  if (!parts.ok) return parts;
  const { baseUrl: origin, credential } = parts.value;
  return { ok: true, value: { id, baseUrl: origin, credential, ...parts.value.treatment } };
};

const connectionOfEntry = (
  env: RawEnv,
  { id, baseUrl, secretPrefix, problems }: ConnectionEntry,
  treatment: Setting<Treatment>,
): Setting<Connection> => {
  const connection = secretPrefix.ok
    ? readConnection(env, id, baseUrl, secretPrefix.value, treatment)
    : refused(...secretPrefix.problems, ...problemsOf(baseUrl));
  return problems.length === 0 ? connection : refused(...problems, ...problemsOf(connection));
};

const readList = (env: RawEnv): Setting<readonly unknown[]> => {
  const json = jsonOf(env, "CONNECTIONS");
  if (!json.ok) return refused(settingProblem("CONNECTIONS", notJson(json.error, connectionsExample)));
  const list = json.value ?? [];
  return Array.isArray(list)
    ? { ok: true, value: list }
    : refused(settingProblem("CONNECTIONS", ["it is not a JSON list", validLooksLike(connectionsExample)]));
};

/** The settings of the default connection alone: if none of them is given, there is no such connection. */
const defaultSettings = [
  "OKTA_BASE_URL",
  "OKTA_DOMAIN",
  ...credentialParts.map((part) => `${defaultPrefix}${part.toUpperCase()}`),
];

/** Whether a setting has any value, right or wrong. */
const isGiven = (value: unknown): boolean =>
  value !== undefined && value !== null && !(typeof value === "string" && value.trim() === "");

const urlOf = (setting: Setting<string>): string | null => (setting.ok ? setting.value : null);

/** Reads the default connection and CONNECTIONS. An invalid entry affects only the connection that it names. */
export const readConnections = (env: RawEnv): Connections => {
  const { rules: baseUrlRules, judge } = readBaseUrlRules(env);
  const { treatment, rateLimitShare, runProblems } = readTreatment(env);
  const list = readList(env);
  const defaultInUse = textOf(env, "OKTA_BASE_URL") !== null || textOf(env, "OKTA_DOMAIN") !== null;
  const { entries, problems } = readEntries(list.ok ? list.value : [], judge, {
    id: defaultConnectionId,
    secretPrefix: defaultInUse ? defaultPrefix : null,
  });

  const hookSecrets = new Map([[defaultConnectionId, readHookSecrets(env, defaultPrefix)]]);
  const byId = new Map<string, Setting<Connection>>();
  const named = new Map<string, string | null>();
  const baseUrl = readDefaultBaseUrl(env, judge);
  if (defaultSettings.some((name) => isGiven(env[name]))) named.set(defaultConnectionId, urlOf(baseUrl));
  byId.set(defaultConnectionId, readConnection(env, defaultConnectionId, baseUrl, defaultPrefix, treatment));
  for (const entry of entries) {
    const connection = connectionOfEntry(env, entry, treatment);
    const namesake = byId.get(entry.id);
    if (entry.secretPrefix.ok && namesake === undefined) {
      hookSecrets.set(entry.id, readHookSecrets(env, entry.secretPrefix.value));
    }
    named.set(entry.id, namesake === undefined ? urlOf(entry.baseUrl) : null);
    byId.set(
      entry.id,
      namesake === undefined ? connection : refused(...problemsOf(namesake), ...problemsOf(connection)),
    );
  }
  const allProblems = [...problemsOf(list), ...problems];
  return { byId, named, hookSecrets, problems: allProblems, runProblems, rateLimitShare, baseUrlRules };
};

/** The connections of this env, read once. */
export const connectionsOf = oncePerEnv(readConnections);

/** One connection's settings; null when there is no such connection or its settings are invalid. */
export const connectionOf = (env: object, id: string): Connection | null => {
  const setting = connectionsOf(env).byId.get(id);
  return setting?.ok ? setting.value : null;
};

/** Whether a connection is to take event hooks: a secret for them is set, valid or not. */
export const takesHooks = (env: object, id: string): boolean => {
  const { secrets } = connectionsOf(env).hookSecrets.get(id) ?? {};
  return secrets !== undefined && (!secrets.ok || secrets.value.length > 0);
};

/**
 * Whether a connection was taken out of the settings. Wrong settings are no removal: neither those of the connection, nor
 * an entry that names none, because it may be this one's.
 */
export const isRemoved = (env: object, id: string): boolean => {
  const { named, problems } = connectionsOf(env);
  return !named.has(id) && problems.length === 0;
};
