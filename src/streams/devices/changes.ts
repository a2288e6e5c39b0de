/** Changes of devices, by the names of the device in events. Pure. */
import type { ChangeField } from "../../contract/changes.ts";
import { isManaged, ownerId } from "../../ocsf/derive.ts";
import { osFamily } from "../../ocsf/platform.ts";
import type { OktaDevice, OktaDeviceUser } from "../../okta/records.ts";
import { changedFields, changedList, type NamedFields } from "../changed-fields.ts";

/** The fields of a device's record. That it was seen is no change, and neither are times that move with other fields. */
const deviceFields = (device: OktaDevice): NamedFields => {
  const { profile } = device;
  return {
    status: device.status,
    name: profile.displayName ?? null,
    type: device.deviceType,
    serial_number: profile.serialNumber ?? null,
    manufacturer: profile.manufacturer ?? null,
    model: profile.model ?? null,
    imei: profile.imei ?? null,
    meid: profile.meid ?? null,
    udid: profile.udid ?? null,
    sid: profile.sid ?? null,
    tpm_public_key_hash: profile.tpmPublicKeyHash ?? null,
    is_managed: isManaged(device),
    is_registered: profile.registered ?? null,
    is_jailbroken: profile.integrityJailbreak ?? null,
    compliance_status: device.complianceStatus ?? "UNKNOWN",
    has_secure_hardware: profile.secureHardwarePresent ?? null,
    encryption_type: profile.diskEncryptionType ?? null,
    user_uid: ownerId(device),
    "os.name": osFamily(profile.platform) ?? profile.platform ?? null,
    "os.version": profile.osVersion ?? null,
  };
};

const shownUser = ({ id, login, managementStatus, screenLockType, created }: OktaDeviceUser) => ({
  id,
  login,
  management_status: managementStatus,
  screen_lock_type: screenLockType,
  linked_at: created,
});

/** What has changed about a device. @param before null: it is new */
export const deviceChange = (before: OktaDevice | null, after: OktaDevice): ChangeField[] => [
  ...changedFields(before && deviceFields(before), deviceFields(after)),
  ...changedList("users", (before?.users ?? []).map(shownUser), after.users.map(shownUser)),
];
