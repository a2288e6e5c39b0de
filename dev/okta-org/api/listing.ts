import { indexAfter, type Row, type Table } from "../org/table.ts";
import type { JsonValue } from "../org/types.ts";
import { View } from "../org/view.ts";
import { type Call, limitOf } from "./call.ts";
import { readCursor } from "./cursor.ts";
import { OktaError } from "./errors.ts";
import { compileSearch, type Predicate, SearchError, type SearchOptions } from "./search.ts";

export interface Hit<T> {
  row: Row<T>;
  data: T;
}
export interface Page<T> {
  hits: Hit<T>[];
  /** Where the next page starts, or null on the last one. */
  position: JsonValue | null;
  limit: number;
}

export interface Listing<T> {
  /** What is in the list at all when nothing is searched for. */
  plain: (data: T) => boolean;
  search: SearchOptions;
  filter: SearchOptions;
  q: (data: T, text: string) => boolean;
  /** Page size of `q`, which does not page; absent when it pages like the rest. */
  qLimit?: number;
  limit: number;
  max: number;
}

const compile = (expression: string, options: SearchOptions): Predicate => {
  try {
    return compileSearch(expression, options);
  } catch (error) {
    if (error instanceof SearchError) throw new OktaError("E0000031", error.message);
    throw error;
  }
};

/** Sorted results of the last searches: paging through one would sort it again for every page. */
const sortedCache: WeakMap<object, { key: string; hits: Hit<never>[] }> = new WeakMap();

/** The org as a list with this query shows it: searches and other lists lag each by their own time. */
export const viewOf = ({ state, url }: Call): View => {
  const { searchLagMs, listLagMs } = state.options;
  const lag = url.searchParams.has("search") ? searchLagMs : listLagMs;
  return new View(state.store, lag === 0 ? null : state.clock.now() - lag);
};

/** One page of a table by search, filter, q or plainly, in creation order unless a search is sorted. */
export const listTable = <T extends { id: string }>(
  call: Call,
  table: Table<T>,
  listing: Listing<T>,
  view: View,
): Page<T> => {
  const query = call.url.searchParams;
  const search = query.get("search");
  const filter = query.get("filter");
  const q = query.get("q");
  const after = readCursor(call.state.cursorKey, call.url);
  if (search !== null) {
    const predicate = compile(search, listing.search);
    const see = seeing<T>(view, predicate);
    const limit = limitOf(call, listing.limit, listing.max);
    const cap = call.state.options.searchCap ?? Number.POSITIVE_INFINITY;
    const sortBy = query.get("sortBy");
    if (sortBy === null) {
      if (Number.isFinite(cap)) refuseBeyond(cap, shownBefore(table, view, see, after));
      return scan(table, view, see, after, limit);
    }
    const key = `${table.version}/${view.key}/${search}/${sortBy}/${query.get("sortOrder")}`;
    return sorted(table, view, see, after, limit, sortBy, query.get("sortOrder"), key, cap);
  }
  const predicate = filter === null ? listing.plain : compile(filter, listing.filter);
  if (q !== null && listing.qLimit !== undefined) {
    const limit = limitOf(call, listing.qLimit, listing.max);
    return {
      ...scan(
        table,
        view,
        seeing(view, (data) => predicate(data) && listing.q(data, q)),
        null,
        limit,
      ),
      position: null,
    };
  }
  const wanted = (data: T): boolean => predicate(data) && (q === null || listing.q(data, q));
  return scan(table, view, seeing(view, wanted), after, limitOf(call, listing.limit, listing.max));
};

/** What a list shows of a row: the data that it had, if it is wanted. */
const seeing =
  <T>(view: View, wanted: (data: T) => boolean) =>
  (row: Row<T>): T | null => {
    const data = view.dataOf(row);
    return data !== null && wanted(data) ? data : null;
  };

/** Okta has refused to show more results of one search than so many. */
const refuseBeyond = (cap: number, shown: number): void => {
  if (shown >= cap) throw new OktaError("E0000031", "Invalid search query");
};

/** How many results the pages before this one have shown. */
const shownBefore = <T extends { id: string }>(
  table: Table<T>,
  view: View,
  see: (row: Row<T>) => T | null,
  after: unknown,
): number =>
  typeof after === "number"
    ? view.rowsOf(table).filter((row) => row.seq <= after && see(row) !== null).length
    : 0;

/** Rows after a sequence. A deleted or inserted row shifts nothing: the position is a sequence, not an offset. */
const scan = <T extends { id: string }>(
  table: Table<T>,
  view: View,
  see: (row: Row<T>) => T | null,
  after: unknown,
  limit: number,
): Page<T> => {
  const hits: Hit<T>[] = [];
  let last = typeof after === "number" ? after : 0;
  const rows = view.rowsOf(table);
  for (let i = indexAfter(rows, last); i < rows.length; i++) {
    const row = rows[i];
    const data = row && see(row);
    if (!row || data === null || data === undefined) continue;
    if (hits.length === limit) return { hits, position: last, limit };
    hits.push({ row, data });
    last = row.seq;
  }
  return { hits, position: null, limit };
};

const sortKey = (data: object, path: string[]): string => {
  let value: unknown = data;
  for (const step of path)
    value = value !== null && typeof value === "object" ? Reflect.get(value, step) : undefined;
  return value === null || value === undefined ? "" : String(value).toLowerCase();
};

const sorted = <T extends { id: string }>(
  table: Table<T>,
  view: View,
  see: (row: Row<T>) => T | null,
  after: unknown,
  limit: number,
  sortBy: string,
  sortOrder: string | null,
  key: string,
  cap: number,
): Page<T> => {
  const path = sortBy.split(".");
  const sign = sortOrder?.toLowerCase().startsWith("desc") ? -1 : 1;
  const order = (a: [string, number], b: [string, number]): number => {
    if (a[0] !== b[0]) return (a[0] < b[0] ? -1 : 1) * sign;
    return a[1] - b[1];
  };
  const keyOf = (hit: Hit<T>): [string, number] => [sortKey(hit.data, path), hit.row.seq];
  const cached = sortedCache.get(table);
  let hits: Hit<T>[];
  if (cached?.key === key) {
    // The cache is keyed by the table itself, so its hits are of this table's type.
    hits = cached.hits;
  } else {
    hits = view.rowsOf(table).flatMap((row) => {
      const data = see(row);
      return data === null ? [] : [{ row, data }];
    });
    hits.sort((a, b) => order(keyOf(a), keyOf(b)));
    sortedCache.set(table, { key, hits: hits as Hit<never>[] });
  }
  let start = 0;
  if (Array.isArray(after)) {
    const position: [string, number] = [String(after[0]), Number(after[1])];
    const found = hits.findIndex((hit) => order(keyOf(hit), position) > 0);
    start = found === -1 ? hits.length : found;
  }
  refuseBeyond(cap, start);
  const page = hits.slice(start, start + limit);
  const last = page.at(-1);
  return { hits: page, position: last && start + limit < hits.length ? keyOf(last) : null, limit };
};
