/**
 * Finding assets by words and conditions, in an order. Assets with the same facet lie together in every order, so a list is
 * the merge of the lists of the facets that fit, and its total is a sum: whatever it is filtered by, and however large the
 * org is, the first page costs no more than its length times the number of these facets. What is not part of a facet narrows
 * the list: a few assets are collected and sorted, many are met by the merge soon enough.
 */

import {
  byChange,
  byStatus,
  FILED,
  firstFiled,
  firstOf,
  keys,
  markedAfter,
  mergedAfter,
  type Order,
  type Place,
  type Row,
  type Sorting,
} from "./search-order.ts";
import {
  clauseOf,
  countIn,
  countsOf,
  fitting,
  idList,
  joined,
  type MarkedRows,
  named,
  notIdList,
  type Rows,
  rowsOf,
  type Wanted,
} from "./search-rows.ts";
import { searchWords } from "./search-words.ts";

/** What to find, and which page of it. */
export interface AssetQuery extends Wanted {
  /** Null: in the order in which they were first filed, those that the text names exactly first. */
  readonly sorting: Sorting | null;
  /** Only what comes after this place: `next` of the previous page. */
  readonly after: Place | null;
  readonly limit: number;
}

export interface FoundPage {
  readonly ids: readonly string[];
  /** Pass it as `after` to get the next page; null on the last page. */
  readonly next: Place | null;
  /** How many match, on all pages together. */
  readonly total: number;
}

/** So many matches at most are collected and sorted; among more, the merge meets enough of them soon. */
const MOST_SORTED = 50_000;

/** A full-text query for these words. They hold only letters and digits, so quoting them is safe. */
const matchOf = (words: readonly string[]): string => words.map((word) => `"${word}" *`).join(" AND ");

const pageOf = (rows: readonly Row[], limit: number, total: number, head: readonly Row[] = []): FoundPage => {
  const shown = rows.slice(0, limit - head.length);
  const last = shown.at(-1);
  return {
    ids: [...head, ...shown].map(({ id }) => id),
    next: rows.length > shown.length && last !== undefined ? { n: last.n, key: last.key } : null,
    total,
  };
};

/**
 * By words, in the order in which the assets were first filed. What the text names exactly is at the head of the first
 * page, and at no other place, if there is room for more than that.
 */
const findNamed = (sql: SqlStorage, query: AssetQuery, match: string): FoundPage | null => {
  const { exact, where, after, limit } = query;
  const clauses = [fitting(query), ...where.map(clauseOf)];
  const exactRows: Rows = { from: "search_keys AS k", parameters: [], clauses: [idList(exact), ...clauses] };
  const first = exact.length === 0 ? [] : firstOf(sql, exactRows, FILED, null, exact.length);
  if (first.length >= limit) return null;
  const found: Rows = {
    from: "search_words CROSS JOIN search_keys AS k ON k.n = search_words.rowid",
    parameters: [],
    clauses: [["search_words MATCH ?", match], notIdList(exact), ...clauses],
  };
  const head = after === null ? first : [];
  const { where: all, parameters } = joined([...found.clauses, ["search_words.rowid > ?", after?.n ?? 0]]);
  const rows = sql
    .exec<Row>(
      `SELECT k.id, k.n, NULL AS key FROM ${found.from} WHERE ${all} ORDER BY search_words.rowid LIMIT ?`,
      ...parameters,
      limit - head.length + 1,
    )
    .toArray();
  return pageOf(rows, limit, first.length + countIn(sql, found).total, head);
};

/** The assets that are asked for, if nothing but their facets and marks matters: these are counted already. */
const markedOnly = ({ text, facets, where }: AssetQuery): MarkedRows | null => {
  const [condition] = where;
  if (text !== null || where.length !== 1 || condition?.kind !== "marks") return null;
  const wanted = new Set(facets.map(({ f }) => f));
  return { ...condition, alike: condition.alike.filter(({ f }) => wanted.has(f)) };
};

/**
 * One page of the assets that match. A text without words matches only what it names exactly.
 * @param mostSorted so many matches at most are collected and sorted, other than usual
 */
export const findAssets = (sql: SqlStorage, query: AssetQuery, mostSorted = MOST_SORTED): FoundPage => {
  const { text, facets, where, sorting, after, limit } = query;
  const words = text === null ? [] : searchWords(text);
  const match = words.length === 0 ? null : matchOf(words);
  const page = sorting === null && match !== null ? findNamed(sql, query, match) : null;
  if (page !== null) return page;
  const marked = markedOnly(query);
  if (marked !== null && sorting === null) {
    const total = marked.alike.reduce((sum, { count }) => sum + count, 0);
    return pageOf(markedAfter(sql, marked, after, limit + 1), limit, total);
  }
  const isPlain = text === null && where.length === 0;
  const rows = rowsOf(query, match);
  if (text === null && sorting === null && where.some(({ kind }) => kind === "ids")) {
    const { total, first } = firstFiled(sql, rows, after, limit + 1);
    return pageOf(first, limit, total);
  }
  const { total, byFacet } = isPlain
    ? countsOf(facets.map(({ f, count }) => [f, count] as const))
    : countIn(sql, rows);
  const order: Order = sorting === null ? FILED : { ...keys[sorting.by], descending: sorting.descending };
  // Of an order that no index has facet by facet, few are sorted sooner.
  const areCollected = total <= mostSorted && (!isPlain || sorting?.by === "changed");
  const those = facets.filter(({ f }) => byFacet === null || byFacet.has(f));
  const clauses = [...named(query, match), ...where.map(clauseOf)];
  const isByDepartment = sorting === null && where.some(({ kind }) => kind === "department");
  const found = (): Row[] => {
    if (areCollected) return firstOf(sql, rows, order, after, limit + 1);
    if (sorting?.by === "changed") return byChange(sql, query, named(query, match), order);
    if (sorting?.by === "status") return byStatus(sql, those, clauses, order, after, limit + 1);
    const by = isByDepartment ? "search_by_department" : order.by;
    return mergedAfter(sql, those, clauses, { ...order, by }, after, limit + 1);
  };
  return pageOf(total === 0 ? [] : found(), limit, total);
};
