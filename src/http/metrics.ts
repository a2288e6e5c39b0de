/** Turns status documents into metric families. Pure. Adding up and comparing is left to Prometheus. */
import { type CheckCounts, type PosturePoint, postureChecks } from "../contract/posture.ts";
import {
  attentionCodeSchema,
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

/** One sample per status; none where the value is null. */
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
    "Deleted assets that are still kept, as tombstones.",
    each(statuses, (status) => status.assets.deleted),
  ),
  gauge(
    "assets_quarantined",
    "Records from Okta that could not be read and were quarantined.",
    each(statuses, (status) => status.assets.quarantined),
  ),
  gauge(
    "assets_fact_unknown",
    "Assets of which this fact is unknown.",
    statuses.flatMap((status) =>
      Object.entries(status.assets.unknown).map(([fact, value]) => ({
        labels: { ...labelsOf(status), fact },
        value,
      })),
    ),
  ),
  gauge(
    "held_deletions",
    "Deletions that are held until a person confirms them.",
    each(statuses, (status) => status.held_deletions),
  ),
  gauge(
    "sequence_head",
    "The highest sequence number in the inventory.",
    each(statuses, (status) => status.head),
  ),
];

const stateMetrics = (statuses: readonly StreamStatus[]): MetricFamily[] => [
  gauge(
    "stream_state",
    "1 for the state that the stream is in, 0 for the others.",
    statuses.flatMap((status) =>
      streamStateSchema.options.map((state) => ({
        labels: { ...labelsOf(status), state },
        value: status.state === state ? 1 : 0,
      })),
    ),
  ),
  gauge(
    "attention",
    "1 for each thing that needs a person now, by its code, 0 for the others.",
    statuses.flatMap((status) =>
      attentionCodeSchema.options.map((code) => ({
        labels: { ...labelsOf(status), code },
        value: status.attention.some((need) => need.code === code) ? 1 : 0,
      })),
    ),
  ),
  gauge(
    "run_progress_ratio",
    "Progress of the current run, from 0 to 1.",
    each(statuses, (status) => status.run?.progress ?? null),
  ),
];

const seconds = (iso: string): number => Date.parse(iso) / 1000;

interface RunOfStream {
  readonly labels: Labels;
  readonly run: RunDocument;
  /** Whether a run of this kind in progress waits after an error. */
  readonly isFailing: boolean;
}

/** Whether a run in progress waits after an error. A rate limit is none: it ends by the clock. */
const isFailing = ({ error }: RunDocument): boolean => error !== null && error.code !== "rate_limited";

/** The last run of each kind, of every stream. */
const runsOf = (statuses: readonly StreamStatus[]): RunOfStream[] =>
  statuses.flatMap((status) => {
    const last = [status.last_full, status.last_delta].filter((run) => run !== null);
    const failing = [status.run, status.delta].filter((run) => run !== null && isFailing(run));
    return last.map((run) => ({
      labels: { ...labelsOf(status), kind: run.kind },
      run,
      isFailing: failing.some((one) => one?.kind === run.kind),
    }));
  });

const runMetrics = (statuses: readonly StreamStatus[]): MetricFamily[] => {
  const runs = runsOf(statuses);
  const firstFailing = statuses.flatMap((status) =>
    [status.run, status.delta].flatMap((run) =>
      run !== null && isFailing(run) && status[`last_${run.kind}`] === null
        ? [{ labels: { ...labelsOf(status), kind: run.kind }, value: 0 }]
        : [],
    ),
  );
  const endings = runs.flatMap(({ labels, run }) =>
    run.finished_at === null ? [] : [{ labels, run, finishedAt: run.finished_at }],
  );
  return [
    gauge(
      "last_run_success",
      "1 when the last run of this kind ended in the state done and none that follows it waits after an error, else 0. 0 " +
        "also while the first one waits after an error.",
      [
        ...runs.map(({ labels, run, isFailing: fails }) => ({
          labels,
          value: run.state === "done" && !fails ? 1 : 0,
        })),
        ...firstFailing,
      ],
    ),
    gauge(
      "last_run_finished_timestamp_seconds",
      "When the last run of this kind ended.",
      endings.map(({ labels, finishedAt }) => ({ labels, value: seconds(finishedAt) })),
    ),
    gauge(
      "last_run_duration_seconds",
      "Duration of the last run of this kind.",
      endings.map(({ labels, run, finishedAt }) => ({
        labels,
        value: seconds(finishedAt) - seconds(run.started_at),
      })),
    ),
    gauge(
      "last_run_calls",
      "Calls to Okta in the last run of this kind, by endpoint.",
      runs.flatMap(({ labels, run }) => callSamples(labels, run)),
    ),
    gauge(
      "last_run_changes",
      "Changes that the last run of this kind found, by how they were found.",
      runs.flatMap(({ labels, run }) =>
        Object.entries(run.changes).map(([source, value]) => ({ labels: { ...labels, source }, value })),
      ),
    ),
    gauge(
      "current_run_calls",
      "Calls to Okta in the current run so far, by endpoint.",
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
      "Assets whose newest event the sink has not received yet; above 10,000 an upper bound.",
      eachSink((sink) => sink.lag_events),
    ),
    gauge(
      "sink_lag_seconds",
      "How long the oldest event that the sink has not received has been waiting.",
      eachSink((sink) => sink.lag_seconds),
    ),
    gauge(
      "sink_dead_letters",
      "Dead letters: events that the sink refuses to accept.",
      eachSink((sink) => sink.dead_letters),
    ),
    gauge(
      "sink_state",
      "1 for the state that the sink is in, 0 for the others.",
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

/** Both streams of a connection share its buckets, so each bucket is reported once. */
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
      "Calls that Okta allows per window, for all applications together.",
      eachBucket(({ limit }) => limit),
    ),
    gauge(
      "rate_limit_remaining",
      "Calls that all applications together have left in the window.",
      eachBucket(({ remaining }) => remaining),
    ),
    gauge(
      "rate_limit_share_ratio",
      "The largest part of the limit that the connector uses, from 0 to 1.",
      eachBucket(({ share }) => share),
    ),
    gauge(
      "rate_limit_backing_off",
      "1 while the connector makes no calls in this bucket because Okta refused one.",
      eachBucket(({ backing_off_until }) => (backing_off_until === null ? 0 : 1)),
    ),
  ];
};

/** What the checks of posture counted at the end of each stream's last successful run. */
export const postureMetrics = (
  points: readonly { readonly labels: Labels; readonly point: PosturePoint }[],
): readonly MetricFamily[] => {
  const eachCheck = (value: (counts: CheckCounts) => number): Sample[] =>
    points.flatMap(({ labels, point }) =>
      postureChecks.flatMap(({ id, severity }): Sample[] => {
        const counts = point.checks[id];
        return counts === undefined
          ? []
          : [{ labels: { ...labels, check: id, severity }, value: value(counts) }];
      }),
    );
  return [
    gauge(
      "posture_count",
      "Assets of which this check of posture is true, those that are excepted left out.",
      eachCheck(({ count }) => count),
    ),
    gauge(
      "posture_unknown",
      "Assets of which an unknown fact leaves this check open.",
      eachCheck(({ unknown }) => unknown),
    ),
    gauge(
      "posture_excepted",
      "Assets of which this check is true and that POSTURE_EXCEPTIONS excepts.",
      eachCheck(({ excepted }) => excepted),
    ),
    gauge(
      "posture_population",
      "Assets that this check is about.",
      eachCheck(({ population }) => population),
    ),
    gauge(
      "posture_timestamp_seconds",
      "When the checks were counted: at the end of a run.",
      points.map(({ labels, point }) => ({ labels, value: point.at / 1000 })),
    ),
  ];
};

/** All metrics that the status documents contain. They are gauges: states, not counts since some start. */
export const statusMetrics = (statuses: readonly StreamStatus[]): readonly MetricFamily[] => [
  ...stateMetrics(statuses),
  ...assetMetrics(statuses),
  ...runMetrics(statuses),
  ...sinkMetrics(statuses),
  ...bucketMetrics(statuses),
];
