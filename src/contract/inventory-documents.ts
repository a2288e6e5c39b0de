/** Documents of the public contract: an inventory's totals and the results of a search. Times are ISO 8601 in UTC. */
import * as z from "zod";

const counts = z.record(z.string(), z.number().int());
const count = z.number().int();
const text = z.string().nullable();
const time = z.iso.datetime();

const total = count.meta({ description: "Assets that exist in Okta." });
const deleted = count.meta({ description: "Assets deleted in the last 30 days, which are still kept." });

/** Totals of the users stream. */

export const userSummarySchema = z.object({
  stream: z.literal("users"),
  as_of: time,
  total,
  deleted,
  by_status: counts,
  mfa: z.object({ enrolled: count, not_enrolled: count, unknown: count }).meta({
    description:
      "Users that are not DEPROVISIONED, by whether they have an active factor that counts as MFA.",
  }),
  admins: z.object({ total: count, without_mfa: count, mfa_unknown: count, unknown: count }).meta({
    description:
      "Users with an active role, assigned directly or through a group. `unknown`: users of whom it is unknown whether they " +
      "have one.",
  }),
  unknown: counts.meta({
    description:
      "Number of users for whom a fact is unknown, by fact: `factors`, `groups`, `roles`. A fact that is known for " +
      "every user is left out.",
  }),
});
export type UserSummary = z.infer<typeof userSummarySchema>;

/** Totals of the devices stream. */
export const deviceSummarySchema = z.object({
  stream: z.literal("devices"),
  as_of: time,
  total,
  deleted,
  by_status: counts,
  by_platform: counts,
  by_compliance: counts.meta({
    description:
      "Okta's API does not report compliance: a device without a compliance status counts as UNKNOWN.",
  }),
  by_management: z.object({ managed: count, not_managed: count, unknown: count }),
});
export type DeviceSummary = z.infer<typeof deviceSummarySchema>;

export type InventorySummary = UserSummary | DeviceSummary;

/** A user as a search shows it. Null stands for a value that is unknown or not set. */
export const foundUserSchema = z.object({
  stream: z.literal("users"),
  id: z.string(),
  name: text,
  login: text,
  email: text,
  status: z.string(),
  deleted: z.boolean(),
  mfa_enrolled: z.boolean().nullable(),
  phishing_resistant: z.boolean().nullable(),
  is_admin: z.boolean().nullable(),
  department: text,
  last_login: text,
  created: text,
  changed_at: time.meta({ description: "When the inventory has last changed what it says of the asset." }),
});
export type FoundUser = z.infer<typeof foundUserSchema>;

/** A device as a search shows it. Null stands for a value that is unknown or not set. */
export const foundDeviceSchema = z.object({
  stream: z.literal("devices"),
  id: z.string(),
  name: text,
  status: z.string(),
  deleted: z.boolean(),
  platform: z.string(),
  os_version: text,
  model: text,
  serial_number: text,
  is_managed: z.boolean().nullable(),
  compliance_status: z.string(),
  last_seen: text,
  created: text,
  changed_at: time.meta({ description: "When the inventory has last changed what it says of the asset." }),
  users: z.array(z.object({ id: z.string(), login: text, display_name: text })),
});
export type FoundDevice = z.infer<typeof foundDeviceSchema>;

/** One page of search results. */
export const foundSchema = z.object({
  results: z.array(z.discriminatedUnion("stream", [foundUserSchema, foundDeviceSchema])),
  groups: z
    .array(z.object({ id: z.string(), name: text, description: text, users_count: count.nullable() }))
    .meta({
      description:
        "Groups whose name or description contains `q`, or whose id is `q`, by name: up to `limit`, only in the users " +
        "stream, and only on the first page or with `groups_after`.",
    }),
  groups_total: count.meta({ description: "How many groups match; 0 where none are looked for." }),
  groups_next: z.string().nullable().meta({
    description: "Pass it as `groups_after` to get the next page of groups; null on the last one.",
  }),
  total: count.meta({ description: "How many assets match, on all pages together." }),
  next: z.union([count, z.string()]).nullable().meta({
    description:
      "Pass it as `after` to get the next page; null on the last page. With `sort` it is text to be passed back as it is.",
  }),
});
export type SearchResults = z.infer<typeof foundSchema>;

/** One page of the deletions that wait for a person. */
export const heldDeletionsSchema = z.object({
  held: count.meta({ description: "How many deletions wait for a confirmation." }),
  known_before: count.nullable().meta({
    description:
      "How many assets were known when the full run that missed these began. Null while none are held, and if version " +
      "0.1.0 held them.",
  }),
  since: time.nullable().meta({ description: "When they were first held; null while none are held." }),
  items: z.array(
    z.object({
      id: z.string(),
      name: z.string().nullable(),
      login: z.string().nullable().meta({ description: "Null for devices." }),
      status: z.string().meta({ description: "The last known status, as Okta spells it." }),
      last_seen_at: time.nullable().meta({
        description: "Okta still had it then, or later; null if that is not known.",
      }),
    }),
  ),
  next: z
    .string()
    .nullable()
    .meta({ description: "Pass it as `after` to get the next page; null on the last page." }),
});
export type HeldDeletions = z.infer<typeof heldDeletionsSchema>;
