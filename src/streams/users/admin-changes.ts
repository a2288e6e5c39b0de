/** Changes of administrators, as log events tell of them. */
import type { ChangeCode } from "../../contract/alerts.ts";
import type { Inventory } from "../../inventory/inventory.ts";
import { displayName, isAdmin } from "../../ocsf/derive.ts";
import type { OktaLogEvent } from "../../okta/records.ts";
import type { ToldChange } from "../definition.ts";
import { groupsIn, isDone, targets } from "../log-effects.ts";

/** So many people are named; the others are counted. */
const MOST_NAMED = 10;

/** What an event of this type does to the people and groups that it names. */
const changes: Readonly<Record<string, ChangeCode>> = {
  "user.account.privilege.grant": "admin_granted",
  "group.privilege.grant": "admin_granted",
  "iam.resourceset.bindings.add": "admin_granted",
  "group.user_membership.add": "admin_granted",
  "user.mfa.factor.reset_all": "admin_mfa_reset",
  "user.mfa.factor.deactivate": "admin_mfa_reset",
  "user.lifecycle.suspend": "admin_suspended",
};

/** Whom an event gives a role: the people that it names, and the members of the groups that it names. */
const granted = ({ memberships, groups }: Inventory, event: OktaLogEvent) => {
  const users = targets(event, "User");
  const named = groupsIn(event);
  if (event.eventType !== "group.user_membership.add") return memberships.together(users, named, MOST_NAMED);
  // Whoever joins a group gets the roles that it gives, if it gives any.
  return memberships.together(named.some((id) => groups.hasRoles(id)) ? users : [], [], MOST_NAMED);
};

/**
 * What an event changes about administrators; null if it is not known to change anything. Whoever is not known to be an
 * administrator counts as none.
 */
export const adminChange = (inventory: Inventory, event: OktaLogEvent): ToldChange | null => {
  const code = Object.hasOwn(changes, event.eventType) ? changes[event.eventType] : undefined;
  if (code === undefined || !isDone(event)) return null;
  const { users } = inventory;
  const isKnownAdmin = (id: string): boolean => {
    const user = users.one(id);
    return user !== null && isAdmin(user.facts) === true;
  };
  const { count, first } =
    code === "admin_granted"
      ? granted(inventory, event)
      : inventory.memberships.together(targets(event, "User").filter(isKnownAdmin), [], MOST_NAMED);
  if (count === 0) return null;
  const names = users.of(first).map(({ id, facts: { user } }) => {
    const name = displayName(user.profile) ?? id;
    const { login } = user.profile;
    return login == null || login === name ? name : `${name} (${login})`;
  });
  const by = event.actor?.alternateId ?? event.actor?.displayName ?? undefined;
  return { code, count, names, ...(by !== undefined && { by }) };
};
