/** Reading MFA factors. This takes one call per user, so they are read only when they have to be. */

import type { ChangeSource } from "../../contract/changes.ts";
import type { DueFactors } from "../../inventory/factors.ts";
import type { UserReading } from "../../inventory/readings.ts";
import type { OktaError } from "../../okta/errors.ts";
import { treatmentOf } from "../../okta/remedies.ts";
import { readFactors as askFactors } from "../../okta/user-facts.ts";
import type { FactorsCursor } from "../cursors.ts";
import {
  AGAIN,
  accountOf,
  type BatchWrite,
  DONE,
  forEachAsset,
  type Phase,
  type SliceContext,
  type StepContext,
  type StepOutcome,
  settleFailure,
} from "../step.ts";

const BATCH = 200;
/**
 * After this many refusals without a success, the next users are picked from all over the org: an administrator who sees
 * only some people may well be refused the first ones, which are administrators.
 */
const SUSPICIOUS = 5;
/** After this many refusals without a success, factors count as forbidden for every user. */
const FORBIDDEN_FOR_ALL = 30;
/** So many of those who were refused in former runs are tried at the beginning of each. */
const PROBES = 10;

/**
 * Reads the factors that are due: administrators first, then factors that are not known, then the oldest ones. Failures
 * get a second try. The few calls that a full run may make beyond its prediction go to the oldest readings.
 *
 * What was refused is due again after REFRESH_DAYS. Until then each run tries some of it, and reads all of it once one of
 * these is answered.
 */
export const factorsPhase: Phase<FactorsCursor> = async (context) => {
  const { run, cursor } = context;
  const { part = "first", since = run.startedAt } = cursor;
  if (cursor.probed !== true) return probe(context);
  if (isRefusedForAll(context)) return refuseAll(context);
  if (part === "first" && !isSuspicious(context)) {
    const admins = await adminsStep(context);
    if (admins !== null) return admins;
  }
  const limit = Math.min(BATCH, context.callsLeft());
  const ids = nextIds(context, since, limit);
  if (ids.length > 0) return readAll(context, ids);
  if (part === "second") return spareCalls(context);
  return context.commit(
    () => context.move({ ...context.cursor, part: "second", since: context.now() }),
    AGAIN,
  );
};

/**
 * Reads the administrators' factors that are due, before reading the groups of every user, which takes long and uses
 * another rate limit.
 */
export const adminFactorsPhase: Phase<FactorsCursor> = async (context) => {
  if (context.cursor.probed !== true) return probe(context);
  // Whether everybody's are refused shows when everybody's are read.
  return isSuspicious(context) ? DONE : ((await adminsStep(context)) ?? DONE);
};

/** Whose factors are read next, administrators left out. */
const nextIds = (context: StepContext<FactorsCursor>, since: number, limit: number): readonly string[] => {
  const { factors } = context.inventory;
  const due = dueIn(context, since);
  if (context.cursor.part === "second") return factors.nextFailed(since, limit);
  if (!isSuspicious(context)) return factors.next(due, limit);
  return factors.spread(due, Math.min(limit, FORBIDDEN_FOR_ALL), turnOf(context.run));
};

/** One step of reading the administrators' factors; null once all have been read that are due. */
const adminsStep = async (context: StepContext<FactorsCursor>): Promise<StepOutcome | null> => {
  const { inventory, run, cursor } = context;
  if (cursor.admins === "done") return null;
  const { due, next } = inventory.factors.nextAdmins(cursor.admins ?? null, dueIn(context, run.startedAt));
  if (due.length > 0) return readAll(context, due);
  // Whoever was read is not looked at again.
  return context.commit(() => context.move({ ...context.cursor, admins: next ?? "done" }), AGAIN);
};

const readAll = async (context: StepContext<FactorsCursor>, ids: readonly string[]): Promise<StepOutcome> => {
  const { part = "first" } = context.cursor;
  const wasSuspicious = isSuspicious(context);
  // Once some readings show more, the next step decides how to go on.
  const isDecided = (): boolean => {
    const { refusals = 0, succeeded = false } = context.cursor;
    if (wasSuspicious) return succeeded || refusals >= FORBIDDEN_FOR_ALL;
    return part === "first" && !succeeded && refusals >= SUSPICIOUS;
  };
  const outcome = await forEachAsset(context, ids, async (id) => {
    const read = await readFactors(context, id, noting(context));
    return read.next === "again" && isDecided() ? DONE : read;
  });
  return outcome.next === "done" ? AGAIN : outcome;
};

/** Whether so many were refused, and nobody answered, that it may be so for everybody. */
const isSuspicious = ({ cursor }: StepContext<FactorsCursor>): boolean =>
  (cursor.part ?? "first") === "first" && (cursor.refusals ?? 0) >= SUSPICIOUS && cursor.succeeded !== true;

/** Which factors a run reads. @param since only users who were not tried since, ms since the epoch */
const dueIn = ({ run, cursor }: StepContext<FactorsCursor>, since: number): DueFactors => ({
  dueBefore: run.factorsDueBefore,
  triedBefore: since,
  refusedToo: cursor.refusedToo === true,
});

/** A number that is another one in each run. */
const turnOf = ({ startedAt }: StepContext<FactorsCursor>["run"]): number => Math.floor(startedAt / 1000);

/** Tries some of those who were refused in former runs. */
const probe = async (context: StepContext<FactorsCursor>): Promise<StepOutcome> => {
  const { inventory, run } = context;
  const ids = inventory.factors.spreadRefused(run.startedAt, PROBES, turnOf(run));
  const started = context.commit(() => context.move({ ...context.cursor, probed: true }), AGAIN);
  if (started.next !== "again") return started;
  return forEachAsset(context, ids, (id) =>
    readFactors(context, id, {
      isQueued: true,
      succeeded: () => context.move({ ...context.cursor, refusedToo: true, succeeded: true }),
    }),
  );
};

/** Makes the factors that are due unknown for everybody who was not tried yet. */
const refuseAll = (context: StepContext<FactorsCursor>): StepOutcome =>
  context.commit(
    () => context.inventory.factors.refuse("forbidden", dueIn(context, context.run.startedAt)),
    DONE,
  );

/** The part of a run's predicted calls that it may spend on factors that are not due. */
const SPARE_PART = 0.02;
/** How many calls it may spend on them in addition. One more is spent on asking the org who it is. */
const SPARE_CALLS = 4;

/** Reads the factors that were read longest ago, although they are not due. */
const spareCalls = async (context: StepContext<FactorsCursor>): Promise<StepOutcome> => {
  const { inventory, run } = context;
  const left = context.cursor.left ?? Math.floor((run.calls.predicted ?? 0) * SPARE_PART) + SPARE_CALLS;
  const ids = inventory.factors.oldest(run.startedAt, Math.min(left, context.callsLeft()));
  if (left <= 0 || ids.length === 0) return DONE;
  const booked = context.commit(() => {
    context.move({ ...context.cursor, left: left - ids.length });
    if (run.calls.predicted !== null) run.calls.predicted += ids.length;
  }, AGAIN);
  if (booked.next !== "again") return booked;
  return forEachAsset(context, ids, (id) => readFactors(context, id, noting(context)));
};

const isRefusedForAll = ({ cursor }: StepContext<FactorsCursor>): boolean =>
  (cursor.refusals ?? 0) >= FORBIDDEN_FOR_ALL && cursor.succeeded !== true;

/** Called with the outcome of a reading, in the transaction that stores it. */
interface FactorsNotes {
  /** What has shown that they may have changed; absent: the phase itself. */
  readonly source?: ChangeSource;
  /** Whether the user may be queued for this, and leaves the queue. */
  readonly isQueued?: true;
  /** The reading or its failure was stored. @param changed whether the user's event changed */
  readonly stored?: (changed: boolean) => void;
  readonly succeeded?: () => void;
  /** @param forAll whether the refusal applies to every user */
  readonly refused?: (forAll: boolean) => void;
}

/** Counts refusals in the cursor, to distinguish "forbidden for every user" from "forbidden for one user". */
const noting = (context: StepContext<FactorsCursor>): FactorsNotes => ({
  isQueued: true,
  succeeded: () => {
    if (context.cursor.succeeded !== true) context.move({ ...context.cursor, succeeded: true });
  },
  refused: (forAll) => {
    const refusals = (context.cursor.refusals ?? 0) + (forAll ? FORBIDDEN_FOR_ALL : 1);
    context.move({ ...context.cursor, refusals });
  },
});

/** Reads one user's factors and stores them, or the reason why they are unknown. */
export const readFactors = async (
  context: SliceContext,
  userId: string,
  notes: FactorsNotes,
): Promise<StepOutcome> => {
  const factors = await askFactors(context.api, accountOf(context, userId));
  const readAt = context.now();
  if (factors.ok) {
    return context.later(storeReadings, {
      userId,
      reading: { value: JSON.stringify(factors.value) },
      readAt,
      notes,
    });
  }
  return settleFailure(context, factors.error, (reason) => {
    storeReadings(context, [{ userId, reading: { reason }, readAt, notes }]);
    // A missing scope or feature concerns every user; a missing permission perhaps only this one.
    if (reason === "forbidden") notes.refused?.(isForEverybody(factors.error));
  });
};

const isForEverybody = ({ code, oktaErrorCode }: OktaError): boolean =>
  code === "insufficient_scope" || treatmentOf(oktaErrorCode) === "forbidden";

interface FactorsReading extends UserReading {
  readonly notes: FactorsNotes;
}

const storeReadings: BatchWrite<FactorsReading> = ({ inventory }, readings) => {
  const changed = new Set<string>();
  for (const [source, those] of Map.groupBy(readings, ({ notes }) => notes.source)) {
    const store = () => inventory.factors.setOf(those);
    const ids = inventory.history.as({ ...(source && { source }) }, store);
    for (const id of ids) changed.add(id);
  }
  inventory.stale.doneAll(
    "factors",
    readings.flatMap(({ userId, notes }) => (notes.isQueued ? [userId] : [])),
  );
  for (const { userId, reading, notes } of readings) {
    notes.stored?.(changed.has(userId));
    if ("value" in reading) notes.succeeded?.();
  }
};
