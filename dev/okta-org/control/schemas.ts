import * as z from "zod";
import { oauthClientSchema, orgOptionsSchema } from "../options.ts";
import { DEVICE_STATUSES, GROUP_TYPES, type JsonValue, USER_STATUSES } from "../org/types.ts";

const jsonValue: z.ZodType<JsonValue> = z.json();
const profileSchema = z.record(z.string(), jsonValue);
/** Any ISO time, brought to the one form that Okta writes. */
const time = z.iso.datetime({ offset: true }).transform((text) => new Date(text).toISOString());

const ip = z.union([z.ipv4(), z.ipv6()], "must be an IP address");

/** Who makes a change and from where, beside what else a body has. */
export const authoredSchema = z.looseObject({
  /** The id of a user of the org, or what the log is to show. */
  actor: z
    .union(
      [
        z.string(),
        z.strictObject({
          id: z.string().optional(),
          type: z.string().default("User"),
          login: z.string().optional(),
          name: z.string().optional(),
        }),
      ],
      "must be the id of a user, or {id?, type?, login?, name?}",
    )
    .optional(),
  ip: ip.optional(),
});

/** The body of a change that needs nothing more. */
export const nothingElseSchema = z.strictObject({});

export const createUserSchema = z.strictObject({
  id: z.string().optional(),
  status: z.enum(USER_STATUSES).optional(),
  created: time.optional(),
  activated: time.nullable().optional(),
  statusChanged: time.nullable().optional(),
  lastLogin: time.nullable().optional(),
  lastUpdated: time.optional(),
  passwordChanged: time.nullable().optional(),
  profile: profileSchema,
  /** Ids of groups that the user is put into at once. */
  groups: z.array(z.string()).default([]),
});

export const patchProfileSchema = z.strictObject({ profile: profileSchema });

export const createGroupSchema = z.strictObject({
  id: z.string().optional(),
  type: z.enum(GROUP_TYPES).optional(),
  profile: profileSchema,
  /** Ids of users that are put into the group at once. */
  members: z.array(z.string()).default([]),
});

export const createFactorSchema = z.strictObject({
  id: z.string().optional(),
  factorType: z.string(),
  provider: z.string().default("OKTA"),
  status: z.string().default("ACTIVE"),
});

export const createRoleSchema = z.strictObject({
  type: z.string(),
  label: z.string().optional(),
  status: z.enum(["ACTIVE", "INACTIVE"]).default("ACTIVE"),
});

export const linkSchema = z.strictObject({
  userId: z.string(),
  created: time.optional(),
  managementStatus: z.enum(["MANAGED", "NOT_MANAGED"]).nullable().default("MANAGED"),
  screenLockType: z.string().nullable().default("BIOMETRIC"),
});

export const createDeviceSchema = z.strictObject({
  id: z.string().optional(),
  status: z.enum(DEVICE_STATUSES).optional(),
  created: time.optional(),
  lastUpdated: time.optional(),
  profile: profileSchema,
  users: z.array(linkSchema).default([]),
});

export const clockSchema = z.union([
  z.strictObject({ advance_ms: z.number() }),
  z.strictObject({ offset_ms: z.number() }),
  z.strictObject({ stop: z.literal(true) }),
]);

/** Options that may change while the org runs; sizes, seed and clients may not. */
export const restrictSchema = orgOptionsSchema
  .omit({
    users: true,
    groups: true,
    devices: true,
    seed: true,
    epoch: true,
    clients: true,
    clockOffsetMs: true,
  })
  .partial();

export const clientsSchema = z.union([oauthClientSchema, z.array(oauthClientSchema)]);

export const churnSchema = z.strictObject({ changes: z.int().positive() });

export const takeoverSchema = z.strictObject({
  /** The id of whose account is taken over. */
  user: z.string().optional(),
  /** The id of the administrator who is deceived. */
  helpdesk: z.string().optional(),
  /** How much time passes between two steps. */
  gap_ms: z.int().min(0).max(86_400_000).default(7_000),
});

const partySchema = z.strictObject({
  id: z.string(),
  type: z.string(),
  alternateId: z.string().nullable().default(null),
  displayName: z.string().nullable().default(null),
});

export const eventSchema = z.strictObject({
  eventType: z.string(),
  outcome: z.string().optional(),
  reason: z.string().optional(),
  /** A party, or the id of a user of the org. */
  actor: z.union([z.string(), partySchema]).optional(),
  ip: ip.optional(),
  targets: z.array(partySchema).default([]),
});
