/** What an inventory holds and what a search found, as the public contract has it. Times are ISO 8601 in UTC. */
import * as z from "zod";

const counts = z.record(z.string(), z.number().int());
const count = z.number().int();
const text = z.string().nullable();
const time = z.iso.datetime();

const total = count.meta({ description: "Those that exist in Okta." });
const deleted = count.meta({ description: "Those deleted in the last 30 days, which are still kept." });

export const userSummarySchema = z.object({
  stream: z.literal("users"),
  as_of: time,
  total,
  deleted,
  by_status: counts,
  mfa: z
    .object({ enrolled: count, not_enrolled: count, unknown: count })
    .meta({ description: "Of users that are not DEPROVISIONED, by whether a factor is active." }),
  admins: z
    .object({ total: count, without_mfa: count, mfa_unknown: count })
    .meta({ description: "Users with an active role, direct or through a group." }),
  unknown: counts.meta({
    description:
      "How many have this fact unknown: `factors`, `groups`, `roles`. A fact known of all is left out.",
  }),
});
export type UserSummary = z.infer<typeof userSummarySchema>;

export const deviceSummarySchema = z.object({
  stream: z.literal("devices"),
  as_of: time,
  total,
  deleted,
  by_status: counts,
  by_platform: counts,
  by_compliance: counts.meta({
    description: "Okta tells no compliance of its own: a device without it counts as UNKNOWN.",
  }),
  by_management: z.object({ managed: count, not_managed: count, unknown: count }),
});
export type DeviceSummary = z.infer<typeof deviceSummarySchema>;

export type InventorySummary = UserSummary | DeviceSummary;

export const foundUserSchema = z.object({
  stream: z.literal("users"),
  id: z.string(),
  name: text,
  login: text,
  email: text,
  status: z.string(),
  deleted: z.boolean(),
  mfa_enrolled: z.boolean().nullable(),
  is_admin: z.boolean().nullable(),
  department: text,
  last_login: text,
});
export type FoundUser = z.infer<typeof foundUserSchema>;

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
  users: z.array(z.object({ id: z.string(), login: text, display_name: text })),
});
export type FoundDevice = z.infer<typeof foundDeviceSchema>;

export const foundSchema = z.object({
  results: z.array(z.discriminatedUnion("stream", [foundUserSchema, foundDeviceSchema])),
  groups: z
    .array(z.object({ id: z.string(), name: text, description: text, users_count: count.nullable() }))
    .meta({ description: "Groups whose name or description holds `q`; of users, on the first page." }),
  next: count.nullable().meta({ description: "Pass it as `after` for the next page; null at the end." }),
});
export type SearchResults = z.infer<typeof foundSchema>;
