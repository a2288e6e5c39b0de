import type { RateLimitDocument } from "../contract/rate-limit.ts";
import type { SinkStatusDocument, StreamStatus } from "../contract/status.ts";
import type { StreamName } from "../contract/streams.ts";
import type { AssetCounts, Assets } from "../inventory/assets.ts";
import type { Inventory } from "../inventory/inventory.ts";
import type { StreamDefinition } from "../streams/definition.ts";
import { etaSeconds } from "./eta.ts";
import { type Run, runDocument } from "./run.ts";
import type { Runs } from "./store.ts";

type StreamState = StreamStatus["state"];

const count = (n: number, what: string): string => `${n.toLocaleString("en")} ${what}${n === 1 ? "" : "s"}`;

/** The stream's state, as a word and as a sentence. Pure. */
export const streamState = (
  facts: { current: Run | null; last: Run | null; held: number },
  now: number,
): { state: StreamState; detail: string | null } => {
  const { current, last, held } = facts;
  if (current !== null) {
    const waiting = current.resumeAt !== null && current.resumeAt > now;
    const until = waiting ? new Date(current.resumeAt ?? now).toISOString() : "";
    if (current.error !== null && waiting) {
      return {
        state: "backing_off",
        detail: `${current.error.message} (${current.error.code}). Continues at ${until}.`,
      };
    }
    return {
      state: "running",
      detail: waiting
        ? `Waiting for the rate limit until ${until}, so that other applications keep their share.`
        : null,
    };
  }
  if (held > 0) {
    return {
      state: "held",
      detail: `Okta's list came back with ${count(held, "known asset")} missing, more than DELETION_GUARD lets the connector delete without confirmation. Nothing was deleted. If they really no longer exist, confirm with POST …/deletions/confirm; otherwise check the credential and start a full run.`,
    };
  }
  if (last?.state === "failed" && last.error !== null) {
    const state = last.error.code === "unavailable" ? "unavailable" : "failed";
    return { state, detail: last.error.message };
  }
  return { state: "idle", detail: null };
};

/** The stream's status as the public contract shows it. */
export const statusDocument = (parts: {
  connection: string;
  stream: StreamName;
  definition: StreamDefinition;
  inventory: Inventory;
  runs: Runs;
  rateLimits: readonly RateLimitDocument[];
  sinks: readonly SinkStatusDocument[];
  now: number;
}): StreamStatus => {
  const { definition, inventory, runs, now, stream } = parts;
  const current = runs.current();
  const history = runs.history();
  const held = inventory.sweeps.absentees().waiting;
  const counts = inventory.assets.counts();
  const newest = (kind: Run["kind"]) => {
    const run = history.find((candidate) => candidate.kind === kind);
    return run ? runDocument(run, null) : null;
  };
  return {
    connection: parts.connection,
    stream,
    inventory: inventory.id,
    ...streamState({ current, last: history[0] ?? null, held }, now),
    run: current && runDocument(current, eta(current, parts.rateLimits, now)),
    last_full: newest("full"),
    last_delta: newest("delta"),
    assets: {
      ...counts,
      quarantined: inventory.quarantine.count(),
      unknown: { ...definition.store.unknownFacts(inventory) },
    },
    held_deletions: held,
    head: inventory.assets.head,
    sinks: parts.sinks.map((sink) => withLag(sink, inventory.assets, counts)),
    rate_limits: [...parts.rateLimits],
  };
};

/** The sink's status with the number of assets to deliver, which the stream alone knows; sinks compare numbers only. */
const withLag = (sink: SinkStatusDocument, assets: Assets, counts: AssetCounts): SinkStatusDocument => {
  if (sink.lag_events === 0 && !assets.renumbering.isUnfinished) return sink;
  const lag = assets.countAfter(sink.position, counts.total + counts.deleted);
  return { ...sink, lag_events: lag, lag_seconds: lag === 0 ? 0 : sink.lag_seconds };
};

const eta = (run: Run, limits: readonly RateLimitDocument[], now: number): number | null => {
  if (run.calls.predicted === null) return null;
  const left = Math.max(0, run.calls.predicted - run.calls.made);
  return etaSeconds(left, { made: run.calls.made, elapsedMs: now - run.startedAt }, limits);
};
