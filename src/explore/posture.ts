/** How many assets each check of posture counts, and how that was day by day. */
import type { PostureException } from "../config/posture-exceptions.ts";
import type {
  CheckCounts,
  CheckId,
  CheckOfAsset,
  CountsByCheck,
  ExceptionInForce,
  PosturePoint,
  StreamPosture,
} from "../contract/posture.ts";
import type { Facet } from "../inventory/facets.ts";
import type { Inventory } from "../inventory/inventory.ts";
import { areGroupsUnknown, areSurelyMembers, isInEveryone } from "../inventory/standing.ts";
import type { StreamDefinition } from "../streams/definition.ts";
import type { Alike, Check, PostureOrg } from "../streams/posture.ts";
import { alikeIn, postureOrgOf } from "../streams/posture-filter.ts";

/** So many days are kept, one point each. */
const TREND_DAYS = 90;
const DAY_MS = 86_400_000;
const KEEP_AGAIN_AFTER_MS = 60_000;
/** So many marks are moved at the end of a run, at most. */
const MOST_TURNED = 20_000;

/** The groups whose members are excepted from a check at a moment. @param now ms since the epoch */
export const exceptedAt =
  (exceptions: readonly PostureException[], now: number) =>
  (check: CheckId): readonly string[] => [
    ...new Set(
      exceptions
        .filter((one) => one.check === check && (one.until === null || one.until > now))
        .map(({ groupId }) => groupId),
    ),
  ];

const NOBODY: CheckCounts = { count: 0, unknown: 0, excepted: 0, population: 0 };

const keyOf = ({ f, marks }: { readonly f: number; readonly marks: number }): string => `${f}/${marks}`;

/**
 * Counts for a check. Whoever is excepted is not counted; whoever may be is not known. Pure.
 * @param members how many of the assets that are alike are members of an excepted group; null: none is excepted
 */
export const countCheck = (
  check: Check,
  all: readonly Alike[],
  org: PostureOrg,
  members: ((alike: Alike) => number) | null,
): CheckCounts => {
  const sums = { ...NOBODY };
  for (const alike of all) {
    const { facet, count } = alike;
    if (!check.about(facet)) continue;
    sums.population += count;
    const verdict = check.verdict(alike, org);
    if (verdict === false) continue;
    const inside = members === null ? 0 : members(alike);
    const areMembersSure = areSurelyMembers(facet, org.standing);
    const areOthersSure = members === null || !areGroupsUnknown(facet, org.standing);
    const outside = count - inside;
    if (verdict === true) {
      sums[areOthersSure ? "count" : "unknown"] += outside;
      sums[areMembersSure ? "excepted" : "unknown"] += inside;
    } else sums.unknown += outside + (areMembersSure ? 0 : inside);
  }
  return sums;
};

/** What posture is counted by. */
export interface PostureDeps {
  readonly definition: StreamDefinition;
  readonly inventory: Inventory;
  readonly sql: SqlStorage;
  /** Lower-case factor types that do not count as MFA. */
  readonly ignored: readonly string[];
  readonly exceptions: readonly PostureException[];
  /** ms since the epoch */
  readonly now: number;
}

/** How many assets with each facet and marks are members of one of these groups. */
const membersOf = (
  { inventory, sql }: PostureDeps,
  groups: readonly string[],
): ((alike: Alike) => number) => {
  const { standing } = inventory;
  const everyone = inventory.groups.everyoneId();
  const isEveryone = everyone !== null && groups.includes(everyone);
  const rows = sql
    .exec<{ f: number; marks: number; n: number }>(
      `SELECT k.f, k.marks, count(*) AS n FROM
         (SELECT DISTINCT user_id FROM memberships WHERE group_id IN (SELECT value FROM json_each(?))) AS m
       CROSS JOIN search_keys AS k INDEXED BY search_by_id ON k.id = m.user_id GROUP BY k.f, k.marks`,
      JSON.stringify(groups),
    )
    .toArray();
  const counted = new Map(rows.map((row) => [keyOf(row), row.n]));
  return ({ facet, marks, count }) =>
    isEveryone && isInEveryone(facet, standing) ? count : (counted.get(keyOf({ f: facet.f, marks })) ?? 0);
};

const entriesOf = ({ definition }: PostureDeps): readonly (readonly [CheckId, Check])[] =>
  // The keys of a record by CheckId are CheckIds.
  Object.entries(definition.explore.checks) as [CheckId, Check][];

/** Counts for every check of the stream. It reads a row for each facet and its marks, and the members of excepted groups. */
const countChecks = (deps: PostureDeps): CountsByCheck => {
  const { inventory, exceptions, now } = deps;
  const org = postureOrgOf(inventory, deps);
  const all = alikeIn(inventory);
  const excepted = exceptedAt(exceptions, now);
  const counts = entriesOf(deps).map(([id, check]) => {
    const groups = excepted(id);
    return [id, countCheck(check, all, org, groups.length === 0 ? null : membersOf(deps, groups))] as const;
  });
  return Object.fromEntries(counts);
};

/** Whether a user is in one of these groups; null if it is not known. */
const isMember = (
  { inventory, sql }: PostureDeps,
  id: string,
  facet: Facet,
  groups: readonly string[],
): boolean | null => {
  if (groups.length === 0) return false;
  const { standing } = inventory;
  const everyone = inventory.groups.everyoneId();
  if (everyone !== null && groups.includes(everyone) && isInEveryone(facet, standing)) return true;
  const isListed =
    sql
      .exec(
        "SELECT 1 FROM memberships WHERE user_id = ? AND group_id IN (SELECT value FROM json_each(?)) LIMIT 1",
        id,
        JSON.stringify(groups),
      )
      .toArray().length > 0;
  if (isListed) return areSurelyMembers(facet, standing) ? true : null;
  return areGroupsUnknown(facet, standing) ? null : false;
};

/** What the stream's checks say of one asset that exists. Callers open the transaction. */
export const checksOf = (deps: PostureDeps, id: string): CheckOfAsset[] => {
  const { inventory, exceptions, now } = deps;
  inventory.facets.turn();
  const facet = inventory.facets.of(id);
  if (facet === null) return [];
  const org = postureOrgOf(inventory, deps);
  const alike = { facet, marks: inventory.facets.marks.of(id) };
  const excepted = exceptedAt(exceptions, now);
  return entriesOf(deps).flatMap(([check, { about, verdict }]): readonly CheckOfAsset[] => {
    const holds = about(facet) ? verdict(alike, org) : false;
    return holds === false
      ? []
      : [{ id: check, holds, isExcepted: isMember(deps, id, facet, excepted(check)) }];
  });
};

const exceptionsInForce = ({ definition, inventory, exceptions, now }: PostureDeps): ExceptionInForce[] => {
  const inForce = exceptions.filter(
    ({ check, until }) => definition.explore.checks[check] !== undefined && (until === null || until > now),
  );
  const groups = inventory.groups.ofPage(inForce.map(({ groupId }) => groupId)).byId;
  return inForce.map(({ check, groupId, until, reason }) => ({
    check,
    groupId,
    group: groups.get(groupId)?.name ?? null,
    until: until === null ? null : new Date(until).toISOString(),
    reason,
  }));
};

const pointOf = (row: { day: string; at: number; checks: string }): PosturePoint => ({
  day: row.day,
  at: row.at,
  checks: JSON.parse(row.checks),
});

/** One point a day, the oldest first. */
const trendIn = (sql: SqlStorage): PosturePoint[] =>
  sql
    .exec<{ day: string; at: number; checks: string }>(
      "SELECT day, at, checks FROM posture_days ORDER BY day",
    )
    .toArray()
    .map(pointOf);

/** The newest point; null before the first one. It is one row. */
export const lastPoint = (sql: SqlStorage): PosturePoint | null => {
  const [row] = sql.exec<{ day: string; at: number; checks: string }>(
    "SELECT day, at, checks FROM posture_days ORDER BY day DESC LIMIT 1",
  );
  return row === undefined ? null : pointOf(row);
};

/** The posture of now. Callers open the transaction: marks whose time has come are moved. */
export const postureNow = (deps: PostureDeps, withTrend: boolean): StreamPosture => {
  deps.inventory.facets.turn();
  return {
    at: deps.now,
    checks: countChecks(deps),
    exceptions: exceptionsInForce(deps),
    trend: withTrend ? trendIn(deps.sql) : [],
  };
};

/**
 * Stores the point of today, in place of an earlier one. It does nothing within a minute of that, and while many marks are
 * still to be moved: some are moved each time. Callers open the transaction.
 */
export const keepPoint = (deps: PostureDeps): void => {
  const { sql, inventory, now } = deps;
  const day = new Date(now).toISOString().slice(0, 10);
  const last = lastPoint(sql);
  if (last?.day === day && now - last.at < KEEP_AGAIN_AFTER_MS) return;
  if (inventory.facets.turn(MOST_TURNED)) return;
  sql.exec(
    "INSERT OR REPLACE INTO posture_days (day, at, checks) VALUES (?, ?, ?)",
    day,
    now,
    JSON.stringify(countChecks(deps)),
  );
  const oldest = new Date(now - (TREND_DAYS - 1) * DAY_MS).toISOString().slice(0, 10);
  sql.exec("DELETE FROM posture_days WHERE day < ?", oldest);
  deps.inventory.facets.marks.forgetNewAdmins(now - 7 * DAY_MS);
};
