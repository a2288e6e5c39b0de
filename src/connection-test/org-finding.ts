/** Whether an Okta org answers at the base URL, by the one document that needs no credential. Pure. */
import type { Organization } from "../okta/organization.ts";
import { type CredentialKind, crowdedOut, type Finding, fail, networkZone, outage } from "./finding.ts";
import type { Probe } from "./probe.ts";

const spelling =
  "Check the base URL: it is the address that people sign in to Okta at, like https://your-domain.okta.com.";

const silent = {
  dns: (host: string) => fail(`There is no host ${host} (DNS).`, spelling),
  tls: (host: string) =>
    fail(
      `No secure connection to ${host}: its TLS certificate or handshake fails.`,
      "For a domain of your own check its certificate in Okta (Customizations > Brands > Domains), or use the org's okta.com address.",
    ),
  timeout: (host: string) =>
    fail(
      `${host} does not answer in time.`,
      "Check the base URL, try again later, and look at status.okta.com.",
    ),
  connection: (host: string) =>
    fail(
      `The connection to ${host} fails.`,
      "Check the base URL, try again later, and look at status.okta.com.",
    ),
} as const;

/**
 * What stands in the way of every call; null when nothing does.
 * @param baseUrl an origin that the rules of the settings allow
 */
export const orgFinding = (
  probe: Probe<Organization>,
  baseUrl: string,
  kind: CredentialKind,
): Finding | null => {
  const { host } = new URL(baseUrl);
  const { error, value, silence, status, redirect, rateLimit } = probe;
  if (silence !== null) return silent[silence](host);
  if (error === null) {
    if (value.id !== null) return null;
    return fail(`${host} answers, but not as an Okta org does.`, spelling);
  }
  if (error.code === "foreign_origin") {
    const where = redirect ?? "another address";
    return fail(
      `${host} redirects to ${where}, where the credential is not sent.`,
      redirect === null ? spelling : `If that is your org, use ${redirect} as the base URL.`,
    );
  }
  if (error.code === "rate_limited") return crowdedOut(rateLimit?.resetsAt ?? error.retryAt);
  if (error.code === "unavailable") return outage(String(status));
  if (error.code === "network") return silent.connection(host);
  if (status === 403) return networkZone(kind, status);
  return fail(`${host} is not an Okta org (${status ?? "no status"}).`, spelling);
};
