/**
 * What follows from a user's facet and from facts about the whole org: whether the user's groups and roles are unknown, and
 * whether the user is an administrator. It says of all users with a facet what `roles-fact.ts` says of one user.
 */
import type { Standing } from "./facets.ts";
import { type InventoryMeta, isFactKnown, Meta, type OrgFact } from "./meta.ts";

/** SQL: whether a group is Everyone; NULL if its record does not tell. */
export const IS_EVERYONE = "record ->> '$.type' = 'BUILT_IN' AND record ->> '$.name' = 'Everyone'";
/** SQL: whether a group gives roles or may give some. Spelt like the condition of an index. */
export const GIVING_GROUPS = "coalesce(has_roles, 1) = 1";

/** What is known about the whole org. */
export interface OrgStanding {
  /** How far it is known who is in which group. */
  readonly groups: OrgFact | null;
  /** How far it is known who has roles at all. */
  readonly roles: OrgFact | null;
  /** Whether a group other than Everyone gives roles or may give some, so that it matters who is in which group. */
  readonly doGroupsGiveRoles: boolean;
  /** What Everyone gives its members: surely an active role, surely none, or nobody knows. */
  readonly everyone: "gives" | "gives_none" | "open";
  readonly everyoneHoldsDeprovisioned: boolean;
}

/** Whether a group other than Everyone gives roles or may give some. */
export const doGroupsGiveRoles = (sql: SqlStorage): boolean =>
  sql
    .exec(
      `SELECT 1 FROM groups WHERE ${GIVING_GROUPS} AND (roles IS NOT '[]' OR roles_reason IS NOT NULL)
       AND NOT coalesce(${IS_EVERYONE}, 0) LIMIT 1`,
    )
    .toArray().length > 0;

const everyoneGives = (sql: SqlStorage): OrgStanding["everyone"] => {
  const [row] = sql.exec<{ open: number; gives: number }>(
    `SELECT ${GIVING_GROUPS} AND (roles IS NULL OR roles_reason IS NOT NULL) AS open,
       ${GIVING_GROUPS} AND EXISTS (SELECT 1 FROM json_each(roles) WHERE value ->> '$.status' = 'ACTIVE') AS gives
     FROM groups WHERE ${IS_EVERYONE}`,
  );
  if (row === undefined) return "gives_none";
  return row.open === 1 ? "open" : row.gives === 1 ? "gives" : "gives_none";
};

/** What is stored about the whole org. */
export const orgStanding = (sql: SqlStorage): OrgStanding => {
  const meta = new Meta<InventoryMeta>(sql);
  return {
    groups: meta.get("groups"),
    roles: meta.get("roles"),
    doGroupsGiveRoles: doGroupsGiveRoles(sql),
    everyone: everyoneGives(sql),
    everyoneHoldsDeprovisioned: meta.get("everyone_holds_deprovisioned") ?? false,
  };
};

/** Whether Okta's Everyone has these users. Pure. */
export const isInEveryone = ({ status }: Standing, org: OrgStanding): boolean =>
  status !== null && (status !== "DEPROVISIONED" || org.everyoneHoldsDeprovisioned);

/** Whether these users' groups are unknown. Pure. */
export const areGroupsUnknown = ({ groups }: Standing, org: OrgStanding): boolean =>
  groups === "pending" || groups === "lost" || (groups === "org" && !isFactKnown(org.groups));

/** Whether these users are surely still in the groups in which they were: no reading of their groups has failed. Pure. */
export const areSurelyMembers = ({ groups }: Standing, org: OrgStanding): boolean => {
  const reason = org.groups?.reason ?? null;
  const isOrgSure = reason === null || reason === "pending";
  return groups === "user" || groups === "pending" || (groups === "org" && isOrgSure);
};

/** Whether it is unknown which roles these users' groups give them. Pure. */
export const areRolesOpen = (facet: Standing, org: OrgStanding): boolean =>
  facet.isOpen ||
  (org.everyone === "open" && isInEveryone(facet, org)) ||
  (org.doGroupsGiveRoles && areGroupsUnknown(facet, org));

const isRead = ({ ownRoles }: Standing): boolean => ownRoles !== "unlisted" && ownRoles !== "unknown";

/** Whether these users' roles are unknown. Some of them may be known for sure all the same. Pure. */
export const areRolesUnknown = (facet: Standing, org: OrgStanding): boolean => {
  const isOwnKnown = isRead(facet) || (facet.ownRoles === "unlisted" && isFactKnown(org.roles));
  const isCovered = isRead(facet) && facet.covers;
  return !isOwnKnown || (areRolesOpen(facet, org) && !isCovered);
};

/** Whether these users have an active role, of their own or through a group; null if it is unknown. Pure. */
export const areAdmins = (facet: Standing, org: OrgStanding): boolean | null => {
  const isSure =
    facet.ownRoles === "own" ||
    (facet.ownRoles === "inherited" && facet.covers && areRolesOpen(facet, org)) ||
    (facet.isGiven && areSurelyMembers(facet, org)) ||
    (org.everyone === "gives" && isInEveryone(facet, org));
  if (isSure) return true;
  return areRolesUnknown(facet, org) ? null : false;
};
