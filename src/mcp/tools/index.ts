/** Every tool, in the order in which an analyst needs them. */
import type { Tool } from "../tool.ts";
import { deviceOwner } from "./device-owner.ts";
import { explainAccount } from "./explain-account.ts";
import { findAccounts } from "./find-accounts.ts";
import { inventoryHealth } from "./inventory-health.ts";
import { listAdministrators } from "./list-administrators.ts";
import { lookupAccount } from "./lookup-account.ts";
import { posture } from "./posture.ts";
import { recentChanges } from "./recent-changes.ts";

export const tools: readonly Tool[] = [
  lookupAccount,
  explainAccount,
  findAccounts,
  listAdministrators,
  deviceOwner,
  recentChanges,
  posture,
  inventoryHealth,
];
