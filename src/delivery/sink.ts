/** What a sink is to a delivery: something that takes a batch and says what became of it. */

import type { StoredEvent } from "../contract/stream-api.ts";
import type { StreamName } from "../contract/streams.ts";

/**
 * - `rate_limited` 429 or the product's word for "busy"
 * - `unavailable` 5xx, or any other answer that may differ next time
 * - `timeout`, `network` no answer, or half of one
 * - `invalid_response` an answer that the product does not give
 * - `credential` 401, 403
 * - `configuration` an answer that only a change of settings cures: 404, a redirect, an unknown index
 * - `refused` 400, 422: the content
 * - `too_large` 413
 * - `inventory` our own inventory did not answer
 */
export type DeliveryErrorCode =
  | "rate_limited"
  | "unavailable"
  | "timeout"
  | "network"
  | "invalid_response"
  | "credential"
  | "configuration"
  | "refused"
  | "too_large"
  | "inventory";

export interface DeliveryError {
  readonly code: DeliveryErrorCode;
  /** For people, bounded and without secrets: `[POST] "https://siem.example.com/…": 429 Too Many Requests`. */
  readonly message: string;
  readonly status: number | null;
  /** What the receiver had taken is gone with the index that it was in: everything has to be sent again. */
  readonly lost?: true;
}

export type DeliveryOutcome =
  /** All of it arrived. `followUp` names something that will say later what became of it. */
  | { readonly kind: "accepted"; readonly followUp?: string }
  /** What became of each event, null for one that arrived. The receiver has not looked at those beyond the list. */
  | { readonly kind: "partial"; readonly answers: readonly (DeliveryError | null)[] }
  /** It was sent; `receipt` is how to find out whether it arrived. */
  | { readonly kind: "awaiting"; readonly receipt: string }
  /** It may pass by itself. `retryAfterMs` is what the other side asked for; null leaves the wait to the backoff. */
  | { readonly kind: "retry"; readonly error: DeliveryError; readonly retryAfterMs: number | null }
  /** Only a person can fix it; it is tried again all the same, less often. */
  | { readonly kind: "stopped"; readonly error: DeliveryError; readonly retryAfterMs: number | null }
  /** `unsent`: the product's own bound says so, and the receiver was not asked. */
  | { readonly kind: "too_large"; readonly error: DeliveryError; readonly unsent?: true }
  /** The content was refused as a whole: one of the events is at fault. */
  | { readonly kind: "refused"; readonly error: DeliveryError };

export type Outcome<Kind extends DeliveryOutcome["kind"]> = Extract<DeliveryOutcome, { kind: Kind }>;

/** It may pass by itself. */
export const retry = (error: DeliveryError, retryAfterMs: number | null = null): Outcome<"retry"> => ({
  kind: "retry",
  error,
  retryAfterMs,
});

/** Only a person can fix it. */
export const stopped = (error: DeliveryError, retryAfterMs: number | null = null): Outcome<"stopped"> => ({
  kind: "stopped",
  error,
  retryAfterMs,
});

export type SettleOutcome =
  | { readonly kind: "accepted" }
  | { readonly kind: "waiting" }
  | Outcome<"retry" | "stopped">;

export type FollowUpOutcome =
  | { readonly kind: "done" }
  | { readonly kind: "waiting" }
  | { readonly kind: "failed"; readonly message: string };

export interface SinkTest {
  readonly status: "pass" | "fail" | "unknown";
  readonly httpStatus: number | null;
  /** What is proven, or what went wrong. */
  readonly message: string;
  readonly remedy: string | null;
}

/** The most that one batch may hold. */
export interface BatchLimits {
  readonly events: number;
  /** UTF-8 bytes of the events' JSON, envelopes included; one event alone may exceed it. */
  readonly bytes: number;
  /** The product's bound for one event; a larger one becomes a dead letter unsent. Null: none is known. */
  readonly eventBytes: number | null;
  /** What the product's envelope adds to each event. */
  readonly overheadBytes: number;
}

export interface SnapshotPart {
  readonly runId: string;
  /** When the snapshot was begun, ms since the epoch. */
  readonly startedAt: number;
  /** From 1. */
  readonly part: number;
}

/** Keeps whole inventories, in parts of bounded size. */
export interface SnapshotWriter {
  readonly eventsPerPart: number;
  /** Compresses and stores one part as the pages come. Repeating a part replaces it. */
  writePart(part: SnapshotPart, pages: AsyncIterable<readonly StoredEvent[]>): Promise<DeliveryOutcome>;
  /** Marks the snapshot complete. */
  finish(
    part: SnapshotPart,
    totals: { readonly parts: number; readonly events: number },
  ): Promise<DeliveryOutcome>;
}

export interface Sink {
  readonly limits: BatchLimits;
  /** Whether events are wanted without their nulls. */
  readonly omitNulls: boolean;
  /** Events of different partitions do not share a batch. */
  partition?(event: StoredEvent): string;
  /** Sends a batch, which is never empty. Never throws for what the other side does. */
  deliver(events: readonly StoredEvent[]): Promise<DeliveryOutcome>;
  /** Asks whether an awaiting batch has arrived. */
  settle?(receipt: string): Promise<SettleOutcome>;
  /** Asks what became of an accepted batch. */
  followUp?(reference: string): Promise<FollowUpOutcome>;
  /** A real, harmless request where the protocol has one. */
  test(): Promise<SinkTest>;
}

/** What a sink works with, and whose events it gets. */
export interface SinkTools {
  readonly fetch: typeof fetch;
  /** Ms since the epoch. */
  readonly now: () => number;
  readonly connection: string;
  readonly stream: StreamName;
  /** A binding of the Worker by its name. */
  readonly binding: (name: string) => unknown;
}
