/** The phases by name. */
import type {
  Cursor,
  DeletionsCursor,
  FactorsCursor,
  ListCursor,
  LogCursor,
  MembershipsCursor,
  PassCursor,
  RefetchCursor,
  RollingCursor,
  SearchesCursor,
} from "./cursors.ts";
import { deletionsPhase } from "./phases/deletions.ts";
import { adminFactorsPhase, factorsPhase } from "./phases/factors.ts";
import { groupRolesPhase, groupsPhase } from "./phases/groups.ts";
import { listPhase } from "./phases/list.ts";
import { logPhase } from "./phases/log.ts";
import { membershipsPhase } from "./phases/memberships.ts";
import { refetchPhase } from "./phases/refetch.ts";
import { adminRolesPhase, assigneesPhase } from "./phases/roles.ts";
import { rollingPhase } from "./phases/rolling.ts";
import { searchesPhase } from "./phases/searches.ts";
import { userGroupsPhase } from "./phases/user-groups.ts";
import type { Phase } from "./step.ts";

/** The type of each phase's cursor. */
interface Cursors {
  readonly groups: ListCursor;
  readonly group_roles: Record<string, never>;
  readonly assignees: ListCursor;
  readonly memberships: MembershipsCursor;
  readonly user_groups: PassCursor;
  readonly admin_roles: PassCursor;
  readonly admin_factors: FactorsCursor;
  readonly factors: FactorsCursor;
  readonly deletions: DeletionsCursor;
  readonly log: LogCursor;
  readonly searches: SearchesCursor;
  readonly refetch: RefetchCursor;
  readonly rolling: RollingCursor;
}

const phases: { readonly [Name in keyof Cursors]: Phase<Cursors[Name]> } = {
  groups: groupsPhase,
  group_roles: groupRolesPhase,
  assignees: assigneesPhase,
  memberships: membershipsPhase,
  user_groups: userGroupsPhase,
  admin_roles: adminRolesPhase,
  admin_factors: adminFactorsPhase,
  factors: factorsPhase,
  deletions: deletionsPhase,
  log: logPhase,
  searches: searchesPhase,
  refetch: refetchPhase,
  rolling: rollingPhase,
};

const byName = new Map<string, unknown>(Object.entries(phases));

/**
 * The phase with this name. The phase that reads a stream's complete list is named after the stream. Throws for an
 * unknown name, which is a bug.
 * @param stream the name of the stream's definition
 */
export const phaseOf = (name: string, stream: string): Phase<Cursor> => {
  const phase = name === stream ? listPhase : byName.get(name);
  if (phase === undefined) throw new Error(`There is no phase ${name}`);
  // A run hands each cursor only to the phase that made it, so only that phase has to know the cursor's type.
  return phase as Phase<Cursor>;
};
