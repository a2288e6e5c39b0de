/** Which phases a run has, in order; `phase-table.ts` has what each does. */
import type { StreamName } from "../contract/streams.ts";
import type { MembershipMode } from "../streams/plan.ts";
import type { PhaseName } from "./run.ts";

/**
 * The phases of a full run. People with roles are known before the users are listed, so that a user's first
 * event says it; where that needs the users first (memberships read per user, or a role on Everyone), it waits.
 */
export const fullPhases = (
  stream: StreamName,
  mode: MembershipMode = "per_group",
  everyoneHasRoles = false,
): readonly [PhaseName, ...PhaseName[]] => {
  if (stream === "devices") return ["log", "devices", "refetch", "deletions"];
  const memberships: PhaseName[] = mode === "per_group" ? ["memberships"] : [];
  const userGroups: PhaseName[] = mode === "per_user" ? ["user_groups"] : [];
  const rolesLater = mode === "per_user" || everyoneHasRoles;
  const early: PhaseName[] = rolesLater ? [] : ["admin_roles"];
  const late: PhaseName[] = rolesLater ? ["admin_roles"] : [];
  return [
    "log",
    "groups",
    "group_roles",
    "assignees",
    ...memberships,
    ...early,
    "users",
    ...userGroups,
    ...late,
    "factors",
    "refetch",
    "deletions",
  ];
};

/** The phases of a delta run. */
export const deltaPhases = (stream: StreamName): readonly [PhaseName, ...PhaseName[]] =>
  stream === "users"
    ? ["log", "searches", "refetch", "rolling", "deletions"]
    : ["log", "searches", "refetch", "deletions"];
