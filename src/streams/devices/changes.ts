/** Changes of devices, by the names of the device in events. Pure. */
import type { ChangeField } from "../../contract/changes.ts";
import { isManaged, ownerId } from "../../ocsf/derive.ts";
import { osFamily } from "../../ocsf/platform.ts";
import type { OktaDevice, OktaDeviceUser } from "../../okta/records.ts";
import { changedFields, changedList, readersOf } from "../changed-fields.ts";

/** The fields of a device's record. That it was seen is no change, and neither are times that move with other fields. */
const FIELDS = readersOf<OktaDevice>({
  status: ({ status }) => status,
  name: ({ profile }) => profile.displayName,
  type: ({ deviceType }) => deviceType,
  serial_number: ({ profile }) => profile.serialNumber,
  manufacturer: ({ profile }) => profile.manufacturer,
  model: ({ profile }) => profile.model,
  imei: ({ profile }) => profile.imei,
  meid: ({ profile }) => profile.meid,
  udid: ({ profile }) => profile.udid,
  sid: ({ profile }) => profile.sid,
  tpm_public_key_hash: ({ profile }) => profile.tpmPublicKeyHash,
  is_managed: isManaged,
  is_registered: ({ profile }) => profile.registered,
  is_jailbroken: ({ profile }) => profile.integrityJailbreak,
  compliance_status: ({ complianceStatus }) => complianceStatus ?? "UNKNOWN",
  has_secure_hardware: ({ profile }) => profile.secureHardwarePresent,
  encryption_type: ({ profile }) => profile.diskEncryptionType,
  user_uid: ownerId,
  "os.name": ({ profile }) => osFamily(profile.platform) ?? profile.platform,
  "os.version": ({ profile }) => profile.osVersion,
});

const shownUser = ({ id, login, managementStatus, screenLockType, created }: OktaDeviceUser) => ({
  id,
  login,
  management_status: managementStatus,
  screen_lock_type: screenLockType,
  linked_at: created,
});

/** What has changed about a device. @param before null: it is new */
export const deviceChange = (before: OktaDevice | null, after: OktaDevice): ChangeField[] => [
  ...changedFields(FIELDS, before, after),
  ...changedList("users", (before?.users ?? []).map(shownUser), after.users.map(shownUser)),
];
