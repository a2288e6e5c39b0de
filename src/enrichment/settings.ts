/** The settings of look-ups and verdicts. */
import { oncePerEnv } from "../config/once.ts";
import { allOf, refused, settingProblem } from "../config/problem.ts";
import type { Setting } from "../config/types.ts";
import { jsonOf, notJson, numberSetting, type RawEnv, textOf } from "../config/values.ts";
import { parseMaliceRules } from "./rule-reader.ts";
import type { MaliceRules } from "./rules.ts";

export interface EnrichmentSettings {
  /** How long a look-up is fresh. */
  readonly ttlSeconds: number;
  /** How long a look-up may take before it is given up, ms. */
  readonly lookupTimeoutMs: number;
  /** Where answers are kept. KV has no region; without it, they are only in memory, for a minute. */
  readonly cache: "kv" | "off";
}

const cacheSetting = (env: RawEnv): Setting<EnrichmentSettings["cache"]> => {
  const text = textOf(env, "LOOKUP_CACHE") ?? "kv";
  if (text === "kv" || text === "off") return { ok: true, value: text };
  return refused(settingProblem("LOOKUP_CACHE", ["it must be kv, which is the default, or off"]));
};

/** Reads ENRICHMENT_TTL_SECONDS, LOOKUP_TIMEOUT_MS and LOOKUP_CACHE. */
export const readEnrichment = (env: RawEnv): Setting<EnrichmentSettings> =>
  allOf({
    ttlSeconds: numberSetting(env, "ENRICHMENT_TTL_SECONDS", {
      default: 3600,
      min: 0,
      max: 2_592_000,
      whole: true,
    }),
    lookupTimeoutMs: numberSetting(env, "LOOKUP_TIMEOUT_MS", {
      default: 8000,
      min: 100,
      max: 60_000,
      whole: true,
    }),
    cache: cacheSetting(env),
  });

const rulesExample =
  '{"conditions": [{"field": "status", "operator": "eq", "value": "SUSPENDED", "verdict": "Suspicious"}]}';

/** Reads MALICE_RULES; null when there are none. */
export const readMaliceRules = (env: RawEnv): Setting<MaliceRules | null> => {
  const json = jsonOf(env, "MALICE_RULES");
  if (!json.ok) return refused(settingProblem("MALICE_RULES", notJson(json.error, rulesExample)));
  if (json.value === null) return { ok: true, value: null };
  const rules = parseMaliceRules(json.value);
  if (rules.ok) return rules;
  const problems = rules.error.map(({ path, message }) =>
    settingProblem(path === "(root)" ? "MALICE_RULES" : `MALICE_RULES.${path}`, [message]),
  );
  return { ok: false, problems };
};

/** This env's settings of look-ups, read once. */
export const enrichmentOf = oncePerEnv(readEnrichment);

/** This env's malice rules, read once. */
export const rulesOf = oncePerEnv(readMaliceRules);
