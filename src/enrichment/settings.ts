/** What the settings say of look-ups, and of verdicts. */
import { oncePerEnv } from "../config/once.ts";
import { allOf, sentence, settingOf } from "../config/problem.ts";
import type { Setting } from "../config/types.ts";
import { jsonOf, numberOf, type RawEnv } from "../config/values.ts";
import { type MaliceRules, parseMaliceRules } from "./rules.ts";

export interface EnrichmentSettings {
  /** How long a look-up is fresh. */
  readonly ttlSeconds: number;
  /** How long a look-up may take before it is given up, ms. */
  readonly lookupTimeoutMs: number;
}

/** Reads ENRICHMENT_TTL_SECONDS and LOOKUP_TIMEOUT_MS. */
export const readEnrichment = (env: RawEnv): Setting<EnrichmentSettings> =>
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

/** Reads MALICE_RULES; null when there are none. */
export const readMaliceRules = (env: RawEnv): Setting<MaliceRules | null> => {
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

/** How this env looks accounts up, read once. */
export const enrichmentOf = oncePerEnv(readEnrichment);

/** This env's malice rules, read once. */
export const rulesOf = oncePerEnv(readMaliceRules);
