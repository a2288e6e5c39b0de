/** Turns facts and changes into events. Pure: the same facts and context make the same event, byte for byte. */
import type { Dialect } from "../contract/streams.ts";
import type { DeviceFacts, EventContext, UserFacts } from "../inventory/facts.ts";
import { ocsfDevice } from "./ocsf-device.ts";
import type { OcsfDeviceEvent, OcsfUserEvent } from "./ocsf-schemas.ts";
import { ocsfUser } from "./ocsf-user.ts";
import { sekoia2026Device } from "./sekoia-2026-device.ts";
import type { Sekoia2026DeviceEvent } from "./sekoia-2026-schema.ts";
import { sekoiaDevice } from "./sekoia-device.ts";
import type { SekoiaDeviceEvent, SekoiaUserEvent } from "./sekoia-schemas.ts";
import { sekoiaUser } from "./sekoia-user.ts";

export { changeEvent } from "./ocsf-change.ts";
export type { ChangeContext } from "./ocsf-change-common.ts";
export {
  ocsfAccountChangeSchema,
  ocsfEntityManagementSchema,
  ocsfGroupManagementSchema,
} from "./ocsf-change-schemas.ts";
export { ocsfDeviceSchema, ocsfUserSchema } from "./ocsf-schemas.ts";
export { sekoia2026DeviceSchema } from "./sekoia-2026-schema.ts";
export { sekoiaDeviceSchema, sekoiaUserSchema } from "./sekoia-schemas.ts";

/**
 * A user as an event. In the `ocsf` dialect `time` is when this content was stored (`context.changedAt`), because the
 * event reports that data was collected, not that the user did something.
 */
export const userEvent = (
  facts: UserFacts,
  context: EventContext,
  dialect: Dialect,
): SekoiaUserEvent | OcsfUserEvent =>
  dialect === "ocsf" ? ocsfUser(facts, context) : sekoiaUser(facts, context);

/** A device as an event. For `time`, see `userEvent`. */
export const deviceEvent = (
  facts: DeviceFacts,
  context: EventContext,
  dialect: Dialect,
): SekoiaDeviceEvent | Sekoia2026DeviceEvent | OcsfDeviceEvent => {
  switch (dialect) {
    case "sekoia":
      return sekoiaDevice(facts, context);
    case "sekoia_2026":
      return sekoia2026Device(facts, context);
    case "ocsf":
      return ocsfDevice(facts, context);
  }
};

/**
 * A copy without the keys whose value is null, at any depth. Lists stay, even empty ones. Sekoia.io's intake wants
 * events in this form.
 */
export const omitNulls = (value: unknown): unknown => {
  if (Array.isArray(value)) return value.map(omitNulls);
  if (typeof value !== "object" || value === null) return value;
  return Object.fromEntries(
    Object.entries(value)
      .filter(([, held]) => held !== null)
      .map(([key, held]) => [key, omitNulls(held)]),
  );
};
