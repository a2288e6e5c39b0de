/** The base URL of an Okta org: the only place the credential is sent to, so its rules are strict. */
import { err, ok, type Result } from "../lib/result.ts";
import { checkOutboundUrl, isLoopbackHost, type UrlProblem, urlProblemClause } from "./outbound-url.ts";
import { type Clauses, validLooksLike } from "./problem.ts";

export interface BaseUrlRules {
  readonly allowLoopback: boolean;
  /** Lower-case host names that are the customer's own Okta domains (setting OKTA_CUSTOM_DOMAINS). */
  readonly customDomains: readonly string[];
}

/** Why a URL is not the base URL of an org. */
export type BaseUrlProblem =
  | UrlProblem
  | { readonly code: "has_blanks" | "has_port" | "has_query" | "has_path" | "foreign_host" }
  | {
      readonly code: "admin_console";
      /** The base URL that was meant. */
      readonly org: string;
    };

const oktaSuffixes = [".okta.com", ".oktapreview.com", ".okta-emea.com", ".okta-gov.com", ".okta.mil"];

const example = validLooksLike("https://your-domain.okta.com");

/** What is wrong with a base URL that is not there. */
export const missingBaseUrl: Clauses = ["it is missing", example];

/** What is wrong with a base URL, in words. */
export const describeBaseUrl = (problem: BaseUrlProblem): Clauses => {
  switch (problem.code) {
    case "has_blanks":
      return ["it must not hold blanks", example];
    case "has_port":
      return ["it must not hold a port", example];
    case "has_query":
      return ["it must not hold a query or fragment", example];
    case "has_path":
      return ["it must not hold a path, only the scheme and the host", example];
    case "admin_console":
      return ["it is the address of the admin console", `use the org's own address: ${problem.org}`];
    case "foreign_host": {
      const hosts = oktaSuffixes.map((suffix) => `*${suffix}`).join(", ");
      return [
        `its host is not Okta's (${hosts})`,
        `${example}, or list your own Okta domain in OKTA_CUSTOM_DOMAINS`,
      ];
    }
    default:
      return [urlProblemClause(problem), example];
  }
};

/** Whether a host is under one of the domains that Okta serves orgs from. */
const isOktaHost = (host: string): boolean => oktaSuffixes.some((suffix) => host.endsWith(suffix));

/** What follows the scheme, as written: WHATWG URL hides a default port, an empty query and dot segments. */
const writtenForm = /^[a-z]+:\/\/(?<authority>[^/?#\\]*)(?<rest>.*)$/i;

const formProblem = (
  text: string,
  isLoopback: boolean,
): Exclude<BaseUrlProblem, { code: "admin_console" }>["code"] | null => {
  const { authority = "", rest = "" } = writtenForm.exec(text)?.groups ?? {};
  if (authority === "") return "not_a_url";
  if (authority.includes("@")) return "has_user";
  if (!isLoopback && authority.includes(":")) return "has_port";
  if (rest.includes("?") || rest.includes("#")) return "has_query";
  return rest === "" || rest === "/" ? null : "has_path";
};

/** `company-admin.okta.com` → `company.okta.com`; null for other hosts. */
const withoutAdmin = (host: string): string | null => {
  const [label = "", ...domain] = host.split(".");
  return label.endsWith("-admin") && label.length > "-admin".length
    ? [label.slice(0, -"-admin".length), ...domain].join(".")
    : null;
};

/**
 * Reads the base URL of an org: https and a host of Okta's or one of the customer's own domains, without port, user,
 * query, fragment or path (one trailing slash is allowed). With `allowLoopback` also `http://127.0.0.1:PORT` and
 * `http://localhost:PORT`.
 *
 * @returns the origin without a trailing slash, or what is wrong
 */
export const parseBaseUrl = (value: string, rules: BaseUrlRules): Result<string, BaseUrlProblem> => {
  const text = value.trim();
  if (/\s/.test(text)) return err({ code: "has_blanks" });
  if (!/^https?:\/\//i.test(text)) return err({ code: "not_https" });
  const isLoopback = URL.canParse(text) && isLoopbackHost(new URL(text).hostname);
  const form = formProblem(text, isLoopback);
  if (form !== null) return err({ code: form });
  const outbound = checkOutboundUrl(text, rules);
  if (!outbound.ok) return outbound;
  const { hostname, origin } = outbound.value;
  if (isLoopback) return ok(origin);
  if (isOktaHost(hostname)) {
    const org = withoutAdmin(hostname);
    return org === null ? ok(origin) : err({ code: "admin_console", org: `https://${org}` });
  }
  return rules.customDomains.includes(hostname) ? ok(origin) : err({ code: "foreign_host" });
};

/**
 * Reads one entry of OKTA_CUSTOM_DOMAINS: a full host name such as `login.example.com`.
 * @returns the host in lower case, or null when it is not one
 */
export const parseCustomDomain = (value: string): string | null => {
  const host = value.toLowerCase();
  if (!/^[a-z0-9.-]{4,253}$/.test(host)) return null;
  const checked = checkOutboundUrl(`https://${host}/`, { allowLoopback: false });
  return checked.ok && checked.value.hostname === host && !host.endsWith(".") ? host : null;
};
