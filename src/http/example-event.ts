import { OCSF_VERSION, PRODUCT, USER_INVENTORY } from "../ocsf/classes.ts";
import type { SekoiaUserEvent } from "../ocsf/sekoia-schemas.ts";

/** The example of a user event that the OpenAPI document shows, in the default dialect. */
export const exampleEvent: SekoiaUserEvent = {
  ...USER_INVENTORY,
  time: 1591264800,
  metadata: { product: PRODUCT, version: OCSF_VERSION },
  user: {
    uid: "00u1a2b3c4d5e6f7g8h9",
    name: "mary.jones@example.com",
    full_name: "Mary Jones",
    display_name: "Mary Jones",
    email_addr: "mary.jones@example.com",
    uid_alt: "mary.jones@example.com",
    domain: "example.com",
    has_mfa: true,
    type_id: null,
    type: null,
    account: { uid: "00u1a2b3c4d5e6f7g8h9", name: "mary.jones@example.com", type: "Other", type_id: 99 },
    org: { name: "example.com", ou_name: "Finance" },
    groups: [
      { uid: "00gj3k4l5mnopqrst", name: "Finance Users", desc: "Finance department group", privileges: [] },
    ],
  },
  enrichments: [
    {
      name: "access_control",
      value: "okta",
      data: {
        is_enabled: true,
        last_logon: "2025-08-26T09:30:00.000Z",
        last_time_password_change: 1736506800,
      },
    },
  ],
};
