/**
 * What the rest of the Worker may ask of an InventoryStream, as far as it can be said without the inventory's
 * facts (`inventory/api.ts` has those). Everything that crosses is plain data. Methods are only ever added: while a
 * new version is deployed gradually, objects of two versions call each other.
 */
import type { Result } from "../lib/result.ts";
import type { InventorySummary, SearchResults } from "./inventory-documents.ts";
import type { RunDocument, RunKind, StreamStatus } from "./status.ts";
import type { Dialect } from "./streams.ts";

/** Why a stream cannot answer: a setting is wrong, or what was asked for does not exist. */
export interface StreamRefusal {
  readonly code: "misconfigured" | "not_found" | "conflict";
  readonly message: string;
}

export interface EventsQuery {
  /** Only events with a greater sequence number. */
  readonly after: number;
  /** 1–1000. */
  readonly limit: number;
  readonly dialect: Dialect;
  /** Leave out nulls, as the Sekoia.io wire format wants it. */
  readonly omitNulls?: boolean;
}

export interface EventsPage {
  /** In sequence order; `json` is one event on one line, `id` is its `<connection>/<stream>/<asset id>/<sequence>`. */
  readonly events: readonly StoredEvent[];
  /** The greatest sequence number in this page, or `after` when it is empty. */
  readonly last: number;
  /** The greatest sequence number of the stream. */
  readonly head: number;
}

export interface StoredEvent {
  readonly id: string;
  readonly assetId: string;
  readonly sequence: number;
  /** When this content was stored, ms since the epoch. */
  readonly changedAt: number;
  readonly json: string;
}

/** What to find; all that is given must hold. */
export interface SearchQuery {
  /** Words, each the beginning of one that the asset is known by: names, e-mail, login, id, serial number. */
  readonly q?: string;
  /** As Okta spells it. */
  readonly status?: string;
  /** Of users that are not DEPROVISIONED. */
  readonly mfa?: "enrolled" | "not_enrolled" | "unknown";
  readonly admin?: true;
  /** Users who have this fact unknown. */
  readonly unknown?: "factors" | "groups" | "roles";
  /** A group's id. */
  readonly group?: string;
  /** As the summary of devices names it, as the next one. */
  readonly platform?: string;
  readonly compliance?: string;
  readonly managed?: boolean | "unknown";
  /** True: tombstones alone; false: those that exist. Without it: those that exist, and with `q` both. */
  readonly deleted?: boolean;
  /** `next` of the page before, 0 at first. */
  readonly after: number;
  /** 1–100. */
  readonly limit: number;
}

/** Where events come from: what a delivery needs of a stream. */
export interface EventSource {
  events(query: EventsQuery): Promise<EventsPage>;
}

export interface StreamApi extends EventSource {
  status(): Promise<StreamStatus>;
  /** Starts a run; `started` is false when one was in progress already and that one is returned. */
  startRun(kind: RunKind): Promise<Result<{ started: boolean; run: RunDocument }, StreamRefusal>>;
  /** Cancels the current run; everything already stored stays. `not_found` when none is in progress. */
  cancelRun(): Promise<Result<RunDocument, StreamRefusal>>;
  /** Newest first, at most 100. */
  runs(): Promise<readonly RunDocument[]>;
  /** Lets held-back deletions go on; `conflict` when nothing is held. */
  confirmDeletions(): Promise<Result<{ confirmed: number }, StreamRefusal>>;
  /** The newest event of one asset, deleted ones included. */
  event(assetId: string, dialect: Dialect): Promise<StoredEvent | null>;
  /** Totals; counted again at most every two seconds. */
  summary(): Promise<InventorySummary>;
  search(query: SearchQuery): Promise<SearchResults>;
  /** Called by crons. `full` or `delta` says which cron; also revives a stream whose alarm was dropped. */
  wake(kind: RunKind): Promise<void>;
}
