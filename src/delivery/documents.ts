/** What a delivery shows of itself: status documents and dead letters as the public contract has them. */
import type { SinkStatusDocument } from "../contract/status.ts";
import type { DeadLettersDocument } from "./api.ts";
import type { DeadLetter, DeadLetters } from "./dead-letters.ts";
import { refusalText } from "./settings.ts";
import type { RefusedSink, SinkSettings } from "./settings-types.ts";
import type { DeliveryStore } from "./store.ts";

type Named = Pick<SinkSettings, "name" | "type">;

const isoOf = (at: number): string => new Date(at).toISOString();

/**
 * Of a sink that has nothing yet. `lag_events` is how far the cursor is behind the head, here and below; the stream
 * makes it the number of assets. @param head the stream's greatest sequence number
 */
export const untouchedStatus = ({ name, type }: Named, head: number): SinkStatusDocument => ({
  name,
  type,
  state: "ok",
  position: 0,
  lag_events: head,
  lag_seconds: 0,
  last_error: null,
  next_try_at: null,
  dead_letters: 0,
});

/** Of a sink whose settings are wrong, with what is wrong. */
export const refusedStatus = (sink: RefusedSink, head: number): SinkStatusDocument => ({
  ...untouchedStatus({ name: sink.name, type: sink.type ?? "unknown" }, head),
  state: "stopped",
  last_error: refusalText(sink),
});

/** Of a sink whose object does not answer in time. */
export const unansweredStatus = (sink: Named): SinkStatusDocument => ({
  ...untouchedStatus(sink, 0),
  state: "retrying",
  last_error: "the sink's delivery did not report its status in time",
});

/** Of a sink at work. @param now ms since the epoch */
export const deliveryStatus = (
  sink: Named,
  head: number,
  store: DeliveryStore,
  now: number,
): SinkStatusDocument => {
  const { status, position, behindSince, lastError, nextTryAt } = store.state();
  const lag = Math.max(0, head - position);
  return {
    name: sink.name,
    type: sink.type,
    state: status,
    position,
    lag_events: lag,
    lag_seconds: lag === 0 ? 0 : Math.max(0, Math.floor((now - (behindSince ?? now)) / 1000)),
    last_error: lastError ?? store.followUpError(),
    next_try_at: nextTryAt !== null && nextTryAt > now ? isoOf(nextTryAt) : null,
    dead_letters: store.deadLetters.count(),
  };
};

const deadLetterDocument = (letter: DeadLetter): DeadLettersDocument["dead_letters"][number] => ({
  id: letter.id,
  asset_id: letter.assetId,
  sequence: letter.sequence,
  code: letter.code,
  http_status: letter.httpStatus,
  message: letter.message,
  first_at: isoOf(letter.firstAt),
  last_at: isoOf(letter.lastAt),
  attempts: letter.attempts,
  retrying: letter.retrying,
});

export const noDeadLetters: DeadLettersDocument = { dead_letters: [], total: 0, next: null };

/** A page of dead letters after a sequence number. */
export const deadLettersPage = (
  deadLetters: DeadLetters,
  after: number,
  limit: number,
): DeadLettersDocument => {
  const letters = deadLetters.list(after, limit + 1);
  const page = letters.slice(0, limit);
  return {
    dead_letters: page.map(deadLetterDocument),
    total: deadLetters.count(),
    next: letters.length > limit ? (page.at(-1)?.sequence ?? null) : null,
  };
};
