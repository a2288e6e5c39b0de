/** What a check of posture is, and the assets that it counts. Pure. */

import type { MarkedCount } from "../inventory/asset-marks.ts";
import type { Facet } from "../inventory/facets.ts";
import type { OrgStanding } from "../inventory/standing.ts";

/** What checks decide by, beside facets and marks. */
export interface PostureOrg {
  readonly standing: OrgStanding;
  /** Lower-case factor types that do not count as MFA. */
  readonly ignored: readonly string[];
  /** Whether a role that Everyone gives was assigned in the last 7 days. */
  readonly isEveryoneNew: boolean;
  /** Of devices: whether it is known who is an administrator. */
  readonly areOwnersKnown: boolean;
}

/** Assets with the same facet and the same marks: every check says the same of them. */
export interface Alike {
  readonly facet: Facet;
  readonly marks: number;
  readonly count: number;
}

/** A check of posture. */
export interface Check {
  /** Whether it is about these assets. */
  about(facet: Facet): boolean;
  /** Whether it is true of them; null: an unknown fact leaves it open. */
  verdict(alike: Pick<Alike, "facet" | "marks">, org: PostureOrg): boolean | null;
}

/** Whether both are true, by Kleene's logic: null is undecided. */
export const both = (a: boolean | null, b: boolean | null): boolean | null => {
  if (a === false || b === false) return false;
  return a === null || b === null ? null : true;
};

export const not = (value: boolean | null): boolean | null => (value === null ? null : !value);

/** All assets by facet and marks. @param marked how many of each facet have which marks, where they have any */
export const alikeOf = (facets: readonly Facet[], marked: readonly MarkedCount[]): Alike[] => {
  const byFacet = Map.groupBy(marked, ({ f }) => f);
  return facets.flatMap((facet) => {
    const those = (byFacet.get(facet.f) ?? []).map(({ marks, count }) => ({ facet, marks, count }));
    const rest = facet.count - those.reduce((sum, { count }) => sum + count, 0);
    return rest > 0 ? [{ facet, marks: 0, count: rest }, ...those] : those;
  });
};
