/**
 * How a sink's delivery moves on: pure transitions from one state to the next, by what became of a batch. An event is
 * blamed for a failure only if the receiver takes others meanwhile: see `proof.ts` for how that is found out.
 */
import type { StoredEvent } from "../contract/stream-api.ts";
import { type DeliveryError, type DeliveryOutcome, type Outcome, retry, type SettleOutcome } from "./sink.ts";
import { type DeliveryState, type Doubt, failed, type Moment, type Receipt, recovered } from "./state.ts";
import {
  deadLetter,
  failureOf,
  isRefusal,
  mayBePoison,
  type PassedBy,
  poisonous,
  type Step,
  setAside,
  step,
} from "./step.ts";

/** Splunk advises to send again when no acknowledgement comes; its own clients wait for five minutes. */
const acknowledgementMs = 5 * 60 * 1000;

/** After so many full batches, one of twice the size is tried. */
const batchesToGrow = 10;

/** What has to be known before it is clear what a failure means: whether the receiver takes anything at all. */
export interface Question {
  /** The event that was not taken, alone; null: it was a whole batch. */
  readonly event: StoredEvent | null;
  /** The last sequence of what was not taken. */
  readonly last: number;
  readonly cause: Doubt["cause"];
  readonly error: DeliveryError;
  /** What follows if the receiver takes nothing. */
  readonly otherwise: Step;
}

export interface Judgement {
  readonly step: Step;
  /** Instead of `step`, find this out first. */
  readonly question: Question | null;
}

const judged = (next: Step): Judgement => ({ step: next, question: null });

const lastOf = (events: readonly StoredEvent[], fallback: number): number =>
  events.at(-1)?.sequence ?? fallback;

const assetsOf = (events: readonly StoredEvent[]): string[] => events.map((event) => event.assetId);

/** What was learned of sizes, after one more batch was taken. */
const grown = (state: DeliveryState, size: number): Pick<DeliveryState, "learnedLimit" | "fullBatches"> => {
  const { learnedLimit, fullBatches } = state;
  if (learnedLimit === null || size < learnedLimit) return { learnedLimit, fullBatches };
  return fullBatches + 1 < batchesToGrow
    ? { learnedLimit, fullBatches: fullBatches + 1 }
    : { learnedLimit: learnedLimit * 2, fullBatches: 0 };
};

/** The cursor moves to `position`; a doubt ends where its range ends. */
const advanced = (state: DeliveryState, position: number): DeliveryState => ({
  ...state,
  position,
  doubt: state.doubt !== null && position >= state.doubt.last ? null : state.doubt,
});

/** The receiver has taken events, the last of which has this sequence. */
const took = (state: DeliveryState, witness: number | null): DeliveryState => ({
  ...state,
  taken: state.taken + 1,
  witness: witness ?? state.witness,
  doubt: state.doubt && { ...state.doubt, took: true },
});

/** Everything up to `position` arrived. What the receiver lost is sent again from the beginning. */
const afterArrival = (state: DeliveryState, size: number, position: number): DeliveryState => {
  if (state.lost) return { ...took(recovered(state), null), lost: false, position: 0, doubt: null };
  return { ...advanced(took(recovered(state), position), position), ...grown(state, size) };
};

/** The batch was sent, and its arrival has to be asked for. */
export const awaiting = (
  state: DeliveryState,
  events: readonly StoredEvent[],
  token: string,
  isRetry: boolean,
  { now }: Moment,
): Step => {
  const last = lastOf(events, state.position);
  return step({ ...state, receipt: { token, last, sentAt: now, assets: assetsOf(events), isRetry } });
};

/** The cursor moves past an event that is at fault, and the search for it ends. */
const passing = (state: DeliveryState, event: StoredEvent, passedBy: PassedBy): Step => {
  const { doubt, learnedLimit: learned } = state;
  // That batches with this event were too large, or took too long, says nothing about others.
  const isTooLarge = doubt?.cause === "too_large";
  const isTooSlow = passedBy.error.code === "timeout";
  const learnedLimit = isTooLarge ? doubt.limitBefore : isTooSlow ? null : learned;
  return step(
    { ...recovered(state), learnedLimit, fullBatches: 0, position: event.sequence, doubt: null },
    { passedBy: [passedBy] },
  );
};

/** A smaller part of the range is sent next. */
const doubting = (state: DeliveryState, last: number, cause: Doubt["cause"], size: number): DeliveryState => {
  const { doubt, learnedLimit } = state;
  const began = doubt ?? { took: false, limitBefore: learnedLimit };
  const narrowed = { ...state, doubt: { ...began, last, cause } };
  return cause === "too_large"
    ? { ...narrowed, learnedLimit: Math.max(1, Math.floor(size / 2)), fullBatches: 0 }
    : narrowed;
};

const refusesEverything = (error: DeliveryError): DeliveryError => ({
  ...error,
  code: "configuration",
  message: `the receiver refuses whatever it is sent, so its set-up is at fault, not the events: ${error.message}`,
});

/** The receiver takes nothing: the sink is stopped with its words, and no event is blamed. */
const refusing = (state: DeliveryState, error: DeliveryError, moment: Moment): DeliveryState => ({
  ...failed(
    { ...state, doubt: null, learnedLimit: state.doubt?.limitBefore ?? state.learnedLimit },
    failureOf(refusesEverything(error)),
    moment,
  ),
  refusing: true,
});

const afterRefusal = (
  state: DeliveryState,
  events: readonly StoredEvent[],
  outcome: Outcome<"refused" | "too_large">,
  moment: Moment,
): Judgement => {
  const { error, kind: cause } = outcome;
  const last = lastOf(events, state.position);
  const [first, ...others] = events;
  const event = others.length === 0 && first !== undefined ? first : null;
  const { doubt, taken } = state;
  const isUnsent = outcome.kind === "too_large" && outcome.unsent === true;
  if (event !== null && (isUnsent || doubt?.took === true))
    return judged(passing(state, event, deadLetter(event, error, taken)));
  // As long as it refuses whatever it is sent, there is no use in searching for an offender.
  if (event === null && (doubt !== null || !state.refusing))
    return judged(step(doubting(state, last, cause, events.length)));
  const otherwise = step(refusing(state, error, moment));
  return { step: otherwise, question: { event, last, cause, error, otherwise } };
};

/** At which failures in a row it is asked whether the receiver fails at everything. */
const asksAt = (failures: number): boolean => failures === 2 || failures === 4 || failures % 8 === 0;

const afterFailure = (
  state: DeliveryState,
  events: readonly StoredEvent[],
  outcome: Outcome<"retry" | "stopped">,
  moment: Moment,
): Judgement => {
  const { error, retryAfterMs } = outcome;
  const { doubt, taken } = state;
  const last = lastOf(events, state.position);
  const [first, ...others] = events;
  const size = events.length;
  const shrunk =
    error.code === "timeout" && size > 1
      ? { ...state, learnedLimit: Math.floor(size / 2), fullBatches: 0 }
      : state;
  const otherwise = step(failed(shrunk, outcome, moment));
  if (outcome.kind === "stopped" || retryAfterMs !== null || !mayBePoison(error)) return judged(otherwise);
  if (doubt?.cause === "failing" && first !== undefined) {
    if (others.length > 0) return judged(step(doubting(shrunk, last, "failing", size)));
    const aside = poisonous(first, error, { attempts: 1, taken, now: moment.now });
    return judged(passing(state, first, aside));
  }
  if (!asksAt(otherwise.state.failures)) return judged(otherwise);
  return { step: otherwise, question: { event: null, last, cause: "failing", error, otherwise } };
};

/**
 * The receiver has answered for each event. Those that it refused while it took others are set aside. From the first that
 * has to wait, everything is sent again; if that one keeps failing while others pass, it is set aside as well.
 */
const afterAnswers = (
  state: DeliveryState,
  events: readonly StoredEvent[],
  { answers }: Outcome<"partial">,
  moment: Moment,
): Judgement => {
  const tookSome = answers.some((answer) => answer === null);
  const waits = (answer: DeliveryError | null): boolean => answer !== null && !isRefusal(answer);
  const failing = answers.findIndex(waits);
  const firstError = answers[failing] ?? null;
  const firstRefusal = answers.find((answer) => answer !== null);
  if (!tookSome && firstError === null && firstRefusal) {
    const refused = { kind: "refused", error: firstRefusal } as const;
    return afterRefusal(state, events.slice(0, answers.length), refused, moment);
  }
  if (!tookSome && firstError !== null) return afterFailure(state, events, failureOf(firstError), moment);

  const { taken } = state;
  const isPoison = failing === 0 && firstError !== null && mayBePoison(firstError) && state.failures >= 2;
  const waiting = isPoison ? answers.findIndex((answer, index) => index > 0 && waits(answer)) : failing;
  const error = answers[waiting] ?? null;
  const dealtWith = events.slice(0, waiting === -1 ? answers.length : waiting);
  const passedBy = dealtWith.flatMap((event, index): PassedBy[] => {
    const answer = answers[index] ?? null;
    if (answer === null) return [];
    return isRefusal(answer)
      ? [setAside(event, answer, taken, moment.now)]
      : [poisonous(event, answer, { attempts: 1, taken, now: moment.now })];
  });
  const arrived = dealtWith.filter((_, index) => answers[index] === null);
  const witness = arrived.at(-1)?.sequence ?? null;
  const position = lastOf(dealtWith, state.position);
  // While the first has to wait, failures keep adding up, so that the waits grow.
  const base = {
    ...advanced(took(recovered(state), witness), position),
    failures: arrived.length > 0 ? 0 : state.failures,
  };
  const next =
    error !== null ? failed(base, failureOf(error), moment) : { ...base, ...grown(state, events.length) };
  const restarted = state.lost && error === null ? afterArrival(state, events.length, position) : next;
  return judged(step(restarted, { passedBy, settledAssets: assetsOf(arrived) }));
};

/**
 * What follows from the outcome of one batch.
 *
 * @param events the batch: what came directly after the cursor, in sequence order, not empty.
 */
export const afterBatch = (
  state: DeliveryState,
  events: readonly StoredEvent[],
  outcome: DeliveryOutcome,
  moment: Moment,
): Judgement => {
  switch (outcome.kind) {
    case "accepted":
      return judged(
        step(
          { ...afterArrival(state, events.length, lastOf(events, state.position)), receipt: null },
          { settledAssets: assetsOf(events), followUp: outcome.followUp ?? null },
        ),
      );
    case "awaiting":
      return judged(awaiting(state, events, outcome.receipt, false, moment));
    case "partial":
      return afterAnswers(state, events, outcome, moment);
    case "retry":
    case "stopped":
      return afterFailure(state, events, outcome, moment);
    case "too_large":
    case "refused":
      return afterRefusal(state, events, outcome, moment);
  }
};

/** What the receiver did with other events. */
export type Proof =
  /** It took some: `ahead` those that come next after the one in question, null for others. */
  | { readonly kind: "took"; readonly ahead: readonly StoredEvent[] | null }
  | { readonly kind: "took_none" }
  /** It cannot be said, because the receiver failed. */
  | { readonly kind: "failed"; readonly failure: Outcome<"retry" | "stopped"> };

/** What follows from the answer to a question. */
export const afterProof = (state: DeliveryState, question: Question, proof: Proof, moment: Moment): Step => {
  const { event, last, cause, error, otherwise } = question;
  if (proof.kind === "took_none") return otherwise;
  if (proof.kind === "failed")
    return cause === "failing" ? otherwise : step(failed(state, proof.failure, moment));
  const { ahead } = proof;
  const { taken } = state;
  if (event !== null && ahead !== null) {
    const position = lastOf(ahead, event.sequence);
    const passed = passing(state, event, setAside(event, error, taken, moment.now));
    return {
      ...passed,
      state: advanced(took(passed.state, position), position),
      settledAssets: assetsOf(ahead),
    };
  }
  const doubt = state.doubt ?? { limitBefore: state.learnedLimit };
  return step(took({ ...recovered(state), doubt: { ...doubt, last, cause, took: true } }, null));
};

/** What follows from asking whether an awaiting batch arrived. */
export const afterSettling = (
  state: DeliveryState,
  receipt: Receipt,
  outcome: SettleOutcome,
  moment: Moment,
): Step => {
  const isOverdue = moment.now - receipt.sentAt >= acknowledgementMs;
  switch (outcome.kind) {
    case "accepted": {
      const moved = receipt.isRetry
        ? took(recovered(state), null)
        : afterArrival(state, receipt.assets.length, receipt.last);
      return step({ ...moved, receipt: null }, { settledAssets: receipt.assets });
    }
    case "waiting": {
      if (!isOverdue) return step(state);
      const message = `no acknowledgement within ${acknowledgementMs / 1000} s; the batch is sent again`;
      return step(failed(state, retry({ code: "timeout", status: null, message }, 0), moment));
    }
    case "retry":
    case "stopped":
      // Not being able to ask says nothing about the batch.
      return step({ ...failed(state, outcome, moment), receipt: isOverdue ? null : receipt });
  }
};

/** A doubt about a range of which nothing is left ends: all its assets have newer states. @param next the next sequence */
export const withoutStaleDoubt = (state: DeliveryState, next: number): DeliveryState =>
  state.doubt !== null && next > state.doubt.last ? { ...state, doubt: null } : state;
