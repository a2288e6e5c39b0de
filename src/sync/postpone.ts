/**
 * Leaving single things to a later run: what an outage keeps a run from reading is not forgotten, and one thing that can
 * never be read keeps nothing else from being read.
 */
import { isForbidden, type OktaError } from "../okta/errors.ts";
import { AGAIN, incomplete, type SliceContext, type StepOutcome } from "./step.ts";

/** So many runs try it. After that it is left out until the next full run. */
const MOST_RUNS = 4;
/** If so many things cannot be read, it is not for these things, but Okta is down. */
const MOST_THINGS = 20;

/** Whether the run has left this to a later one. */
export const isPostponed = ({ run }: Pick<SliceContext, "run">, key: string): boolean =>
  run.postponed?.includes(key) ?? false;

/**
 * Leaves a thing to a later run after a lasting failure. A delta run that has done so ends as `failed`.
 * @param key `kind/id`
 * @param forget takes it out of what is to be read, once too many runs have tried; called inside a transaction
 */
export const postpone = (
  context: SliceContext,
  key: string,
  error: OktaError,
  forget: () => void,
): StepOutcome => {
  const { run, meta } = context;
  const before = meta.get("postponed") ?? {};
  const times = (before[key] ?? 0) + 1;
  const isLast = times >= MOST_RUNS || isForbidden(error);
  const isOutage = (run.postponed?.length ?? 0) + 1 >= MOST_THINGS;
  const failure = incomplete(context, error);
  return context.commit(
    () => {
      const { [key]: _, ...others } = before;
      meta.set("postponed", isLast ? others : { ...bounded(others), [key]: times });
      if (isLast) return forget();
      run.postponed = [...(run.postponed ?? []), key];
      run.gaveUp ??= failure;
    },
    isOutage && !isLast ? { next: "stop", code: failure.code, message: failure.message } : AGAIN,
    // The next thing is not tried five times, too, before it is clear whether Okta is down.
    { progress: false },
  );
};

/** Forgets how often the things failed that this run has not left to a later one: they have been read. */
export const forgetSettled = (context: SliceContext, then: StepOutcome): StepOutcome => {
  const before = context.meta.get("postponed");
  if (before === null) return then;
  const left = Object.entries(before).filter(([key]) => isPostponed(context, key));
  return context.commit(() => {
    if (left.length === 0) context.meta.delete("postponed");
    else context.meta.set("postponed", Object.fromEntries(left));
  }, then);
};

/** The newest ones: an outage must not let the list grow without end. */
const bounded = (times: Readonly<Record<string, number>>): Readonly<Record<string, number>> =>
  Object.fromEntries(Object.entries(times).slice(-(2 * MOST_THINGS)));
