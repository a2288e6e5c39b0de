/**
 * What a stream is. Everything that differs between streams is said here, once; syncing, exploring and showing work
 * from the definition alone. A new stream is a file beside this one and a line in `index.ts`.
 */
import type { FoundDevice, FoundUser, InventorySummary } from "../contract/inventory-documents.ts";
import type { SearchQuery } from "../contract/stream-api.ts";
import type { Dialect } from "../contract/streams.ts";
import type { AssetReader, StoredAsset } from "../inventory/asset-reader.ts";
import type { EventContext } from "../inventory/facts.ts";
import type { Inventory } from "../inventory/inventory.ts";
import type { AssetQuery } from "../inventory/search.ts";
import type { StaleCause } from "../inventory/stale.ts";
import type { Result } from "../lib/result.ts";
import type { OktaApi, Page, PageRequest } from "../okta/api.ts";
import type { OktaError } from "../okta/errors.ts";
import type { BadRecord } from "../okta/records.ts";
import type { AssetPage } from "./asset-page.ts";
import type { LogRules } from "./log-effects.ts";
import type { MembershipMode } from "./plan.ts";

/** The least that a record has to say to be filed. */
export interface AssetRecord {
  readonly id: string;
  /** ISO 8601; null when Okta did not say. */
  readonly lastUpdated: string | null;
}

/** A list of Okta's, page by page. */
export type ReadList = (api: OktaApi, request: PageRequest) => Promise<Result<Page, OktaError>>;

/** How records are filed. */
export interface Filing {
  /** ms since the epoch */
  readonly now: number;
  /**
   * What revealed the change. Then whatever else has to be read of the assets is queued. Without it the records come
   * from the complete list of a full run, whose later phases read the rest.
   */
  readonly cause?: StaleCause;
}

/** A search by time for what Okta has updated. */
export interface Search {
  /** Stands in the cursor of the phase; unique in the stream. */
  readonly name: string;
  readonly read: ReadList;
  /** The first page's query. @param from ISO 8601: what was updated later is wanted */
  query(from: string): Readonly<Record<string, string>>;
  /** Files a page. @returns how many assets were new or changed */
  file(inventory: Inventory, records: readonly unknown[], found: FoundBySearch): number;
  /** What to ask where Okta does not take the query. */
  readonly otherwise?: Search;
}

export interface FoundBySearch {
  /** ms since the epoch, as the next one */
  readonly now: number;
  readonly runStartedAt: number;
}

/** What decides the order of a full run. */
export interface FullPlan {
  readonly memberships: MembershipMode;
  /** The group of everyone gives roles, so that every user may be an administrator. */
  readonly everyoneHasRoles: boolean;
}

/** Names of phases, in order. */
export type PhaseNames = readonly [string, ...string[]];

/** What a prediction can go by. */
export interface KnownCosts {
  readonly membershipCalls: number;
  /** Factors read before this are read again, ms since the epoch. */
  readonly factorsDueBefore: number;
  /** Calls for factors that the run has made already. */
  readonly factorsRead: number;
}

export interface StopReason {
  readonly code: string;
  readonly message: string;
}

/** What a search and a summary work with. */
export interface ExploreTools {
  readonly sql: SqlStorage;
  readonly inventory: Inventory;
  /** Lower-case factor types that do not count as MFA. */
  readonly ignored: readonly string[];
  /** ms since the epoch */
  readonly now: number;
}

/** Filters of a search that only some streams have. */
export type FilterName = "mfa" | "admin" | "unknown" | "group" | "platform" | "compliance" | "managed";

/** From a filter's value to what the index is asked. */
export type Filters = {
  readonly [K in FilterName]?: (
    value: NonNullable<SearchQuery[K]>,
    tools: ExploreTools,
  ) => Partial<AssetQuery>;
};

/**
 * `R` is a record as it is filed, `F` the facts that an event is made of. What takes them is written as a method, so
 * that definitions of different records fit one table: a definition is handed nothing but what it made itself.
 */
export interface StreamDefinition<R extends AssetRecord = AssetRecord, F = unknown> {
  /** Also the name of its complete list, and of the phase that reads it. */
  readonly name: string;
  /** Whether look-ups are of its assets, so that the look-up cache forgets those that changed. */
  readonly areAccounts: boolean;
  readonly words: {
    /** Heads a page: "Users". */
    readonly title: string;
    /** Heads what a search found: "People". */
    readonly foundTitle: string;
    readonly one: string;
    readonly many: string;
  };

  /** How it is read from Okta. */
  readonly source: {
    /** The complete list, and the query of its first page. */
    readonly list: ReadList;
    readonly listQuery: Readonly<Record<string, string>>;
    parse(record: unknown): Result<R, BadRecord>;
    /** One asset, whole; null when Okta has none of this id. */
    one(
      api: OktaApi,
      inventory: Inventory,
      id: string,
    ): Promise<Result<Result<R, BadRecord> | null, OktaError>>;
    readonly searches: readonly Search[];
    readonly logRules: LogRules;
    /** Why an empty list can only be a refusal; absent where it may be the truth. */
    readonly emptyList?: StopReason;
    /** Why the list is refused for good; null when it is worth waiting for. Absent: it always is. */
    refusedList?(api: OktaApi, error: OktaError): Promise<StopReason | null>;
  };

  readonly run: {
    fullPhases(plan: FullPlan): PhaseNames;
    readonly deltaPhases: PhaseNames;
    /** The calls of a full run, from what is known; null while nothing is. */
    predict(inventory: Inventory, known: KnownCosts): number | null;
  };

  /** How it is kept. Writers call within a transaction. */
  readonly store: {
    /** Files records and settles what they alone say. @returns how many were new or changed */
    file(inventory: Inventory, records: readonly R[], filing: Filing): number;
    /** Settles what only a complete list says. @param listed how many assets it showed */
    listed?(inventory: Inventory, listed: number): void;
    reader(inventory: Inventory): AssetReader<F>;
    /** How many assets have a fact unknown, by fact; facts that are known of all are left out. */
    unknownFacts(inventory: Inventory): Readonly<Record<string, number>>;
  };

  /** An asset as an event. */
  event(facts: F, context: EventContext, dialect: Dialect): unknown;

  readonly explore: {
    found(asset: StoredAsset<F>, ignored: readonly string[]): FoundUser | FoundDevice;
    /** Ids of the assets that this text names exactly: they are found first. */
    exact(inventory: Inventory, text: string): readonly string[];
    readonly filters: Filters;
    /** Whether groups are found beside the assets. */
    readonly groups: boolean;
    summarize(tools: ExploreTools): InventorySummary;
  };

  /** What the asset's page shows. */
  page(facts: F): AssetPage;
}
