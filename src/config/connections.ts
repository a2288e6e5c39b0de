/** The Okta orgs: the default one from the plain settings, and those of CONNECTIONS. */

import { isPlainObject } from "../lib/json.ts";
import { err, ok, type Result } from "../lib/result.ts";
import { type BaseUrlRules, parseBaseUrl, parseCustomDomain } from "./base-url.ts";
import { readCredential } from "./credential.ts";
import { readIgnoredFactors } from "./factors.ts";
import { oncePerEnv } from "./once.ts";
import { allOf, refused, sentence, settingOf } from "./problem.ts";
import type { Connection, Setting, SettingProblem } from "./types.ts";
import { allowsLoopback, flagOf, jsonOf, listOf, numberOf, type RawEnv, textOf } from "./values.ts";

export const defaultConnectionId = "default";

export interface Connections {
  /** `default` first, then those of CONNECTIONS in order. */
  readonly byId: ReadonlyMap<string, Setting<Connection>>;
  /** What is wrong with CONNECTIONS where no connection can be named. */
  readonly problems: readonly SettingProblem[];
  /** Wrong settings that only runs need: every connection works on with a careful value, but starts no run. */
  readonly runProblems: readonly SettingProblem[];
  /** OKTA_RATE_LIMIT_SHARE, or its default while that is wrong. */
  readonly rateLimitShare: number;
  readonly baseUrlRules: BaseUrlRules;
}

const example = '[{"id": "acme", "base_url": "https://acme.okta.com", "secret_prefix": "ACME_"}]';
const idRule =
  "an id is 1 to 64 letters, digits, underscores or hyphens, first a letter or digit, unique, and not default";
const prefixRule =
  "a prefix is upper-case letters, digits and underscores, like ACME_ for the secret ACME_API_TOKEN";

/** What every connection shares: how to treat an org. */
const readTreatment = (
  env: RawEnv,
  rateLimitShare: Setting<number>,
  runs: ReturnType<typeof readRunSettings>["values"],
) => {
  const parts = allOf({
    loopback: settingOf("ALLOW_LOOPBACK", flagOf(env, "ALLOW_LOOPBACK")),
    rateLimitShare,
    mfaIgnoredFactors: readIgnoredFactors(env),
  });
  return parts.ok ? { ok: true as const, value: { ...parts.value, ...runs } } : parts;
};

const DEFAULT_SHARE = 0.5;

const readShare = (env: RawEnv): Setting<number> =>
  settingOf(
    "OKTA_RATE_LIMIT_SHARE",
    numberOf(env, "OKTA_RATE_LIMIT_SHARE", { default: DEFAULT_SHARE, min: 0, max: 1, aboveMin: true }),
  );

/**
 * What only runs need. While one is wrong the rest works on: with the defaults, and with a guard of 0, so that
 * the runs that the cron starts leave every absence to a person.
 */
const readRunSettings = (env: RawEnv) => {
  const settings = {
    deletionGuard: settingOf(
      "DELETION_GUARD",
      numberOf(env, "DELETION_GUARD", { default: 0.2, min: 0, max: 1 }),
    ),
    refreshDays: settingOf(
      "REFRESH_DAYS",
      numberOf(env, "REFRESH_DAYS", { default: 7, min: 1, max: 365, whole: true }),
    ),
    subrequestsPerSlice: settingOf(
      "SUBREQUESTS_PER_SLICE",
      numberOf(env, "SUBREQUESTS_PER_SLICE", { default: 40, min: 1, max: 9000, whole: true }),
    ),
  };
  const { deletionGuard, refreshDays, subrequestsPerSlice } = settings;
  return {
    values: {
      deletionGuard: deletionGuard.ok ? deletionGuard.value : 0,
      refreshDays: refreshDays.ok ? refreshDays.value : 7,
      subrequestsPerSlice: subrequestsPerSlice.ok ? subrequestsPerSlice.value : 40,
    },
    problems: Object.values(settings).flatMap((setting) => (setting.ok ? [] : setting.problems)),
  };
};

type Treatment = ReturnType<typeof readTreatment>;

const build = (
  id: string,
  baseUrl: Setting<string>,
  env: RawEnv,
  secretPrefix: string,
  treatment: Treatment,
): Setting<Connection> => {
  const parts = allOf({ baseUrl, credential: readCredential(env, secretPrefix), treatment });
  if (!parts.ok) return parts;
  const { loopback: _, ...rest } = parts.value.treatment;
  return {
    ok: true,
    value: { id, baseUrl: parts.value.baseUrl, credential: parts.value.credential, ...rest },
  };
};

/** OKTA_BASE_URL, or OKTA_DOMAIN as the same; both only when they agree. */
const readDefaultBaseUrl = (env: RawEnv, judge: BaseUrlJudge): Setting<string> => {
  const url = textOf(env, "OKTA_BASE_URL");
  const domain = textOf(env, "OKTA_DOMAIN");
  const fromDomain = domain === null ? null : /^https?:\/\//i.test(domain) ? domain : `https://${domain}`;
  if (url === null && fromDomain === null) {
    return refused({
      setting: "OKTA_BASE_URL",
      message: "It is missing. A right value looks like https://your-domain.okta.com.",
    });
  }
  const fromUrlSetting = url === null ? null : judge("OKTA_BASE_URL", url);
  const fromDomainSetting = fromDomain === null ? null : judge("OKTA_DOMAIN", fromDomain);
  const given = [fromUrlSetting, fromDomainSetting].filter((setting) => setting !== null);
  const wrong = given.flatMap((setting) => (setting.ok ? [] : setting.problems));
  if (wrong.length > 0) return refused(...wrong);
  const origins = new Set(given.flatMap((setting) => (setting.ok ? [setting.value] : [])));
  const [origin, other] = [...origins];
  if (origin !== undefined && other === undefined) return { ok: true, value: origin };
  return refused({
    setting: "OKTA_BASE_URL",
    message: "OKTA_BASE_URL and OKTA_DOMAIN name different orgs. Keep one of them.",
  });
};

type BaseUrlJudge = (setting: string, value: string) => Setting<string>;

/** A wrong OKTA_CUSTOM_DOMAINS matters only to a base URL that would need it. */
const baseUrlJudge =
  (rules: BaseUrlRules, customDomainProblems: readonly SettingProblem[]): BaseUrlJudge =>
  (setting, value) => {
    const judged = settingOf(setting, parseBaseUrl(value, rules));
    return judged.ok ? judged : refused(...judged.problems, ...customDomainProblems);
  };

const readCustomDomains = (env: RawEnv): { domains: string[]; problems: SettingProblem[] } => {
  const parsed = listOf(env, "OKTA_CUSTOM_DOMAINS").map(parseCustomDomain);
  const problems = parsed.flatMap((domain, index) =>
    domain === null
      ? [
          {
            setting: "OKTA_CUSTOM_DOMAINS",
            message: `Item ${index + 1} is not a public host name. A right value looks like login.example.com,id.example.org.`,
          },
        ]
      : [],
  );
  return { domains: parsed.filter((domain) => domain !== null), problems };
};

const requiredText = (value: unknown, pattern: RegExp, rule: string): Result<string, string> =>
  typeof value === "string" && pattern.test(value.trim())
    ? ok(value.trim())
    : err(`it is ${value === undefined ? "missing" : "wrong"}: ${rule}`);

const entryKeys = ["id", "base_url", "secret_prefix"];

interface Entry {
  readonly id: string;
  readonly path: string;
  readonly prefix: string | null;
  readonly connection: Setting<Connection>;
}

const readEntry = (
  raw: unknown,
  path: string,
  env: RawEnv,
  judge: BaseUrlJudge,
  treatment: Treatment,
): Result<Entry, SettingProblem> => {
  if (!isPlainObject(raw)) {
    return err({ setting: path, message: `It is not an object. A right value looks like ${example}.` });
  }
  const id = requiredText(raw["id"], /^[A-Za-z0-9][A-Za-z0-9_-]{0,63}$/, idRule);
  if (!id.ok || id.value === defaultConnectionId) {
    return err({ setting: `${path}.id`, message: sentence(id.ok ? `it is taken: ${idRule}` : id.error) });
  }
  const unknownKeys = Object.keys(raw).filter((key) => !entryKeys.includes(key));
  const problems: SettingProblem[] =
    unknownKeys.length === 0
      ? []
      : [{ setting: path, message: `It has keys that are not known. The keys are ${entryKeys.join(", ")}.` }];
  const { base_url: url } = raw;
  const baseUrl: Setting<string> =
    typeof url === "string"
      ? judge(`${path}.base_url`, url)
      : refused({
          setting: `${path}.base_url`,
          message: "It is missing. A right value looks like https://acme.okta.com.",
        });
  const prefix = settingOf(
    `${path}.secret_prefix`,
    requiredText(raw["secret_prefix"], /^[A-Z][A-Z0-9_]{0,63}$/, prefixRule),
  );
  const built = prefix.ok
    ? build(id.value, baseUrl, env, prefix.value, treatment)
    : refused(...prefix.problems, ...(baseUrl.ok ? [] : baseUrl.problems));
  return ok({
    id: id.value,
    path,
    prefix: prefix.ok ? prefix.value : null,
    connection: problems.length === 0 ? built : refused(...problems, ...(built.ok ? [] : built.problems)),
  });
};

/** What two entries may not share; the credential of one org must not go to another by mistake. */
const clashes = (entry: Entry, others: readonly Entry[], defaultInUse: boolean): SettingProblem[] => {
  const problems: SettingProblem[] = [];
  if (others.some((other) => other.id === entry.id)) {
    problems.push({ setting: `${entry.path}.id`, message: sentence(`it occurs twice: ${idRule}`) });
  }
  const sharesPrefix =
    (defaultInUse && entry.prefix === "OKTA_") ||
    others.some((other) => other.prefix !== null && other.prefix === entry.prefix);
  if (sharesPrefix) {
    problems.push({
      setting: `${entry.path}.secret_prefix`,
      message: `Another connection has it too, and one org's credential must not go to another. ${sentence(prefixRule)}`,
    });
  }
  return problems;
};

/** Reads the default connection and CONNECTIONS. A wrong entry affects the connection that it names, no other. */
export const readConnections = (env: RawEnv): Connections => {
  const custom = readCustomDomains(env);
  const baseUrlRules = { allowLoopback: allowsLoopback(env), customDomains: custom.domains };
  const judge = baseUrlJudge(baseUrlRules, custom.problems);
  const share = readShare(env);
  const runs = readRunSettings(env);
  const treatment = readTreatment(env, share, runs.values);
  const shared = {
    runProblems: runs.problems,
    rateLimitShare: share.ok ? share.value : DEFAULT_SHARE,
    baseUrlRules,
  };
  const byId = new Map<string, Setting<Connection>>([
    [
      defaultConnectionId,
      build(defaultConnectionId, readDefaultBaseUrl(env, judge), env, "OKTA_", treatment),
    ],
  ]);

  const json = jsonOf(env, "CONNECTIONS");
  const list = json.ok ? (json.value ?? []) : null;
  if (!Array.isArray(list)) {
    const what = json.ok ? "it is not a JSON list" : json.error;
    const message = sentence(`${what}; a right value looks like ${example}`);
    return { byId, problems: [{ setting: "CONNECTIONS", message }], ...shared };
  }
  const read = list.map((raw: unknown, index) =>
    readEntry(raw, `CONNECTIONS[${index}]`, env, judge, treatment),
  );
  const entries = read.flatMap((entry) => (entry.ok ? [entry.value] : []));
  const defaultInUse = textOf(env, "OKTA_BASE_URL") !== null || textOf(env, "OKTA_DOMAIN") !== null;
  for (const entry of entries) {
    const others = entries.filter((other) => other !== entry);
    const problems = clashes(entry, others, defaultInUse);
    const known = byId.get(entry.id);
    const earlier = known === undefined || known.ok ? [] : known.problems;
    const own = entry.connection.ok ? [] : entry.connection.problems;
    byId.set(entry.id, problems.length === 0 ? entry.connection : refused(...earlier, ...problems, ...own));
  }
  return { byId, problems: read.flatMap((entry) => (entry.ok ? [] : [entry.error])), ...shared };
};

/** The connections of this env, read once. */
export const connectionsOf = oncePerEnv(readConnections);

/** One connection's settings; null when there is no such connection or its settings are wrong. */
export const connectionOf = (env: object, id: string): Connection | null => {
  const setting = connectionsOf(env).byId.get(id);
  return setting?.ok ? setting.value : null;
};
