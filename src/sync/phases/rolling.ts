/**
 * Reading factors again that no event has told of, some in every delta run, because not every change of a factor is in the
 * log. Each user has an hour of the user's own, so the calls are spread evenly over the days; see `inventory/hours.ts`.
 */
import type { HourPosition, HourRow } from "../../inventory/factors.ts";
import { SLOTS, slotAt, slotBegins } from "../../inventory/hours.ts";
import type { RollingCursor } from "../cursors.ts";
import {
  AGAIN,
  DONE,
  forEachAsset,
  type Phase,
  type SliceContext,
  type StepContext,
  type StepOutcome,
} from "../step.ts";
import { readFactors } from "./factors.ts";

const DAY_MS = 86_400_000;
/** The part of REFRESH_DAYS after which an hour comes again. What is left makes up for runs that were late or missed. */
const PERIOD_PART = 20 / 21;
/** A failed reading is tried again after this. */
const RETRY_MS = 15 * 60_000;
/** Delta runs come this often. */
const DELTA_MS = 15 * 60_000;
/** How many users whose factors are unknown are read in one step. */
const UNKNOWN_AT_ONCE = 50;

/** How long it takes until the hour of a user comes again, ms. */
const periodOf = ({ connection }: SliceContext): number => connection.refreshDays * PERIOD_PART * DAY_MS;

/** For how many users one delta run may read factors: twice an even share, to make up for missed runs. */
export const rollingBudget = (users: number, periodMs: number): number =>
  Math.ceil((2 * users * DELTA_MS) / periodMs);

/** Where the last delta run has ended, at most a period ago: since then, the hour of everybody has come. */
const position = (context: SliceContext, until: number): HourPosition => {
  const periodMs = periodOf(context);
  const stored = context.meta.get("hours");
  if (stored === null) return { slot: until - SLOTS + 1, number: 0 };
  // With another REFRESH_DAYS, every hour is another one, too. What has been read until then stays read.
  const slot =
    stored.periodMs === periodMs ? stored.slot : slotAt(slotBegins(stored.slot, stored.periodMs), periodMs);
  return slot < until - SLOTS ? { slot: until - SLOTS + 1, number: 0 } : { slot, number: stored.number };
};

/**
 * Reads the factors that are unknown, failed ones included, and those of users whose hour has come, up to the run's
 * budget. It leaves them to a full run in progress, and to the next run when somebody waits for this one to poll again.
 */
export const rollingPhase: Phase<RollingCursor> = async (context) => {
  const { inventory, run, now, cursor, meta } = context;
  const { factors } = inventory;
  if (meta.get("full") !== null || meta.get("pollAgain") === run.id) return DONE;
  const lost = await readLost(context);
  if (lost !== null) return lost;
  const triedBefore = Math.min(run.startedAt, now() - RETRY_MS);
  const unknown = factors.nextFailed(triedBefore, UNKNOWN_AT_ONCE);
  if (unknown.length < UNKNOWN_AT_ONCE) unknown.push(...factors.neverRead(UNKNOWN_AT_ONCE - unknown.length));
  if (unknown.length > 0) return read(context, unknown);
  const periodMs = periodOf(context);
  const until = slotAt(run.startedAt, periodMs);
  const rows = factors.byHour(cursor.at ?? position(context, until), until);
  const last = rows.at(-1);
  if (last === undefined) return DONE;
  const isDue = ({ at, readAt, triedAt, reason, status }: HourRow): boolean =>
    readAt !== null &&
    readAt < slotBegins(at.slot, periodMs) &&
    triedAt < triedBefore &&
    reason === null &&
    status !== "DEPROVISIONED";
  const due = rows.filter(isDue).map(({ id }) => id);
  if (due.length > 0) return read(context, due);
  return context.commit(() => {
    meta.set("hours", { ...last.at, periodMs });
    context.move({ ...context.cursor, at: last.at });
  }, AGAIN);
};

/**
 * Reads what Okta had refused and shows again, administrators first: all of it, because it is as good as never read.
 * @returns null once nothing is left
 */
const readLost = async (context: StepContext<RollingCursor>): Promise<StepOutcome | null> => {
  const { inventory, meta, run, cursor } = context;
  const backAt = meta.get("factorsBackAt");
  if (backAt === null) return null;
  const stored = (changed: boolean): void => {
    if (changed) run.changes.rolling += 1;
  };
  const readAll = (ids: readonly string[]) =>
    forEachAsset(context, ids, (id) => readFactors(context, id, { stored }));
  if (cursor.admins !== "done") {
    const due = { dueBefore: 0, triedBefore: backAt, refusedToo: true };
    const page = inventory.factors.nextAdmins(cursor.admins ?? null, due);
    if (page.due.length > 0) return readAll(page.due);
    return context.commit(() => context.move({ ...context.cursor, admins: page.next ?? "done" }), AGAIN);
  }
  const ids = inventory.refused.factorsBefore(backAt, UNKNOWN_AT_ONCE);
  if (ids.length > 0) return readAll(ids);
  return context.commit(() => meta.delete("factorsBackAt"), AGAIN);
};

const read = async (context: StepContext<RollingCursor>, ids: readonly string[]) => {
  const { inventory, run, cursor } = context;
  const left = cursor.left ?? rollingBudget(inventory.assets.counts().total, periodOf(context));
  if (left <= 0) return DONE;
  const started = context.commit(() => context.move({ ...cursor, left }), AGAIN);
  if (started.next !== "again") return started;
  const stored = (changed: boolean): void => {
    context.move({ ...context.cursor, left: (context.cursor.left ?? 1) - 1 });
    if (changed) run.changes.rolling += 1;
  };
  return forEachAsset(context, ids.slice(0, left), (id) => readFactors(context, id, { stored }));
};
