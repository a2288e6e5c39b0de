/** What a phase gets to work with, and what it may answer. */
import type { Connection } from "../config/types.ts";
import type { Reading, UserReading } from "../inventory/assets.ts";
import type { Inventory } from "../inventory/inventory.ts";
import type { Meta } from "../inventory/meta.ts";
import type { Result } from "../lib/result.ts";
import type { OktaApi, Page, PageRequest } from "../okta/api.ts";
import { isForbidden, type OktaError } from "../okta/errors.ts";
import type { Parsed } from "../okta/records.ts";
import { type AccountRef, isUnusable, type UserFactError } from "../okta/user-facts.ts";
import type { StreamDefinition } from "../streams/definition.ts";
import type { Cursor, ListCursor } from "./cursors.ts";
import type { Run } from "./run.ts";
import type { SyncMeta } from "./store.ts";

/** What every phase of a slice gets. */
export interface SliceContext {
  readonly definition: StreamDefinition;
  readonly connection: Connection;
  readonly inventory: Inventory;
  readonly meta: Meta<SyncMeta>;
  readonly api: OktaApi;
  readonly run: Run;
  readonly now: () => number;
  /** Okta calls that this slice may still make. */
  readonly callsLeft: () => number;
  /**
   * One transaction: checks that this run still is the stream's run, writes, and stores the run with its new
   * cursor. It counts as progress, which ends a backoff, unless told otherwise.
   * @param then the outcome once it is written; a function sees the run as written
   * @returns `superseded` when the run was cancelled or replaced meanwhile: nothing was written then
   */
  readonly commit: (
    write: () => void,
    then: StepOutcome | (() => StepOutcome),
    options?: { readonly progress: boolean },
  ) => StepOutcome;
  /**
   * The same for one of many small writes that nothing reads before the step ends: a few of them share a
   * transaction, at the latest the one of the next `commit` or of the end of the step. Those with the same `write`
   * are written in one go, in their order. @returns `again`, or `superseded`
   */
  readonly later: <T>(write: BatchWrite<T>, item: T) => StepOutcome;
}

/** The same with the cursor of the phase at work. */
export interface StepContext<C extends Cursor> extends SliceContext {
  /** Where the phase stands. */
  readonly cursor: C;
  /** Moves the cursor. It is stored with the transaction that it is called in. */
  readonly move: (cursor: C) => void;
}

/** Writes what came in one by one; inside a transaction. */
export type BatchWrite<T> = (context: SliceContext, items: readonly T[]) => void;

/** A reading to be stored, and what follows from it in the same transaction. */
export interface ReadingToStore extends UserReading {
  readonly stored: (changed: boolean) => void;
}

/**
 * - `again` there is more to do in this phase
 * - `done` the phase is complete
 * - `wait` it failed for now: back off and resume here
 * - `stop` the run cannot go on
 * - `superseded` the run was cancelled or replaced
 */
export type StepOutcome =
  | { readonly next: "again" | "done" | "superseded" }
  | { readonly next: "wait"; readonly error: OktaError }
  | { readonly next: "stop"; readonly code: string; readonly message: string };

export type Phase<C extends Cursor> = (context: StepContext<C>) => Promise<StepOutcome>;

export const AGAIN: StepOutcome = { next: "again" };
export const DONE: StepOutcome = { next: "done" };
export const SUPERSEDED: StepOutcome = { next: "superseded" };

/** A unit of work that fails this often in a row is given up for this run; everything else goes on. */
export const GIVE_UP_AFTER = 5;

/** A list whose cursors expire this often is not going to end. */
const MAX_RESTARTS = 3;

/** Calls for single assets in flight at once: as many as one invocation may have waiting for headers. */
const CONCURRENCY = 6;

const pageRequest = (cursor: ListCursor, query: Readonly<Record<string, string>>): PageRequest =>
  cursor.next ? { next: cursor.next } : { query };

/** The outcome of a list's step: `failed` is the caller's to judge. */
export type ListOutcome = StepOutcome | { readonly next: "failed"; readonly error: OktaError };

/** Reads one page of a list and stores it with the cursor behind it, in one transaction. */
export const listStep = async <C extends ListCursor>(
  context: StepContext<C>,
  read: (request: PageRequest) => Promise<Result<Page, OktaError>>,
  query: Readonly<Record<string, string>>,
  store: (page: Page, number: number) => void,
): Promise<ListOutcome> => {
  const { cursor } = context;
  const number = cursor.page ?? 0;
  const page = await read(pageRequest(cursor, query));
  if (!page.ok) {
    if (page.error.code !== "bad_request" || !cursor.next) return { next: "failed", error: page.error };
    // The cursor has expired: the list is read again from its start, which is harmless, but not for ever.
    const restarts = (cursor.restarts ?? 0) + 1;
    if (restarts > MAX_RESTARTS) return { next: "stop", code: page.error.code, message: page.error.message };
    const restart = () => context.move({ ...context.cursor, next: null, page: 0, restarts });
    return context.commit(restart, { next: "wait", error: page.error });
  }
  const { next } = page.value;
  const stuck = next !== null && next === cursor.next;
  return context.commit(
    () => {
      store(page.value, number);
      context.move({ ...context.cursor, next: stuck ? null : next, page: number + 1 });
    },
    next === null || stuck ? DONE : AGAIN,
  );
};

/** Is this failure to be lived with (forbidden, or tried often enough), and under which reason? */
export const lasting = (error: OktaError, run: Run): "forbidden" | "failed" | null => {
  if (isForbidden(error)) return "forbidden";
  if (error.code === "rate_limited" || error.code === "invalid_credential") return null;
  return run.failures >= GIVE_UP_AFTER ? "failed" : null;
};

/**
 * Works on assets a few at a time, while the slice's budget lasts. `work` stores its own result; the first
 * outcome that is not `again` ends the batch, once what is in flight has come in.
 */
export const forEachAsset = async (
  context: SliceContext,
  ids: readonly string[],
  work: (id: string) => Promise<StepOutcome> | StepOutcome,
): Promise<StepOutcome> => {
  const queue = [...ids];
  let outcome: StepOutcome = AGAIN;
  const worker = async (): Promise<void> => {
    while (outcome.next === "again" && context.callsLeft() > 0) {
      const id = queue.shift();
      if (id === undefined) return;
      const result = await work(id);
      if (result.next !== "again" && outcome.next === "again") outcome = result;
    }
  };
  await Promise.all(Array.from({ length: Math.min(CONCURRENCY, queue.length) }, worker));
  return outcome;
};

/**
 * One asset's fact could not be read. Forbidden: the fact is unknown for that reason. Out of permits, or the
 * credential is refused: the phase waits. Anything else: the fact is unknown as failed and the next asset gets
 * its turn, but many in a row are an outage, which is waited for.
 */
export const settleFailure = (
  context: SliceContext,
  error: UserFactError,
  mark: (reason: "forbidden" | "failed") => void,
): StepOutcome => {
  if (error.code === "rate_limited" || error.code === "invalid_credential") return { next: "wait", error };
  const forbidden = isForbidden(error);
  // A 404, or an answer that cannot be used, is about this one asset and no sign of an outage.
  const progress = forbidden || error.code === "not_found" || isUnusable(error);
  return context.commit(
    () => {
      mark(forbidden ? "forbidden" : "failed");
      if (!progress) context.run.failures += 1;
    },
    () => (context.run.failures >= GIVE_UP_AFTER ? { next: "wait", error } : AGAIN),
    { progress },
  );
};

/** The account to ask about. Its status is read only where an answer needs it. */
export const accountOf = ({ inventory }: SliceContext, id: string): AccountRef => ({
  id,
  get status() {
    return inventory.assets.statusOf(id);
  },
});

/** A list as stored: one unreadable entry makes the whole unknown, never smaller. */
export const readingOf = (parsed: Parsed<unknown>): Reading =>
  parsed.quarantined.length === 0 ? { value: JSON.stringify(parsed.records) } : { reason: "failed" };

/** Turns an asset into a tombstone that keeps what its last event said. False when there is none. */
export const bury = ({ definition, inventory }: SliceContext, id: string): boolean =>
  inventory.bury(definition.store.reader(inventory), id);
