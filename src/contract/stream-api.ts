/**
 * The methods of an InventoryStream that do not involve the inventory's facts; `inventory/api.ts` has those that do.
 * Arguments and results are plain data. Methods are only ever added: during a gradual deployment, objects of two
 * versions call each other.
 */
import type { Result } from "../lib/result.ts";
import type { ChangeKind, HistoryPage, RecentChanges } from "./changes.ts";
import type { HeldDeletions, InventorySummary, SearchResults } from "./inventory-documents.ts";
import type { OrgVerdict } from "./org.ts";
import type { CheckId, PosturePoint, StreamPosture } from "./posture.ts";
import type { RunDocument, RunKind, StreamStatus } from "./status.ts";
import type { Dialect } from "./streams.ts";

/**
 * Why a stream refuses: its settings are invalid, the thing does not exist, its state does not allow it, or Okta does
 * not answer.
 */
export interface StreamRefusal {
  readonly code: "misconfigured" | "not_found" | "conflict" | "unavailable";
  readonly message: string;
}

/** Which events to read, and in which form. */
export interface EventsQuery {
  /** Only events with a greater sequence number. */
  readonly after: number;
  /** 1–10,000; a page of large events may hold fewer. */
  readonly limit: number;
  readonly dialect: Dialect;
  /** Leave out keys whose value is null, as Sekoia.io's intake requires. */
  readonly omitNulls?: boolean;
  /** Each change is an event of its own as well, in the `ocsf` dialect only. */
  readonly changes?: true;
}

/** One page of events. */
export interface EventsPage {
  /** In order of sequence number. */
  readonly events: readonly StoredEvent[];
  /** The greatest sequence number on this page, or `after` if the page is empty. */
  readonly last: number;
  /** The greatest sequence number of the stream. */
  readonly head: number;
  /** The identity of the inventory that the numbers belong to. Objects of version 0.1.0 do not name it. */
  readonly inventory?: string;
  /**
   * Assets are getting new numbers, so no events can be read at present: there are none on this page, and both `last` and
   * `head` are `after`.
   */
  readonly settling?: true;
}

/** The newest event of one asset, or the event of a change. */
export interface StoredEvent {
  /** `<connection>/<stream>/<asset id>/<sequence>`. */
  readonly id: string;
  /** What a newer event with the same takes the place of: the asset's id, or of a change `<asset id>/<first sequence>`. */
  readonly assetId: string;
  /** Of a change, the id of the asset or group that has changed. */
  readonly changed?: string;
  readonly sequence: number;
  /** When this content was stored, ms since the epoch. */
  readonly changedAt: number;
  /** The event on one line. */
  readonly json: string;
}

/** Which changes to read. */
export interface ChangesQuery {
  /** Only changes with a greater sequence number. */
  readonly after: number;
  /** 1–10,000; a page of large changes may hold fewer. */
  readonly limit: number;
}

/** One page of changes. */
export interface ChangesPage extends Pick<EventsPage, "last" | "head"> {
  /** In order of sequence number, each as JSON on one line; see `changeSchema`. */
  readonly changes: readonly { readonly sequence: number; readonly json: string }[];
  /** The identity of the inventory that the numbers belong to. */
  readonly inventory: string;
  /** Whether there may be more of them. */
  readonly more: boolean;
}

/** Which changes of an asset to read. */
export interface HistoryQuery {
  /** `next` of the previous page; absent for the first one. */
  readonly after?: string;
  /** 1–1,000. */
  readonly limit: number;
}

/** Which of the newest changes to find. A change must meet every condition that is given. */
export interface RecentChangesQuery {
  /** `next` of the previous page; absent for the first one. */
  readonly before?: string;
  /** 1–200. */
  readonly limit: number;
  readonly kinds?: readonly ChangeKind[];
  /** Changes of at least one of these fields, as changes name them. */
  readonly fields?: readonly string[];
  /** Part of the name or login of whoever made it, or the id. */
  readonly actor?: string;
  /** Part of the name of what has changed or of a group that was joined or left, or the id. */
  readonly text?: string;
  /** Changes that happened then or later; ISO 8601. */
  readonly from?: string;
  /** Changes that happened before; ISO 8601. */
  readonly to?: string;
}

/** What to find. An asset must meet every condition that is given. */
export interface SearchQuery {
  /** Words; each must begin one of the asset's names, e-mail addresses, login, id, serial number or other numbers. */
  readonly q?: string;
  /** As Okta spells it. */
  readonly status?: string;
  /** Finds only users that are not DEPROVISIONED. */
  readonly mfa?: "enrolled" | "not_enrolled" | "unknown";
  /** Only users that are not DEPROVISIONED, by whether a factor of theirs resists phishing. */
  readonly phishingResistant?: boolean | "unknown";
  /** Users by whether they have an active role, assigned directly or through a group. */
  readonly admin?: boolean | "unknown";
  /** Users who surely have an active role with this label, whatever its case. */
  readonly role?: string;
  /** Users who are not DEPROVISIONED and have an active factor of this name, as look-ups name it. */
  readonly factor?: string;
  /** Users of this department, whatever its case. */
  readonly department?: string;
  /** Users who have signed in, and before this the last time; ISO 8601. */
  readonly lastLoginBefore?: string;
  /** ACTIVE users who have signed in, but not for so many days. */
  readonly dormantDays?: number;
  /** Assets that were created in Okta after this; ISO 8601. */
  readonly createdAfter?: string;
  /** Users for whom this fact is unknown. */
  readonly unknown?: "factors" | "groups" | "roles";
  /** Members of the group with this id. */
  readonly group?: string;
  /** A device's platform, as the summary names it. */
  readonly platform?: string;
  /** A device's compliance status, as the summary names it. */
  readonly compliance?: string;
  readonly managed?: boolean | "unknown";
  /** Assets of which a check of posture is true, those of excepted groups left out. */
  readonly posture?: CheckId;
  /** Assets whose deletion waits for a person. */
  readonly held?: true;
  /** True: only tombstones. False: only assets that exist. By default both if `q` is given, else those that exist. */
  readonly deleted?: boolean;
  /** The order, if not that in which the assets were first filed. */
  readonly sort?: "name" | "status" | "last_login" | "created" | "changed";
  readonly descending?: boolean;
  /** `next` of the previous page; 0 for the first page. */
  readonly after: number | string;
  /** 1–1,000. */
  readonly limit: number;
  /** `groups_next` of the previous page of groups. */
  readonly groupsAfter?: string;
}

/** What metrics tell of a stream. */
export interface Measurements {
  readonly status: StreamStatus;
  /** Null before the first run has succeeded. */
  readonly posture: PosturePoint | null;
}

/** The source of the events that a delivery sends. */
export interface EventSource {
  /** The newest event of each asset that changed after `query.after`. */
  events(query: EventsQuery): Promise<EventsPage>;
}

export interface StreamApi extends EventSource {
  /** Whether anything is stored. Stores nothing itself. */
  holds(): Promise<boolean>;
  status(): Promise<StreamStatus>;
  /**
   * Starts a run; the first run is always a full one. A full run and a delta run can be in progress at the same time.
   * If one of this kind is in progress, returns it with `started` false: a run that waits after a failure continues at
   * once, and a delta run polls once more before it ends. Error: `misconfigured`.
   */
  startRun(kind: RunKind): Promise<Result<{ started: boolean; run: RunDocument }, StreamRefusal>>;
  /**
   * Cancels the full run in progress, or else the delta run. Everything already stored stays. Error: `not_found` if no
   * run is in progress.
   */
  cancelRun(): Promise<Result<RunDocument, StreamRefusal>>;
  /**
   * Forgets the inventory and starts the first run of the org that is there now. Finished runs stay.
   * @param orgId Okta's id of that org. Errors: `conflict` if it is another one's, `unavailable` if the org does not
   *   tell its id, `misconfigured`
   */
  reset(orgId: string): Promise<Result<RunDocument, StreamRefusal>>;
  /** Whether the org that answers is the one whose inventory is stored; asks it if the settings have changed. */
  orgVerdict(): Promise<OrgVerdict>;
  /** The runs in progress and finished ones, newest first, at most 100. */
  runs(): Promise<readonly RunDocument[]>;
  /**
   * Releases held deletions: each asset is still confirmed by its id before it is deleted.
   * @returns how many were released, and the run that looks for them; objects before version 0.2.0 leave out the run.
   *   Error: `conflict` if none are held
   */
  confirmDeletions(): Promise<Result<{ confirmed: number; run?: RunDocument }, StreamRefusal>>;
  /** One page of held deletions, in order of id. @param after an id, or "" for the first page */
  heldDeletions(after: string, limit: number): Promise<HeldDeletions>;
  /** The ids of the users who are linked to a device, deleted or not; null if the device is not known. */
  linkedUsers(deviceId: string): Promise<readonly string[] | null>;
  /** The newest event of one asset, deleted or not; null if the asset is not known. */
  event(assetId: string, dialect: Dialect): Promise<StoredEvent | null>;
  /** One page of all changes after a sequence number. */
  changes(query: ChangesQuery): Promise<ChangesPage>;
  /** One page of what has changed about an asset or a group, newest first; null if it is not known. */
  history(id: string, query: HistoryQuery): Promise<HistoryPage | null>;
  /** The newest changes that meet the conditions. It looks at some thousand changes at most. */
  recentChanges(query: RecentChangesQuery): Promise<RecentChanges>;
  /** Totals. They are counted at most once every two seconds and can be up to a minute old. */
  summary(): Promise<InventorySummary>;
  /**
   * How many assets each check of posture counts now.
   * @param withTrend whether the points of past days are wanted as well
   */
  posture(withTrend: boolean): Promise<StreamPosture>;
  /** The status, and the newest point of posture: all that metrics are made of. */
  measurements(): Promise<Measurements>;
  /** One page of the assets that match. */
  search(query: SearchQuery): Promise<SearchResults>;
  /**
   * Called by each cron, with the kind of run that it asks for. Starts the runs that are due, or revives runs whose
   * alarm was dropped.
   */
  wake(kind: RunKind): Promise<void>;
  /** Tells whom it concerns what needs a person now, also what its sinks need. */
  watch(): Promise<void>;
  /**
   * An event hook has come that names something of this stream: the log is polled, at most once in 5 seconds.
   * @param uuids the log events that it names, for which the log is polled again after 5 and 15 s if need be
   */
  hook(uuids: readonly string[]): Promise<void>;
}
