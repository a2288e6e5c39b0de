/** What the metrics say about the calls to Okta. Pure. */

/** Upper bounds of the latency histogram's buckets, ms; one more bucket holds what took longer. */
export const LATENCY_BOUNDS_MS = [50, 100, 250, 500, 1_000, 2_500, 5_000, 10_000, 30_000] as const;

/** Calls of one endpoint with one outcome, since the last report. */
export interface CallCount {
  readonly endpoint: string;
  /** `ok`, or the code of the error. */
  readonly outcome: string;
  readonly count: number;
  /** How long they took together, ms. */
  readonly totalMs: number;
  /** How many fell into each bucket of the histogram. */
  readonly latencies: readonly number[];
}

export interface CallStats {
  /** By endpoint and outcome. */
  readonly calls: Record<string, Record<string, number>>;
  /** By endpoint. */
  readonly latency: Record<string, { count: number; totalMs: number; buckets: number[] }>;
  /** How often a permit was asked for and none was free, by rate-limit bucket. */
  readonly waits: Record<string, number>;
}

export const emptyCallStats = (): CallStats => ({ calls: {}, latency: {}, waits: {} });

const emptyBuckets = (): number[] => new Array(LATENCY_BOUNDS_MS.length + 1).fill(0);

/** The count with one more call. @param before undefined before the first */
export const countCall = (
  before: CallCount | undefined,
  call: { endpoint: string; outcome: string; latencyMs: number },
): CallCount => {
  const latencies = [...(before?.latencies ?? emptyBuckets())];
  const bound = LATENCY_BOUNDS_MS.findIndex((limit) => call.latencyMs <= limit);
  const index = bound === -1 ? LATENCY_BOUNDS_MS.length : bound;
  latencies[index] = (latencies[index] ?? 0) + 1;
  const totalMs = (before?.totalMs ?? 0) + call.latencyMs;
  return {
    endpoint: call.endpoint,
    outcome: call.outcome,
    count: (before?.count ?? 0) + 1,
    totalMs,
    latencies,
  };
};

/** Adds a report to the totals, in place. */
export const addCalls = (
  stats: CallStats,
  { endpoint, outcome, count, totalMs, latencies }: CallCount,
): void => {
  const outcomes = stats.calls[endpoint] ?? {};
  outcomes[outcome] = (outcomes[outcome] ?? 0) + count;
  stats.calls[endpoint] = outcomes;
  const latency = stats.latency[endpoint] ?? { count: 0, totalMs: 0, buckets: emptyBuckets() };
  latency.count += count;
  latency.totalMs += totalMs;
  for (const [index, n] of latencies.entries()) latency.buckets[index] = (latency.buckets[index] ?? 0) + n;
  stats.latency[endpoint] = latency;
};
