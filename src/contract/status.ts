/** The public contract's documents of streams, runs and sinks. Times are ISO 8601 in UTC. */
import * as z from "zod";
import { rateLimitSchema } from "./rate-limit.ts";
import { streamNameSchema } from "./streams.ts";

export const runKindSchema = z.enum(["full", "delta"]);
export type RunKind = z.infer<typeof runKindSchema>;

export const runCauseSchema = z.enum(["cron", "request", "hook", "first", "gap"]).meta({
  description:
    "Why the run began: a cron, a request, an event hook, the first run ever, or something that was missed: a gap in " +
    "the System Log, or groups that Okta had refused to show.",
});
export type RunCause = z.infer<typeof runCauseSchema>;

export const runStateSchema = z.enum(["running", "done", "failed", "cancelled", "held"]).meta({
  description: "`held`: everything is done except the deletions, which wait for a person.",
});
export type RunState = z.infer<typeof runStateSchema>;

const isoTime = z.iso.datetime();
const count = z.number().int();
const sequence = z.number().int();

/** What a run waits for or failed on. */
export const runErrorSchema = z.object({
  code: z.string(),
  message: z.string(),
  phase: z.string().nullable().meta({ description: "The phase that failed." }),
  at: isoTime,
  remedy: z
    .string()
    .optional()
    .meta({ description: "What to do about it; left out when there is nothing to do but to wait." }),
});

/** One run. */
export const runSchema = z.object({
  id: z.string(),
  kind: runKindSchema.meta({
    description: "`full` reads everything; `delta` reads only what changed since the last run.",
  }),
  cause: runCauseSchema,
  state: runStateSchema,
  phase: z.string().meta({
    description:
      "The current phase, or the last one: `log`, `groups`, `group_roles`, `assignees`, `memberships`, `users`, " +
      "`user_groups`, `admin_roles`, `factors`, `devices`, `searches`, `refetch`, `rolling` or `deletions`.",
  }),
  started_at: isoTime,
  finished_at: isoTime.nullable().meta({ description: "Null while the run is in progress." }),
  progress: z.number().min(0).max(1).meta({
    description: "The part of the predicted calls that has been made, from 0 to 1; 0 without a prediction.",
  }),
  eta_seconds: count.nullable().meta({
    description:
      "Estimated seconds until the run ends, from its pace so far or else from the rate limits; null when there is " +
      "nothing to base an estimate on.",
  }),
  calls: z
    .object({
      made: count,
      predicted: count
        .nullable()
        .meta({ description: "Calls of the whole run; null until enough is known about the org." }),
      by_endpoint: z.record(z.string(), count),
    })
    .meta({ description: "Calls to Okta." }),
  changes: z
    .object({
      log: count.meta({ description: "Found in the System Log." }),
      search: count.meta({ description: "Found by searching for what Okta updated since the last run." }),
      rolling: count.meta({ description: "Found by reading the oldest facts again." }),
      full: count.meta({ description: "Found in the complete list." }),
      deleted: count.meta({ description: "Assets that no longer exist in Okta." }),
      still_there: count.meta({
        description:
          "Assets that a list left out, or that the log told as deleted, and that Okta still has by their ids.",
      }),
    })
    .meta({ description: "New and changed data, by how the run found it." }),
  error: runErrorSchema.nullable().meta({
    description:
      "Why the run waits or failed, null once a step succeeds again; or what a full run that is done could not read at " +
      "all. `incomplete`: an outage kept a delta run from reading all that it was to read; the next one reads it.",
  }),
});
export type RunDocument = z.infer<typeof runSchema>;

/** How far a stream's delivery to one sink has come. */
export const sinkStatusSchema = z.object({
  name: z.string(),
  type: z.string(),
  state: z.enum(["ok", "retrying", "stopped"]).meta({
    description:
      "`retrying` recovers by itself; `stopped` needs a person, and `last_error` says why. Delivery is retried in " +
      "both states.",
  }),
  position: sequence.meta({
    description:
      "The cursor: every event up to this sequence number has been delivered, is a dead letter, or was not taken and is " +
      "about to be tried again.",
  }),
  lag_events: count.meta({
    description:
      "How many assets have an event that is still to be delivered. More than 10,000 are not always counted: then it is " +
      "an upper bound.",
  }),
  lag_seconds: count.meta({ description: "How many seconds the oldest of these events has waited." }),
  last_error: z
    .string()
    .nullable()
    .meta({ description: "The most recent failure; null once a delivery succeeds." }),
  next_try_at: isoTime
    .nullable()
    .meta({ description: "When delivery is tried again after a failure; null when no retry is pending." }),
  dead_letters: count.meta({ description: "Events that the sink refused permanently." }),
});
export type SinkStatusDocument = z.infer<typeof sinkStatusSchema>;

/** What a sink tells its stream besides. Sinks of version 0.1.0 do not. */
export interface SinkReport extends SinkStatusDocument {
  /** Stopped because the receiver refuses whatever it is sent. */
  readonly refusing?: boolean;
  /** How many events before the position have not arrived, and are about to be tried again. */
  readonly set_aside?: number;
  /** Since when it fails, ms since the epoch; absent while it does not. */
  readonly stopped_since?: number;
  /** When its first dead letter became one, ms since the epoch; absent without any. */
  readonly dead_since?: number;
}

export const streamStateSchema = z
  .enum(["idle", "running", "backing_off", "held", "failed", "unavailable"])
  .meta({
    description:
      "`backing_off`: waits after a failure and continues by itself; `held`: waits for a person, `attention` says why; " +
      "`unavailable`: cannot work with this org or credential, such as devices in a Classic Engine org.",
  });

export const attentionCodeSchema = z.enum([
  "misconfigured",
  "quota_exhausted",
  "org_changed",
  "credential_rejected",
  "permission_lost",
  "stale",
  "deletions_held",
  "sink_stopped",
  "sink_refusing",
  "dead_letters",
  "hooks_silent",
]);
export type AttentionCode = z.infer<typeof attentionCodeSchema>;

/** Something that needs a person. */
export const attentionSchema = z.object({
  code: attentionCodeSchema.meta({
    description:
      "`misconfigured`: the settings are invalid; `quota_exhausted`: a daily quota of Cloudflare's is used up; `org_changed`: another Okta org answers at the base URL; " +
      "`credential_rejected`: Okta refuses the credential; `permission_lost`: Okta refuses to show a kind of fact; `stale`: no run has succeeded for two hours; " +
      "`deletions_held`: deletions wait for a confirmation; `sink_stopped`: a sink waits for a person, or has failed for ten minutes; `sink_refusing`: a " +
      "receiver refuses every event; `dead_letters`: events that a receiver does not take; `hooks_silent`: event hooks used to come, and none has come for " +
      "a day.",
  }),
  severity: z.enum(["error", "warning"]),
  detail: z.string().meta({ description: "What is wrong." }),
  remedy: z.string().meta({ description: "What to do about it." }),
  since: isoTime,
});
export type Attention = z.infer<typeof attentionSchema>;

/** The status of one stream of one connection. */
export const streamStatusSchema = z.object({
  connection: z.string().meta({ description: "The connection's id." }),
  stream: streamNameSchema,
  inventory: z.string().meta({
    description:
      "The inventory's identity, a random id. It changes when the inventory begins anew; a sequence number belongs to " +
      "one inventory.",
  }),
  state: streamStateSchema,
  detail: z
    .string()
    .nullable()
    .meta({ description: "A sentence about the state; null when there is nothing to add." }),
  org_id: z.string().nullable().meta({
    description: "Okta's id of the org whose inventory this is; null until the org has told it.",
  }),
  attention: z.array(attentionSchema).meta({
    description: "What needs a person, the most urgent first; empty when nothing does.",
  }),
  run: runSchema.nullable(),
  delta: runSchema.nullable(),
  current_as_of: isoTime.nullable().meta({
    description:
      "Everything that Okta's log had told by then is in the inventory; null before the first full run has ended.",
  }),
  next_delta_at: isoTime.nullable().meta({ description: "When the next delta run is due." }),
  last_hook_at: isoTime.nullable().meta({
    description:
      "When the last event hook came that named something of this stream, to the minute; null if none came.",
  }),
  last_full: runSchema.nullable(),
  last_delta: runSchema.nullable(),
  assets: z.object({
    total: count.meta({ description: "Assets that exist in Okta." }),
    deleted: count.meta({ description: "Assets deleted in the last 30 days, which are still kept." }),
    quarantined: count.meta({
      description: "Okta records that could not be read and were skipped.",
    }),
    unknown: z.record(z.string(), count).meta({
      description:
        "Number of users for whom a fact is unknown, by fact: `factors`, `groups`, `roles`. A fact that is known for " +
        "every user is left out.",
    }),
  }),
  held_deletions: count.meta({
    description: "Assets that are missing from Okta's list and whose deletion waits for a person.",
  }),
  head: sequence.meta({
    description:
      "The greatest sequence number; 0 while there is none. A client that has read up to it has everything. The numbers " +
      "of an inventory begin at its creation time in µs, so that they are above those of any inventory before it; " +
      "inventories that version 0.1.0 created began at 1.",
  }),
  sinks: z.array(sinkStatusSchema),
  rate_limits: z.array(rateLimitSchema).meta({
    description: "What is known about Okta's rate limits, for the whole connection.",
  }),
});
export type StreamStatus = z.infer<typeof streamStatusSchema>;
