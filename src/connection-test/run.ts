/** The test of a connection: at most ten calls to Okta, and a check of each as soon as it is answered. */
import { err, ok, type Result } from "../lib/result.ts";
import type { Page } from "../okta/api.ts";
import type { CredentialSource } from "../okta/credential.ts";
import { endlessList } from "../okta/errors.ts";
import type { AccessToken } from "../okta/oauth/access-token.ts";
import type { TokenError } from "../okta/oauth/errors.ts";
import type { Organization } from "../okta/organization.ts";
import { identifierOf } from "../okta/records.ts";
import { capabilityFinding } from "./capability-finding.ts";
import { checkOf, factsOf, type Judging, stoppedChecks, tokenFacts } from "./checks.ts";
import { type Capability, type Check, type ConnectionTest, capabilities } from "./document.ts";
import { estimate } from "./estimate.ts";
import { estimateInput, type KnownAssets, type Probes } from "./estimate-input.ts";
import type { CredentialKind } from "./finding.ts";
import { orgFinding } from "./org-finding.ts";
import { CallCount, type Probe, type Prober, type ProberOptions, proberOf } from "./probe.ts";
import { tokenFinding } from "./token-finding.ts";

/** How the test signs in to the org. */
export interface SignIn {
  readonly kind: CredentialKind;
  readonly source: CredentialSource;
  /**
   * Gets a service app's access token before the calls; null for an API token, which needs none. `requests` of at
   * most `maxRequests` were made for it and count as calls of the test.
   */
  token(
    maxRequests: number,
  ): Promise<{ readonly result: Result<AccessToken, TokenError> | null; readonly requests: number }>;
}

export interface TestOptions {
  readonly baseUrl: string;
  readonly signIn: SignIn;
  readonly permits: ProberOptions["permits"];
  readonly fetch: typeof fetch;
  readonly now: () => number;
  readonly share: number;
  /** What a stored connection's inventory holds already. */
  readonly known: KnownAssets;
  readonly onCheck: OnCheck;
}

/** Called once for each check as soon as its result is known, with its place in the document's list. */
export type OnCheck = (index: number, check: Check) => void;

const noCredential: CredentialSource = {
  authorize: async () => ok({}),
  renew: async () => false,
  observe: () => {},
};

/** Tests the connection. The document has no sinks yet; its checks are those that `onCheck` was called with. */
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

  // Without the credential: first it has to be an Okta org that answers there.
  const org = await proberOf({ ...shared, credential: noCredential })((api) => api.organization());
  const { skewMs } = org;
  const identified = { baseUrl, kind, skewMs, org: org.value ?? { id: null, pipeline: null } };
  const orgTrouble = orgFinding(org, baseUrl, kind);
  if (orgTrouble !== null) {
    return documentOf(identified, stopped(orgTrouble, factsOf(org, share)), undefined);
  }

  const { result, requests } = await signIn.token(Math.max(1, count.left - capabilities.length));
  count.made += requests;
  if (result !== null && !result.ok) {
    return documentOf(identified, stopped(tokenFinding(result.error), tokenFacts(result.error)), []);
  }
  const scopes = result?.value.scopes;
  const { pipeline, origins } = identified.org;
  const organization = { organization: identified.org };
  const probe = proberOf({ ...shared, ...organization, credential: signIn.source, skewMs: skewMs ?? 0 });
  const users = await secondPage(probe, await probe((api) => api.users({ query: { limit: "1" } })), count);
  const judging: Judging = { kind, pipeline, skewMs, share, baseUrl, origins };
  if (users.error?.code === "invalid_credential") {
    const finding = capabilityFinding("users", users, judging);
    return documentOf(identified, stopped(finding, factsOf(users, share)), scopes);
  }
  const found = new Map<Capability, Check>();
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

/** The calls that come after that for users: one for each other capability, and two that count groups. */
const RESERVED = capabilities.length + 1;

/**
 * Reads the page after the first one, if calls are left for it: some orgs answer the first page of a list and no other.
 * @returns the first page's probe, or the second's if that one has failed
 */
const secondPage = async (prober: Prober, first: Probe<Page>, count: CallCount): Promise<Probe<Page>> => {
  const next = first.value?.next ?? null;
  if (next === null || count.left <= RESERVED) return first;
  const second = await prober(async (api) => {
    const page = await api.users({ next });
    const [before, after] = [first.value?.records[0], page.ok ? page.value.records[0] : null].map(
      identifierOf,
    );
    const isSame = page.ok && page.value.next !== null && before !== null && before === after;
    return isSame ? err(endlessList(next, 1)) : page;
  });
  const { error } = second;
  // An outage or a full window says nothing of lists.
  const isTelling =
    error !== null && !["rate_limited", "unavailable", "timeout", "network"].includes(error.code);
  return isTelling ? second : first;
};

/** Makes a capability's check of its call, which it returns. */
type Judge = <P extends Probe<Page> | undefined>(name: Capability, probe: P) => P;

/** Side by side: each drains another bucket, and none needs another's answer. */
const others = async (probe: Prober, users: Probe<Page>, judge: Judge, count: CallCount): Promise<Probes> => {
  const userId = identifierOf(users.value?.records[0]);
  const tried = async (name: Capability, call: Parameters<typeof probe<Page>>[0]): Promise<Probe<Page>> =>
    judge(name, await probe(call));
  const [groups, factors, roles, devices, logs] = await Promise.all([
    // A page of everything that a full run reads first, so that the same call tests and counts.
    tried("groups", (api) => api.groups({ query: { limit: "200", expand: "stats" } })),
    userId === null
      ? judge("factors", undefined)
      : tried("factors", async (api) => {
          const factors = await api.userFactors(userId);
          return factors.ok ? ok({ records: factors.value, next: null }) : factors;
        }),
    tried("roles", (api) => api.roleAssignees({ query: { limit: "100" } })),
    tried("devices", (api) => api.devices({ query: { limit: "200" } })),
    tried("logs", (api) => api.logs({ query: { limit: "1" } })),
  ]);
  const seen = { groups, roles, devices, logs, ...(factors && { factors }) };
  return { ...seen, ...(await counts(probe, groups, count)) };
};

/** What is left of the ten calls goes into counting an org whose groups do not fit on one page. */
const counts = async (probe: Prober, groups: Probe<Page>, count: CallCount): Promise<Probes> => {
  if (groups.value === null || groups.value.next === null) return {};
  const found: Probes = {};
  if (count.left > 0) {
    const query = { filter: 'type eq "BUILT_IN"', expand: "stats", limit: "20" };
    found.everyone = await probe((api) => api.groups({ query }));
  }
  // Without stats a page may be longer, and its length says how many groups there are.
  if (count.left > 0) found.moreGroups = await probe((api) => api.groups({ query: { limit: "1000" } }));
  return found;
};

interface Identified {
  readonly baseUrl: string;
  readonly kind: CredentialKind;
  readonly skewMs: number | null;
  readonly org: Organization;
}

const documentOf = (
  { baseUrl, kind, skewMs, org }: Identified,
  checks: readonly Check[],
  scopes: readonly string[] | undefined,
): ConnectionTest => ({
  ok: isOk(checks),
  org: { id: org.id, pipeline: org.pipeline, base_url: baseUrl },
  credential: { kind, ...(scopes && { scopes: [...scopes] }) },
  clock_skew_ms: skewMs,
  checks: [...checks],
  estimate: { users: null, devices: null, calls: null, minutes: null },
});

/** Whether users can be read and no check has failed; a check whose result is unknown does no harm. */
export const isOk = (checks: readonly Check[]): boolean =>
  checks.every(({ status }) => status !== "fail") &&
  checks.some(({ name, status }) => name === "users" && status === "pass");
