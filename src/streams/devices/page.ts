import type { DeviceFacts } from "../../inventory/facts.ts";
import { isManaged, lastSeen } from "../../ocsf/derive.ts";
import { osFamily } from "../../ocsf/platform.ts";
import { type AssetPage, text, time, truth, word } from "../asset-page.ts";

/** The content of a device's page. */
export const devicePage = ({ device }: DeviceFacts): AssetPage => {
  const { profile } = device;
  return {
    name: profile.displayName ?? device.id,
    noun: "Device",
    facts: [
      ["Status", { as: "status", status: device.status }],
      ["Managed", truth(isManaged(device), true)],
      ["Compliance", word(device.complianceStatus ?? "UNKNOWN")],
      ["Platform", text(osFamily(profile.platform) ?? profile.platform)],
      ["OS version", text(profile.osVersion)],
      ["Manufacturer", text(profile.manufacturer)],
      ["Model", text(profile.model)],
      ["Serial number", text(profile.serialNumber)],
      ["Registered", truth(profile.registered)],
      ["Secure hardware", truth(profile.secureHardwarePresent, true)],
      ["Disk encryption", word(profile.diskEncryptionType, "unknown")],
      ["Jailbroken", truth(profile.integrityJailbreak, false)],
      ["IMEI", text(profile.imei)],
      ["UDID", text(profile.udid)],
      ["Last seen", { as: "time", at: lastSeen(device), ago: true }],
      ["Created", time(device.created)],
      ["Updated in Okta", time(device.lastUpdated)],
      ["Okta id", { as: "code", text: device.id }],
    ],
    sections: [[{ kind: "people", users: device.users }]],
    lookUp: null,
  };
};
