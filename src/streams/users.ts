/** The users stream: accounts with their groups, MFA factors and admin roles. */

import type { UserFacts } from "../inventory/facts.ts";
import { ok } from "../lib/result.ts";
import { userEvent } from "../ocsf/index.ts";
import type { OktaApi } from "../okta/api.ts";
import { type OktaUser, parseAll, parseUser, userFields } from "../okta/records.ts";
import type { ListWay, PhaseNames, ReadList, Search, StreamDefinition } from "./definition.ts";
import type { LogRule, LogRules } from "./log-effects.ts";
import { PAGE, predictUsers } from "./plan.ts";
import { adminChange } from "./users/admin-changes.ts";
import { partsWith, userChangeFields } from "./users/changes.ts";
import { copiedUsers } from "./users/copy.ts";
import { exactUsers, foundUser, summarizeUsers, userFilters } from "./users/explore.ts";
import { fileUsers, settleEveryone } from "./users/filing.ts";
import { groupSearch } from "./users/group-search.ts";
import { inOrder } from "./users/in-order.ts";
import { userPage } from "./users/page.ts";
import { userChecks } from "./users/posture.ts";

// What has to be read again after an event. Okta may leave lastUpdated as it is when a password changes: see `quiet`.
const account: LogRule = { target: "User", kind: "asset" };
const password: LogRule = { target: "User", kind: "asset", quiet: true };
const factors: LogRule = { target: "User", kind: "factors" };
const roles: LogRule = { target: "User", kind: "roles" };
const group: LogRule = { target: "UserGroup", kind: "group" };
const groupRoles: LogRule = { target: "UserGroup", kind: "group_roles" };
const binding: LogRule = { binding: true };
const customRoles: LogRule = { customRoles: true };
const authenticatorOn: LogRule = { authenticator: "on" };
const authenticatorOff: LogRule = { authenticator: "off" };
const factorsOfDevice: LogRule = { factorsOfDevice: true };

/** What is read again after each, and at what cost: docs/log-events.md. */
const logRules: LogRules = {
  "user.lifecycle.create": account,
  "user.lifecycle.activate": account,
  "user.lifecycle.deactivate": account,
  "user.lifecycle.suspend": account,
  "user.lifecycle.unsuspend": account,
  "user.lifecycle.reactivate": account,
  "user.lifecycle.delete.initiated": account,
  "user.lifecycle.delete.completed": { deletedAsset: "User" },
  "user.account.update_profile": account,
  "user.account.lock": account,
  "user.account.unlock": account,
  "user.account.unlock_by_admin": account,
  "user.account.lock.limit": account,
  "user.account.update_secondary_email": account,
  "user.risk.change": account,
  "scheduled_action.user_suspension.completed": account,
  "system.import.user.*": account,
  "system.identity_sources.bulk_*": { search: true },
  "user.account.update_password": password,
  "user.account.reset_password": password,
  "user.account.expire_password": password,
  "user.import.password": password,
  "user.lifecycle.password_mass_expiry": { passwords: true },
  "system.agent.ad.reset_user_password": password,
  "system.agent.ldap.change_user_password": password,
  "system.agent.ldap.reset_user_password": password,
  "system.agent.ldap.update_user_password": password,
  "app.ad.password_migration_campaign.user.migrate.end": password,
  "user.account.update_primary_email": account,
  "user.account.update_user_type": account,
  "user.session.start": { signedIn: true },
  "group.user_membership.add": { member: true },
  "group.user_membership.remove": { member: false },
  "group.lifecycle.create": group,
  "group.lifecycle.delete": { deletedGroup: true },
  "group.profile.update": group,
  "system.import.group.create": group,
  "system.import.group.update": group,
  "system.import.group.delete": { deletedGroup: true },
  "app.user_management.user_group_import.delete_success": { deletedGroup: true },
  "user.mfa.factor.activate": factors,
  "user.mfa.factor.deactivate": factors,
  "user.mfa.factor.reset_all": factors,
  "user.mfa.factor.suspend": factors,
  "user.mfa.factor.unsuspend": factors,
  "user.mfa.factor.update": factors,
  "user.mfa.promote_enrollment": factors,
  "security.authenticator.lifecycle.activate": authenticatorOn,
  "security.authenticator.lifecycle.deactivate": authenticatorOff,
  "system.mfa.factor.activate": authenticatorOn,
  "system.mfa.factor.deactivate": authenticatorOff,
  "device.lifecycle.suspend": factorsOfDevice,
  "device.lifecycle.unsuspend": factorsOfDevice,
  "device.lifecycle.deactivate": factorsOfDevice,
  "device.lifecycle.delete": factorsOfDevice,
  "user.account.privilege.grant": roles,
  "user.account.privilege.revoke": roles,
  "group.privilege.grant": groupRoles,
  "group.privilege.revoke": groupRoles,
  "iam.resourceset.bindings.add": binding,
  "iam.resourceset.bindings.delete": binding,
  "iam.resourceset.bindings.*": binding,
  "app.oauth2.client.privilege.grant": binding,
  "app.oauth2.client.privilege.revoke": binding,
  "iam.resourceset.delete": customRoles,
  "iam.role.update": customRoles,
  "iam.role.delete": customRoles,
  "iam.role.permissions.add": customRoles,
  "iam.role.permissions.delete": customRoles,
};

/** A search that matches every user. A plain list leaves out DEPROVISIONED users; a search does not. */
const EVERYBODY = 'status lt "ZZZ"';

/**
 * Okta has let a search be followed for 50,000 users and refused the next page with a 400. A search in the order of a
 * time can be taken up from the last time that it has shown. If that is refused as well, the plain list, which has never
 * had such a bound, shows everybody but DEPROVISIONED users.
 */
const OTHER_WAYS: readonly ListWay[] = [
  [inOrder("created", EVERYBODY)],
  [{ query: () => ({ limit: String(PAGE.users) }) }, inOrder("created", 'status eq "DEPROVISIONED"')],
];

const list: ReadList = (api, request) => api.users(request);

/** Finds users whose own record has changed: their profile or status. */
const userSearch: Search = {
  name: "users",
  read: list,
  fields: userFields,
  query: (from) => ({ search: `lastUpdated gt "${from}"`, limit: String(PAGE.users) }),
  inParts: (from) => inOrder("lastUpdated", `lastUpdated gt "${from}"`),
  file: (inventory, records, { now, listedAt, attributes }) => {
    const read = parseAll(records, (record) => parseUser(record, attributes));
    for (const bad of read.quarantined) inventory.quarantine.add(bad, "users/search");
    return fileUsers(inventory, read.records, { now, listedAt, cause: "search" });
  },
};

/** The definition of the users stream. */
export const users: StreamDefinition<OktaUser, UserFacts> = {
  name: "users",
  areAccounts: true,
  words: { title: "Users", foundTitle: "People", one: "user", many: "users" },

  source: {
    list,
    listQuery: { search: EVERYBODY, limit: String(PAGE.users) },
    otherWays: OTHER_WAYS,
    fields: userFields,
    parse: parseUser,
    async one(api: OktaApi, _inventory, id, attributes) {
      const record = await api.user(id);
      if (record.ok) return ok(parseUser(record.value, attributes));
      return record.error.code === "not_found" ? ok(null) : record;
    },
    searches: [userSearch, groupSearch],
    logRules,
    change: adminChange,
    emptyList: {
      code: "empty_list",
      message:
        "Okta returned an empty list of users, as it does for a service app without an admin role. Give the app, or the token's owner, the Read-only Administrator role.",
    },
  },

  run: {
    /**
     * Roles are read before users are listed, so that a user's first event already shows them, and so that the factors of
     * administrators come first. If memberships are read per user, which is done after the list, the first run reads who is
     * in the groups that give roles before it.
     */
    fullPhases({ memberships, isFirst }): PhaseNames {
      const perUser = memberships === "per_user";
      return [
        "log",
        "groups",
        "group_roles",
        "assignees",
        ...(perUser && !isFirst ? [] : ["memberships"]),
        "admin_roles",
        "users",
        ...(perUser ? ["admin_factors", "user_groups"] : []),
        "factors",
        "refetch",
        "deletions",
      ];
    },
    deltaPhases: ["log", "searches", "refetch", "rolling", "deletions"],
    predict({ assets, factors, groups, admins }, { membershipCalls, factorsDueBefore, factorsRead }) {
      const known = assets.counts().total;
      const everyone = groups.everyoneCount() ?? 0;
      const count = Math.max(known, everyone);
      if (count === 0) return null;
      const active = assets.countNotDeprovisioned() || everyone;
      return predictUsers({
        users: count,
        active,
        groups: groups.countAll(),
        membershipCalls,
        admins: admins.count(),
        groupsWithRoles: groups.countWithRoles(),
        factors: known === 0 ? active : factors.countDue(factorsDueBefore) + factorsRead,
      });
    },
  },

  store: {
    file: fileUsers,
    listed: settleEveryone,
    reader: (inventory) => inventory.users,
    unknownFacts: (inventory, facets) => inventory.countUnknown(facets),
  },

  mapping: 2,
  event: userEvent,
  changeFields: userChangeFields,
  partsWith,

  explore: {
    found: foundUser,
    exact: exactUsers,
    filters: userFilters,
    checks: userChecks,
    groups: true,
    summarize: summarizeUsers,
  },

  copied: copiedUsers,
  page: userPage,
};
