/** The test of a connection: at most ten calls to Okta, then what they show. */

import type { CredentialSource } from "../okta/credential.ts";
import type { AccessToken } from "../okta/oauth/access-token.ts";
import type { TokenError } from "../okta/oauth/errors.ts";
import { identifierOf } from "../okta/records.ts";
import type { Result } from "../result.ts";
import { ok } from "../result.ts";
import { type CheckContext, checkVerdict, notTried, withClock } from "./check-verdict.ts";
import { type Capability, type Check, type ConnectionTest, capabilities } from "./document.ts";
import { estimate } from "./estimate.ts";
import { estimateInput, type KnownAssets } from "./findings.ts";
import { orgIdentity, orgVerdict } from "./org-verdict.ts";
import { CallCount, type Probe, type Prober, proberOf } from "./probe.ts";
import { tokenVerdict } from "./token-verdict.ts";
import type { Kind, Verdict } from "./verdict.ts";

/** How the org is signed in to. */
export interface SignIn {
  readonly kind: Kind;
  readonly source: CredentialSource;
  /** A service app's access token, got before the calls; its requests count. */
  token(
    maxRequests: number,
  ): Promise<{ readonly result: Result<AccessToken, TokenError> | null; readonly requests: number }>;
}

export interface TestOptions {
  readonly baseUrl: string;
  readonly signIn: SignIn;
  readonly permits: Parameters<typeof proberOf>[0]["permits"];
  readonly fetch: typeof fetch;
  readonly now: () => number;
  readonly share: number;
  /** What a stored connection's inventory holds already. */
  readonly known: KnownAssets;
}

/** A page of everything that a full run reads first, so that the same call tests and counts. */
const GROUPS_QUERY = { limit: "200", expand: "stats" };

const noCredential: CredentialSource = {
  authorize: async () => ok({}),
  renew: async () => false,
  observe: () => {},
};

export type Probes = Partial<Record<Capability | "everyone" | "moreGroups", Probe>>;

/** Tests the connection. The answer has no sinks yet. */
export const testOkta = async (options: TestOptions): Promise<ConnectionTest> => {
  const { baseUrl, signIn } = options;
  const { kind } = signIn;
  const count = new CallCount();
  const shared = { ...options, count, skewMs: 0 };
  const blank = { baseUrl, kind, skewMs: null, org: { id: null, pipeline: null } };

  // Without the credential: whoever answers there has to be an Okta org first.
  const orgProbe = await proberOf({ ...shared, credential: noCredential })(
    "GET /.well-known/okta-organization",
    "/.well-known/okta-organization",
  );
  const orgTrouble = orgVerdict(orgProbe, baseUrl, kind);
  const identified = { ...blank, skewMs: orgProbe.skewMs, org: orgIdentity(orgProbe) };
  if (orgTrouble !== null)
    return stopped(identified, orgTrouble, factsOf(orgProbe, options.share), undefined);

  const { result, requests } = await signIn.token(Math.max(1, count.left - capabilities.length));
  count.made += requests;
  if (result !== null && !result.ok) {
    return stopped(identified, tokenVerdict(result.error), tokenFacts(result.error), []);
  }
  const scopes = result?.value.scopes;
  const probe = proberOf({ ...shared, credential: signIn.source, skewMs: orgProbe.skewMs ?? 0 });
  const users = await probe("GET /api/v1/users", "/api/v1/users", { limit: "1" });
  const context = { kind, pipeline: identified.org.pipeline };
  if (users.error?.code === "invalid_credential") {
    const facts = factsOf(users, options.share);
    return stopped(identified, checkVerdict("users", users, context), facts, scopes);
  }
  const probes = { users, ...(await others(probe, users, count)) };
  const checks = capabilities.map((name) => checkOf(name, probes, context, orgProbe.skewMs, options.share));
  return {
    ...documentOf(identified, checks, scopes),
    estimate: estimate(estimateInput(probes, options.known, options.share)),
  };
};

/** Side by side: each is of another bucket, and none needs another's answer. */
const others = async (probe: Prober, users: Probe, count: CallCount): Promise<Probes> => {
  const userId = Array.isArray(users.body) ? identifierOf(users.body[0]) : null;
  const [groups, factors, roles, devices, logs] = await Promise.all([
    probe("GET /api/v1/groups", "/api/v1/groups", GROUPS_QUERY),
    userId === null
      ? undefined
      : probe("GET /api/v1/users/{id}/factors", `/api/v1/users/${encodeURIComponent(userId)}/factors`),
    probe("GET /api/v1/iam/assignees/users", "/api/v1/iam/assignees/users", { limit: "100" }),
    probe("GET /api/v1/devices", "/api/v1/devices", { limit: "200" }),
    probe("GET /api/v1/logs", "/api/v1/logs", { limit: "1" }),
  ]);
  const seen = { groups, roles, devices, logs, ...(factors && { factors }) };
  return { ...seen, ...(await counts(probe, groups, count)) };
};

/** What is left of the ten calls goes into counting an org that does not fit on a page. */
const counts = async (probe: Prober, groups: Probe, count: CallCount): Promise<Probes> => {
  if (groups.error !== null || !groups.hasNext) return {};
  const found: Probes = {};
  if (count.left > 0) {
    found.everyone = await probe("GET /api/v1/groups", "/api/v1/groups", {
      filter: 'type eq "BUILT_IN"',
      expand: "stats",
      limit: "20",
    });
  }
  // Without stats a page may be longer, and says how many groups there are.
  if (count.left > 0) {
    found.moreGroups = await probe("GET /api/v1/groups", "/api/v1/groups", { limit: "1000" });
  }
  return found;
};

interface Identified {
  readonly baseUrl: string;
  readonly kind: Kind;
  readonly skewMs: number | null;
  readonly org: { readonly id: string | null; readonly pipeline: string | null };
}

const documentOf = (
  { baseUrl, kind, skewMs, org }: Identified,
  checks: readonly Check[],
  scopes: readonly string[] | undefined,
): ConnectionTest => ({
  ok: isOk(checks),
  org: { ...org, base_url: baseUrl },
  credential: { kind, ...(scopes && { scopes: [...scopes] }) },
  clock_skew_ms: skewMs,
  checks: [...checks],
  estimate: { users: null, devices: null, calls: null, minutes: null },
});

/** Users can be read and nothing has failed; what could not be told does no harm. */
export const isOk = (checks: readonly Check[]): boolean =>
  checks.every(({ status }) => status !== "fail") &&
  checks.some(({ name, status }) => name === "users" && status === "pass");

type Facts = Pick<Check, "http_status" | "okta_error_code" | "latency_ms" | "rate_limit">;

const noFacts: Facts = { http_status: null, okta_error_code: null, latency_ms: null, rate_limit: null };

const tokenFacts = ({ status, oktaErrorCode }: TokenError): Facts => ({
  ...noFacts,
  http_status: status,
  okta_error_code: oktaErrorCode,
});

const factsOf = (probe: Probe, share: number): Facts => ({
  http_status: probe.status,
  okta_error_code: probe.error?.oktaErrorCode ?? null,
  latency_ms: probe.latencyMs,
  rate_limit: probe.rateLimit && {
    bucket: probe.bucket,
    limit: probe.rateLimit.limit,
    remaining: probe.rateLimit.remaining,
    share,
    resets_at: new Date(probe.rateLimit.resetsAt).toISOString(),
    backing_off_until: null,
  },
});

const check = (name: string, { status, message, remedy }: Verdict, facts: Facts): Check => ({
  name,
  status,
  ...facts,
  message,
  remedy,
});

const checkOf = (
  name: Capability,
  probes: Probes,
  context: CheckContext,
  skewMs: number | null,
  share: number,
): Check => {
  const probe = probes[name];
  if (probe === undefined) return check(name, notTried("there is no user to try it on"), noFacts);
  const verdict = checkVerdict(name, probe, context);
  return check(name, name === "users" ? withClock(verdict, skewMs) : verdict, factsOf(probe, share));
};

/** Something stands in the way of every call: told once, where the first of them would be. */
const stopped = (
  identified: Identified,
  verdict: Verdict,
  facts: Facts,
  scopes: readonly string[] | undefined,
): ConnectionTest => {
  const checks = capabilities.map((name) =>
    name === "users" ? check(name, verdict, facts) : check(name, notTried("see the check users"), noFacts),
  );
  return documentOf(identified, checks, scopes);
};
