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

  CREATE TRIGGER search_added AFTER INSERT ON assets BEGIN
    INSERT INTO search_keys (id, status, platform, compliance, managed, mfa)
      VALUES (new.id, ${facets("new")}, ${mfa("new.factors")});
    INSERT INTO search_words (rowid, words) VALUES (last_insert_rowid(), ${words("new.record")});
  END;

  CREATE TRIGGER search_facets_changed AFTER UPDATE OF record, deleted_at ON assets
    WHEN ${differ("deleted_at")} OR ${differ("record -> '$.status'")} OR ${differ("record -> '$.profile'")}
      OR ${devicePartsDiffer} BEGIN
    UPDATE search_keys SET (status, platform, compliance, managed) = (${facets("new")}) WHERE id = new.id;
  END;

  CREATE TRIGGER search_words_changed AFTER UPDATE OF record ON assets
    WHEN ${differ("record -> '$.profile'")} OR ${devicePartsDiffer} BEGIN
    DELETE FROM search_words WHERE rowid = (SELECT n FROM search_keys WHERE id = new.id);
    INSERT INTO search_words (rowid, words) SELECT n, ${words("new.record")} FROM search_keys WHERE id = new.id;
  END;

  CREATE TRIGGER search_factors_changed AFTER UPDATE OF factors ON assets
    WHEN ${mfa("old.factors")} IS NOT ${mfa("new.factors")} BEGIN
    UPDATE search_keys SET mfa = ${mfa("new.factors")} WHERE id = new.id;
  END;

  CREATE TRIGGER search_removed AFTER DELETE ON assets BEGIN
    DELETE FROM search_words WHERE rowid = (SELECT n FROM search_keys WHERE id = old.id);
    DELETE FROM search_keys WHERE id = old.id;
  END;
`;
