/** Which events go together. */

import type { StoredEvent } from "../contract/stream-api.ts";
import { utf8 } from "../lib/bytes.ts";
import type { DeliveryError, Sink } from "./sink.ts";
import type { DeliveryState } from "./state.ts";

// biome-ignore lint/suspicious/noControlCharactersInRegex: it is the ASCII range that is meant.
const ascii = /^[\x00-\x7f]*$/;

/** UTF-8 bytes. Most events are ASCII, which is seen without encoding them. */
const byteLength = (text: string): number => (ascii.test(text) ? text.length : utf8(text).length);

/** What a delivery has learned of the size that a batch may have, and the range that it doubts. */
export type BatchRules = Pick<DeliveryState, "learnedLimit" | "doubt">;

/** Nothing learned, nothing doubted. */
export const anyBatch: BatchRules = { learnedLimit: null, doubt: null };

export type Taken =
  | { readonly kind: "batch"; readonly events: readonly StoredEvent[] }
  /** The first event is larger than the sink takes at all. */
  | { readonly kind: "oversized"; readonly event: StoredEvent; readonly error: DeliveryError };

const oversized = (event: StoredEvent, bytes: number, most: number): Taken => ({
  kind: "oversized",
  event,
  error: {
    code: "too_large",
    status: null,
    message: `the event is ${bytes} bytes long, and this sink takes at most ${most}`,
  },
});

/** How much of what is pending a doubt lets go together. */
const doubted = (pending: readonly StoredEvent[], doubt: BatchRules["doubt"]): number => {
  if (doubt === null) return Number.POSITIVE_INFINITY;
  const suspects = pending.filter((event) => event.sequence <= doubt.last).length;
  if (suspects === 0) return Number.POSITIVE_INFINITY;
  return doubt.cause === "too_large" ? suspects : Math.ceil(suspects / 2);
};

/**
 * Takes the next batch from the front of what is pending: as much as the sink's bounds permit, of one partition.
 * Of a range that is in doubt it takes half: whatever becomes of it, the offender is known to be in a smaller range then.
 * Where the range was too large, what was learned of sizes says how much.
 *
 * @param pending in sequence order, not empty.
 */
export const takeBatch = (
  pending: readonly StoredEvent[],
  sink: Pick<Sink, "limits" | "partition">,
  rules: BatchRules,
): Taken => {
  const { limits } = sink;
  const limit = Math.max(
    1,
    Math.min(doubted(pending, rules.doubt), limits.events, rules.learnedLimit ?? limits.events),
  );

  const events: StoredEvent[] = [];
  let total = 0;
  let partition: string | undefined;
  for (const event of pending) {
    if (events.length === limit) break;
    const bytes = byteLength(event.json) + limits.overheadBytes;
    if (limits.eventBytes !== null && bytes > limits.eventBytes) {
      if (events.length === 0) return oversized(event, bytes, limits.eventBytes);
      break;
    }
    if (events.length === 0) partition = sink.partition?.(event);
    else if (total + bytes > limits.bytes || sink.partition?.(event) !== partition) break;
    events.push(event);
    total += bytes;
  }
  return { kind: "batch", events };
};
