/**
 * From the System Log to what it makes stale. Pure. A stream's definition lists the event types that change what the
 * stream keeps and whom they name; both come from Okta's event type catalogue (developer.okta.com, "Event types").
 * Types that change nothing in the inventory are not asked for.
 */
import type { StaleKind } from "../inventory/stale.ts";
import type { OktaLogEvent } from "../okta/records.ts";

export type Effect =
  /** `quiet`: what happened need not move lastUpdated, so that a record found by it may not show it. */
  | { readonly do: "read_again"; readonly kind: StaleKind; readonly id: string; readonly quiet?: true }
  | { readonly do: "membership"; readonly groupId: string; readonly userId: string; readonly member: boolean }
  | { readonly do: "signed_in"; readonly userId: string; readonly at: string }
  | { readonly do: "group_deleted"; readonly groupId: string }
  | { readonly do: "maybe_deleted"; readonly id: string };

/** What an event names, as Okta spells the type of a target. */
type Target = "User" | "UserGroup" | "Device";

/** What an event of a type does to each of its targets of a type. */
export type LogRule =
  /** Something of the target is read again. */
  | { readonly target: Target; readonly kind: StaleKind; readonly quiet?: true }
  /** The target is a member of the group that the event names as well, or not any more. */
  | { readonly member: boolean }
  /** The actor signed in. */
  | { readonly signedIn: true }
  /** The asset may be gone: it is confirmed by its id. */
  | { readonly deletedAsset: Target }
  /** The group is gone. */
  | { readonly deletedGroup: true }
  /** Roles were bound to a person or a group, or taken away. */
  | { readonly binding: true };

/** Rules by event type. */
export type LogRules = Readonly<Record<string, LogRule>>;

/** The rules' types as a `filter` of the System Log. */
export const logFilter = (rules: LogRules): string =>
  Object.keys(rules)
    .map((type) => `eventType eq "${type}"`)
    .join(" or ");

const targets = (event: OktaLogEvent, type: Target): string[] =>
  event.target.flatMap((target) => (target.type === type && target.id !== null ? [target.id] : []));

/** What one event makes of the inventory; nothing for a failed action or a type without a rule. */
export const effectsOf = (rules: LogRules, event: OktaLogEvent): Effect[] => {
  const rule = Object.hasOwn(rules, event.eventType) ? rules[event.eventType] : undefined;
  if (rule === undefined || event.outcome === "FAILURE" || event.outcome === "DENY") return [];
  if ("target" in rule) {
    const { kind, quiet } = rule;
    return targets(event, rule.target).map((id) => ({ do: "read_again", kind, id, ...(quiet && { quiet }) }));
  }
  if ("deletedAsset" in rule) {
    return targets(event, rule.deletedAsset).map((id) => ({ do: "maybe_deleted", id }));
  }
  if ("deletedGroup" in rule) {
    return targets(event, "UserGroup").map((groupId) => ({ do: "group_deleted", groupId }));
  }
  if ("member" in rule) {
    const users = targets(event, "User");
    return targets(event, "UserGroup").flatMap((groupId) =>
      users.map((userId): Effect => ({ do: "membership", groupId, userId, member: rule.member })),
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
