/**
 * What lists, searches and totals go by, kept by triggers in the transaction that changes the asset: a small row
 * of facets and the words that people search for. Only changes of those cost a write.
 *
 * Words are matched by their beginnings (unicode61: without case and accents). `prefix='2 3'` keeps the first
 * keystrokes as fast as the later ones; without positions (`detail=none`) the index of 100,000 users takes
 * about 17 MB.
 */

/** The texts of a record that people know an asset by. Devices bring their people's along. */
const words = (record: string): string => `
  (SELECT group_concat(word, ' ') FROM (
    SELECT ${record} ->> '$.id' AS word
    UNION ALL
    SELECT value FROM json_each(${record}, '$.profile') WHERE key IN ('login', 'email', 'secondEmail', 'firstName',
      'middleName', 'lastName', 'displayName', 'nickName', 'employeeNumber', 'serialNumber', 'udid', 'imei', 'meid')
    UNION ALL
    SELECT concat_ws(' ', value ->> '$.id', value ->> '$.login', value ->> '$.displayName')
      FROM json_each(${record}, '$.users')
    UNION ALL
    SELECT ${record} ->> '$.userId'))`;

const platform = (record: string): string => `${record} ->> '$.profile.platform'`;
const compliance = (record: string): string => `${record} ->> '$.complianceStatus'`;
/** The device's own word, else its profile's, else a linked user whose enrolment is managed. */
const managed = (record: string): string =>
  `coalesce(${record} ->> '$.managed', ${record} ->> '$.profile.managed', (SELECT 1 FROM json_each(${record}, '$.users')
    WHERE value ->> '$.managementStatus' = 'MANAGED' LIMIT 1))`;

/** The kinds of the ACTIVE factors as JSON, `["push|OKTA"]`: few distinct values in any org. */
const mfa = (factors: string): string =>
  `iif(${factors} IS NULL, NULL, (SELECT json_group_array(kind) FROM (
    SELECT DISTINCT concat(value ->> '$.factorType', '|', value ->> '$.provider') AS kind
    FROM json_each(${factors}) WHERE value ->> '$.status' = 'ACTIVE' ORDER BY kind)))`;

/** NULL once the asset is deleted. */
const status = (row: string): string => `iif(${row}.deleted_at IS NULL, ${row}.record ->> '$.status', NULL)`;

const facets = (row: string): string =>
  [status(row), platform(`${row}.record`), compliance(`${row}.record`), managed(`${row}.record`)].join(", ");

/** Compared by parts of the record, which is cheaper than by what is made of them; sign-ins alone change nothing. */
const differ = (part: string): string => `old.${part} IS NOT new.${part}`;
const devicePartsDiffer = ["users", "userId", "managed", "complianceStatus"]
  .map((part) => differ(`record -> '$.${part}'`))
  .join(" OR ");

interface Numbering {
  /** The columns of `search_keys` that name a new asset, and their values. */
  readonly columns: string;
  readonly values: string;
  /** The number of the row that was added just now. */
  readonly added: string;
  /** SQL for the number of an asset that is there. */
  readonly numberOf: (row: "old" | "new") => string;
}

const searchTriggers = ({ columns, values, added, numberOf }: Numbering): string => `
  CREATE TRIGGER search_added AFTER INSERT ON assets BEGIN
    INSERT INTO search_keys (${columns}, status, platform, compliance, managed, mfa)
      VALUES (${values}, ${facets("new")}, ${mfa("new.factors")});
    INSERT INTO search_words (rowid, words) VALUES (${added}, ${words("new.record")});
  END;

  CREATE TRIGGER search_facets_changed AFTER UPDATE OF record, deleted_at ON assets
    WHEN ${differ("deleted_at")} OR ${differ("record -> '$.status'")} OR ${differ("record -> '$.profile'")}
      OR ${devicePartsDiffer} BEGIN
    UPDATE search_keys SET (status, platform, compliance, managed) = (${facets("new")}) WHERE n = ${numberOf("new")};
  END;

  CREATE TRIGGER search_words_changed AFTER UPDATE OF record ON assets
    WHEN ${differ("record -> '$.profile'")} OR ${devicePartsDiffer} BEGIN
    DELETE FROM search_words WHERE rowid = ${numberOf("new")};
    INSERT INTO search_words (rowid, words) VALUES (${numberOf("new")}, ${words("new.record")});
  END;

  CREATE TRIGGER search_factors_changed AFTER UPDATE OF factors ON assets
    WHEN ${mfa("old.factors")} IS NOT ${mfa("new.factors")} BEGIN
    UPDATE search_keys SET mfa = ${mfa("new.factors")} WHERE n = ${numberOf("new")};
  END;

  CREATE TRIGGER search_removed AFTER DELETE ON assets BEGIN
    DELETE FROM search_words WHERE rowid = ${numberOf("old")};
    DELETE FROM search_keys WHERE n = ${numberOf("old")};
  END;
`;

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
    SELECT id, ${facets("assets")}, ${mfa("factors")} FROM assets;
  INSERT INTO search_words (rowid, words) SELECT n, ${words("record")} FROM search_keys JOIN assets USING (id);

${searchTriggers({
  // Numbered by itself, and found again by the asset's id.
  columns: "id",
  values: "new.id",
  added: "last_insert_rowid()",
  numberOf: (row) => `(SELECT n FROM search_keys WHERE id = ${row}.id)`,
})}
`;

/**
 * Assets are numbered in the order in which they come, and found by id through an index of its own. Rows of a KB
 * ordered by Okta's ids, which are random, had every page of an org written again with every page of its list.
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

  -- Its numbers are the assets' own, so that an index by id would say the same twice.
  CREATE TABLE numbered_search_keys (
    n INTEGER PRIMARY KEY, id TEXT NOT NULL,
    status TEXT, mfa TEXT, platform TEXT, compliance TEXT, managed INTEGER
  );
  INSERT INTO numbered_search_keys SELECT n, id, status, mfa, platform, compliance, managed FROM search_keys ORDER BY n;
  DROP TABLE search_keys;
  ALTER TABLE numbered_search_keys RENAME TO search_keys;
  CREATE INDEX search_by_facet ON search_keys (status, mfa, platform, compliance, managed);
  ${searchTriggers({
    columns: "n, id",
    values: "new.number, new.id",
    added: "new.number",
    numberOf: (row) => `${row}.number`,
  })}
`;
