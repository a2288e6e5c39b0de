/** What a delivery shows of itself: status documents and dead letters as the public contract has them. */
import type { SinkReport, SinkStatusDocument } from "../contract/status.ts";
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
export const deliveryStatus = (sink: Named, head: number, store: DeliveryStore, now: number): SinkReport => {
  const { status, position, behindSince, lastError, nextTryAt, refusing, failingSince } = store.state();
  const deadSince = store.deadLetters.since();
  const aside = store.deadLetters.setAside();
  const lag = Math.max(0, head - position) + aside.count;
  return {
    name: sink.name,
    type: sink.type,
    // What is set aside has not arrived.
    state: status === "ok" && aside.count > 0 ? "retrying" : status,
    position,
    lag_events: lag,
    lag_seconds: lag === 0 ? 0 : Math.max(0, Math.floor((now - (behindSince ?? now)) / 1000)),
    last_error: lastError ?? aside.message ?? store.followUpError(),
    next_try_at: nextTryAt !== null && nextTryAt > now ? isoOf(nextTryAt) : null,
    dead_letters: store.deadLetters.count(),
    refusing: refusing && status === "stopped",
    set_aside: aside.count,
    ...(failingSince === null ? {} : { stopped_since: failingSince }),
    ...(deadSince === null ? {} : { dead_since: deadSince }),
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
