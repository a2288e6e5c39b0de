import { objectOf } from "../config/residency.ts";
import { gateObjectName } from "../contract/objects.ts";
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

/** Prometheus's histograms are cumulative: each bucket counts all calls that took at most as long as its bound. */
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

/** Metrics of the calls to Okta, as counted by each connection's gate. */
export const callMetrics: MetricsSource = async (env, connections): Promise<MetricFamily[]> => {
  const all = await Promise.all(
    connections.map(async (connection) => ({
      connection,
      stats: await objectOf(env, env.OKTA_GATE, gateObjectName(connection)).callStats(),
    })),
  );
  return [
    {
      name: "okta_edge_okta_calls_total",
      help: "Calls to Okta by endpoint and outcome (ok, or the error code).",
      type: "counter",
      samples: all.flatMap(calls),
    },
    {
      name: "okta_edge_okta_call_duration_seconds",
      help: "Duration of calls to Okta, including reading the body.",
      type: "histogram",
      samples: all.flatMap(latency),
    },
    {
      name: "okta_edge_permits_waited_total",
      help: "Permit requests that had to wait because none was free, by rate-limit bucket.",
      type: "counter",
      samples: all.flatMap(waits),
    },
  ];
};
