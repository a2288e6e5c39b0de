import type { Random } from "../org/random.ts";
import type { OktaRole } from "../org/types.ts";

const LABELS: Record<string, string> = {
  SUPER_ADMIN: "Super Administrator",
  ORG_ADMIN: "Organization Administrator",
  APP_ADMIN: "Application Administrator",
  USER_ADMIN: "Group Administrator",
  HELP_DESK_ADMIN: "Help Desk Administrator",
  READ_ONLY_ADMIN: "Read-Only Administrator",
  REPORT_ADMIN: "Report Administrator",
  MOBILE_ADMIN: "Mobile Administrator",
  API_ACCESS_MANAGEMENT_ADMIN: "API Access Management Administrator",
  GROUP_MEMBERSHIP_ADMIN: "Group Membership Administrator",
  WORKFLOWS_ADMIN: "Workflows Administrator",
  CUSTOM: "Badge Office",
};

/** How a role's type is called in the admin console. */
export const roleLabel = (type: string): string => LABELS[type] ?? type;

/** One assignment of a role. */
export const makeRole = (
  random: Random,
  type: string,
  created: string,
  assignmentType: "USER" | "GROUP",
  status: "ACTIVE" | "INACTIVE" = "ACTIVE",
  label: string = roleLabel(type),
): OktaRole => ({
  id: random.id(type === "CUSTOM" ? "irb" : "ra1"),
  label,
  type,
  status,
  created,
  lastUpdated: created,
  assignmentType,
  ...(type === "CUSTOM" ? { role: random.id("cr0"), "resource-set": random.id("iam") } : {}),
});

const TYPES = [
  "ORG_ADMIN",
  "APP_ADMIN",
  "USER_ADMIN",
  "HELP_DESK_ADMIN",
  "READ_ONLY_ADMIN",
  "REPORT_ADMIN",
  "CUSTOM",
] as const;

/** A role as one administrator in the middle of an org would hold it; a few are switched off. */
export const randomRole = (random: Random, epoch: number, assignmentType: "USER" | "GROUP"): OktaRole => {
  const created = new Date(epoch - random.int(300 * 86_400_000) - 1).toISOString();
  return makeRole(
    random,
    random.pick(TYPES),
    created,
    assignmentType,
    random.chance(0.12) ? "INACTIVE" : "ACTIVE",
  );
};
