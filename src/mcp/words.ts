/** What tools say in their own words. Nothing that comes from Okta is in it but statuses, which are words of Okta's own. Pure. */
import * as z from "zod";
import { type OktaAnswer, oneIn } from "../enrichment/answer.ts";
import { factsOf } from "./facts.ts";

export const accountField = z
  .string()
  .min(1)
  .max(512)
  .describe(
    "An Okta user id, a login, an e-mail address or a username, such as jane@example.com or CORP\\jane.",
  );

/** A status as Okta spells it; nothing else gets into a sentence. */
export const statusWord = (status: unknown): string =>
  typeof status === "string" && /^[A-Z_]{1,40}$/.test(status) ? status : "unknown";

export const yesNo = (value: boolean | null | undefined, yes: string, no: string, unknown: string): string =>
  value === true ? yes : value === false ? no : unknown;

/** `1 account`, `1,200 accounts`. */
export const counted = (n: number, one: string, many: string): string =>
  `${n.toLocaleString("en")} ${n === 1 ? one : many}`;

/** A look-up in a few words. */
export const answerWords = (answer: OktaAnswer, now: number): string => {
  const { success, found, verdict, stale } = answer;
  const extracted = oneIn(answer);
  if (!success) return "The look-up failed; `error` says why.";
  if (found !== true || extracted === null)
    return "No single account has this name. That is an answer, not a failure.";
  const unknown = factsOf(answer, now).filter(({ known }) => !known).length;
  return [
    `One account, status ${statusWord(extracted.status)}.`,
    yesNo(extracted.is_admin, "An administrator.", "No administrator.", "Unknown whether an administrator."),
    yesNo(
      extracted.mfa_enrolled,
      "MFA is enrolled.",
      "MFA is not enrolled.",
      "Unknown whether MFA is enrolled.",
    ),
    verdict === null ? "No verdict." : `Verdict: ${verdict}.`,
    ...(unknown > 0 ? [`${counted(unknown, "fact is", "facts are")} unknown, see \`incomplete\`.`] : []),
    ...(stale ? ["Okta could not be asked: this is what was known last."] : []),
  ].join(" ");
};
