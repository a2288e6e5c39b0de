import { type Activity, ENTITY_ACTIVITIES, ENTITY_MANAGEMENT, RESTORE } from "./change-classes.ts";
import type { Side } from "./change-fields.ts";
import { filled } from "./derive.ts";
import { frameOf, observeAuthor, observeResult, type ReadChange, unmappedOf } from "./ocsf-change-common.ts";
import type { OcsfChangedDevice, OcsfEntityManagementEvent } from "./ocsf-change-schemas.ts";
import { type Observable, observe, present, presentOrNull } from "./ocsf-common.ts";
import { hostname, isCompliant, operatingSystem, typeByName } from "./ocsf-device.ts";

/** What was done to a device. Whatever is no change of status is an update. */
const activityOf = ({ change, fields }: ReadChange): Activity => {
  if (change.kind === "deleted") return ENTITY_ACTIVITIES.delete;
  if (change.kind === "created") return ENTITY_ACTIVITIES.create;
  if (change.kind === "restored") return RESTORE;
  switch (fields.text("status", "after")) {
    case "SUSPENDED":
      return ENTITY_ACTIVITIES.suspend;
    case "DEACTIVATED":
      return ENTITY_ACTIVITIES.deactivate;
    case "ACTIVE":
      return fields.text("status", "before") === "SUSPENDED"
        ? ENTITY_ACTIVITIES.resume
        : ENTITY_ACTIVITIES.activate;
    default:
      return ENTITY_ACTIVITIES.update;
  }
};

/** The device on one side of the change. A name that has not changed is as it is known now. */
const deviceOn = ({ change, context, fields }: ReadChange, side: Side): OcsfChangedDevice => {
  const text = (field: string) => fields.text(field, side);
  const name = fields.has("name") ? text("name") : (filled(context.subject.name) ?? filled(change.name));
  const imei = text("imei");
  const owner = text("user_uid");
  const vendor = text("manufacturer");
  return present({
    uid: change.id,
    uid_alt: text("sid"),
    name,
    hostname: hostname(name),
    ...typeByName(text("type")),
    vendor_name: vendor,
    model: text("model"),
    os: operatingSystem(text("os.name"), text("os.version")),
    hw_info: presentOrNull({ serial_number: text("serial_number"), vendor_name: vendor }),
    imei_list: imei === null ? null : [imei],
    meid: text("meid"),
    udid: text("udid"),
    is_managed: fields.flag("is_managed", side),
    is_compliant: isCompliant(text("compliance_status")),
    owner: owner === null ? null : { uid: owner },
  });
};

const entityOn = (read: ReadChange, side: Side) => {
  const device = deviceOn(read, side);
  return present({
    uid: device.uid,
    name: device.name ?? null,
    type: "Device",
    type_id: 1,
    device,
  } as const);
};

/** The fields that the event's device shows. */
const SHOWN: ReadonlySet<string> = new Set([
  "sid",
  "name",
  "type",
  "manufacturer",
  "model",
  "os.name",
  "serial_number",
  "imei",
  "meid",
  "udid",
  "is_managed",
  "compliance_status",
  "user_uid",
]);

const deviceObservables = (path: string, device: OcsfChangedDevice): Observable[] => {
  const observables: Observable[] = [];
  observe(observables, "deviceUid", `${path}.uid`, device.uid);
  observe(observables, "hostname", `${path}.hostname`, device.hostname);
  observe(observables, "serialNumber", `${path}.hw_info.serial_number`, device.hw_info?.serial_number);
  observe(observables, "userUid", `${path}.owner.uid`, device.owner?.uid);
  return observables;
};

/**
 * A change of a device as OCSF 1.6.0 Entity Management, valid against the strict schema. The device is in `entity`: the
 * class has no `device` of its own without the profile `host`.
 */
export const ocsfEntityManagement = (read: ReadChange): OcsfEntityManagementEvent => {
  const { kind } = read.change;
  const frame = frameOf(read, ENTITY_MANAGEMENT, activityOf(read));
  const entity = entityOn(read, kind === "created" || kind === "restored" ? "after" : "before");
  const result = kind === "updated" && read.fields.hasAny(SHOWN) ? entityOn(read, "after") : null;
  const observables = deviceObservables("entity.device", entity.device);
  if (result !== null) observeResult(observables, deviceObservables("entity_result.device", result.device));
  observeAuthor(observables, frame);
  return present({
    ...frame,
    entity,
    entity_result: result,
    observables,
    unmapped: unmappedOf(read.change),
  });
};
