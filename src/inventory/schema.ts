/**
 * The tables of one stream's inventory. To change them, add an entry at the end of `migrations`; never edit an old
 * one. The table `_migrations` records how many have run, because Durable Objects do not allow `PRAGMA
 * user_version`.
 *
 * Times are ms since the epoch. `record`, `roles`, `factors` and `ids` are JSON text in canonical form, so
 * comparing texts shows whether a value has changed.
 */
import { TALLIES, tallyOf } from "../lib/tally.ts";
import { marksMigration } from "./asset-marks.ts";
import { copyMigration } from "./copy-tables.ts";
import { historyMigration } from "./history-tables.ts";
import { HOUR_SLOT } from "./hours.ts";
import {
  deviceUserNamesMigration,
  facetsMigration,
  managedByUsersMigration,
  numberedAssetsMigration,
  searchIndexMigration,
  sortedSearchMigration,
} from "./search-index.ts";

/** The first entry creates the tables; each later entry changes what the entries before it made. */
export const migrations: readonly string[] = [
  `
  -- Small values by name: the greatest sequence number, the current run, cursors, how far org-wide facts are known.
  CREATE TABLE meta (key TEXT PRIMARY KEY, value TEXT NOT NULL) WITHOUT ROWID;

  -- One row per asset. For a fact: its value, when it was read, why the last reading failed, and when it was last
  -- tried. The last event of a deleted asset is made from 'last_facts'.
  CREATE TABLE assets (
    id TEXT PRIMARY KEY,
    seq INTEGER NOT NULL,
    changed_at INTEGER NOT NULL,
    deleted_at INTEGER,
    record TEXT NOT NULL,
    factors TEXT, factors_at INTEGER, factors_reason TEXT, factors_tried_at INTEGER,
    groups_at INTEGER, groups_reason TEXT, groups_tried_at INTEGER,
    last_facts TEXT
  ) WITHOUT ROWID;
  CREATE UNIQUE INDEX assets_by_seq ON assets (seq);
  CREATE INDEX assets_by_factors_age ON assets (factors_at) WHERE deleted_at IS NULL;
  CREATE INDEX assets_without_factors ON assets (factors_reason) WHERE deleted_at IS NULL AND factors_reason IS NOT NULL;
  CREATE INDEX assets_without_groups ON assets (groups_reason) WHERE deleted_at IS NULL AND groups_reason IS NOT NULL;
  CREATE INDEX assets_deleted ON assets (deleted_at) WHERE deleted_at IS NOT NULL;
  CREATE INDEX assets_by_login ON assets (lower(record ->> '$.profile.login'));
  CREATE INDEX assets_by_email ON assets (lower(record ->> '$.profile.email'));

  -- 'record' is {type, name, description}. 'has_roles' comes from the group's stats or from reading its roles; it is
  -- null while neither has shown whether the group gives roles.
  CREATE TABLE groups (
    id TEXT PRIMARY KEY,
    record TEXT NOT NULL,
    users_count INTEGER,
    has_roles INTEGER,
    roles TEXT, roles_at INTEGER, roles_reason TEXT, roles_tried_at INTEGER,
    members_at INTEGER
  ) WITHOUT ROWID;

  CREATE INDEX groups_everyone ON groups (id) WHERE record ->> '$.type' = 'BUILT_IN' AND record ->> '$.name' = 'Everyone';

  CREATE TABLE memberships (group_id TEXT NOT NULL, user_id TEXT NOT NULL, PRIMARY KEY (group_id, user_id)) WITHOUT ROWID;
  CREATE INDEX memberships_by_user ON memberships (user_id);

  -- Users who have roles or may have some. Once the org's admins are known, a user without a row has none.
  CREATE TABLE admins (user_id TEXT PRIMARY KEY, roles TEXT, read_at INTEGER, reason TEXT, tried_at INTEGER) WITHOUT ROWID;

  -- Ids that a listing in progress has shown, one row per page. What a complete listing leaves out is absent.
  CREATE TABLE sweeps (listing TEXT NOT NULL, page INTEGER NOT NULL, ids TEXT NOT NULL, PRIMARY KEY (listing, page)) WITHOUT ROWID;

  -- Known assets that a complete listing left out or that the log reports as deleted. 'confirmed' is 0 while the
  -- deletion is held.
  CREATE TABLE absentees (id TEXT PRIMARY KEY, confirmed INTEGER NOT NULL) WITHOUT ROWID;

  -- Facts that a change made stale: what to read again, what revealed the change, and when it happened.
  CREATE TABLE stale (
    kind TEXT NOT NULL, id TEXT NOT NULL, cause TEXT NOT NULL, since INTEGER NOT NULL, PRIMARY KEY (kind, id)
  ) WITHOUT ROWID;

  -- When the newest applied event of each membership was published. Late and repeated events are ignored.
  CREATE TABLE membership_events (
    group_id TEXT NOT NULL, user_id TEXT NOT NULL, published INTEGER NOT NULL, PRIMARY KEY (group_id, user_id)
  ) WITHOUT ROWID;

  -- Records that could not be filed.
  CREATE TABLE quarantine (id TEXT PRIMARY KEY, reason TEXT NOT NULL, seen_at INTEGER NOT NULL) WITHOUT ROWID;

  CREATE TABLE runs (started_at INTEGER NOT NULL, id TEXT NOT NULL, document TEXT NOT NULL, PRIMARY KEY (started_at, id)) WITHOUT ROWID;
  `,
  searchIndexMigration,
  numberedAssetsMigration,
  // An asset to be read again has the same kind in every stream.
  "UPDATE stale SET kind = 'asset' WHERE kind IN ('user', 'device');",
  `
  -- When the record was last read by the asset's id. Lists and searches may be behind it.
  ALTER TABLE assets ADD COLUMN read_at INTEGER;

  -- When the group became known, and when Okta last changed it, by Okta's clock.
  ALTER TABLE groups ADD COLUMN filed_at INTEGER;
  ALTER TABLE groups ADD COLUMN updated_at INTEGER;

  -- Groups that no longer exist. Lists and searches may still show them for a while.
  CREATE TABLE gone_groups (id TEXT PRIMARY KEY, gone_at INTEGER NOT NULL) WITHOUT ROWID;

  -- A full run and a delta run can be in progress at the same time, each with listings of its own.
  UPDATE sweeps SET listing = 'assignees/again/delta' WHERE listing = 'assignees'
    AND EXISTS (SELECT 1 FROM meta WHERE key = 'run' AND value ->> '$.kind' = 'delta');
  UPDATE sweeps SET listing = 'members/' || (SELECT value ->> '$.kind' FROM meta WHERE key = 'run') || substr(listing, 8)
    WHERE listing LIKE 'members/%' AND EXISTS (SELECT 1 FROM meta WHERE key = 'run');
  UPDATE meta SET value = json_set(value, '$.cursor.group', 'assignees/again/delta')
    WHERE key = 'run' AND value ->> '$.kind' = 'delta' AND value ->> '$.cursor.group' = 'assignees';
  UPDATE meta SET key = value ->> '$.kind' WHERE key = 'run';
  `,
  `
  -- What was learned of assets that are not known, so that a list that is behind does not undo it when it shows them:
  -- that they are gone, or when they last signed in (ISO 8601).
  CREATE TABLE unheard_assets (id TEXT PRIMARY KEY, noted_at INTEGER NOT NULL, gone_at INTEGER, last_login TEXT) WITHOUT ROWID;
  `,
  `
  -- Whether what 'roles' says of roles through groups still holds: no membership of the user, and no role of one of the
  -- user's groups, has changed since it was read.
  ALTER TABLE admins ADD COLUMN covers INTEGER NOT NULL DEFAULT 1;
  CREATE INDEX admins_by_try ON admins (coalesce(tried_at, 0), user_id);
  CREATE INDEX groups_giving_roles ON groups (id) WHERE coalesce(has_roles, 1) = 1;

  -- Whose factors are to be read, without a look at those whose factors are not.
  DROP INDEX assets_by_factors_age;
  DROP INDEX assets_without_factors;
  CREATE INDEX assets_by_factors_age ON assets (factors_at)
    WHERE deleted_at IS NULL AND factors_at IS NOT NULL AND factors_reason IS NULL;
  CREATE INDEX assets_without_factors ON assets (factors_reason, factors_tried_at)
    WHERE deleted_at IS NULL AND factors_reason IS NOT NULL;
  CREATE INDEX assets_pending_factors ON assets (number)
    WHERE deleted_at IS NULL AND factors_at IS NULL AND factors_reason IS NULL;
  CREATE INDEX assets_by_hour ON assets (${HOUR_SLOT}) WHERE deleted_at IS NULL;
  `,
  `
  -- The log's ids of the applied events of that moment: the log's order decides between them, and none counts twice.
  ALTER TABLE membership_events ADD COLUMN uuids TEXT;
  `,
  `
  -- Whether it is about an administrator: these are read again first.
  ALTER TABLE stale ADD COLUMN is_admin INTEGER NOT NULL DEFAULT 0;
  CREATE INDEX stale_in_order ON stale (kind, is_admin DESC, id);
  `,
  managedByUsersMigration,
  deviceUserNamesMigration,
  sortedSearchMigration,
  facetsMigration,
  [TALLIES, ...tallyOf("absentees", "confirmed"), ...tallyOf("quarantine")].join(";\n"),
  historyMigration,
  copyMigration,
  marksMigration,
];

/**
 * Forgets everything that is stored, apart from the runs that have ended, and creates the tables anew. The caller opens
 * the transaction.
 */
export const forgetInventory = (storage: DurableObjectStorage): void => {
  const { sql } = storage;
  const tables = sql
    .exec<{ name: string; sql: string }>(
      "SELECT name, sql FROM sqlite_master WHERE type = 'table' AND sql IS NOT NULL",
    )
    .toArray();
  // The tables in which a virtual table keeps its content go with it.
  const isVirtual = (table: { sql: string }): boolean => /^CREATE VIRTUAL/i.test(table.sql);
  const virtual = tables.filter(isVirtual);
  const isPart = (name: string): boolean => virtual.some((table) => name.startsWith(`${table.name}_`));
  const own = tables.filter(({ name }) => !/^(sqlite|_cf)_/.test(name) && !isPart(name));
  const runs = sql
    .exec<{ started_at: number; id: string; document: string }>("SELECT started_at, id, document FROM runs")
    .toArray();
  for (const { name } of own) sql.exec(`DROP TABLE ${name}`);
  migrate(storage);
  for (const run of runs) {
    sql.exec(
      "INSERT INTO runs (started_at, id, document) VALUES (?, ?, ?)",
      run.started_at,
      run.id,
      run.document,
    );
  }
};

/** The name of the error that `migrate` throws for data of a later version. */
export const NEWER_DATA = "NewerDataError";

/**
 * Runs the migrations that have not run yet. Called before anything else is done with the storage. Throws an error of the
 * name `NEWER_DATA` for data of a later version, in which this one could do damage.
 */
export const migrate = (storage: DurableObjectStorage): void => {
  storage.sql.exec("CREATE TABLE IF NOT EXISTS _migrations (n INTEGER PRIMARY KEY)");
  const done = storage.sql.exec<{ n: number | null }>("SELECT max(n) AS n FROM _migrations").one().n ?? 0;
  if (done > migrations.length) {
    const error = new Error(
      `The stored inventory is of a later version of the connector (${done}; this one knows ${migrations.length}). Deploy ` +
        "that version or a later one. Nothing is lost meanwhile.",
    );
    error.name = NEWER_DATA;
    throw error;
  }
  for (const [index, statements] of migrations.entries()) {
    if (index < done) continue;
    storage.transactionSync(() => {
      storage.sql.exec(statements);
      storage.sql.exec("INSERT INTO _migrations (n) VALUES (?)", index + 1);
    });
  }
};
