/** Polling the System Log. Its events are applied to the inventory or show what has to be read again. */
import type { ChangeEvent } from "../../contract/changes.ts";
import { changeEvent, subjectOf } from "../../inventory/changes.ts";
import { INDEX_LAG_MS } from "../../inventory/precedence.ts";
import type { StaleKind } from "../../inventory/stale-kinds.ts";
import { isPlainObject } from "../../lib/json.ts";
import type { OktaApi, Page } from "../../okta/api.ts";
import { endlessList, type OktaError } from "../../okta/errors.ts";
import { limitOf, onOrigin } from "../../okta/paging.ts";
import { type OktaLogEvent, parseAll, parseLogEvent } from "../../okta/records.ts";
import { type Effect, effectsOf, isHooked, logFilter } from "../../streams/log-effects.ts";
import { PAGE } from "../../streams/plan.ts";
import type { LogCursor } from "../cursors.ts";
import { logShowed, logTold } from "../hooks.ts";
import {
  AGAIN,
  DONE,
  giveUp,
  lasting,
  leaveToNext,
  MAX_IDLE_PAGES,
  type Phase,
  type SliceContext,
  type StepContext,
  type StepOutcome,
} from "../step.ts";

const DAY_MS = 86_400_000;
/** Okta keeps the log for 90 days. With an older cursor, events may be missing, whatever Okta answers. */
const RETENTION_MS = 89 * DAY_MS;
/** Okta stores events a little after they happened, so a new cursor begins this much earlier. */
const LEAD_MS = 5 * 60_000;
/** No event arrives later than this after a newer event of the same membership. */
const LATE_MS = 2 * DAY_MS;

/** Where polling begins. Times are ms by Okta's clock. */
interface LogStart {
  /** Events from 5 minutes before this are read; null: from now. */
  readonly since: number | null;
  /** Everything that happened before this is known, so its events are left out; 0 if all events count. */
  readonly knownBefore: number;
}

/** Begins polling with a query instead of a cursor. If it begins in the past, polling goes on to the present. */
const startLog = async (context: SliceContext, { since, knownBefore }: LogStart): Promise<StepOutcome> => {
  const { definition, run, api, meta } = context;
  const filter = logFilter(definition.source.logRules);
  const beginWith = (asked: string | null) => begin(api, since ?? api.serverNow(), asked);
  const skew = api.skewMs;
  const askedAt = context.now();
  let page = await beginWith(filter);
  // The first answer ever shows how far Okta's clock is from ours. If that moves the beginning much, begin again.
  if (since === null && Math.abs(api.skewMs - skew) > LEAD_MS / 2) page = await beginWith(filter);
  // If Okta refuses the filter, poll without it and ignore the other event types.
  if (!page.ok && page.error.code === "bad_request") page = await beginWith(null);
  if (!page.ok) return unreadable(context, page.error);
  const { records, next } = page.value;
  if (next === null) return DONE;
  const isCaughtUp = since === null || records.length < PAGE.logs;
  return context.commit(
    () => {
      applyEvents(context, records, knownBefore);
      meta.set("log", { next, polledAt: context.now(), filter });
      if (isCaughtUp && (run.kind === "full" || since !== null)) run.polledAt = askedAt;
    },
    isCaughtUp ? DONE : AGAIN,
  );
};

/**
 * The first full run reads everything that happened before it but for what Okta's lists do not show yet, so it leaves
 * the events to the delta run after it, and stores from when that is to poll.
 */
const startLater = (context: SliceContext): StepOutcome => {
  const { api, meta, run, now } = context;
  return context.commit(() => {
    // What an earlier attempt has read is not read again, so the events since then count.
    if (meta.get("log") === null) meta.set("log", { next: null, since: api.serverNow(), polledAt: now() });
    run.polledAt = now() - INDEX_LAG_MS;
  }, DONE);
};

/** Without the log, the inventory still follows the org through searches and full runs. */
const unreadable = (context: SliceContext, error: OktaError): StepOutcome =>
  lasting(error, context.run) === null ? { next: "wait", error } : leaveToNext(context, error, DONE);

/** Reads the first page from `LEAD_MS` before a time, ms since the epoch by Okta's clock. */
const begin = (api: OktaApi, time: number, filter: string | null) => {
  const since = new Date(time - LEAD_MS).toISOString();
  const query = { since, sortOrder: "ASCENDING", limit: String(PAGE.logs) };
  return api.logs({ query: filter === null ? query : { ...query, filter } });
};

/**
 * Follows the stored cursor until an empty page. A cursor that is lost or too old is a gap. A delta run ends there,
 * and a full run follows; a full run that finds a gap reads everything again, including all factors.
 */
export const logPhase: Phase<LogCursor> = async (context) => {
  const { definition, connection, inventory, run, api, now, meta } = context;
  const state = meta.get("log");
  const isFirst = run.kind === "full" && (meta.get("schedule")?.lastFullAt ?? null) === null;
  if (state === null) {
    return isFirst ? startLater(context) : startLog(context, { since: null, knownBefore: 0 });
  }
  if (context.cursor.page === undefined && now() - state.polledAt > RETENTION_MS) return gap(context);
  if (state.next === null) {
    if (isFirst) return startLater(context);
    const since = state.since ?? state.polledAt;
    return startLog(context, { since, knownBefore: since - INDEX_LAG_MS });
  }
  const filter = logFilter(definition.source.logRules);
  // Another version hears other types. Version 0.1.0 did not store what its cursor asks for.
  if (state.filter !== filter) {
    return startLog(context, { since: state.polledAt + api.skewMs, knownBefore: 0 });
  }
  // A delta run beside this full run may have come to the end of the log meanwhile.
  const { endedAt = 0 } = state;
  if (run.kind === "full" && endedAt >= run.startedAt) {
    return context.commit(() => {
      run.polledAt = endedAt;
    }, DONE);
  }
  const askedAt = now();
  // A page may have been made smaller because Okta took too long for it. Each run tries whole ones again.
  const whole = context.cursor.page === undefined && state.isShrunk === true;
  const from = onOrigin(state.next, connection.baseUrl);
  const page = await api.logs(whole ? { next: from, limit: PAGE.logs } : { next: from });
  if (!page.ok) {
    const lost =
      page.error.code === "bad_request" ||
      page.error.code === "not_found" ||
      page.error.code === "foreign_origin";
    if (lost) return gap(context);
    return unreadable(context, page.error);
  }
  const { records, next } = page.value;
  const began = context.cursor.began ?? askedAt;
  const isLast = next === null || next === state.next || isCaughtUp(context, page.value, from, began);
  const shown = inventory.sweeps.noteShown(
    `${run.id}/log`,
    uuidsIn(records),
    context.cursor.page === undefined,
  );
  const idle = shown > 0 || isLast ? 0 : (context.cursor.idle ?? 0) + 1;
  const since = context.cursor.since ?? state.polledAt;
  if (next !== null && idle >= MAX_IDLE_PAGES) {
    return context.commit(() => {
      giveUp(context, endlessList(next, idle));
      // The next run begins the log anew, from where it was polled before this one.
      meta.set("log", { next: null, since: since + api.skewMs, polledAt: since, filter });
    }, DONE);
  }
  return context.commit(
    () => {
      applyEvents(context, records);
      const ended = isLast ? { endedAt: askedAt } : {};
      const isShrunk = page.value.limit !== undefined || (state.isShrunk === true && !whole);
      const shrunk = isShrunk ? { isShrunk } : {};
      meta.set("log", { next: next ?? state.next, polledAt: now(), filter, ...ended, ...shrunk });
      context.move({ page: (context.cursor.page ?? 0) + 1, idle, since, began });
      if (!isLast) return;
      // A full page that reaches beyond the beginning of the poll says nothing of what came after that.
      run.polledAt = records.length < fullPage(from, page.value) ? askedAt : began;
      inventory.memberships.forgetEventsBefore(api.serverNow() - LATE_MS);
      inventory.groups.forgetGoneBefore(now() - LATE_MS);
      inventory.assets.forgetUnheardBefore(now() - LATE_MS);
      inventory.history.forgetToldBefore(api.serverNow() - LATE_MS);
    },
    isLast ? DONE : AGAIN,
  );
};

/** How many events a page may hold. */
const fullPage = (url: string, { limit }: Pick<Page, "limit">): number =>
  limit ?? (limitOf(url) || PAGE.logs);

/**
 * Whether a page shows that there is nothing more to follow now: it is not full, or it reaches beyond the time at which
 * this poll began. In a busy org no page is ever empty, and the rest of the run must not wait for one.
 * @param began ms since the epoch by our clock
 */
const isCaughtUp = ({ api }: SliceContext, page: Page, url: string, began: number): boolean => {
  if (page.records.length < fullPage(url, page)) return true;
  const last = page.records.at(-1);
  const published = isPlainObject(last) ? Date.parse(String(last["published"])) : Number.NaN;
  return published >= began + api.skewMs;
};

const uuidsIn = (records: readonly unknown[]): string[] =>
  records.flatMap((record) =>
    isPlainObject(record) && typeof record["uuid"] === "string" ? [record["uuid"]] : [],
  );

const gap = (context: StepContext<LogCursor>): StepOutcome => {
  const { run, meta } = context;
  const message =
    "The cursor of the System Log is lost, or older than the events that Okta keeps. A full run follows.";
  return context.commit(
    () => {
      meta.delete("log");
      context.move({});
      if (run.kind === "full") run.factorsDueBefore = run.startedAt;
    },
    run.kind === "full" ? AGAIN : { next: "stop", code: "log_gap", message },
  );
};

/** @param from events that were published before are left out, ms by Okta's clock */
const applyEvents = (context: SliceContext, records: readonly unknown[], from = 0): void => {
  const { logRules } = context.definition.source;
  const events = parseAll(records, parseLogEvent).records;
  noteHooks(context, events);
  const now = context.api.serverNow();
  for (const event of events) {
    // Nothing was published later than now, whatever an event says.
    const published = event.published === null ? now : Math.min(Date.parse(event.published), now);
    if (published < from) continue;
    noteChange(context, event, published);
    const told = changeEvent(event);
    for (const effect of effectsOf(logRules, event)) apply(context, effect, { published, told });
  }
};

/** Takes note of a change that people may want to hear of, as things stand before it is applied. */
const noteChange = (context: SliceContext, event: OktaLogEvent, published: number): void => {
  const { definition, inventory, api, told } = context;
  if (!told.isWanted()) return;
  const change = definition.source.change?.(inventory, event) ?? null;
  if (change !== null) told.note({ ...change, uuid: event.uuid, at: published - api.skewMs });
};

/** Compares what the log shows with the event hooks that have come. */
const noteHooks = ({ meta, api, definition }: SliceContext, events: readonly OktaLogEvent[]): void => {
  const before = meta.get("hooks");
  if (before === null) return;
  const told = events.filter(({ eventType }) => isHooked(definition.source.logRules, eventType));
  const after = told.reduce(
    (state, { published }) =>
      published === null ? state : logTold(state, Date.parse(published) - api.skewMs),
    logShowed(
      before,
      events.map(({ uuid }) => uuid),
    ),
  );
  if (after !== before) meta.set("hooks", after);
};

/** A log event as it counts: never as later than now. */
interface AppliedEvent {
  /** ms by Okta's clock */
  readonly published: number;
  readonly told: ChangeEvent;
}

const apply = (context: SliceContext, effect: Effect, event: AppliedEvent): void => {
  const { inventory, run, definition, meta, api } = context;
  const { assets, groups, history, memberships, stale, users } = inventory;
  const { published, told } = event;
  const readAgain = (kind: StaleKind, id: string, since = published): void => {
    stale.add(kind, id, "log", since);
    history.hear(subjectOf(kind, id), told);
  };
  switch (effect.do) {
    case "read_again":
      readAgain(effect.kind, effect.id, effect.quiet && Number.MAX_SAFE_INTEGER);
      return;
    case "read_again_by_login":
      for (const { id } of users.named(effect.login.toLowerCase()))
        readAgain(effect.kind, id, effect.quiet && Number.MAX_SAFE_INTEGER);
      return;
    case "search":
      // A run that only follows event hooks has no searches.
      if (run.kind === "delta") run.phases = definition.run.deltaPhases;
      return;
    case "factors_due":
      meta.set("factorsDue", Math.max(meta.get("factorsDue") ?? 0, published - api.skewMs));
      return;
    case "maybe_deleted":
      history.hear({ part: "asset", id: effect.id }, told);
      if (assets.exists(effect.id)) inventory.sweeps.addAbsentee(effect.id);
      else assets.noteGone(effect.id);
      return;
    case "signed_in":
      if (inventory.setLastLogin(effect.userId, effect.at)) run.changes.log += 1;
      return;
    case "group_deleted":
      history.as({ event: told }, () => groups.remove(effect.groupId));
      return;
    case "membership": {
      const { groupId, userId, member } = effect;
      if (groupId === groups.everyoneId()) return;
      const applied = { ...effect, published, uuid: told.uuid };
      if (history.as({ event: told }, () => memberships.applyEvent(applied))) run.changes.log += 1;
      else history.hearMembership(userId, groupId, member, told);
      // Okta does not tell which roles the group gives, but a user's own answer does.
      if (groups.givesUnknownRoles(groupId)) readAgain("roles", userId);
      if (member && !groups.has(groupId)) stale.add("group", groupId, "log", published);
    }
  }
};
