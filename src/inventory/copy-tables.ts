/** The tables of the dated copy that a stream keeps of the other one, as a migration makes them. */

export const copyMigration = `
  -- Of the devices stream: each device that exists, with the ids of its users as JSON. 'managed' is NULL if it is unknown.
  CREATE TABLE copied_devices (
    id TEXT PRIMARY KEY, name TEXT, platform TEXT, managed INTEGER, status TEXT NOT NULL, users TEXT NOT NULL
  ) WITHOUT ROWID;
  CREATE TABLE copied_links (user_id TEXT NOT NULL, device_id TEXT NOT NULL, PRIMARY KEY (user_id, device_id)) WITHOUT ROWID;

  -- Of the users stream: who is an administrator. 'is_admin' is NULL if it is unknown; who has no row is none.
  CREATE TABLE copied_administrators (id TEXT PRIMARY KEY, is_admin INTEGER, login TEXT, name TEXT) WITHOUT ROWID;
`;
