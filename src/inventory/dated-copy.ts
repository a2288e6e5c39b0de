/** The dated copy that a stream keeps of the other stream of its connection. Callers open the transaction. */
import type { CopiedAdministrator, CopiedDevice, CopyPage, CopySource } from "../contract/copies.ts";
import type { LinkedDevices } from "./api.ts";
import type { Facets } from "./facets.ts";
import type { CopyState, InventoryMeta, Meta } from "./meta.ts";
import { jsonChunks } from "./sql.ts";

/** How many rows of each table one step of clearing removes, at most. */
const CLEARED_AT_ONCE = 5_000;

interface LinkedRow extends Record<string, SqlStorageValue> {
  id: string;
  name: string | null;
  platform: string | null;
  managed: number | null;
}

interface DeviceRow extends LinkedRow {
  status: string;
  users: string;
}

interface AdministratorRow extends Record<string, SqlStorageValue> {
  id: string;
  is_admin: number | null;
  login: string | null;
  name: string | null;
}

const rowOf = ({ id, name, platform, managed, status, users }: CopiedDevice): DeviceRow => ({
  id,
  name,
  platform,
  managed: managed === null ? null : Number(managed),
  status,
  users: JSON.stringify(users),
});

const usersIn = (row: DeviceRow | undefined): readonly string[] =>
  row === undefined ? [] : JSON.parse(row.users); // only `rowOf` makes this text

const valuesOf = ({ id, name, platform, managed, status, users }: DeviceRow) => [
  id,
  name,
  platform,
  managed,
  status,
  users,
];

const administratorValues = ({ id, isAdmin, login, name }: CopiedAdministrator) => [
  id,
  isAdmin === null ? null : 1,
  login,
  name,
];

export class DatedCopy {
  readonly #sql: SqlStorage;
  readonly #meta: Meta<InventoryMeta>;
  readonly #facets: Facets;

  /** @param facets of the assets of the stream that keeps the copy */
  constructor(sql: SqlStorage, meta: Meta<InventoryMeta>, facets: Facets) {
    this.#sql = sql;
    this.#meta = meta;
    this.#facets = facets;
  }

  /** Null if nothing was ever copied. */
  get state(): CopyState | null {
    return this.#meta.get("copy");
  }

  /** When the run ended that it shows, ms since the epoch; null while there is no copy. */
  get at(): number | null {
    return this.state?.at ?? null;
  }

  /** The devices that are linked to a user; null while there is no copy. */
  devicesOf(userId: string): LinkedDevices | null {
    const { at } = this;
    if (at === null) return null;
    const rows = this.#sql.exec<LinkedRow>(
      "SELECT id, name, platform, managed FROM copied_links JOIN copied_devices ON id = device_id WHERE user_id = ?",
      userId,
    );
    const devices = [...rows].map(({ id, name, platform, managed }) => ({
      id,
      name,
      platform,
      managed: managed === null ? null : managed === 1,
    }));
    return { at, devices };
  }

  /** A user who is an administrator or may be one; null for whoever is none, and while there is no copy. */
  administrator(userId: string): CopiedAdministrator | null {
    if (this.at === null) return null;
    const [row] = this.#sql.exec<AdministratorRow>(
      "SELECT id, is_admin, login, name FROM copied_administrators WHERE id = ?",
      userId,
    );
    if (row === undefined) return null;
    const { id, login, name, is_admin: isAdmin } = row;
    return { id, isAdmin: isAdmin === 1 ? true : null, login, name };
  }

  /** Begins a copy, in place of the one that there was. Until it is made there is none. */
  begin(inventory: string, now: number): void {
    const isClearing = this.state !== null && { isClearing: true as const };
    this.#meta.set("copy", { inventory, cursor: 0, at: null, workedAt: now, ...isClearing });
  }

  /** Removes some of what a former copy held. @returns whether anything may be left */
  clear(): boolean {
    const { state } = this;
    if (state?.isClearing !== true) return false;
    const cleared = [
      this.#sql.exec(
        `DELETE FROM copied_links WHERE (user_id, device_id) IN
           (SELECT user_id, device_id FROM copied_links LIMIT ${CLEARED_AT_ONCE}) RETURNING 1`,
      ),
      ...["copied_devices", "copied_administrators"].map((table) =>
        this.#sql.exec(
          `DELETE FROM ${table} WHERE id IN (SELECT id FROM ${table} LIMIT ${CLEARED_AT_ONCE}) RETURNING 1`,
        ),
      ),
    ].map((rows) => rows.toArray().length);
    if (Math.max(...cleared) >= CLEARED_AT_ONCE) return true;
    const { isClearing: _, ...rest } = state;
    this.#meta.set("copy", rest);
    // Some of those who were removed may not come back.
    this.#facets.marks.doubtOwners();
    return false;
  }

  /** Nothing has changed since: the copy shows the run that has just ended as well. */
  confirm({ endedAt }: CopySource, now: number): void {
    const { state } = this;
    if (state?.at == null || state.at >= endedAt) return;
    this.#meta.set("copy", { ...state, at: endedAt, workedAt: now });
  }

  /**
   * Takes over a page that was asked for from the cursor on.
   * @returns the ids of the users whose devices have changed
   */
  take(page: CopyPage, now: number): readonly string[] {
    const { state } = this;
    if (state === null) return [];
    const users = page.of === "devices" ? this.#takeDevices(page.devices ?? [], page.gone) : [];
    if (page.of === "users") this.#takeAdministrators(page.administrators ?? [], page.gone);
    const at = page.more ? state.at : page.endedAt;
    this.#meta.set("copy", { ...state, cursor: page.last, at, workedAt: now });
    return users;
  }

  #takeDevices(devices: readonly CopiedDevice[], gone: readonly string[]): readonly string[] {
    const ids = [...devices.map(({ id }) => id), ...gone];
    const stored = new Map<string, DeviceRow>();
    for (const chunk of jsonChunks(ids)) {
      const rows = this.#sql.exec<DeviceRow>(
        `SELECT id, name, platform, managed, status, users FROM copied_devices WHERE id IN (SELECT value FROM json_each(?))`,
        chunk,
      );
      for (const row of rows) stored.set(row.id, row);
    }
    // Most of what gives a device a new number is not part of the copy.
    const changed = devices.map(rowOf).filter((row) => {
      const was = stored.get(row.id);
      return was === undefined || JSON.stringify(valuesOf(was)) !== JSON.stringify(valuesOf(row));
    });
    const removed = gone.flatMap((id) => stored.get(id) ?? []);
    const before = [...changed.flatMap(({ id }) => stored.get(id) ?? []), ...removed];
    const linksOf = (rows: readonly DeviceRow[]) =>
      rows.flatMap((row) => usersIn(row).map((user) => [user, row.id] as const));
    const [links, formerLinks] = [linksOf(changed), linksOf(before)];
    for (const chunk of jsonChunks(formerLinks))
      this.#sql.exec(
        "DELETE FROM copied_links WHERE (user_id, device_id) IN (SELECT value ->> 0, value ->> 1 FROM json_each(?))",
        chunk,
      );
    for (const chunk of jsonChunks(removed.map(({ id }) => id)))
      this.#sql.exec("DELETE FROM copied_devices WHERE id IN (SELECT value FROM json_each(?))", chunk);
    for (const chunk of jsonChunks(changed.map(valuesOf)))
      this.#sql.exec(
        `INSERT OR REPLACE INTO copied_devices (id, name, platform, managed, status, users)
         SELECT value ->> 0, value ->> 1, value ->> 2, value ->> 3, value ->> 4, value ->> 5 FROM json_each(?)`,
        chunk,
      );
    for (const chunk of jsonChunks(links))
      this.#sql.exec(
        "INSERT OR IGNORE INTO copied_links (user_id, device_id) SELECT value ->> 0, value ->> 1 FROM json_each(?)",
        chunk,
      );
    return [...new Set([...links, ...formerLinks].map(([user]) => user))];
  }

  #takeAdministrators(administrators: readonly CopiedAdministrator[], gone: readonly string[]): void {
    const changed: string[] = [];
    const note = ({ id }: { readonly id: string }) => changed.push(id);
    for (const chunk of jsonChunks(gone))
      this.#sql
        .exec<{ id: string }>(
          "DELETE FROM copied_administrators WHERE id IN (SELECT value FROM json_each(?)) RETURNING id",
          chunk,
        )
        .toArray()
        .forEach(note);
    for (const chunk of jsonChunks(administrators.map(administratorValues))) {
      this.#sql
        .exec<{ id: string }>(
          `SELECT value ->> 0 AS id FROM json_each(?) LEFT JOIN copied_administrators AS c ON c.id = value ->> 0
           WHERE c.id IS NULL OR c.is_admin IS NOT value ->> 1`,
          chunk,
        )
        .toArray()
        .forEach(note);
      this.#sql.exec(
        `INSERT OR REPLACE INTO copied_administrators (id, is_admin, login, name)
         SELECT value ->> 0, value ->> 1, value ->> 2, value ->> 3 FROM json_each(?)`,
        chunk,
      );
    }
    this.#facets.refreshDevicesOf(changed);
  }
}
