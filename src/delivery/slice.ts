/** A slice is one alarm's work for one sink: as many batches as its budget allows, each committed by itself. */

import { anyBatch, type Taken, takeBatch } from "./batching.ts";
import type { DeadLetter } from "./dead-letters.ts";
import { PendingEvents } from "./pending-events.ts";
import { afterBatch, afterProof, afterSettling, withoutStaleDoubt } from "./progress.ts";
import { prove } from "./proof.ts";
import { afterRetry } from "./retrying.ts";
import { type DeliveryError, type DeliveryOutcome, retry, type Sink } from "./sink.ts";
import { largestPage, momentOf, postponed, type SliceTools, saveFailure } from "./slice-tools.ts";
import { restarted, writeSnapshot } from "./snapshot.ts";
import { caughtUp, type DeliveryState, failed, recovered, rewound } from "./state.ts";
import { type Step, step } from "./step.ts";
import type { DeliveryStore } from "./store.ts";

/** When to ask for an acknowledgement again. The longer it takes, the less often Splunk is asked. */
const acknowledgementPollMs = (waitedMs: number): number => Math.min(10_000, Math.max(1000, waitedMs / 2));

const followUpEveryMs = 30_000;
/** After so many tries, nobody asks any more what became of a batch. */
const mostFollowUpTries = 20;
const followUpsPerSlice = 3;

/** Stores what follows from an outcome. @returns whether the slice may continue */
const commit = (tools: SliceTools, next: Step): boolean => {
  if (!tools.isCurrent()) return false;
  tools.store.commit(next, tools.now());
  return next.state.nextTryAt === null && next.state.receipt === null;
};

const inventoryError = (thrown: unknown): DeliveryError => ({
  code: "inventory",
  status: null,
  message: `the inventory did not answer: ${thrown instanceof Error ? thrown.message.slice(0, 200) : "unknown error"}`,
});

/** What the inventory answers. Null if it fails; the failure is then stored, and the slice ends. */
const answerOf = async <T extends object>(tools: SliceTools, question: Promise<T>): Promise<T | null> => {
  try {
    return await question;
  } catch (thrown) {
    saveFailure(tools, retry(inventoryError(thrown)));
    return null;
  }
};

/**
 * Takes note of the inventory that was read. If the cursor belongs to another one, the stream was set up anew: the
 * delivery starts over, and what it kept of the former inventory is forgotten.
 * @returns whether the cursor belongs to this inventory
 */
const isSameInventory = (tools: SliceTools, inventory: string | null): boolean => {
  const { store } = tools;
  const before = store.inventory();
  if (inventory === null || inventory === before) return true;
  store.transaction(() => {
    store.saveInventory(inventory);
    if (before === null) return;
    store.saveState(rewound(store.state(), 0));
    store.deadLetters.clear();
    const snapshot = store.snapshot();
    if (snapshot !== null) store.saveSnapshot(restarted(snapshot, tools.now()));
  });
  return before === null;
};

/** Sends a batch. An event that is too large for the sink is not sent: the outcome is `too_large` at once. */
const send = (sink: Sink, taken: Taken): Promise<DeliveryOutcome> =>
  taken.kind === "batch"
    ? sink.deliver(taken.events)
    : Promise.resolve({ kind: "too_large", error: taken.error, unsent: true });

/** Asks whether the batch that awaits its acknowledgement has arrived. @returns whether the slice may continue */
const checkReceipt = async (tools: SliceTools): Promise<boolean> => {
  const { receipt } = tools.store.state();
  if (receipt === null) return true;
  const outcome = (await tools.sink.settle?.(receipt.token)) ?? { kind: "accepted" };
  return commit(tools, afterSettling(tools.store.state(), receipt, outcome, momentOf(tools)));
};

/**
 * Whether the sink has taken anything in this slice since it did not take this event: if not, it is asked to. Who finds
 * that it takes nothing waits, as after any other failure. @returns whether the event may be tried
 */
const isTaking = async (tools: SliceTools, letter: DeadLetter): Promise<boolean> => {
  const { store, takenBefore } = tools;
  if (store.state().taken > Math.max(letter.taken, takenBefore)) return true;
  const proof = await answerOf(tools, prove(tools, { event: null, cause: "refused" }, []));
  if (proof === null) return false;
  const state = store.state();
  switch (proof.kind) {
    case "took":
      return commit(tools, step({ ...state, taken: state.taken + 1 }));
    case "failed":
      return commit(tools, step(failed(state, proof.failure, momentOf(tools))));
    case "took_none":
      // Nothing that it took is left to ask with. Whoever asked for the retry gets it.
      return true;
  }
};

/** Sends events again that were passed by: those that a person has asked for, and those that are due. */
const retryPassedBy = async (tools: SliceTools): Promise<boolean> => {
  const { deadLetters } = tools.store;
  for (;;) {
    const letter = deadLetters.nextRetry(tools.now());
    if (letter === null || !tools.isCurrent()) return tools.isCurrent();
    if (!tools.mayGoOn()) return true;
    const page = await answerOf(tools, tools.read(letter.sequence - 1, 1));
    if (page === null) return false;
    if (page.settling === true) return postponed(tools);
    if (!tools.isCurrent()) return false;
    if (!isSameInventory(tools, page.inventory ?? null)) continue;
    const [event] = page.events;
    if (event?.sequence !== letter.sequence) {
      // The asset has a newer state since then, which is delivered in its turn.
      deadLetters.forget(letter);
      continue;
    }
    if (!(await isTaking(tools, letter))) return false;
    const outcome = await send(tools.sink, takeBatch([event], tools.sink, anyBatch));
    const next = afterRetry(tools.store.state(), event, letter, outcome, momentOf(tools));
    if (!commit(tools, next)) return false;
  }
};

/** Delivers the events after the cursor. @returns whether the slice may continue */
const deliver = async (tools: SliceTools): Promise<boolean> => {
  const { store, sink } = tools;
  const { limits } = sink;
  let state = store.state();
  const headBefore = store.head();
  let pending = new PendingEvents(tools.read, Math.min(limits.events, largestPage), state.position);
  for (;;) {
    if (!tools.mayGoOn()) return true;
    const events = await answerOf(tools, pending.take(state.learnedLimit ?? limits.events));
    if (events === null || !tools.isCurrent()) return false;
    if (!isSameInventory(tools, pending.inventory)) {
      state = store.state();
      pending = new PendingEvents(tools.read, Math.min(limits.events, largestPage), state.position);
      continue;
    }
    const [first] = events;
    if (first === undefined && pending.isSettling) return postponed(tools);
    if (first === undefined) {
      reachedHead(tools, state, pending.head ?? state.position, headBefore);
      return true;
    }
    state = withoutStaleDoubt(state, first.sequence);
    const taken = takeBatch(events, sink, state);
    // Stored before the first batch is sent, so that the status shows the lag of a slow sink at once. The commits of
    // later batches include it.
    if (state.behindSince === null) store.saveState({ ...state, behindSince: first.changedAt });
    state = { ...state, behindSince: first.changedAt };
    const sent = send(sink, taken);
    const batch = taken.kind === "batch" ? taken.events : [taken.event];
    // The inventory makes the next page while the sink works on this batch.
    pending.prefetch(batch.length + limits.events);
    const { step: judged, question } = afterBatch(state, batch, await sent, momentOf(tools));
    let next = judged;
    if (question !== null) {
      const { event: accused, last } = question;
      // Of a batch, each event may be one that the receiver takes.
      const others = accused === null ? events : events.filter(({ sequence }) => sequence > last);
      const proof = await answerOf(tools, prove(tools, question, others));
      if (proof === null) return false;
      next = afterProof(state, question, proof, momentOf(tools));
    }
    if (!commit(tools, next)) return false;
    const isLost = next.state.position < state.position;
    state = next.state;
    if (isLost) pending = new PendingEvents(tools.read, Math.min(limits.events, largestPage), state.position);
    else pending.dropThrough(state.position);
    // What was set aside is tried again before what follows.
    if (next.passedBy.some(({ proven }) => !proven) && !(await retryPassedBy(tools))) return false;
    state = store.state();
  }
};

/**
 * No events are left after the cursor: the sink has caught up. But if the stream's head is behind the cursor, the
 * stream was set up anew, and the delivery starts over.
 * @param head the stream's greatest sequence number, as it said itself
 * @param headBefore the head that was stored when the slice began
 */
const reachedHead = (tools: SliceTools, state: DeliveryState, head: number, headBefore: number): void => {
  const { store } = tools;
  store.transaction(() => {
    if (head < state.position) {
      store.saveState(rewound(state, 0));
      store.saveHead(head);
      return;
    }
    const hasMore = store.deadLetters.nextRetry(tools.now()) !== null || store.snapshot() !== null;
    // With nothing left to send, nothing can be failing: a newer state may have replaced what the sink did not take.
    store.saveState(caughtUp(hasMore ? state : recovered(state), head));
    // What the stream says is right, unless it has announced a later head while this slice ran.
    const announced = store.head();
    store.saveHead(announced === headBefore ? head : Math.max(head, announced));
  });
};

/** Asks what became of accepted batches. */
const followUp = async (tools: SliceTools): Promise<void> => {
  const { store, sink } = tools;
  for (const { reference, tries } of store.followUps.due(tools.now(), followUpsPerSlice)) {
    if (!tools.mayGoOn()) return;
    const outcome = (await sink.followUp?.(reference)) ?? { kind: "done" };
    if (!tools.isCurrent()) return;
    store.transaction(() => {
      if (outcome.kind === "waiting" && tries < mostFollowUpTries) {
        store.followUps.postpone(reference, tools.now() + followUpEveryMs);
        return;
      }
      store.followUps.end(reference);
      if (outcome.kind === "waiting") return;
      store.saveFollowUpError(outcome.kind === "failed" ? outcome.message : null);
    });
  }
};

/** When the next slice has something to do, ms since the epoch; null if nothing is left. */
export const nextWorkAt = (store: DeliveryStore, now: number): number | null => {
  const state = store.state();
  if (state.nextTryAt !== null && state.nextTryAt > now) return state.nextTryAt;
  if (state.receipt !== null) return now + acknowledgementPollMs(now - state.receipt.sentAt);
  const hasWork =
    store.head() > state.position || store.deadLetters.nextRetry(now) !== null || store.snapshot() !== null;
  if (hasWork) return now;
  const later = [store.followUps.nextAt(), store.deadLetters.nextDueAt()].filter((at) => at !== null);
  return later.length === 0 ? null : Math.min(...later);
};

/**
 * Does one slice. Failures of the sink or the inventory are stored in the delivery's state and not thrown. A crash at
 * any point causes at most one batch to be sent again.
 */
export const deliverSlice = async (given: Omit<SliceTools, "takenBefore">): Promise<void> => {
  const { store, now } = given;
  const state = store.state();
  if (state.nextTryAt !== null && state.nextTryAt > now()) return;
  // What the receiver took before may be no proof any more. The wait is over, but it may still be failing: the status
  // stays as it is until something arrives.
  const doubt = state.doubt && { ...state.doubt, took: false };
  if (state.nextTryAt !== null || doubt !== null) store.saveState({ ...state, doubt, nextTryAt: null });
  const tools: SliceTools = { ...given, takenBefore: state.taken };
  if (!(await checkReceipt(tools))) return;
  if (!(await retryPassedBy(tools))) return;
  if (!(await deliver(tools))) return;
  await followUp(tools);
  await writeSnapshot(tools);
};
