/**
 * How marks (`marks.ts`) are stored: beside the facet of each asset, and counted for each facet. Whatever changes what they
 * are made from goes through `Facets`, which moves them in the same transaction.
 */

import { COVERS, GIVEN } from "./facet-columns.ts";
import { type Datings, type Marked, marks, marksOf } from "./marks.ts";
import { jsonChunks } from "./sql.ts";

/** Makes the columns and the table; those of assets that are there already are found soon: they hold until 1970. */
export const marksMigration = `
  ALTER TABLE search_keys ADD COLUMN marks INTEGER NOT NULL DEFAULT 0;
  -- Until when the marks hold, seconds since the epoch; NULL: as long as nothing else changes.
  ALTER TABLE search_keys ADD COLUMN marks_until INTEGER DEFAULT 0;
  CREATE INDEX search_by_marks ON search_keys (f, marks) WHERE marks <> 0;
  CREATE INDEX search_by_marks_until ON search_keys (marks_until) WHERE marks_until IS NOT NULL;

  -- How many assets with a facet have these marks; those without any are not counted here.
  CREATE TABLE marked (f INTEGER NOT NULL, marks INTEGER NOT NULL, assets INTEGER NOT NULL, PRIMARY KEY (f, marks)) WITHOUT ROWID;

  -- Users who were seen to get a role, and when, seconds since the epoch: by joining a group, or one of their own, which
  -- has '' for a group.
  CREATE TABLE new_admins (
    user_id TEXT NOT NULL, group_id TEXT NOT NULL, at INTEGER NOT NULL, PRIMARY KEY (user_id, group_id)
  ) WITHOUT ROWID;

  -- What was counted at the end of each day's last run, as JSON.
  CREATE TABLE posture_days (day TEXT PRIMARY KEY, at INTEGER NOT NULL, checks TEXT NOT NULL) WITHOUT ROWID;

  CREATE TRIGGER marks_added AFTER INSERT ON search_keys WHEN new.marks <> 0 BEGIN
    INSERT INTO marked (f, marks, assets) VALUES (new.f, new.marks, 1)
      ON CONFLICT (f, marks) DO UPDATE SET assets = assets + 1;
  END;

  CREATE TRIGGER marks_moved AFTER UPDATE OF f, marks ON search_keys
    WHEN (old.marks <> 0 OR new.marks <> 0) AND (old.f <> new.f OR old.marks <> new.marks) BEGIN
    UPDATE marked SET assets = assets - 1 WHERE f = old.f AND marks = old.marks;
    INSERT INTO marked (f, marks, assets) SELECT new.f, new.marks, 1 WHERE new.marks <> 0
      ON CONFLICT (f, marks) DO UPDATE SET assets = assets + 1;
  END;

  CREATE TRIGGER marks_removed AFTER DELETE ON search_keys WHEN old.marks <> 0 BEGIN
    UPDATE marked SET assets = assets - 1 WHERE f = old.f AND marks = old.marks;
  END;

  CREATE TRIGGER marked_emptied AFTER UPDATE OF assets ON marked WHEN new.assets = 0 BEGIN
    DELETE FROM marked WHERE f = new.f AND marks = new.marks;
  END;
`;

/** SQL: what a row `a` of `assets` tells of its marks, and those that the row `k` of `search_keys` has. */
export const DATING_COLUMNS = `
  k.marks AS had, k.marks_until AS until,
  a.record -> '$.users' IS NOT NULL AS device,
  unixepoch(a.record ->> '$.lastLogin') AS signed_in,
  unixepoch(a.record ->> '$.created') AS created,
  unixepoch(a.record ->> '$.passwordChanged') AS password,
  unixepoch(coalesce(a.record ->> '$.lastSeen', a.record ->> '$.lastUpdated')) AS seen,
  iif(a.factors_reason IS NULL, nullif(a.factors, '[]'), NULL) AS factors`;

/** `DATING_COLUMNS` in a row, and what else is needed of the asset's facet. */
export interface DatingRow extends Record<string, SqlStorageValue> {
  /** The asset's number. */
  n: number;
  /** "" of deleted assets. */
  status: string;
  own: number;
  through: number;
  /** Null if the asset is new. */
  had: number | null;
  until: number | null;
  device: number;
  signed_in: number | null;
  created: number | null;
  password: number | null;
  seen: number | null;
  /** As they are stored, if they are known; null if there are none. */
  factors: string | null;
}

/** The marks that an asset had, and has now. */
export interface MarkChange extends Marked {
  readonly n: number;
  readonly had: number | null;
  readonly hadUntil: number | null;
}

/** Assets that are alike: how many have a facet and these marks. */
export interface MarkedCount {
  readonly f: number;
  readonly marks: number;
  readonly count: number;
}

const secondsOf = (time: string | null | undefined): number | null => {
  const at = time == null ? Number.NaN : Date.parse(time);
  return Number.isNaN(at) ? null : Math.floor(at / 1000);
};

/** When the newest active factor was enrolled. @param factors as they are stored; null if there are none, or they are unknown */
export const factorDatings = (factors: string | null): Pick<Datings, "newestFactor" | "hasUndatedFactor"> => {
  if (factors === null) return { newestFactor: null, hasUndatedFactor: false };
  const list: readonly { status: string; created?: string | null }[] = JSON.parse(factors);
  let newest: number | null = null;
  let hasUndatedFactor = false;
  for (const { status, created } of list) {
    if (status !== "ACTIVE") continue;
    const at = secondsOf(created);
    if (at === null) hasUndatedFactor = true;
    else if (newest === null || at > newest) newest = at;
  }
  return { newestFactor: newest, hasUndatedFactor };
};

const NOTHING: Datings = {
  isDevice: false,
  lastLogin: null,
  created: null,
  passwordChanged: null,
  newestFactor: null,
  hasUndatedFactor: false,
  newestRole: null,
  newestGroupRole: null,
  newestToldRole: null,
  lastSeen: null,
  isOfAdmin: false,
};

/** The marks that factors alone decide. */
export const factorMarks = (factors: string | null, now: number): Marked =>
  marksOf({ ...NOTHING, lastLogin: now, ...factorDatings(factors) }, now);

/** SQL: when the user `a` was seen to get a role. @param group SQL: the group's id */
const seenAt = (group: string): string =>
  `(SELECT at FROM new_admins WHERE user_id = a.id AND group_id = ${group})`;

/** SQL: whether a role in a list is the user's own. */
const DIRECT = "value ->> '$.assignmentType' IS NOT 'GROUP'";

/**
 * SQL: when the newest active role in a list was assigned; NULL if there is none.
 * @param seen SQL: when it was seen, in case that was later
 */
const newestIn = (roles: string, which = "true", seen = "NULL"): string =>
  `(SELECT max(max(coalesce(unixepoch(value ->> '$.created'), 0), coalesce(${seen}, 0))) FROM json_each(${roles})
    WHERE value ->> '$.status' = 'ACTIVE' AND ${which})`;

interface RoleTimes extends Record<string, SqlStorageValue> {
  n: number;
  own: number | null;
  told: number | null;
  given: number | null;
}

/** The marks of assets. Callers open the transaction. */
export class AssetMarks {
  readonly #sql: SqlStorage;

  constructor(sql: SqlStorage) {
    this.#sql = sql;
  }

  /** How many assets with each facet have which marks; those without any are left out. */
  counts(): MarkedCount[] {
    return this.#sql
      .exec<{ f: number; marks: number; count: number }>("SELECT f, marks, assets AS count FROM marked")
      .toArray();
  }

  /** Some of the assets whose marks have held until now, as their ids. @param now seconds since the epoch */
  due(now: number, limit: number): string[] {
    return this.#sql
      .exec<{ id: string }>(
        "SELECT id FROM search_keys WHERE marks_until IS NOT NULL AND marks_until < ? LIMIT ?",
        now,
        limit,
      )
      .toArray()
      .map(({ id }) => id);
  }

  /** The marks that these assets have to have. @param now seconds since the epoch */
  find(rows: readonly DatingRow[], now: number): MarkChange[] {
    const roles = this.#roleTimes(rows);
    const ofAdmins = this.#ofAdmins(rows);
    return rows.map((row): MarkChange => {
      const { n, had, until: hadUntil } = row;
      // What is deleted is in no check.
      if (row.status === "") return { n, had, hadUntil, marks: 0, until: null };
      const of = roles.get(n);
      const datings: Datings = {
        isDevice: row.device === 1,
        lastLogin: row.signed_in,
        created: row.created,
        passwordChanged: row.password,
        ...factorDatings(row.factors),
        newestRole: of?.own ?? null,
        newestGroupRole: of?.given ?? null,
        newestToldRole: of?.told ?? null,
        lastSeen: row.seen,
        isOfAdmin: ofAdmins.has(n) ? (ofAdmins.get(n) ?? null) : false,
      };
      return { n, had, hadUntil, ...marksOf(datings, now) };
    });
  }

  /** Stores what has changed of assets that have a row in the index. @param now seconds since the epoch */
  store(changes: readonly MarkChange[], now: number): void {
    const rows = changes.flatMap(({ n, had, hadUntil, marks, until }) => {
      if (had === null) return [];
      // To look at an asset sooner than need be costs nothing until then, and each write of the time costs an entry in an index.
      const isSoonEnough =
        hadUntil === null ? until === null : hadUntil >= now && (until === null || hadUntil <= until);
      return had === marks && isSoonEnough ? [] : [[n, marks, isSoonEnough ? hadUntil : until] as const];
    });
    for (const chunk of jsonChunks(rows)) {
      this.#sql.exec(
        `UPDATE search_keys SET marks = row.value ->> 1, marks_until = row.value ->> 2
         FROM json_each(?) AS row WHERE n = row.value ->> 0`,
        chunk,
      );
    }
  }

  /** Stores that users were seen to get a role; see `Facets.noteNewAdmins`. @param at ms since the epoch */
  noteNewAdmins(userIds: readonly string[], through: readonly string[], at: number): void {
    for (const group of through.length === 0 ? [""] : through) {
      for (const chunk of jsonChunks(userIds)) {
        this.#sql.exec(
          `INSERT INTO new_admins (user_id, group_id, at) SELECT value, ?1, ?2 FROM json_each(?3) WHERE true
           ON CONFLICT (user_id, group_id) DO UPDATE SET at = max(at, excluded.at)`,
          group,
          Math.floor(at / 1000),
          chunk,
        );
      }
    }
  }

  /** It is no longer known which devices are administrators': those that were have to be looked at again. */
  doubtOwners(): void {
    this.#sql.exec(
      `UPDATE search_keys SET marks_until = 0 WHERE marks <> 0 AND (marks & ${marks.ofAdmin | marks.maybeOfAdmin}) <> 0`,
    );
  }

  /** Forgets who was seen to get a role before this. @param before ms since the epoch */
  forgetNewAdmins(before: number): void {
    this.#sql.exec("DELETE FROM new_admins WHERE at < ?", Math.floor(before / 1000));
  }

  /** When the roles of those who have some were assigned. */
  #roleTimes(rows: readonly DatingRow[]): ReadonlyMap<number, RoleTimes> {
    const holders = rows.filter(({ own, through }) => own % COVERS >= 3 || (through & GIVEN) !== 0);
    const found = new Map<number, RoleTimes>();
    for (const chunk of jsonChunks(holders.map(({ n }) => [n]))) {
      const times = this.#sql.exec<RoleTimes>(
        `SELECT a.number AS n,
           iif(d.reason IS NULL, ${newestIn("d.roles", DIRECT, seenAt("''"))}, NULL) AS own,
           iif(d.reason IS NULL AND d.covers = 1, ${newestIn("d.roles", `NOT (${DIRECT})`)}, NULL) AS told,
           (SELECT max(${newestIn("g.roles", "true", seenAt("g.id"))}) FROM memberships AS m
            JOIN groups AS g ON g.id = m.group_id
            WHERE m.user_id = a.id AND coalesce(g.has_roles, 1) = 1 AND g.roles_reason IS NULL) AS given
         FROM json_each(?) AS row JOIN assets AS a ON a.number = row.value ->> 0
         LEFT JOIN admins AS d ON d.user_id = a.id`,
        chunk,
      );
      for (const row of times) found.set(row.n, row);
    }
    return found;
  }

  /** The devices of these of which a user is an administrator; null: may be one, and no other is. */
  #ofAdmins(rows: readonly DatingRow[]): ReadonlyMap<number, true | null> {
    const devices = rows.filter(({ device }) => device === 1);
    const found = new Map<number, true | null>();
    if (devices.length === 0) return found;
    for (const chunk of jsonChunks(devices.map(({ n }) => [n]))) {
      const owned = this.#sql.exec<{ n: number; sure: number | null }>(
        `SELECT a.number AS n, max(c.is_admin) AS sure
         FROM json_each(?) AS row JOIN assets AS a ON a.number = row.value ->> 0
         JOIN copied_administrators AS c ON c.id IN (
           SELECT value ->> '$.id' FROM json_each(a.record, '$.users') UNION ALL SELECT a.record ->> '$.userId')
         GROUP BY a.number`,
        chunk,
      );
      for (const { n, sure } of owned) found.set(n, sure === 1 ? true : null);
    }
    return found;
  }
}
