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

/** Times are ms since the epoch. */
export interface DeliveryState {
  /** The cursor: every event up to this sequence arrived or is a dead letter. */
  readonly position: number;
  readonly status: "ok" | "retrying" | "stopped";
  /** Failures in a row. */
  readonly failures: number;
  readonly nextTryAt: number | null;
  readonly lastError: string | null;
  /** Since when the oldest outstanding event has waited. */
  readonly behindSince: number | null;
  /** The most events in a batch, learned from 413 answers. */
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
  nextTryAt: null,
  lastError: null,
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
    nextTryAt: now + (retryAfterMs ?? Math.floor(fullJitter(doubledMs(failures - 1, backoff), random))),
    lastError: error.message,
    receipt: null,
  };
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

/** The settings changed: what waiting on the old ones taught is forgotten with them. */
export const afresh = (state: DeliveryState): DeliveryState => ({
  ...state,
  failures: 0,
  nextTryAt: null,
  learnedLimit: null,
  suspectLast: null,
  refusedInARow: 0,
  receipt: null,
});
