/** Changes of groups themselves. Pure. */
import type { ChangeField } from "../contract/changes.ts";
import type { OktaRole } from "../okta/records.ts";
import type { NewChange } from "./changes.ts";
import { type GroupRow, groupFacts } from "./group-facts.ts";

const fieldsOf = (before: GroupRow, after: GroupRow): ChangeField[] => {
  const [was, is] = [groupFacts(before), groupFacts(after)];
  return (["name", "description"] as const).flatMap((field) =>
    was[field] === is[field] ? [] : { field, before: was[field], after: is[field] },
  );
};

/** The roles that a group gives, as far as they were ever known. */
const lastRoles = (row: GroupRow): readonly OktaRole[] | null => {
  const { roles } = groupFacts(row);
  if (row.had_no_roles === 1) return [];
  return roles.state === "known" ? roles.value : (roles.last?.value ?? null);
};

/**
 * What has changed about a group: its record, the roles that it gives, or both. How far they are known is no change.
 * @param before null if the group is new
 * @param byOkta a time of ours by Okta's clock
 */
export const groupChanges = (
  before: GroupRow | null,
  after: GroupRow,
  byOkta: (at: number | null) => number,
): NewChange[] => {
  const { id } = after;
  const { name } = groupFacts(after);
  const at = after.updated_at ?? undefined;
  if (before === null) {
    const fields: ChangeField[] = [{ field: "name", before: null, after: name }];
    return [{ id, part: "group", kind: "created", detail: { name, fields }, since: 0, at }];
  }
  const since = before.updated_at ?? 0;
  const fields = fieldsOf(before, after);
  const changes: NewChange[] = [];
  if (fields.length > 0)
    changes.push({ id, part: "group", kind: "updated", detail: { name, fields }, since, at });
  const [was, is] = [lastRoles(before), lastRoles(after)];
  if (was !== null && is !== null && JSON.stringify(was) !== JSON.stringify(is)) {
    const detail = { name, before: was, after: is };
    changes.push({ id, part: "group_roles", kind: "updated", detail, since: byOkta(before.roles_at) });
  }
  return changes;
};

/** The end of a group. */
export const deletedGroup = (row: GroupRow): NewChange => {
  const { name, roles } = groupFacts(row);
  const gave = roles.state === "known" ? { roles: roles.value } : {};
  return {
    id: row.id,
    part: "group",
    kind: "deleted",
    detail: { name, fields: [], ...gave },
    since: row.updated_at ?? 0,
  };
};
