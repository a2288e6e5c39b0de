/**
 * How marks (`marks.ts`) are stored: beside the facet of each asset, and counted for each facet. Whatever changes what they
 * are made from goes through `Facets`, which moves them in the same transaction.
 */

import { COVERS, GIVEN } from "./facet-columns.ts";
import { type Datings, FACTOR_MARKS, type Marked, marks, marksOf } from "./marks.ts";
import { jsonChunks } from "./sql.ts";

/** Makes the columns and the table; those of assets that are there already are found soon: they hold until 1970. */
export const marksMigration = `
  ALTER TABLE search_keys ADD COLUMN marks INTEGER NOT NULL DEFAULT 0;
  -- Until when the marks hold, seconds since the epoch; NULL: as long as nothing else changes.
  ALTER TABLE search_keys ADD COLUMN marks_until INTEGER DEFAULT 0;
  -- Without the facet, so that it stays as it is when an asset gets another one.
  CREATE INDEX search_by_marks ON search_keys (marks) WHERE marks <> 0;
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
  /** Null if the asset is new. */
  readonly had: number | null;
  readonly hadUntil: number | null;
}

/** The same with its facets. */
export interface MarkMove extends MarkChange {
  /** Null if the asset is new. */
  readonly was: number | null;
  readonly f: number;
}

/** Assets that are alike: how many have a facet and these marks. */
export interface MarkedCount {
  readonly f: number;
  readonly marks: number;
  readonly count: number;
}

/** What factors tell of their enrolment. */
export type FactorDatings = Pick<Datings, "newestFactor" | "hasUndatedFactor">;

const NO_FACTORS: FactorDatings = { newestFactor: null, hasUndatedFactor: false };

/** When the newest of these factors was enrolled. @param active the active factors, as they are stored */
export const factorDatings = (active: readonly { readonly created?: string | null }[]): FactorDatings => {
  let newest: number | null = null;
  let hasUndatedFactor = false;
  for (const { created } of active) {
    const at = created == null ? Number.NaN : Math.floor(Date.parse(created) / 1000);
    if (Number.isNaN(at)) hasUndatedFactor = true;
    else if (newest === null || at > newest) newest = at;
  }
  return { newestFactor: newest, hasUndatedFactor };
};

/** @param factors as they are stored; null if there are none, or they are unknown */
const datingsIn = (factors: string | null): FactorDatings => {
  if (factors === null) return NO_FACTORS;
  const list: readonly { status: string; created?: string | null }[] = JSON.parse(factors);
  return factorDatings(list.filter(({ status }) => status === "ACTIVE"));
};

/** What leaves no other marks than those of factors. */
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

/** The marks after other factors were read: the other marks stay, and hold as long as before. */
export const withFactors = (
  { n, had, hadUntil }: { readonly n: number; readonly had: number; readonly hadUntil: number | null },
  factors: FactorDatings,
  now: number,
): MarkChange => {
  const found = marksOf({ ...NOTHING, ...factors }, now);
  const until =
    found.until === null || (hadUntil !== null && hadUntil < found.until) ? hadUntil : found.until;
  return { n, had, hadUntil, marks: (had & ~FACTOR_MARKS) | (found.marks & FACTOR_MARKS), until };
};

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

  /** The marks of an asset; 0 if it is not known. */
  of(assetId: string): number {
    const [row] = this.#sql.exec<{ marks: number }>(
      "SELECT marks FROM search_keys JOIN assets ON number = n WHERE assets.id = ?",
      assetId,
    );
    return row?.marks ?? 0;
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
        ...datingsIn(row.factors),
        newestRole: of?.own ?? null,
        newestGroupRole: of?.given ?? null,
        newestToldRole: of?.told ?? null,
        lastSeen: row.seen,
        isOfAdmin: ofAdmins.has(n) ? (ofAdmins.get(n) ?? null) : false,
      };
      return { n, had, hadUntil, ...marksOf(datings, now) };
    });
  }

  /** Stores what has changed, but for the rows of new assets. @param now seconds since the epoch */
  store(moves: readonly MarkMove[], now: number): void {
    const counts = new Map<string, [f: number, marks: number, by: number]>();
    const count = (f: number, set: number, by: 1 | -1): void => {
      const key = `${f}/${set}`;
      const sum = counts.get(key);
      if (sum === undefined) counts.set(key, [f, set, by]);
      else sum[2] += by;
    };
    const rows: (readonly [n: number, marks: number, until: number | null])[] = [];
    for (const { n, was, f, had, hadUntil, marks: set, until } of moves) {
      const isMoved = was !== f || had !== set;
      if (isMoved && was !== null && had !== null && had !== 0) count(was, had, -1);
      if (isMoved && set !== 0) count(f, set, 1);
      if (had === null) continue;
      // To look at an asset sooner than need be costs nothing until then, and to store when costs an entry of an index.
      const isSoonEnough =
        hadUntil === null ? until === null : hadUntil >= now && (until === null || hadUntil <= until);
      if (had !== set || !isSoonEnough) rows.push([n, set, isSoonEnough ? hadUntil : until]);
    }
    for (const chunk of jsonChunks(rows)) {
      this.#sql.exec(
        `UPDATE search_keys SET marks = row.value ->> 1, marks_until = row.value ->> 2
         FROM json_each(?) AS row WHERE n = row.value ->> 0`,
        chunk,
      );
    }
    for (const chunk of jsonChunks([...counts.values()].filter(([, , by]) => by !== 0))) {
      this.#sql.exec(
        `INSERT INTO marked (f, marks, assets) SELECT value ->> 0, value ->> 1, value ->> 2 FROM json_each(?) WHERE true
         ON CONFLICT (f, marks) DO UPDATE SET assets = assets + excluded.assets`,
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
