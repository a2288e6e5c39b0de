/** Probes → the checks of the document. Pure: each check stands as soon as its own call has been answered. */
import type { TokenError } from "../okta/oauth/errors.ts";
import { type CheckContext, checkVerdict, notTried, withClock } from "./check-verdict.ts";
import { type Capability, type Check, capabilities } from "./document.ts";
import type { Probe } from "./probe.ts";
import type { Verdict } from "./verdict.ts";

/** What all checks of one test have in common. */
export interface Judging extends CheckContext {
  /** Okta's clock less ours, ms; null when Okta did not tell. */
  readonly skewMs: number | null;
  /** The most of a bucket that we take. */
  readonly share: number;
}

type Facts = Pick<Check, "http_status" | "okta_error_code" | "latency_ms" | "rate_limit">;

const noFacts: Facts = { http_status: null, okta_error_code: null, latency_ms: null, rate_limit: null };

export const tokenFacts = ({ status, oktaErrorCode }: TokenError): Facts => ({
  ...noFacts,
  http_status: status,
  okta_error_code: oktaErrorCode,
});

export const factsOf = (probe: Probe, share: number): Facts => ({
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

const check = (name: Capability, { status, message, remedy }: Verdict, facts: Facts): Check => ({
  name,
  status,
  ...facts,
  message,
  remedy,
});

/** The check of a capability by its call; `undefined` is a call that could not be made. */
export const checkOf = (name: Capability, probe: Probe | undefined, judging: Judging): Check => {
  if (probe === undefined) return check(name, notTried("there is no user to try it on"), noFacts);
  const verdict = checkVerdict(name, probe, judging);
  return check(
    name,
    name === "users" ? withClock(verdict, judging.skewMs) : verdict,
    factsOf(probe, judging.share),
  );
};

/** Something stands in the way of every call: told once, where the first of them would be. */
export const stoppedChecks = (verdict: Verdict, facts: Facts): readonly Check[] =>
  capabilities.map((name) =>
    name === "users" ? check(name, verdict, facts) : check(name, notTried("see the check users"), noFacts),
  );
