/** Users as searches and totals show them. */
import type { FoundUser, UserSummary } from "../../contract/inventory-documents.ts";
import type { StoredAsset } from "../../inventory/asset-reader.ts";
import type { Facet } from "../../inventory/facets.ts";
import type { UserFacts } from "../../inventory/facts.ts";
import type { Inventory } from "../../inventory/inventory.ts";
import { roleHolders } from "../../inventory/role-holders.ts";
import type { Condition } from "../../inventory/search-rows.ts";
import { quoted } from "../../inventory/sql.ts";
import { areAdmins } from "../../inventory/standing.ts";
import { isUnknown } from "../../inventory/unknown-facts.ts";
import { displayName, hasMfa, hasPhishingResistantMfa, isAdmin } from "../../ocsf/derive.ts";
import type { ExploreTools, Filter, Filters } from "../definition.ts";
import { living, sum, sumBy } from "../facets.ts";
import { postureFilter } from "../posture-filter.ts";
import { areEnrolled, areResistant, haveFactor, isNotDeprovisioned, type Kinds } from "./kinds.ts";
import { userChecks } from "./posture.ts";

const orUnknown = (value: boolean | null): boolean | "unknown" => value ?? "unknown";

const mfaWords = { true: "enrolled", false: "not_enrolled", unknown: "unknown" } as const;

/** Users who are not DEPROVISIONED, by their factors. */
const byFactors = (suit: (kinds: Kinds) => boolean): Filter => ({
  fits: (facet) => isNotDeprovisioned(facet) && suit(facet.mfa),
});

/** Users who have signed in, the last time before this moment (ms since the epoch). */
const signedInBefore = (time: number): Condition => ({
  kind: "time",
  column: "last_login",
  sign: "<",
  // Whole seconds are before it if and only if they are before the next whole second.
  than: Math.ceil(time / 1000),
});

const DAY_MS = 86_400_000;

/** The search filters that users have. */
export const userFilters: Filters = {
  mfa: (wanted, { ignored }) =>
    byFactors((kinds) => mfaWords[`${orUnknown(areEnrolled(kinds, ignored))}`] === wanted),
  phishingResistant: (wanted, { ignored }) =>
    byFactors((kinds) => orUnknown(areResistant(kinds, ignored)) === wanted),
  factor: (name) => byFactors((kinds) => haveFactor(kinds, name)),
  admin: (wanted, { inventory: { standing } }) => ({
    fits: (facet) => orUnknown(areAdmins(facet, standing)) === wanted,
  }),
  role: (label, { inventory: { facets, standing } }) => {
    const isWanted = `lower(coalesce(value ->> '$.label', value ->> '$.type')) = lower(${quoted(label)})`;
    return { where: [{ kind: "ids", sql: roleHolders(isWanted, facets.all(), standing), parameters: [] }] };
  },
  unknown: (fact, { inventory: { standing } }) => ({ fits: (facet) => isUnknown(facet, fact, standing) }),
  // Memberships of Everyone are not stored.
  group: (group, { inventory }) =>
    group === inventory.groups.everyoneId()
      ? { fits: isNotDeprovisioned }
      : {
          where: [
            {
              kind: "ids",
              sql: "SELECT user_id AS id FROM memberships WHERE group_id = ?",
              has: "EXISTS (SELECT 1 FROM memberships WHERE group_id = ? AND user_id = k.id)",
              parameters: [group],
            },
          ],
        },
  department: (department) => ({ where: [{ kind: "department", name: department.trim() }] }),
  lastLoginBefore: (time) => ({ where: [signedInBefore(Date.parse(time))] }),
  dormantDays: (days, { now }) => ({
    fits: ({ status }) => status === "ACTIVE",
    where: [signedInBefore(now - days * DAY_MS)],
  }),
  posture: postureFilter(userChecks),
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
export const summarizeUsers = ({ inventory, ignored, now }: ExploreTools): UserSummary => {
  const facets = inventory.facets.all();
  const org = inventory.standing;
  const all = living(facets);
  const enrolled = ({ mfa }: Facet): boolean | null => areEnrolled(mfa, ignored);
  const active = all.filter(isNotDeprovisioned);
  const admins = all.filter((facet) => areAdmins(facet, org) === true);
  return {
    stream: "users",
    as_of: new Date(now).toISOString(),
    ...inventory.assets.counts(facets),
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
      unknown: sum(all, (facet) => areAdmins(facet, org) === null),
    },
    unknown: { ...inventory.countUnknown(facets) },
  };
};
