/** Whole inventories, written part by part for a sink that keeps them. */
import type { StoredEvent } from "../contract/stream-api.ts";
import { retry, type SnapshotWriter } from "./sink.ts";
import { largestPage, postponed, type SliceTools, saveFailure } from "./slice-tools.ts";
import { recovered } from "./state.ts";
import type { SnapshotProgress } from "./store.ts";

/** The beginning of a snapshot. @param now ms since the epoch */
export const newSnapshot = (runId: string, now: number): SnapshotProgress => ({
  runId,
  startedAt: now,
  part: 1,
  after: 0,
  events: 0,
  nextRunId: null,
});

/**
 * The snapshot to write once the inventory has begun anew: what was written of the former one has no end, and the next
 * run's comes instead, if there is one. Null: none. @param now ms since the epoch
 */
export const restarted = (progress: SnapshotProgress, now: number): SnapshotProgress | null => {
  if (progress.nextRunId !== null) return newSnapshot(progress.nextRunId, now);
  return progress.part === 1 ? progress : null;
};

/** The pages of one part, and where they have led. */
class Part {
  after: number;
  events: number;
  /** Whether the stream's head is reached. */
  complete = false;
  /** Whether the part ends early because the stream could not give more events. */
  isSettling = false;
  readonly #tools: SliceTools;
  readonly #size: number;

  constructor(tools: SliceTools, { after, events }: SnapshotProgress, size: number) {
    this.#tools = tools;
    this.#size = size;
    this.after = after;
    this.events = events;
  }

  async *pages(): AsyncGenerator<readonly StoredEvent[]> {
    for (let left = this.#size; left > 0 && !this.complete; ) {
      const page = await this.#tools.readAssets(this.after, Math.min(largestPage, left));
      if (page.settling === true) {
        this.isSettling = true;
        return;
      }
      const { events, last, head } = page;
      left -= events.length;
      this.events += events.length;
      this.after = last;
      this.complete = events.length === 0 || last >= head;
      if (events.length > 0) yield events;
    }
  }
}

/** Writes one part and commits it. @returns whether the slice may continue with the next. */
const writePart = async (
  tools: SliceTools,
  writer: SnapshotWriter,
  progress: SnapshotProgress,
): Promise<boolean> => {
  const { store } = tools;
  const { runId, startedAt, part } = progress;
  const written = new Part(tools, progress, writer.eventsPerPart);
  let outcome = await writer.writePart({ runId, startedAt, part }, written.pages());
  if (outcome.kind === "accepted" && written.complete) {
    outcome = await writer.finish({ runId, startedAt, part }, { parts: part, events: written.events });
  }
  if (!tools.isCurrent()) return false;
  if (outcome.kind !== "accepted") {
    const error = "error" in outcome ? outcome.error : null;
    if (error !== null) saveFailure(tools, retry(error));
    return false;
  }
  store.saveState(recovered(store.state()));
  // A run may have asked for the next one while this part was written.
  const { nextRunId } = store.snapshot() ?? progress;
  const { after, events } = written;
  if (!written.complete) {
    // A part without events is written again.
    const next = events > progress.events ? part + 1 : part;
    store.saveSnapshot({ ...progress, part: next, after, events, nextRunId });
    if (written.isSettling) return postponed(tools);
  } else store.saveSnapshot(nextRunId === null ? null : newSnapshot(nextRunId, tools.now()));
  return true;
};

/** Writes as much of the snapshot that is asked for as the slice has room for. */
export const writeSnapshot = async (tools: SliceTools): Promise<void> => {
  const { store, snapshots } = tools;
  let progress = store.snapshot();
  while (progress !== null && tools.isCurrent() && tools.mayGoOn()) {
    if (snapshots === null) return store.saveSnapshot(null);
    if (!(await writePart(tools, snapshots, progress))) return;
    progress = store.snapshot();
  }
};
