/** Who has a role of a certain kind. */
import type { Facet } from "./facets.ts";
import {
  areRolesOpen,
  areSurelyMembers,
  GIVING_GROUPS,
  IS_EVERYONE,
  isInEveryone,
  type OrgStanding,
} from "./standing.ts";

/**
 * SQL that yields the ids of the users who surely have such an active role, of their own or through a group.
 * @param isWanted SQL: which roles count, as `value`
 */
export const roleHolders = (isWanted: string, facets: readonly Facet[], org: OrgStanding): string => {
  const wanted = `value ->> '$.status' = 'ACTIVE' AND ${isWanted}`;
  const giving = (which: string) => `SELECT id FROM groups WHERE ${GIVING_GROUPS} AND roles_reason IS NULL
    AND ${which} AND EXISTS (SELECT 1 FROM json_each(roles) WHERE ${wanted})`;
  /** Users with a facet that fits, by an id. */
  const having = (id: string, fits: (facet: Facet, of: OrgStanding) => boolean) =>
    `EXISTS (SELECT 1 FROM assets JOIN search_keys ON n = number WHERE assets.id = ${id} AND f IN (${fitting(fits)}))`;
  const fitting = (fits: (facet: Facet, of: OrgStanding) => boolean): string =>
    facets
      .filter((facet) => fits(facet, org))
      .map(({ f }) => f)
      .join();
  const isDirect = "value ->> '$.assignmentType' IS NOT 'GROUP'";
  return `SELECT user_id AS id FROM admins WHERE reason IS NULL AND EXISTS (SELECT 1 FROM json_each(roles)
      WHERE ${wanted} AND (${isDirect} OR covers = 1 AND ${having("user_id", areRolesOpen)}))
    UNION SELECT user_id FROM memberships WHERE group_id IN (${giving("true")}) AND ${having("user_id", areSurelyMembers)}
    UNION SELECT id FROM search_keys WHERE f IN (${fitting(isInEveryone)}) AND EXISTS (${giving(IS_EVERYONE)})`;
};
