/** Probes → the checks of the document, each as soon as its own call has been answered. Pure. */

import type { Page } from "../okta/api.ts";
import type { TokenError } from "../okta/oauth/errors.ts";
import {
  type CheckContext,
  capabilityFinding,
  notTried,
  withAddress,
  withClock,
} from "./capability-finding.ts";
import { type Capability, type Check, capabilities } from "./document.ts";
import type { Finding } from "./finding.ts";
import type { Probe } from "./probe.ts";

/** What all checks of one test have in common. */
export interface Judging extends CheckContext {
  /** Okta's clock less ours, ms; null without a Date header. */
  readonly skewMs: number | null;
  readonly baseUrl: string;
  /** The addresses that the org names as its own; absent if it names none. */
  readonly origins?: readonly string[] | undefined;
  /** The most of a bucket that we take. */
  readonly share: number;
}

type Facts = Pick<Check, "http_status" | "okta_error_code" | "latency_ms" | "rate_limit">;

const noFacts: Facts = { http_status: null, okta_error_code: null, latency_ms: null, rate_limit: null };

/** What a sign-in that failed adds to its finding. */
export const tokenFacts = ({ status, oktaErrorCode }: TokenError): Facts => ({
  ...noFacts,
  http_status: status,
  okta_error_code: oktaErrorCode,
});

/** What a call adds to its finding. */
export const factsOf = (probe: Probe, share: number): Facts => ({
  http_status: probe.status,
  okta_error_code: probe.error?.oktaErrorCode ?? null,
  latency_ms: probe.latencyMs,
  rate_limit: probe.rateLimit && {
    bucket: probe.rateLimit.bucket,
    limit: probe.rateLimit.limit,
    remaining: probe.rateLimit.remaining,
    share,
    resets_at: new Date(probe.rateLimit.resetsAt).toISOString(),
    backing_off_until: null,
  },
});

const check = (name: Capability, { status, message, remedy }: Finding, facts: Facts): Check => ({
  name,
  status,
  ...facts,
  message,
  remedy,
});

/** The check of a capability by its call; `undefined` is a call that could not be made. */
export const checkOf = (name: Capability, probe: Probe<Page> | undefined, judging: Judging): Check => {
  if (probe === undefined) return check(name, notTried("there is no user to try it on"), noFacts);
  const finding = capabilityFinding(name, probe, judging);
  return check(
    name,
    name === "users"
      ? withAddress(withClock(finding, judging.skewMs), judging.origins, judging.baseUrl)
      : finding,
    factsOf(probe, judging.share),
  );
};

/** All checks when something stands in the way of every call: the first of them says what. */
export const stoppedChecks = (finding: Finding, facts: Facts): readonly Check[] =>
  capabilities.map((name) =>
    name === "users" ? check(name, finding, facts) : check(name, notTried("see the check users"), noFacts),
  );
