/**
 * Whether a receiver takes anything at all. Only then is an event at fault that it does not take; else its set-up is, or
 * it is down.
 */
import type { StoredEvent } from "../contract/stream-api.ts";
import { anyBatch, takeBatch } from "./batching.ts";
import type { Proof, Question } from "./progress.ts";
import type { DeliveryOutcome, Outcome } from "./sink.ts";
import type { SliceTools } from "./slice-tools.ts";
import { failureOf } from "./step.ts";

/** So many events are tried alone where the receiver has taken none yet. */
const mostTries = 3;

type Answer = { readonly took: boolean; readonly failure: Outcome<"retry" | "stopped"> | null };

const answerOf = (outcome: DeliveryOutcome): Answer => {
  switch (outcome.kind) {
    case "accepted":
    case "awaiting":
      return { took: true, failure: null };
    case "partial": {
      const error = outcome.answers.find((answer) => answer !== null) ?? null;
      const took = outcome.answers.some((answer) => answer === null);
      const isRefusal = error === null || error.code === "refused" || error.code === "too_large";
      return { took, failure: isRefusal ? null : failureOf(error) };
    }
    case "retry":
    case "stopped":
      return { took: false, failure: outcome };
    default:
      return { took: false, failure: null };
  }
};

/** So many events are looked at in search of one that the receiver took. */
const mostLookedAt = 100;

/**
 * An event that the receiver took and that is still the newest state of its asset: what it took last, or else any that is
 * not in front of the cursor and was not passed by.
 */
const witnessOf = async ({ store, read }: SliceTools): Promise<StoredEvent | null> => {
  const { witness, position } = store.state();
  const wasTaken = ({ sequence, assetId }: StoredEvent): boolean =>
    sequence <= position && !store.deadLetters.has(assetId);
  for (const after of witness === null ? [0] : [witness - 1, 0]) {
    const { events } = await read(after, after === 0 ? mostLookedAt : 1);
    const found = events.find(wasTaken);
    if (found !== undefined) return found;
  }
  return null;
};

/** Up to `n` of them, from anywhere. @param random 0 ≤ random < 1 */
const someOf = (events: readonly StoredEvent[], n: number, random: () => number): StoredEvent[] => {
  const left = [...events];
  return Array.from({ length: Math.min(n, left.length) }, () =>
    left.splice(Math.floor(random() * left.length), 1),
  ).flat();
};

/**
 * Sends the receiver other events than those in question: what comes next, which has to be sent anyway; what it took
 * last; and where it has taken nothing yet, a few others, alone.
 *
 * @param others what comes after the event in question, as far as it has been read; or the batch in question itself
 * with what follows, in which any event may be one that is taken. Repeats are allowed: see docs/sinks.md
 */
export const prove = async (
  tools: SliceTools,
  { event, cause }: Pick<Question, "event" | "cause">,
  others: readonly StoredEvent[],
): Promise<Proof> => {
  const { sink, random } = tools;
  let failure: Outcome<"retry" | "stopped"> | null = null;
  const takes = async (events: readonly StoredEvent[]): Promise<boolean> => {
    const answer = answerOf(await sink.deliver(events));
    failure = answer.failure ?? failure;
    return answer.took;
  };
  if (event !== null && cause !== "failing" && others.length > 0) {
    const ahead = takeBatch(others, sink, anyBatch);
    if (ahead.kind === "batch") {
      const outcome = await sink.deliver(ahead.events);
      if (outcome.kind === "accepted") return { kind: "took", ahead: ahead.events };
      const answer = answerOf(outcome);
      if (answer.took) return { kind: "took", ahead: null };
      failure = answer.failure;
    }
  }
  const witness = await witnessOf(tools);
  const tried = witness === null ? someOf(others, mostTries, random) : [witness];
  for (const one of tried) if (await takes([one])) return { kind: "took", ahead: null };
  return failure === null ? { kind: "took_none" } : { kind: "failed", failure };
};
