/** Sums of facets' counts. */
import type { Facet } from "../inventory/facets.ts";

/** Those of assets that exist. */
export const living = (facets: readonly Facet[]): readonly LivingFacet[] =>
  facets.flatMap(({ status, ...facet }) => (status === null ? [] : [{ ...facet, status }]));

/** A facet of assets that exist. */
export type LivingFacet = Facet & { readonly status: string };

/** Sums the counts by a word that is derived from the facets. The result is sorted by that word. */
export const sumBy = (
  facets: readonly LivingFacet[],
  word: (facet: LivingFacet) => string,
): Record<string, number> => {
  const sums = new Map<string, number>();
  for (const facet of facets) sums.set(word(facet), (sums.get(word(facet)) ?? 0) + facet.count);
  return Object.fromEntries([...sums].sort(([a], [b]) => (a < b ? -1 : 1)));
};

/** How many assets have facets for which `fits` is true. */
export const sum = <F extends Facet>(facets: readonly F[], fits: (facet: F) => boolean): number =>
  facets.reduce((total, facet) => (fits(facet) ? total + facet.count : total), 0);
