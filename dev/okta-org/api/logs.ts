import { LOG_RETENTION_MS, type LogEntry } from "../org/log.ts";
import type { JsonValue } from "../org/types.ts";
import { type Call, type Endpoint, listResponse } from "./call.ts";
import { readCursor } from "./cursor.ts";
import { OktaError } from "./errors.ts";
import { compileSearch, type Predicate, SearchError } from "./search.ts";

const WEEK_MS = 7 * 86_400_000;
const FILTERABLE =
  /^(uuid|eventType|severity|displayMessage|(actor|target)\.(id|type|alternateId|displayName)|outcome\.(result|reason)|transaction\.(id|type)|client\.ipAddress)$/;

const timeOf = (call: Call, name: string, byDefault: number): number => {
  const text = call.url.searchParams.get(name);
  if (text === null) return byDefault;
  const at = Date.parse(text);
  if (Number.isNaN(at)) throw new OktaError("E0000001", `${name}: must be a date`);
  return at;
};

const pageSize = (call: Call): number => {
  const text = call.url.searchParams.get("limit") ?? "100";
  // Unlike the lists, the log refuses page sizes above its maximum.
  if (!/^\d{1,9}$/.test(text) || Number(text) > 1000)
    throw new OktaError("E0000001", "limit: must be 0 to 1000");
  return Number(text);
};

const predicateOf = (call: Call): Predicate => {
  const filter = call.url.searchParams.get("filter");
  const q = call.url.searchParams.get("q")?.toLowerCase();
  try {
    const matches =
      filter === null ? () => true : compileSearch(filter, { attribute: (name) => FILTERABLE.test(name) });
    if (q === undefined) return matches;
    return (event) => matches(event) && JSON.stringify(event).toLowerCase().includes(q);
  } catch (error) {
    if (error instanceof SearchError) throw new OktaError("E0000053", error.message);
    throw error;
  }
};

/** A position in the log: the sequence to go on after, and the age that a cursor may not outlive. */
interface LogPosition {
  seq: number;
  at: number;
}

const positionOf = (cursor: unknown): LogPosition | null =>
  Array.isArray(cursor) ? { seq: Number(cursor[0]), at: Number(cursor[1]) } : null;

const refuseOld = (call: Call, at: number): void => {
  const oldest = call.state.clock.now() - LOG_RETENTION_MS;
  if (at < oldest) throw new OktaError("E0000053", "since: is older than the retention of 90 days");
};

/**
 * The log. Without `until` and ascending it is polled: in persistence order, complete, and the next link is
 * always there; on an empty page it stays where it is. Otherwise it is a bounded query over `published`, which
 * can miss events that become readable later.
 */
const listLogs = (call: Call): Response => {
  const query = call.url.searchParams;
  const sortOrder = query.get("sortOrder") ?? "ASCENDING";
  if (sortOrder !== "ASCENDING" && sortOrder !== "DESCENDING") {
    throw new OktaError("E0000001", "sortOrder: must be ASCENDING or DESCENDING");
  }
  const limit = pageSize(call);
  const predicate = predicateOf(call);
  const since = timeOf(call, "since", call.state.clock.now() - WEEK_MS);
  const cursor = positionOf(readCursor(call.state.cursorKey, call.url, "E0000053"));
  refuseOld(call, cursor?.at ?? since);
  if (sortOrder === "ASCENDING" && !query.has("until")) return poll(call, predicate, since, cursor, limit);
  return bounded(call, predicate, since, sortOrder === "DESCENDING", cursor?.seq ?? 0, limit);
};

const poll = (
  call: Call,
  predicate: Predicate,
  since: number,
  cursor: LogPosition | null,
  limit: number,
): Response => {
  const { log } = call.state;
  const entries = log.entries();
  let index = cursor ? log.indexAfter(cursor.seq) : log.indexSince(since);
  // Without a cursor yet, the position is just before the first entry that this poll may see.
  const next = entries[index];
  const before = next ? next.seq - 1 : log.head();
  let position = cursor ?? { seq: before, at: since };
  const page: LogEntry[] = [];
  for (; index < entries.length && page.length < limit; index++) {
    const entry = entries[index];
    if (entry === undefined || !predicate(entry.event)) continue;
    page.push(entry);
    position = { seq: entry.seq, at: entry.persistedAt };
  }
  return answer(call, page, [position.seq, position.at], limit);
};

const bounded = (
  call: Call,
  predicate: Predicate,
  since: number,
  descending: boolean,
  offset: number,
  limit: number,
): Response => {
  const until = timeOf(call, "until", call.state.clock.now() + 1);
  const matching = call.state.log.entries().filter(({ event }) => {
    const at = Date.parse(event.published);
    return at >= since && at < until && predicate(event);
  });
  const sign = descending ? -1 : 1;
  const ordered = [...matching].sort((a, b) => {
    if (a.event.published !== b.event.published) return a.event.published < b.event.published ? -sign : sign;
    return sign * (a.seq - b.seq);
  });
  const page = ordered.slice(offset, offset + limit);
  const more = offset + limit < ordered.length && limit > 0;
  return answer(call, page, more ? [offset + limit, call.state.clock.now()] : null, limit);
};

const answer = (call: Call, page: LogEntry[], position: JsonValue | null, limit: number): Response => {
  const texts = page.map((entry) => JSON.stringify(entry.event));
  return listResponse(call, texts, position, limit);
};

export const logEndpoints: Endpoint[] = [
  {
    path: "/api/v1/logs",
    bucket: "/api/v1/logs",
    scope: "okta.logs.read",
    resource: "logs",
    defaultLimit: 100,
    handle: listLogs,
  },
];
