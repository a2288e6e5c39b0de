import type { OrgState } from "../org/state.ts";
import { authenticate } from "./auth.ts";
import type { Call, Endpoint } from "./call.ts";
import { ChallengeError, concurrencyRefusal, OktaError, oktaError } from "./errors.ts";
import type { FaultRule } from "./faults.ts";
import { altered, faultResponse, isTooLarge } from "./injected.ts";
import type { Take } from "./limits.ts";

/** Waits so long, or until `ended` settles. */
const sleep = (ms: number, ended?: Promise<void>): Promise<void> =>
  new Promise((resolve) => {
    const timer = setTimeout(resolve, ms);
    void ended?.then(() => {
      clearTimeout(timer);
      resolve();
    });
  });

/**
 * One call through everything that surrounds a handler: concurrency, injected faults, authentication, the
 * rate limit, permissions, latency; then the headers and the statistics.
 */
export const runEndpoint = async (
  state: OrgState,
  endpoint: Endpoint,
  request: Request,
  param: (name: string) => string,
): Promise<Response> => {
  const url = new URL(request.url);
  const name = `${request.method} ${endpoint.path}`;
  const admitted = state.limiter.enter();
  try {
    const origin = state.options.baseUrl ?? url.origin;
    const call = { state, request, url, origin, param };
    const fault = admitted ? state.faults.match(request.method, name, url) : null;
    if (fault !== null) state.stats.countInjected();
    const response = admitted
      ? await answer(call, endpoint, fault)
      : concurrencyRefusal(state.clock.now(), state.requestIds.id("oae"));
    const page =
      endpoint.list === true && isWhole(fault) ? `${request.method} ${url.pathname}${url.search}` : null;
    state.stats.count(name, response.status, page);
    return finish(state, response);
  } finally {
    state.limiter.leave();
  }
};

/** Whether a page that was served under a fault is what it would have been without one. */
const isWhole = (fault: FaultRule | null): boolean => fault === null || harmless.has(fault.kind);

/** The faults that leave the pages that they let pass as they are. */
const harmless: ReadonlySet<FaultRule["kind"]> = new Set([
  "slow",
  "500-above-limit",
  "504-above-limit",
  "silence-above-limit",
  "link-header",
  "headers",
]);

const answer = async (
  call: Omit<Call, "principal">,
  endpoint: Endpoint,
  fault: FaultRule | null,
): Promise<Response> => {
  const { state } = call;
  const isSilent = fault?.kind === "silence-above-limit" && isTooLarge(fault, call.url, endpoint);
  if (fault?.kind === "slow" || isSilent) await sleep(fault?.ms ?? 0, state.faults.cleared);
  const replaced = fault && faultResponse(fault, call, endpoint);
  if (replaced) return replaced;
  let take: Take | null = null;
  let response: Response;
  try {
    const principal = await authenticate(call, endpoint);
    take = state.limiter.take(endpoint.bucket, state.clock.now());
    if (!take.ok) throw new OktaError("E0000047");
    if (endpoint.resource !== null && state.options.forbid.includes(endpoint.resource)) {
      throw new OktaError("E0000006");
    }
    if (state.options.latencyMs > 0) await sleep(state.options.latencyMs);
    response = await endpoint.handle({ ...call, principal });
  } catch (error) {
    response = refusal(error, state);
  }
  if (take !== null) rateLimitHeaders(response, take, endpoint, state);
  return fault ? await altered(fault, response, call) : response;
};

const refusal = (error: unknown, state: OrgState): Response => {
  if (error instanceof OktaError) return oktaError(error.code, error.detail, state.requestIds.id("oae"));
  if (error instanceof ChallengeError) {
    return new Response(null, { status: error.status, headers: { "www-authenticate": error.challenge } });
  }
  throw error;
};

const rateLimitHeaders = (response: Response, take: Take, endpoint: Endpoint, state: OrgState): void => {
  if (state.options.noRateLimitHeaders) return;
  const send = (limit: number, remaining: number, reset: number): void => {
    response.headers.append("x-rate-limit-limit", String(limit));
    response.headers.append("x-rate-limit-remaining", String(remaining));
    response.headers.append("x-rate-limit-reset", String(reset));
  };
  send(take.limit, take.remaining, take.reset);
  // The second set is of a wider limit that ends earlier: the smallest remaining and the latest reset count.
  if (endpoint.duplicated === true && state.options.duplicateRateLimitHeaders) {
    send(take.limit * 2, take.limit + take.remaining, take.reset - 1);
  }
};

/** Headers that every response carries, by the server's clock. */
export const finish = (state: OrgState, response: Response): Response => {
  response.headers.set("date", new Date(state.clock.now()).toUTCString());
  response.headers.set("x-okta-request-id", state.requestIds.id("req"));
  response.headers.set("cache-control", "no-cache, no-store");
  return response;
};
