import { isPlainObject } from "../lib/json.ts";
import {
  type Activity,
  GROUP_ACTIVITIES,
  GROUP_MANAGEMENT,
  otherActivity,
  RESTORE,
} from "./change-classes.ts";
import type { ChangedFields, Direction } from "./change-fields.ts";
import { targetUser, userObservables } from "./changed-user.ts";
import { filled } from "./derive.ts";
import { frameOf, observeAuthor, type ReadChange, unmappedOf } from "./ocsf-change-common.ts";
import type { OcsfGroupManagementEvent } from "./ocsf-change-schemas.ts";
import { type Observable, observe, present } from "./ocsf-common.ts";

/** A person who has joined one group, or left one. */
export interface Membership {
  readonly group: string;
  readonly direction: Direction;
}

/** What a change of a person's groups has, beside these: a group may give roles. */
const OF_MEMBERSHIP: ReadonlySet<string> = new Set([
  "groups",
  "is_admin",
  "admin_roles",
  "admin_roles_detail",
]);

/**
 * The one group that a person has joined or left; null if it is not exactly one that has a name, or if more has changed:
 * who is deactivated also leaves the group that holds everybody.
 */
export const membershipOf = ({ change, fields }: ReadChange): Membership | null => {
  if (change.kind !== "updated" || !fields.names.every((name) => OF_MEMBERSHIP.has(name))) return null;
  const moved = (["added", "removed"] as const).flatMap((direction) =>
    fields.entries("groups", direction).map((group) => ({ group, direction })),
  );
  const [only] = moved;
  if (only === undefined || moved.length > 1 || typeof only.group !== "string") return null;
  const group = filled(only.group);
  return group === null ? null : { group, direction: only.direction };
};

/** The roles that came or went with a membership: those that the person has, or had, through this group. */
const rolesWith = (fields: ChangedFields, { group, direction }: Membership): string[] =>
  fields
    .entries("admin_roles_detail", direction)
    .flatMap((role) =>
      isPlainObject(role) && role["group"] === group && typeof role["label"] === "string"
        ? [role["label"]]
        : [],
    );

const orNull = (texts: readonly string[]): string[] | null => (texts.length === 0 ? null : [...texts]);

/** A person who has joined or left a group, as OCSF 1.6.0 Group Management. */
export const ocsfMembership = (read: ReadChange, membership: Membership): OcsfGroupManagementEvent => {
  const activity = GROUP_ACTIVITIES[membership.direction === "added" ? "addUser" : "removeUser"];
  const frame = frameOf(read, GROUP_MANAGEMENT, activity);
  const user = targetUser(read);
  const observables: Observable[] = [];
  observe(observables, "groupName", "group.name", membership.group);
  observables.push(...userObservables("user", user));
  observeAuthor(observables, frame);
  return present({
    ...frame,
    group: { name: membership.group },
    user,
    privileges: orNull(rolesWith(read.fields, membership)),
    observables,
    unmapped: unmappedOf(read.change),
  });
};

/** What was done to a group. If roles were both assigned and revoked, it is the assignment, which is more severe. */
const activityOf = ({ change, meaning }: ReadChange): Activity => {
  switch (change.kind) {
    case "deleted":
      return GROUP_ACTIVITIES.delete;
    case "created":
      return GROUP_ACTIVITIES.create;
    case "restored":
      return RESTORE;
    case "updated":
      if (meaning.isRoleAdded) return GROUP_ACTIVITIES.assign;
      return meaning.isRoleRemoved ? GROUP_ACTIVITIES.revoke : otherActivity("Update");
  }
};

/** A change of a group itself, as OCSF 1.6.0 Group Management. The group is shown as it is after the change. */
export const ocsfGroupChange = (read: ReadChange): OcsfGroupManagementEvent => {
  const { change, context, fields, meaning } = read;
  const frame = frameOf(read, GROUP_MANAGEMENT, activityOf(read));
  const side = change.kind === "deleted" ? "before" : "after";
  const name = fields.text("name", side) ?? filled(context.subject.name) ?? filled(change.name);
  const roles = fields.texts("admin_roles", meaning.isRoleAdded ? "added" : "removed");
  const observables: Observable[] = [];
  observe(observables, "groupUid", "group.uid", change.id);
  observe(observables, "groupName", "group.name", name);
  observeAuthor(observables, frame);
  return present({
    ...frame,
    group: present({ uid: change.id, name, desc: fields.text("description", side) }),
    privileges: orNull(roles),
    observables,
    unmapped: unmappedOf(change),
  });
};
