/** Is there an Okta org at the base URL? Read from the one document that needs no credential. Pure. */
import type { Probe } from "./probe.ts";
import { crowdedOut, fail, type Kind, networkZone, outage, type Verdict } from "./verdict.ts";

export interface OrgIdentity {
  readonly id: string | null;
  /** `idx` is Identity Engine, `v1` Classic Engine. */
  readonly pipeline: string | null;
}

const spelling =
  "Check the base URL: it is the address that people sign in to Okta at, like https://your-domain.okta.com.";

const text = (body: unknown, key: string): string | null => {
  const value: unknown = typeof body === "object" && body !== null ? Reflect.get(body, key) : null;
  return typeof value === "string" && value !== "" ? value.slice(0, 100) : null;
};

/** Who answers there, as far as it says so. */
export const orgIdentity = ({ body }: Probe): OrgIdentity => ({
  id: text(body, "id"),
  pipeline: text(body, "pipeline"),
});

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
 * What stands in the way of every call, null when nothing does.
 * @param baseUrl judged by the rules of the settings
 */
export const orgVerdict = (probe: Probe, baseUrl: string, kind: Kind): Verdict | null => {
  const { host } = new URL(baseUrl);
  const { error, silence, status, redirect, rateLimit } = probe;
  if (silence !== null) return silent[silence](host);
  if (error === null) {
    if (text(probe.body, "id") !== null) return null;
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
