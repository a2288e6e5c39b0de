/** How a sink's delivery moves on: pure transitions from one state to the next, by what became of a batch. */
import type { StoredEvent } from "../contract/stream-api.ts";
import {
  type DeliveryError,
  type DeliveryOutcome,
  type Outcome,
  retry,
  type SettleOutcome,
  stopped,
} from "./sink.ts";
import { type DeliveryState, failed, type Moment, type Receipt, recovered } from "./state.ts";

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

/** A sink that refuses more events than this in a row, and takes none, is set up wrongly: the events are fine. */
export const mostRefusedInARow = 100;

/** Splunk advises to send again when no acknowledgement comes; its own clients wait for five minutes. */
const acknowledgementMs = 5 * 60 * 1000;

const step = (state: DeliveryState, rest: Partial<Step> = {}): Step => ({
  state,
  deadLetters: [],
  settledAssets: [],
  followUp: null,
  ...rest,
});

/** The cursor moves to `position`; a search for an offender ends where its range ends. */
const advanced = (state: DeliveryState, position: number): DeliveryState => ({
  ...state,
  position,
  suspectLast: state.suspectLast !== null && position >= state.suspectLast ? null : state.suspectLast,
});

/** The failure that an error by itself is. */
const failureOf = (error: DeliveryError, retryAfterMs: number | null): Outcome<"retry" | "stopped"> =>
  error.code === "credential" || error.code === "configuration"
    ? stopped(error, retryAfterMs)
    : retry(error, retryAfterMs);

const refusesEverything = (error: DeliveryError): DeliveryError => ({
  ...error,
  code: "configuration",
  message: `${mostRefusedInARow} events in a row were refused, so the sink's set-up is more likely at fault than the events: ${error.message}`,
});

/** Dead letters for refused events, unless so many were refused in a row that the sink itself is in doubt. */
const buried = (
  state: DeliveryState,
  letters: readonly NewDeadLetter[],
  anyAccepted: boolean,
  position: number,
  moment: Moment,
): Step => {
  const refusedInARow = anyAccepted ? 0 : state.refusedInARow + letters.length;
  const last = letters.at(-1);
  if (last !== undefined && refusedInARow > mostRefusedInARow) {
    return step(failed(state, stopped(refusesEverything(last.error)), moment));
  }
  const lastError = last?.error.message ?? null;
  return step(
    { ...advanced(recovered(state), position), refusedInARow, lastError },
    { deadLetters: letters },
  );
};

const lastOf = (events: readonly StoredEvent[], fallback: number): number =>
  events.at(-1)?.sequence ?? fallback;

const assetsOf = (events: readonly StoredEvent[]): string[] => events.map((event) => event.assetId);

/** The batch was sent, and its arrival has to be asked for. */
const awaiting = (
  state: DeliveryState,
  events: readonly StoredEvent[],
  token: string,
  isRetry: boolean,
  moment: Moment,
): Step => {
  const last = lastOf(events, state.position);
  return step({ ...state, receipt: { token, last, sentAt: moment.now, assets: assetsOf(events), isRetry } });
};

/** The batch's beginning is dealt with, and an error says why the others have to wait. */
const afterPart = (
  state: DeliveryState,
  events: readonly StoredEvent[],
  outcome: Outcome<"partial">,
  moment: Moment,
): Step => {
  const rejected = new Map(outcome.rejected.map(({ index, error }) => [index, error]));
  const taken = events.slice(0, outcome.taken);
  const letters = taken.flatMap((event, index) => {
    const error = rejected.get(index);
    return error === undefined ? [] : [{ event, error }];
  });
  const settledAssets = assetsOf(taken.filter((_, index) => !rejected.has(index)));
  const anyAccepted = settledAssets.length > 0;
  const dealtWith = buried(state, letters, anyAccepted, lastOf(taken, state.position), moment);
  if (outcome.error === null || dealtWith.state.status === "stopped") return { ...dealtWith, settledAssets };
  // While nothing arrives, failures keep adding up, so that the waits grow.
  const base = anyAccepted ? dealtWith.state : { ...dealtWith.state, failures: state.failures };
  const failure = failureOf(outcome.error, outcome.retryAfterMs);
  return { ...dealtWith, settledAssets, state: failed(base, failure, moment) };
};

/**
 * What follows from the outcome of one batch.
 *
 * @param events the batch: what came directly after the cursor, in sequence order, not empty.
 */
export const afterBatch = (
  state: DeliveryState,
  events: readonly StoredEvent[],
  outcome: DeliveryOutcome,
  moment: Moment,
): Step => {
  const last = lastOf(events, state.position);
  const [first, ...others] = events;
  const only = others.length === 0 ? first : undefined;
  switch (outcome.kind) {
    case "accepted":
      return step(
        { ...advanced(recovered(state), last), refusedInARow: 0, receipt: null },
        { settledAssets: assetsOf(events), followUp: outcome.followUp ?? null },
      );
    case "awaiting":
      return awaiting(state, events, outcome.receipt, false, moment);
    case "partial":
      return afterPart(state, events, outcome, moment);
    case "retry":
    case "stopped":
      return step(failed(state, outcome, moment));
    case "too_large":
      return only === undefined
        ? step({ ...state, learnedLimit: Math.floor(events.length / 2) })
        : buried(state, [{ event: only, error: outcome.error }], false, last, moment);
    case "refused":
      return only === undefined
        ? step({ ...state, suspectLast: last })
        : buried(state, [{ event: only, error: outcome.error }], false, last, moment);
  }
};

/** What follows from asking whether an awaiting batch arrived. */
export const afterSettling = (
  state: DeliveryState,
  receipt: Receipt,
  outcome: SettleOutcome,
  moment: Moment,
): Step => {
  const isOverdue = moment.now - receipt.sentAt >= acknowledgementMs;
  switch (outcome.kind) {
    case "accepted": {
      const moved = receipt.isRetry ? recovered(state) : advanced(recovered(state), receipt.last);
      return step({ ...moved, refusedInARow: 0, receipt: null }, { settledAssets: receipt.assets });
    }
    case "waiting": {
      if (!isOverdue) return step(state);
      const message = `no acknowledgement within ${acknowledgementMs / 1000} s; the batch is sent again`;
      return step(failed(state, retry({ code: "timeout", status: null, message }, 0), moment));
    }
    case "retry":
    case "stopped":
      // Not being able to ask says nothing about the batch.
      return step({ ...failed(state, outcome, moment), receipt: isOverdue ? null : receipt });
  }
};

/** What follows from trying a dead letter once more. The cursor stays. */
export const afterRetry = (
  state: DeliveryState,
  event: StoredEvent,
  outcome: DeliveryOutcome,
  moment: Moment,
): Step => {
  switch (outcome.kind) {
    case "accepted":
      return step(
        { ...recovered(state), refusedInARow: 0 },
        { settledAssets: [event.assetId], followUp: outcome.followUp ?? null },
      );
    case "awaiting":
      return awaiting(state, [event], outcome.receipt, true, moment);
    case "retry":
    case "stopped":
      return step(failed(state, outcome, moment));
    case "partial": {
      const [rejection] = outcome.rejected;
      if (rejection !== undefined) return step(state, { deadLetters: [{ event, error: rejection.error }] });
      if (outcome.error === null) return afterRetry(state, event, { kind: "accepted" }, moment);
      return step(failed(state, failureOf(outcome.error, outcome.retryAfterMs), moment));
    }
    case "too_large":
    case "refused":
      return step(state, { deadLetters: [{ event, error: outcome.error }] });
  }
};
