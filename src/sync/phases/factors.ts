/** MFA factors: one call a user, so each is read only when it has to be. */
import type { FactorsReading, Reading } from "../../inventory/assets.ts";
import { parseFactors } from "../../okta/records.ts";
import {
  AGAIN,
  DONE,
  forEachAsset,
  type Phase,
  readingOf,
  type StepContext,
  type StepOutcome,
  SUPERSEDED,
  settleFailure,
} from "../step.ts";

const BATCH = 200;
/** So many refusals without a single success are a refusal for all. */
const FORBIDDEN_FOR_ALL = 5;

/** Never known first (people with roles before others), then what is due; failures get a second try at the end. */
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
  if (part === "second") return DONE;
  const committed = context.commit(() => {
    run.cursor = { ...run.cursor, part: "second", since: context.now() };
  });
  return committed ? AGAIN : SUPERSEDED;
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
    return storeLater(context, { userId, reading, readAt, stored }) ? AGAIN : SUPERSEDED;
  }
  if (factors.error.code === "not_found") {
    // E0000007 on a DEPROVISIONED user means that there are none. On others the user itself may be gone.
    const none = inventory.user(userId)?.facts.user.status === "DEPROVISIONED";
    return context.commit(() => store(none ? { value: "[]" } : { reason: "failed" })) ? AGAIN : SUPERSEDED;
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

interface Waiting extends FactorsReading {
  readonly stored: (changed: boolean) => void;
}

/** Readings whose transaction has not come yet, of each step: they are written together. */
const waiting = new WeakMap<StepContext, Waiting[]>();

const storeLater = (context: StepContext, reading: Waiting): boolean => {
  const open = waiting.get(context);
  if (open !== undefined) {
    open.push(reading);
    return context.later(() => {}); // the first one's write takes it along
  }
  const readings = [reading];
  waiting.set(context, readings);
  return context.later(() => {
    waiting.delete(context);
    const changed = context.inventory.assets.setFactorsOf(readings);
    for (const { userId, stored } of readings) stored(changed.has(userId));
    context.run.cursor = { ...context.run.cursor, succeeded: true };
  });
};
