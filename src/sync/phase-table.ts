/** What each phase does. */
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
import { factorsPhase } from "./phases/factors.ts";
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

/** The cursor of each phase, as it is stored under the phase's name. */
interface Cursors {
  readonly groups: ListCursor;
  readonly group_roles: Record<string, never>;
  readonly assignees: ListCursor;
  readonly memberships: MembershipsCursor;
  readonly user_groups: PassCursor;
  readonly admin_roles: PassCursor;
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
  factors: factorsPhase,
  deletions: deletionsPhase,
  log: logPhase,
  searches: searchesPhase,
  refetch: refetchPhase,
  rolling: rollingPhase,
};

const byName = new Map<string, unknown>(Object.entries(phases));

/**
 * The phase of this name. The one that reads a stream's complete list is named after the stream.
 * @param stream the definition's name
 */
export const phaseOf = (name: string, stream: string): Phase<Cursor> => {
  const phase = name === stream ? listPhase : byName.get(name);
  if (phase === undefined) throw new Error(`There is no phase ${name}`);
  // A run's cursor was made by the phase that it is handed to: which cursor that is, only the phase has to know.
  return phase as Phase<Cursor>;
};
