/** The status documents with names, so that the API's description shows each once. */
import "@hono/zod-openapi";
import * as z from "zod";
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
  changes: { log: 0, search: 0, rolling: 0, full: 950, deleted: 0 },
  error: null,
};

// `.meta`, not `.openapi`: a schema that was made before @hono/zod-openapi was loaded has no `.openapi`.
export const runDocument = runSchema.meta({
  id: "Run",
  description: "One run of a stream: a full or a delta pass over the org.",
  example: exampleRun,
});

export const runsDocument = z.object({ runs: z.array(runDocument) }).openapi("Runs");

const settingProblems = settingProblemsSchema.optional().openapi({
  description:
    "Settings that are wrong and stop only a part, such as one sink. Left out when there are none.",
});

/** A union, since `.nullable()` of a named schema loses its null in the description. */
const runOrNull = z.union([runDocument, z.null()]);

export const streamDocument = streamStatusSchema
  .extend({
    run: runOrNull.meta({ description: "The run that is on; null when none is." }),
    last_full: runOrNull.meta({ description: "The newest full run that has ended, in whatever way." }),
    last_delta: runOrNull.meta({ description: "The newest delta run that has ended, in whatever way." }),
    problems: settingProblems,
  })
  .openapi("StreamStatus", {
    description: "What a stream is doing, what it holds, and where its sinks stand.",
    example: {
      connection: "default",
      stream: "users",
      state: "running",
      detail: null,
      run: exampleRun,
      last_full: null,
      last_delta: null,
      assets: { total: 950, deleted: 0, quarantined: 0, unknown: { factors: 12, roles: 950 } },
      held_deletions: 0,
      head: 1903,
      sinks: [
        {
          name: "siem",
          type: "http",
          state: "ok",
          position: 1903,
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

export const streamsDocument = z
  .object({ streams: z.array(streamDocument), problems: settingProblems })
  .openapi("Streams");
