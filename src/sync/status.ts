/** The status documents of the public contract, and what they are made of. Times are ISO 8601 in UTC. */
import * as z from "zod";

export const streamNames = ["users", "devices"] as const;
export const streamNameSchema = z.enum(streamNames);
export type StreamName = z.infer<typeof streamNameSchema>;

export const runKindSchema = z.enum(["full", "delta"]);
export type RunKind = z.infer<typeof runKindSchema>;

/** Why a run began: cron, a request, the first ever, a gap in the System Log, or a dropped alarm revived. */
export const runCauseSchema = z.enum(["cron", "request", "first", "gap", "watchdog"]);
export type RunCause = z.infer<typeof runCauseSchema>;

export const runStateSchema = z.enum(["running", "done", "failed", "cancelled", "held"]);
export type RunState = z.infer<typeof runStateSchema>;

const isoTime = z.iso.datetime();

export const runErrorSchema = z.object({
  code: z.string(),
  message: z.string(),
  /** The phase that failed. */
  phase: z.string().nullable(),
  at: isoTime,
});

export const runSchema = z.object({
  id: z.string(),
  kind: runKindSchema,
  cause: runCauseSchema,
  state: runStateSchema,
  phase: z.string(),
  started_at: isoTime,
  finished_at: isoTime.nullable(),
  progress: z.number().min(0).max(1),
  eta_seconds: z.number().int().nullable(),
  calls: z.object({
    made: z.number().int(),
    predicted: z.number().int().nullable(),
    by_endpoint: z.record(z.string(), z.number().int()),
  }),
  changes: z.object({
    log: z.number().int(),
    search: z.number().int(),
    rolling: z.number().int(),
    full: z.number().int(),
    deleted: z.number().int(),
  }),
  error: runErrorSchema.nullable(),
});
export type RunDocument = z.infer<typeof runSchema>;

export const rateLimitSchema = z.object({
  bucket: z.string(),
  limit: z.number().int().nullable(),
  remaining: z.number().int().nullable(),
  share: z.number(),
  resets_at: isoTime.nullable(),
  backing_off_until: isoTime.nullable(),
});
export type RateLimitDocument = z.infer<typeof rateLimitSchema>;

export const sinkStatusSchema = z.object({
  name: z.string(),
  type: z.string(),
  state: z.enum(["ok", "retrying", "stopped"]),
  position: z.number().int(),
  lag_events: z.number().int(),
  lag_seconds: z.number().int(),
  last_error: z.string().nullable(),
  next_try_at: isoTime.nullable(),
  dead_letters: z.number().int(),
});
export type SinkStatusDocument = z.infer<typeof sinkStatusSchema>;

export const streamStateSchema = z.enum(["idle", "running", "backing_off", "held", "failed", "unavailable"]);

export const streamStatusSchema = z.object({
  connection: z.string(),
  stream: streamNameSchema,
  state: streamStateSchema,
  /** The state in a sentence, null when there is nothing to add. */
  detail: z.string().nullable(),
  run: runSchema.nullable(),
  last_full: runSchema.nullable(),
  last_delta: runSchema.nullable(),
  assets: z.object({
    total: z.number().int(),
    deleted: z.number().int(),
    quarantined: z.number().int(),
    /** How many assets have this fact unknown, by fact. */
    unknown: z.record(z.string(), z.number().int()),
  }),
  held_deletions: z.number().int(),
  head: z.number().int(),
  sinks: z.array(sinkStatusSchema),
  rate_limits: z.array(rateLimitSchema),
});
export type StreamStatus = z.infer<typeof streamStatusSchema>;
