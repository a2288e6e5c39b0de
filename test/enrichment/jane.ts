import type { Account } from "../../src/enrichment/account.ts";
import { known } from "../../src/inventory/facts.ts";

/** An account of which everything is known. @param at when it was read, ms since the epoch */
export const janeAt = (at: number, over: Partial<Account> = {}): Account => ({
  id: "00uJaneDoe1234567890",
  login: "jane@example.com",
  email: "jane@example.com",
  displayName: "Jane",
  status: "ACTIVE",
  created: null,
  lastLogin: null,
  passwordChanged: null,
  department: null,
  title: null,
  manager: null,
  realmId: null,
  userType: null,
  attributes: {},
  readAt: at,
  groups: known(["A"], at),
  factors: known([], at),
  adminRoles: known([], at),
  devices: known([], at),
  ...over,
});
