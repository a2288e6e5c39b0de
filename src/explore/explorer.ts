/** Totals, searches and single assets, for people who look at the inventory. Read-only. */
import type { PostureException } from "../config/posture-exceptions.ts";
import type { HeldDeletions, InventorySummary, SearchResults } from "../contract/inventory-documents.ts";
import { COUNT_AGAIN_AFTER_MS } from "../contract/limits.ts";
import type { CheckOfAsset, PosturePoint, StreamPosture } from "../contract/posture.ts";
import type { SearchQuery } from "../contract/stream-api.ts";
import type { Dialect, StreamName } from "../contract/streams.ts";
import type { AssetDetail } from "../inventory/api.ts";
import type { Facet } from "../inventory/facets.ts";
import { type FoundGroups, findGroups } from "../inventory/group-search.ts";
import type { Inventory } from "../inventory/inventory.ts";
import { type AssetQuery, findAssets } from "../inventory/search.ts";
import type { Place } from "../inventory/search-order.ts";
import type { Condition } from "../inventory/search-rows.ts";
import { HELD_IDS } from "../inventory/sweeps.ts";
import { fromOpaque, toOpaque } from "../lib/opaque.ts";
import {
  type ExploreTools,
  type Filter,
  type FilterName,
  filterNames,
  type StreamDefinition,
} from "../streams/definition.ts";
import type { EventReader } from "./event-reader.ts";
import { checksOf, exceptedAt, keepPoint, lastPoint, type PostureDeps, postureNow } from "./posture.ts";

/** Older totals are counted again even if the head has not moved: tombstones expire without a new sequence number. */
const COUNT_AT_LEAST_EVERY_MS = 60_000;
/** What is known of held deletions as a whole. Times are ms since the epoch. */
export interface HeldState {
  readonly since: number;
  /** How many assets were known when the full run that missed these began; null if that was not stored. */
  readonly known: number | null;
  /** When the last complete full run before began, whose list showed them; null if it is not known. */
  readonly listedAt: number | null;
}

/** Which held deletions to show: at most `limit` after the id `after`. */
interface HeldQuery {
  readonly after: string;
  readonly limit: number;
  /** Lower-case factor types that do not count as MFA. */
  readonly ignored: readonly string[];
}

const nothing: SearchResults = {
  results: [],
  groups: [],
  groups_total: 0,
  groups_next: null,
  total: 0,
  next: null,
};

/** The place that `next` of the page before tells; null for the first page, and for what no page has told. */
const placeOf = ({ after, sort }: SearchQuery): Place | null => {
  if (sort === undefined) return typeof after === "number" && after > 0 ? { n: after, key: null } : null;
  const [n, key] = typeof after === "string" ? (fromOpaque(after) ?? []) : [];
  const isPlace =
    typeof n === "number" && (key === null || typeof key === "string" || typeof key === "number");
  return isPlace ? { n, key } : null;
};

/** @param time ISO 8601 */
const createdSince = (time: string): Condition => ({
  kind: "time",
  column: "created",
  sign: ">",
  than: time,
});

/** A place as `next`. */
const nextOf = (place: Place | null, { sort }: SearchQuery): SearchResults["next"] => {
  if (place === null) return null;
  return sort === undefined ? place.n : toOpaque([place.n, place.key]);
};

/**
 * Answers questions about one stream's inventory. It remembers the totals for a moment, so each Durable Object has
 * one Explorer and keeps it.
 */
export class Explorer {
  readonly #definition: StreamDefinition;
  readonly #sql: SqlStorage;
  readonly #inventory: Inventory;
  readonly #now: () => number;
  readonly #mostSorted: number | undefined;
  #counted: { summary: InventorySummary; head: number; at: number; ignored: string } | null = null;

  /** @param mostSorted see `findAssets` */
  constructor(
    definition: StreamDefinition,
    sql: SqlStorage,
    inventory: Inventory,
    now: () => number,
    mostSorted?: number,
  ) {
    this.#definition = definition;
    this.#sql = sql;
    this.#inventory = inventory;
    this.#now = now;
    this.#mostSorted = mostSorted;
  }

  /** The stream's totals, at most a minute old. @param ignored lower-case factor types that do not count as MFA */
  summary(ignored: readonly string[]): InventorySummary {
    const now = this.#now();
    const { head } = this.#inventory.assets;
    const was = this.#counted;
    if (was !== null && was.ignored === ignored.join()) {
      const age = now - was.at;
      if (age < COUNT_AGAIN_AFTER_MS || (was.head === head && age < COUNT_AT_LEAST_EVERY_MS))
        return was.summary;
    }
    const summary = this.#definition.explore.summarize(this.#tools(ignored, now));
    this.#counted = { summary, head, at: now, ignored: ignored.join() };
    return summary;
  }

  /**
   * One page of the assets that match. The first page begins with the assets that the text names exactly.
   * @param ignored lower-case factor types that do not count as MFA
   * @param exceptions from checks of posture
   */
  search(
    query: SearchQuery,
    ignored: readonly string[],
    exceptions: readonly PostureException[] = [],
  ): SearchResults {
    const { explore, store } = this.#definition;
    // Checks are true of the assets as they are now.
    if (query.posture !== undefined) this.#inventory.facets.turn();
    const filters = this.#filters(query, this.#tools(ignored, this.#now(), exceptions));
    if (filters === null) return nothing;
    const fits = filters.flatMap((filter) => filter.fits ?? []);
    const text = query.q?.trim() || null;
    const isMet = (facet: Facet): boolean => fits.every((meets) => meets(facet));
    const facets = Map.groupBy(this.#inventory.facets.all(), isMet);
    const asked: AssetQuery = {
      text,
      exact: text === null ? [] : explore.exact(this.#inventory, text),
      facets: facets.get(true) ?? [],
      others: facets.get(false) ?? [],
      where: filters.flatMap((filter) => filter.where ?? []),
      sorting: query.sort === undefined ? null : { by: query.sort, descending: query.descending === true },
      after: placeOf(query),
      limit: query.limit,
    };
    const found = findAssets(this.#sql, asked, this.#mostSorted);
    const groups = this.#groups(query, text);
    return {
      results: store
        .reader(this.#inventory)
        .of(found.ids)
        .map((asset) => explore.found(asset, ignored)),
      groups: groups.groups.map(({ usersCount, ...group }) => ({ ...group, users_count: usersCount })),
      groups_total: groups.total,
      groups_next: groups.next === null ? null : toOpaque([groups.next]),
      total: found.total,
      next: nextOf(found.next, query),
    };
  }

  #groups({ groupsAfter, after, limit }: SearchQuery, text: string | null): FoundGroups {
    const [from] = groupsAfter === undefined ? [""] : (fromOpaque(groupsAfter) ?? []);
    const isAsked = groupsAfter !== undefined || after === 0;
    if (text === null || !isAsked || !this.#definition.explore.groups || typeof from !== "string")
      return { groups: [], total: 0, next: null };
    return findGroups(this.#sql, text, from, limit);
  }

  /**
   * One page of the assets whose deletion waits for a person, in order of id.
   * @param state what is known of them as a whole; null while none are held
   */
  held(state: HeldState | null, { after, limit, ignored }: HeldQuery): HeldDeletions {
    const { explore, store } = this.#definition;
    const { sweeps } = this.#inventory;
    const { waiting } = sweeps.absentees();
    const page = waiting === 0 ? [] : sweeps.heldAbsentees(after, limit + 1);
    const existed = new Map(page.slice(0, limit).map(({ id, existedAt }) => [id, existedAt]));
    const now = this.#now();
    const items = store
      .reader(this.#inventory)
      .of([...existed.keys()])
      .map((asset) => {
        const found = explore.found(asset, ignored);
        // A time that is still to come is no time at which Okta had it.
        const seen = [state?.listedAt ?? 0, existed.get(asset.id) ?? 0].filter((time) => time <= now);
        const lastSeen = Math.max(...seen, 0);
        return {
          id: found.id,
          name: found.name,
          login: "login" in found ? found.login : null,
          status: found.status,
          last_seen_at: lastSeen === 0 ? null : new Date(lastSeen).toISOString(),
        };
      });
    return {
      held: waiting,
      known_before: waiting === 0 ? null : (state?.known ?? null),
      since: waiting === 0 || state === null ? null : new Date(state.since).toISOString(),
      items,
      next: page.length > limit ? ([...existed.keys()].at(-1) ?? null) : null,
    };
  }

  /** How many assets each check of posture counts now. @param ignored and exceptions as in `search` */
  posture(
    ignored: readonly string[],
    exceptions: readonly PostureException[],
    withTrend: boolean,
  ): StreamPosture {
    return postureNow(this.#posture(ignored, exceptions), withTrend);
  }

  /** What the checks of posture say of one asset that exists. @param ignored and exceptions as in `search` */
  checksOf(id: string, ignored: readonly string[], exceptions: readonly PostureException[]): CheckOfAsset[] {
    return checksOf(this.#posture(ignored, exceptions), id);
  }

  /**
   * Keeps what is counted now as the point of today, if that was not done just before. Callers open the transaction.
   * @param ignored and exceptions as in `search`
   */
  keepPosture(ignored: readonly string[], exceptions: readonly PostureException[]): void {
    keepPoint(this.#posture(ignored, exceptions));
  }

  /** The newest point of posture; null before the first one. It costs one row. */
  posturePoint(): PosturePoint | null {
    return lastPoint(this.#sql);
  }

  #posture(ignored: readonly string[], exceptions: readonly PostureException[]): PostureDeps {
    const [definition, inventory, sql] = [this.#definition, this.#inventory, this.#sql];
    return { definition, inventory, sql, ignored, exceptions, now: this.#now() };
  }

  /** Everything that is known about one asset, deleted or not; null if the asset is not known. */
  detail(stream: StreamName, id: string, events: EventReader): AssetDetail | null {
    const event = (dialect: Dialect): string | undefined => events.one(id, dialect)?.json;
    const [sekoia, sekoia_2026, ocsf] = [event("sekoia"), event("sekoia_2026"), event("ocsf")];
    // Last, because reading its event may give it a new number.
    const asset = this.#definition.store.reader(this.#inventory).one(id);
    if (asset === null || sekoia === undefined || sekoia_2026 === undefined || ocsf === undefined)
      return null;
    return { stream, ...asset, events: { sekoia, sekoia_2026, ocsf } };
  }

  /** What the query asks for; null if the query uses a filter that the stream does not have. */
  #filters(query: SearchQuery, tools: ExploreTools): readonly Filter[] | null {
    const { filters } = this.#definition.explore;
    const own: Filter[] = [];
    const add = <K extends FilterName>(name: K): boolean => {
      const value = query[name];
      if (value === undefined) return true;
      const filter = filters[name];
      // Narrowed by the line above, which the compiler does not follow through a generic key.
      if (filter !== undefined) own.push(filter(value as NonNullable<SearchQuery[K]>, tools));
      return filter !== undefined;
    };
    if (!filterNames.every(add)) return null;
    const isNamed = (query.q?.trim() ?? "") !== "";
    const { status, createdAfter, deleted = isNamed ? null : false } = query;
    const where: Condition[] = [
      ...(createdAfter === undefined ? [] : [createdSince(createdAfter)]),
      ...(query.held === true ? [{ kind: "ids", sql: HELD_IDS, parameters: [] } as const] : []),
    ];
    const isAsked: Filter = {
      fits: (facet) =>
        (deleted === null || (facet.status === null) === deleted) &&
        (status === undefined || facet.status === status),
      where,
    };
    return [isAsked, ...own];
  }

  #tools(
    ignored: readonly string[],
    now: number,
    exceptions: readonly PostureException[] = [],
  ): ExploreTools {
    return { inventory: this.#inventory, ignored, now, excepted: exceptedAt(exceptions, now) };
  }
}
