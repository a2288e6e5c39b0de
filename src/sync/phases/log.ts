/** The System Log, polled: what it reports is applied, or names what to read again. */
import type { OktaApi } from "../../okta/api.ts";
import { type OktaLogEvent, parseAll, parseLogEvent } from "../../okta/records.ts";
import { type Effect, effectsOf, logFilter } from "../../streams/log-effects.ts";
import { PAGE } from "../../streams/plan.ts";
import type { LogCursor } from "../cursors.ts";
import {
  AGAIN,
  DONE,
  lasting,
  type Phase,
  type SliceContext,
  type StepContext,
  type StepOutcome,
} from "../step.ts";

/** What a full run reads whole, after its log and without a lag, is not read one by one as well. */
const LISTED_WHOLE = ["group", "group_roles", "members", "user_groups", "assignees", "roles"] as const;

const DAY_MS = 86_400_000;
/** Okta keeps 90 days of log: an older cursor may have lost events, whatever Okta answers to it. */
const RETENTION_MS = 89 * DAY_MS;
/** Events are persisted a little after they happened: a new cursor begins this much earlier. */
const LEAD_MS = 5 * 60_000;
/** No event comes later than this after a newer one of the same membership. */
const LATE_MS = 2 * DAY_MS;

/** Begins log polling where there is no cursor yet, so that what changes during a full run is seen after it. */
const startLog = async (context: SliceContext): Promise<StepOutcome> => {
  const { definition, run, api, meta } = context;
  const filter = logFilter(definition.source.logRules);
  const skew = api.skewMs;
  let page = await begin(api, filter);
  // The first answer ever shows how far our clocks are apart: a beginning that this moves is chosen again.
  if (Math.abs(api.skewMs - skew) > LEAD_MS / 2) page = await begin(api, filter);
  // A filter that Okta does not take costs us the events of other types, not the log.
  if (!page.ok && page.error.code === "bad_request") page = await begin(api, null);
  if (!page.ok) {
    // Without the log the inventory still follows the org, by searches and full runs.
    return lasting(page.error, run) === null ? { next: "wait", error: page.error } : DONE;
  }
  const { records, next } = page.value;
  if (next === null) return DONE;
  return context.commit(() => {
    // A full run reads everything after this: what happened before is in what it reads.
    if (run.kind !== "full") applyEvents(context, records);
    meta.set("log", { next, polledAt: context.now() });
  }, DONE);
};

const begin = (api: OktaApi, filter: string | null) => {
  const since = new Date(api.serverNow() - LEAD_MS).toISOString();
  const query = { since, sortOrder: "ASCENDING", limit: String(PAGE.logs) };
  return api.logs({ query: filter === null ? query : { ...query, filter } });
};

/**
 * Follows the stored cursor until an empty page. A cursor that is lost or too old is a gap: a delta ends there and
 * a full run follows; a full run that finds it reads everything again, factors included.
 */
export const logPhase: Phase<LogCursor> = async (context) => {
  const { inventory, run, api, now, meta } = context;
  const state = meta.get("log");
  if (state === null) return startLog(context);
  if (context.cursor.page === undefined && now() - state.polledAt > RETENTION_MS) return gap(context);
  const page = await api.logs({ next: state.next });
  if (!page.ok) {
    const lost =
      page.error.code === "bad_request" ||
      page.error.code === "not_found" ||
      page.error.code === "foreign_origin";
    if (lost) return gap(context);
    return lasting(page.error, run) === null ? { next: "wait", error: page.error } : DONE;
  }
  const { records, next } = page.value;
  return context.commit(
    () => {
      applyEvents(context, records);
      meta.set("log", { next: next ?? state.next, polledAt: now() });
      context.move({ page: (context.cursor.page ?? 0) + 1 });
      if (records.length > 0) return;
      inventory.memberships.forgetEventsBefore(api.serverNow() - LATE_MS);
      if (run.kind === "full") inventory.stale.clear(LISTED_WHOLE);
    },
    records.length === 0 || next === null || next === state.next ? DONE : AGAIN,
  );
};

const gap = (context: StepContext<LogCursor>): StepOutcome => {
  const { run, meta } = context;
  const message = "The System Log's cursor is lost or older than Okta keeps events: a full run follows.";
  return context.commit(
    () => {
      meta.delete("log");
      context.move({});
      if (run.kind === "full") run.factorsDueBefore = run.startedAt;
    },
    run.kind === "full" ? AGAIN : { next: "stop", code: "log_gap", message },
  );
};

const applyEvents = (context: SliceContext, records: readonly unknown[]): void => {
  const { logRules } = context.definition.source;
  for (const event of parseAll(records, parseLogEvent).records) {
    for (const effect of effectsOf(logRules, event)) apply(context, effect, event);
  }
};

const apply = ({ inventory, run, now }: SliceContext, effect: Effect, event: OktaLogEvent): void => {
  const { assets, groups, memberships, stale } = inventory;
  const published = event.published === null ? now() : Date.parse(event.published);
  switch (effect.do) {
    case "read_again":
      stale.add(effect.kind, effect.id, "log", effect.quiet ? Number.MAX_SAFE_INTEGER : published);
      return;
    case "maybe_deleted":
      if (assets.exists(effect.id)) inventory.sweeps.addAbsentee(effect.id);
      return;
    case "signed_in":
      if (inventory.setLastLogin(effect.userId, effect.at)) run.changes.log += 1;
      return;
    case "group_deleted":
      if (groups.hasRoles(effect.groupId)) {
        for (const id of memberships.membersOf(effect.groupId)) stale.add("roles", id, "log", published);
      }
      groups.remove(effect.groupId);
      return;
    case "membership":
      if (effect.groupId === groups.everyoneId()) return;
      if (memberships.applyEvent({ ...effect, published })) run.changes.log += 1;
      // What the group gives its members is theirs to gain or lose.
      if (groups.hasRoles(effect.groupId)) stale.add("roles", effect.userId, "log", published);
      if (effect.member && !groups.has(effect.groupId)) stale.add("group", effect.groupId, "log", published);
  }
};
