/** SQL about users' roles. It says of many users what `roles-fact.ts` says of one. */
import { type InventoryMeta, isFactKnown, Meta } from "./meta.ts";

const LIVING = "SELECT id FROM assets WHERE deleted_at IS NULL AND";
/** SQL: whether a group is Everyone; NULL if its record does not tell. */
export const IS_EVERYONE = "record ->> '$.type' = 'BUILT_IN' AND record ->> '$.name' = 'Everyone'";
const ACTIVE = "value ->> '$.status' = 'ACTIVE'";
/** SQL: whether a group gives roles or may give some. Spelt like the condition of an index. */
export const GIVING_GROUPS = "coalesce(has_roles, 1) = 1";
/** Groups of which it is unknown which roles they give; those that are not known yet are queued to be read. */
const OPEN = `SELECT id FROM groups WHERE ${GIVING_GROUPS} AND (roles IS NULL OR roles_reason IS NOT NULL)
  UNION ALL SELECT id FROM stale WHERE kind = 'group' AND id NOT IN (SELECT id FROM groups)`;

/** SQL that yields the ids of the users whose groups are unknown. */
export const unknownGroupsQuery = (sql: SqlStorage): string => {
  const known = isFactKnown(new Meta<InventoryMeta>(sql).get("groups"));
  const never = `UNION ALL ${LIVING} groups_at IS NULL AND groups_reason IS NULL`;
  return `${LIVING} groups_reason IS NOT NULL ${known ? "" : never}`;
};

/** SQL that yields the ids of all users who belong to Everyone. */
export const everybodyQuery = (sql: SqlStorage): string => {
  const all = new Meta<InventoryMeta>(sql).get("everyone_holds_deprovisioned") ?? false;
  return `SELECT id FROM search_keys WHERE status IS NOT NULL ${all ? "" : "AND status <> 'DEPROVISIONED'"}`;
};

const isAny = (sql: SqlStorage, query: string): boolean => sql.exec(`${query} LIMIT 1`).toArray().length > 0;

/** Whether a group other than Everyone gives roles or may give some, so that it matters who is in which group. */
export const doGroupsGiveRoles = (sql: SqlStorage): boolean =>
  isAny(
    sql,
    `SELECT 1 FROM groups WHERE ${GIVING_GROUPS} AND (roles IS NOT '[]' OR roles_reason IS NOT NULL) AND NOT coalesce(${IS_EVERYONE}, 0)`,
  );

/** SQL that yields the ids of the users of whom it is unknown which roles their groups give them. */
const openThroughGroups = (sql: SqlStorage): string =>
  [
    `SELECT user_id AS id FROM memberships WHERE group_id IN (${OPEN})`,
    ...(isAny(sql, `SELECT 1 FROM groups WHERE ${IS_EVERYONE} AND id IN (${OPEN})`)
      ? [everybodyQuery(sql)]
      : []),
    ...(doGroupsGiveRoles(sql) ? [unknownGroupsQuery(sql)] : []),
  ].join(" UNION ALL ");

/** Whether it is unknown which roles this user's groups give. */
export const isOpenThroughGroups = (sql: SqlStorage, userId: string): boolean =>
  sql.exec(`SELECT 1 WHERE ? IN (${openThroughGroups(sql)})`, userId).toArray().length > 0;

/** SQL: only users of whom it is sure that they are still in the groups in which they were. */
const surelyMembers = (sql: SqlStorage): string => {
  const lost = "groups_reason IN ('forbidden', 'failed')";
  const { reason = null } = new Meta<InventoryMeta>(sql).get("groups") ?? {};
  return reason === null || reason === "pending"
    ? `user_id NOT IN (SELECT id FROM assets WHERE deleted_at IS NULL AND groups_reason IS NOT NULL AND ${lost})`
    : `user_id IN (SELECT id FROM assets WHERE groups_reason = 'pending' OR (groups_at IS NOT NULL AND groups_reason IS NULL))`;
};

/**
 * SQL that yields the ids of users who surely have an active role of their own or through a group. Everyone has no stored
 * members: if it gives a role, everybody in it has one.
 * @param isWanted SQL: which roles count, as `value`
 */
export const adminsQuery = (sql: SqlStorage, isWanted = "1"): string => {
  const wanted = `${ACTIVE} AND ${isWanted}`;
  const giving = `SELECT id FROM groups WHERE ${GIVING_GROUPS} AND roles_reason IS NULL
    AND EXISTS (SELECT 1 FROM json_each(roles) WHERE ${wanted})`;
  const isDirect = "value ->> '$.assignmentType' IS NOT 'GROUP'";
  return [
    `SELECT user_id FROM admins WHERE reason IS NULL AND EXISTS (SELECT 1 FROM json_each(roles) WHERE ${wanted}
       AND (${isDirect} OR (covers = 1 AND user_id IN (${openThroughGroups(sql)}))))`,
    `SELECT user_id FROM memberships WHERE group_id IN (${giving}) AND ${surelyMembers(sql)}`,
    ...(isAny(sql, `${giving} AND ${IS_EVERYONE}`) ? [everybodyQuery(sql)] : []),
  ].join(" UNION ");
};

/**
 * SQL that yields the ids of the users whose roles are unknown.
 * @returns `unknown`; or, as long as it is not known who has roles at all, `known`: the ids of all others
 */
export const unknownRolesQuery = (
  sql: SqlStorage,
): { readonly unknown: string } | { readonly known: string } => {
  const open = openThroughGroups(sql);
  const read = "SELECT user_id FROM admins WHERE roles IS NOT NULL AND reason IS NULL AND";
  if (!isFactKnown(new Meta<InventoryMeta>(sql).get("roles")))
    return { known: `${read} (covers = 1 OR user_id NOT IN (${open}))` };
  return {
    unknown: `SELECT user_id AS id FROM admins WHERE roles IS NULL OR reason IS NOT NULL
      UNION SELECT id FROM (${open}) WHERE id NOT IN (${read} covers = 1)`,
  };
};
