/** The test of a connection: at most ten calls to Okta, and what each shows as soon as it is answered. */

import type { Result } from "../lib/result.ts";
import { ok } from "../lib/result.ts";
import type { CredentialSource } from "../okta/credential.ts";
import type { AccessToken } from "../okta/oauth/access-token.ts";
import type { TokenError } from "../okta/oauth/errors.ts";
import { identifierOf } from "../okta/records.ts";
import { checkVerdict } from "./check-verdict.ts";
import { checkOf, factsOf, type Judging, stoppedChecks, tokenFacts } from "./checks.ts";
import { type Capability, type Check, type ConnectionTest, capabilities } from "./document.ts";
import { estimate } from "./estimate.ts";
import { estimateInput, type KnownAssets, type Probes } from "./findings.ts";
import { orgIdentity, orgVerdict } from "./org-verdict.ts";
import { CallCount, type Probe, type Prober, proberOf } from "./probe.ts";
import { tokenVerdict } from "./token-verdict.ts";
import type { Kind } from "./verdict.ts";

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
  readonly onCheck: OnCheck;
}

/** Told of each check once, as soon as it stands, with its place in the document's list. */
export type OnCheck = (index: number, check: Check) => void;

/** A page of everything that a full run reads first, so that the same call tests and counts. */
const GROUPS_QUERY = { limit: "200", expand: "stats" };

const noCredential: CredentialSource = {
  authorize: async () => ok({}),
  renew: async () => false,
  observe: () => {},
};

/** Tests the connection. The answer has no sinks yet; its checks are those that `onCheck` was told. */
export const testOkta = async (options: TestOptions): Promise<ConnectionTest> => {
  const { baseUrl, signIn, share, onCheck } = options;
  const { kind } = signIn;
  const count = new CallCount();
  const shared = { ...options, count, skewMs: 0 };
  const stopped = (...because: Parameters<typeof stoppedChecks>): readonly Check[] => {
    const checks = stoppedChecks(...because);
    for (const [index, check] of checks.entries()) onCheck(index, check);
    return checks;
  };

  // Without the credential: whoever answers there has to be an Okta org first.
  const orgProbe = await proberOf({ ...shared, credential: noCredential })(
    "GET /.well-known/okta-organization",
    "/.well-known/okta-organization",
  );
  const { skewMs } = orgProbe;
  const identified = { baseUrl, kind, skewMs, org: orgIdentity(orgProbe) };
  const orgTrouble = orgVerdict(orgProbe, baseUrl, kind);
  if (orgTrouble !== null) {
    return documentOf(identified, stopped(orgTrouble, factsOf(orgProbe, share)), undefined);
  }

  const { result, requests } = await signIn.token(Math.max(1, count.left - capabilities.length));
  count.made += requests;
  if (result !== null && !result.ok) {
    return documentOf(identified, stopped(tokenVerdict(result.error), tokenFacts(result.error)), []);
  }
  const scopes = result?.value.scopes;
  const probe = proberOf({ ...shared, credential: signIn.source, skewMs: skewMs ?? 0 });
  const users = await probe("GET /api/v1/users", "/api/v1/users", { limit: "1" });
  const judging: Judging = { kind, pipeline: identified.org.pipeline, skewMs, share };
  if (users.error?.code === "invalid_credential") {
    const verdict = checkVerdict("users", users, judging);
    return documentOf(identified, stopped(verdict, factsOf(users, share)), scopes);
  }
  const found = new Map<string, Check>();
  const judge: Judge = (name, answer) => {
    const check = checkOf(name, answer, judging);
    found.set(name, check);
    onCheck(capabilities.indexOf(name), check);
    return answer;
  };
  judge("users", users);
  const probes = { users, ...(await others(probe, users, judge, count)) };
  const checks = capabilities.flatMap((name) => found.get(name) ?? []);
  return {
    ...documentOf(identified, checks, scopes),
    estimate: estimate(estimateInput(probes, options.known, share)),
  };
};

/** Passes a call on, once it is judged. */
type Judge = <P extends Probe | undefined>(name: Capability, probe: P) => P;

/** Side by side: each is of another bucket, and none needs another's answer. */
const others = async (probe: Prober, users: Probe, judge: Judge, count: CallCount): Promise<Probes> => {
  const userId = Array.isArray(users.body) ? identifierOf(users.body[0]) : null;
  const tried = async (name: Capability, ...call: Parameters<Prober>): Promise<Probe> =>
    judge(name, await probe(...call));
  const [groups, factors, roles, devices, logs] = await Promise.all([
    tried("groups", "GET /api/v1/groups", "/api/v1/groups", GROUPS_QUERY),
    userId === null
      ? judge("factors", undefined)
      : tried(
          "factors",
          "GET /api/v1/users/{id}/factors",
          `/api/v1/users/${encodeURIComponent(userId)}/factors`,
        ),
    tried("roles", "GET /api/v1/iam/assignees/users", "/api/v1/iam/assignees/users", { limit: "100" }),
    tried("devices", "GET /api/v1/devices", "/api/v1/devices", { limit: "200" }),
    tried("logs", "GET /api/v1/logs", "/api/v1/logs", { limit: "1" }),
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
