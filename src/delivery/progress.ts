/** How a sink's delivery moves on: pure transitions from one state to the next, by what became of a batch. */
import type { StoredEvent } from "../contract/stream-api.ts";
import { doubledMs, fullJitter } from "../lib/backoff.ts";
import type { DeliveryError, DeliveryOutcome, SettleOutcome } from "./sink.ts";

/** A batch that was sent and not yet acknowledged. */
export interface Receipt {
  readonly token: string;
  /** The last sequence of the batch. */
  readonly last: number;
  readonly sentAt: number;
  /** The assets in it, where dead letters exist that its arrival may settle. */
  readonly assets: readonly string[];
  /** It was the retry of a dead letter, so that the cursor stays. */
  readonly isRetry: boolean;
}

/** Times are ms since the epoch. */
export interface DeliveryState {
  /** The cursor: every event up to this sequence arrived or is a dead letter. */
  readonly position: number;
  readonly status: "ok" | "retrying" | "stopped";
  /** In a row. */
  readonly failures: number;
  readonly nextTryAt: number | null;
  readonly lastError: string | null;
  /** Since when the oldest outstanding event waits. */
  readonly behindSince: number | null;
  /** Events in a batch, learned from 413 answers. */
  readonly learnedLimit: number | null;
  /** The last sequence of the range that was refused for its content and is being searched. */
  readonly suspectLast: number | null;
  /** Single events refused with none accepted in between. */
  readonly refusedInARow: number;
  readonly receipt: Receipt | null;
}

export const initialState: DeliveryState = {
  position: 0,
  status: "ok",
  failures: 0,
  nextTryAt: null,
  lastError: null,
  behindSince: null,
  learnedLimit: null,
  suspectLast: null,
  refusedInARow: 0,
  receipt: null,
};

export interface NewDeadLetter {
  readonly event: Pick<StoredEvent, "id" | "assetId" | "sequence">;
  readonly error: DeliveryError;
}

/** What is to be committed together. */
export interface Step {
  readonly state: DeliveryState;
  readonly deadLetters: readonly NewDeadLetter[];
  /** Assets whose newest state arrived: older dead letters of theirs are settled. */
  readonly settledAssets: readonly string[];
  readonly followUp: string | null;
}

export interface StepContext {
  readonly now: number;
  /** 0 ≤ random < 1. */
  readonly random: () => number;
}

/** A sink that refuses so many events one after another, and takes none, is set up wrongly: the events are fine. */
export const mostRefusedInARow = 100;

/** Splunk advises to send again when no acknowledgement comes; five minutes is the patience of its own clients. */
const acknowledgementMs = 5 * 60 * 1000;

const retryBackoff = { baseMs: 1000, ceilingMs: 5 * 60 * 1000 };
/** What a person has to mend is probed more seldom at first, and soon enough once it is mended. */
const stoppedBackoff = { baseMs: 15_000, ceilingMs: 5 * 60 * 1000 };

const step = (state: DeliveryState, rest: Partial<Step> = {}): Step => ({
  state,
  deadLetters: [],
  settledAssets: [],
  followUp: null,
  ...rest,
});

/** Nothing fails any more. */
export const recovered = (state: DeliveryState): DeliveryState => ({
  ...state,
  status: "ok",
  failures: 0,
  nextTryAt: null,
  lastError: null,
});

/** The state after a failure that may pass, or that a person has to mend. */
export const failed = (
  state: DeliveryState,
  kind: "retry" | "stopped",
  error: DeliveryError,
  retryAfterMs: number | null,
  { now, random }: StepContext,
): DeliveryState => {
  const failures = state.failures + 1;
  const backoff = kind === "stopped" ? stoppedBackoff : retryBackoff;
  return {
    ...state,
    status: kind === "stopped" ? "stopped" : "retrying",
    failures,
    nextTryAt: now + (retryAfterMs ?? Math.floor(fullJitter(doubledMs(failures - 1, backoff), random))),
    lastError: error.message,
    receipt: null,
  };
};

/** The cursor moves to `position`; a search for an offender ends where its range ends. */
const advanced = (state: DeliveryState, position: number): DeliveryState => ({
  ...state,
  position,
  suspectLast: state.suspectLast !== null && position >= state.suspectLast ? null : state.suspectLast,
});

const needsPerson = (error: DeliveryError): boolean =>
  error.code === "credential" || error.code === "configuration";

const refusesEverything = (error: DeliveryError): DeliveryError => ({
  ...error,
  code: "configuration",
  message: `${mostRefusedInARow} events in a row were refused, so the sink's set-up is rather at fault than they: ${error.message}`,
});

/** Dead letters for refused events, unless so many were refused in a row that the sink itself is in doubt. */
const buried = (
  state: DeliveryState,
  letters: readonly NewDeadLetter[],
  anyAccepted: boolean,
  position: number,
  context: StepContext,
): Step => {
  const refusedInARow = anyAccepted ? 0 : state.refusedInARow + letters.length;
  const last = letters.at(-1);
  if (last !== undefined && refusedInARow > mostRefusedInARow) {
    return step(failed(state, "stopped", refusesEverything(last.error), null, context));
  }
  const lastError = last?.error.message ?? null;
  return step(
    { ...advanced(recovered(state), position), refusedInARow, lastError },
    { deadLetters: letters },
  );
};

const lastOf = (events: readonly StoredEvent[], fallback: number): number =>
  events.at(-1)?.sequence ?? fallback;

/**
 * What follows from the outcome of one batch.
 *
 * @param events the batch: what came directly after the cursor, in sequence order, not empty.
 */
export const afterBatch = (
  state: DeliveryState,
  events: readonly StoredEvent[],
  outcome: DeliveryOutcome,
  context: StepContext,
): Step => {
  const last = lastOf(events, state.position);
  switch (outcome.kind) {
    case "accepted":
      return step(
        { ...advanced(recovered(state), last), refusedInARow: 0, receipt: null },
        { settledAssets: events.map((event) => event.assetId), followUp: outcome.followUp ?? null },
      );
    case "awaiting":
      return step({
        ...state,
        receipt: {
          token: outcome.receipt,
          last,
          sentAt: context.now,
          assets: events.map((event) => event.assetId),
          isRetry: false,
        },
      });
    case "partial": {
      const rejected = new Map(outcome.rejected.map(({ index, error }) => [index, error]));
      const taken = events.slice(0, outcome.taken);
      const letters = taken.flatMap((event, index) => {
        const error = rejected.get(index);
        return error === undefined ? [] : [{ event, error }];
      });
      const settledAssets = taken.filter((_, index) => !rejected.has(index)).map((event) => event.assetId);
      const dealtWith = buried(
        state,
        letters,
        settledAssets.length > 0,
        lastOf(taken, state.position),
        context,
      );
      if (outcome.error === null || dealtWith.state.status === "stopped")
        return { ...dealtWith, settledAssets };
      const kind = needsPerson(outcome.error) ? "stopped" : "retry";
      // Failures count on while nothing arrives, so that the waits grow.
      const base =
        settledAssets.length > 0 ? dealtWith.state : { ...dealtWith.state, failures: state.failures };
      return {
        ...dealtWith,
        settledAssets,
        state: failed(base, kind, outcome.error, outcome.retryAfterMs, context),
      };
    }
    case "retry":
    case "stopped":
      return step(failed(state, outcome.kind, outcome.error, outcome.retryAfterMs, context));
    case "too_large": {
      const [event] = events;
      if (events.length > 1 || event === undefined) {
        return step({ ...state, learnedLimit: Math.floor(events.length / 2) });
      }
      return buried(state, [{ event, error: outcome.error }], false, last, context);
    }
    case "refused": {
      const [event] = events;
      if (events.length > 1 || event === undefined) return step({ ...state, suspectLast: last });
      return buried(state, [{ event, error: outcome.error }], false, last, context);
    }
  }
};

/** What follows from asking whether an awaiting batch arrived. */
export const afterSettling = (
  state: DeliveryState,
  receipt: Receipt,
  outcome: SettleOutcome,
  context: StepContext,
): Step => {
  switch (outcome.kind) {
    case "accepted": {
      const moved = receipt.isRetry ? recovered(state) : advanced(recovered(state), receipt.last);
      return step({ ...moved, refusedInARow: 0, receipt: null }, { settledAssets: receipt.assets });
    }
    case "waiting": {
      if (context.now - receipt.sentAt < acknowledgementMs) return step(state);
      const error: DeliveryError = {
        code: "timeout",
        status: null,
        message: `no acknowledgement within ${acknowledgementMs / 1000} s; the batch is sent again`,
      };
      return step(failed(state, "retry", error, 0, context));
    }
    default:
      return step({
        ...failed(state, outcome.kind, outcome.error, outcome.retryAfterMs, context),
        // Not being able to ask says nothing about the batch.
        receipt: context.now - receipt.sentAt < acknowledgementMs ? receipt : null,
      });
  }
};

/** What follows from trying a dead letter once more. The cursor stays. */
export const afterRetry = (
  state: DeliveryState,
  event: StoredEvent,
  outcome: DeliveryOutcome,
  context: StepContext,
): Step => {
  switch (outcome.kind) {
    case "accepted":
      return step(
        { ...recovered(state), refusedInARow: 0 },
        { settledAssets: [event.assetId], followUp: outcome.followUp ?? null },
      );
    case "awaiting":
      return step({
        ...state,
        receipt: {
          token: outcome.receipt,
          last: event.sequence,
          sentAt: context.now,
          assets: [event.assetId],
          isRetry: true,
        },
      });
    case "retry":
    case "stopped":
      return step(failed(state, outcome.kind, outcome.error, outcome.retryAfterMs, context));
    case "partial": {
      const [rejection] = outcome.rejected;
      if (rejection !== undefined) return step(state, { deadLetters: [{ event, error: rejection.error }] });
      if (outcome.error === null) return afterRetry(state, event, { kind: "accepted" }, context);
      const kind = needsPerson(outcome.error) ? "stopped" : "retry";
      return step(failed(state, kind, outcome.error, outcome.retryAfterMs, context));
    }
    default:
      return step(state, { deadLetters: [{ event, error: outcome.error }] });
  }
};

/** Everything up to `head` is dealt with. */
export const caughtUp = (state: DeliveryState, head: number): DeliveryState => ({
  ...state,
  position: Math.max(state.position, head),
  behindSince: null,
  learnedLimit: null,
  suspectLast: null,
});

/** The cursor goes back to `after`, and whatever waited is tried at once. */
export const rewound = (state: DeliveryState, after: number): DeliveryState => ({
  ...initialState,
  position: after,
  lastError: state.lastError,
});
