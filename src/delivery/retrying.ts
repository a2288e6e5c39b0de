/** What follows from trying an event once more that the sink has passed by. Pure; the cursor stays. */
import type { StoredEvent } from "../contract/stream-api.ts";
import type { DeadLetter } from "./dead-letters.ts";
import { awaiting } from "./progress.ts";
import type { DeliveryError, DeliveryOutcome } from "./sink.ts";
import { type DeliveryState, failed, type Moment, recovered } from "./state.ts";
import { deadLetter, failureOf, isRefusal, mayBePoison, poisonous, type Step, step } from "./step.ts";

type Tried = Pick<DeadLetter, "attempts">;

const afterError = (
  state: DeliveryState,
  event: StoredEvent,
  { attempts }: Tried,
  error: DeliveryError,
  moment: Moment,
): Step | null => {
  const { taken } = state;
  if (isRefusal(error)) return step(state, { passedBy: [deadLetter(event, error, taken)] });
  if (!mayBePoison(error)) return null;
  const again = poisonous(event, error, { attempts: attempts + 1, taken, now: moment.now });
  return step(state, { passedBy: [again] });
};

/**
 * What follows from an outcome. The receiver has taken something else since it did not take this, so what it refuses is at
 * fault.
 */
export const afterRetry = (
  state: DeliveryState,
  event: StoredEvent,
  letter: Tried,
  outcome: DeliveryOutcome,
  moment: Moment,
): Step => {
  switch (outcome.kind) {
    case "accepted":
      return step(
        { ...recovered(state), taken: state.taken + 1 },
        { settledAssets: [event.assetId], followUp: outcome.followUp ?? null },
      );
    case "awaiting":
      return awaiting(state, [event], outcome.receipt, true, moment);
    case "stopped":
      return step(failed(state, outcome, moment));
    case "partial": {
      const error = outcome.answers[0] ?? null;
      if (error === null) return afterRetry(state, event, letter, { kind: "accepted" }, moment);
      return afterError(state, event, letter, error, moment) ?? step(failed(state, failureOf(error), moment));
    }
    case "retry": {
      const { error } = outcome;
      const blamed = outcome.retryAfterMs === null ? afterError(state, event, letter, error, moment) : null;
      return blamed ?? step(failed(state, outcome, moment));
    }
    case "too_large":
    case "refused":
      return step(state, { passedBy: [deadLetter(event, outcome.error, state.taken)] });
  }
};
