/**
 * The index behind lists, searches and totals: for each asset a small row with its facet (`facets.ts`) and what lists are
 * sorted by, and the words that people search for. Triggers keep all but the facet, in the transaction that changes the
 * asset. A change of anything else costs no write here.
 *
 * Words match by their beginning, without regard to case or accents (unicode61). `prefix='2 3'` keeps the first
 * keystrokes as fast as later ones. Because positions are not stored (`detail=none`), the index of 100,000 users
 * takes about 17 MB.
 */

import {
  FACET_COLUMNS,
  FACET_KEY,
  FACET_ROWS,
  facetsTable,
  kindsOf,
  managedOf,
  partsOf,
  totalsMigration,
} from "./facet-columns.ts";

/** What is indexed of a device's users. */
const userParts = ["id", "login", "firstName", "lastName"] as const;
/** What version 0.1.0 indexed. */
const formerUserParts = ["id", "login", "displayName"] as const;
type UserParts = typeof userParts | typeof formerUserParts;

/** SQL: the texts of a record by which people know an asset. A device's include the ids and names of its users. */
const words = (record: string, parts: UserParts): string => `
  (SELECT group_concat(word, ' ') FROM (
    SELECT ${record} ->> '$.id' AS word
    UNION ALL
    SELECT value FROM json_each(${record}, '$.profile') WHERE key IN ('login', 'email', 'secondEmail', 'firstName',
      'middleName', 'lastName', 'displayName', 'nickName', 'employeeNumber', 'serialNumber', 'udid', 'imei', 'meid')
    UNION ALL
    SELECT concat_ws(' ', ${parts.map((part) => `value ->> '$.${part}'`).join(", ")})
      FROM json_each(${record}, '$.users')
    UNION ALL
    SELECT ${record} ->> '$.userId'))`;

const platform = (record: string): string => `${record} ->> '$.profile.platform'`;
const compliance = (record: string): string => `${record} ->> '$.complianceStatus'`;
/** SQL: whether a device is managed. */
type Managed = (record: string) => string;

/** As version 0.1.0 decided it: a device without a managed user may have been managed. */
const managedOrUnknown: Managed = (record) =>
  `coalesce(${record} ->> '$.managed', ${record} ->> '$.profile.managed', (SELECT 1 FROM json_each(${record}, '$.users')
    WHERE value ->> '$.managementStatus' = 'MANAGED' LIMIT 1))`;

/** As `isManaged` in `ocsf/derive.ts` decides it. */
const managed: Managed = managedOf;

/** SQL: the kinds of the factors of a row of `assets`, whose columns begin with `row`; NULL if they are not to be shown. */
type Mfa = (row: string) => string;

/** As former versions had it: the last known ones, if they are unknown. */
const lastKnownMfa: Mfa = (row) => `iif(${row}factors IS NULL, NULL, ${kindsOf(`${row}factors`)})`;

/** What is unknown has no kinds, whatever was known of it. */
const knownMfa: Mfa = (row) =>
  `iif(${row}factors IS NULL OR ${row}factors_reason IS NOT NULL, NULL, ${kindsOf(`${row}factors`)})`;

/** SQL: the status of an asset; NULL once it is deleted. */
const status = (row: string): string => `iif(${row}.deleted_at IS NULL, ${row}.record ->> '$.status', NULL)`;

const facets = (row: string, isManaged: Managed): string =>
  [status(row), platform(`${row}.record`), compliance(`${row}.record`), isManaged(`${row}.record`)].join(
    ", ",
  );

/**
 * SQL: whether a part of the record has changed. Comparing parts is cheaper than comparing what is derived from them,
 * and a sign-in changes none of these parts.
 */
const differ = (part: string): string => `old.${part} IS NOT new.${part}`;
const devicePartsDiffer = ["users", "userId", "managed", "complianceStatus"]
  .map((part) => differ(`record -> '$.${part}'`))
  .join(" OR ");

/** SQL that says how the index's rows are numbered. */
interface Numbering {
  /** The columns of `search_keys` that identify a new asset. */
  readonly columns: string;
  /** The values of these columns. */
  readonly values: string;
  /** The number of the row that was just added. */
  readonly added: string;
  /** The number of an existing asset. */
  readonly numberOf: (row: "old" | "new") => string;
  readonly isManaged: Managed;
  readonly userParts: UserParts;
  readonly mfa: Mfa;
  /** The parts by which lists are sorted and filtered besides: columns and their values. None in former versions. */
  readonly parts: readonly (readonly [column: string, of: (record: string) => string])[];
}

const listParts = [
  ["name", (record: string) => partsOf(record).name],
  ["department", (record: string) => partsOf(record).department],
  ["created", (record: string) => partsOf(record).created],
] as const;

const searchTriggers = (index: Numbering): string => {
  const { columns, values, added, numberOf, isManaged, userParts, mfa, parts } = index;
  const names = ["status", "platform", "compliance", "managed", ...parts.map(([column]) => column)].join(
    ", ",
  );
  const facetsOf = (row: string): string =>
    [facets(row, isManaged), ...parts.map(([, of]) => of(`${row}.record`))].join(", ");
  return `
  CREATE TRIGGER search_added AFTER INSERT ON assets BEGIN
    INSERT INTO search_keys (${columns}, ${names}, mfa)
      VALUES (${values}, ${facetsOf("new")}, ${mfa("new.")});
    INSERT INTO search_words (rowid, words) VALUES (${added}, ${words("new.record", userParts)});
  END;

  CREATE TRIGGER search_facets_changed AFTER UPDATE OF record, deleted_at ON assets
    WHEN ${differ("deleted_at")} OR ${differ("record -> '$.status'")} OR ${differ("record -> '$.profile'")}
      OR ${devicePartsDiffer} BEGIN
    UPDATE search_keys SET (${names}) = (${facetsOf("new")}) WHERE n = ${numberOf("new")};
  END;

  CREATE TRIGGER search_words_changed AFTER UPDATE OF record ON assets
    WHEN ${differ("record -> '$.profile'")} OR ${devicePartsDiffer} BEGIN
    DELETE FROM search_words WHERE rowid = ${numberOf("new")};
    INSERT INTO search_words (rowid, words) VALUES (${numberOf("new")}, ${words("new.record", userParts)});
  END;

  CREATE TRIGGER search_factors_changed AFTER UPDATE OF factors, factors_reason ON assets
    WHEN ${mfa("old.")} IS NOT ${mfa("new.")} BEGIN
    UPDATE search_keys SET mfa = ${mfa("new.")} WHERE n = ${numberOf("new")};
  END;

  CREATE TRIGGER search_removed AFTER DELETE ON assets BEGIN
    DELETE FROM search_words WHERE rowid = ${numberOf("old")};
    DELETE FROM search_keys WHERE n = ${numberOf("old")};
  END;
`;
};

/** What former versions did not tell. */
const formerly = { mfa: lastKnownMfa, parts: [] } as const satisfies Partial<Numbering>;

/** Creates the search index and fills it from the assets. */
export const searchIndexMigration = `
  CREATE TABLE search_keys (
    n INTEGER PRIMARY KEY, id TEXT NOT NULL UNIQUE,
    status TEXT, mfa TEXT, platform TEXT, compliance TEXT, managed INTEGER
  );
  CREATE INDEX search_by_facet ON search_keys (status, mfa, platform, compliance, managed);

  CREATE VIRTUAL TABLE search_words USING fts5(
    words, content='', contentless_delete=1, detail=none, prefix='2 3', tokenize='unicode61 remove_diacritics 2'
  );

  INSERT INTO search_keys (id, status, platform, compliance, managed, mfa)
    SELECT id, ${facets("assets", managedOrUnknown)}, ${lastKnownMfa("")} FROM assets;
  INSERT INTO search_words (rowid, words) SELECT n, ${words("record", formerUserParts)} FROM search_keys JOIN assets USING (id);

${searchTriggers({
  // SQLite numbers the row; the asset's id finds it again.
  columns: "id",
  values: "new.id",
  added: "last_insert_rowid()",
  numberOf: (row) => `(SELECT n FROM search_keys WHERE id = ${row}.id)`,
  isManaged: managedOrUnknown,
  userParts: formerUserParts,
  ...formerly,
})}
`;

const byNumber = {
  columns: "n, id",
  values: "new.number, new.id",
  added: "new.number",
  numberOf: (row) => `${row}.number`,
} as const satisfies Partial<Numbering>;

/**
 * Numbers the assets in the order in which they come; a separate index finds them by id. Before, the table of rows of
 * about 1 KB was ordered by Okta's ids, which are random, so each page of a list rewrote pages all over the database.
 */
export const numberedAssetsMigration = `
  CREATE TABLE numbered_assets (
    number INTEGER PRIMARY KEY,
    id TEXT NOT NULL UNIQUE,
    seq INTEGER NOT NULL,
    changed_at INTEGER NOT NULL,
    deleted_at INTEGER,
    record TEXT NOT NULL,
    factors TEXT, factors_at INTEGER, factors_reason TEXT, factors_tried_at INTEGER,
    groups_at INTEGER, groups_reason TEXT, groups_tried_at INTEGER,
    last_facts TEXT
  );
  INSERT INTO numbered_assets
    SELECT n, assets.id, seq, changed_at, deleted_at, record, factors, factors_at, factors_reason, factors_tried_at,
      groups_at, groups_reason, groups_tried_at, last_facts
    FROM search_keys JOIN assets USING (id) ORDER BY n;
  DROP TABLE assets;
  ALTER TABLE numbered_assets RENAME TO assets;
  CREATE UNIQUE INDEX assets_by_seq ON assets (seq);
  CREATE INDEX assets_by_factors_age ON assets (factors_at) WHERE deleted_at IS NULL;
  CREATE INDEX assets_without_factors ON assets (factors_reason) WHERE deleted_at IS NULL AND factors_reason IS NOT NULL;
  CREATE INDEX assets_without_groups ON assets (groups_reason) WHERE deleted_at IS NULL AND groups_reason IS NOT NULL;
  CREATE INDEX assets_deleted ON assets (deleted_at) WHERE deleted_at IS NOT NULL;
  CREATE INDEX assets_by_login ON assets (lower(record ->> '$.profile.login'));
  CREATE INDEX assets_by_email ON assets (lower(record ->> '$.profile.email'));

  -- The numbers are those of 'assets', so this table needs no index by id of its own.
  CREATE TABLE numbered_search_keys (
    n INTEGER PRIMARY KEY, id TEXT NOT NULL,
    status TEXT, mfa TEXT, platform TEXT, compliance TEXT, managed INTEGER
  );
  INSERT INTO numbered_search_keys SELECT n, id, status, mfa, platform, compliance, managed FROM search_keys ORDER BY n;
  DROP TABLE search_keys;
  ALTER TABLE numbered_search_keys RENAME TO search_keys;
  CREATE INDEX search_by_facet ON search_keys (status, mfa, platform, compliance, managed);
  ${searchTriggers({ ...byNumber, ...formerly, isManaged: managedOrUnknown, userParts: formerUserParts })}
`;

const dropTriggers = ["added", "facets_changed", "words_changed", "factors_changed", "removed"]
  .map((name) => `DROP TRIGGER IF EXISTS search_${name};`)
  .join("\n  ");

/** A device whose linked users are all not managed is not managed. */
export const managedByUsersMigration = `
  ${dropTriggers}
  ${searchTriggers({ ...byNumber, ...formerly, isManaged: managed, userParts: formerUserParts })}
  UPDATE search_keys SET managed = 0 FROM assets
    WHERE number = n AND search_keys.managed IS NULL AND ${managed("record")} = 0;
`;

/**
 * A device is found by the names of its users that every answer of Okta's has. Display names, which only some have, are
 * forgotten, so that a record that is read again is the same text as the stored one. The trigger indexes what changes.
 */
export const deviceUserNamesMigration = `
  ${dropTriggers}
  ${searchTriggers({ ...byNumber, ...formerly, isManaged: managed, userParts })}
  UPDATE assets SET record = json_set(record, '$.users',
      (SELECT json_group_array(json_remove(value, '$.displayName')) FROM json_each(record, '$.users')))
    WHERE record -> '$.users[0]' IS NOT NULL;
`;

/**
 * By what lists are sorted and filtered besides, each with an index in which the number comes second, so that a page is
 * read without sorting. Of a sign-in, only the index over `lastLogin` is written. What is unknown is unknown in the index
 * as well, whatever was known once.
 */
export const sortedSearchMigration = `
  ${dropTriggers}
  ALTER TABLE search_keys ADD COLUMN name TEXT COLLATE NOCASE;
  ALTER TABLE search_keys ADD COLUMN department TEXT COLLATE NOCASE;
  ALTER TABLE search_keys ADD COLUMN created TEXT;
  UPDATE search_keys SET (${listParts.map(([column]) => column).join(", ")}) =
    (${listParts.map(([, of]) => of("record")).join(", ")}) FROM assets WHERE number = n;
  UPDATE search_keys SET mfa = NULL FROM assets WHERE number = n AND factors_reason IS NOT NULL AND factors IS NOT NULL;
  CREATE INDEX search_by_name ON search_keys (name, n);
  CREATE INDEX search_by_department ON search_keys (department, n) WHERE department IS NOT NULL;
  CREATE INDEX search_by_created ON search_keys (created, n);
  CREATE INDEX search_by_status ON search_keys (status, n);
  CREATE INDEX assets_by_last_login ON assets (record ->> '$.lastLogin', number);
  ${searchTriggers({ ...byNumber, isManaged: managed, userParts, mfa: knownMfa, parts: listParts })}
`;

const KEY_COLUMNS = FACET_KEY.join(", ");
const parts = Object.entries(partsOf("new.record"));
const columns = parts.map(([column]) => column).join(", ");

/**
 * Assets with the same facet share one row of `facets`, which counts them. Each list is a merge of the lists of its
 * facets, so each order of a list is an index that begins with the facet.
 */
export const facetsMigration = `
  ${dropTriggers}
  DROP INDEX assets_by_last_login;
  ${facetsTable}
  CREATE TABLE facet_keys AS SELECT a.number AS n, ${FACET_COLUMNS} FROM ${FACET_ROWS};
  INSERT INTO facets (${KEY_COLUMNS}, assets) SELECT ${KEY_COLUMNS}, count(*) FROM facet_keys GROUP BY ${KEY_COLUMNS};
  DROP TABLE search_keys;
  CREATE TABLE search_keys (
    n INTEGER PRIMARY KEY, id TEXT NOT NULL, f INTEGER NOT NULL,
    name TEXT COLLATE NOCASE, department TEXT COLLATE NOCASE, created TEXT, last_login INTEGER
  );
  INSERT INTO search_keys (n, id, f, ${columns})
    SELECT n, id, f, ${Object.values(partsOf("record")).join(", ")}
    FROM facet_keys JOIN facets USING (${KEY_COLUMNS}) JOIN assets ON number = n;
  DROP TABLE facet_keys;
  CREATE INDEX search_by_facet ON search_keys (f);
  CREATE INDEX search_by_name ON search_keys (f, name);
  CREATE INDEX search_by_created ON search_keys (f, created);
  CREATE INDEX search_by_last_login ON search_keys (f, last_login);
  CREATE INDEX search_by_department ON search_keys (department, f) WHERE department IS NOT NULL;
  -- Holds all that is asked of the assets of a long list of ids, such as the members of a group.
  CREATE INDEX search_by_id ON search_keys (id, f);

  CREATE TRIGGER search_added AFTER INSERT ON assets BEGIN
    INSERT INTO search_words (rowid, words) VALUES (new.number, ${words("new.record", userParts)});
  END;

  CREATE TRIGGER search_parts_changed AFTER UPDATE OF record ON assets
    WHEN ${["record -> '$.profile'", "record -> '$.created'", "record -> '$.lastLogin'"].map(differ).join(" OR ")} BEGIN
    UPDATE search_keys SET (${columns}) = (${parts.map(([, of]) => of).join(", ")}) WHERE n = new.number;
  END;

  CREATE TRIGGER search_words_changed AFTER UPDATE OF record ON assets
    WHEN ${differ("record -> '$.profile'")} OR ${devicePartsDiffer} BEGIN
    DELETE FROM search_words WHERE rowid = new.number;
    INSERT INTO search_words (rowid, words) VALUES (new.number, ${words("new.record", userParts)});
  END;

  CREATE TRIGGER search_removed AFTER DELETE ON assets BEGIN
    DELETE FROM search_words WHERE rowid = old.number;
    DELETE FROM search_keys WHERE n = old.number;
  END;

  CREATE TRIGGER facet_left AFTER DELETE ON search_keys BEGIN
    UPDATE facets SET assets = assets - 1 WHERE f = old.f;
  END;

  CREATE TRIGGER facet_emptied AFTER UPDATE OF assets ON facets WHEN new.assets = 0 BEGIN
    DELETE FROM facets WHERE f = new.f;
  END;
  ${totalsMigration}
`;
