/**
 * The Sekoia.io dialect as strict schemas. Only these keys appear, and all of them always do, except `is_deleted`.
 */
import * as z from "zod";
import {
  ACCESS_CONTROL,
  DEVICE_INVENTORY,
  DEVICE_SECURITY,
  OCSF_VERSION,
  PRODUCT,
  USER_INVENTORY,
} from "./classes.ts";
import { literals } from "./literals.ts";

export const text = z.string().nullable();
export const flag = z.boolean().nullable();
export const epochSeconds = z
  .number()
  .int()
  .nullable()
  .meta({ description: "Whole seconds since the epoch; null if Okta does not report it" });

export const metadata = z.strictObject({
  product: z.strictObject(literals(PRODUCT)),
  version: z.literal(OCSF_VERSION),
});

export const isDeleted = z
  .literal(true)
  .optional()
  .meta({ description: "Only present on assets that were deleted in Okta" });

/** A user's event in the `sekoia` dialect. */
export const sekoiaUserSchema = z
  .strictObject({
    ...literals(USER_INVENTORY),
    time: epochSeconds,
    metadata,
    user: z.strictObject({
      uid: z.string(),
      name: text,
      full_name: text,
      display_name: text,
      email_addr: text,
      uid_alt: text,
      domain: text,
      has_mfa: flag.meta({ description: "null while the user's factors have never been read" }),
      type_id: z.literal(2).nullable(),
      type: z.literal("Admin").nullable(),
      account: z.strictObject({
        uid: z.string(),
        name: text,
        type: z.literal("Other"),
        type_id: z.literal(99),
      }),
      org: z.strictObject({ name: text, ou_name: text }),
      groups: z
        .array(
          z.strictObject({
            uid: z.string(),
            name: text,
            desc: text,
            privileges: z.array(z.string()).nullable().meta({
              description: "null while the group's roles have never been read",
            }),
          }),
        )
        .nullable()
        .meta({ description: "null while the user's groups have never been read" }),
    }),
    enrichments: z.tuple([
      z.strictObject({
        ...literals(ACCESS_CONTROL),
        data: z.strictObject({
          is_enabled: z.boolean(),
          last_logon: text.meta({ description: "ISO 8601" }),
          last_time_password_change: epochSeconds,
          is_deleted: isDeleted,
        }),
      }),
    ]),
  })
  .meta({ id: "SekoiaUserEvent" });
export type SekoiaUserEvent = z.infer<typeof sekoiaUserSchema>;

/** A device's event in the `sekoia` dialect. */
export const sekoiaDeviceSchema = z
  .strictObject({
    ...literals(DEVICE_INVENTORY),
    time: epochSeconds,
    metadata,
    device: z.strictObject({
      uid: z.string(),
      name: text,
      hostname: text,
      type: z.string(),
      serial_number: text,
      manufacturer: text,
      model: text,
      imei: text,
      udid: text,
      is_enabled: z.boolean(),
      status: z.string(),
      is_managed: flag,
      is_registered: flag,
      compliance_status: z.string(),
      has_secure_hardware: flag,
      encryption_type: text,
      user_uid: text,
      created_time: epochSeconds,
      updated_time: epochSeconds,
      last_seen_time: epochSeconds,
      os_update_time: epochSeconds,
      os: z.strictObject({
        name: text,
        type: z.enum(["Windows", "AppleOS", "Android", "Linux", "Other"]),
        version: text,
      }),
    }),
    enrichments: z.tuple([
      z.strictObject({
        ...literals(DEVICE_SECURITY),
        data: z.strictObject({
          compliance_status: z.string(),
          is_enabled: z.boolean(),
          is_managed: flag,
          has_secure_hardware: flag,
          encryption_type: text,
          last_seen: epochSeconds,
          is_deleted: isDeleted,
        }),
      }),
    ]),
  })
  .meta({ id: "SekoiaDeviceEvent" });
export type SekoiaDeviceEvent = z.infer<typeof sekoiaDeviceSchema>;
