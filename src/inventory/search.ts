/** Finding assets in the search index, by words and conditions, in an order. */

/** A condition in SQL about `k`, a row of `search_keys`, and its parameters. */
export type Condition = readonly [sql: string, ...parameters: SqlStorageValue[]];

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

/** Any of these values; a null in the list means "not given", or never read. */
export const anyOf = (column: string, values: readonly (string | null)[]): Condition => {
  const named = JSON.stringify(values.filter((value) => value !== null));
  const orNull = values.includes(null) ? `OR ${column} IS NULL` : "";
  return [`(${column} IN (SELECT value FROM json_each(?)) ${orNull})`, named];
};

/** One of the assets whose ids this SQL yields. */
export const among = (ids: string, ...parameters: SqlStorageValue[]): Condition => [
  `k.n IN (SELECT number FROM assets WHERE id IN (${ids}))`,
  ...parameters,
];

/** None of the assets whose ids this SQL yields. */
export const notAmong = (ids: string, ...parameters: SqlStorageValue[]): Condition => [
  `k.n NOT IN (SELECT number FROM assets WHERE id IN (${ids}))`,
  ...parameters,
];

/** Assets that exist, deleted ones, or both. */
export const whetherDeleted = (deleted: boolean | null): readonly Condition[] =>
  deleted === null ? [] : [[`k.status IS ${deleted ? "" : "NOT"} NULL`]];

/** Where a sort key is, and what has it in its order. */
interface KeySource {
  readonly from: string;
  readonly key: string;
}

const keySources: Readonly<Record<SortKey, KeySource>> = {
  name: { from: "search_keys AS k INDEXED BY search_by_name", key: "k.name" },
  status: { from: "search_keys AS k INDEXED BY search_by_status", key: "k.status" },
  created: { from: "search_keys AS k INDEXED BY search_by_created", key: "k.created" },
  last_login: {
    from: "assets AS a CROSS JOIN search_keys AS k ON k.n = a.number",
    key: "a.record ->> '$.lastLogin'",
  },
  changed: { from: "assets AS a CROSS JOIN search_keys AS k ON k.n = a.number", key: "a.seq" },
};

interface Row extends Record<string, SqlStorageValue> {
  id: string;
  n: number;
  key: string | number | null;
}

const joined = (
  conditions: readonly Condition[],
): { readonly where: string; readonly parameters: SqlStorageValue[] } => ({
  where: ["true", ...conditions.map(([text]) => text)].join(" AND "),
  parameters: conditions.flatMap(([, ...parameters]) => parameters),
});

const idList = (ids: readonly string[]): Condition => [
  "k.id IN (SELECT value FROM json_each(?))",
  JSON.stringify(ids),
];
const notIdList = (ids: readonly string[]): Condition => [
  "k.id NOT IN (SELECT value FROM json_each(?))",
  JSON.stringify(ids),
];

/** The assets on one page of a list in the order of a key, those without a value last. */
const sortedRows = (
  sql: SqlStorage,
  conditions: readonly Condition[],
  { by, descending }: Sorting,
  after: Place | null,
  limit: number,
): Row[] => {
  const { from, key } = keySources[by];
  const direction = descending ? "DESC" : "ASC";
  const beyond = descending ? "<" : ">";
  const rows = (part: readonly Condition[], source: string, most: number): Row[] => {
    const { where, parameters } = joined([...conditions, ...part]);
    return sql
      .exec<Row>(
        `SELECT k.id, k.n, ${key} AS key FROM ${source} WHERE ${where} ORDER BY ${key} ${direction}, k.n ${direction} LIMIT ?`,
        ...parameters,
        most,
      )
      .toArray();
  };
  const found: Row[] = [];
  if (after === null || after.key !== null) {
    const on: Condition[] = after === null ? [] : [[`(${key}, k.n) ${beyond} (?, ?)`, after.key, after.n]];
    found.push(...rows([[`${key} IS NOT NULL`], ...on], from, limit));
  }
  if (found.length === limit) return found;
  const on: Condition[] = after !== null && after.key === null ? [[`k.n ${beyond} ?`, after.n]] : [];
  return [
    ...found,
    ...rows([[`${key} IS NULL`], ...on], from.replace(/ INDEXED BY \w+/, ""), limit - found.length),
  ];
};

const countOf = (sql: SqlStorage, from: string, conditions: readonly Condition[]): number => {
  const { where, parameters } = joined(conditions);
  return sql.exec<{ n: number }>(`SELECT count(*) AS n FROM ${from} WHERE ${where}`, ...parameters).one().n;
};

/** What the text names, by its words or exactly. */
const named = ({ text, exact }: AssetQuery, match: string | null): Condition[] => {
  if (text === null) return [];
  if (match === null) return [idList(exact)];
  const words = "k.n IN (SELECT rowid FROM search_words WHERE search_words MATCH ?)";
  return [[`(${words} OR k.id IN (SELECT value FROM json_each(?)))`, match, JSON.stringify(exact)]];
};

/** In the order of a key. */
const findSorted = (
  sql: SqlStorage,
  query: AssetQuery,
  sorting: Sorting,
  match: string | null,
): FoundPage => {
  const { where, after, limit } = query;
  const conditions = [...where, ...named(query, match)];
  const rows = sortedRows(sql, conditions, sorting, after, limit + 1);
  const page = rows.slice(0, limit);
  const last = page.at(-1);
  return {
    ids: page.map(({ id }) => id),
    next: rows.length > limit && last !== undefined ? { n: last.n, key: last.key } : null,
    total: countOf(sql, "search_keys AS k", conditions),
  };
};

/** Assets by their number. @param from where `n` and `k` are */
const filedRows = (
  sql: SqlStorage,
  from: string,
  n: string,
  conditions: readonly Condition[],
  after: number,
  limit: number,
): Row[] => {
  const { where, parameters } = joined([...conditions, [`${n} > ?`, after]]);
  return sql
    .exec<Row>(
      `SELECT k.id, k.n, NULL AS key FROM ${from} WHERE ${where} ORDER BY ${n} LIMIT ?`,
      ...parameters,
      limit,
    )
    .toArray();
};

/** NOT INDEXED makes SQLite walk in the order of `n` and stop once the page is full, instead of sorting all matches. */
const KEYS = "search_keys AS k NOT INDEXED";

/**
 * In the order in which the assets were first filed. What the text names exactly is at the head of the first page, and at
 * no other place, if there is room for more than that.
 */
const findFiled = (sql: SqlStorage, query: AssetQuery, match: string | null): FoundPage => {
  const { exact, where, after, limit } = query;
  const from = after?.n ?? 0;
  const page = (head: readonly Row[], rows: readonly Row[], total: number): FoundPage => {
    const shown = rows.slice(0, limit - head.length);
    const last = shown.at(-1);
    return {
      ids: [...head, ...shown].map(({ id }) => id),
      next: rows.length > shown.length && last !== undefined ? { n: last.n, key: null } : null,
      total,
    };
  };
  const first =
    exact.length === 0 ? [] : filedRows(sql, KEYS, "k.n", [...where, idList(exact)], 0, exact.length);
  if (query.text === null || match === null || first.length >= limit) {
    const conditions = [...where, ...named(query, match)];
    return page(
      [],
      filedRows(sql, KEYS, "k.n", conditions, from, limit + 1),
      countOf(sql, "search_keys AS k", conditions),
    );
  }
  const head = after === null ? first : [];
  const found = "search_words CROSS JOIN search_keys AS k ON k.n = search_words.rowid";
  const conditions: Condition[] = [["search_words MATCH ?", match], ...where, notIdList(exact)];
  return page(
    head,
    filedRows(sql, found, "search_words.rowid", conditions, from, limit - head.length + 1),
    first.length + countOf(sql, found, conditions),
  );
};

/** One page of the assets that match. A text without words matches only what it names exactly. */
export const findAssets = (sql: SqlStorage, query: AssetQuery): FoundPage => {
  const words = query.text === null ? [] : searchWords(query.text);
  const match = words.length === 0 ? null : matchOf(words);
  return query.sorting === null ? findFiled(sql, query, match) : findSorted(sql, query, query.sorting, match);
};

/** The distinct values of a facet among assets that exist. */
export const facetValues = (sql: SqlStorage, facet: "mfa" | "platform" | "compliance"): (string | null)[] =>
  sql
    .exec<{ value: string | null }>(
      `SELECT DISTINCT ${facet} AS value FROM search_keys WHERE status IS NOT NULL`,
    )
    .toArray()
    .map(({ value }) => value);
