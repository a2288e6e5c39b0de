/** Sums of the search index's counts. */
import type { FacetCount } from "../inventory/summary.ts";

/** Sums the counts by a word that is derived from the facets. The result is sorted by that word. */
export const sumBy = (
  facets: readonly FacetCount[],
  word: (facet: FacetCount) => string,
): Record<string, number> => {
  const sums = new Map<string, number>();
  for (const facet of facets) sums.set(word(facet), (sums.get(word(facet)) ?? 0) + facet.count);
  return Object.fromEntries([...sums].sort(([a], [b]) => (a < b ? -1 : 1)));
};

/** How many assets have facets for which `fits` is true. */
export const sum = (facets: readonly FacetCount[], fits: (facet: FacetCount) => boolean): number =>
  facets.reduce((total, facet) => (fits(facet) ? total + facet.count : total), 0);
