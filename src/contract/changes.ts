/** What has changed about an asset or a group, and who did it. Times are ISO 8601 in UTC. */
import * as z from "zod";
import { streamNames } from "./streams.ts";

const text = z.string().nullable();

/**
 * - `created` the asset or group became known after the first full run
 * - `restored` a deleted asset exists again
 */
export const changeKinds = ["created", "updated", "deleted", "restored"] as const;
export type ChangeKind = (typeof changeKinds)[number];

/**
 * What showed the change: the System Log, a search by time, a full run, or reading the oldest facts again. What a log
 * event made the connector read is `log`.
 */
export const changeSources = ["log", "search", "full", "rolling"] as const;
export type ChangeSource = (typeof changeSources)[number];

export const changeActorSchema = z
  .object({
    id: text,
    type: text.meta({ description: "As Okta spells it, such as `User` or `SystemPrincipal`." }),
    login: text,
    name: text,
    ip: text.meta({ description: "Where the request came from." }),
  })
  .meta({ description: "Who made the change, as the System Log tells." });
export type ChangeActor = z.infer<typeof changeActorSchema>;

export const changeEventSchema = z
  .object({
    uuid: z.string(),
    type: z.string().meta({ example: "user.mfa.factor.reset_all" }),
    published: z.iso.datetime().nullable(),
    actor: changeActorSchema.nullable(),
  })
  .meta({ description: "An event of Okta's System Log that told of the change." });
export type ChangeEvent = z.infer<typeof changeEventSchema>;

export const changeFieldSchema = z
  .union([
    z.object({ field: z.string(), before: z.unknown(), after: z.unknown() }),
    z.object({ field: z.string(), added: z.array(z.unknown()), removed: z.array(z.unknown()) }),
  ])
  .meta({
    description:
      "A field of the asset: its value before and after, or what was added to a list and removed from it. Null: not set, or " +
      "unknown.",
  });
export type ChangeField = z.infer<typeof changeFieldSchema>;

export const changeSchema = z.object({
  sequence: z.number().int().meta({
    description:
      "The change's place in the order of the stream. A change that a later event completes gets a new one.",
  }),
  first_sequence: z.number().int().meta({
    description: "The number that it had first: the same change, completed, has the same one.",
  }),
  at: z.iso.datetime().meta({
    description:
      "When it happened: when the newest of `events` was published, else when Okta says that the record was updated, else " +
      "when it was found.",
  }),
  stream: z.enum(streamNames),
  id: z.string().meta({ description: "The asset's id, or the id of a group that has changed itself." }),
  name: text,
  kind: z.enum(changeKinds),
  source: z.enum(changeSources),
  fields: z.array(changeFieldSchema),
  actor: changeActorSchema
    .nullable()
    .meta({ description: "That of the newest of `events`; null without one." }),
  events: z.array(changeEventSchema).meta({
    description:
      "The log events that told of it between the reading before and this one, newest first, at most 10.",
  }),
});
export type Change = z.infer<typeof changeSchema>;

/** What a change is one of: of an asset, or of a group itself. */
export type Changed = "asset" | "group";

/** One page of the newest changes of a stream. */
export interface RecentChanges {
  /** In descending order of sequence number. */
  readonly changes: readonly (Change & { readonly of: Changed })[];
  /** Pass it as `before` to go on from there; null if there is nothing before. A page can be empty and have a next one. */
  readonly next: string | null;
  /** When the last change that was looked at happened, ISO 8601; null if none was. */
  readonly searched_back_to: string | null;
  /** As in `HistoryPage`. */
  readonly kept_since: string | null;
}

/** One page of an asset's changes. */
export const historySchema = z.object({
  changes: z.array(changeSchema).meta({ description: "Newest first." }),
  next: z.string().nullable().meta({
    description: "Pass it as `after` to get older ones; null on the last page.",
  }),
  kept_since: z.iso.datetime().nullable().meta({
    description:
      "Changes from before this are not known. Null: none are kept (HISTORY_DAYS is 0), or not yet.",
  }),
});
export type HistoryPage = z.infer<typeof historySchema>;
