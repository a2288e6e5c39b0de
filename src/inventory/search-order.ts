/** Lists of assets in an order, page by page. */
import type { Facet } from "./facets.ts";
import {
  type Clause,
  clauseOf,
  fitting,
  joined,
  type MarkedRows,
  numberList,
  type Rows,
  type Wanted,
} from "./search-rows.ts";

/** In which order assets are listed, if not in the one in which they were first filed. What has no value comes last. */
export interface Sorting {
  readonly by: SortKey;
  readonly descending: boolean;
}

export const sortKeys = ["name", "status", "last_login", "created", "changed"] as const;
export type SortKey = (typeof sortKeys)[number];

/** Where a page ended: the last asset's number, and what it was sorted by. */
export interface Place {
  readonly n: number;
  readonly key: string | number | null;
}

export interface Row extends Record<string, SqlStorageValue> {
  id: string;
  n: number;
  key: string | number | null;
}

/** An order of assets. Those of one facet are in it in the index `by`. */
export interface Order {
  /** SQL: the key; NULL if there is none but the assets' numbers. */
  readonly key: string;
  readonly by: string;
  readonly descending: boolean;
}

export const FILED: Order = { key: "NULL", by: "search_by_facet", descending: false };

/** The order of each key. */
export const keys: Readonly<Record<SortKey, Omit<Order, "descending">>> = {
  name: { key: "k.name", by: "search_by_name" },
  created: { key: "k.created", by: "search_by_created" },
  last_login: { key: "k.last_login", by: "search_by_last_login" },
  // It is the same for a whole facet, and no asset's own.
  status: { key: "(SELECT nullif(status, '') FROM facets WHERE f = k.f)", by: "search_by_facet" },
  changed: { key: "(SELECT seq FROM assets WHERE number = k.n)", by: "search_by_facet" },
};

const directions = ({ descending }: Order) =>
  descending ? { direction: "DESC", beyond: "<" } : { direction: "ASC", beyond: ">" };

/** The first of these rows that come after a place. They are all looked at and sorted. */
export const firstOf = (
  sql: SqlStorage,
  { from, parameters, clauses }: Rows,
  order: Order,
  after: Place | null,
  limit: number,
): Row[] => {
  const { key } = order;
  const { direction, beyond } = directions(order);
  const place: Clause[] =
    after === null
      ? []
      : after.key === null
        ? [[`${key} IS NULL AND k.n ${beyond} ?`, after.n]]
        : [[`(${key} IS NULL OR (${key}, k.n) ${beyond} (?, ?))`, after.key, after.n]];
  const { where, parameters: others } = joined([...clauses, ...place]);
  const isKeyed = key !== FILED.key;
  return sql
    .exec<Row>(
      `SELECT k.id, k.n, ${key} AS key FROM ${from} WHERE ${where}
       ORDER BY ${isKeyed ? `${key} IS NULL, ${key} ${direction}, ` : ""}k.n ${direction} LIMIT ?`,
      ...parameters,
      ...others,
      limit,
    )
    .toArray();
};

/** Assets that lie together in an index: those of one facet, or of one facet with the same marks. */
interface List {
  readonly index: string;
  readonly clause: Clause;
}

const listsOf = (facets: readonly Facet[], index: string): List[] =>
  facets.map(({ f }) => ({ index, clause: ["k.f = ?", f] }));

/** The first assets of these lists that meet the clauses, with or without a key: a merge of the lists. */
const merged = (
  sql: SqlStorage,
  lists: readonly List[],
  clauses: readonly Clause[],
  order: Order,
  limit: number,
): Row[] => {
  const { key } = order;
  const { direction } = directions(order);
  const sorting = key === "NULL" ? "" : `${key} ${direction}, `;
  const candidates: number[] = [];
  for (const { index, clause } of lists) {
    const { where, parameters } = joined([clause, ...clauses]);
    const rows = sql.exec<{ n: number }>(
      `SELECT k.n FROM search_keys AS k INDEXED BY ${index} WHERE ${where} ORDER BY ${sorting}k.n ${direction} LIMIT ?`,
      ...parameters,
      limit,
    );
    for (const { n } of rows) candidates.push(n);
  }
  const those: Rows = {
    from: "search_keys AS k",
    parameters: [],
    clauses: [numberList(candidates)],
  };
  return candidates.length === 0 ? [] : firstOf(sql, those, order, null, limit);
};

/** The first assets of these facets that meet the clauses and come after a place; those without a key come last. */
export const mergedAfter = (
  sql: SqlStorage,
  facets: readonly Facet[],
  clauses: readonly Clause[],
  order: Order,
  after: Place | null,
  limit: number,
): Row[] => {
  const { key, by } = order;
  const { beyond } = directions(order);
  const lists = listsOf(facets, by);
  const found: Row[] = [];
  if (key !== "NULL" && (after === null || after.key !== null)) {
    const place: Clause[] = after === null ? [] : [[`(${key}, k.n) ${beyond} (?, ?)`, after.key, after.n]];
    found.push(...merged(sql, lists, [...clauses, [`${key} IS NOT NULL`], ...place], order, limit));
  }
  if (found.length === limit) return found;
  const place: Clause[] = after !== null && after.key === null ? [[`k.n ${beyond} ?`, after.n]] : [];
  const isWithout: Clause[] = key === "NULL" ? [] : [[`${key} IS NULL`]];
  return [...found, ...merged(sql, lists, [...clauses, ...isWithout, ...place], order, limit - found.length)];
};

/**
 * The first of these rows that come after a place, in the order in which they were filed: a merge of the lists of their
 * marks, or of their facets.
 */
export const markedAfter = (
  sql: SqlStorage,
  { alike, isByMarks }: MarkedRows,
  after: Place | null,
  limit: number,
): Row[] => {
  const lists = isByMarks
    ? [...Map.groupBy(alike, ({ marks }) => marks)].map(
        ([set, those]): List => ({
          index: "search_by_marks",
          clause: [`k.marks = ? AND k.marks <> 0 AND +k.f IN (${those.map(({ f }) => f).join()})`, set],
        }),
      )
    : [...Map.groupBy(alike, ({ f }) => f)].map(
        ([f, those]): List => ({
          index: "search_by_facet",
          clause: [`k.f = ? AND k.marks IN (${those.map(({ marks }) => marks).join()})`, f],
        }),
      );
  const place: Clause[] = after === null ? [] : [["k.n > ?", after.n]];
  return merged(sql, lists, place, FILED, limit);
};

/** The same in the order of statuses: one status after the other, deleted assets last. */
export const byStatus = (
  sql: SqlStorage,
  facets: readonly Facet[],
  clauses: readonly Clause[],
  { descending }: Order,
  after: Place | null,
  limit: number,
): Row[] => {
  const statuses = [...new Set(facets.flatMap(({ status }) => status ?? []))].sort();
  const inOrder: (string | null)[] = [...(descending ? statuses.reverse() : statuses), null];
  const found: Row[] = [];
  const from = after === null ? 0 : inOrder.indexOf(after.key === null ? null : String(after.key));
  // No asset has that status any more, so the page goes on with the next one.
  const isGone = from === -1;
  for (const [index, status] of inOrder.entries()) {
    if (found.length === limit) break;
    const isPast = isGone && status !== null && after !== null && status < String(after.key) !== descending;
    if (index < from || isPast) continue;
    const place = !isGone && after !== null && index === from ? { n: after.n, key: null } : null;
    const those = facets.filter((facet) => facet.status === status);
    const rows = mergedAfter(sql, those, clauses, { ...FILED, descending }, place, limit - found.length);
    found.push(...rows.map((row) => ({ ...row, key: status })));
  }
  return found;
};

/** The first assets in the order of their changes that meet the query, by walking in that order. */
export const byChange = (
  sql: SqlStorage,
  query: Wanted & { readonly after: Place | null; readonly limit: number },
  words: readonly Clause[],
  order: Order,
): Row[] => {
  const { where, after, limit } = query;
  const { direction, beyond } = directions(order);
  const place: Clause[] = after === null ? [] : [[`a.seq ${beyond} ?`, after.key]];
  const { where: all, parameters } = joined([...words, fitting(query), ...where.map(clauseOf), ...place]);
  return sql
    .exec<Row>(
      `SELECT k.id, k.n, a.seq AS key FROM assets AS a CROSS JOIN search_keys AS k ON k.n = a.number
       WHERE ${all} ORDER BY a.seq ${direction} LIMIT ?`,
      ...parameters,
      limit + 1,
    )
    .toArray();
};

/**
 * All of these rows counted, and the first of them after a place, in the order in which they were filed. They are found in
 * another order, so each is looked at once and only the first so far are remembered.
 */
export const firstFiled = (
  sql: SqlStorage,
  rows: Rows,
  after: Place | null,
  limit: number,
): { total: number; first: Row[] } => {
  const { where, parameters } = joined(rows.clauses);
  const from = after?.n ?? 0;
  let total = 0;
  let first: number[] = [];
  let last = Number.POSITIVE_INFINITY;
  const numbers = sql
    .exec<{ n: number }>(`SELECT k.n FROM ${rows.from} WHERE ${where}`, ...rows.parameters, ...parameters)
    .raw<[number]>();
  for (const [n] of numbers) {
    total += 1;
    if (n <= from || n >= last) continue;
    first.push(n);
    if (first.length < 4 * limit) continue;
    first = first.sort((a, b) => a - b).slice(0, limit);
    last = first.at(-1) ?? last;
  }
  const those: Rows = { from: "search_keys AS k", parameters: [], clauses: [numberList(first)] };
  return { total, first: first.length === 0 ? [] : firstOf(sql, those, FILED, null, limit) };
};
