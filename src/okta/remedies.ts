/**
 * What Okta's error codes mean for whoever runs the connector, and what to do about them: the one source for tests of a
 * connection, the status and the console. Only what can answer a GET is listed. Pure.
 *
 * Source of the codes, their statuses and titles: developer.okta.com/docs/reference/error-codes. Where Okta's text leaves
 * open what to do, the remedy says so.
 */
import type { OktaError, OktaErrorCode } from "./errors.ts";
import { scopeOf } from "./oauth/scopes.ts";

/** Whose rights an answer is about: an API token's owner's, a service app's, or either's. */
export type Who = "ssws" | "oauth" | "either";

const owner: Readonly<Record<Who, string>> = {
  ssws: "the token's owner",
  oauth: "the service app",
  either: "the token's owner, or the service app,",
};

const adminPages: Readonly<Record<Who, string>> = {
  ssws: "Security > Administrators",
  oauth: "Applications > the app > Admin roles",
  either: "Security > Administrators, or Applications > the app > Admin roles",
};

/** How to give the role that reading takes, as a sentence without its full stop. */
export const giveRole = (who: Who): string =>
  `Give ${who === "oauth" ? "the app" : owner[who]} the Read-only Administrator role (${adminPages[who]})`;

/** How to get a working API token. */
export const newToken =
  "Create a token under Security > API > Tokens as an administrator with the Read-only Administrator role, and use it instead. Okta ends a token that makes no call for 30 days, and every token of a deactivated owner.";

/** How to get a credential that Okta takes. */
export const newCredential = (who: Who): string =>
  who === "ssws"
    ? newToken
    : who === "oauth"
      ? "Check that the app is active, that it is an app of this org, and that its key is one of the app's public keys."
      : "Replace the API token, or check that the service app is active and knows its key. The test of the connection says which it is.";

/** What a code means. */
interface Meaning {
  /** How the answer is treated, where its status alone would not tell. */
  readonly as?: OktaErrorCode;
  /** What stands in the way: the end of a sentence. */
  readonly means: string;
  readonly remedy: (who: Who) => string;
}

const always = (text: string) => (): string => text;

const report = "Report this with Okta's error code: the connector asks in a way that this org does not take.";
const outage = "It passes by itself. If it lasts, look at status.okta.com.";
const askOkta =
  "Ask Okta's support, or whoever looks after your contract, to enable the feature for the org. Neither a role nor another credential changes this.";

const catalogue: Readonly<Record<string, Meaning>> = {
  E0000001: { means: "a condition of the call is not met", remedy: always(report) },
  E0000002: { means: "the request is not valid", remedy: always(report) },
  E0000004: { means: "the sign-in fails", remedy: newCredential },
  E0000005: { means: "the session has ended", remedy: newCredential },
  E0000006: {
    means: "the admin role does not allow it",
    remedy: (who) =>
      `${giveRole(who)}. A role that is limited to some groups shows the people of these groups alone.`,
  },
  E0000007: {
    means: "there is no such thing",
    remedy: always("If it is there in Okta's console, check that the admin role may see it."),
  },
  E0000008: {
    means: "there is no such path",
    remedy: always("Check the base URL: it is the org's own address, without a path."),
  },
  E0000009: { means: "an error inside Okta", remedy: always(outage) },
  E0000010: { means: "the org is read-only, for instance during maintenance", remedy: always(outage) },
  E0000011: { means: "the token is wrong, revoked or expired", remedy: newCredential },
  E0000013: {
    means: "the client ID is not one of this org",
    remedy: always("Compare the client ID with the app's page in Okta (Applications > the app > General)."),
  },
  E0000015: { as: "forbidden", means: "the feature is not enabled for this org", remedy: always(askOkta) },
  E0000022: {
    as: "forbidden",
    means: "a permission is missing, or the feature is not enabled for this org",
    remedy: (who) =>
      `Check that the admin role of ${owner[who].replace(/,$/, "")} allows it (${adminPages[who]}) and that the feature is enabled for the org: Okta gives this answer if either is missing.`,
  },
  E0000026: { means: "Okta no longer offers this", remedy: always(report) },
  E0000029: { means: "the page is not valid", remedy: always(report) },
  E0000030: { means: "a date is not valid", remedy: always(report) },
  E0000031: {
    means: "the org does not take this search, or not so many of its results",
    remedy: always(report),
  },
  E0000033: { means: "search and filter exclude each other", remedy: always(report) },
  E0000047: {
    means: "the rate limit is used up",
    remedy: always(
      "It passes within a minute. If it is often so, other applications of the org use the same limit.",
    ),
  },
  E0000053: { means: "the org does not take this filter", remedy: always(report) },
  E0000054: { means: "the page is not valid", remedy: always(report) },
  E0000060: { as: "forbidden", means: "the org does not support this", remedy: always(askOkta) },
  E0000067: { means: "Okta's factor service does not answer in time", remedy: always(outage) },
  E0000074: {
    means: "Okta's factor service fails",
    remedy: always("If it stays, ask Okta's support about the factors of this user."),
  },
  E0000094: { means: "the org does not take this filter", remedy: always(report) },
  E0000100: { means: "Okta's search is not available", remedy: always(outage) },
  E0000145: {
    means: "some of the users found have a profile that does not fit their user type",
    remedy: always(
      "Look at recent changes of user types (Directory > Profile Editor), or ask Okta's support.",
    ),
  },
  E0000181: { means: "the service is not available", remedy: always(outage) },
};

const own = (code: string | null): Meaning | undefined =>
  code !== null && Object.hasOwn(catalogue, code) ? catalogue[code] : undefined;

/** How an answer with Okta's code is to be treated; null if its status tells that. */
export const treatmentOf = (oktaErrorCode: string | null): OktaErrorCode | null =>
  own(oktaErrorCode)?.as ?? null;

/** What Okta's code means, as the end of a sentence; null for a code that is not known. */
export const meaningOf = (oktaErrorCode: string | null): string | null => own(oktaErrorCode)?.means ?? null;

/** The scope that a call of this endpoint needs; null if it needs none of the connector's. */
const scopeFor = (endpoint: string): string | null => {
  const path = endpoint.replace(/^\w+ /, "");
  if (/\/roles$|\/iam\//.test(path)) return scopeOf.roles;
  const [, resource = ""] = /^\/api\/v1\/(users|groups|devices|logs)\b/.exec(path) ?? [];
  const scopes: Readonly<Record<string, string>> = scopeOf;
  return scopes[resource] ?? null;
};

/** What to set when the org answers at another address. @param origin where it answers */
const setAddress = (origin: string): string =>
  `If ${origin} is an address of this org, set it as the base URL: OKTA_BASE_URL, or base_url in CONNECTIONS.`;

const withoutCode = (error: OktaError, who: Who): string | null => {
  const { code, leadsTo, endpoint } = error;
  switch (code) {
    case "invalid_credential":
      return newCredential(who);
    case "insufficient_scope": {
      const scope = scopeFor(endpoint);
      return `Grant ${scope === null ? "the missing scope" : `the scope ${scope}`} under Applications > the app > Okta API Scopes.`;
    }
    case "forbidden":
      return "Look for what stands in front of Okta: a network zone (Security > Networks), a proxy, a firewall.";
    case "foreign_origin":
      return leadsTo === undefined ? "Check the base URL: it is the org's own address." : setAddress(leadsTo);
    case "invalid_response":
    case "too_large":
      return "Check the base URL: a proxy or another product may be answering.";
    case "bad_request":
      return report;
    case "endless_list":
      return "Report this to Okta's support: the pages of this list repeat. What is stored stays, and the next full run tries again.";
    default:
      return null;
  }
};

/**
 * What to do about an error, in full sentences; null if there is nothing to do but to wait.
 * @param who whose rights it is about, if that is known
 */
export const remedyOf = (error: OktaError, who: Who = "either"): string | null => {
  const { code, oktaErrorCode } = error;
  if (code === "rate_limited") return null;
  const meaning = own(oktaErrorCode);
  if (meaning !== undefined) return meaning.remedy(who);
  if (oktaErrorCode === null || code === "foreign_origin" || code === "insufficient_scope") {
    return withoutCode(error, who);
  }
  return `The connector does not know ${oktaErrorCode}: look it up in Okta's list of error codes (developer.okta.com/docs/reference/error-codes), or ask Okta's support.`;
};
