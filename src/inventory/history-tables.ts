/** The tables of the history, as migrations make them. Times are ms since the epoch by Okta's clock. */

export const historyMigration = `
  -- What has changed about an asset, or about a group ('part' is 'group'), in the order of the stream's numbers. What was
  -- before is known to have been so until 'since'; it was found at 'read_at'. A
  -- change that a log event completes gets a new number, and keeps the first one. 'detail' and 'events' are JSON.
  CREATE TABLE changes (
    sequence INTEGER PRIMARY KEY, first_sequence INTEGER NOT NULL,
    asset_id TEXT NOT NULL, part TEXT NOT NULL, kind TEXT NOT NULL, source TEXT NOT NULL,
    since INTEGER NOT NULL, at INTEGER NOT NULL, read_at INTEGER NOT NULL,
    detail TEXT NOT NULL, events TEXT
  );
  CREATE INDEX changes_by_asset ON changes (asset_id, at, sequence);

  -- Log events whose change has not been read yet. 'is_direct' is 0 for an event that is about something else, which may
  -- have changed this as well.
  CREATE TABLE told (
    asset_id TEXT NOT NULL, part TEXT NOT NULL, uuid TEXT NOT NULL, is_direct INTEGER NOT NULL,
    published INTEGER NOT NULL, event TEXT NOT NULL,
    PRIMARY KEY (asset_id, part, uuid)
  ) WITHOUT ROWID;
  CREATE INDEX told_by_time ON told (published);

  -- Whether the group is known to have given no roles, or the user to have had none, until these are read again.
  ALTER TABLE groups ADD COLUMN had_no_roles INTEGER NOT NULL DEFAULT 0;
  ALTER TABLE admins ADD COLUMN had_no_roles INTEGER NOT NULL DEFAULT 0;

  -- Who was in a group when it was deleted, for as long as that is part of the history.
  CREATE TABLE former_members (group_id TEXT NOT NULL, user_id TEXT NOT NULL, PRIMARY KEY (group_id, user_id)) WITHOUT ROWID;
  CREATE INDEX former_members_by_user ON former_members (user_id);
`;

/** A row of the table `changes`. */
export interface ChangeRow extends Record<string, SqlStorageValue> {
  sequence: number;
  first_sequence: number;
  asset_id: string;
  part: string;
  kind: string;
  source: string;
  since: number;
  at: number;
  read_at: number;
  detail: string;
  events: string | null;
}
