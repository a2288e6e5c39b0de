/** What a phase works with, what it can answer, and what several phases share. */
import type { Connection } from "../config/types.ts";
import type { ReportedChange } from "../contract/alerts.ts";
import type { ChangeSource } from "../contract/changes.ts";
import type { Inventory } from "../inventory/inventory.ts";
import type { Meta } from "../inventory/meta.ts";
import { INDEX_LAG_MS } from "../inventory/precedence.ts";
import type { Reading, UserReading } from "../inventory/readings.ts";
import type { Result } from "../lib/result.ts";
import type { OktaApi, Page, PageRequest } from "../okta/api.ts";
import { endlessList, isForbidden, type OktaError, type OktaErrorCode } from "../okta/errors.ts";
import { onOrigin } from "../okta/paging.ts";
import { identifierOf, type Parsed } from "../okta/records.ts";
import { type AccountRef, isUnusable, type UserFactError } from "../okta/user-facts.ts";
import type { ListWay, StreamDefinition } from "../streams/definition.ts";
import type { Cursor, ListCursor } from "./cursors.ts";
import { afterQuery, afterRefusal, beginningOf, currentQuery, keyAfter } from "./list-ways.ts";
import type { OrgGuard } from "./org-guard.ts";
import { afterPage, nextLimit } from "./page-size.ts";
import { type Run, type RunError, runErrorOf } from "./run.ts";
import type { SyncMeta } from "./store.ts";

/** What a slice gives to every phase. */
export interface SliceContext {
  readonly definition: StreamDefinition;
  readonly connection: Connection;
  readonly inventory: Inventory;
  readonly meta: Meta<SyncMeta>;
  readonly api: OktaApi;
  readonly org: OrgGuard;
  readonly run: Run;
  readonly now: () => number;
  /** Changes that people want to hear of. */
  readonly told: {
    /** Whether anybody wants to hear of any. */
    readonly isWanted: () => boolean;
    /** Called inside a transaction. */
    readonly note: (change: ReportedChange) => void;
  };
  /** The ids of the users who are linked to a device, as the devices stream knows it; null if it does not. Never throws. */
  readonly peopleOf: (deviceId: string) => Promise<readonly string[] | null>;
  /** How many calls to Okta this slice may still make. */
  readonly callsLeft: () => number;
  /** Whether the run of the other lane goes first now: a step of many calls ends early then. */
  readonly isOthersTurn: () => boolean;
  /**
   * In one transaction: checks that this run is still the stream's current run, writes, and stores the run with its
   * new cursor. Unless `progress` is false, this counts as progress, which clears a failure.
   * @param then the outcome after the transaction; a function sees the run as written
   * @returns `superseded` if the run was cancelled or replaced; then nothing was written
   */
  readonly commit: (
    write: () => void,
    then: StepOutcome | (() => StepOutcome),
    options?: { readonly progress: boolean },
  ) => StepOutcome;
  /**
   * Like `commit`, for one of many small writes that nothing reads before the step ends. Several of them share one
   * transaction, at the latest that of the next `commit` or of the end of the step. Items with the same `write` are
   * written together, in their order.
   * @returns `again`, or `superseded`
   */
  readonly later: <T>(write: BatchWrite<T>, item: T) => StepOutcome;
}

/** What a step of one phase works with: the slice's context and the phase's cursor. */
export interface StepContext<C extends Cursor> extends SliceContext {
  /** Where the phase stands. */
  readonly cursor: C;
  /** Moves the cursor. Call it inside a transaction, which stores the cursor. */
  readonly move: (cursor: C) => void;
}

/** Writes items that came in one by one. Called inside a transaction. */
export type BatchWrite<T> = (context: SliceContext, items: readonly T[]) => void;

/** A reading to be stored. */
export interface ReadingToStore extends UserReading {
  /** Called in the same transaction. @param changed whether the user's event changed */
  readonly stored: (changed: boolean) => void;
  /** What has shown that the fact may have changed; absent: the phase that reads it. */
  readonly source?: ChangeSource;
}

/**
 * How a step of a phase ended:
 * - `again` there is more to do in this phase
 * - `done` the phase is complete
 * - `wait` the step failed for now: back off, then continue here
 * - `hold` something that needs a person keeps the run from continuing; it tries again at `resumeAt`, ms since the epoch
 * - `stop` the run cannot continue
 * - `superseded` the run was cancelled or replaced
 */
export type StepOutcome =
  | { readonly next: "again" | "done" | "superseded" }
  | { readonly next: "wait"; readonly error: OktaError }
  | { readonly next: "hold"; readonly code: string; readonly message: string; readonly resumeAt: number }
  | { readonly next: "stop"; readonly code: string; readonly message: string; readonly remedy?: string };

/** A phase of a run. One call makes one step. */
export type Phase<C extends Cursor> = (context: StepContext<C>) => Promise<StepOutcome>;

export const AGAIN: StepOutcome = { next: "again" };
export const DONE: StepOutcome = { next: "done" };
export const SUPERSEDED: StepOutcome = { next: "superseded" };

/** After this many failures in a row, a piece of work is given up for this run; everything else continues. */
export const GIVE_UP_AFTER = 5;

/** How often a list is restarted because its cursor has expired. A list that needs more restarts would never end. */
const MAX_RESTARTS = 3;

/** Concurrent calls for single assets: as many as Cloudflare lets one invocation have waiting for response headers. */
const CONCURRENCY = 6;

/** After so many pages in a row that show nothing new, a list is not going to end. */
export const MAX_IDLE_PAGES = 10;

const pageRequest = <C extends ListCursor>(
  { cursor, connection }: StepContext<C>,
  query: Readonly<Record<string, string>>,
): PageRequest => {
  const limit = nextLimit(cursor.size, Number(query["limit"]));
  if (cursor.next) {
    const next = onOrigin(cursor.next, connection.baseUrl);
    return limit === undefined ? { next } : { next, limit };
  }
  return { query: limit === undefined ? query : { ...query, limit: String(limit) } };
};

/** How a step of a list ended. On `failed` nothing was stored, and the phase decides what follows. */
export type ListOutcome = StepOutcome | { readonly next: "failed"; readonly error: OktaError };

/**
 * Reads one page of a list, and stores the page and the next cursor in one transaction.
 * @param query the query of the first page, or the ways in which the list can be read, the preferred one first
 * @param store stores the page; `number` is 0 for the first page, and `askedAt` is when it was asked for, ms since the
 *   epoch by our clock
 * @param ended called in the same transaction after the last page, once the cursor has moved
 */
export const listStep = async <C extends ListCursor>(
  context: StepContext<C>,
  read: (request: PageRequest) => Promise<Result<Page, OktaError>>,
  query: Readonly<Record<string, string>> | readonly ListWay[],
  store: (page: Page, number: number, askedAt: number) => void,
  ended: () => void = () => {},
): Promise<ListOutcome> => {
  const { cursor, run } = context;
  const ways = isWays(query) ? query : ([[{ query: () => query }]] as const);
  const current = currentQuery(ways, cursor);
  const first = current.query(cursor.from ?? null);
  const whole = Number(first["limit"]);
  const number = cursor.page ?? 0;
  const askedAt = context.now();
  const page = await read(pageRequest(context, first));
  if (!page.ok) return listFailed(context, page.error, ways, whole);
  const { records, next, limit } = page.value;
  const ids = records.map(identifierOf).filter((id) => id !== null);
  const list = `${run.id}/${run.phase}/${"group" in cursor ? cursor.group : ""}`;
  const shown = context.inventory.sweeps.noteShown(list, ids, number === 0);
  const idle = shown > 0 ? 0 : (cursor.idle ?? 0) + 1;
  if (next !== null && (next === cursor.next || idle >= MAX_IDLE_PAGES)) {
    return { next: "failed", error: giveUp(context, endlessList(next, next === cursor.next ? 1 : idle)) };
  }
  const place =
    next === null ? afterQuery(ways, cursor) : { next, key: keyAfter(current, records, cursor.key) };
  return context.commit(
    () => {
      context.inventory.history.as({ shownUntil: shownUntil(context, askedAt) }, () =>
        store(page.value, number, askedAt),
      );
      const size = afterPage(cursor.size, whole, limit, true);
      context.move({
        ...context.cursor,
        next: null,
        ...place,
        page: number + 1,
        idle,
        ...(size && { size }),
      });
      if (place === null) ended();
    },
    place === null ? DONE : AGAIN,
  );
};

const isWays = (query: Readonly<Record<string, string>> | readonly ListWay[]): query is readonly ListWay[] =>
  Array.isArray(query);

/** What follows from a page that could not be read. */
const listFailed = <C extends ListCursor>(
  context: StepContext<C>,
  error: OktaError,
  ways: readonly ListWay[],
  whole: number,
): ListOutcome => {
  const { cursor } = context;
  if (error.pageSize !== undefined) {
    const size = afterPage(cursor.size, whole, error.pageSize, false);
    const noted = context.commit(() => context.move({ ...context.cursor, size }), AGAIN, { progress: false });
    return noted.next === "again" ? { next: "failed", error } : noted;
  }
  if (error.code !== "bad_request") return { next: "failed", error };
  const onward = afterRefusal(ways, cursor);
  if (onward !== null) {
    return context.commit(() => context.move({ ...context.cursor, ...onward }), AGAIN);
  }
  if (!cursor.next || (cursor.restarts ?? 0) >= MAX_RESTARTS) return { next: "failed", error };
  // Okta's cursor has expired. Reading the list again from its start is harmless, but must not go on for ever.
  const restarts = (cursor.restarts ?? 0) + 1;
  const restart = () => context.move({ ...context.cursor, ...beginningOf(cursor.way ?? 0), restarts });
  return context.commit(restart, { next: "wait", error });
};

/** Takes note of a failure for which the run gives up part of its work, which is told when it ends. @returns the failure */
export const giveUp = ({ run, now }: SliceContext, error: OktaError): OktaError => {
  run.gaveUp = runErrorOf(error, run.phase, now());
  return error;
};

/** Whether waiting is of no use for a list that has failed. */
export const isGivenUp = ({ restarts = 0 }: ListCursor, error: OktaError): boolean =>
  error.code === "endless_list" || (error.code === "bad_request" && restarts >= MAX_RESTARTS);

/** The answers that concern only what was asked for, are no sign of an outage, and do not change by waiting. */
const OF_ONE: ReadonlySet<OktaErrorCode> = new Set([
  "bad_request",
  "not_found",
  "too_large",
  "foreign_origin",
]);

/** Whether a failure of a call about one asset or group concerns only that one, and waiting does not change it. */
export const concernsOne = ({ code }: OktaError): boolean => OF_ONE.has(code);

/**
 * Decides whether a failure of a list, or of any call that is not about one user's fact, has to be accepted (see
 * `settleFailure` for facts).
 * @returns the reason to store: `forbidden`, or `failed` after enough tries. Null: wait and try again
 */
export const lasting = (error: OktaError, run: Run): "forbidden" | "failed" | null => {
  if (isForbidden(error)) return "forbidden";
  if (error.code === "endless_list") return "failed";
  if (error.code === "rate_limited" || error.code === "invalid_credential") return null;
  return run.failures >= GIVE_UP_AFTER ? "failed" : null;
};

/** The error of a run that leaves work to a later one because of a failure. */
export const incomplete = ({ run, now }: Pick<SliceContext, "run" | "now">, error: OktaError): RunError => ({
  ...runErrorOf(error, run.phase, now()),
  code: "incomplete",
});

/**
 * Leaves a piece of work to a later run after a lasting failure. A delta run that has done so ends as `failed`, unless
 * Okta forbids the work: then no later run could do it either.
 */
export const leaveToNext = (context: SliceContext, error: OktaError, then: StepOutcome): StepOutcome =>
  context.commit(() => {
    if (!isForbidden(error)) context.run.gaveUp ??= incomplete(context, error);
  }, then);

/**
 * Works on up to 6 assets at a time, while the slice's budget lasts and it is this run's turn. `work` stores its own
 * result. The first outcome other than `again` ends the batch, once the calls in flight have finished, and is returned.
 */
export const forEachAsset = async (
  context: SliceContext,
  ids: readonly string[],
  work: (id: string) => Promise<StepOutcome> | StepOutcome,
): Promise<StepOutcome> => {
  const queue = [...ids];
  let outcome: StepOutcome = AGAIN;
  let threw = false;
  const worker = async (): Promise<void> => {
    while (outcome.next === "again" && !threw && context.callsLeft() > 0 && !context.isOthersTurn()) {
      const id = queue.shift();
      if (id === undefined) return;
      const result = await work(id);
      if (result.next !== "again" && outcome.next === "again") outcome = result;
    }
  };
  // An exception is a bug of one asset. The calls in flight end before the step does, so that nothing of it comes later.
  const workers = Array.from({ length: Math.min(CONCURRENCY, queue.length) }, async () => {
    try {
      await worker();
    } catch (error) {
      threw = true;
      throw error;
    }
  });
  const failed = (await Promise.allSettled(workers)).find(({ status }) => status === "rejected");
  if (failed?.status === "rejected") throw failed.reason;
  return outcome;
};

/**
 * Handles a failure to read one user's fact:
 * - rate limited, or the credential is invalid: the phase waits
 * - forbidden: the fact is unknown as `forbidden`
 * - anything else: the fact is unknown as `failed`, and the next asset is read. Five failures in a row other than those
 *   that concern one asset are taken for an outage, and the phase waits
 * @param mark stores the reason; called inside a transaction
 */
export const settleFailure = (
  context: SliceContext,
  error: UserFactError,
  mark: (reason: "forbidden" | "failed") => void,
): StepOutcome => {
  if (error.code === "rate_limited" || error.code === "invalid_credential") return { next: "wait", error };
  const forbidden = isForbidden(error);
  const progress = forbidden || concernsOne(error) || isUnusable(error);
  return context.commit(
    () => {
      mark(forbidden ? "forbidden" : "failed");
      if (!progress) context.run.failures += 1;
    },
    () => (context.run.failures >= GIVE_UP_AFTER ? { next: "wait", error } : AGAIN),
    { progress },
  );
};

/** An account as `okta/user-facts.ts` takes it. Its status is read from the inventory only if it is needed. */
export const accountOf = ({ inventory }: SliceContext, id: string): AccountRef => ({
  id,
  get status() {
    return inventory.assets.statusOf(id);
  },
});

/** Up to when, ms by Okta's clock, a list surely shows what happened. @param askedAt ms since the epoch by our clock */
export const shownUntil = ({ api }: SliceContext, askedAt: number): number =>
  askedAt + api.skewMs - INDEX_LAG_MS;

/** A list as a reading. One unreadable entry makes the whole list unknown; it is never just left out. */
export const readingOf = (parsed: Parsed<unknown>): Reading =>
  parsed.quarantined.length === 0 ? { value: JSON.stringify(parsed.records) } : { reason: "failed" };

/** Turns an asset into a tombstone that keeps the facts of its last event. @returns false if no such asset exists */
export const bury = ({ definition, inventory }: SliceContext, id: string): boolean =>
  inventory.bury(definition.store.reader(inventory), id);
