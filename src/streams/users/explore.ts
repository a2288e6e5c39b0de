/** Users as searches and totals show them. */
import type { FoundUser, UserSummary } from "../../contract/inventory-documents.ts";
import type { SearchQuery } from "../../contract/stream-api.ts";
import type { StoredAsset } from "../../inventory/asset-reader.ts";
import { known, type UserFacts } from "../../inventory/facts.ts";
import type { Inventory } from "../../inventory/inventory.ts";
import { facetValues } from "../../inventory/search.ts";
import { countDeleted, countFacets, type FacetCount } from "../../inventory/summary.ts";
import { displayName, hasMfa, hasPhishingResistantMfa, isAdmin } from "../../ocsf/derive.ts";
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

/** Those sets of factors in the index that meet a condition. */
const setsOfFactors = (sql: SqlStorage, suits: (kinds: string | null) => boolean) => ({
  notDeprovisioned: true,
  mfa: facetValues(sql, "mfa")
    .filter(suits)
    .map((kinds) => (kinds === null ? null : JSON.parse(kinds))),
});

/** The search filters that users have. */
export const userFilters: Filters = {
  mfa: (wanted, { sql, ignored }) => setsOfFactors(sql, (kinds) => mfaWord(kinds, ignored) === wanted),
  phishingResistant: (wanted, { sql, ignored }) =>
    setsOfFactors(sql, (kinds) => resistance(kinds, ignored) === wanted),
  admin: () => ({ admin: true }),
  unknown: (fact, { inventory }) => ({ ids: inventory.unknown.ids(fact) }),
  // Memberships of Everyone are not stored.
  group: (group, { inventory }) =>
    group === inventory.groups.everyoneId() ? { notDeprovisioned: true } : { group },
};

/** The ids of the users who have exactly this id, login, e-mail or short name. */
export const exactUsers = ({ users }: Inventory, text: string): readonly string[] =>
  users.one(text) === null ? users.named(text.toLowerCase()).map(({ id }) => id) : [text];

/** A user as a search shows it. @param ignored lower-case factor types that do not count as MFA */
export const foundUser = (
  { id, facts, deletedAt }: StoredAsset<UserFacts>,
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
    },
    unknown: { ...inventory.unknown.counts() },
  };
};
