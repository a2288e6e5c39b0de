import * as z from "zod";
import { changeSchema } from "../../contract/changes.ts";
import { postureChecks, severities } from "../../contract/posture.ts";
import { fromInventory, withAttributes } from "../../enrichment/account.ts";
import {
  answerFor,
  extractedSchema,
  type OktaAnswer,
  oneIn,
  undecidedSchema,
  unreadIn,
} from "../../enrichment/answer.ts";
import { verdicts } from "../../enrichment/rules.ts";
import { evaluateRules } from "../../enrichment/verdict.ts";
import type { ExplainedAccount } from "../../inventory/api.ts";
import { factSchema, factsOf } from "../facts.ts";
import { adminConsoleUrl, nextSteps, stepSchema } from "../next-steps.ts";
import { argumentsOf, nextCursor, tool } from "../tool.ts";
import { accountField, counted, statusWord } from "../words.ts";

const checkSchema = z.object({
  id: z.string(),
  title: z.string(),
  severity: z.enum(severities),
  holds: z.boolean().nullable().describe("true, or null where an unknown fact leaves it open."),
  excepted: z.boolean().nullable(),
});

/** The answer that the inventory gives of an account. @param now ms since the epoch */
export const storedAnswer = (
  found: ExplainedAccount,
  { attributes, ignored, now }: { attributes: readonly string[]; ignored: readonly string[]; now: number },
): OktaAnswer => {
  const account =
    found.found === "one"
      ? withAttributes(
          { found: "one", account: fromInventory(found.facts, found.readAt, found.devices) } as const,
          attributes,
        )
      : found;
  const at = found.found === "one" ? found.readAt : now;
  return answerFor(account, { at, cached: false, stale: false }, ignored);
};

export const explainAccount = tool({
  name: "explain_account",
  title: "Explain an account",
  description:
    "All that the inventory knows of one account: each fact with its age, or why it is unknown; the verdict of your rules with the rule; what " +
    "posture says of it; its newest changes with who made them; and next steps for a person, none of which the connector can take. Cost: no call " +
    "to Okta. It may be as old as the facts say; lookup_account with `refresh` asks Okta. It knows no sign-ins but the last one, and no " +
    "deleted accounts.",
  input: argumentsOf({ account: accountField }),
  output: z.object({
    found: z
      .enum(["one", "none", "many"])
      .describe("many: several accounts have this name; give an id or a whole login."),
    account: extractedSchema.nullable(),
    facts: z.array(factSchema),
    last_known: z
      .array(z.object({ field: z.string(), value: z.unknown(), at: z.string().nullable() }))
      .describe("What was known of unknown fields before. It need not be so any more."),
    verdict: z.enum(verdicts).nullable(),
    verdict_rule: z
      .object({ rule: z.string(), why: z.string() })
      .nullable()
      .describe("The rule that gave the verdict; null if none of them did."),
    verdict_undecided: z.array(undecidedSchema),
    checks: z.array(checkSchema),
    recent_changes: z.array(changeSchema),
    changes_kept_since: z.string().nullable(),
    next_steps: z.array(stepSchema),
    admin_console_url: z.string().nullable(),
    next_cursor: nextCursor,
  }),
  async run({ account, connection, limit, cursor }, context) {
    const { baseUrl, profileAttributes, mfaIgnoredFactors } = context.connection(connection);
    const rules = context.rules();
    const now = context.now();
    const found = await context
      .stream(connection, "users")
      .explained(account, { limit, ...(cursor !== undefined && { after: cursor }) });
    const answer = storedAnswer(found, { attributes: profileAttributes, ignored: mfaIgnoredFactors, now });
    const { extracted, incomplete } = answer;
    const one = oneIn(answer);
    const isOne = found.found === "one";
    const evaluation =
      found.found === "many" ? null : evaluateRules(rules, extracted, isOne, now, unreadIn(answer));
    const verdict = evaluation?.verdict ?? null;
    const checks = isOne ? found.checks : [];
    const history = isOne ? found.history : { changes: [], next: null, kept_since: null };
    const unknown = factsOf(answer, now).filter(({ known }) => !known).length;
    return {
      structured: {
        found: found.found,
        account: one,
        facts: isOne ? factsOf(answer, now) : [],
        last_known: incomplete.map(({ field, last_known: value, last_known_at: at }) => ({
          field,
          value,
          at,
        })),
        verdict,
        verdict_rule:
          evaluation === null || evaluation.rule === null
            ? null
            : { rule: evaluation.rule.path, why: evaluation.rule.why },
        verdict_undecided: [...(evaluation?.undecided ?? [])],
        checks: postureChecks.flatMap(({ id, title, severity }) => {
          const check = checks.find((one) => one.id === id);
          return check === undefined
            ? []
            : [{ id, title, severity, holds: check.holds, excepted: check.isExcepted }];
        }),
        recent_changes: [...history.changes],
        changes_kept_since: history.kept_since,
        next_steps: nextSteps({ account: one, verdict, incomplete, checks }),
        admin_console_url: one === null ? null : adminConsoleUrl(baseUrl, one.user_id),
        next_cursor: history.next,
      },
      text:
        one !== null
          ? `One account, status ${statusWord(one.status)}. ${verdict === null ? "No verdict." : `Verdict: ${verdict}.`} ${counted(checks.filter(({ holds }) => holds === true).length, "check is", "checks are")} true of it, ${counted(unknown, "fact is", "facts are")} unknown, ${counted(history.changes.length, "change", "changes")} in this answer.`
          : found.found === "many"
            ? "Several accounts have this name. Ask again with an id or a whole login."
            : "The inventory knows no such account. That does not mean that Okta has none: lookup_account asks Okta.",
    };
  },
});
