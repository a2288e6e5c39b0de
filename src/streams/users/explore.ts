/** Users as searches and totals show them. */
import type { FoundUser, UserSummary } from "../../contract/inventory-documents.ts";
import type { SearchQuery } from "../../contract/stream-api.ts";
import type { StoredAsset } from "../../inventory/asset-reader.ts";
import { known, knownValue, type UserFacts } from "../../inventory/facts.ts";
import type { Inventory } from "../../inventory/inventory.ts";
import { adminsQuery, unknownRolesQuery } from "../../inventory/role-queries.ts";
import { among, anyOf, type Condition, facetValues, notAmong } from "../../inventory/search.ts";
import { quoted } from "../../inventory/sql.ts";
import { countDeleted, countFacets, countLiving, type FacetCount } from "../../inventory/summary.ts";
import { displayName, hasMfa, hasPhishingResistantMfa, isAdmin } from "../../ocsf/derive.ts";
import { factorName } from "../../okta/factor-names.ts";
import type { ExploreTools, Filters } from "../definition.ts";
import { sum, sumBy } from "../facets.ts";

/** Active factors. @param kinds as the search index has them: `type|provider` */
const factorsOf = (kinds: readonly string[]): UserFacts["factors"] =>
  known(
    kinds.map((kind) => {
      const bar = kind.lastIndexOf("|");
      const [factorType, provider] = [kind.slice(0, bar), kind.slice(bar + 1)];
      return { id: null, factorType, provider: provider || null, status: "ACTIVE" };
    }),
    0,
  );

/** Whether a user with these factors counts as enrolled. @param kinds JSON from the index; null if never read */
const mfaWord = (kinds: string | null, ignored: readonly string[]): SearchQuery["mfa"] => {
  if (kinds === null) return "unknown";
  return hasMfa(factorsOf(JSON.parse(kinds)), ignored) ? "enrolled" : "not_enrolled";
};

/** Whether a user with these factors has one that resists phishing. @param kinds as in `mfaWord` */
const resistance = (kinds: string | null, ignored: readonly string[]): boolean | "unknown" =>
  kinds === null ? "unknown" : (hasPhishingResistantMfa(factorsOf(JSON.parse(kinds)), ignored) ?? "unknown");

const NOT_DEPROVISIONED: Condition = ["k.status <> 'DEPROVISIONED'"];

/** Users who are not DEPROVISIONED, by their sets of factors in the index. */
const byFactors = (sql: SqlStorage, suits: (kinds: string | null) => boolean): readonly Condition[] => [
  NOT_DEPROVISIONED,
  anyOf("k.mfa", facetValues(sql, "mfa").filter(suits)),
];

/** Whether a user with these factors has one of this name. @param kinds as in `mfaWord` */
const hasFactor = (kinds: string | null, name: string): boolean => {
  const factors = kinds === null ? null : knownValue(factorsOf(JSON.parse(kinds)));
  return factors?.some((factor) => factorName(factor) === name) ?? false;
};

/** SQL that yields the users of whom it is unknown whether they are administrators. */
const maybeAdmins = (sql: SqlStorage): string => {
  const roles = unknownRolesQuery(sql);
  const ids = "unknown" in roles ? roles.unknown : `SELECT id FROM assets WHERE id NOT IN (${roles.known})`;
  return `SELECT id FROM (${ids}) WHERE id NOT IN (${adminsQuery(sql)})`;
};

/** A time before which somebody has signed in the last time. */
const signedInBefore = (time: string): Condition => [
  "k.n IN (SELECT number FROM assets WHERE record ->> '$.lastLogin' < ?)",
  time,
];

const DAY_MS = 86_400_000;

/** The search filters that users have. */
export const userFilters: Filters = {
  mfa: (wanted, { sql, ignored }) => byFactors(sql, (kinds) => mfaWord(kinds, ignored) === wanted),
  phishingResistant: (wanted, { sql, ignored }) =>
    byFactors(sql, (kinds) => resistance(kinds, ignored) === wanted),
  factor: (name, { sql }) => byFactors(sql, (kinds) => hasFactor(kinds, name)),
  admin: (wanted, { sql }) => {
    if (wanted === "unknown") return [among(maybeAdmins(sql))];
    return wanted ? [among(adminsQuery(sql))] : [notAmong(adminsQuery(sql)), notAmong(maybeAdmins(sql))];
  },
  role: (label, { sql }) => [
    among(
      adminsQuery(sql, `lower(coalesce(value ->> '$.label', value ->> '$.type')) = lower(${quoted(label)})`),
    ),
  ],
  // The index has no kinds of factors that are unknown.
  unknown: (fact, { inventory }) => [
    fact === "factors" ? ["k.mfa IS NULL"] : among(inventory.unknown.ids(fact)),
  ],
  // Memberships of Everyone are not stored.
  group: (group, { inventory }) =>
    group === inventory.groups.everyoneId()
      ? [NOT_DEPROVISIONED]
      : [among("SELECT user_id FROM memberships WHERE group_id = ?", group)],
  department: (department) => [["k.department = ?", department.trim()]],
  lastLoginBefore: (time) => [signedInBefore(time)],
  dormantDays: (days, { now }) => [
    ["k.status = 'ACTIVE'"],
    signedInBefore(new Date(now - days * DAY_MS).toISOString()),
  ],
};

/** The ids of the users who have exactly this id, login, e-mail or short name. */
export const exactUsers = ({ users }: Inventory, text: string): readonly string[] =>
  users.one(text) === null ? users.named(text.toLowerCase()).map(({ id }) => id) : [text];

/** A user as a search shows it. @param ignored lower-case factor types that do not count as MFA */
export const foundUser = (
  { id, facts, deletedAt, changedAt }: StoredAsset<UserFacts>,
  ignored: readonly string[],
): FoundUser => ({
  stream: "users",
  id,
  name: displayName(facts.user.profile),
  login: facts.user.profile.login ?? null,
  email: facts.user.profile.email ?? null,
  status: facts.user.status,
  deleted: deletedAt !== null,
  mfa_enrolled: hasMfa(facts.factors, ignored),
  phishing_resistant: hasPhishingResistantMfa(facts.factors, ignored),
  is_admin: isAdmin(facts),
  department: facts.user.profile.department ?? null,
  last_login: facts.user.lastLogin,
  created: facts.user.created,
  changed_at: new Date(changedAt).toISOString(),
});

/** The totals of the users stream. */
export const summarizeUsers = ({ sql, inventory, ignored, now }: ExploreTools): UserSummary => {
  const { all, admins } = countFacets(sql);
  const enrolled = ({ mfa }: FacetCount): boolean | null =>
    mfa === null ? null : hasMfa(factorsOf(mfa), ignored);
  const active = all.filter(({ status }) => status !== "DEPROVISIONED");
  return {
    stream: "users",
    as_of: new Date(now).toISOString(),
    total: sum(all, () => true),
    deleted: countDeleted(sql),
    by_status: sumBy(all, ({ status }) => status),
    mfa: {
      enrolled: sum(active, (facet) => enrolled(facet) === true),
      not_enrolled: sum(active, (facet) => enrolled(facet) === false),
      unknown: sum(active, (facet) => enrolled(facet) === null),
    },
    admins: {
      total: sum(admins, () => true),
      without_mfa: sum(admins, (facet) => enrolled(facet) === false),
      mfa_unknown: sum(admins, (facet) => enrolled(facet) === null),
      unknown: countLiving(sql, maybeAdmins(sql)),
    },
    unknown: { ...inventory.unknown.counts() },
  };
};
