/**
 * Decides what a System Log event changes or makes stale. Pure. A stream's definition lists the event types that
 * matter to the stream and what they name; both come from Okta's event type catalogue (developer.okta.com, "Event
 * types"). Other types are not requested.
 */
import type { StaleKind } from "../inventory/stale.ts";
import type { OktaLogEvent } from "../okta/records.ts";

/** What one event does to the inventory. */
export type Effect =
  /**
   * Something has to be read again. `quiet`: the change may leave lastUpdated as it is, so a record's lastUpdated
   * does not prove that the record shows the change.
   */
  | { readonly do: "read_again"; readonly kind: StaleKind; readonly id: string; readonly quiet?: true }
  | { readonly do: "membership"; readonly groupId: string; readonly userId: string; readonly member: boolean }
  | { readonly do: "signed_in"; readonly userId: string; readonly at: string }
  | { readonly do: "group_deleted"; readonly groupId: string }
  | { readonly do: "maybe_deleted"; readonly id: string };

/** The type of an event's target, as Okta spells it. */
type Target = "User" | "UserGroup" | "Device";

/** What an event of one type means. */
export type LogRule =
  /** Something about each target of this type has to be read again; `quiet` as in `Effect`. */
  | { readonly target: Target; readonly kind: StaleKind; readonly quiet?: true }
  /** The users that the event names became members of the groups that it names, or stopped being members. */
  | { readonly member: boolean }
  /** The actor signed in. */
  | { readonly signedIn: true }
  /** Assets of this type may have been deleted; each is checked by its id. */
  | { readonly deletedAsset: Target }
  /** A group was deleted. */
  | { readonly deletedGroup: true }
  /** Roles were assigned to users or groups, or taken away. */
  | { readonly binding: true };

/** Rules by event type. */
export type LogRules = Readonly<Record<string, LogRule>>;

/** A `filter` for the System Log that lets through the event types of these rules. */
export const logFilter = (rules: LogRules): string =>
  Object.keys(rules)
    .map((type) => `eventType eq "${type}"`)
    .join(" or ");

/** Of the types with a rule, those for which Okta offers no event hook (its event type catalogue). */
const NOT_OFFERED: ReadonlySet<string> = new Set([
  "user.lifecycle.delete.completed",
  "user.account.update_primary_email",
  "user.account.update_user_type",
]);

/**
 * Whether an event hook should tell of events of this type: those with a rule, without sign-ins. Okta sends 400,000
 * events a day at most, and sign-ins alone can be more.
 */
export const isHooked = (rules: LogRules, eventType: string): boolean => {
  const rule = Object.hasOwn(rules, eventType) ? rules[eventType] : undefined;
  return rule !== undefined && !("signedIn" in rule) && !NOT_OFFERED.has(eventType);
};

/** The event types to which an event hook is to be subscribed for a stream. */
export const hookedTypes = (rules: LogRules): readonly string[] =>
  Object.keys(rules).filter((eventType) => isHooked(rules, eventType));

/** What an event's outcome says about the change that the event names. */
type Happened = "yes" | "maybe" | "no";

/**
 * By `outcome.result`. Okta documents twelve; only two of them say that the action was done, and two that it was not. Of
 * all others, and of those that Okta may add, it is open: what may have changed is read again, and nothing is applied.
 */
const outcomes: Readonly<Record<string, Happened>> = {
  SUCCESS: "yes",
  ALLOW: "yes",
  FAILURE: "no",
  DENY: "no",
};

/** The reason of a failure that is itself a change: the account is locked, or has been before. */
const LOCKED_OUT = "LOCKED_OUT";

const targets = (event: OktaLogEvent, type: Target): string[] =>
  event.target.flatMap((target) => (target.type === type && target.id !== null ? [target.id] : []));

/** The users whom an event is about. Where it names none as its target, that is the user who acted. */
const people = (event: OktaLogEvent): string[] => {
  const named = targets(event, "User");
  return named.length > 0 ? named : actorOf(event);
};

const actorOf = ({ actor }: OktaLogEvent): string[] =>
  actor?.type === "User" && actor.id !== null ? [actor.id] : [];

const readAgain = (kind: StaleKind, ids: readonly string[], quiet?: true): Effect[] =>
  ids.map((id) => ({ do: "read_again", kind, id, ...(quiet && { quiet }) }));

/** The effects of one event. There are none for an action that was not done, or for a type without a rule. */
export const effectsOf = (rules: LogRules, event: OktaLogEvent): Effect[] => {
  const rule = Object.hasOwn(rules, event.eventType) ? rules[event.eventType] : undefined;
  if (rule === undefined) return [];
  const happened = outcomes[event.outcome ?? ""] ?? "maybe";
  // Whatever was tried: the account's status may have changed, and lastUpdated with it or not.
  if (happened !== "yes" && event.reason === LOCKED_OUT) return readAgain("asset", people(event), true);
  if (happened === "no") return [];
  if ("target" in rule) {
    const isAboutPerson = rule.target === "User" && rule.kind === "asset";
    const ids = isAboutPerson ? people(event) : targets(event, rule.target);
    return readAgain(rule.kind, ids, rule.quiet);
  }
  // It is checked by its id in any case.
  if ("deletedAsset" in rule) {
    return targets(event, rule.deletedAsset).map((id) => ({ do: "maybe_deleted", id }));
  }
  if ("deletedGroup" in rule) {
    const groups = targets(event, "UserGroup");
    if (happened === "maybe") return readAgain("group", groups);
    return groups.map((groupId) => ({ do: "group_deleted", groupId }));
  }
  if ("member" in rule) {
    const users = targets(event, "User");
    if (happened === "maybe") return readAgain("user_groups", users);
    return targets(event, "UserGroup").flatMap((groupId) =>
      users.map((userId): Effect => ({ do: "membership", groupId, userId, member: rule.member })),
    );
  }
  if ("signedIn" in rule) {
    // Of a sign-in that may have been none, the user's record tells in time; a call for each would cost too much.
    const { published } = event;
    if (happened === "maybe" || published === null) return [];
    return actorOf(event).map((userId) => ({ do: "signed_in", userId, at: published }));
  }
  // A binding names users or groups. If it names neither, the list of users with roles is read again.
  const named = [
    ...readAgain("roles", targets(event, "User")),
    ...readAgain("group_roles", targets(event, "UserGroup")),
  ];
  return named.length > 0 ? named : readAgain("assignees", ["all"]);
};
