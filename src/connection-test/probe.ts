/** One call of the test: made as every call to Okta is made, and looked at more closely. */
import { clockSkew } from "../lib/clock.ts";
import type { Result } from "../lib/result.ts";
import { OktaApi } from "../okta/api.ts";
import { OktaClient, type OktaClientOptions } from "../okta/client.ts";
import type { CredentialSource } from "../okta/credential.ts";
import { type Bucket, bucketOf } from "../okta/endpoints.ts";
import type { OktaError } from "../okta/errors.ts";
import type { RateLimitReading } from "../okta/gate/headers.ts";
import type { Organization } from "../okta/organization.ts";

/** Why there was no answer. Cloudflare reports a failed connection as a status of its own, 520 to 530. */
export type Silence = "dns" | "tls" | "timeout" | "connection";

/** What came of one call: the value that Okta documents, or an error, and what was observed on the way. */
export type Probe<T = unknown> = Observed &
  ({ readonly error: null; readonly value: T } | { readonly error: OktaError; readonly value: null });

interface Observed {
  readonly status: number | null;
  readonly silence: Silence | null;
  /** WWW-Authenticate, where a refusal without a body says why. */
  readonly challenge: string;
  /** Where a redirect leads: its origin. */
  readonly redirect: string | null;
  readonly latencyMs: number | null;
  readonly rateLimit: ObservedLimit | null;
  /** Okta's clock less ours, ms; null without a Date header. */
  readonly skewMs: number | null;
}

export interface ObservedLimit extends RateLimitReading {
  readonly bucket: Bucket;
  /** When the window is over, ms since the epoch by our clock. */
  readonly resetsAt: number;
}

/** How many calls a whole test may make, sign-in included. */
export const MAX_CALLS = 10;

export class CallCount {
  made = 0;

  get left(): number {
    return MAX_CALLS - this.made;
  }
}

export interface ProberOptions {
  readonly baseUrl: string;
  readonly credential: CredentialSource;
  readonly permits: OktaClientOptions["permits"];
  readonly count: CallCount;
  readonly fetch: typeof fetch;
  readonly now: () => number;
  readonly skewMs: number;
  /** What the org says of itself, once that is known. */
  readonly organization?: Organization;
}

/** Makes one call of the API, in one attempt. */
export type Prober = <T>(call: (api: OktaApi) => Promise<Result<T, OktaError>>) => Promise<Probe<T>>;

const TIMEOUT_MS = 10_000;

/** What is observed of a call beside its result. */
interface Seen {
  sentAt: number | null;
  answer: Response | null;
  thrown: unknown;
  rateLimit: ObservedLimit | null;
}

const exhausted = new Error("the calls of this test are used up");

/** Makes calls with this credential. */
export const proberOf =
  (options: ProberOptions): Prober =>
  async (call) => {
    const { baseUrl, credential, now, skewMs } = options;
    const seen: Seen = { sentAt: null, answer: null, thrown: null, rateLimit: null };
    const client = new OktaClient({
      baseUrl,
      credential,
      permits: observedPermits(options, seen),
      fetch: observedFetch(options, seen),
      now,
      sleep: async () => {},
      random: () => 0,
      budget: () => false,
      timeoutMs: TIMEOUT_MS,
      skewMs,
    });
    const result = await call(new OktaApi(client, options.organization));
    const headers = seen.answer?.headers ?? new Headers();
    const observed: Observed = {
      status: statusOf(result, seen),
      silence: result.ok ? null : silenceOf(result.error, seen),
      challenge: headers.get("www-authenticate") ?? "",
      redirect: originOf(headers.get("location")),
      latencyMs: seen.sentAt === null ? null : now() - seen.sentAt,
      rateLimit: seen.rateLimit,
      skewMs: clockSkew(headers.get("date"), now()),
    };
    return result.ok
      ? { ...observed, error: null, value: result.value }
      : { ...observed, error: result.error, value: null };
  };

const observedFetch =
  ({ fetch, count, now }: ProberOptions, seen: Seen): typeof globalThis.fetch =>
  async (input, init) => {
    try {
      if (count.left <= 0) throw exhausted;
      count.made += 1;
      seen.sentAt = now();
      seen.answer = await fetch(input, init);
      return seen.answer;
    } catch (thrown) {
      seen.thrown = thrown;
      throw thrown;
    }
  };

const observedPermits = ({ permits }: ProberOptions, seen: Seen): OktaClientOptions["permits"] => ({
  take: (endpoint) => permits.take(endpoint),
  report: (endpoint, outcome, observation, latencyMs) => {
    const { reading, resetInMs, at } = observation;
    if (reading !== null && resetInMs !== null) {
      seen.rateLimit = { ...reading, bucket: bucketOf(endpoint), resetsAt: at + resetInMs };
    }
    permits.report(endpoint, outcome, observation, latencyMs);
  },
});

/** A list that goes on at another origin is an error that has no status of its own. */
const statusOf = (result: Result<unknown, OktaError>, { answer }: Seen): number | null => {
  if (result.ok || result.error.code === "foreign_origin") return answer?.status ?? null;
  return result.error.status;
};

const originOf = (location: string | null): string | null =>
  location !== null && URL.canParse(location) && /^https?:/i.test(location)
    ? new URL(location).origin.slice(0, 200)
    : null;

/** Source: developers.cloudflare.com, "Cloudflare 5xx errors"; 530 comes with error 1016, origin DNS error. */
const statusSilence: Readonly<Record<number, Silence>> = {
  520: "connection",
  521: "connection",
  522: "timeout",
  523: "connection",
  524: "timeout",
  525: "tls",
  526: "tls",
  530: "dns",
};

const silenceOf = (error: OktaError, { thrown }: Seen): Silence | null => {
  if (error.status !== null) return statusSilence[error.status] ?? null;
  if (error.code === "timeout") return "timeout";
  if (error.code !== "network" || thrown === null || thrown === exhausted) return null;
  // The texts differ between runtimes and are documented nowhere; what they do not say stays "connection".
  const text = String(thrown);
  if (/dns|getaddrinfo|ENOTFOUND|name or service/i.test(text)) return "dns";
  return /tls|ssl|certificate/i.test(text) ? "tls" : "connection";
};
