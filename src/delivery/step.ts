/** What a transition of a delivery leads to. */
import type { StoredEvent } from "../contract/stream-api.ts";
import { type DeliveryError, type DeliveryErrorCode, type Outcome, retry, stopped } from "./sink.ts";
import type { DeliveryState } from "./state.ts";

export type EventRef = Pick<StoredEvent, "id" | "assetId" | "sequence">;

/** An event that the cursor moves past although the sink has not taken it. */
export interface PassedBy {
  readonly event: EventRef;
  readonly error: DeliveryError;
  /** It is a dead letter; else it is set aside and tried again soon. */
  readonly proven: boolean;
  /** When it is tried again by itself, ms since the epoch; null: never. */
  readonly dueAt: number | null;
  /** How often the sink had taken something when it did not take this. */
  readonly taken: number;
}

/** What is to be committed together. */
export interface Step {
  readonly state: DeliveryState;
  readonly passedBy: readonly PassedBy[];
  /** Assets whose newest state arrived: older dead letters of theirs are settled. */
  readonly settledAssets: readonly string[];
  readonly followUp: string | null;
}

export const step = (state: DeliveryState, rest: Partial<Step> = {}): Step => ({
  state,
  passedBy: [],
  settledAssets: [],
  followUp: null,
  ...rest,
});

/** The failure that an error by itself is. */
export const failureOf = (
  error: DeliveryError,
  retryAfterMs: number | null = null,
): Outcome<"retry" | "stopped"> =>
  error.code === "credential" || error.code === "configuration"
    ? stopped(error, retryAfterMs)
    : retry(error, retryAfterMs);

const refusals: ReadonlySet<DeliveryErrorCode> = new Set(["refused", "too_large"]);

/** Whether the receiver refused this event, or all that it was sent with. */
export const isRefusal = ({ code }: DeliveryError): boolean => refusals.has(code);

/**
 * Whether an event can be the cause of a failure that looks as if the receiver were down: it answers 5xx, breaks off, or
 * takes too long.
 */
export const mayBePoison = ({ code, status }: DeliveryError): boolean =>
  code === "timeout" || code === "network" || (code === "unavailable" && status !== null && status >= 500);

const firstAgainMs = 5000;
const hourMs = 3_600_000;
/** So many times alone, while others pass, and it is a dead letter. */
const mostAttempts = 3;

/**
 * An event that makes the receiver fail is tried again after 5 s and 10 s, and then every hour.
 * @param attempts how often it was tried alone @param now ms since the epoch
 */
export const poisonous = (
  event: EventRef,
  error: DeliveryError,
  { attempts, taken, now }: { attempts: number; taken: number; now: number },
): PassedBy => {
  const proven = attempts >= mostAttempts;
  return { event, error, proven, dueAt: now + (proven ? hourMs : firstAgainMs * attempts), taken };
};

/** An event that was refused, before it is proven: it is tried again at once. @param now ms since the epoch */
export const setAside = (event: EventRef, error: DeliveryError, taken: number, now: number): PassedBy => ({
  event,
  error,
  proven: false,
  dueAt: now,
  taken,
});

/** A refused event that is at fault. */
export const deadLetter = (event: EventRef, error: DeliveryError, taken: number): PassedBy => ({
  event,
  error,
  proven: true,
  dueAt: null,
  taken,
});
