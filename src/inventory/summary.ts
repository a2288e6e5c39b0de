/** Totals of an inventory, counted over the search index: about 10 ms for 100,000 assets. */
import { adminsQuery } from "./role-queries.ts";

/** How many existing assets share these facets, each as Okta spells it. */
export interface FacetCount {
  readonly status: string;
  /** Of users: the kinds of ACTIVE factors, `type|provider`; null if the factors were never read. */
  readonly mfa: readonly string[] | null;
  /** Of devices. */
  readonly platform: string | null;
  /** Of devices. */
  readonly compliance: string | null;
  /** Of devices. */
  readonly managed: boolean | null;
  readonly count: number;
}

interface FacetRow extends Record<string, SqlStorageValue> {
  status: string;
  mfa: string | null;
  platform: string | null;
  compliance: string | null;
  managed: number | null;
  count: number;
}

const columns = "status, mfa, platform, compliance, managed";

/** Counts the assets that exist by their facets; `admins` counts only those with an active role. */
export const countFacets = (sql: SqlStorage): { all: FacetCount[]; admins: FacetCount[] } => {
  const counted = (where: string): FacetCount[] =>
    sql
      .exec<FacetRow>(
        `SELECT ${columns}, count(*) AS count FROM search_keys WHERE status IS NOT NULL ${where} GROUP BY ${columns}`,
      )
      .toArray()
      .map((row) => ({
        ...row,
        mfa: row.mfa === null ? null : JSON.parse(row.mfa),
        managed: row.managed === null ? null : row.managed !== 0,
      }));
  return { all: counted(""), admins: counted(`AND id IN (${adminsQuery(sql)})`) };
};

/** How many deleted assets are still kept. */
export const countDeleted = (sql: SqlStorage): number =>
  sql.exec<{ n: number }>("SELECT count(*) AS n FROM search_keys WHERE status IS NULL").one().n;

/** How many of the assets whose ids this SQL yields exist. */
export const countLiving = (sql: SqlStorage, ids: string): number =>
  sql
    .exec<{ n: number }>(
      `SELECT count(*) AS n FROM search_keys WHERE status IS NOT NULL
       AND n IN (SELECT number FROM assets WHERE id IN (${ids}))`,
    )
    .one().n;
