import type { RateLimitDocument } from "../contract/rate-limit.ts";
import type { Attention, SinkReport, SinkStatusDocument, StreamStatus } from "../contract/status.ts";
import type { StreamName } from "../contract/streams.ts";
import type { AssetCounts, Assets } from "../inventory/assets.ts";
import type { Inventory } from "../inventory/inventory.ts";
import { timeInWords } from "../lib/when.ts";
import type { WaitReason } from "../okta/wait-reason.ts";
import type { StreamDefinition } from "../streams/definition.ts";
import { etaSeconds } from "./eta.ts";
import type { OrgIdentity } from "./org-identity.ts";
import { type Run, type RunError, runDocument } from "./run.ts";
import { nextDeltaAt, type Schedule } from "./schedule.ts";
import type { Runs } from "./store.ts";

/** A credential that Okta has refused for so long is not going to work again by itself, ms. */
const REJECTED_FOR_GOOD_MS = 10 * 60_000;

type StreamState = StreamStatus["state"];

/** What a run waits for that has no permit: the end of the sentence "Waiting until …". By the gate's reason. */
const waitsFor: Readonly<Record<WaitReason, string>> = {
  share: "for the next window of the rate limit, so that look-ups and other applications keep their share",
  unaccounted:
    "to find out whether Okta has counted calls that were interrupted or not answered, because they may have used up this window's part of the rate limit",
  backoff: "because Okta has answered that there were too many calls",
  in_flight: "for calls that are under way, because they may use up this window's part of the rate limit",
  learning: "for the first answer that tells how large the rate limit is",
  in_line: "for look-ups and delta runs, which go first",
};

/** A wait that is over sooner than anybody has read about it, ms. */
const UNNOTICED_MS = 1_000;

/** Why a run without an error waits; null if it hardly does. */
const waitSentence = ({ resumeAt, waitingFor }: Run, now: number): string | null => {
  if (resumeAt === null || resumeAt - now <= UNNOTICED_MS) return null;
  // A run that a later version has stored may wait for something that this one does not know.
  const what =
    waitingFor !== undefined && Object.hasOwn(waitsFor, waitingFor)
      ? waitsFor[waitingFor]
      : "for Okta's rate limit";
  return `Waiting until ${timeInWords(resumeAt, now)} ${what}.`;
};

/** What to do about an error, to be added to what it says. @param end what to put before it */
const remedyIn = ({ remedy }: RunError, end = ""): string => (remedy === undefined ? "" : `${end} ${remedy}`);

/** The stream's state, as a word and as a sentence. Pure. */
export const streamState = (
  facts: { current: Run | null; last: Run | null; attention: readonly Attention[] },
  now: number,
): { state: StreamState; detail: string | null } => {
  const { current, last, attention } = facts;
  const said = (code: Attention["code"]): string | null => {
    const need = attention.find((one) => one.code === code);
    return need === undefined ? null : `${need.detail} ${need.remedy}`;
  };
  const orgChanged = said("org_changed");
  if (orgChanged !== null) return { state: "held", detail: orgChanged };
  const rejected = attention.find(({ code }) => code === "credential_rejected");
  if (rejected !== undefined && now - Date.parse(rejected.since) >= REJECTED_FOR_GOOD_MS) {
    return { state: "failed", detail: said("credential_rejected") };
  }
  if (current !== null) {
    const waiting = current.resumeAt !== null && current.resumeAt > now;
    const until = timeInWords(current.resumeAt ?? now, now);
    if (current.error !== null && waiting) {
      return {
        state: "backing_off",
        detail: `${current.error.message} (${current.error.code}). Continues at ${until}.${remedyIn(current.error)}`,
      };
    }
    return {
      state: "running",
      detail: waiting ? waitSentence(current, now) : null,
    };
  }
  const deletionsHeld = said("deletions_held");
  if (deletionsHeld !== null) return { state: "held", detail: deletionsHeld };
  if (last?.state === "failed" && last.error !== null) {
    const state = last.error.code === "unavailable" ? "unavailable" : "failed";
    return { state, detail: `${last.error.message}${remedyIn(last.error, ".")}` };
  }
  // The last run has given up part of its work.
  const given = last?.error ?? null;
  return { state: "idle", detail: given && `${given.message} (${given.code}).${remedyIn(given)}` };
};

/** The stream's status as the public contract shows it. */
export const statusDocument = (parts: {
  connection: string;
  stream: StreamName;
  definition: StreamDefinition;
  inventory: Inventory;
  runs: Runs;
  rateLimits: readonly RateLimitDocument[];
  sinks: readonly SinkReport[];
  schedule: Schedule;
  org: OrgIdentity | null;
  attention: readonly Attention[];
  /** ms since the epoch; null if none came */
  lastHookAt: number | null;
  now: number;
}): StreamStatus => {
  const { definition, inventory, runs, schedule, now, stream } = parts;
  const full = runs.current("full");
  const delta = runs.current("delta");
  const current = full ?? delta;
  const history = runs.history();
  const held = inventory.sweeps.absentees().waiting;
  const facets = inventory.facets.totals();
  const counts = inventory.assets.counts(facets);
  const newest = (kind: Run["kind"]) => {
    const run = history.find((candidate) => candidate.kind === kind);
    return run ? runDocument(run, null) : null;
  };
  return {
    connection: parts.connection,
    stream,
    inventory: inventory.id,
    ...streamState({ current, last: history[0] ?? null, attention: parts.attention }, now),
    org_id: parts.org?.id ?? null,
    attention: [...parts.attention],
    run: current && runDocument(current, eta(current, parts.rateLimits, now)),
    delta: full && delta && runDocument(delta, null),
    current_as_of: iso(schedule.currentAsOf ?? null),
    next_delta_at: iso(nextDeltaAt(now)),
    last_hook_at: iso(parts.lastHookAt),
    last_full: newest("full"),
    last_delta: newest("delta"),
    assets: {
      ...counts,
      quarantined: inventory.quarantine.count(),
      unknown: { ...definition.store.unknownFacts(inventory, facets) },
    },
    held_deletions: held,
    head: inventory.assets.head,
    sinks: parts.sinks.map((sink) => withLag(sink, inventory.assets, counts)),
    rate_limits: [...parts.rateLimits],
  };
};

const iso = (ms: number | null): string | null => (ms === null ? null : new Date(ms).toISOString());

/** The sink's status with the number of assets to deliver, which the stream alone knows; sinks compare numbers only. */
const withLag = (report: SinkReport, assets: Assets, counts: AssetCounts): SinkStatusDocument => {
  const { refusing: _, set_aside: aside = 0, stopped_since: __, dead_since: ___, ...sink } = report;
  if (sink.lag_events === 0 && !assets.renumbering.isUnfinished) return sink;
  const lag = assets.countAfter(sink.position, counts.total + counts.deleted) + aside;
  return { ...sink, lag_events: lag, lag_seconds: lag === 0 ? 0 : sink.lag_seconds };
};

const eta = (run: Run, limits: readonly RateLimitDocument[], now: number): number | null => {
  if (run.calls.predicted === null) return null;
  const left = Math.max(0, run.calls.predicted - run.calls.made);
  return etaSeconds(left, { made: run.calls.made, elapsedMs: now - run.startedAt }, limits);
};
