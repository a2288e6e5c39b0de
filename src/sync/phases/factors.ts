/** MFA factors: one call a user, so each is read only when it has to be. */
import type { Reading } from "../../inventory/assets.ts";
import { parseFactors } from "../../okta/records.ts";
import {
  AGAIN,
  type BatchWrite,
  DONE,
  forEachAsset,
  isNone,
  type Phase,
  type ReadingToStore,
  readingOf,
  type StepContext,
  type StepOutcome,
  SUPERSEDED,
  settleFailure,
} from "../step.ts";

const BATCH = 200;
/** So many refusals without a single success are a refusal for all. */
const FORBIDDEN_FOR_ALL = 5;

/**
 * Never known first (people with roles before others), then what is due; failures get a second try, and what a
 * full run may cost beyond its plan goes to those read longest ago.
 */
export const factorsPhase: Phase = async (context) => {
  const { inventory, run } = context;
  const { part = "first", since = run.startedAt } = run.cursor;
  const ids = inventory.assets.nextFactors({
    dueBefore: run.factorsDueBefore,
    triedBefore: since,
    failedOnly: part === "second",
    limit: Math.min(BATCH, context.callsLeft()),
  });
  if (ids.length > 0) {
    const outcome = await forEachAsset(context, ids, async (id) => {
      const read = await readFactors(context, id, () => {});
      return read.next === "again" && refusedForAll(run) ? DONE : read;
    });
    if (!refusedForAll(run) || outcome.next === "superseded") return outcome;
    const refused = () => inventory.assets.refuseFactors("forbidden", run.startedAt);
    return context.commit(refused) ? DONE : SUPERSEDED;
  }
  if (part === "second") return spareCalls(context);
  const committed = context.commit(() => {
    run.cursor = { ...run.cursor, part: "second", since: context.now() };
  });
  return committed ? AGAIN : SUPERSEDED;
};

/** The part of a run's predicted calls, and the number, that may be spent on facts that are not due. */
const SPARE_PART = 0.02;
const SPARE_CALLS = 5;

const spareCalls = async (context: StepContext): Promise<StepOutcome> => {
  const { inventory, run } = context;
  const left = run.cursor.left ?? Math.floor((run.calls.predicted ?? 0) * SPARE_PART) + SPARE_CALLS;
  const ids = inventory.assets.nextFactorsByAge({
    dueBefore: run.startedAt,
    retryBefore: run.startedAt,
    limit: Math.min(left, context.callsLeft()),
  });
  if (left <= 0 || ids.length === 0) return DONE;
  const committed = context.commit(() => {
    run.cursor = { ...run.cursor, left: left - ids.length };
    if (run.calls.predicted !== null) run.calls.predicted += ids.length;
  });
  return committed ? forEachAsset(context, ids, (id) => readFactors(context, id, () => {})) : SUPERSEDED;
};

const refusedForAll = ({ cursor }: StepContext["run"]): boolean =>
  (cursor.refusals ?? 0) >= FORBIDDEN_FOR_ALL && !cursor.succeeded;

/** Reads one user's factors and stores them, or why they are not known. `stored` runs in the same transaction. */
export const readFactors = async (
  context: StepContext,
  userId: string,
  stored: (changed: boolean) => void,
): Promise<StepOutcome> => {
  const { inventory, run, api } = context;
  const factors = await api.userFactors(userId);
  const readAt = context.now();
  const store = (reading: Reading) => stored(inventory.assets.setFactors(userId, reading, readAt));
  if (factors.ok) {
    const reading = readingOf(parseFactors(factors.value));
    return context.later(storeReadings, { userId, reading, readAt, stored }) ? AGAIN : SUPERSEDED;
  }
  if (isNone(context, userId, factors.error)) {
    return context.commit(() => store({ value: "[]" })) ? AGAIN : SUPERSEDED;
  }
  return settleFailure(context, factors.error, (reason) => {
    store({ reason });
    if (reason === "forbidden") {
      // A missing scope is the same for everybody; a missing permission may be for this one user only.
      const step = factors.error.code === "insufficient_scope" ? FORBIDDEN_FOR_ALL : 1;
      run.cursor = { ...run.cursor, refusals: (run.cursor.refusals ?? 0) + step };
    }
  });
};

const storeReadings: BatchWrite<ReadingToStore> = ({ inventory, run }, readings) => {
  const changed = inventory.assets.setFactorsOf(readings);
  for (const { userId, stored } of readings) stored(changed.has(userId));
  run.cursor = { ...run.cursor, succeeded: true };
};
