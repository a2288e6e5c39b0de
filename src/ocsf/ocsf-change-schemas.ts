/** The events of changes in the `ocsf` dialect, as strict schemas like those in `ocsf-schemas.ts`. */
import * as z from "zod";
import { changeSources } from "../contract/changes.ts";
import {
  ACCOUNT_ACTIVITIES,
  ACCOUNT_CHANGE,
  type Activity,
  ENTITY_ACTIVITIES,
  ENTITY_MANAGEMENT,
  GROUP_ACTIVITIES,
  GROUP_MANAGEMENT,
  idsOf,
} from "./change-classes.ts";
import { literals, oneOf } from "./literals.ts";
import { ACCOUNT_TYPE, IP } from "./ocsf-common.ts";
import {
  deviceTypeId,
  email,
  flag,
  hardware,
  metadata,
  observables,
  operatingSystem,
  requiredTimestamp,
  text,
} from "./ocsf-schemas.ts";

const actor = z.strictObject({
  user: z.strictObject({
    uid: text,
    name: text,
    display_name: text,
    email_addr: email,
    type: text.meta({ description: "As Okta spells it; `System` is Okta itself" }),
    type_id: oneOf(3, 99).optional(),
  }),
});
export type OcsfActor = z.infer<typeof actor>;

const changeMetadata = metadata.extend({
  event_code: text.meta({ description: "The type of the newest log event that told of the change" }),
  original_time: text.meta({ description: "When that log event was published, as Okta wrote it" }),
  correlation_uid: z.string().meta({
    description:
      "The `uid` that the change had first: that of a change which a later log event completes is the same",
  }),
});

const field = z.union([
  z.strictObject({ field: z.string(), before: text, after: text }),
  z.strictObject({ field: z.string(), added: z.array(z.string()), removed: z.array(z.string()) }),
]);

const logEvent = z.strictObject({
  uuid: z.string(),
  type: z.string(),
  published: text,
  actor: z.strictObject({ id: text, type: text, login: text, name: text, ip: text }).optional(),
});

const unmapped = z.strictObject({
  changes: z.array(field).meta({
    description:
      "All fields that have changed, as the change itself names them. Values are text, or JSON as text; one that is absent was " +
      "not set, or is unknown.",
  }),
  log_events: z.array(logEvent).meta({
    description: "The log events that told of the change, newest first.",
  }),
  source: z.enum(changeSources),
});
export type OcsfChangeUnmapped = z.infer<typeof unmapped>;

const user = z.strictObject({
  uid: z.string(),
  name: text,
  display_name: text,
  email_addr: email,
  domain: text,
  phone_number: text,
  has_mfa: flag,
  type: z.enum(["User", "Admin"]).optional(),
  type_id: oneOf(1, 2).optional(),
  account: z.strictObject({
    uid: z.string(),
    name: text,
    ...literals(ACCOUNT_TYPE),
    labels: z.array(z.string()).optional(),
  }),
  org: z.strictObject({ name: z.string(), ou_name: text }).optional(),
  ldap_person: z
    .strictObject({
      given_name: text,
      surname: text,
      job_title: text,
      employee_uid: text,
      cost_center: text,
      phone_number: text,
    })
    .optional(),
});
export type OcsfChangedUser = z.infer<typeof user>;

/** The attributes that the events of all three classes have. */
const frame = <const C extends Readonly<Record<string, string | number>> & { readonly class_uid: number }>(
  of: C,
  activities: Readonly<Record<string, Activity>>,
) => ({
  activity_id: oneOf(...idsOf(activities)),
  activity_name: z.string(),
  ...literals(of),
  type_name: z.string(),
  type_uid: oneOf(...idsOf(activities).map((id) => of.class_uid * 100 + id)),
  severity: z.enum(["Informational", "Medium", "High"]),
  severity_id: oneOf(1, 3, 4),
  time: requiredTimestamp.meta({ description: "When the change happened, in milliseconds since the epoch" }),
  status: z.literal("Success"),
  status_id: z.literal(1),
  message: z.string(),
  metadata: changeMetadata,
  actor: actor.optional().meta({ description: "Who made the change; absent if no log event tells" }),
  src_endpoint: z.strictObject({ ip: z.string().regex(IP) }).optional(),
  observables,
  unmapped,
});

/** A change of a person's account, in the `ocsf` dialect. */
export const ocsfAccountChangeSchema = z
  .strictObject({
    ...frame(ACCOUNT_CHANGE, ACCOUNT_ACTIVITIES),
    user: user.meta({ description: "The person before the change, as far as the change tells" }),
    user_result: user.optional().meta({ description: "What the change has made of it" }),
  })
  .meta({ id: "OcsfAccountChangeEvent" });
export type OcsfAccountChangeEvent = z.infer<typeof ocsfAccountChangeSchema>;

/** A change of a group, or of who is in it, in the `ocsf` dialect. */
export const ocsfGroupManagementSchema = z
  .strictObject({
    ...frame(GROUP_MANAGEMENT, GROUP_ACTIVITIES),
    group: z.strictObject({ uid: text, name: text, desc: text }),
    user: user.optional().meta({ description: "Who was added or removed" }),
    privileges: z
      .array(z.string())
      .optional()
      .meta({ description: "The roles that were assigned or revoked, or that come with the membership" }),
  })
  .meta({ id: "OcsfGroupManagementEvent" });
export type OcsfGroupManagementEvent = z.infer<typeof ocsfGroupManagementSchema>;

const device = z.strictObject({
  uid: z.string(),
  uid_alt: text,
  name: text,
  hostname: text,
  type: text,
  type_id: deviceTypeId.meta({ description: "0 (Unknown) unless the change tells" }),
  vendor_name: text,
  model: text,
  os: operatingSystem.optional(),
  hw_info: hardware.optional(),
  imei_list: z.array(z.string()).optional(),
  meid: text,
  udid: text,
  is_managed: flag,
  is_compliant: flag,
  owner: z.strictObject({ uid: z.string() }).optional(),
});
export type OcsfChangedDevice = z.infer<typeof device>;

const entity = z.strictObject({
  uid: z.string(),
  name: text,
  type: z.literal("Device"),
  type_id: z.literal(1),
  device,
});

/** A change of a device, in the `ocsf` dialect. */
export const ocsfEntityManagementSchema = z
  .strictObject({
    ...frame(ENTITY_MANAGEMENT, ENTITY_ACTIVITIES),
    entity: entity.meta({ description: "The device before the change, as far as the change tells" }),
    entity_result: entity.optional().meta({ description: "What the change has made of it" }),
  })
  .meta({ id: "OcsfEntityManagementEvent" });
export type OcsfEntityManagementEvent = z.infer<typeof ocsfEntityManagementSchema>;
