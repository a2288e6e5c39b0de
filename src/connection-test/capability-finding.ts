/** What one capability's call shows. Pure: a probe in, a finding out. */
import type { Page } from "../okta/api.ts";
import { scopeOf } from "../okta/oauth/scopes.ts";
import { giveRole, meaningOf, newToken, remedyOf } from "../okta/remedies.ts";
import type { Capability } from "./document.ts";
import {
  type CredentialKind,
  crowdedOut,
  type Finding,
  fail,
  networkZone,
  outage,
  pass,
  speaksOfNetwork,
  unknown,
} from "./finding.ts";
import type { Probe } from "./probe.ts";

export interface CheckContext {
  readonly kind: CredentialKind;
  readonly pipeline: string | null;
}

const whose: Readonly<Record<CredentialKind, string>> = {
  ssws: "the token's owner",
  oauth: "the service app",
};

const scopes: Readonly<Record<Capability, string>> = { ...scopeOf, factors: scopeOf.users };

const subjects: Readonly<Record<Capability, string>> = {
  users: "Users",
  groups: "Groups",
  factors: "Factors",
  roles: "Roles",
  devices: "Devices",
  logs: "The System Log",
};

/** What does not work while a capability is refused. */
const cost: Readonly<Record<Capability, string>> = {
  users: "Nothing works without users.",
  groups: "Until then groups and what they give stay unknown.",
  factors: "Until then has_mfa stays unknown.",
  roles: "Until then it stays unknown who is an admin.",
  devices: "Until then the devices stream is unavailable; users are not affected.",
  logs: "Until then changes are found by searches and by the daily full run alone.",
};

/** help.okta.com, "Standard administrator roles and permissions": only super admins view administrators. */
const viewAdmins =
  'Where that role may not see administrators, add a custom admin role with the permission "View roles, resources, and admin assignments".';

/** `(403 E0000006)` */
const where = ({ status, error }: Probe): string =>
  `(${[status, error?.oktaErrorCode ?? null].filter((fact) => fact !== null).join(" ")})`;

/** Okta's code for a session that has ended, and for a sign-in that fails: what an inactive token looks like. */
const inactiveCodes: ReadonlySet<string> = new Set(["E0000004", "E0000005"]);

const unauthorized = (probe: Probe, kind: CredentialKind): Finding => {
  const { error, challenge } = probe;
  if (/^DPoP\b.*(use_dpop_nonce|invalid_dpop_proof)/i.test(challenge)) {
    return fail(
      `The service app requires DPoP, and Okta refuses the proof of a call ${where(probe)}.`,
      "Try again. If it stays, a proxy changes the requests or the clock is wrong; DPoP can be turned off under Applications > the app > General > Proof of possession.",
    );
  }
  if (speaksOfNetwork(error?.message ?? "")) return networkZone(kind, probe.status);
  if (kind === "oauth") {
    const why = /expired/i.test(challenge) ? "says that it has expired" : "does not accept it";
    return fail(
      `Okta has given an access token and now ${why} ${where(probe)}.`,
      "Check that the app is active, that it is an app of this org, and that the clocks agree (clock_skew_ms); then try again.",
    );
  }
  if (inactiveCodes.has(error?.oktaErrorCode ?? "")) {
    return fail(`The API token has expired or is inactive ${where(probe)}.`, newToken);
  }
  return fail(
    `Okta does not accept the API token ${where(probe)}: it is wrong, revoked or expired.`,
    newToken,
  );
};

const forbidden = (name: Capability, probe: Probe, context: CheckContext): Finding => {
  const { kind, pipeline } = context;
  const { error, challenge } = probe;
  const code = error?.oktaErrorCode ?? null;
  if (/insufficient_scope/.test(challenge)) {
    return fail(
      `The access token lacks the scope ${scopes[name]} ${where(probe)}.`,
      `Grant it under Applications > the app > Okta API Scopes. ${cost[name]}`,
    );
  }
  if (code !== null && inactiveCodes.has(code)) return unauthorized(probe, kind);
  if (speaksOfNetwork(error?.message ?? "")) return networkZone(kind, probe.status);
  if (name === "devices" && pipeline === "v1") {
    return fail(
      `The org runs on Classic Engine, which has no list of devices ${where(probe)}.`,
      "Users are not affected. Devices come with Okta's upgrade of the org to Identity Engine.",
    );
  }
  if (code === null) return networkZone(kind, probe.status);
  if (code !== "E0000006") return refused(name, probe, context);
  const otherWay = kind === "ssws" ? `, or use a service app with the scope ${scopes[name]}` : "";
  return fail(
    `The admin role of ${whose[kind]} may not read ${name} ${where(probe)}.`,
    `${giveRole(kind)}${otherWay}. ${name === "roles" ? `${viewAdmins} ` : ""}${cost[name]}`,
  );
};

/** A refusal that is not about a role. */
const refused = (name: Capability, probe: Probe, { kind }: CheckContext): Finding => {
  const { error } = probe;
  const meaning = meaningOf(error?.oktaErrorCode ?? null);
  const remedy = error === null ? null : remedyOf(error, kind);
  return fail(
    `Okta refuses to list ${name} ${where(probe)}${meaning === null ? "" : `: ${meaning}`}.`,
    [remedy, cost[name]].filter((part) => part !== null).join(" "),
  );
};

const nobody = (what: string, kind: CredentialKind): Finding =>
  fail(
    `Okta answers with an empty list of ${what}: ${whose[kind]} has no admin role that may see any.`,
    `${giveRole(kind)}.`,
  );

const answered = (name: Capability, page: Page, { kind }: CheckContext): Finding => {
  const isEmpty = page.records.length === 0;
  // Every org has users, and a group Everyone.
  if (isEmpty && (name === "users" || name === "groups")) return nobody(name, kind);
  if (isEmpty && name === "devices") return pass("Devices can be read; there are none.");
  return pass(`${subjects[name]} can be read.`);
};

/** The finding on a capability by its call. */
export const capabilityFinding = (name: Capability, probe: Probe<Page>, context: CheckContext): Finding => {
  const { error, value, status } = probe;
  if (error === null) return answered(name, value, context);
  switch (error.code) {
    case "invalid_credential":
      return unauthorized(probe, context.kind);
    case "forbidden":
    case "insufficient_scope":
      return forbidden(name, probe, context);
    case "rate_limited":
      return crowdedOut(probe.rateLimit?.resetsAt ?? error.retryAt);
    case "not_found":
      // A deprovisioned user may answer so: that is "no factors".
      if (name === "factors" && error.oktaErrorCode === "E0000007") return pass("Factors can be read.");
      return fail(
        `The org does not know the list of ${name} ${where(probe)}.`,
        `Ask Okta's support whether the org has this feature. ${cost[name]}`,
      );
    case "foreign_origin": {
      const remedy = remedyOf(error, context.kind) ?? "";
      const to = error.leadsTo ?? "another address";
      return status === 200
        ? fail(
            `The list of ${name} goes on at ${to}, where the credential is not sent ${where(probe)}.`,
            remedy,
          )
        : fail(`The list of ${name} redirects to ${to}, where the credential is not sent.`, remedy);
    }
    case "endless_list":
      return fail(
        `The list of ${name} does not end: its second page is the first one again.`,
        remedyOf(error, context.kind) ?? "",
      );
    case "invalid_response":
    case "too_large":
      return fail(
        `The answer is not Okta's list of ${name} ${where(probe)}.`,
        remedyOf(error, context.kind) ?? "",
      );
    case "bad_request":
      return fail(
        `Okta refuses the list of ${name} as asked for ${where(probe)}.`,
        remedyOf(error, context.kind) ?? "",
      );
    case "unavailable":
      return outage(String(status));
    case "timeout":
    case "network":
      return outage(error.code === "timeout" ? "no answer in time" : "the connection failed");
  }
};

/** The finding on a capability that was not tried. */
export const notTried = (why: string): Finding => unknown(`Not tried: ${why}.`, null);

/** A pass says so when the org names only other addresses than the configured one: its links lead there. */
export const withAddress = (
  finding: Finding,
  origins: readonly string[] | undefined,
  baseUrl: string,
): Finding => {
  const [origin] = origins ?? [];
  if (finding.status !== "pass" || origin === undefined || origins?.includes(baseUrl)) return finding;
  return pass(
    `${finding.message} Okta's links lead to ${origin}; they are followed at ${baseUrl}.`,
    `${finding.remedy === null ? "" : `${finding.remedy} `}If ${origin} is the org's own address, set it as the base URL.`,
  );
};

/** Clocks that differ by less need no mention. */
const NOTABLE_SKEW_MS = 60_000;

/** A pass says so when the clocks are far apart: the connector allows for it, and yet something is wrong. */
export const withClock = (finding: Finding, skewMs: number | null): Finding => {
  if (finding.status !== "pass" || skewMs === null || Math.abs(skewMs) < NOTABLE_SKEW_MS) return finding;
  const seconds = Math.round(Math.abs(skewMs) / 1000);
  const direction = skewMs > 0 ? "ahead of" : "behind";
  return pass(
    `${finding.message} Okta's clock is ${seconds} s ${direction} ours, which is made up for.`,
    "Set this machine's clock, for instance by NTP.",
  );
};
