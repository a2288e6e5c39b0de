/** Conditions about assets in SQL, and the rows of the search index that meet them. */
import type { MarkedCount } from "./asset-marks.ts";
import type { Facet } from "./facets.ts";

/** Assets with one of these facets together with these marks, and how many there are. */
export interface MarkedRows {
  readonly kind: "marks";
  readonly alike: readonly MarkedCount[];
  /** Whether fewer have these marks than have these facets; so each of them must have some marks. */
  readonly isByMarks: boolean;
}

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
  /** The asset has one of these facets together with these marks. */
  | MarkedRows
  /** The user is in none of these groups. */
  | { readonly kind: "outside"; readonly groups: readonly string[] }
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

/** Which assets to find. */
export interface Wanted {
  /** Words; each must begin a word in the asset's index. Null matches every asset. */
  readonly text: string | null;
  /** The ids of assets that the text names exactly: they are found whatever their words. */
  readonly exact: readonly string[];
  /** One of them is the asset's, and none of the others. */
  readonly facets: readonly Facet[];
  readonly others: readonly Facet[];
  /** All of them must be met. */
  readonly where: readonly Condition[];
}

/** A condition in SQL about `k`, a row of `search_keys`, and its parameters. */
export type Clause = readonly [sql: string, ...parameters: SqlStorageValue[]];

export const joined = (
  clauses: readonly Clause[],
): { readonly where: string; readonly parameters: SqlStorageValue[] } => ({
  where: ["true", ...clauses.map(([text]) => text)].join(" AND "),
  parameters: clauses.flatMap(([, ...parameters]) => parameters),
});

const among = (ids: string, ...parameters: readonly SqlStorageValue[]): Clause => [
  `k.n IN (SELECT number FROM assets WHERE id IN (${ids}))`,
  ...parameters,
];
export const idList = (ids: readonly string[]): Clause =>
  among("SELECT value FROM json_each(?)", JSON.stringify(ids));
export const numberList = (numbers: readonly number[]): Clause => [
  "k.n IN (SELECT value FROM json_each(?))",
  JSON.stringify(numbers),
];
export const notIdList = (ids: readonly string[]): Clause => [
  "k.id NOT IN (SELECT value FROM json_each(?))",
  JSON.stringify(ids),
];
/** That the asset's facet fits. The plus keeps SQLite from looking for each in an index that begins with something else. */
export const fitting = ({ facets, others }: Wanted): Clause => {
  const isShorter = others.length < facets.length;
  const list = (isShorter ? others : facets).map(({ f }) => f).join(", ");
  return [isShorter ? (list === "" ? "true" : `+k.f NOT IN (${list})`) : `+k.f IN (${list})`];
};

const pairsOf = (alike: readonly MarkedCount[]): string =>
  JSON.stringify(alike.map(({ f, marks }) => [f, marks]));

export const clauseOf = (condition: Condition): Clause => {
  switch (condition.kind) {
    case "time":
      return [`k.${condition.column} ${condition.sign} ?`, condition.than];
    case "department":
      return ["k.department = ?", condition.name];
    case "marks":
      return [
        "(k.f, k.marks) IN (SELECT value ->> 0, value ->> 1 FROM json_each(?))",
        pairsOf(condition.alike),
      ];
    case "outside":
      return [
        `NOT EXISTS (SELECT 1 FROM memberships AS m WHERE m.user_id = k.id
           AND m.group_id IN (SELECT value FROM json_each(?)))`,
        JSON.stringify(condition.groups),
      ];
    case "ids":
      return condition.has === undefined
        ? among(condition.sql, ...condition.parameters)
        : [condition.has, ...condition.parameters];
  }
};

/** Rows of `search_keys`, and what must be true of them. */
export interface Rows {
  readonly from: string;
  /** The parameters of `from`. */
  readonly parameters: readonly SqlStorageValue[];
  readonly clauses: readonly Clause[];
  /** The index by which they are counted facet by facet; absent if they are found by something else. */
  readonly index?: string;
}

/** What a query without words is best found by: whatever leaves the fewest rows to look at. */
const unnamedRows = (query: Wanted): Rows => {
  const { facets, where } = query;
  const ids = where.find((condition) => condition.kind === "ids");
  if (ids !== undefined) {
    return {
      from: `(${ids.sql}) AS them CROSS JOIN search_keys AS k INDEXED BY search_by_id ON k.id = them.id`,
      parameters: ids.parameters,
      clauses: [fitting(query), ...where.filter((condition) => condition !== ids).map(clauseOf)],
    };
  }
  const marked = where.find((condition) => condition.kind === "marks");
  if (marked?.isByMarks) {
    return {
      from: "json_each(?) AS mark CROSS JOIN search_keys AS k INDEXED BY search_by_marks",
      parameters: [JSON.stringify([...new Set(marked.alike.map(({ marks }) => marks))])],
      clauses: [["k.marks = mark.value AND k.marks <> 0"], ...where.map(clauseOf)],
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
export const named = ({ text, exact }: Wanted, match: string | null): Clause[] => {
  if (text === null) return [];
  if (match === null) return [idList(exact)];
  const words = "k.n IN (SELECT rowid FROM search_words WHERE search_words MATCH ?)";
  return [[`(${words} OR k.id IN (SELECT value FROM json_each(?)))`, match, JSON.stringify(exact)]];
};

export const rowsOf = (query: Wanted, match: string | null): Rows => {
  if (query.text === null) return unnamedRows(query);
  return {
    from: "search_keys AS k",
    parameters: [],
    clauses: [...named(query, match), fitting(query), ...query.where.map(clauseOf)],
  };
};

/** How many of these rows there are, by facet if they are found by their facets, else in all. */
export const countIn = (sql: SqlStorage, { from, parameters, clauses, index }: Rows): Counts => {
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
export interface Counts {
  readonly total: number;
  readonly byFacet: ReadonlyMap<number, number> | null;
}

export const countsOf = (counts: readonly (readonly [f: number, n: number])[]): Counts => ({
  total: counts.reduce((sum, [, n]) => sum + n, 0),
  byFacet: new Map(counts.filter(([, n]) => n > 0)),
});
