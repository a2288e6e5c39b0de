import type { RunDocument, StreamStatus } from "../../src/contract/status.ts";
import type { StreamName } from "../../src/contract/streams.ts";

export const runOf = (changes: Partial<RunDocument> = {}): RunDocument => ({
  id: "run-1",
  kind: "full",
  cause: "first",
  state: "done",
  phase: "factors",
  started_at: "2025-01-15T10:00:00.000Z",
  finished_at: "2025-01-15T10:00:12.000Z",
  progress: 1,
  eta_seconds: null,
  calls: { made: 3, predicted: 6, by_endpoint: { "GET /api/v1/users": 1, "GET /api/v1/groups": 2 } },
  changes: { log: 0, search: 0, rolling: 0, full: 2, deleted: 0, still_there: 0 },
  error: null,
  ...changes,
});

/** A stream after a complete first run, with changes. */
export const statusOf = (stream: StreamName, changes: Partial<StreamStatus> = {}): StreamStatus => ({
  connection: "default",
  stream,
  inventory: "the-inventory",
  state: "idle",
  detail: null,
  org_id: "00o1",
  attention: [],
  run: null,
  delta: null,
  current_as_of: "2025-01-15T02:00:00.000Z",
  next_delta_at: "2025-01-15T10:15:00.000Z",
  last_hook_at: null,
  last_full: runOf(),
  last_delta: null,
  assets: { total: 1000, deleted: 0, quarantined: 0, unknown: {} },
  held_deletions: 0,
  head: 1000,
  sinks: [],
  rate_limits: [],
  ...changes,
});
