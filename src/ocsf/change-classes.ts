/** The classes of changes, and their activities, as OCSF 1.6.0 numbers and names them. */

/** What was done. `id` is 99 where OCSF has no number for it; then the name is our own. */
export interface Activity {
  readonly id: number;
  readonly name: string;
}

const OTHER = 99;

/** An activity that OCSF has no number for. */
export const otherActivity = (name: string): Activity => ({ id: OTHER, name });

const IAM = { category_name: "Identity & Access Management", category_uid: 3 } as const;

/** OCSF's class for changes of an account. */
export const ACCOUNT_CHANGE = { ...IAM, class_name: "Account Change", class_uid: 3001 } as const;

/** OCSF's class for changes of a group and of who is in it. */
export const GROUP_MANAGEMENT = { ...IAM, class_name: "Group Management", class_uid: 3006 } as const;

/** OCSF's class for changes of other objects: here, devices. */
export const ENTITY_MANAGEMENT = { ...IAM, class_name: "Entity Management", class_uid: 3004 } as const;

/**
 * The activities of Account Change that occur. Attach Policy and Detach Policy do not: an administrator's role in Okta is
 * an assignment of its own and no policy.
 */
export const ACCOUNT_ACTIVITIES = {
  create: { id: 1, name: "Create" },
  enable: { id: 2, name: "Enable" },
  passwordChange: { id: 3, name: "Password Change" },
  passwordReset: { id: 4, name: "Password Reset" },
  disable: { id: 5, name: "Disable" },
  delete: { id: 6, name: "Delete" },
  lock: { id: 9, name: "Lock" },
  factorEnable: { id: 10, name: "MFA Factor Enable" },
  factorDisable: { id: 11, name: "MFA Factor Disable" },
  unlock: { id: 12, name: "Unlock" },
} as const satisfies Readonly<Record<string, Activity>>;

/** The activities of Group Management that occur. */
export const GROUP_ACTIVITIES = {
  assign: { id: 1, name: "Assign Privileges" },
  revoke: { id: 2, name: "Revoke Privileges" },
  addUser: { id: 3, name: "Add User" },
  removeUser: { id: 4, name: "Remove User" },
  delete: { id: 5, name: "Delete" },
  create: { id: 6, name: "Create" },
} as const satisfies Readonly<Record<string, Activity>>;

/** The activities of Entity Management that occur. */
export const ENTITY_ACTIVITIES = {
  create: { id: 1, name: "Create" },
  update: { id: 3, name: "Update" },
  delete: { id: 4, name: "Delete" },
  activate: { id: 10, name: "Activate" },
  deactivate: { id: 11, name: "Deactivate" },
  suspend: { id: 12, name: "Suspend" },
  resume: { id: 13, name: "Resume" },
} as const satisfies Readonly<Record<string, Activity>>;

/** Something that was deleted exists again. */
export const RESTORE = otherActivity("Restore");

/** The numbers that an event of a class can have as its activity. */
export const idsOf = (activities: Readonly<Record<string, Activity>>): number[] => [
  ...Object.values(activities).map(({ id }) => id),
  OTHER,
];

/** The attributes that say which activity of which class an event is. */
export const classify = <C extends { readonly class_name: string; readonly class_uid: number }>(
  of: C,
  { id, name }: Activity,
) => ({
  activity_id: id,
  activity_name: name,
  ...of,
  type_name: `${of.class_name}: ${id === OTHER ? "Other" : name}`,
  type_uid: of.class_uid * 100 + id,
});
