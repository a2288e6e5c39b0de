/** Records to put into an inventory. */
import type { OktaGroup, OktaUser } from "../../src/okta/records.ts";

export const user = (id: string, over: Partial<OktaUser> = {}): OktaUser => ({
  id,
  status: "ACTIVE",
  created: null,
  activated: null,
  statusChanged: null,
  lastLogin: null,
  lastUpdated: null,
  passwordChanged: null,
  profile: { login: `${id}@example.com`, email: `${id}@mail.example.com` },
  ...over,
});

export const group = (id: string, over: Partial<OktaGroup> = {}): OktaGroup => ({
  id,
  type: "OKTA_GROUP",
  name: id,
  description: null,
  lastUpdated: null,
  lastMembershipUpdated: null,
  stats: { usersCount: 1, hasAdminPrivilege: false },
  ...over,
});

export const EVERYONE = group("00gEveryone", { type: "BUILT_IN", name: "Everyone" });
