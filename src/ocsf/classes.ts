/** The attributes that name an event's class, in the order of Sekoia.io's published examples. */

const COLLECT = {
  activity_id: 2,
  activity_name: "Collect",
  category_name: "Discovery",
  category_uid: 5,
} as const;

const INFORMATIONAL = { severity: "Informational", severity_id: 1 } as const;

/** OCSF's class for users. */
export const USER_INVENTORY = {
  ...COLLECT,
  class_name: "User Inventory Info",
  class_uid: 5003,
  type_name: "User Inventory Info: Collect",
  type_uid: 500302,
  ...INFORMATIONAL,
} as const;

/** OCSF's class for devices. */
export const DEVICE_INVENTORY = {
  ...COLLECT,
  class_name: "Device Inventory Info",
  class_uid: 5001,
  type_name: "Device Inventory Info: Collect",
  type_uid: 500102,
  ...INFORMATIONAL,
} as const;

/** The version of OCSF that all dialects name. */
export const OCSF_VERSION = "1.6.0";

/** The source of the events. Okta is a service and has no version. */
export const PRODUCT = { name: "Okta", vendor_name: "Okta", version: "N/A" } as const;

/** Names the enrichment that holds a user's facts for which the class has no attribute. */
export const ACCESS_CONTROL = { name: "access_control", value: "okta" } as const;
/** Names the enrichment that holds a device's facts for which the class has no attribute. */
export const DEVICE_SECURITY = { name: "device_security", value: "okta_device" } as const;
/** The same in Sekoia.io's table of April 2026. */
export const DEVICE_INFO = { name: "device_info", value: "hardware_and_security" } as const;
