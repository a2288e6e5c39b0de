/** The base URL of an Okta org: the one place that the credential is sent to, so its rules are strict. */
import { err, ok, type Result } from "../lib/result.ts";
import { checkOutboundUrl, isLoopbackHost } from "./outbound-url.ts";

export interface BaseUrlRules {
  readonly allowLoopback: boolean;
  /** Lower-case host names that are the customer's own Okta domains (setting OKTA_CUSTOM_DOMAINS). */
  readonly customDomains: readonly string[];
}

const oktaSuffixes = [".okta.com", ".oktapreview.com", ".okta-emea.com", ".okta-gov.com", ".okta.mil"];
const example = "a right value looks like https://your-domain.okta.com";

/** Whether a host is under one of the domains that Okta serves orgs from. */
const isOktaHost = (host: string): boolean => oktaSuffixes.some((suffix) => host.endsWith(suffix));

/** What follows the scheme, as written: WHATWG URL hides a default port, an empty query and dot segments. */
const writtenForm = /^[a-z]+:\/\/(?<authority>[^/?#\\]*)(?<rest>.*)$/i;

const formProblem = (text: string, isLoopback: boolean): string | null => {
  const { authority = "", rest = "" } = writtenForm.exec(text)?.groups ?? {};
  if (authority === "") return "it is not a URL";
  if (authority.includes("@")) return "it must not hold a user name or password";
  if (!isLoopback && authority.includes(":")) return "it must not hold a port";
  if (rest.includes("?") || rest.includes("#")) return "it must not hold a query or fragment";
  if (rest !== "" && rest !== "/") return "it must not hold a path, only the scheme and the host";
  return null;
};

/** `company-admin.okta.com` → `company.okta.com`; null for other hosts. */
const withoutAdmin = (host: string): string | null => {
  const [label = "", ...domain] = host.split(".");
  return label.endsWith("-admin") && label.length > "-admin".length
    ? [label.slice(0, -"-admin".length), ...domain].join(".")
    : null;
};

/**
 * Reads the base URL of an org: https and a host of Okta's, or one of the customer's own domains; no path
 * (one trailing slash is fine), port, user, query or fragment. With `allowLoopback`, `http://127.0.0.1:PORT`
 * and `localhost` too.
 *
 * @returns the origin without a trailing slash, or what is wrong and what a right value looks like, without
 *   repeating what was given
 */
export const parseBaseUrl = (value: string, rules: BaseUrlRules): Result<string, string> => {
  const text = value.trim();
  if (/\s/.test(text)) return err(`it must not hold blanks; ${example}`);
  if (!/^https?:\/\//i.test(text)) return err(`it must start with https://; ${example}`);
  const outbound = checkOutboundUrl(text, rules);
  const isLoopback = URL.canParse(text) && isLoopbackHost(new URL(text).hostname);
  const form = formProblem(text, isLoopback);
  if (form !== null) return err(`${form}; ${example}`);
  if (!outbound.ok) return err(outbound.error.replace(/; a right value.*$/, `; ${example}`));
  const { hostname, origin } = outbound.value;
  if (isLoopback) return ok(origin);
  if (isOktaHost(hostname)) {
    const org = withoutAdmin(hostname);
    if (org === null) return ok(origin);
    return err(`it is the address of the admin console; use the org's own address: https://${org}`);
  }
  if (rules.customDomains.includes(hostname)) return ok(origin);
  return err(
    `its host is not Okta's (${oktaSuffixes.map((suffix) => `*${suffix}`).join(", ")}); ${example}, or list ` +
      "your own Okta domain in OKTA_CUSTOM_DOMAINS",
  );
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
