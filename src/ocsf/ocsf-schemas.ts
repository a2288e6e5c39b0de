/**
 * The part of OCSF 1.6.0 that we emit, as strict schemas. They are at least as narrow as the official schema in every
 * type, enumeration and pattern. An attribute that is not here never appears.
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
import { literals, oneOf } from "./literals.ts";
import { COLLECTED, EMAIL, MAX_TIMESTAMP, MIN_TIMESTAMP } from "./ocsf-common.ts";

export const text = z.string().optional();
export const flag = z.boolean().optional();
export const requiredTimestamp = z
  .number()
  .int()
  .min(MIN_TIMESTAMP)
  .max(MAX_TIMESTAMP)
  .meta({ description: "Milliseconds since the epoch" });
const timestamp = requiredTimestamp.optional();
export const email = z.string().regex(EMAIL).optional();

export const metadata = z.strictObject({
  version: z.literal(OCSF_VERSION),
  uid: z.string().meta({
    description: "`<connection>/<stream>/<asset id>/<sequence>`, the same for repeats of an event",
  }),
  product: z.strictObject(literals(PRODUCT)),
  tenant_uid: z.string(),
  log_provider: z.literal("Okta"),
  log_name: z.enum(["users", "devices"]),
  original_time: text.meta({ description: "The record's `lastUpdated` as Okta wrote it" }),
  processed_time: requiredTimestamp,
  sequence: z.number().int().meta({ description: "The sequence number, counted from the inventory's first" }),
});

export const observables = z.array(
  z.strictObject({
    name: z.string(),
    type: z.string(),
    type_id: z.number().int(),
    value: z.string(),
  }),
);

/** The types of devices. */
export const deviceTypeId = oneOf(0, 1, 2, 3, 4, 5, 6, 8, 99);

export const operatingSystem = z.strictObject({
  name: z.string(),
  type: text,
  type_id: oneOf(99, 100, 200, 201, 300, 301),
  version: text,
  build: text,
});

export const hardware = z.strictObject({ serial_number: text, vendor_name: text });

const unknownReason = z.enum(["pending", "forbidden", "failed"]).optional();

const group = z.strictObject({
  uid: z.string(),
  name: text,
  desc: text,
  type: text,
  domain: text,
  privileges: z.array(z.string()).optional(),
});

const person = z.strictObject({
  given_name: text,
  surname: text,
  job_title: text,
  employee_uid: text,
  cost_center: text,
  manager: z.strictObject({ uid: text, name: text }).optional(),
  labels: z.array(z.string()).optional(),
  email_addrs: z.array(z.string().regex(EMAIL)).optional(),
  phone_number: text,
  location: z
    .strictObject({
      city: text,
      region: text,
      country: z
        .string()
        .regex(/^[A-Z]{2}$/)
        .optional(),
      postal_code: text,
    })
    .optional(),
  created_time: timestamp,
  modified_time: timestamp,
  last_login_time: timestamp,
  deleted_time: timestamp,
});

const accessData = z.strictObject({
  status: z.string(),
  is_enabled: z.boolean(),
  activated_time: timestamp,
  status_changed_time: timestamp,
  last_time_password_change: timestamp,
  mfa_factors: z.array(z.string()).optional(),
  factors: z
    .array(
      z.strictObject({
        type: z.string(),
        provider: text,
        status: z.string(),
        created_time: timestamp,
        modified_time: timestamp,
      }),
    )
    .optional(),
  roles: z
    .array(
      z.strictObject({
        type: z.string(),
        label: text,
        status: z.string(),
        assignment_type: text,
        created_time: timestamp,
        resource_set: text,
      }),
    )
    .optional(),
  is_deleted: z.literal(true).optional(),
});

/** A user's event in the `ocsf` dialect. */
export const ocsfUserSchema = z
  .strictObject({
    ...literals(USER_INVENTORY),
    time: requiredTimestamp,
    ...literals(COLLECTED),
    message: z.string(),
    metadata,
    user: z.strictObject({
      uid: z.string(),
      uid_alt: text,
      name: text,
      full_name: text,
      display_name: text,
      email_addr: email,
      domain: text,
      phone_number: text,
      has_mfa: flag.meta({ description: "Absent while the user's factors have never been read" }),
      type: z.enum(["Unknown", "User", "Admin"]),
      type_id: oneOf(0, 1, 2),
      account: z.strictObject({
        uid: z.string(),
        name: text,
        type: z.literal("Okta"),
        type_id: z.literal(99),
        labels: z.array(z.string()),
      }),
      org: z.strictObject({ name: z.string(), ou_name: text }).optional(),
      groups: z.array(group).optional(),
      ldap_person: person.optional(),
    }),
    observables,
    enrichments: z.array(
      z.strictObject({
        ...literals(ACCESS_CONTROL),
        type: z.literal("access_control"),
        provider: z.literal("Okta"),
        data: accessData,
      }),
    ),
    unmapped: z
      .strictObject({
        profile: z.record(z.string(), z.string()).optional(),
        attributes: z
          .record(
            z.string(),
            z.union([
              z.string(),
              z.number(),
              z.boolean(),
              z.array(z.union([z.string(), z.number(), z.boolean()])).readonly(),
            ]),
          )
          .optional()
          .meta({ description: "The custom attributes that PROFILE_ATTRIBUTES names" }),
        realm_id: text,
        user_type_id: text,
        unknown_facts: z
          .strictObject({
            groups: unknownReason,
            group_roles: unknownReason,
            factors: unknownReason,
            roles: unknownReason,
          })
          .optional(),
        last_known: z
          .strictObject({
            groups: z.array(z.string()).optional(),
            factors: z.array(z.string()).optional(),
            roles: z.array(z.string()).optional(),
          })
          .optional()
          .meta({
            description:
              "What unknown facts were when they were last known: the ids of groups, the names of active factors, the " +
              "names of active roles. The event's other attributes never show these.",
          }),
        last_known_times: z
          .strictObject({
            groups: timestamp,
            group_roles: timestamp,
            factors: timestamp,
            roles: timestamp,
          })
          .optional(),
      })
      .optional(),
  })
  .meta({ id: "OcsfUserEvent" });
export type OcsfUserEvent = z.infer<typeof ocsfUserSchema>;

const securityData = z.strictObject({
  status: z.string(),
  is_enabled: z.boolean(),
  compliance_status: text,
  is_registered: flag,
  has_secure_hardware: flag,
  encryption_type: text,
  is_jailbroken: flag,
  os_update_time: timestamp,
  users: z
    .array(
      z.strictObject({
        uid: z.string(),
        name: text,
        email_addr: text,
        linked_time: timestamp,
        management_status: text,
        screen_lock_type: text,
      }),
    )
    .optional(),
  is_deleted: z.literal(true).optional(),
  deleted_time: timestamp,
});

/** A device's event in the `ocsf` dialect. */
export const ocsfDeviceSchema = z
  .strictObject({
    ...literals(DEVICE_INVENTORY),
    time: requiredTimestamp,
    ...literals(COLLECTED),
    message: z.string(),
    metadata,
    device: z.strictObject({
      uid: z.string(),
      uid_alt: text,
      name: text,
      hostname: text,
      type: text,
      type_id: deviceTypeId,
      vendor_name: text,
      model: text,
      os: operatingSystem.optional(),
      hw_info: hardware.optional(),
      imei_list: z.array(z.string()).optional(),
      meid: text,
      udid: text,
      is_managed: flag.meta({ description: "Absent when unknown" }),
      is_compliant: flag.meta({ description: "Absent when unknown" }),
      owner: z
        .strictObject({
          uid: z.string(),
          name: text,
          full_name: text,
          display_name: text,
          email_addr: email,
          domain: text,
        })
        .optional(),
      created_time: timestamp,
      modified_time: timestamp,
      first_seen_time: timestamp,
      last_seen_time: timestamp,
    }),
    observables,
    enrichments: z.array(
      z.strictObject({
        ...literals(DEVICE_SECURITY),
        type: z.literal("device_security"),
        provider: z.literal("Okta"),
        data: securityData,
      }),
    ),
    unmapped: z.strictObject({ profile: z.record(z.string(), z.string()).optional() }).optional(),
  })
  .meta({ id: "OcsfDeviceEvent" });
export type OcsfDeviceEvent = z.infer<typeof ocsfDeviceSchema>;
