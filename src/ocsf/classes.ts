/** The attributes that say which class an event is of, in the order of the published examples. */

const COLLECT = {
  activity_id: 2,
  activity_name: "Collect",
  category_name: "Discovery",
  category_uid: 5,
} as const;

const INFORMATIONAL = { severity: "Informational", severity_id: 1 } as const;

export const USER_INVENTORY = {
  ...COLLECT,
  class_name: "User Inventory Info",
  class_uid: 5003,
  type_name: "User Inventory Info: Collect",
  type_uid: 500302,
  ...INFORMATIONAL,
} as const;

export const DEVICE_INVENTORY = {
  ...COLLECT,
  class_name: "Device Inventory Info",
  class_uid: 5001,
  type_name: "Device Inventory Info: Collect",
  type_uid: 500102,
  ...INFORMATIONAL,
} as const;

export const OCSF_VERSION = "1.6.0";

/** Okta is a service and has no version to tell. */
export const PRODUCT = { name: "Okta", vendor_name: "Okta", version: "N/A" } as const;

/** Names of the enrichments that carry what the class has no attribute for. */
export const ACCESS_CONTROL = { name: "access_control", value: "okta" } as const;
export const DEVICE_SECURITY = { name: "device_security", value: "okta_device" } as const;
