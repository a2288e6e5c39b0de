/** The verdicts that pages show, with the rule that gives each. */
import type { Connection, Setting } from "../config/types.ts";
import { fromInventory, withAttributes } from "../enrichment/account.ts";
import { answerFor, type OktaAnswer, unreadIn } from "../enrichment/answer.ts";
import type { MaliceRules } from "../enrichment/rules.ts";
import { type Evaluation, evaluateRules } from "../enrichment/verdict.ts";
import type { AccountFacts } from "../inventory/api.ts";

type Rules = Setting<MaliceRules | null>;

/**
 * The rules applied to an answer, to show which one matches; null without rules or an answer.
 * @param now ms since the epoch: the moment for which the answer is
 */
export const evaluationOf = (rules: Rules, okta: OktaAnswer, now: number): Evaluation | null => {
  if (!rules.ok || rules.value === null || !okta.success || okta.matches !== undefined) return null;
  return evaluateRules(rules.value, { ...okta.extracted }, okta.found === true, now, unreadIn(okta));
};

/**
 * What there is to say of an account by what the inventory knows:
 * - `no_account` it does not know the account, or not in the org that answers now
 * - `misconfigured` MALICE_RULES is wrong
 */
export type KnownVerdict =
  | { readonly state: "no_account" | "misconfigured" }
  /** `readAt`: when all that Okta tells of changes was last known, ms since the epoch. `evaluation` is null without rules. */
  | { readonly state: "known"; readonly readAt: number; readonly evaluation: Evaluation | null };

/** The verdict on an account by what the inventory knows. @param now ms since the epoch */
export const knownVerdict = (
  known: AccountFacts,
  id: string,
  rules: Rules,
  { mfaIgnoredFactors, profileAttributes }: Pick<Connection, "mfaIgnoredFactors" | "profileAttributes">,
  now: number,
): KnownVerdict => {
  if (known.found !== "one" || known.facts.user.id !== id) return { state: "no_account" };
  if (!rules.ok) return { state: "misconfigured" };
  const { facts, readAt, devices } = known;
  const found = { found: "one", account: fromInventory(facts, readAt, devices) } as const;
  const from = { at: readAt, cached: true, stale: false };
  const answer = answerFor(withAttributes(found, profileAttributes), from, mfaIgnoredFactors);
  return { state: "known", readAt, evaluation: evaluationOf(rules, answer, now) };
};
