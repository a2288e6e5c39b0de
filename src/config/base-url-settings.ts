/** The settings that hold base URLs, and those that say which ones are allowed. */
import {
  type BaseUrlRules,
  describeBaseUrl,
  missingBaseUrl,
  parseBaseUrl,
  parseCustomDomain,
} from "./base-url.ts";
import { type Clauses, problemsOf, refused, settingOf, settingProblem, validLooksLike } from "./problem.ts";
import type { Setting, SettingProblem } from "./types.ts";
import { allowsLoopback, listOf, type RawEnv, textOf } from "./values.ts";

/** Judges a base URL as the value of this setting. */
export type BaseUrlJudge = (setting: string, value: string) => Setting<string>;

interface DomainProblem {
  readonly code: "not_a_host";
  /** Counted from 1. */
  readonly item: number;
}

const describeDomain = ({ item }: DomainProblem): Clauses => [
  `item ${item} is not a public host name`,
  validLooksLike("login.example.com,id.example.org"),
];

const parseDomains = (items: readonly string[]): { domains: string[]; problems: DomainProblem[] } => {
  const parsed = items.map(parseCustomDomain);
  return {
    domains: parsed.filter((domain) => domain !== null),
    problems: parsed.flatMap((domain, index) =>
      domain === null ? [{ code: "not_a_host" as const, item: index + 1 }] : [],
    ),
  };
};

/** Reads ALLOW_LOOPBACK and OKTA_CUSTOM_DOMAINS, where an invalid value allows nothing. */
export const readBaseUrlRules = (
  env: RawEnv,
): { readonly rules: BaseUrlRules; readonly judge: BaseUrlJudge } => {
  const { domains, problems } = parseDomains(listOf(env, "OKTA_CUSTOM_DOMAINS"));
  const domainProblems = problems.map(
    (problem): SettingProblem => settingProblem("OKTA_CUSTOM_DOMAINS", describeDomain(problem)),
  );
  const rules = { allowLoopback: allowsLoopback(env), customDomains: domains };
  return {
    rules,
    judge: (setting, value) => {
      const judged = settingOf(setting, parseBaseUrl(value, rules), describeBaseUrl);
      // An invalid OKTA_CUSTOM_DOMAINS matters only to a base URL that may have needed it.
      return judged.ok ? judged : refused(...judged.problems, ...domainProblems);
    },
  };
};

/** Reads OKTA_BASE_URL, or OKTA_DOMAIN as the same; both only when they agree. */
export const readDefaultBaseUrl = (env: RawEnv, judge: BaseUrlJudge): Setting<string> => {
  const url = textOf(env, "OKTA_BASE_URL");
  const domain = textOf(env, "OKTA_DOMAIN");
  const given = [
    ...(url === null ? [] : [judge("OKTA_BASE_URL", url)]),
    ...(domain === null
      ? []
      : [judge("OKTA_DOMAIN", /^https?:\/\//i.test(domain) ? domain : `https://${domain}`)]),
  ];
  const problems = given.flatMap(problemsOf);
  if (problems.length > 0) return refused(...problems);
  const [origin, other] = new Set(given.flatMap((setting) => (setting.ok ? [setting.value] : [])));
  if (origin === undefined) return refused(settingProblem("OKTA_BASE_URL", missingBaseUrl));
  if (other === undefined) return { ok: true, value: origin };
  return refused(
    settingProblem("OKTA_BASE_URL", ["it names another org than OKTA_DOMAIN", "keep one of the two"]),
  );
};
