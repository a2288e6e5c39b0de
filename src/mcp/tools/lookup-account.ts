import * as z from "zod";
import { oktaAnswerSchema } from "../../enrichment/answer.ts";
import { enrich } from "../../enrichment/enrich.ts";
import { identifierOf } from "../../http/routes/enrichments.ts";
import { argumentsOf, tool } from "../tool.ts";
import { accountField, answerWords } from "../words.ts";

export const lookupAccount = tool({
  name: "lookup_account",
  title: "Who is this account?",
  description:
    "Looks one Okta account up: status, groups, MFA factors, administrator roles, devices, verdict. Cost: nothing if the answer " +
    "is less than an hour old; otherwise up to 5 calls to Okta's API, or with `refresh` always. Null in `extracted` is unknown if " +
    "`incomplete` names the field, with the reason; otherwise it is not set. It cannot say what has changed: use " +
    "explain_account, which also costs no call to Okta. To find accounts by what they are, use find_accounts.",
  input: argumentsOf({
    account: accountField,
    refresh: z.boolean().default(false).describe("Ask Okta now, whatever is known already."),
  }),
  output: oktaAnswerSchema,
  asksOkta: true,
  async run({ account, refresh, connection }, context) {
    const deps = context.enrichment(connection);
    const { answer } = await enrich(deps, identifierOf(account, "account"), refresh);
    return { structured: answer, text: answerWords(answer, context.now()) };
  },
});
