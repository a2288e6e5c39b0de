/** One call of the test: made as every call to Okta is made, and looked at more closely. */
import { OktaClient, type OktaClientOptions } from "../okta/client.ts";
import type { CredentialSource } from "../okta/credential.ts";
import { type Bucket, bucketOf, type Endpoint } from "../okta/endpoints.ts";
import type { OktaError } from "../okta/errors.ts";
import { msUntilReset, type RateLimitReading, readRateLimit } from "../okta/gate/headers.ts";
import { nextLink } from "../okta/paging.ts";

/** Why there was no answer. Cloudflare reports a failed connection as a status of its own, 520 to 530. */
export type Silence = "dns" | "tls" | "timeout" | "connection";

/** What came of one call. */
export interface Probe {
  /** Null when the answer is a 2xx with JSON. */
  readonly error: OktaError | null;
  readonly body: unknown;
  readonly hasNext: boolean;
  readonly status: number | null;
  readonly silence: Silence | null;
  /** WWW-Authenticate, where a refusal without a body says why. */
  readonly challenge: string;
  /** Where a redirect leads: its origin. */
  readonly redirect: string | null;
  readonly latencyMs: number | null;
  readonly bucket: Bucket;
  readonly rateLimit: (RateLimitReading & { readonly resetsAt: number }) | null;
  /** Okta's clock less ours, ms; null without a Date header. */
  readonly skewMs: number | null;
}

/** Calls of a whole test to Okta, sign-in included. */
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
}

export type Prober = (
  endpoint: Endpoint,
  path: string,
  query?: Readonly<Record<string, string>>,
) => Promise<Probe>;

const TIMEOUT_MS = 10_000;

interface Seen {
  sentAt: number | null;
  answer: Response | null;
  thrown: unknown;
}

const exhausted = new Error("the calls of this test are used up");

/** Makes calls with this credential, one attempt each. */
export const proberOf =
  (options: ProberOptions): Prober =>
  async (endpoint, path, query = {}) => {
    const { baseUrl, credential, permits, count, now, skewMs } = options;
    const seen: Seen = { sentAt: null, answer: null, thrown: null };
    const client = new OktaClient({
      baseUrl,
      credential,
      permits,
      fetch: async (input, init) => {
        try {
          if (count.left <= 0) throw exhausted;
          count.made += 1;
          seen.sentAt = now();
          seen.answer = await options.fetch(input, init);
          return seen.answer;
        } catch (thrown) {
          seen.thrown = thrown;
          throw thrown;
        }
      },
      now,
      sleep: async () => {},
      random: () => 0,
      budget: () => false,
      timeoutMs: TIMEOUT_MS,
      skewMs,
    });
    const search = new URLSearchParams(query).toString();
    const result = await client.get(endpoint, `${baseUrl}${path}${search === "" ? "" : `?${search}`}`);
    return {
      error: result.ok ? null : result.error,
      body: result.ok ? result.value.body : null,
      ...lookAt(seen, now()),
      silence: result.ok ? null : silenceOf(result.error, seen),
      status: result.ok ? result.value.status : result.error.status,
      bucket: bucketOf(endpoint),
    };
  };

const lookAt = ({ answer, sentAt }: Seen, now: number) => {
  const headers = answer?.headers ?? new Headers();
  const reading = readRateLimit(headers);
  const date = Date.parse(headers.get("date") ?? "");
  const skew = Number.isNaN(date) ? null : date - now;
  return {
    hasNext: nextLink(headers.get("link")) !== null,
    challenge: headers.get("www-authenticate") ?? "",
    redirect: originOf(headers.get("location")),
    latencyMs: sentAt === null ? null : now - sentAt,
    rateLimit: reading && {
      ...reading,
      resetsAt: now + msUntilReset(reading.resetAt, headers.get("date"), now),
    },
    // A Date header has whole seconds only: less than two of them is no difference.
    skewMs: skew === null ? null : Math.abs(skew) < 2000 ? 0 : skew,
  };
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
  // The texts differ between runtimes and are written down nowhere; what they do not tell stays "connection".
  const text = String(thrown);
  if (/dns|getaddrinfo|ENOTFOUND|name or service/i.test(text)) return "dns";
  return /tls|ssl|certificate/i.test(text) ? "tls" : "connection";
};
