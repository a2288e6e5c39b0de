/** Answers for a past moment: from the inventory and its history, at no call to Okta. */
import type { PastFacts } from "../inventory/api.ts";
import { withAttributes } from "./account.ts";
import { answerFor, type OktaAnswer, unreadIn } from "./answer.ts";
import type { EnrichDeps } from "./enrich.ts";
import type { Identifier } from "./identifier.ts";
import { accountAt, type PastAccount, UNTOLD, type Untold } from "./past-account.ts";
import { evaluateRules } from "./verdict.ts";

/** What answers for a past moment need. */
export interface PastDeps extends Pick<EnrichDeps, "rules" | "mfaIgnored" | "attributes"> {
  /** Asks the users stream; see `InventoryApi.pastAccount`. */
  readonly past: (name: string, at: number) => Promise<PastFacts>;
}

/** The answer without what cannot be told, which is named in `incomplete` instead. */
const without = (answer: OktaAnswer, untold: readonly Untold[]): OktaAnswer => {
  const cleared: Record<string, null | object> = {};
  for (const { field } of untold) cleared[field] = field === "attributes" ? {} : null;
  const unread = untold.map(({ field, message }) => ({
    field,
    reason: UNTOLD,
    message,
    last_known: null,
    last_known_at: null,
  }));
  return {
    ...answer,
    extracted: Object.assign({ ...answer.extracted }, cleared),
    incomplete: [...answer.incomplete, ...unread],
  };
};

/**
 * What was known of an account at a moment, with the verdict of today's rules on it.
 * @param at ms since the epoch, not later than now
 */
export const enrichAt = async (deps: PastDeps, identifier: Identifier, at: number): Promise<OktaAnswer> => {
  const { whole, given } = identifier;
  let past = await deps.past(given, at);
  if (past.found === "none" && whole !== undefined) past = await deps.past(whole.given, at);
  const then: PastAccount = past.found === "one" ? accountAt(past, at) : null;
  const found =
    past.found === "many"
      ? past
      : then === null
        ? ({ found: "none" } as const)
        : ({ found: "one", account: then.account } as const);
  const from = { at, cached: false, stale: false };
  const answer = without(
    answerFor(withAttributes(found, deps.attributes), from, deps.mfaIgnored),
    then?.untold ?? [],
  );
  const { verdict, undecided } =
    past.found === "many"
      ? { verdict: null, undecided: [] }
      : evaluateRules(deps.rules, answer.extracted, then !== null, at, unreadIn(answer));
  return {
    ...answer,
    verdict,
    ...(undecided.length > 0 && { verdict_undecided: [...undecided] }),
    as_of: new Date(at).toISOString(),
  };
};
