import * as z from "zod";
import { attentionSchema, streamStateSchema } from "../../contract/status.ts";
import { streamNames } from "../../contract/streams.ts";
import { factSchema, factsOf } from "../facts.ts";
import { argumentsOf, nextCursor, tool } from "../tool.ts";
import { accountField, counted } from "../words.ts";
import { storedAnswer } from "./explain-account.ts";

const streamSchema = z.object({
  stream: z.enum(streamNames),
  state: streamStateSchema,
  current_as_of: z
    .string()
    .nullable()
    .describe("All that Okta's log had told by then is in; null before the first full run has ended."),
  age_seconds: z.int().nullable(),
  next_delta_at: z.string().nullable(),
  total: z.int(),
  unknown: z
    .record(z.string(), z.int())
    .describe("Of how many accounts each fact is unknown; a fact that is known of all is left out."),
  quarantined: z.int().describe("Records of Okta's that could not be read."),
  held_deletions: z.int(),
  attention: z.array(attentionSchema).describe("What needs a person, with what to do about it."),
});

export const inventoryHealth = tool({
  name: "inventory_health",
  title: "Is what is known current and complete?",
  description:
    "How current and complete the inventory is: for users and devices what state the connector is in, until when everything is in, of how many " +
    "accounts which facts are unknown, and what needs a person. With `account` also how old each fact of that account is. Cost: no call to " +
    "Okta. Ask it before you say that something is not so. It says nothing of what is in the inventory: use posture or find_accounts.",
  input: argumentsOf({
    account: accountField.optional().describe("Also tell how current what is known of this account is."),
  }),
  output: z.object({
    streams: z.array(streamSchema),
    account: z
      .object({ found: z.enum(["one", "none", "many"]), facts: z.array(factSchema) })
      .nullable()
      .describe("Null unless it was asked for."),
    next_cursor: nextCursor,
  }),
  async run({ account, connection }, context) {
    const { profileAttributes, mfaIgnoredFactors } = context.connection(connection);
    const now = context.now();
    const [statuses, found] = await Promise.all([
      Promise.all(streamNames.map((name) => context.stream(connection, name).status())),
      account === undefined ? null : context.stream(connection, "users").explained(account, { limit: 1 }),
    ]);
    const streams = statuses.map(
      ({ stream, state, current_as_of, next_delta_at, assets, held_deletions, attention }) => ({
        stream,
        state,
        current_as_of,
        age_seconds:
          current_as_of === null ? null : Math.max(0, Math.round((now - Date.parse(current_as_of)) / 1000)),
        next_delta_at,
        total: assets.total,
        unknown: assets.unknown,
        quarantined: assets.quarantined,
        held_deletions,
        attention,
      }),
    );
    const worries = streams.reduce((sum, { attention }) => sum + attention.length, 0);
    const ages = streams.map(({ stream, age_seconds }) =>
      age_seconds === null
        ? `The ${stream} have not been read whole yet.`
        : `The ${stream} are current as of ${age_seconds} s ago.`,
    );
    const attributes = { attributes: profileAttributes, ignored: mfaIgnoredFactors, now };
    return {
      structured: {
        streams,
        account:
          found === null
            ? null
            : {
                found: found.found,
                facts: found.found === "one" ? factsOf(storedAnswer(found, attributes), now) : [],
              },
        next_cursor: null,
      },
      text: `${ages.join(" ")} ${worries === 0 ? "Nothing needs a person." : `${counted(worries, "thing needs", "things need")} a person, see \`attention\`.`}`,
    };
  },
});
