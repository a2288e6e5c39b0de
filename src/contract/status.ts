/** The status documents of the public contract, and what they are made of. Times are ISO 8601 in UTC. */
import * as z from "zod";
import { rateLimitSchema } from "./rate-limit.ts";
import { streamNameSchema } from "./streams.ts";

export const runKindSchema = z.enum(["full", "delta"]);
export type RunKind = z.infer<typeof runKindSchema>;

export const runCauseSchema = z.enum(["cron", "request", "first", "gap"]).meta({
  description: "Why it began: the cron, a request, the first run ever, or a gap in the System Log.",
});
export type RunCause = z.infer<typeof runCauseSchema>;

export const runStateSchema = z.enum(["running", "done", "failed", "cancelled", "held"]).meta({
  description: "`held` is done but for deletions, which wait for a person.",
});
export type RunState = z.infer<typeof runStateSchema>;

const isoTime = z.iso.datetime();
const count = z.number().int();
const sequence = z.number().int();

export const runErrorSchema = z.object({
  code: z.string(),
  message: z.string(),
  phase: z.string().nullable().meta({ description: "The phase that failed." }),
  at: isoTime,
});

export const runSchema = z.object({
  id: z.string(),
  kind: runKindSchema.meta({
    description: "`full` reads everything; `delta` reads what changed since the last run.",
  }),
  cause: runCauseSchema,
  state: runStateSchema,
  phase: z.string().meta({
    description:
      "What it is doing, or did last: `log`, `groups`, `group_roles`, `assignees`, `memberships`, `users`, " +
      "`user_groups`, `admin_roles`, `factors`, `devices`, `searches`, `refetch`, `rolling` or `deletions`.",
  }),
  started_at: isoTime,
  finished_at: isoTime.nullable().meta({ description: "Null while it is on." }),
  progress: z.number().min(0).max(1).meta({ description: "From 0 to 1, by calls made of those predicted." }),
  eta_seconds: count.nullable().meta({
    description:
      "Seconds until it is done, by its pace so far and the rate limits; null without a ground to tell.",
  }),
  calls: z
    .object({
      made: count,
      predicted: count
        .nullable()
        .meta({ description: "Of the whole run; null until enough is known of the org." }),
      by_endpoint: z.record(z.string(), count),
    })
    .meta({ description: "Calls to Okta." }),
  changes: z
    .object({
      log: count.meta({ description: "Found through the System Log." }),
      search: count.meta({ description: "Found by searching for what Okta updated since the last run." }),
      rolling: count.meta({ description: "Found by reading again what was read longest ago." }),
      full: count.meta({ description: "Found by listing everything." }),
      deleted: count.meta({ description: "Assets that are gone from Okta." }),
    })
    .meta({ description: "What it found to be new or different, by how it came to light." }),
  error: runErrorSchema
    .nullable()
    .meta({ description: "Why it waits or failed; null once something succeeds again." }),
});
export type RunDocument = z.infer<typeof runSchema>;

export const sinkStatusSchema = z.object({
  name: z.string(),
  type: z.string(),
  state: z.enum(["ok", "retrying", "stopped"]).meta({
    description:
      "`retrying` goes on by itself; `stopped` needs a person: `last_error` says for what. Both are tried again.",
  }),
  position: sequence.meta({
    description: "The cursor: every event up to this sequence number has arrived or is a dead letter.",
  }),
  lag_events: count.meta({
    description: "`head` less `position`: no more events than this are still to arrive.",
  }),
  lag_seconds: count.meta({ description: "For how many seconds the oldest of them has waited." }),
  last_error: z
    .string()
    .nullable()
    .meta({ description: "The newest failure; null once a delivery succeeds." }),
  next_try_at: isoTime.nullable().meta({ description: "Null when nothing failed." }),
  dead_letters: count.meta({ description: "Events that the sink refused for good." }),
});
export type SinkStatusDocument = z.infer<typeof sinkStatusSchema>;

export const streamStateSchema = z
  .enum(["idle", "running", "backing_off", "held", "failed", "unavailable"])
  .meta({
    description:
      "`backing_off` waits after a failure and goes on by itself; `held` has deletions that wait for a person; " +
      "`unavailable` cannot work with this org or credential, such as devices on a Classic org.",
  });

export const streamStatusSchema = z.object({
  connection: z.string().meta({ description: "The connection's id." }),
  stream: streamNameSchema,
  state: streamStateSchema,
  detail: z
    .string()
    .nullable()
    .meta({ description: "The state in a sentence; null when there is nothing to add." }),
  run: runSchema.nullable(),
  last_full: runSchema.nullable(),
  last_delta: runSchema.nullable(),
  assets: z.object({
    total: count.meta({ description: "Those that exist in Okta." }),
    deleted: count.meta({ description: "Those deleted in the last 30 days, which are still kept." }),
    quarantined: count.meta({
      description: "Records of Okta's that could not be read and were passed over.",
    }),
    unknown: z.record(z.string(), count).meta({
      description:
        "How many users have this fact unknown: `factors`, `groups`, `roles`. A fact known of all is left out.",
    }),
  }),
  held_deletions: count.meta({
    description: "Assets missing from Okta's list whose deletion waits for a person.",
  }),
  head: sequence.meta({
    description: "The greatest sequence number: whoever has read up to it has everything.",
  }),
  sinks: z.array(sinkStatusSchema),
  rate_limits: z.array(rateLimitSchema).meta({
    description: "What is known of Okta's rate limits, of the whole connection.",
  }),
});
export type StreamStatus = z.infer<typeof streamStatusSchema>;
