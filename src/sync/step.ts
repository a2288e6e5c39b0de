/** What a phase gets to work with, and what it may answer. */

import type { Connection } from "../config/types.ts";
import type { StreamName } from "../contract/streams.ts";
import type { Reading, UserReading } from "../inventory/assets.ts";
import type { Inventory } from "../inventory/inventory.ts";
import type { Result } from "../lib/result.ts";
import type { OktaApi, Page, PageRequest } from "../okta/api.ts";
import { isForbidden, type OktaError } from "../okta/errors.ts";
import type { Parsed } from "../okta/records.ts";
import type { Cursor, Run } from "./run.ts";

export interface StepContext {
  readonly stream: StreamName;
  readonly connection: Connection;
  readonly inventory: Inventory;
  readonly api: OktaApi;
  readonly run: Run;
  readonly now: () => number;
  /** Okta calls that this slice may still make. */
  readonly callsLeft: () => number;
  /**
   * One transaction: checks that this run still is the stream's run, writes, and stores the run with its new
   * cursor. False when the run was cancelled or replaced meanwhile: nothing was written then. It counts as
   * progress, which ends a backoff, unless told otherwise.
   */
  readonly commit: (write: () => void, options?: { readonly progress: boolean }) => boolean;
  /**
   * The same for one of many small writes that nothing reads before the step ends: a few of them share a
   * transaction, at the latest the one of the next `commit` or of the end of the step. Those with the same `write`
   * are written in one go, in their order.
   */
  readonly later: <T>(write: BatchWrite<T>, item: T) => boolean;
}

/** Writes what came in one by one; inside a transaction. */
export type BatchWrite<T> = (context: StepContext, items: readonly T[]) => void;

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

export type Phase = (context: StepContext) => Promise<StepOutcome>;

export const AGAIN: StepOutcome = { next: "again" };
export const DONE: StepOutcome = { next: "done" };
export const SUPERSEDED: StepOutcome = { next: "superseded" };

/** A unit of work that fails this often in a row is given up for this run; the rest goes on. */
export const GIVE_UP_AFTER = 5;

/** A list whose cursors expire this often is not going to end. */
const MAX_RESTARTS = 3;

/** Calls for single assets under way at once: what one invocation may have waiting for headers. */
const CONCURRENCY = 6;

export const pageRequest = (cursor: Cursor, query: Record<string, string>): PageRequest =>
  cursor.next ? { next: cursor.next } : { query };

/** Reads one page of a list and stores it with the cursor behind it, in one transaction. */
export const listStep = async (
  context: StepContext,
  read: (request: PageRequest) => Promise<Result<Page, OktaError>>,
  query: Record<string, string>,
  store: (page: Page, number: number) => void,
): Promise<StepOutcome | { next: "failed"; error: OktaError }> => {
  const { run } = context;
  const number = run.cursor.page ?? 0;
  const page = await read(pageRequest(run.cursor, query));
  if (!page.ok) {
    if (page.error.code === "bad_request" && run.cursor.next) {
      // The cursor has expired: the list is read again from its start, which is harmless, but not for ever.
      const restarts = (run.cursor.restarts ?? 0) + 1;
      if (restarts > MAX_RESTARTS)
        return { next: "stop", code: page.error.code, message: page.error.message };
      const committed = context.commit(() => {
        run.cursor = { ...run.cursor, next: null, page: 0, restarts };
      });
      return committed ? { next: "wait", error: page.error } : SUPERSEDED;
    }
    return { next: "failed", error: page.error };
  }
  const { next } = page.value;
  const stuck = next !== null && next === run.cursor.next;
  const committed = context.commit(() => {
    store(page.value, number);
    run.cursor = { ...run.cursor, next: stuck ? null : next, page: number + 1 };
  });
  if (!committed) return SUPERSEDED;
  return next === null || stuck ? DONE : AGAIN;
};

/** Is this failure to be lived with (forbidden, or tried often enough), and under which reason? */
export const lasting = (error: OktaError, run: Run): "forbidden" | "failed" | null => {
  if (isForbidden(error)) return "forbidden";
  if (error.code === "rate_limited" || error.code === "invalid_credential") return null;
  return run.failures >= GIVE_UP_AFTER ? "failed" : null;
};

/**
 * Works on assets a few at a time, while the slice's budget lasts. `work` stores its own result; the first
 * outcome that is not `again` ends the batch, once what is under way has come in.
 */
export const forEachAsset = async (
  context: StepContext,
  ids: readonly string[],
  work: (id: string) => Promise<StepOutcome>,
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
  context: StepContext,
  error: OktaError,
  mark: (reason: "forbidden" | "failed") => void,
): StepOutcome => {
  if (error.code === "rate_limited" || error.code === "invalid_credential") return { next: "wait", error };
  const forbidden = isForbidden(error);
  // A 404 is an answer about this one asset, not a sign of an outage.
  const progress = forbidden || error.code === "not_found";
  const committed = context.commit(
    () => {
      mark(forbidden ? "forbidden" : "failed");
      if (!progress) context.run.failures += 1;
    },
    { progress },
  );
  if (!committed) return SUPERSEDED;
  return context.run.failures >= GIVE_UP_AFTER ? { next: "wait", error } : AGAIN;
};

/**
 * Does a 404 mean that there is nothing? It does for somebody without an account: Okta answers so for the factors
 * of DEPROVISIONED users. For others it is a fact that could not be read.
 */
export const isNone = ({ inventory }: StepContext, userId: string, error: OktaError): boolean =>
  error.code === "not_found" && inventory.user(userId)?.facts.user.status === "DEPROVISIONED";

/** A list of factors or roles as stored: one unreadable entry makes the whole unknown, never smaller. */
export const readingOf = (parsed: Parsed<unknown>): Reading =>
  parsed.quarantined.length === 0 ? { value: JSON.stringify(parsed.records) } : { reason: "failed" };
