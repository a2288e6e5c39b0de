import * as z from "zod";
import { foundUserSchema } from "../../contract/inventory-documents.ts";
import { checkIds } from "../../contract/posture.ts";
import type { SearchQuery } from "../../contract/stream-api.ts";
import { sortKeys } from "../../inventory/search-order.ts";
import { defined } from "../../lib/defined.ts";
import { cursorOf, refuseArgument, searchPlace } from "../places.ts";
import { argumentsOf, nextCursor, tool } from "../tool.ts";
import { counted } from "../words.ts";

const triState = z.union([z.boolean(), z.literal("unknown")]);
const word = z.string().min(1).max(200);
const time = z.iso.datetime({ offset: true });

const input = argumentsOf({
  q: word.optional().describe("Words: each must begin a word of the name, login, e-mail address or id."),
  status: word.optional().describe("As Okta spells it, such as ACTIVE, SUSPENDED or LOCKED_OUT."),
  mfa: z.enum(["enrolled", "not_enrolled", "unknown"]).optional().describe("Whether MFA is enrolled."),
  phishing_resistant: triState.optional().describe("Whether a factor is webauthn, u2f or fastpass."),
  factor: word.optional().describe("Has this active factor, such as push, sms or webauthn."),
  admin: triState
    .optional()
    .describe("Whether there is an active administrator role, own or through a group."),
  role: word.optional().describe("Surely has a role with this label, such as Super Administrator."),
  department: word.optional(),
  last_login_before: time.optional().describe("Has signed in, the last time before this."),
  dormant_days: z
    .int()
    .min(1)
    .max(3650)
    .optional()
    .describe("ACTIVE and has signed in, but not for so many days."),
  created_after: time.optional(),
  unknown: z.enum(["factors", "groups", "roles"]).optional().describe("Those of whom this fact is unknown."),
  group: word.optional().describe("Members of the group with this id."),
  posture: z.enum(checkIds).optional().describe("Those whom this check of `posture` counts."),
  deleted: z
    .boolean()
    .optional()
    .describe("true: only deleted ones, kept for 30 days. Default: not deleted; with `q`, both."),
  sort: z.enum(sortKeys).optional(),
  order: z.enum(["asc", "desc"]).optional().describe("Only with `sort`."),
});

const queryOf = (asked: z.output<typeof input>): SearchQuery => {
  if (asked.order !== undefined && asked.sort === undefined) refuseArgument("order", "it needs sort");
  const {
    connection: _,
    cursor,
    limit,
    order,
    sort,
    phishing_resistant,
    last_login_before,
    dormant_days,
    created_after,
    ...words
  } = asked;
  const iso = (time: string | undefined) => (time === undefined ? undefined : new Date(time).toISOString());
  return {
    ...defined(words),
    ...defined({
      sort,
      phishingResistant: phishing_resistant,
      lastLoginBefore: iso(last_login_before),
      dormantDays: dormant_days,
      createdAfter: iso(created_after),
    }),
    ...(order !== undefined && { descending: order === "desc" }),
    after: searchPlace(cursor, sort !== undefined),
    limit,
  };
};

export const findAccounts = tool({
  name: "find_accounts",
  title: "Find accounts",
  description:
    "Lists accounts by what they are: status, MFA, rights, department, last sign-in, posture and so on; all given criteria must be " +
    "met. Cost: no call to Okta, it reads the inventory. Whoever an unknown fact leaves open is not found by true or false, only " +
    'by "unknown": ask for that as well before you say that there are no others. It shows no roles (list_administrators) and no ' +
    "changes (recent_changes). For one account that you know, use lookup_account or explain_account.",
  input,
  output: z.object({
    results: z.array(foundUserSchema),
    total: z.int().describe("How many match, on all pages together."),
    next_cursor: nextCursor,
  }),
  async run(asked, context) {
    if (asked.posture !== undefined) context.checkPosture();
    const { results, total, next } = await context.stream(asked.connection, "users").search(queryOf(asked));
    const people = results.filter((found) => found.stream === "users");
    return {
      structured: { results: people, total, next_cursor: cursorOf(next) },
      text: `${counted(total, "account matches", "accounts match")}; ${people.length} in this answer.`,
    };
  },
});
