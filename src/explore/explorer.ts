/** Totals, searches and single assets: the inventory as a person looks at it. Reads only. */

import type {
  DeviceSummary,
  FoundDevice,
  FoundUser,
  InventorySummary,
  SearchResults,
  UserSummary,
} from "../contract/inventory-documents.ts";
import { COUNT_AGAIN_AFTER_MS } from "../contract/limits.ts";
import type { SearchQuery } from "../contract/stream-api.ts";
import type { StreamName } from "../contract/streams.ts";
import type { AssetDetail } from "../inventory/api.ts";
import { type DeviceFacts, known, type UserFacts, unknown } from "../inventory/facts.ts";
import type { Inventory, StoredAsset } from "../inventory/inventory.ts";
import { type AssetQuery, facetValues, findAssets, findGroups } from "../inventory/search.ts";
import { countDeleted, countFacets, type FacetCount } from "../inventory/summary.ts";
import { displayName, filled, hasMfa, isAdmin, isManaged, lastSeen } from "../ocsf/derive.ts";
import { osFamily } from "../ocsf/platform.ts";
import type { EventReader } from "./event-reader.ts";

/** Facts can become unknown, and tombstones expire, without a new sequence number. */
const COUNT_AT_LEAST_EVERY_MS = 60_000;
const MAX_GROUPS = 10;
const UNKNOWN = "UNKNOWN";

/** Facts of somebody of whom only the factors matter. */
const withFactors = (kinds: readonly string[]): UserFacts => ({
  user: {
    id: "",
    status: "",
    created: null,
    activated: null,
    statusChanged: null,
    lastLogin: null,
    lastUpdated: null,
    passwordChanged: null,
    profile: {},
  },
  groups: unknown("pending"),
  roles: unknown("pending"),
  factors: known(
    kinds.map((kind) => {
      const bar = kind.lastIndexOf("|");
      return {
        id: null,
        factorType: kind.slice(0, bar),
        provider: kind.slice(bar + 1) || null,
        status: "ACTIVE",
      };
    }),
    0,
  ),
});

/** A platform by the name that people use; what is not told has none. */
const platformName = (platform: string | null): string =>
  filled(platform) === null ? "Unknown" : (osFamily(platform ?? "") ?? platform ?? "");

const sumBy = (facets: readonly FacetCount[], key: (facet: FacetCount) => string): Record<string, number> => {
  const sums = new Map<string, number>();
  for (const facet of facets) sums.set(key(facet), (sums.get(key(facet)) ?? 0) + facet.count);
  return Object.fromEntries([...sums].sort(([a], [b]) => (a < b ? -1 : 1)));
};

const sum = (facets: readonly FacetCount[], where: (facet: FacetCount) => boolean): number =>
  facets.reduce((total, facet) => (where(facet) ? total + facet.count : total), 0);

const ofUsers = ["mfa", "admin", "unknown", "group"] as const;
const ofDevices = ["platform", "compliance", "managed"] as const;

/** Looks at one stream's inventory. One an object: it remembers the totals for a moment. */
export class Explorer {
  readonly #sql: SqlStorage;
  readonly #inventory: Inventory;
  readonly #now: () => number;
  #counted: { summary: InventorySummary; head: number; at: number; ignored: string } | null = null;

  constructor(sql: SqlStorage, inventory: Inventory, now: () => number) {
    this.#sql = sql;
    this.#inventory = inventory;
    this.#now = now;
  }

  /** @param ignored lower-case factor types that do not count as MFA */
  summary(stream: StreamName, ignored: readonly string[]): InventorySummary {
    const now = this.#now();
    const { head } = this.#inventory.assets;
    const was = this.#counted;
    if (was !== null && was.ignored === ignored.join()) {
      const age = now - was.at;
      if (age < COUNT_AGAIN_AFTER_MS || (was.head === head && age < COUNT_AT_LEAST_EVERY_MS))
        return was.summary;
    }
    const summary = stream === "users" ? this.#countUsers(ignored) : this.#countDevices();
    this.#counted = { summary, head, at: now, ignored: ignored.join() };
    return summary;
  }

  #countUsers(ignored: readonly string[]): UserSummary {
    const { all, admins } = countFacets(this.#sql);
    const enrolled = ({ mfa }: FacetCount): boolean | null =>
      mfa === null ? null : hasMfa(withFactors(mfa), ignored);
    const living = all.filter(({ status }) => status !== "DEPROVISIONED");
    return {
      stream: "users",
      as_of: new Date(this.#now()).toISOString(),
      total: sum(all, () => true),
      deleted: countDeleted(this.#sql),
      by_status: sumBy(all, ({ status }) => status),
      mfa: {
        enrolled: sum(living, (facet) => enrolled(facet) === true),
        not_enrolled: sum(living, (facet) => enrolled(facet) === false),
        unknown: sum(living, (facet) => enrolled(facet) === null),
      },
      admins: {
        total: sum(admins, () => true),
        without_mfa: sum(admins, (facet) => enrolled(facet) === false),
        mfa_unknown: sum(admins, (facet) => enrolled(facet) === null),
      },
      unknown: this.#inventory.unknownFacts(),
    };
  }

  #countDevices(): DeviceSummary {
    const { all } = countFacets(this.#sql);
    return {
      stream: "devices",
      as_of: new Date(this.#now()).toISOString(),
      total: sum(all, () => true),
      deleted: countDeleted(this.#sql),
      by_status: sumBy(all, ({ status }) => status),
      by_platform: sumBy(all, ({ platform }) => platformName(platform)),
      by_compliance: sumBy(all, ({ compliance }) => compliance ?? UNKNOWN),
      by_management: {
        managed: sum(all, ({ managed }) => managed === true),
        not_managed: sum(all, ({ managed }) => managed === false),
        unknown: sum(all, ({ managed }) => managed === null),
      },
    };
  }

  search(stream: StreamName, query: SearchQuery, ignored: readonly string[]): SearchResults {
    // What only the other stream's assets have fits nothing here.
    const foreign = stream === "users" ? ofDevices : ofUsers;
    if (foreign.some((name) => query[name] !== undefined)) return { results: [], groups: [], next: null };
    const text = query.q?.trim() || null;
    const { ids, next } = findAssets(this.#sql, this.#assetQuery(query, text, ignored));
    const exact = text === null || query.after > 0 ? [] : this.#exactly(stream, text);
    const all = [...new Set([...exact, ...ids])];
    return {
      results:
        stream === "users"
          ? this.#inventory.usersOf(all).map((user) => foundUser(user, ignored))
          : this.#inventory.devicesOf(all).map(foundDevice),
      groups:
        text === null || stream !== "users" || query.after > 0
          ? []
          : findGroups(this.#sql, text, MAX_GROUPS).map(({ usersCount, ...group }) => ({
              ...group,
              users_count: usersCount,
            })),
      next,
    };
  }

  /** Whoever is named exactly comes first, however many others the words fit. */
  #exactly(stream: StreamName, text: string): string[] {
    if (stream === "devices") return this.#inventory.device(text) === null ? [] : [text];
    const byId = this.#inventory.user(text);
    return byId === null ? this.#inventory.usersNamed(text.toLowerCase()).map(({ id }) => id) : [text];
  }

  #assetQuery(query: SearchQuery, text: string | null, ignored: readonly string[]): AssetQuery {
    const { mfa, platform, compliance, unknown: fact } = query;
    const fitting = (facet: "mfa" | "platform" | "compliance", fits: (value: string | null) => boolean) =>
      facetValues(this.#sql, facet).filter(fits);
    // Nobody's membership of Everyone is stored.
    const everyone = query.group !== undefined && query.group === this.#inventory.groups.everyoneId();
    return {
      text,
      status: query.status ?? null,
      mfa:
        mfa === undefined
          ? null
          : fitting("mfa", (kinds) => mfaWord(kinds, ignored) === mfa).map((kinds) =>
              kinds === null ? null : JSON.parse(kinds),
            ),
      notDeprovisioned: mfa !== undefined || everyone,
      admin: query.admin ?? false,
      ids: fact === undefined ? null : this.#inventory.unknownIds(fact),
      group: everyone ? null : (query.group ?? null),
      platforms:
        platform === undefined ? null : fitting("platform", (name) => platformName(name) === platform),
      compliances:
        compliance === undefined ? null : fitting("compliance", (name) => (name ?? UNKNOWN) === compliance),
      managed: query.managed ?? null,
      deleted: query.deleted ?? (text === null ? false : null),
      after: query.after,
      limit: query.limit,
    };
  }

  /** One asset with everything that is known of it. */
  detail(stream: StreamName, id: string, events: EventReader): AssetDetail | null {
    const shown = { sekoia: events.one(id, "sekoia")?.json, ocsf: events.one(id, "ocsf")?.json };
    if (shown.sekoia === undefined || shown.ocsf === undefined) return null;
    const rendered = { sekoia: shown.sekoia, ocsf: shown.ocsf };
    if (stream === "users") {
      const user = this.#inventory.user(id);
      return user && { stream, ...user, events: rendered };
    }
    const device = this.#inventory.device(id);
    return device && { stream, ...device, events: rendered };
  }
}

const mfaWord = (kinds: string | null, ignored: readonly string[]): SearchQuery["mfa"] => {
  if (kinds === null) return "unknown";
  return hasMfa(withFactors(JSON.parse(kinds)), ignored) ? "enrolled" : "not_enrolled";
};

const foundUser = (
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
  mfa_enrolled: hasMfa(facts, ignored),
  is_admin: isAdmin(facts),
  department: facts.user.profile.department ?? null,
  last_login: facts.user.lastLogin,
});

const foundDevice = ({ id, facts: { device }, deletedAt }: StoredAsset<DeviceFacts>): FoundDevice => ({
  stream: "devices",
  id,
  name: device.profile.displayName ?? null,
  status: device.status,
  deleted: deletedAt !== null,
  platform: platformName(device.profile.platform ?? null),
  os_version: device.profile.osVersion ?? null,
  model: [device.profile.manufacturer, device.profile.model].filter(Boolean).join(" ") || null,
  serial_number: device.profile.serialNumber ?? null,
  is_managed: isManaged(device),
  compliance_status: device.complianceStatus ?? UNKNOWN,
  last_seen: lastSeen(device),
  users: device.users.map((user) => ({
    id: user.id,
    login: user.login,
    display_name: user.displayName ?? ([user.firstName, user.lastName].filter(Boolean).join(" ") || null),
  })),
});
