/** Status documents → metric families. Pure. Prometheus adds up and compares; nothing here does. */
import {
  type RunDocument,
  type SinkStatusDocument,
  type StreamStatus,
  sinkStatusSchema,
  streamStateSchema,
} from "../contract/status.ts";
import type { Labels, MetricFamily, Sample } from "./prometheus.ts";

const labelsOf = ({ connection, stream }: StreamStatus): Labels => ({ connection, stream });

const gauge = (name: string, help: string, samples: readonly Sample[]): MetricFamily => ({
  name: `okta_edge_${name}`,
  help,
  type: "gauge",
  samples,
});

/** One sample a status. */
const each = (statuses: readonly StreamStatus[], value: (status: StreamStatus) => number | null): Sample[] =>
  statuses.flatMap((status) => {
    const held = value(status);
    return held === null ? [] : [{ labels: labelsOf(status), value: held }];
  });

const assetMetrics = (statuses: readonly StreamStatus[]): MetricFamily[] => [
  gauge(
    "assets",
    "Assets in the inventory.",
    each(statuses, (status) => status.assets.total),
  ),
  gauge(
    "assets_deleted",
    "Deleted assets kept as tombstones.",
    each(statuses, (status) => status.assets.deleted),
  ),
  gauge(
    "assets_quarantined",
    "Records that could not be read.",
    each(statuses, (status) => status.assets.quarantined),
  ),
  gauge(
    "assets_fact_unknown",
    "Assets of which a fact is unknown.",
    statuses.flatMap((status) =>
      Object.entries(status.assets.unknown).map(([fact, value]) => ({
        labels: { ...labelsOf(status), fact },
        value,
      })),
    ),
  ),
  gauge(
    "held_deletions",
    "Deletions that wait for a person.",
    each(statuses, (status) => status.held_deletions),
  ),
  gauge(
    "sequence_head",
    "The greatest sequence number.",
    each(statuses, (status) => status.head),
  ),
];

const stateMetrics = (statuses: readonly StreamStatus[]): MetricFamily[] => [
  gauge(
    "stream_state",
    "1 for the state that the stream is in.",
    statuses.flatMap((status) =>
      streamStateSchema.options.map((state) => ({
        labels: { ...labelsOf(status), state },
        value: status.state === state ? 1 : 0,
      })),
    ),
  ),
  gauge(
    "run_progress_ratio",
    "Progress of the current run.",
    each(statuses, (status) => status.run?.progress ?? null),
  ),
];

const seconds = (iso: string): number => Date.parse(iso) / 1000;

interface RunOfStream {
  readonly labels: Labels;
  readonly run: RunDocument;
}

/** The last run of each kind. */
const runsOf = (statuses: readonly StreamStatus[]): RunOfStream[] =>
  statuses.flatMap((status) => {
    const last = [status.last_full, status.last_delta].filter((run) => run !== null);
    return last.map((run) => ({ labels: { ...labelsOf(status), kind: run.kind }, run }));
  });

const runMetrics = (statuses: readonly StreamStatus[]): MetricFamily[] => {
  const runs = runsOf(statuses);
  const endings = runs.flatMap(({ labels, run }) =>
    run.finished_at === null ? [] : [{ labels, run, finishedAt: run.finished_at }],
  );
  return [
    gauge(
      "last_run_success",
      "1 when the last run of this kind is done without an error.",
      runs.map(({ labels, run }) => ({ labels, value: run.state === "done" ? 1 : 0 })),
    ),
    gauge(
      "last_run_finished_timestamp_seconds",
      "When the last run of this kind ended.",
      endings.map(({ labels, finishedAt }) => ({ labels, value: seconds(finishedAt) })),
    ),
    gauge(
      "last_run_duration_seconds",
      "How long the last run of this kind took.",
      endings.map(({ labels, run, finishedAt }) => ({
        labels,
        value: seconds(finishedAt) - seconds(run.started_at),
      })),
    ),
    gauge(
      "last_run_calls",
      "Okta calls of the last run of this kind, by endpoint.",
      runs.flatMap(({ labels, run }) => callSamples(labels, run)),
    ),
    gauge(
      "last_run_changes",
      "Assets that the last run of this kind changed, by how it learnt of it.",
      runs.flatMap(({ labels, run }) =>
        Object.entries(run.changes).map(([source, value]) => ({ labels: { ...labels, source }, value })),
      ),
    ),
    gauge(
      "current_run_calls",
      "Okta calls of the current run so far, by endpoint.",
      statuses.flatMap((status) =>
        status.run === null ? [] : callSamples({ ...labelsOf(status), kind: status.run.kind }, status.run),
      ),
    ),
  ];
};

const callSamples = (labels: Labels, run: RunDocument): Sample[] =>
  Object.entries(run.calls.by_endpoint).map(([endpoint, value]) => ({
    labels: { ...labels, endpoint },
    value,
  }));

const sinkMetrics = (statuses: readonly StreamStatus[]): MetricFamily[] => {
  const eachSink = (value: (sink: SinkStatusDocument) => number): Sample[] =>
    statuses.flatMap((status) =>
      status.sinks.map((sink) => ({
        labels: { ...labelsOf(status), sink: sink.name, type: sink.type },
        value: value(sink),
      })),
    );
  return [
    gauge(
      "sink_lag_events",
      "Events that a sink has yet to get.",
      eachSink((sink) => sink.lag_events),
    ),
    gauge(
      "sink_lag_seconds",
      "Age of the oldest event that a sink has yet to get.",
      eachSink((sink) => sink.lag_seconds),
    ),
    gauge(
      "sink_dead_letters",
      "Events that a sink refused for good.",
      eachSink((sink) => sink.dead_letters),
    ),
    gauge(
      "sink_state",
      "1 for the state that the sink is in.",
      statuses.flatMap((status) =>
        status.sinks.flatMap((sink) =>
          sinkStatusSchema.shape.state.options.map((state) => ({
            labels: { ...labelsOf(status), sink: sink.name, type: sink.type, state },
            value: sink.state === state ? 1 : 0,
          })),
        ),
      ),
    ),
  ];
};

/** Both streams of a connection share its buckets; each bucket is told once. */
const bucketMetrics = (statuses: readonly StreamStatus[]): MetricFamily[] => {
  const buckets = new Map(
    statuses.flatMap(({ connection, rate_limits }) =>
      rate_limits.map((bucket) => [`${connection} ${bucket.bucket}`, { connection, bucket }] as const),
    ),
  );
  const eachBucket = (value: (bucket: StreamStatus["rate_limits"][number]) => number | null): Sample[] =>
    [...buckets.values()].flatMap(({ connection, bucket }) => {
      const held = value(bucket);
      return held === null ? [] : [{ labels: { connection, bucket: bucket.bucket }, value: held }];
    });
  return [
    gauge(
      "rate_limit",
      "Calls that Okta allows a window.",
      eachBucket(({ limit }) => limit),
    ),
    gauge(
      "rate_limit_remaining",
      "Calls left in the window.",
      eachBucket(({ remaining }) => remaining),
    ),
    gauge(
      "rate_limit_share_ratio",
      "The most of the bucket that the connector takes.",
      eachBucket(({ share }) => share),
    ),
    gauge(
      "rate_limit_backing_off",
      "1 while the bucket is left alone.",
      eachBucket(({ backing_off_until }) => (backing_off_until === null ? 0 : 1)),
    ),
  ];
};

/** Every metric that the status documents hold. Numbers are gauges: they are states, not counts since a start. */
export const statusMetrics = (statuses: readonly StreamStatus[]): readonly MetricFamily[] => [
  ...stateMetrics(statuses),
  ...assetMetrics(statuses),
  ...runMetrics(statuses),
  ...sinkMetrics(statuses),
  ...bucketMetrics(statuses),
];
