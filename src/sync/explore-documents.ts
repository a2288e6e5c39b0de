/** What an inventory holds and what a search found, as the public contract has it. Times are ISO 8601 in UTC. */
import * as z from "zod";

const counts = z.record(z.string(), z.number().int());
const count = z.number().int();
const text = z.string().nullable();
const time = z.iso.datetime();

export const userSummarySchema = z.object({
  stream: z.literal("users"),
  as_of: time,
  /** Those that exist. */
  total: count,
  deleted: count,
  by_status: counts,
  /** Of users that are not DEPROVISIONED. */
  mfa: z.object({ enrolled: count, not_enrolled: count, unknown: count }),
  admins: z.object({ total: count, without_mfa: count, mfa_unknown: count }),
  /** How many have this fact unknown, by fact; facts that are known of all are left out. */
  unknown: counts,
});
export type UserSummary = z.infer<typeof userSummarySchema>;

export const deviceSummarySchema = z.object({
  stream: z.literal("devices"),
  as_of: time,
  total: count,
  deleted: count,
  by_status: counts,
  by_platform: counts,
  by_compliance: counts,
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
  /** Groups whose name or description holds the text; of the users stream, on the first page. */
  groups: z.array(z.object({ id: z.string(), name: text, description: text, users_count: count.nullable() })),
  /** Pass it as `after` for the next page; null at the end. */
  next: count.nullable(),
});
export type Found = z.infer<typeof foundSchema>;
