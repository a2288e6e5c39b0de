/**
 * Finding assets by words and conditions, in an order. Assets with the same facet lie together in every order, so a list is
 * the merge of the lists of the facets that fit, and its total is a sum: whatever it is filtered by, and however large the
 * org is, the first page costs no more than its length times the number of these facets. What is not part of a facet narrows
 * the list: a few assets are collected and sorted, many are met by the merge soon enough.
 */
import type { Facet } from "./facets.ts";

/** A condition that is not part of a facet. */
export type Condition =
  /** When the asset was created (ISO 8601), or its user has signed in the last time (seconds since the epoch). */
  | {
      readonly kind: "time";
      readonly column: "created" | "last_login";
      readonly sign: "<" | ">";
      readonly than: string | number;
    }
  | { readonly kind: "department"; readonly name: string }
  /**
   * The asset's id is one of those that `sql` yields. `has` says the same of the one row `k` of `search_keys`, with the same
   * parameters, if that takes less.
   */
  | {
      readonly kind: "ids";
      readonly sql: string;
      readonly has?: string;
      readonly parameters: readonly SqlStorageValue[];
    };

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

/** What to find. */
export interface AssetQuery {
  /** Words; each must begin a word in the asset's index. Null matches every asset. */
  readonly text: string | null;
  /** The ids of assets that the text names exactly: they are found whatever their words. */
  readonly exact: readonly string[];
  /** One of them is the asset's, and none of the others. */
  readonly facets: readonly Facet[];
  readonly others: readonly Facet[];
  /** All of them must be met. */
  readonly where: readonly Condition[];
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

const maxWords = 8;
const maxWordLength = 64;

/**
 * What is between words. SQLite's tokenizer knows Unicode 6.1, where the letters named here (New Tai Lue vowels and
 * two Vedic signs) were marks: it splits a word at them, and an index without positions refuses such a phrase.
 */
const betweenWords = /(?:[^\p{L}\p{N}]|[\u19b0-\u19c0\u19c8\u19c9\u1cf2\u1cf3])+/u;

/**
 * The words of a text, split as the index splits them: runs of letters and digits. At most 8, each cut at 64
 * characters.
 */
export const searchWords = (text: string): string[] =>
  text
    .normalize("NFC")
    .split(betweenWords)
    .filter((word) => word !== "")
    .slice(0, maxWords)
    .map((word) => word.slice(0, maxWordLength));

/** A full-text query for these words. They hold only letters and digits, so quoting them is safe. */
const matchOf = (words: readonly string[]): string => words.map((word) => `"${word}" *`).join(" AND ");

/** A condition in SQL about `k`, a row of `search_keys`, and its parameters. */
type Clause = readonly [sql: string, ...parameters: SqlStorageValue[]];

interface Row extends Record<string, SqlStorageValue> {
  id: string;
  n: number;
  key: string | number | null;
}

const joined = (
  clauses: readonly Clause[],
): { readonly where: string; readonly parameters: SqlStorageValue[] } => ({
  where: ["true", ...clauses.map(([text]) => text)].join(" AND "),
  parameters: clauses.flatMap(([, ...parameters]) => parameters),
});

const among = (ids: string, ...parameters: readonly SqlStorageValue[]): Clause => [
  `k.n IN (SELECT number FROM assets WHERE id IN (${ids}))`,
  ...parameters,
];
const idList = (ids: readonly string[]): Clause =>
  among("SELECT value FROM json_each(?)", JSON.stringify(ids));
const notIdList = (ids: readonly string[]): Clause => [
  "k.id NOT IN (SELECT value FROM json_each(?))",
  JSON.stringify(ids),
];
/** That the asset's facet fits. The plus keeps SQLite from looking for each in an index that begins with something else. */
const fitting = ({ facets, others }: AssetQuery): Clause => {
  const isShorter = others.length < facets.length;
  const list = (isShorter ? others : facets).map(({ f }) => f).join(", ");
  return [isShorter ? (list === "" ? "true" : `+k.f NOT IN (${list})`) : `+k.f IN (${list})`];
};

const clauseOf = (condition: Condition): Clause => {
  switch (condition.kind) {
    case "time":
      return [`k.${condition.column} ${condition.sign} ?`, condition.than];
    case "department":
      return ["k.department = ?", condition.name];
    case "ids":
      return condition.has === undefined
        ? among(condition.sql, ...condition.parameters)
        : [condition.has, ...condition.parameters];
  }
};

/** Rows of `search_keys`, and what must be true of them. */
interface Rows {
  readonly from: string;
  /** The parameters of `from`. */
  readonly parameters: readonly SqlStorageValue[];
  readonly clauses: readonly Clause[];
  /** The index by which they are counted facet by facet; absent if they are found by something else. */
  readonly index?: string;
}

/** What a query without words is best found by: whatever leaves the fewest rows to look at. */
const unnamedRows = (query: AssetQuery): Rows => {
  const { facets, where } = query;
  const ids = where.find((condition) => condition.kind === "ids");
  if (ids !== undefined) {
    return {
      from: `(${ids.sql}) AS them CROSS JOIN search_keys AS k INDEXED BY search_by_id ON k.id = them.id`,
      parameters: ids.parameters,
      clauses: [fitting(query), ...where.filter((condition) => condition !== ids).map(clauseOf)],
    };
  }
  const time = where.find((condition) => condition.kind === "time");
  const isOfDepartment = where.some(({ kind }) => kind === "department");
  const index = isOfDepartment ? "search_by_department" : `search_by_${time?.column ?? "facet"}`;
  return {
    from: `json_each(?) AS facet CROSS JOIN search_keys AS k INDEXED BY ${index}`,
    parameters: [JSON.stringify(facets.map(({ f }) => f))],
    clauses: [["k.f = facet.value"], ...where.map(clauseOf)],
    index,
  };
};

/** What the text names, by its words or exactly. */
const named = ({ text, exact }: AssetQuery, match: string | null): Clause[] => {
  if (text === null) return [];
  if (match === null) return [idList(exact)];
  const words = "k.n IN (SELECT rowid FROM search_words WHERE search_words MATCH ?)";
  return [[`(${words} OR k.id IN (SELECT value FROM json_each(?)))`, match, JSON.stringify(exact)]];
};

const rowsOf = (query: AssetQuery, match: string | null): Rows => {
  if (query.text === null) return unnamedRows(query);
  return {
    from: "search_keys AS k",
    parameters: [],
    clauses: [...named(query, match), fitting(query), ...query.where.map(clauseOf)],
  };
};

/** How many of these rows there are, by facet if they are found by their facets, else in all. */
const countIn = (sql: SqlStorage, { from, parameters, clauses, index }: Rows): Counts => {
  const { where, parameters: others } = joined(clauses);
  if (index === undefined) {
    const { n } = sql
      .exec<{ n: number }>(`SELECT count(*) AS n FROM ${from} WHERE ${where}`, ...parameters, ...others)
      .one();
    return { total: n, byFacet: null };
  }
  const counted = sql.exec<{ f: number; n: number }>(
    `SELECT facet.value AS f, (SELECT count(*) FROM search_keys AS k INDEXED BY ${index} WHERE ${where}) AS n
     FROM json_each(?) AS facet`,
    // In the order of their places in the text.
    ...others,
    ...parameters,
  );
  return countsOf([...counted].map(({ f, n }) => [f, n] as const));
};

/** How many match: in all, and with each facet, if that is known. */
interface Counts {
  readonly total: number;
  readonly byFacet: ReadonlyMap<number, number> | null;
}

const countsOf = (counts: readonly (readonly [f: number, n: number])[]): Counts => ({
  total: counts.reduce((sum, [, n]) => sum + n, 0),
  byFacet: new Map(counts.filter(([, n]) => n > 0)),
});

/** An order of assets. Those of one facet are in it in the index `by`. */
interface Order {
  /** SQL: the key; NULL if there is none but the assets' numbers. */
  readonly key: string;
  readonly by: string;
  readonly descending: boolean;
}

const FILED: Order = { key: "NULL", by: "search_by_facet", descending: false };

const keys: Readonly<Record<SortKey, Omit<Order, "descending">>> = {
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
const firstOf = (
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
  return sql
    .exec<Row>(
      `SELECT k.id, k.n, ${key} AS key FROM ${from} WHERE ${where}
       ORDER BY ${key} IS NULL, ${key} ${direction}, k.n ${direction} LIMIT ?`,
      ...parameters,
      ...others,
      limit,
    )
    .toArray();
};

/** The first assets of these facets that meet the clauses, with or without a key: a merge of the facets' lists. */
const merged = (
  sql: SqlStorage,
  facets: readonly Facet[],
  clauses: readonly Clause[],
  order: Order,
  limit: number,
): Row[] => {
  const { key, by } = order;
  const { direction } = directions(order);
  const sorting = key === "NULL" ? "" : `${key} ${direction}, `;
  const { where, parameters } = joined(clauses);
  const candidates: number[] = [];
  for (const { f } of facets) {
    const rows = sql.exec<{ n: number }>(
      `SELECT k.n FROM search_keys AS k INDEXED BY ${by} WHERE k.f = ? AND ${where} ORDER BY ${sorting}k.n ${direction} LIMIT ?`,
      f,
      ...parameters,
      limit,
    );
    for (const { n } of rows) candidates.push(n);
  }
  const those: Rows = {
    from: "search_keys AS k",
    parameters: [],
    clauses: [["k.n IN (SELECT value FROM json_each(?))", JSON.stringify(candidates)]],
  };
  return candidates.length === 0 ? [] : firstOf(sql, those, order, null, limit);
};

/** The first assets of these facets that meet the clauses and come after a place; those without a key come last. */
const mergedAfter = (
  sql: SqlStorage,
  facets: readonly Facet[],
  clauses: readonly Clause[],
  order: Order,
  after: Place | null,
  limit: number,
): Row[] => {
  const { key } = order;
  const { beyond } = directions(order);
  const found: Row[] = [];
  if (key !== "NULL" && (after === null || after.key !== null)) {
    const place: Clause[] = after === null ? [] : [[`(${key}, k.n) ${beyond} (?, ?)`, after.key, after.n]];
    found.push(...merged(sql, facets, [...clauses, [`${key} IS NOT NULL`], ...place], order, limit));
  }
  if (found.length === limit) return found;
  const place: Clause[] = after !== null && after.key === null ? [[`k.n ${beyond} ?`, after.n]] : [];
  const isWithout: Clause[] = key === "NULL" ? [] : [[`${key} IS NULL`]];
  return [
    ...found,
    ...merged(sql, facets, [...clauses, ...isWithout, ...place], order, limit - found.length),
  ];
};

/** The same in the order of statuses: one status after the other, deleted assets last. */
const byStatus = (
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
const byChange = (sql: SqlStorage, query: AssetQuery, words: readonly Clause[], order: Order): Row[] => {
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

/**
 * One page of the assets that match. A text without words, or a whole login or e-mail address, matches only what it names
 * exactly: of the words of an address, most are everybody's.
 * @param mostSorted so many matches at most are collected and sorted, other than usual
 */
export const findAssets = (sql: SqlStorage, query: AssetQuery, mostSorted = MOST_SORTED): FoundPage => {
  const { text, exact, facets, where, sorting, after, limit } = query;
  const isAddress = text?.includes("@") === true && exact.length > 0;
  const words = text === null || isAddress ? [] : searchWords(text);
  const match = words.length === 0 ? null : matchOf(words);
  const page = sorting === null && match !== null ? findNamed(sql, query, match) : null;
  if (page !== null) return page;
  const isPlain = text === null && where.length === 0;
  const rows = rowsOf(query, match);
  const { total, byFacet } = isPlain
    ? countsOf(facets.map(({ f, count }) => [f, count] as const))
    : countIn(sql, rows);
  const order: Order = sorting === null ? FILED : { ...keys[sorting.by], descending: sorting.descending };
  // By an index that holds all that the order needs, any number of matches is collected sooner than met.
  const isCovered = sorting === null && where.some(({ kind }) => kind === "ids");
  const areCollected = !isPlain && (total <= mostSorted || isCovered);
  const those = facets.filter(({ f }) => byFacet === null || byFacet.has(f));
  const clauses = [...named(query, match), ...where.map(clauseOf)];
  const isByDepartment = sorting === null && where.some(({ kind }) => kind === "department");
  const found = (): Row[] => {
    if (areCollected || (isPlain && sorting?.by === "changed" && total <= mostSorted))
      return firstOf(sql, rows, order, after, limit + 1);
    if (sorting?.by === "changed") return byChange(sql, query, named(query, match), order);
    if (sorting?.by === "status") return byStatus(sql, those, clauses, order, after, limit + 1);
    const by = isByDepartment ? "search_by_department" : order.by;
    return mergedAfter(sql, those, clauses, { ...order, by }, after, limit + 1);
  };
  return pageOf(total === 0 ? [] : found(), limit, total);
};
