/** Sekoia.io's device table of April 2026 as a strict schema. Users are as in the `sekoia` dialect. */
import * as z from "zod";
import { DEVICE_INFO, DEVICE_INVENTORY } from "./classes.ts";
import { literals } from "./literals.ts";
import { epochSeconds, flag, isDeleted, metadata, text } from "./sekoia-schemas.ts";

const encryption = z.enum(["Enabled", "Disabled"]).optional();

/** A device's event in the `sekoia_2026` dialect. */
export const sekoia2026DeviceSchema = z
  .strictObject({
    ...literals(DEVICE_INVENTORY),
    time: epochSeconds,
    metadata,
    device: z.strictObject({
      uid: z.string(),
      uid_alt: text.meta({ description: "The serial number" }),
      name: text,
      hostname: text,
      type: z.enum(["Desktop", "Mobile", "Unknown"]),
      type_id: z.union([z.literal(2), z.literal(5), z.literal(0)]),
      vendor_name: text,
      model: text,
      udid: text,
      imei_list: z.array(z.string()).nullable(),
      is_managed: flag.meta({ description: "Whether the device is registered" }),
      is_compliant: flag.meta({ description: "null if Okta does not tell, and for a deleted device" }),
      is_trusted: flag.meta({ description: "Whether the device has secure hardware" }),
      created_time: epochSeconds,
      first_seen_time: epochSeconds,
      last_seen_time: epochSeconds,
      os: z.strictObject({ name: text, type: text, type_id: z.number().int() }),
    }),
    enrichments: z.tuple([
      z.strictObject({
        ...literals(DEVICE_INFO),
        data: z.strictObject({
          Storage_encryption: z
            .strictObject({
              partitions: z.strictObject({ full: encryption, system_volume: encryption, user: encryption }),
            })
            .optional(),
          Users: z.array(z.string()).optional(),
          is_deleted: isDeleted,
        }),
      }),
    ]),
  })
  .meta({ id: "Sekoia2026DeviceEvent" });
export type Sekoia2026DeviceEvent = z.infer<typeof sekoia2026DeviceSchema>;
