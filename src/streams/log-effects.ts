/**
 * Decides what a System Log event changes or makes stale. Pure. A stream's definition lists the event types that
 * matter to the stream and what they name; both come from Okta's event type catalogue (developer.okta.com, "Event
 * types"). Other types are not requested.
 */
import type { StaleKind } from "../inventory/stale-kinds.ts";
import type { OktaLogEvent } from "../okta/records.ts";

/** What one event does to the inventory. */
export type Effect =
  /**
   * Something has to be read again. `quiet`: the change may leave lastUpdated as it is, so a record's lastUpdated
   * does not prove that the record shows the change.
   */
  | { readonly do: "read_again"; readonly kind: StaleKind; readonly id: string; readonly quiet?: true }
  /** The same of the user with this login, whom the event names in another directory. */
  | {
      readonly do: "read_again_by_login";
      readonly kind: StaleKind;
      readonly login: string;
      readonly quiet?: true;
    }
  /** The searches by time have something to find. */
  | { readonly do: "search" }
  /** The next full run has to read everybody's factors again. */
  | { readonly do: "factors_due" }
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
  | { readonly binding: true }
  /** A custom role, or what it is limited to, has changed for whoever has it. */
  | { readonly customRoles: true }
  /** An authenticator was switched on or off for everyone. */
  | { readonly authenticator: "on" | "off" }
  /** A device's state has changed, and with it the Okta Verify factors of its people. */
  | { readonly factorsOfDevice: true }
  /** Passwords of many were made to expire: of the users that the event names, or of everybody. */
  | { readonly passwords: true }
  /** Many have changed, and the event names nobody. Their records show it. */
  | { readonly search: true };

/** Rules by event type. A type that ends with `*` stands for all that begin like this. */
export type LogRules = Readonly<Record<string, LogRule>>;

const isPattern = (type: string): boolean => type.endsWith("*");
const prefixOf = (pattern: string): string => pattern.slice(0, -1);

const patternOf = (rules: LogRules, eventType: string): string | undefined =>
  Object.keys(rules).find((type) => isPattern(type) && eventType.startsWith(prefixOf(type)));

/** The rule for events of this type; undefined if there is none. */
const ruleFor = (rules: LogRules, eventType: string): LogRule | undefined =>
  Object.hasOwn(rules, eventType) ? rules[eventType] : rules[patternOf(rules, eventType) ?? ""];

/** A `filter` for the System Log that lets through the event types of these rules. */
export const logFilter = (rules: LogRules): string =>
  Object.keys(rules)
    .filter((type) => isPattern(type) || patternOf(rules, type) === undefined)
    .map((type) => (isPattern(type) ? `eventType sw "${prefixOf(type)}"` : `eventType eq "${type}"`))
    .join(" or ");

/** Of the types with a rule, those for which Okta's event type catalogue does not say that it offers an event hook. */
const NOT_OFFERED: ReadonlySet<string> = new Set([
  "app.ad.password_migration_campaign.user.migrate.end",
  "app.user_management.user_group_import.delete_success",
  "device.desktop_mfa.enrollment.create",
  "device.local_account.create",
  "device.password_sync.enrollment.create",
  "device.platform_sso.enrollment.create",
  "scheduled_action.user_suspension.completed",
  "system.agent.ad.reset_user_password",
  "system.agent.ldap.change_user_password",
  "system.agent.ldap.reset_user_password",
  "system.agent.ldap.update_user_password",
  "system.import.group.update",
  "system.mfa.factor.activate",
  "system.mfa.factor.deactivate",
  "user.account.expire_password",
  "user.account.lock.limit",
  "user.account.update_primary_email",
  "user.account.update_secondary_email",
  "user.account.update_user_type",
  "user.lifecycle.delete.completed",
  "user.lifecycle.password_mass_expiry",
  "user.mfa.promote_enrollment",
]);

/**
 * Whether an event hook should tell of events of this type: those with a rule of their own, without sign-ins. Okta sends
 * 400,000 events a day at most, and sign-ins alone can be more.
 */
export const isHooked = (rules: LogRules, eventType: string): boolean => {
  const rule = Object.hasOwn(rules, eventType) ? rules[eventType] : undefined;
  return rule !== undefined && !("signedIn" in rule) && !isPattern(eventType) && !NOT_OFFERED.has(eventType);
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

/** The ids of an event's targets of this type. */
export const targets = (event: OktaLogEvent, type: Target): string[] =>
  event.target.flatMap((target) => (target.type === type && target.id !== null ? [target.id] : []));

/** The type of a target that stands for a user in an application or another directory, where the user has another id. */
const APP_USER = "AppUser";

/** Logins of the users whom an event names only in an application or another directory. */
const loginsIn = (event: OktaLogEvent): string[] =>
  event.target.flatMap(({ type, alternateId }) =>
    type === APP_USER && alternateId !== null ? [alternateId] : [],
  );

/** The users whom an event is about. Where it names none as its target, that is the user who acted. */
const people = (event: OktaLogEvent): string[] => {
  const named = targets(event, "User");
  return named.length > 0 || loginsIn(event).length > 0 ? named : actorOf(event);
};

/** Something about the users whom an event is about has to be read again. */
const readPeople = (kind: StaleKind, event: OktaLogEvent, quiet?: true): Effect[] => {
  const ids = people(event);
  if (ids.length > 0) return readAgain(kind, ids, quiet);
  return loginsIn(event).map((login) => ({
    do: "read_again_by_login",
    kind,
    login,
    ...(quiet && { quiet }),
  }));
};

/** Groups that an event names, whatever the type of such a target is called. Ids of groups begin like this. */
export const groupsIn = (event: OktaLogEvent): string[] =>
  event.target.flatMap(({ id, type }) =>
    id !== null && (id.startsWith("00g") || /group/i.test(type ?? "")) ? [id] : [],
  );

const actorOf = ({ actor }: OktaLogEvent): string[] =>
  actor?.type === "User" && actor.id !== null ? [actor.id] : [];

const readAgain = (kind: StaleKind, ids: readonly string[], quiet?: true): Effect[] =>
  ids.map((id) => ({ do: "read_again", kind, id, ...(quiet && { quiet }) }));

/** Whether an event says that its action was done. */
export const isDone = ({ outcome }: OktaLogEvent): boolean => outcomes[outcome ?? ""] === "yes";

/** The effects of one event. There are none for an action that was not done, or for a type without a rule. */
export const effectsOf = (rules: LogRules, event: OktaLogEvent): Effect[] => {
  const rule = ruleFor(rules, event.eventType);
  if (rule === undefined) return [];
  const happened = outcomes[event.outcome ?? ""] ?? "maybe";
  // Whatever was tried: the account's status may have changed, and lastUpdated with it or not.
  if (happened !== "yes" && event.reason === LOCKED_OUT) return readAgain("asset", people(event), true);
  if (happened === "no") return [];
  if ("target" in rule) {
    return rule.target === "User" && (rule.kind === "asset" || rule.kind === "factors")
      ? readPeople(rule.kind, event, rule.quiet)
      : readAgain(rule.kind, targets(event, rule.target), rule.quiet);
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
  if ("customRoles" in rule) return readAgain("custom_roles", [ALL]);
  if ("authenticator" in rule) {
    // What it gives back when it is switched on, the factors that were read meanwhile need not show.
    const due: Effect[] = rule.authenticator === "on" ? [{ do: "factors_due" }] : [];
    return [...readAgain("factor_holders", [factorTypesIn(event)]), ...due];
  }
  if ("factorsOfDevice" in rule) {
    const users = targets(event, "User");
    return users.length > 0
      ? readAgain("factors", users)
      : readAgain("device_people", targets(event, "Device"));
  }
  if ("passwords" in rule) {
    const users = targets(event, "User");
    return users.length > 0 ? readAgain("asset", users, true) : readAgain("everybody", [ALL]);
  }
  if ("search" in rule) return [{ do: "search" }];
  // A binding names users or groups. If it names neither, the list of users with roles is read again.
  const named = [...readAgain("roles", targets(event, "User")), ...readAgain("group_roles", groupsIn(event))];
  return named.length > 0 ? named : readAgain("assignees", [ALL]);
};

/** The id of what concerns the whole org. */
export const ALL = "all";

/**
 * The factor types that an authenticator stands for, by words in its name or key. Okta's authenticator administration
 * lists the methods of each authenticator.
 */
const AUTHENTICATORS: readonly (readonly [RegExp, readonly string[]])[] = [
  [/okta.?verify|soft.?token|push|signed.?nonce|fastpass/i, ["push", "signed_nonce", "token:software:totp"]],
  [/phone|sms|call|voice/i, ["sms", "call"]],
  [/e-?mail/i, ["email"]],
  [/question/i, ["question"]],
  [/web.?authn|fido|passkey|security.?key|u2f/i, ["webauthn", "u2f"]],
  [/google/i, ["token:software:totp"]],
  [/duo/i, ["web"]],
];

/** The types of factors that an authenticator's event is about, separated by commas; `all` if it does not say. */
const factorTypesIn = ({ target }: OktaLogEvent): string => {
  const words = target.map(({ displayName, alternateId }) => `${displayName ?? ""} ${alternateId ?? ""}`);
  const named = AUTHENTICATORS.filter(([name]) => words.some((text) => name.test(text)));
  return named.length === 0 ? ALL : [...new Set(named.flatMap(([, types]) => types))].sort().join(",");
};

/** Whether a user with factors of these types is concerned. @param spec as the id of `factor_holders` has it */
export const isHolder = (spec: string, factorTypes: readonly string[]): boolean =>
  factorTypes.length > 0 && (spec === ALL || spec.split(",").some((type) => factorTypes.includes(type)));
