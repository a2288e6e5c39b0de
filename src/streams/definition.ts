/**
 * What a stream is. A definition says how a stream is read from Okta, stored, turned into events, searched and shown
 * on an asset's page, so the code that does these things is the same for every stream. CONTRIBUTING.md lists what
 * else a new stream needs.
 */
import type { ReportedChange } from "../contract/alerts.ts";
import type { ChangeField } from "../contract/changes.ts";
import type { CopiedAssets } from "../contract/copies.ts";
import type { FoundDevice, FoundUser, InventorySummary } from "../contract/inventory-documents.ts";
import type { CheckId } from "../contract/posture.ts";
import type { SearchQuery } from "../contract/stream-api.ts";
import type { Dialect } from "../contract/streams.ts";
import type { AssetReader, StoredAsset } from "../inventory/asset-reader.ts";
import type { RecordSource } from "../inventory/assets.ts";
import type { ChangePart, StoredChange } from "../inventory/changes.ts";
import type { Facet, Standing } from "../inventory/facets.ts";
import type { EventContext } from "../inventory/facts.ts";
import type { Inventory } from "../inventory/inventory.ts";
import type { Condition } from "../inventory/search-rows.ts";
import type { StaleCause } from "../inventory/stale-kinds.ts";
import type { Result } from "../lib/result.ts";
import type { OktaApi, Page, PageRequest } from "../okta/api.ts";
import type { OktaError } from "../okta/errors.ts";
import type { BadRecord, OktaLogEvent } from "../okta/records.ts";
import type { AssetPage } from "./asset-page.ts";
import type { LogRules } from "./log-effects.ts";
import type { MembershipMode } from "./plan.ts";
import type { Check } from "./posture.ts";

/** What a record from Okta must have to be filed, that is, stored as an asset. */
export interface AssetRecord {
  readonly id: string;
  /** ISO 8601; null if Okta does not report it. */
  readonly lastUpdated: string | null;
}

/** The value of `fields`. @param attributes names of the custom profile attributes to keep */
export type Fields = (attributes: readonly string[]) => string;

/** Reads one page of an Okta list. */
export type ReadList = (api: OktaApi, request: PageRequest) => Promise<Result<Page, OktaError>>;

/** A query of a list, and how it is taken up where Okta has stopped. */
export interface ListQuery {
  /** @param from reads on from this key, which is repeated; null: from the beginning */
  query(from: string | null): Readonly<Record<string, string>>;
  /** The key of a record of the list, which comes in the order of its keys; null if it has none. Absent if it has no order. */
  keyOf?(record: unknown): string | null;
}

/** A way to read a list whole: queries that are followed to their ends one after another. */
export type ListWay = readonly [ListQuery, ...ListQuery[]];

/** A change that people may want to hear of at once. */
export interface ToldChange extends Pick<ReportedChange, "code" | "count" | "names" | "by"> {}

/** A moment by two clocks, ms since the epoch. */
export interface Moment {
  readonly byOkta: number;
  readonly byUs: number;
}

/** How records were read, and when and why they are filed. */
export interface Filing extends RecordSource {
  /** ms by Okta's clock */
  readonly now: number;
  /**
   * What revealed the change. If it is given, everything else that has to be read about the assets is queued.
   * Without it the records come from the complete list of a full run, whose other phases read everything else.
   */
  readonly cause?: StaleCause;
  /**
   * For records of a full run's list: what happened after this may have been missed by the phases before it, ms by
   * Okta's clock.
   */
  readonly passedSince?: number;
}

/** A search by time for what Okta has updated. */
export interface Search {
  /** Stored in the cursor of the phase; unique in the stream. */
  readonly name: string;
  readonly read: ReadList;
  /** What it asks for, where Okta takes `fields`; absent if whole records are needed. */
  readonly fields?: Fields;
  /** The query of the first page. @param from ISO 8601; find what was updated after this */
  query(from: string): Readonly<Record<string, string>>;
  /** Files a page of unparsed records. @returns how many assets were new or changed */
  file(inventory: Inventory, records: readonly unknown[], found: FoundBySearch): number;
  /** The same search in an order in which it can be taken up, if Okta does not let us follow it to its end. */
  inParts?(from: string): ListQuery;
  /** The search to use instead if Okta refuses this query. What is used instead is remembered for a day. */
  readonly otherwise?: Search;
}

/** When a search found records. */
export interface FoundBySearch {
  /** ms by Okta's clock */
  readonly now: number;
  /** When the page was asked for, ms since the epoch by our clock. */
  readonly listedAt: number;
  /** Names of the custom profile attributes to keep. */
  readonly attributes: readonly string[];
}

/** What determines the phases of a full run. */
export interface FullPlan {
  readonly memberships: MembershipMode;
  /** Whether memberships were never read completely before. */
  readonly isFirst: boolean;
}

/** Names of phases, in order. */
export type PhaseNames = readonly [string, ...string[]];

/** What the prediction of a run's calls is based on, besides the inventory. */
export interface KnownCosts {
  /** How many calls reading the memberships takes, as planned; see `planMemberships`. */
  readonly membershipCalls: number;
  /** Factors that were read before this are read again, ms since the epoch. */
  readonly factorsDueBefore: number;
  /** Calls for factors that the run has already made. */
  readonly factorsRead: number;
}

/** Why a run cannot continue: the code and message of its error. */
export interface StopReason {
  readonly code: string;
  /** For people: what is wrong, and what to do about it. */
  readonly message: string;
}

/** What searches and summaries work with. */
export interface ExploreTools {
  readonly inventory: Inventory;
  /** Lower-case factor types that do not count as MFA. */
  readonly ignored: readonly string[];
  /** ms since the epoch */
  readonly now: number;
  /** The groups whose members are excepted from a check of posture at present. */
  readonly excepted: (check: CheckId) => readonly string[];
}

/** The filters of a search that only some streams have. */
export const filterNames = [
  "mfa",
  "phishingResistant",
  "factor",
  "admin",
  "role",
  "unknown",
  "group",
  "department",
  "lastLoginBefore",
  "dormantDays",
  "platform",
  "compliance",
  "managed",
  "posture",
] as const;
export type FilterName = (typeof filterNames)[number];

/** What a filter asks for. */
export interface Filter {
  /** Which facets of assets meet it; absent if any may. */
  readonly fits?: (facet: Facet) => boolean;
  /** What else they must meet. */
  readonly where?: readonly Condition[];
}

/** For each filter of the stream: turns the filter's value into what it asks for. */
export type Filters = {
  readonly [K in FilterName]?: (value: NonNullable<SearchQuery[K]>, tools: ExploreTools) => Filter;
};

/**
 * One stream. `R` is a record as it is filed, `F` the facts that an event is made of. Members that take an `R` or
 * an `F` are methods, whose parameters TypeScript compares less strictly than those of functions. So definitions with
 * different records fit into one table. That is safe because a definition only ever gets records and facts that it
 * made itself.
 */
export interface StreamDefinition<R extends AssetRecord = AssetRecord, F = unknown> {
  /** The stream's name; also the name of its complete list, and of the phase that reads this list. */
  readonly name: string;
  /**
   * Whether its assets are accounts that can be looked up, so that the look-up cache must forget those that
   * changed.
   */
  readonly areAccounts: boolean;
  readonly words: {
    /** The title of its pages: "Users". */
    readonly title: string;
    /** The title above its search results: "People". */
    readonly foundTitle: string;
    readonly one: string;
    readonly many: string;
  };

  /** How the stream is read from Okta. */
  readonly source: {
    /** The complete list. */
    readonly list: ReadList;
    /** The query of the complete list's first page. */
    readonly listQuery: Readonly<Record<string, string>>;
    /** Other ways to read the complete list, for orgs that do not let us follow that query to its end. */
    readonly otherWays?: readonly ListWay[];
    /**
     * What the complete list is asked for, where Okta takes `fields`; absent if whole records are needed. An answer of a
     * list with `expand` is needed whole: Okta does not say that `fields` leaves what was expanded in it.
     */
    readonly fields?: Fields;
    /**
     * Reads one record of the list. Error: the record cannot be filed.
     * @param attributes names of the custom profile attributes to keep
     */
    parse(record: unknown, attributes: readonly string[]): Result<R, BadRecord>;
    /**
     * Reads one complete asset by its id. Null if Okta has none with this id; the inner error is a record that cannot
     * be filed.
     * @param attributes as in `parse`
     */
    one(
      api: OktaApi,
      inventory: Inventory,
      id: string,
      attributes: readonly string[],
    ): Promise<Result<Result<R, BadRecord> | null, OktaError>>;
    readonly searches: readonly Search[];
    readonly logRules: LogRules;
    /** The change that a log event tells of, if people may want to hear of it; null for any other event. */
    change?(inventory: Inventory, event: OktaLogEvent): ToldChange | null;
    /** Why a run stops when the list is empty and no asset is known; absent if a stream without assets is normal. */
    readonly emptyList?: StopReason;
    /** Why Okta refuses the list permanently; null if waiting may help. Absent if waiting may always help. */
    refusedList?(api: OktaApi, error: OktaError): Promise<StopReason | null>;
  };

  readonly run: {
    /** The phases of a full run. */
    fullPhases(plan: FullPlan): PhaseNames;
    readonly deltaPhases: PhaseNames;
    /** How many calls a full run makes, from what is known; null while nothing is known. */
    predict(inventory: Inventory, known: KnownCosts): number | null;
  };

  /** How the stream is stored. Callers of `file` and `listed` open the transaction. */
  readonly store: {
    /** Files records, and stores what follows from these records alone. @returns how many were new or changed */
    file(inventory: Inventory, records: readonly R[], filing: Filing): number;
    /**
     * Stores what only a complete list shows.
     * @param listed how many assets it showed
     * @param since what happened before this is in the list and in what the run has read before it
     */
    listed?(inventory: Inventory, listed: number, since: Moment): void;
    reader(inventory: Inventory): AssetReader<F>;
    /** For how many assets each fact is unknown; facts that are known for all assets are left out. */
    unknownFacts(inventory: Inventory, facets: readonly Standing[]): Readonly<Record<string, number>>;
  };

  /**
   * The version of what `event` makes, from 1. Add one with a change of the code that makes another event of the same
   * facts: then all assets get new sequence numbers, so that no id ever stands for two contents.
   */
  readonly mapping: number;
  /** An asset as an event. */
  event(facts: F, context: EventContext, dialect: Dialect): unknown;
  /** What is said of a change. @param ignored lower-case factor types that do not count as MFA */
  changeFields(change: StoredChange, ignored: readonly string[]): readonly ChangeField[];
  /** The parts of which a change can have this field. */
  partsWith(field: string): readonly ChangePart[];

  readonly explore: {
    /** An asset as a search shows it. @param ignored lower-case factor types that do not count as MFA */
    found(asset: StoredAsset<F>, ignored: readonly string[]): FoundUser | FoundDevice;
    /** The ids of assets that have exactly this name or id. A search shows them first. */
    exact(inventory: Inventory, text: string): readonly string[];
    readonly filters: Filters;
    readonly checks: Readonly<Partial<Record<CheckId, Check>>>;
    /** Whether a search also finds groups. */
    readonly groups: boolean;
    /** The totals of the stream. */
    summarize(tools: ExploreTools): InventorySummary;
  };

  /**
   * A page of what the connection's other stream keeps of this one: of assets with a greater sequence number, in order.
   * Absent if it keeps nothing.
   */
  copied?(inventory: Inventory, after: number): CopiedAssets;

  /** The content of an asset's page. */
  page(facts: F): AssetPage;
}
