/** The schemas of the status documents with names, so that the OpenAPI document contains each of them once. */
import "@hono/zod-openapi";
import * as z from "zod";
import { heldDeletionsSchema } from "../contract/inventory-documents.ts";
import { runSchema, streamStatusSchema } from "../contract/status.ts";
import { settingProblemsSchema } from "./problems.ts";

const exampleRun: z.infer<typeof runSchema> = {
  id: "01JHP8Q4Z6T3",
  kind: "full",
  cause: "cron",
  state: "running",
  phase: "factors",
  started_at: "2025-01-15T02:00:00.000Z",
  finished_at: null,
  progress: 0.42,
  eta_seconds: 380,
  calls: { made: 5210, predicted: 11340, by_endpoint: { "GET /api/v1/users/{id}/factors": 5000 } },
  changes: { log: 0, search: 0, rolling: 0, full: 950, deleted: 0, still_there: 0 },
  error: null,
};

// `.meta` instead of `.openapi`, which a schema lacks when it was made before @hono/zod-openapi was loaded.
export const runDocumentSchema = runSchema.meta({
  id: "Run",
  description: "One run of a stream: a full run reads everything, a delta run only what changed.",
  example: exampleRun,
});

export const runsDocumentSchema = z.object({ runs: z.array(runDocumentSchema) }).openapi("Runs");

export const heldDeletionsDocumentSchema = heldDeletionsSchema.meta({
  id: "HeldDeletions",
  example: {
    held: 1,
    known_before: 4,
    since: "2025-01-15T02:03:10.000Z",
    items: [
      {
        id: "00u1a2b3c4d5e6f7g8h9",
        name: "Jane Doe",
        login: "jane@example.com",
        status: "ACTIVE",
        last_seen_at: "2025-01-14T02:00:00.000Z",
      },
    ],
    next: null,
  },
});

const settingProblems = settingProblemsSchema.optional().openapi({
  description: "Wrong settings that affect only a part, such as one sink. Left out when there are none.",
});

/** A union, because `.nullable()` of a named schema loses its null in the OpenAPI document. */
const runOrNull = z.union([runDocumentSchema, z.null()]);

export const streamDocumentSchema = streamStatusSchema
  .extend({
    run: runOrNull.meta({
      description:
        "The full run in progress or, when there is none, the delta run; null when there is neither.",
    }),
    delta: runOrNull.meta({
      description: "The delta run in progress beside the full run in `run`; null when there is none.",
    }),
    last_full: runOrNull.meta({
      description: "The newest full run that has ended, whether or not it succeeded.",
    }),
    last_delta: runOrNull.meta({
      description: "The newest delta run that has ended, whether or not it succeeded.",
    }),
    problems: settingProblems,
  })
  .openapi("StreamStatus", {
    description: "What a stream is doing, what its inventory holds, and how far its sinks are.",
    example: {
      connection: "default",
      stream: "users",
      inventory: "0b0b7a5e-8a3c-4c0e-9f57-6d1f6f0f8a11",
      state: "running",
      detail: null,
      org_id: "00o1n8sbwArJ7OQRw406",
      attention: [],
      run: exampleRun,
      delta: null,
      current_as_of: null,
      next_delta_at: "2025-01-15T02:15:00.000Z",
      last_hook_at: "2025-01-15T01:58:00.000Z",
      last_full: null,
      last_delta: null,
      assets: { total: 950, deleted: 0, quarantined: 0, unknown: { factors: 12, roles: 950 } },
      held_deletions: 0,
      head: 1_736_906_400_001_903,
      sinks: [
        {
          name: "siem",
          type: "http",
          state: "ok",
          position: 1_736_906_400_001_903,
          lag_events: 0,
          lag_seconds: 0,
          last_error: null,
          next_try_at: null,
          dead_letters: 0,
        },
      ],
      rate_limits: [
        {
          bucket: "/api/v1/users",
          limit: 600,
          remaining: 420,
          share: 0.5,
          resets_at: "2025-01-15T02:07:00.000Z",
          backing_off_until: null,
        },
      ],
    },
  });

export const streamsDocumentSchema = z
  .object({ streams: z.array(streamDocumentSchema), problems: settingProblems })
  .openapi("Streams");
