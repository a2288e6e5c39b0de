import { type CallStats, LATENCY_BOUNDS_MS } from "../okta/gate/call-stats.ts";
import type { MetricsSource } from "./deps.ts";
import type { MetricFamily, Sample } from "./prometheus.ts";

interface OfConnection {
  readonly connection: string;
  readonly stats: CallStats;
}

const calls = ({ connection, stats }: OfConnection): Sample[] =>
  Object.entries(stats.calls).flatMap(([endpoint, outcomes]) =>
    Object.entries(outcomes).map(([outcome, value]) => ({
      labels: { connection, endpoint, outcome },
      value,
    })),
  );

const waits = ({ connection, stats }: OfConnection): Sample[] =>
  Object.entries(stats.waits).map(([bucket, value]) => ({ labels: { connection, bucket }, value }));

/** Prometheus's histograms count up: a bucket holds all that took as long as its bound or less. */
const latency = ({ connection, stats }: OfConnection): Sample[] =>
  Object.entries(stats.latency).flatMap(([endpoint, { count, totalMs, buckets }]) => {
    let sum = 0;
    const labels = { connection, endpoint };
    const bounds = LATENCY_BOUNDS_MS.map((bound, index): Sample => {
      sum += buckets[index] ?? 0;
      return { labels: { ...labels, le: String(bound / 1000) }, value: sum, suffix: "_bucket" };
    });
    return [
      ...bounds,
      { labels: { ...labels, le: "+Inf" }, value: count, suffix: "_bucket" },
      { labels, value: totalMs / 1000, suffix: "_sum" },
      { labels, value: count, suffix: "_count" },
    ];
  });

/** Calls to Okta, as each connection's gate has booked them. */
export const callMetrics: MetricsSource = async (env, connections): Promise<MetricFamily[]> => {
  const all = await Promise.all(
    connections.map(async (connection) => ({
      connection,
      stats: await env.OKTA_GATE.getByName(connection).callStats(),
    })),
  );
  return [
    {
      name: "okta_edge_okta_calls_total",
      help: "Calls to Okta by endpoint and outcome: ok, or the code of the error.",
      type: "counter",
      samples: all.flatMap(calls),
    },
    {
      name: "okta_edge_okta_call_duration_seconds",
      help: "How long calls to Okta took, body included.",
      type: "histogram",
      samples: all.flatMap(latency),
    },
    {
      name: "okta_edge_permits_waited_total",
      help: "How often a permit was asked for and none was free, by rate-limit bucket.",
      type: "counter",
      samples: all.flatMap(waits),
    },
  ];
};
