/**
 * How many entries of a list are asked for at a time, where Okta takes too long for a whole page. Smaller pages mean more
 * calls, so after a while a page of twice the size is tried. Pure.
 */

/** Stored in the cursor of a list, once a page was too large. */
export interface PageSize {
  readonly limit: number;
  /** How many pages of this size were read in a row. */
  readonly good: number;
  /** After so many of them, a larger page is tried. */
  readonly patience: number;
}

const PATIENCE = 8;
/** A size that fails each time it is tried costs one call in this many. */
const MOST_PATIENCE = 64;

/** How many entries to ask for next; undefined to ask for what the list asks for by itself. @param whole a whole page */
export const nextLimit = (size: PageSize | undefined, whole: number): number | undefined => {
  if (size === undefined) return undefined;
  return size.good < size.patience ? size.limit : Math.min(whole, size.limit * 2);
};

/**
 * The size after a page or a failure.
 * @param whole the number of entries on a whole page
 * @param limit the number that Okta was asked for in the end
 * @param good whether the page was read
 */
export const afterPage = (
  size: PageSize | undefined,
  whole: number,
  limit: number | undefined,
  good: boolean,
): PageSize | undefined => {
  const asked = nextLimit(size, whole);
  const used = limit ?? asked;
  if (used === undefined) return undefined;
  const read = good ? 1 : 0;
  if (used < (asked ?? whole)) {
    const patience = size?.patience ?? PATIENCE;
    const grew = size !== undefined && asked !== undefined && asked > size.limit;
    return { limit: used, good: read, patience: grew ? Math.min(MOST_PATIENCE, patience * 2) : patience };
  }
  if (size === undefined) return good ? undefined : { limit: used, good: 0, patience: PATIENCE };
  return { ...size, limit: used, good: used === size.limit ? (good ? size.good + 1 : 0) : read };
};
