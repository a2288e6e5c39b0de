/**
 * The facets of assets, and how many assets share each: what lists are filtered by and what totals are made of. An asset
 * has one facet at a time, and the counts move in the transaction in which it gets another. An org has a few hundred
 * facets at most, however many assets it has. So totals cost as many rows, and a list begins at once whatever it is
 * filtered by.
 *
 * A facet has only what is stored about the asset itself. What also depends on the whole org, such as whether somebody who
 * is on no list surely has no role, is decided when facets are read (`standing.ts`): so what is learned about the org does
 * not have to be written to every user.
 */
import { jsonChunks } from "./sql.ts";

/**
 * What the user's own answer says of roles: it was not asked for; it is unknown; it names no active role; its active roles
 * are all through groups; it has an active role of the user's own.
 */
export const ownRoles = ["unlisted", "unknown", "none", "inherited", "own"] as const;
export type OwnRoles = (typeof ownRoles)[number];

/** Who tells the user's groups: the lists of the whole org, or the user's own list; or why that could not be read. */
export const groupSources = ["org", "user", "pending", "lost"] as const;
export type GroupSource = (typeof groupSources)[number];

/** Assets that are alike. */
export interface Facet {
  readonly f: number;
  /** As Okta spells it; null of deleted assets. */
  readonly status: string | null;
  /** Of users: the kinds of ACTIVE factors, `type|provider`; null if the factors are unknown. */
  readonly mfa: readonly string[] | null;
  readonly ownRoles: OwnRoles;
  /** Whether what the user's own answer says of roles through groups still holds. */
  readonly covers: boolean;
  /** Whether a group that the user is in surely gives an active role. Here and below, Everyone is left out. */
  readonly isGiven: boolean;
  /** Whether it is unknown of a group that the user is in which roles it gives. */
  readonly isOpen: boolean;
  readonly groups: GroupSource;
  /** Of devices. */
  readonly platform: string | null;
  /** Of devices. */
  readonly compliance: string | null;
  /** Of devices. */
  readonly managed: boolean | null;
  /** How many assets have it. */
  readonly count: number;
}

/** The columns that make a facet. Text that is not there is "", because no two NULLs are the same to an index. */
const KEY = ["status", "mfa", "own", "through", "source", "platform", "compliance", "managed"] as const;
type Key = readonly [string, string, number, number, number, string, string, number];

const COVERS = 10;
const GIVEN = 1;
const OPEN = 2;
const MANAGED = 1;
const MANAGED_UNKNOWN = 2;

/** SQL: the kinds of the ACTIVE factors as JSON, `["push|OKTA"]`. */
export const kindsOf = (factors: string): string =>
  `(SELECT json_group_array(kind) FROM (
    SELECT DISTINCT concat(value ->> '$.factorType', '|', value ->> '$.provider') AS kind
    FROM json_each(${factors}) WHERE value ->> '$.status' = 'ACTIVE' ORDER BY kind))`;

/** SQL: `own` of the row `d` of `admins`. */
const OWN = `CASE WHEN d.user_id IS NULL THEN 0 WHEN d.roles IS NULL OR d.reason IS NOT NULL THEN 1
  ELSE ${COVERS} * d.covers + coalesce((SELECT max(CASE WHEN value ->> '$.status' IS NOT 'ACTIVE' THEN 2
    WHEN value ->> '$.assignmentType' IS 'GROUP' THEN 3 ELSE 4 END) FROM json_each(d.roles)), 2) END`;

/** SQL: whether the row `g` of `groups`, which may be missing, may give roles that nobody knows. */
const IS_OPEN =
  "(g.id IS NULL OR coalesce(g.has_roles, 1) = 1 AND (g.roles IS NULL OR g.roles_reason IS NOT NULL))";
/** SQL: whether the row `g` of `groups` surely gives an active role. */
const IS_GIVEN = `(coalesce(g.has_roles, 1) = 1 AND g.roles_reason IS NULL
  AND EXISTS (SELECT 1 FROM json_each(g.roles) WHERE value ->> '$.status' = 'ACTIVE'))`;

const THROUGH = `coalesce((SELECT ${OPEN} * max(${IS_OPEN}) + ${GIVEN} * max(coalesce(${IS_GIVEN}, 0))
  FROM memberships AS m LEFT JOIN groups AS g ON g.id = m.group_id WHERE m.user_id = a.id), 0)`;

const SOURCE = `CASE WHEN a.groups_reason = 'pending' THEN 2 WHEN a.groups_reason IS NOT NULL THEN 3
  ELSE a.groups_at IS NOT NULL END`;

/** SQL: as `isManaged` in `ocsf/derive.ts` decides it; NULL if unknown. */
export const managedOf = (record: string): string =>
  `coalesce(${record} ->> '$.managed', ${record} ->> '$.profile.managed', (
    SELECT CASE WHEN max(value ->> '$.managementStatus' = 'MANAGED') THEN 1
      WHEN min(coalesce(value ->> '$.managementStatus' = 'NOT_MANAGED', 0)) THEN 0 END
    FROM json_each(${record}, '$.users')))`;

/** SQL: whether a list of roles in what was last known of a deleted user has an active one. */
const hadActive = (path: string): string =>
  `EXISTS (SELECT 1 FROM json_each(a.last_facts, '$.roles.${path}') WHERE value ->> '$.status' = 'ACTIVE')`;
const wasKnown = (fact: string): string => `a.last_facts ->> '$.${fact}.state' = 'known'`;

/** SQL: the facet of the row `a` of `assets`, which may have the row `d` of `admins`. A deleted one has what it had at last. */
export const FACET_COLUMNS = `
  iif(a.deleted_at IS NULL, a.record ->> '$.status', '') AS status,
  coalesce(CASE WHEN a.last_facts IS NULL THEN iif(a.factors IS NULL OR a.factors_reason IS NOT NULL, NULL, ${kindsOf("a.factors")})
    WHEN ${wasKnown("factors")} THEN ${kindsOf("(a.last_facts -> '$.factors.value')")} END, '') AS mfa,
  CASE WHEN a.last_facts IS NULL THEN ${OWN} WHEN ${hadActive("value")} AND ${wasKnown("roles")} OR ${hadActive("certain")} THEN ${COVERS} + 4
    WHEN ${wasKnown("roles")} THEN ${COVERS} + 2 ELSE 1 END AS own,
  iif(a.last_facts IS NULL, ${THROUGH}, 0) AS through,
  CASE WHEN a.last_facts IS NULL THEN ${SOURCE} WHEN ${wasKnown("groups")} THEN 1 ELSE 2 END AS source,
  coalesce(a.record ->> '$.profile.platform', '') AS platform,
  coalesce(a.record ->> '$.complianceStatus', '') AS compliance,
  coalesce(${managedOf("a.record")}, ${MANAGED_UNKNOWN}) AS managed`;
/** SQL: the rows that `FACET_COLUMNS` is about. */
export const FACET_ROWS = "assets AS a LEFT JOIN admins AS d ON d.user_id = a.id";

/** SQL: a facet's row in `totals`, by its columns. */
const TOTAL = {
  kind: (row: string) => `CASE ${row}status WHEN '' THEN 0 WHEN 'DEPROVISIONED' THEN 1 ELSE 2 END`,
  mfa_known: (row: string) => `${row}mfa <> ''`,
  own: (row: string) => `${row}own`,
  through: (row: string) => `${row}through`,
  source: (row: string) => `${row}source`,
} as const;
const totalColumns = Object.keys(TOTAL).join(", ");
const totalOf = (row: string): string =>
  Object.values(TOTAL)
    .map((of) => of(row))
    .join(", ");

/** What a status tells needs less than the facets: the sums of those that differ in nothing that it tells. */
export const totalsMigration = `
  CREATE TABLE totals (
    kind INTEGER NOT NULL, mfa_known INTEGER NOT NULL, own INTEGER NOT NULL, through INTEGER NOT NULL,
    source INTEGER NOT NULL, assets INTEGER NOT NULL, PRIMARY KEY (${totalColumns})
  ) WITHOUT ROWID;
  INSERT INTO totals (${totalColumns}, assets) SELECT ${totalOf("")}, sum(assets) FROM facets GROUP BY 1, 2, 3, 4, 5;

  CREATE TRIGGER facet_counted AFTER UPDATE OF assets ON facets BEGIN
    INSERT INTO totals (${totalColumns}, assets) VALUES (${totalOf("new.")}, new.assets - old.assets)
      ON CONFLICT (${totalColumns}) DO UPDATE SET assets = assets + excluded.assets;
  END;

  CREATE TRIGGER total_emptied AFTER UPDATE OF assets ON totals WHEN new.assets = 0 BEGIN
    DELETE FROM totals WHERE ${Object.keys(TOTAL)
      .map((column) => `${column} = new.${column}`)
      .join(" AND ")};
  END;
`;

export const facetsTable = `CREATE TABLE facets (
  f INTEGER PRIMARY KEY, status TEXT NOT NULL, mfa TEXT NOT NULL, own INTEGER NOT NULL, through INTEGER NOT NULL,
  source INTEGER NOT NULL, platform TEXT NOT NULL, compliance TEXT NOT NULL, managed INTEGER NOT NULL,
  assets INTEGER NOT NULL, UNIQUE (${KEY.join(", ")})
);`;

/** SQL: what lists are sorted and filtered by besides the facet, by the column of `search_keys` that holds it. */
export const partsOf = (
  record: string,
): Readonly<Record<"name" | "department" | "created" | "last_login", string>> => {
  const part = (key: string) => `nullif(trim(${record} ->> '$.profile.${key}'), '')`;
  return {
    // As `displayName` in `ocsf/derive.ts` decides it.
    name: `coalesce(${part("displayName")}, nullif(concat_ws(' ', ${part("firstName")}, ${part("lastName")}), ''), ${part("login")})`,
    department: part("department"),
    created: `${record} ->> '$.created'`,
    last_login: `unixepoch(${record} ->> '$.lastLogin')`,
  };
};

/** Assets that are alike in what their standing follows from. */
export type Standing = Pick<
  Facet,
  "status" | "mfa" | "ownRoles" | "covers" | "isGiven" | "isOpen" | "groups" | "count"
>;

interface TotalRow extends Record<string, SqlStorageValue> {
  kind: number;
  mfa_known: number;
  own: number;
  through: number;
  source: number;
  assets: number;
}

interface FacetRow extends Record<string, SqlStorageValue> {
  f: number;
  status: string;
  mfa: string;
  own: number;
  through: number;
  source: number;
  platform: string;
  compliance: string;
  managed: number;
  assets: number;
}

interface KeyRow extends Record<string, SqlStorageValue> {
  n: number;
  was: number | null;
  status: string;
  mfa: string;
  own: number;
  through: number;
  source: number;
  platform: string;
  compliance: string;
  managed: number;
}

const keyOf = (row: KeyRow): Key => [
  row.status,
  row.mfa,
  row.own,
  row.through,
  row.source,
  row.platform,
  row.compliance,
  row.managed,
];

const memberOf = ({ own, through, source }: Pick<TotalRow, "own" | "through" | "source">) => ({
  ownRoles: ownRoles[own % COVERS] ?? "unknown",
  covers: own >= COVERS,
  isGiven: (through & GIVEN) !== 0,
  isOpen: (through & OPEN) !== 0,
  groups: groupSources[source] ?? "pending",
});

/** The statuses of totals, by their kind: whoever is neither deleted nor DEPROVISIONED counts as ACTIVE. */
const totalStatuses = [null, "DEPROVISIONED", "ACTIVE"] as const;

const facetOf = (row: FacetRow): Facet => ({
  f: row.f,
  status: row.status || null,
  mfa: row.mfa === "" ? null : JSON.parse(row.mfa),
  ...memberOf(row),
  platform: row.platform || null,
  compliance: row.compliance || null,
  managed: row.managed === MANAGED_UNKNOWN ? null : row.managed === MANAGED,
  count: row.assets,
});

/** The kinds of the ACTIVE factors as a facet has them. @param factors as they are stored, JSON; null if unknown */
const kindsIn = (factors: string | null): string => {
  if (factors === null) return "";
  const list = JSON.parse(factors) as readonly {
    factorType: string;
    provider: string | null;
    status: string;
  }[];
  const kinds = list.flatMap(({ factorType, provider, status }) =>
    status === "ACTIVE" ? [`${factorType}|${provider ?? ""}`] : [],
  );
  return JSON.stringify([...new Set(kinds)].sort());
};

/** Every writer of what a facet is made of tells this object which assets it has changed. Callers open the transaction. */
export class Facets {
  readonly #sql: SqlStorage;

  constructor(sql: SqlStorage) {
    this.#sql = sql;
  }

  /** The facets that assets have now. */
  all(): Facet[] {
    return this.#sql.exec<FacetRow>("SELECT * FROM facets").toArray().map(facetOf);
  }

  /**
   * Sums of the facets for counts that ask neither for a status, except DEPROVISIONED, nor for kinds of factors: a few dozen
   * at most.
   */
  totals(): Standing[] {
    return this.#sql
      .exec<TotalRow>("SELECT * FROM totals")
      .toArray()
      .map((row) => ({
        status: totalStatuses[row.kind] ?? null,
        mfa: row.mfa_known === 1 ? [] : null,
        ...memberOf(row),
        count: row.assets,
      }));
  }

  /** The facet of an asset, deleted or not; null if the asset is not known. */
  of(assetId: string): Facet | null {
    const [row] = this.#sql.exec<FacetRow>(
      "SELECT facets.* FROM facets JOIN search_keys USING (f) JOIN assets ON number = n WHERE assets.id = ?",
      assetId,
    );
    return row === undefined ? null : facetOf(row);
  }

  /** Finds the facets of these assets anew. Ids that no asset has are left out. */
  refresh(ids: readonly string[]): void {
    for (const chunk of jsonChunks(ids)) {
      this.#move(
        this.#sql
          .exec<KeyRow>(
            `SELECT a.number AS n, k.f AS was, ${FACET_COLUMNS} FROM ${FACET_ROWS} LEFT JOIN search_keys AS k ON k.n = a.number
             WHERE a.id IN (SELECT value FROM json_each(?))`,
            chunk,
          )
          .toArray(),
      );
    }
  }

  /**
   * The same for users of whom only the factors have changed.
   * @param changes each user's number, and the factors as they are stored; null if they are unknown
   */
  setFactors(changes: readonly { readonly number: number; readonly factors: string | null }[]): void {
    const factors = new Map(changes.map((change) => [change.number, change.factors]));
    for (const chunk of jsonChunks([...factors.keys()].map((number) => [number]))) {
      const rows = this.#sql
        .exec<KeyRow>(
          `SELECT k.n, k.f AS was, facets.* FROM json_each(?) AS row JOIN search_keys AS k ON k.n = row.value ->> 0
           JOIN facets USING (f)`,
          chunk,
        )
        .toArray();
      this.#move(rows.map((row) => ({ ...row, mfa: kindsIn(factors.get(row.n) ?? null) })));
    }
  }

  #move(rows: readonly KeyRow[]): void {
    if (rows.length === 0) return;
    const keys = new Map(rows.map((row) => [JSON.stringify(keyOf(row)), keyOf(row)]));
    const facets = this.#find(keys);
    const changes = new Map<number, number>();
    const change = (f: number, by: number) => changes.set(f, (changes.get(f) ?? 0) + by);
    const added: (readonly [number, number])[] = [];
    const moved: (readonly [number, number])[] = [];
    for (const row of rows) {
      const f = facets.get(JSON.stringify(keyOf(row)));
      if (f === undefined || f === row.was) continue;
      if (row.was !== null) change(row.was, -1);
      change(f, 1);
      (row.was === null ? added : moved).push([row.n, f]);
    }
    const parts = Object.entries(partsOf("assets.record"));
    for (const chunk of jsonChunks(added)) {
      this.#sql.exec(
        `INSERT INTO search_keys (n, id, f, ${parts.map(([column]) => column).join(", ")})
         SELECT assets.number, assets.id, row.value ->> 1, ${parts.map(([, of]) => of).join(", ")}
         FROM json_each(?) AS row JOIN assets ON assets.number = row.value ->> 0`,
        chunk,
      );
    }
    for (const chunk of jsonChunks(moved)) {
      this.#sql.exec(
        "UPDATE search_keys SET f = row.value ->> 1 FROM json_each(?) AS row WHERE n = row.value ->> 0",
        chunk,
      );
    }
    const counts = [...changes].filter(([, by]) => by !== 0);
    if (counts.length > 0) {
      this.#sql.exec(
        "UPDATE facets SET assets = assets + (row.value ->> 1) FROM json_each(?) AS row WHERE f = row.value ->> 0",
        JSON.stringify(counts),
      );
    }
  }

  /** The facets with these keys, which are made if they are new. */
  #find(keys: ReadonlyMap<string, Key>): ReadonlyMap<string, number> {
    const found = this.#known(keys);
    const missing = [...keys].filter(([text]) => !found.has(text));
    if (missing.length === 0) return found;
    this.#sql.exec(
      `INSERT INTO facets (${KEY.join(", ")}, assets) SELECT ${KEY.map((_, n) => `value ->> ${n}`).join(", ")}, 0 FROM json_each(?)`,
      JSON.stringify(missing.map(([, key]) => key)),
    );
    return new Map([...found, ...this.#known(new Map(missing))]);
  }

  #known(keys: ReadonlyMap<string, Key>): Map<string, number> {
    const texts = [...keys.keys()];
    const rows = this.#sql.exec<{ place: number; f: number }>(
      `SELECT row.key AS place, f FROM json_each(?) AS row
       JOIN facets ON ${KEY.map((column, n) => `${column} = row.value ->> ${n}`).join(" AND ")}`,
      JSON.stringify([...keys.values()]),
    );
    return new Map(
      [...rows].flatMap(({ place, f }) => (texts[place] === undefined ? [] : [[texts[place], f] as const])),
    );
  }
}
