/**
 * The System Log → what it makes stale. Pure. Which types there are and whom they name is Okta's event type
 * catalogue (developer.okta.com, "Event types"); types that change nothing in the inventory are not asked for.
 */
import type { StreamName } from "../contract/streams.ts";
import type { StaleKind } from "../inventory/stale.ts";
import type { OktaLogEvent } from "../okta/records.ts";

export type Effect =
  /** `quiet`: what happened need not move lastUpdated, so that a record found by it may not show it. */
  | { readonly do: "read_again"; readonly kind: StaleKind; readonly id: string; readonly quiet?: true }
  | { readonly do: "membership"; readonly groupId: string; readonly userId: string; readonly member: boolean }
  | { readonly do: "signed_in"; readonly userId: string; readonly at: string }
  | { readonly do: "group_deleted"; readonly groupId: string }
  | { readonly do: "maybe_deleted"; readonly id: string };

/** What an event of a type does to each of its targets of a type. */
type Rule =
  | { readonly target: "User" | "UserGroup" | "Device"; readonly kind: StaleKind; readonly quiet?: true }
  | { readonly member: boolean }
  | { readonly signedIn: true }
  | { readonly deleted: "User" | "UserGroup" | "Device" }
  | { readonly binding: true };

const user: Rule = { target: "User", kind: "user" };
const password: Rule = { target: "User", kind: "user", quiet: true };
const device: Rule = { target: "Device", kind: "device" };
const deviceLinks: Rule = { target: "Device", kind: "device", quiet: true };
const factors: Rule = { target: "User", kind: "factors" };

const userEvents: Readonly<Record<string, Rule>> = {
  "user.lifecycle.create": user,
  "user.lifecycle.activate": user,
  "user.lifecycle.deactivate": user,
  "user.lifecycle.suspend": user,
  "user.lifecycle.unsuspend": user,
  "user.lifecycle.reactivate": user,
  "user.lifecycle.delete.initiated": user,
  "user.lifecycle.delete.completed": { deleted: "User" },
  "user.account.update_profile": user,
  "user.account.lock": user,
  "user.account.unlock": user,
  "user.account.unlock_by_admin": user,
  "user.account.update_password": password,
  "user.account.reset_password": password,
  "user.account.update_primary_email": user,
  "user.account.update_user_type": user,
  "user.session.start": { signedIn: true },
  "group.user_membership.add": { member: true },
  "group.user_membership.remove": { member: false },
  "group.lifecycle.create": { target: "UserGroup", kind: "group" },
  "group.lifecycle.delete": { deleted: "UserGroup" },
  "group.profile.update": { target: "UserGroup", kind: "group" },
  "user.mfa.factor.activate": factors,
  "user.mfa.factor.deactivate": factors,
  "user.mfa.factor.reset_all": factors,
  "user.mfa.factor.suspend": factors,
  "user.mfa.factor.unsuspend": factors,
  "user.mfa.factor.update": factors,
  "user.account.privilege.grant": { target: "User", kind: "roles" },
  "user.account.privilege.revoke": { target: "User", kind: "roles" },
  "group.privilege.grant": { target: "UserGroup", kind: "group_roles" },
  "group.privilege.revoke": { target: "UserGroup", kind: "group_roles" },
  "iam.resourceset.bindings.add": { binding: true },
  "iam.resourceset.bindings.delete": { binding: true },
};

const deviceEvents: Readonly<Record<string, Rule>> = {
  "device.enrollment.create": deviceLinks,
  "device.lifecycle.activate": device,
  "device.lifecycle.deactivate": device,
  "device.lifecycle.delete": { deleted: "Device" },
  "device.lifecycle.suspend": device,
  "device.lifecycle.unsuspend": device,
  "device.user.add": deviceLinks,
  "device.user.remove": deviceLinks,
};

const rules: Readonly<Record<StreamName, Readonly<Record<string, Rule>>>> = {
  users: userEvents,
  devices: deviceEvents,
};

/** The types a stream asks the System Log for. */
export const eventTypes = (stream: StreamName): readonly string[] => Object.keys(rules[stream]);

/** As a `filter` of the System Log. */
export const logFilter = (stream: StreamName): string =>
  eventTypes(stream)
    .map((type) => `eventType eq "${type}"`)
    .join(" or ");

const targets = (event: OktaLogEvent, type: string): string[] =>
  event.target.flatMap((target) => (target.type === type && target.id !== null ? [target.id] : []));

/** What one event makes of the inventory; nothing for a failed action or a type that is not ours. */
export const effectsOf = (stream: StreamName, event: OktaLogEvent): Effect[] => {
  const rule = rules[stream][event.eventType];
  if (rule === undefined || event.outcome === "FAILURE" || event.outcome === "DENY") return [];
  if ("target" in rule) {
    const { kind, quiet } = rule;
    return targets(event, rule.target).map((id) => ({ do: "read_again", kind, id, ...(quiet && { quiet }) }));
  }
  if ("deleted" in rule) {
    return targets(event, rule.deleted).map((id) =>
      rule.deleted === "UserGroup" ? { do: "group_deleted", groupId: id } : { do: "maybe_deleted", id },
    );
  }
  if ("member" in rule) {
    const users = targets(event, "User");
    return targets(event, "UserGroup").flatMap((groupId) =>
      users.map((userId) => ({ do: "membership" as const, groupId, userId, member: rule.member })),
    );
  }
  if ("signedIn" in rule) {
    const actor = event.actor?.type === "User" ? event.actor.id : null;
    return actor === null || event.published === null
      ? []
      : [{ do: "signed_in", userId: actor, at: event.published }];
  }
  // A binding names a person or a group; where it names neither, the list of people with roles is read again.
  const people = targets(event, "User").map((id): Effect => ({ do: "read_again", kind: "roles", id }));
  const groups = targets(event, "UserGroup").map(
    (id): Effect => ({ do: "read_again", kind: "group_roles", id }),
  );
  const named = [...people, ...groups];
  return named.length > 0 ? named : [{ do: "read_again", kind: "assignees", id: "all" }];
};
