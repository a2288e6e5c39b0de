/** Finding assets in the search index, by words and facets. */
import { adminsQuery } from "./role-queries.ts";

/** What to find. A null matches everything; an asset must meet all the other conditions. */
export interface AssetQuery {
  /** Words; each must begin a word in the asset's index. */
  readonly text: string | null;
  /** As Okta spells it. */
  readonly status: string | null;
  /** Any of these sets of factor kinds, as the index spells them; a null in the list means "never read". */
  readonly mfa: readonly (readonly string[] | null)[] | null;
  /** True: only users that are not DEPROVISIONED. */
  readonly notDeprovisioned: boolean;
  /** True: only users with an active role. */
  readonly admin: boolean;
  /** SQL that yields ids: only these assets. */
  readonly ids: string | null;
  /** Only members of the group with this id. */
  readonly group: string | null;
  /** Any of these, as Okta spells them; a null in the list means "not given". */
  readonly platforms: readonly (string | null)[] | null;
  /** Any of these, as Okta spells them; a null in the list means "not given". */
  readonly compliances: readonly (string | null)[] | null;
  readonly managed: boolean | "unknown" | null;
  /** True: only tombstones. False: only assets that exist. Null: both. */
  readonly deleted: boolean | null;
  /** Only assets that were filed after this one: `next` of the previous page, or 0 for the first page. */
  readonly after: number;
  readonly limit: number;
}

export interface FoundPage {
  readonly ids: readonly string[];
  /** Pass it as `after` to get the next page; null on the last page. */
  readonly next: number | null;
}

export interface FoundGroup {
  readonly id: string;
  readonly name: string | null;
  readonly description: string | null;
  /** Okta's count of the members; null if Okta did not report it. */
  readonly usersCount: number | null;
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

type Condition = readonly [sql: string, ...parameters: SqlStorageValue[]];

const anyOf = (column: string, values: readonly (string | null)[]): Condition => {
  const named = JSON.stringify(values.filter((value) => value !== null));
  const orNull = values.includes(null) ? `OR ${column} IS NULL` : "";
  return [`(${column} IN (SELECT value FROM json_each(?)) ${orNull})`, named];
};

/** SQL: whether the asset is among the ids that the SQL `ids` yields. */
const numbered = (ids: string): string => `k.n IN (SELECT number FROM assets WHERE id IN (${ids}))`;

/** `+` makes SQLite walk in the order of `n` and stop once the page is full, instead of sorting all matches. */
const conditionsOf = (sql: SqlStorage, query: AssetQuery): Condition[] => {
  const conditions: (Condition | false)[] = [
    query.deleted !== null && [`+k.status IS ${query.deleted ? "" : "NOT"} NULL`],
    query.status !== null && ["+k.status = ?", query.status],
    query.notDeprovisioned && ["+k.status <> 'DEPROVISIONED'"],
    query.mfa !== null &&
      anyOf(
        "k.mfa",
        query.mfa.map((kinds) => kinds && JSON.stringify(kinds)),
      ),
    query.admin && [numbered(adminsQuery(sql))],
    query.ids !== null && [numbered(query.ids)],
    query.group !== null && [numbered("SELECT user_id FROM memberships WHERE group_id = ?"), query.group],
    query.platforms !== null && anyOf("k.platform", query.platforms),
    query.compliances !== null && anyOf("k.compliance", query.compliances),
    query.managed !== null && [
      query.managed === "unknown" ? "k.managed IS NULL" : `k.managed = ${query.managed ? 1 : 0}`,
    ],
  ];
  return conditions.filter((condition) => condition !== false);
};

/**
 * One page of the assets that match, in the order in which they were first filed. A text without words matches
 * none.
 */
export const findAssets = (sql: SqlStorage, query: AssetQuery): FoundPage => {
  const terms = query.text === null ? null : searchWords(query.text);
  if (terms?.length === 0) return { ids: [], next: null };
  const conditions = conditionsOf(sql, query);
  const [from, n, match]: [string, string, SqlStorageValue[]] =
    terms === null
      ? ["search_keys AS k WHERE true", "k.n", []]
      : [
          "search_words JOIN search_keys AS k ON k.n = search_words.rowid WHERE search_words MATCH ?",
          "search_words.rowid",
          [matchOf(terms)],
        ];
  const where = [...conditions.map(([text]) => text), `${n} > ?`].join(" AND ");
  const rows = sql
    .exec<{ id: string; n: number }>(
      `SELECT k.id, k.n FROM ${from} AND ${where} ORDER BY ${n} LIMIT ?`,
      ...match,
      ...conditions.flatMap(([, ...parameters]) => parameters),
      query.after,
      query.limit + 1,
    )
    .toArray();
  const page = rows.slice(0, query.limit);
  return {
    ids: page.map(({ id }) => id),
    next: rows.length > query.limit ? (page.at(-1)?.n ?? null) : null,
  };
};

/** The distinct values of a facet among assets that exist. */
export const facetValues = (sql: SqlStorage, facet: "mfa" | "platform" | "compliance"): (string | null)[] =>
  sql
    .exec<{ value: string | null }>(
      `SELECT DISTINCT ${facet} AS value FROM search_keys WHERE status IS NOT NULL`,
    )
    .toArray()
    .map(({ value }) => value);

/** Text without case and accents. In upper case `ß` is `SS`, too. */
const folded = (text: string | null): string =>
  (text ?? "")
    .normalize("NFD")
    .replaceAll(/[\u0300-\u036f]/g, "")
    .toUpperCase();

/**
 * Groups whose name or description contains the text, whatever its case and accents, or whose id it is; by name, at
 * most `limit`.
 *
 * LIKE would refuse a pattern over 50 bytes, and SQLite knows the case of ASCII letters only. So SQL decides on
 * groups that are all ASCII, and hands the others over to be compared here.
 */
export const findGroups = (sql: SqlStorage, text: string, limit: number): FoundGroup[] => {
  const id = text.trim();
  const wanted = folded(id);
  const candidates = sql.exec<{
    id: string;
    name: string | null;
    description: string | null;
    usersCount: number | null;
  }>(
    `SELECT id, record ->> '$.name' AS name, record ->> '$.description' AS description, users_count AS usersCount
     FROM groups WHERE instr(upper(record ->> '$.name'), ?1) OR instr(upper(record ->> '$.description'), ?1)
       OR id = ?2 OR octet_length(record) > length(record)
     ORDER BY name`,
    wanted,
    id,
  );
  const found: FoundGroup[] = [];
  for (const group of candidates) {
    if (group.id !== id && ![group.name, group.description].some((part) => folded(part).includes(wanted))) {
      continue;
    }
    found.push(group);
    if (found.length === limit) break;
  }
  return found;
};
