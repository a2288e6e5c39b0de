/** The columns in which facets are stored, in SQL: what they hold of an asset, and the tables that count them. */

/** The columns that make a facet. Text that is not there is "", because no two NULLs are the same to an index. */
export const FACET_KEY = [
  "status",
  "mfa",
  "own",
  "through",
  "source",
  "platform",
  "compliance",
  "managed",
] as const;
export type FacetKey = readonly [string, string, number, number, number, string, string, number];

/** Added to `own` if the answer covers roles through groups; the bits of `through`; the values of `managed`. */
export const COVERS = 10;
export const GIVEN = 1;
export const OPEN = 2;
export const MANAGED = 1;
export const MANAGED_UNKNOWN = 2;

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
  assets INTEGER NOT NULL, UNIQUE (${FACET_KEY.join(", ")})
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
