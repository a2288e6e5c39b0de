/** The facts of an account, each with its age or why it is unknown. Pure. */
import * as z from "zod";
import type { OktaAnswer } from "../enrichment/answer.ts";

export const factSchema = z.object({
  fact: z.enum(["status", "groups", "mfa", "roles", "devices"]),
  known: z.boolean(),
  as_of: z.string().nullable().describe("When it was read; null if it is unknown."),
  age_seconds: z.int().nullable(),
  reason: z.object({ code: z.string(), message: z.string() }).nullable().describe("Why it is unknown."),
});
type FactOfAccount = z.infer<typeof factSchema>;

/** Which field of `extracted` tells that a fact is unknown. */
const telling = { groups: "groups", mfa: "mfa_factors", roles: "admin_roles", devices: "devices" } as const;

/** When each fact was read, and why it is not known. @param now ms since the epoch */
export const factsOf = ({ facts_as_of: times, incomplete }: OktaAnswer, now: number): FactOfAccount[] =>
  (["status", "groups", "mfa", "roles", "devices"] as const).map((fact) => {
    const unread = fact === "status" ? undefined : incomplete.find(({ field }) => field === telling[fact]);
    const at = unread === undefined ? (times?.[fact] ?? null) : null;
    return {
      fact,
      known: unread === undefined,
      as_of: at,
      age_seconds: at === null ? null : Math.max(0, Math.round((now - Date.parse(at)) / 1000)),
      reason: unread === undefined ? null : { code: unread.reason, message: unread.message },
    };
  });
