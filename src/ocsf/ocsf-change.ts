import type { Change } from "../contract/changes.ts";
import { ocsfAccountChange } from "./ocsf-account-change.ts";
import { type ChangeContext, readChange } from "./ocsf-change-common.ts";
import type {
  OcsfAccountChangeEvent,
  OcsfEntityManagementEvent,
  OcsfGroupManagementEvent,
} from "./ocsf-change-schemas.ts";
import { ocsfEntityManagement } from "./ocsf-entity-management.ts";
import { membershipOf, ocsfGroupChange, ocsfMembership } from "./ocsf-group-management.ts";

/**
 * A change as an OCSF 1.6.0 event of its own, valid against the strict schema. Times are in ms; there are no nulls.
 *
 * - a device's: Entity Management (3004)
 * - a group's own: Group Management (3006)
 * - a person's: Account Change (3001); but Group Management if the person has joined or left exactly one group
 *
 * OCSF's `group` is one object, and a change is one event, which its id names. So a person who has joined or left several
 * groups at once is an Account Change, with the groups in `unmapped.changes`.
 */
export const changeEvent = (
  change: Change,
  context: ChangeContext,
): OcsfAccountChangeEvent | OcsfGroupManagementEvent | OcsfEntityManagementEvent => {
  const read = readChange(change, context);
  if (change.stream === "devices") return ocsfEntityManagement(read);
  if (context.isGroup) return ocsfGroupChange(read);
  const membership = membershipOf(read);
  return membership === null ? ocsfAccountChange(read) : ocsfMembership(read, membership);
};
