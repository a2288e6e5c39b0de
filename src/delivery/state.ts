/** Where a sink's delivery stands, and how that changes as a whole. */
import { doubledMs, fullJitter } from "../lib/backoff.ts";
import type { Outcome } from "./sink.ts";

/** A batch that was sent and not yet acknowledged. */
export interface Receipt {
  readonly token: string;
  /** The last sequence of the batch. */
  readonly last: number;
  readonly sentAt: number;
  /** The assets in it: its arrival settles older dead letters of theirs. */
  readonly assets: readonly string[];
  /** It was the retry of a dead letter, so that the cursor stays. */
  readonly isRetry: boolean;
}

/**
 * A range of events that the receiver did not take, of which one may be at fault. It is searched by sending ever smaller
 * parts of it.
 */
export interface Doubt {
  /** The last sequence of the range; it begins after the cursor. */
  readonly last: number;
  /** `failing`: answered as if the receiver were down, while it takes others. */
  readonly cause: "refused" | "too_large" | "failing";
  /** Whether the receiver has taken an event since it did not take the range. */
  readonly took: boolean;
  /** What `learnedLimit` was before the range was too large. */
  readonly limitBefore: number | null;
}

/** Times are ms since the epoch. */
export interface DeliveryState {
  /** The cursor: every event up to this sequence arrived or is a dead letter. */
  readonly position: number;
  readonly status: "ok" | "retrying" | "stopped";
  /** Failures in a row. */
  readonly failures: number;
  /** Since when it fails; null while it does not. */
  readonly failingSince: number | null;
  readonly nextTryAt: number | null;
  readonly lastError: string | null;
  /** Since when the oldest outstanding event has waited. */
  readonly behindSince: number | null;
  /** The most events in a batch, learned from 413 answers and time-outs. */
  readonly learnedLimit: number | null;
  /** Batches of that size that were taken since it was learned, or since it last grew. */
  readonly fullBatches: number;
  readonly doubt: Doubt | null;
  /** How often the receiver has taken something. */
  readonly taken: number;
  /** The last event that it took, by its sequence: it should take it again. */
  readonly witness: number | null;
  /** It is stopped because the receiver refuses whatever it is sent. */
  readonly refusing: boolean;
  /** What the receiver had is gone. Everything is sent again once it takes something. */
  readonly lost: boolean;
  readonly receipt: Receipt | null;
}

export const initialState: DeliveryState = {
  position: 0,
  status: "ok",
  failures: 0,
  failingSince: null,
  nextTryAt: null,
  lastError: null,
  behindSince: null,
  learnedLimit: null,
  fullBatches: 0,
  doubt: null,
  taken: 0,
  witness: null,
  refusing: false,
  lost: false,
  receipt: null,
};

/** What a transition depends on besides the state. `random` spreads the waits. */
export interface Moment {
  /** Ms since the epoch. */
  readonly now: number;
  /** 0 ≤ random < 1. */
  readonly random: () => number;
}

const retryBackoff = { baseMs: 1000, ceilingMs: 5 * 60 * 1000 };
/** What a person has to fix is tried less often at first, and soon enough once it is fixed. */
const stoppedBackoff = { baseMs: 15_000, ceilingMs: 5 * 60 * 1000 };

/** Nothing fails any more. */
export const recovered = (state: DeliveryState): DeliveryState => ({
  ...state,
  status: "ok",
  failures: 0,
  failingSince: null,
  nextTryAt: null,
  lastError: null,
  refusing: false,
});

/** The state after a failure that may pass, or that a person has to fix. */
export const failed = (
  state: DeliveryState,
  { kind, error, retryAfterMs }: Outcome<"retry" | "stopped">,
  { now, random }: Moment,
): DeliveryState => {
  const failures = state.failures + 1;
  const backoff = kind === "stopped" ? stoppedBackoff : retryBackoff;
  return {
    ...state,
    status: kind === "stopped" ? "stopped" : "retrying",
    failures,
    failingSince: state.failingSince ?? now,
    nextTryAt: now + (retryAfterMs ?? Math.floor(fullJitter(doubledMs(failures - 1, backoff), random))),
    lastError: error.message,
    refusing: false,
    lost: state.lost || (error.lost === true && state.position > 0),
    receipt: null,
  };
};

/** Everything up to `head` is dealt with. */
export const caughtUp = (state: DeliveryState, head: number): DeliveryState => ({
  ...state,
  position: Math.max(state.position, head),
  behindSince: null,
  learnedLimit: null,
  fullBatches: 0,
  doubt: null,
});

/** The cursor goes back to `after`, and whatever waited is tried at once. */
export const rewound = (state: DeliveryState, after: number): DeliveryState => ({
  ...initialState,
  position: after,
  lastError: state.lastError,
  taken: state.taken,
});

/** The settings changed: what waiting on the old ones taught is forgotten with them. */
export const afresh = (state: DeliveryState): DeliveryState => ({
  ...state,
  failures: 0,
  nextTryAt: null,
  learnedLimit: null,
  fullBatches: 0,
  doubt: null,
  receipt: null,
});
