/** One alarm's work for one sink: as many batches as the slice's budget permits, each committed by itself. */

import type { StoredEvent } from "../contract/stream-api.ts";
import type { Dialect } from "../contract/streams.ts";
import { byteLength, takeBatch } from "./batching.ts";
import { PendingEvents, type ReadEvents } from "./pending-events.ts";
import {
  afterBatch,
  afterRetry,
  afterSettling,
  caughtUp,
  type DeliveryState,
  failed,
  recovered,
  rewound,
  type Step,
  type StepContext,
} from "./progress.ts";
import type { DeliveryError, DeliveryOutcome, Sink, SnapshotWriter } from "./sink.ts";
import type { DeliveryStore, SnapshotProgress } from "./store.ts";

export interface SliceTools {
  readonly store: DeliveryStore;
  readonly sink: Sink;
  /** Null for a sink that keeps no whole inventories. */
  readonly snapshots: SnapshotWriter | null;
  readonly dialect: Dialect;
  readonly events: ReadEvents;
  /** Ms since the epoch. */
  readonly now: () => number;
  readonly random: () => number;
  /** Whether there is room for one more request in this slice. */
  readonly mayGoOn: () => boolean;
  /** Turns false when the cursor was moved or the sink retired meanwhile: then nothing more is written. */
  readonly isCurrent: () => boolean;
}

/** A page of the inventory is at most so many events (StreamApi.events). */
const largestPage = 500;

/** Splunk asks for patience: acknowledgements are polled ever more seldom. */
const acknowledgementPollMs = (waitedMs: number): number => Math.min(10_000, Math.max(1000, waitedMs / 2));

const followUpEveryMs = 30_000;
const mostFollowUpTries = 20;
const followUpsPerSlice = 3;

export const inventoryError = (thrown: unknown): DeliveryError => ({
  code: "inventory",
  status: null,
  message: `the inventory did not answer: ${thrown instanceof Error ? thrown.message.slice(0, 200) : "unknown error"}`,
});

const context = (tools: SliceTools): StepContext => ({ now: tools.now(), random: tools.random });

/** Writes what follows from an outcome. @returns whether the slice may go on. */
const commit = (tools: SliceTools, next: Step): boolean => {
  if (!tools.isCurrent()) return false;
  tools.store.commit(next, tools.now());
  return next.state.nextTryAt === null && next.state.receipt === null;
};

const stopOn = (tools: SliceTools, thrown: unknown): false => {
  if (tools.isCurrent()) {
    tools.store.saveState(failed(tools.store.state(), "retry", inventoryError(thrown), null, context(tools)));
  }
  return false;
};

/** Asks for the acknowledgement of what was sent. @returns whether the slice may go on. */
const settle = async (tools: SliceTools): Promise<boolean> => {
  const { receipt } = tools.store.state();
  if (receipt === null) return true;
  const outcome = (await tools.sink.settle?.(receipt.token)) ?? { kind: "accepted" };
  return commit(tools, afterSettling(tools.store.state(), receipt, outcome, context(tools)));
};

const oversized = (bytes: number, most: number | null): DeliveryError => ({
  code: "too_large",
  status: null,
  message: `the event is ${bytes} bytes long, and this sink takes at most ${most}`,
});

/** Sends dead letters that a person wants tried again. @returns whether the slice may go on. */
const retryDeadLetters = async (tools: SliceTools): Promise<boolean> => {
  for (;;) {
    const letter = tools.store.nextRetry();
    if (letter === null || !tools.isCurrent()) return tools.isCurrent();
    if (!tools.mayGoOn()) return true;
    let event: StoredEvent | undefined;
    try {
      const query = {
        after: letter.sequence - 1,
        limit: 1,
        dialect: tools.dialect,
        omitNulls: tools.sink.omitNulls,
      };
      [event] = (await tools.events(query)).events;
    } catch (thrown) {
      return stopOn(tools, thrown);
    }
    if (event?.sequence !== letter.sequence) {
      // The asset has a newer state, which the cursor delivers: this one is history.
      if (tools.isCurrent()) tools.store.dropDeadLetters([letter.id]);
      continue;
    }
    const { limits } = tools.sink;
    const bytes = byteLength(event.json) + limits.overheadBytes;
    const outcome =
      limits.eventBytes !== null && bytes > limits.eventBytes
        ? ({ kind: "too_large", error: oversized(bytes, limits.eventBytes) } as const)
        : await tools.sink.deliver([event]);
    if (!commit(tools, afterRetry(tools.store.state(), event, outcome, context(tools)))) return false;
  }
};

/** Delivers what lies behind the cursor. @returns whether the slice may go on. */
const deliver = async (tools: SliceTools): Promise<boolean> => {
  const { store, sink } = tools;
  const { limits } = sink;
  const start = store.state();
  const headBefore = store.head();
  const query = {
    limit: Math.min(limits.events, largestPage),
    dialect: tools.dialect,
    omitNulls: sink.omitNulls,
  };
  const pending = new PendingEvents(tools.events, query, start.position);
  let state = start;
  for (;;) {
    if (!tools.mayGoOn()) return true;
    try {
      await pending.fill(state.learnedLimit ?? limits.events);
    } catch (thrown) {
      return stopOn(tools, thrown);
    }
    if (!tools.isCurrent()) return false;
    const [first] = pending.events;
    if (first === undefined) return finish(tools, state, pending.head ?? state.position, headBefore);

    const taken = takeBatch(pending.events, sink, state);
    // A slow sink's lag must be seen while it is slow; later batches bring it along with their commits.
    if (state.behindSince === null) store.saveState({ ...state, behindSince: first.changedAt });
    state = { ...state, behindSince: first.changedAt };
    const events = taken.kind === "batch" ? taken.events : [taken.event];
    const sent: Promise<DeliveryOutcome> | DeliveryOutcome =
      taken.kind === "batch"
        ? sink.deliver(taken.events)
        : { kind: "too_large", error: oversized(taken.bytes, limits.eventBytes) };
    // The next page is made while the sink takes this batch.
    pending.prefetch(events.length + limits.events);
    const outcome = await sent;
    const next = afterBatch(state, events, outcome, context(tools));
    if (!commit(tools, next)) return false;
    state = next.state;
    pending.dropThrough(state.position);
  }
};

/** The end of the list: caught up, or thrown back to the beginning by a stream that was set up anew. */
const finish = (tools: SliceTools, state: DeliveryState, head: number, headBefore: number): boolean => {
  tools.store.transaction(() => {
    if (head < state.position) {
      tools.store.saveState(rewound(state, 0));
      tools.store.saveHead(head);
      return;
    }
    const hasMore = tools.store.nextRetry() !== null || tools.store.snapshot() !== null;
    // What was failing may have been replaced by a newer state, which arrived: nothing is left to fail.
    tools.store.saveState(caughtUp(hasMore ? state : recovered(state), head));
    // The stream's own word is the truth, unless somebody told of a later head while this slice ran.
    const told = tools.store.head();
    tools.store.saveHead(told === headBefore ? head : Math.max(head, told));
  });
  return true;
};

/** Asks what became of accepted batches. */
const followUp = async (tools: SliceTools): Promise<void> => {
  const { store, sink } = tools;
  for (const { reference, tries } of store.dueFollowUps(tools.now(), followUpsPerSlice)) {
    if (!tools.mayGoOn()) return;
    const outcome = (await sink.followUp?.(reference)) ?? { kind: "done" };
    if (!tools.isCurrent()) return;
    store.transaction(() => {
      if (outcome.kind === "waiting" && tries < mostFollowUpTries) {
        store.postponeFollowUp(reference, tools.now() + followUpEveryMs);
        return;
      }
      store.endFollowUp(reference);
      if (outcome.kind !== "waiting")
        store.saveFollowUpError(outcome.kind === "failed" ? outcome.message : null);
    });
  }
};

/** Writes the parts of a snapshot, one commit each. */
const writeSnapshot = async (tools: SliceTools): Promise<void> => {
  const writer = tools.snapshots;
  const { store } = tools;
  for (;;) {
    const progress = store.snapshot();
    if (progress === null || !tools.isCurrent() || !tools.mayGoOn()) return;
    if (writer === null) return store.saveSnapshot(null);

    let { after, events } = progress;
    let complete = false;
    const pages = async function* (): AsyncGenerator<readonly StoredEvent[]> {
      for (let count = 0; count < writer.eventsPerPart; ) {
        const limit = Math.min(largestPage, writer.eventsPerPart - count);
        const page = await tools.events({
          after,
          limit,
          dialect: tools.dialect,
          omitNulls: tools.sink.omitNulls,
        });
        count += page.events.length;
        events += page.events.length;
        after = page.last;
        complete = page.events.length === 0 || page.last >= page.head;
        if (page.events.length > 0) yield page.events;
        if (complete) return;
      }
    };
    const part = { runId: progress.runId, startedAt: progress.startedAt, part: progress.part };
    let outcome = await writer.writePart(part, pages());
    if (outcome.kind === "accepted" && complete) {
      outcome = await writer.finish(part, { parts: progress.part, events });
    }
    if (!tools.isCurrent()) return;
    if (outcome.kind !== "accepted") {
      const error = "error" in outcome ? outcome.error : null;
      if (error !== null) store.saveState(failed(store.state(), "retry", error, null, context(tools)));
      return;
    }
    store.saveState(recovered(store.state()));
    const { nextRunId } = store.snapshot() ?? progress;
    if (!complete) store.saveSnapshot({ ...progress, part: progress.part + 1, after, events, nextRunId });
    else store.saveSnapshot(nextRunId === null ? null : newSnapshot(nextRunId, tools.now()));
  }
};

/** The beginning of a snapshot. */
export const newSnapshot = (runId: string, now: number): SnapshotProgress => ({
  runId,
  startedAt: now,
  part: 1,
  after: 0,
  events: 0,
  nextRunId: null,
});

/** When there is something to do next, ms since the epoch; null when there is nothing. */
export const nextWorkAt = (store: DeliveryStore, now: number): number | null => {
  const state = store.state();
  if (state.nextTryAt !== null && state.nextTryAt > now) return state.nextTryAt;
  if (state.receipt !== null) return now + acknowledgementPollMs(now - state.receipt.sentAt);
  const hasWork = store.head() > state.position || store.nextRetry() !== null || store.snapshot() !== null;
  return hasWork ? now : store.nextFollowUpAt();
};

/**
 * Does one slice. What the sink or the inventory does wrong is written down as state; nothing is thrown for it.
 * A crash anywhere repeats at most one batch.
 */
export const runSlice = async (tools: SliceTools): Promise<void> => {
  const { nextTryAt } = tools.store.state();
  if (nextTryAt !== null && nextTryAt > tools.now()) return;
  // A wait that is over says "try", not "it works": the status keeps its word until something arrives.
  if (nextTryAt !== null) tools.store.saveState({ ...tools.store.state(), nextTryAt: null });
  if (!(await settle(tools))) return;
  if (!(await retryDeadLetters(tools))) return;
  if (!(await deliver(tools))) return;
  await followUp(tools);
  await writeSnapshot(tools);
};
