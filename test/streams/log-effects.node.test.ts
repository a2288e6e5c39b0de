import { describe, expect, test } from "vitest";
import type { OktaLogEvent } from "../../src/okta/records.ts";
import { streams } from "../../src/streams/index.ts";
import { type Effect, effectsOf, isHolder, logFilter } from "../../src/streams/log-effects.ts";

const rulesOf = (stream: "users" | "devices") => streams[stream].source.logRules;

const target = (type: string, id: string) => ({ type, id, alternateId: null, displayName: null });

const event = (eventType: string, over: Partial<OktaLogEvent> = {}): OktaLogEvent => ({
  uuid: "u1",
  published: "2026-01-02T03:04:05.678Z",
  eventType,
  outcome: "SUCCESS",
  reason: null,
  actor: { id: "00uActor", type: "User", alternateId: null, displayName: null },
  ip: null,
  target: [target("User", "00uTarget"), target("UserGroup", "00gTarget"), target("Device", "guoTarget")],
  ...over,
});

const readUser: Effect = { do: "read_again", kind: "asset", id: "00uTarget" };
const readQuietly: Effect = { ...readUser, quiet: true };
const readFactors: Effect = { do: "read_again", kind: "factors", id: "00uTarget" };
const readRoles: Effect = { do: "read_again", kind: "roles", id: "00uTarget" };
const readGroup: Effect = { do: "read_again", kind: "group", id: "00gTarget" };
const readGroupRoles: Effect = { do: "read_again", kind: "group_roles", id: "00gTarget" };
const readDevice: Effect = { do: "read_again", kind: "asset", id: "guoTarget" };
const readDeviceQuietly: Effect = { ...readDevice, quiet: true };
const readHolders = (id: string): Effect => ({ do: "read_again", kind: "factor_holders", id });
const readCustomRoles: Effect = { do: "read_again", kind: "custom_roles", id: "all" };
const membership = (member: boolean): Effect => ({
  do: "membership",
  groupId: "00gTarget",
  userId: "00uTarget",
  member,
});

/**
 * Every event type that, according to Okta's documentation, changes users, memberships, MFA, roles or last logins.
 */
const usersTable: readonly (readonly [string, readonly Effect[]])[] = [
  ["user.lifecycle.create", [readUser]],
  ["user.lifecycle.activate", [readUser]],
  ["user.lifecycle.deactivate", [readUser]],
  ["user.lifecycle.suspend", [readUser]],
  ["user.lifecycle.unsuspend", [readUser]],
  ["user.lifecycle.reactivate", [readUser]],
  ["user.lifecycle.delete.initiated", [readUser]],
  ["user.lifecycle.delete.completed", [{ do: "maybe_deleted", id: "00uTarget" }]],
  ["user.account.update_profile", [readUser]],
  ["user.account.lock", [readUser]],
  ["user.account.unlock", [readUser]],
  ["user.account.unlock_by_admin", [readUser]],
  ["user.account.update_password", [readQuietly]],
  ["user.account.reset_password", [readQuietly]],
  ["user.account.update_primary_email", [readUser]],
  ["user.account.update_user_type", [readUser]],
  ["group.user_membership.add", [membership(true)]],
  ["group.user_membership.remove", [membership(false)]],
  ["group.lifecycle.create", [readGroup]],
  ["group.lifecycle.delete", [{ do: "group_deleted", groupId: "00gTarget" }]],
  ["group.profile.update", [readGroup]],
  ["user.mfa.factor.activate", [readFactors]],
  ["user.mfa.factor.deactivate", [readFactors]],
  ["user.mfa.factor.reset_all", [readFactors]],
  ["user.mfa.factor.suspend", [readFactors]],
  ["user.mfa.factor.unsuspend", [readFactors]],
  ["user.mfa.factor.update", [readFactors]],
  ["user.account.privilege.grant", [readRoles]],
  ["user.account.privilege.revoke", [readRoles]],
  ["group.privilege.grant", [readGroupRoles]],
  ["group.privilege.revoke", [readGroupRoles]],
  ["iam.resourceset.bindings.add", [readRoles, readGroupRoles]],
  ["iam.resourceset.bindings.delete", [readRoles, readGroupRoles]],
  ["user.session.start", [{ do: "signed_in", userId: "00uActor", at: "2026-01-02T03:04:05.678Z" }]],
  ["user.account.lock.limit", [readUser]],
  ["user.account.update_secondary_email", [readUser]],
  ["user.risk.change", [readUser]],
  ["scheduled_action.user_suspension.completed", [readUser]],
  ["system.import.user.*", [readUser]],
  ["system.identity_sources.bulk_*", [{ do: "search" }]],
  ["user.account.expire_password", [readQuietly]],
  ["user.import.password", [readQuietly]],
  ["user.lifecycle.password_mass_expiry", [readQuietly]],
  ["system.agent.ad.reset_user_password", [readQuietly]],
  ["system.agent.ldap.change_user_password", [readQuietly]],
  ["system.agent.ldap.reset_user_password", [readQuietly]],
  ["system.agent.ldap.update_user_password", [readQuietly]],
  ["app.ad.password_migration_campaign.user.migrate.end", [readQuietly]],
  ["system.import.group.create", [readGroup]],
  ["system.import.group.update", [readGroup]],
  ["system.import.group.delete", [{ do: "group_deleted", groupId: "00gTarget" }]],
  ["app.user_management.user_group_import.delete_success", [{ do: "group_deleted", groupId: "00gTarget" }]],
  ["user.mfa.promote_enrollment", [readFactors]],
  ["security.authenticator.lifecycle.activate", [readHolders("all"), { do: "factors_due" }]],
  ["security.authenticator.lifecycle.deactivate", [readHolders("all")]],
  ["system.mfa.factor.activate", [readHolders("all"), { do: "factors_due" }]],
  ["system.mfa.factor.deactivate", [readHolders("all")]],
  ["device.lifecycle.suspend", [readFactors]],
  ["device.lifecycle.unsuspend", [readFactors]],
  ["device.lifecycle.deactivate", [readFactors]],
  ["device.lifecycle.delete", [readFactors]],
  ["iam.resourceset.bindings.*", [readRoles, readGroupRoles]],
  ["app.oauth2.client.privilege.grant", [readRoles, readGroupRoles]],
  ["app.oauth2.client.privilege.revoke", [readRoles, readGroupRoles]],
  ["iam.resourceset.delete", [readCustomRoles]],
  ["iam.role.update", [readCustomRoles]],
  ["iam.role.delete", [readCustomRoles]],
  ["iam.role.permissions.add", [readCustomRoles]],
  ["iam.role.permissions.delete", [readCustomRoles]],
];

const devicesTable: readonly (readonly [string, readonly Effect[]])[] = [
  ["device.enrollment.create", [readDeviceQuietly]],
  ["device.lifecycle.activate", [readDevice]],
  ["device.lifecycle.deactivate", [readDevice]],
  ["device.lifecycle.delete", [{ do: "maybe_deleted", id: "guoTarget" }]],
  ["device.lifecycle.suspend", [readDevice]],
  ["device.lifecycle.unsuspend", [readDevice]],
  ["device.user.add", [readDeviceQuietly]],
  ["device.user.remove", [readDeviceQuietly]],
  ["device.desktop_mfa.enrollment.create", [readDeviceQuietly]],
  ["device.platform_sso.enrollment.create", [readDeviceQuietly]],
  ["device.password_sync.enrollment.create", [readDeviceQuietly]],
  ["device.local_account.create", [readDeviceQuietly]],
];

describe("the effects of a log event", () => {
  test.each(usersTable)("users: %s", (type, effects) => {
    // A family of types stands for each of its members.
    expect(effectsOf(rulesOf("users"), event(type.replace("*", "anything")))).toEqual(effects);
  });

  test.each(devicesTable)("devices: %s", (type, effects) => {
    expect(effectsOf(rulesOf("devices"), event(type))).toEqual(effects);
  });

  test("no other event types are requested", () => {
    expect(Object.keys(rulesOf("users")).sort()).toEqual(usersTable.map(([type]) => type).sort());
    expect(Object.keys(rulesOf("devices")).sort()).toEqual(devicesTable.map(([type]) => type).sort());
  });

  test("a stream ignores the other stream's events and types that do not concern it", () => {
    expect(effectsOf(rulesOf("devices"), event("user.lifecycle.create"))).toEqual([]);
    expect(effectsOf(rulesOf("users"), event("device.user.add"))).toEqual([]);
    expect(effectsOf(rulesOf("users"), event("application.user_membership.add"))).toEqual([]);
  });

  // Okta's twelve outcomes, less those that say yes or no; one that may come; and an event without one.
  const open = [
    "SKIPPED",
    "CHALLENGE",
    "UNKNOWN",
    "RATE_LIMIT",
    "DEFERRED",
    "SCHEDULED",
    "ABANDONED",
    "UNANSWERED",
  ];
  test.each([...open, "A_NEW_ONE", null])("of an action that ended in %s nothing is applied", (outcome) => {
    const effects = (type: string) => effectsOf(rulesOf("users"), event(type, { outcome }));
    const readUserGroups: Effect = { do: "read_again", kind: "user_groups", id: "00uTarget" };
    expect(effects("user.session.start")).toEqual([]);
    expect(effects("group.user_membership.add")).toEqual([readUserGroups]);
    expect(effects("group.user_membership.remove")).toEqual([readUserGroups]);
    expect(effects("group.lifecycle.delete")).toEqual([readGroup]);
    expect(effects("user.lifecycle.suspend")).toEqual([readUser]);
    expect(effects("user.mfa.factor.reset_all")).toEqual([readFactors]);
    expect(effects("user.lifecycle.delete.completed")).toEqual([{ do: "maybe_deleted", id: "00uTarget" }]);
  });

  const locked = { outcome: "FAILURE", reason: "LOCKED_OUT" };
  test.each([
    ["a lock that names the user", "user.account.lock", locked, "00uTarget"],
    ["a lock that names nobody but who acted", "user.account.lock", { ...locked, target: [] }, "00uActor"],
    ["a sign-in that fails because of it", "user.session.start", { ...locked, target: [] }, "00uActor"],
  ])("a failure that says that the account is locked is a change: %s", (_, type, over, id) => {
    expect(effectsOf(rulesOf("users"), event(type, over))).toEqual([
      { do: "read_again", kind: "asset", id, quiet: true },
    ]);
  });

  test("an event about a person that names none is about who acted", () => {
    const own = event("user.account.update_profile", { target: [] });
    expect(effectsOf(rulesOf("users"), own)).toEqual([{ ...readUser, id: "00uActor" }]);
    const systems = event("user.account.update_profile", {
      target: [],
      actor: { id: "00u0", type: "SystemPrincipal", alternateId: null, displayName: null },
    });
    expect(effectsOf(rulesOf("users"), systems)).toEqual([]);
  });

  test.each(["FAILURE", "DENY"])("an action that ended in %s has no effect", (outcome) => {
    expect(effectsOf(rulesOf("users"), event("user.session.start", { outcome }))).toEqual([]);
    expect(effectsOf(rulesOf("users"), event("user.lifecycle.suspend", { outcome }))).toEqual([]);
  });

  test("a role binding that names nobody makes the whole list of users with roles stale", () => {
    expect(effectsOf(rulesOf("users"), event("iam.resourceset.bindings.add", { target: [] }))).toEqual([
      { do: "read_again", kind: "assignees", id: "all" },
    ]);
  });

  test("a membership event with several targets applies to every pair of user and group", () => {
    const target2 = [target("User", "a"), target("User", "b"), target("UserGroup", "g")];
    expect(effectsOf(rulesOf("users"), event("group.user_membership.add", { target: target2 }))).toEqual([
      { do: "membership", groupId: "g", userId: "a", member: true },
      { do: "membership", groupId: "g", userId: "b", member: true },
    ]);
  });

  test("a sign-in by an actor that is not a user has no effect", () => {
    const actor = { id: "sys", type: "SystemPrincipal", alternateId: null, displayName: null };
    expect(effectsOf(rulesOf("users"), event("user.session.start", { actor }))).toEqual([]);
  });

  const named = (displayName: string | null, alternateId: string | null = null) => ({
    target: [{ type: "Authenticator", id: "aut1", displayName, alternateId }],
  });
  test.each([
    ["Okta Verify", "push,signed_nonce,token:software:totp"],
    ["OKTA_SOFT_TOKEN", "push,signed_nonce,token:software:totp"],
    ["Phone", "call,sms"],
    ["SMS Authentication", "call,sms"],
    ["Voice Call", "call,sms"],
    ["Security Question", "question"],
    ["Security Key or Biometric", "u2f,webauthn"],
    ["FIDO2 (WebAuthn)", "u2f,webauthn"],
    ["Google Authenticator", "token:software:totp"],
    ["Email", "email"],
    ["Duo Security", "web"],
    ["Our own one-time code", "all"],
  ])("an authenticator called %s is that of %s", (name, id) => {
    const effects = (over: Partial<OktaLogEvent>) =>
      effectsOf(rulesOf("users"), event("system.mfa.factor.deactivate", over));
    expect(effects(named(name))).toEqual([readHolders(id)]);
    expect(effects(named(null, name))).toEqual([readHolders(id)]);
  });

  test("whoever has a factor of one of the types is concerned, and by all of them whoever has any", () => {
    expect(isHolder("call,sms", ["sms", "push"])).toBe(true);
    expect(isHolder("call,sms", ["push"])).toBe(false);
    expect(isHolder("all", ["anything"])).toBe(true);
    expect(isHolder("all", [])).toBe(false);
  });

  test("an event that names a person only in another directory is about the user with that login", () => {
    const effects = (type: string) =>
      effectsOf(
        rulesOf("users"),
        event(type, { target: [{ ...target("AppUser", "0ua1"), alternateId: "ann@acme.example" }] }),
      );
    const byLogin = { do: "read_again_by_login", login: "ann@acme.example" };
    expect(effects("system.import.user.update")).toEqual([{ ...byLogin, kind: "asset" }]);
    expect(effects("system.agent.ldap.reset_user_password")).toEqual([
      { ...byLogin, kind: "asset", quiet: true },
    ]);
    expect(effects("user.mfa.factor.activate")).toEqual([{ ...byLogin, kind: "factors" }]);
  });

  test("what names nobody stands for all whom it may concern", () => {
    const effects = (type: string, ...targets: OktaLogEvent["target"]) =>
      effectsOf(rulesOf("users"), event(type, { target: targets }));
    expect(effects("user.lifecycle.password_mass_expiry")).toEqual([
      { do: "read_again", kind: "everybody", id: "all" },
    ]);
    expect(effects("device.lifecycle.suspend", target("Device", "guo1"))).toEqual([
      { do: "read_again", kind: "device_people", id: "guo1" },
    ]);
  });

  test.each(["Group", "GROUP", "user_group", "AnythingElse"])(
    "a group is known by its id or by a type such as %s",
    (type) => {
      expect(
        effectsOf(
          rulesOf("users"),
          event("iam.resourceset.bindings.add", { target: [target(type, "00gT")] }),
        ),
      ).toEqual([{ do: "read_again", kind: "group_roles", id: "00gT" }]);
    },
  );

  test.each(["users", "devices"] as const)(
    "the filter of %s is valid in Okta's grammar, lets through what has a rule and nothing else, and is not too long for a URL",
    (stream) => {
      const filter = logFilter(rulesOf(stream));
      const terms = filter.split(" or ").map((term) => /^eventType (eq|sw) "([a-zA-Z0-9_.]+)"$/.exec(term));
      expect(terms).not.toContain(null);
      const passes = (type: string): boolean =>
        terms.some((term) => (term?.[1] === "sw" ? type.startsWith(term[2] ?? "?") : type === term?.[2]));
      const table = stream === "users" ? usersTable : devicesTable;
      for (const [type] of table) expect(passes(type.replace("*", "anything"))).toBe(true);
      for (const type of ["user.session.end", "user.lifecycle.create.more", "system.import.start"])
        expect(passes(type)).toBe(false);
      expect(new URLSearchParams({ filter }).toString().length).toBeLessThan(4_000);
    },
  );
});
