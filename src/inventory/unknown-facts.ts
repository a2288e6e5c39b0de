/** Which facts of which users are unknown. Pure. */
import type { Standing } from "./facets.ts";
import { areGroupsUnknown, areRolesUnknown, type OrgStanding } from "./standing.ts";

/** The facts of a user that can be unknown. */
export const userFactNames = ["factors", "groups", "roles"] as const;
export type UserFactName = (typeof userFactNames)[number];

/** Whether a fact of the users with this facet is unknown. */
export const isUnknown = (facet: Standing, fact: UserFactName, org: OrgStanding): boolean => {
  switch (fact) {
    case "factors":
      return facet.mfa === null;
    case "groups":
      return areGroupsUnknown(facet, org);
    case "roles":
      return areRolesUnknown(facet, org);
  }
};

/** For how many existing users each fact is unknown. A fact that is known for every user is left out. */
export const countUnknown = (
  facets: readonly Standing[],
  org: OrgStanding,
): Partial<Record<UserFactName, number>> => {
  const living = facets.filter(({ status }) => status !== null);
  const count = (fact: UserFactName): number =>
    living.reduce((sum, facet) => sum + (isUnknown(facet, fact, org) ? facet.count : 0), 0);
  return Object.fromEntries(
    userFactNames.map((fact) => [fact, count(fact)] as const).filter(([, n]) => n > 0),
  );
};
