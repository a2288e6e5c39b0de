import * as z from "zod";
import { type Change, changeKinds, changeSchema } from "../../contract/changes.ts";
import type { StreamApi } from "../../contract/stream-api.ts";
import { streamNames } from "../../contract/streams.ts";
import { suits } from "../../explore/change-filter.ts";
import type { InventoryApi } from "../../inventory/api.ts";
import { defined } from "../../lib/defined.ts";
import { refuseArgument } from "../places.ts";
import { argumentsOf, nextCursor, tool } from "../tool.ts";
import { accountField, counted } from "../words.ts";

/** Pages of an account's history that one call looks through. */
const MOST_PAGES = 5;
const PAGE = 200;

const word = z.string().min(1).max(200);
const time = z.iso.datetime({ offset: true });

const input = argumentsOf({
  account: accountField
    .optional()
    .describe("Only changes of this account: its id, login, e-mail address or username."),
  stream: z.enum(streamNames).default("users").describe("users or devices; groups are with users."),
  kinds: z.array(z.enum(changeKinds)).min(1).max(changeKinds.length).optional(),
  fields: z
    .array(word)
    .min(1)
    .max(20)
    .optional()
    .describe(
      "Only changes of one of these fields: status, mfa_enrolled, mfa_factors, admin_roles, is_admin, groups, email and so on.",
    ),
  actor: word.optional().describe("Part of the name or login of whoever made it, or the id."),
  text: word
    .optional()
    .describe("Part of the name of who or what has changed, or of a group that was joined or left."),
  from: time.optional().describe("Changes that happened then or later."),
  to: time.optional().describe("Changes that happened before."),
});
type Asked = z.output<typeof input>;

interface Found {
  readonly changes: readonly Change[];
  readonly next: string | null;
  readonly kept_since: string | null;
  readonly searched_back_to: string | null;
}

/** The id of the account; an id need not be that of somebody who exists. */
const idOf = async (users: InventoryApi, account: string): Promise<string> => {
  const found = await users.account(account);
  if (found.found === "one") return found.facts.user.id;
  if (found.found === "many")
    return refuseArgument("account", "several accounts have this name; give an id or a whole login");
  return account.trim();
};

/** The changes of one account that fit, from its history. */
const ofAccount = async (users: StreamApi & InventoryApi, asked: Asked, account: string): Promise<Found> => {
  const { limit, cursor, kinds, fields, actor, text, from, to } = asked;
  const id = await idOf(users, account);
  const fits = (change: Change): boolean =>
    suits(change, defined({ fields, actor, text })) &&
    (kinds?.includes(change.kind) ?? true) &&
    (from === undefined || Date.parse(change.at) >= Date.parse(from)) &&
    (to === undefined || Date.parse(change.at) < Date.parse(to));
  const changes: Change[] = [];
  let after = cursor;
  let kept: string | null = null;
  let back: string | null = null;
  for (let pages = 0; pages < MOST_PAGES; pages++) {
    // A page is never longer than what is still to be found, so that its end is where the next one begins.
    const rest = limit - changes.length;
    const page = await users.history(id, {
      limit: Math.min(PAGE, rest),
      ...(after !== undefined && { after }),
    });
    if (page === null) return { changes, next: null, kept_since: kept, searched_back_to: back };
    changes.push(...page.changes.filter(fits));
    kept = page.kept_since;
    back = page.changes.at(-1)?.at ?? back;
    const isPast = from !== undefined && back !== null && Date.parse(back) < Date.parse(from);
    if (page.next === null || isPast)
      return { changes, next: null, kept_since: kept, searched_back_to: back };
    after = page.next;
    if (changes.length >= limit) break;
  }
  return { changes, next: after ?? null, kept_since: kept, searched_back_to: back };
};

const ofAll = async (stream: StreamApi, asked: Asked): Promise<Found> => {
  const { limit, cursor, kinds, fields, actor, text, from, to } = asked;
  const iso = (at: string | undefined) => (at === undefined ? undefined : new Date(at).toISOString());
  const { changes, next, kept_since, searched_back_to } = await stream.recentChanges({
    limit,
    ...defined({ before: cursor, kinds, fields, actor, text, from: iso(from), to: iso(to) }),
  });
  return { changes: changes.map(({ of: _, ...change }) => change), next, kept_since, searched_back_to };
};

export const recentChanges = tool({
  name: "recent_changes",
  title: "What has changed, and who did it?",
  description:
    "Lists changes of accounts, groups or devices, those that were found last first (`at` is when they happened): what was before and after, when, and who did it and from which address, " +
    "as Okta's log tells. Cost: no call to Okta. It knows nothing from before `kept_since`, and no sign-ins. `actor` is null where no event of " +
    "the log tells who it was; that does not mean that it was nobody. With `next_cursor` there may be more, also if this answer is short or " +
    "empty: it looked back to `searched_back_to`. For the whole picture of one account, use explain_account.",
  input,
  output: z.object({
    changes: z.array(changeSchema),
    kept_since: z
      .string()
      .nullable()
      .describe("Changes from before this are not known; null if none are kept."),
    searched_back_to: z
      .string()
      .nullable()
      .describe("How far back this answer looked; null if there was nothing to look at."),
    next_cursor: nextCursor,
  }),
  async run(asked, context) {
    const { account, stream, connection } = asked;
    if (account !== undefined && stream !== "users") refuseArgument("account", "it needs the stream users");
    const streamApi = context.stream(connection, stream);
    const found =
      account === undefined ? await ofAll(streamApi, asked) : await ofAccount(streamApi, asked, account);
    const { changes, next, ...frame } = found;
    const by = changes.filter(({ actor }) => actor !== null).length;
    return {
      structured: { changes: [...changes], ...frame, next_cursor: next },
      text: `${counted(changes.length, "change", "changes")} in this answer, ${by} with who did it.${next === null ? "" : " There may be more."}${frame.kept_since === null ? " No changes are kept." : ""}`,
    };
  },
});
