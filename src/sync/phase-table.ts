import { deletionsPhase } from "./phases/deletions.ts";
import { devicesPhase } from "./phases/devices.ts";
import { factorsPhase } from "./phases/factors.ts";
import { groupRolesPhase, groupsPhase, membershipsPhase } from "./phases/groups.ts";
import { logPhase } from "./phases/log.ts";
import { refetchPhase } from "./phases/refetch.ts";
import { adminRolesPhase, assigneesPhase } from "./phases/roles.ts";
import { rollingPhase } from "./phases/rolling.ts";
import { searchesPhase } from "./phases/searches.ts";
import { userGroupsPhase } from "./phases/user-groups.ts";
import { usersPhase } from "./phases/users.ts";
import type { PhaseName } from "./run.ts";
import type { Phase } from "./step.ts";

/** What each phase does. */
export const phases: Readonly<Record<PhaseName, Phase>> = {
  groups: groupsPhase,
  group_roles: groupRolesPhase,
  assignees: assigneesPhase,
  memberships: membershipsPhase,
  users: usersPhase,
  user_groups: userGroupsPhase,
  admin_roles: adminRolesPhase,
  factors: factorsPhase,
  devices: devicesPhase,
  deletions: deletionsPhase,
  log: logPhase,
  searches: searchesPhase,
  refetch: refetchPhase,
  rolling: rollingPhase,
};
