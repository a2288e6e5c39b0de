/** How a list is read on where Okta refuses its next page, or where one of several queries has ended. Pure. */
import type { ListQuery, ListWay } from "../streams/definition.ts";
import type { ListCursor } from "./cursors.ts";

/** The fields of a list's cursor that say where it stands. */
type Place = Pick<ListCursor, "way" | "query" | "from" | "key" | "next" | "page">;

const nowhere = { query: undefined, from: undefined, key: undefined, next: null };

/** The beginning of a way. */
export const beginningOf = (way: number): Place => ({ ...nowhere, way, page: 0 });

/** The query that is followed. Throws if the cursor is of other ways: a bug. */
export const currentQuery = (ways: readonly ListWay[], { way = 0, query = 0 }: ListCursor): ListQuery => {
  const current = ways[way]?.[query];
  if (current === undefined) throw new Error(`The list has no query ${query} in its way ${way}`);
  return current;
};

/** The way on after the end of a query; null if the list has ended. */
export const afterQuery = (ways: readonly ListWay[], { way = 0, query = 0 }: ListCursor): Place | null =>
  ways[way]?.[query + 1] === undefined ? null : { ...nowhere, query: query + 1 };

/**
 * The way on after Okta has refused a page for good: from the last key that was shown, or in another way. Null if there
 * is neither.
 */
export const afterRefusal = (ways: readonly ListWay[], cursor: ListCursor): Place | null => {
  const { way = 0, from, key, next } = cursor;
  if (next && key !== undefined && key !== from) return { from: key, next: null };
  return ways[way + 1] === undefined ? null : beginningOf(way + 1);
};

/** The last key of a page; the one before it if no record has one. */
export const keyAfter = (
  { keyOf }: ListQuery,
  records: readonly unknown[],
  before: string | undefined,
): string | undefined => {
  if (keyOf === undefined) return undefined;
  const keys = records.map(keyOf).filter((key) => key !== null);
  return keys.at(-1) ?? before;
};
