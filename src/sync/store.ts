/** What syncing stores beside the inventory: the runs in progress, the runs before them, and small values by name. */
import type { ReportedChange } from "../contract/alerts.ts";
import type { RunKind } from "../contract/status.ts";
import type { HeldState } from "../explore/explorer.ts";
import type { HourPosition } from "../inventory/factors.ts";
import type { Meta } from "../inventory/meta.ts";
import type { SpentQuota } from "../lib/quota.ts";
import type { Since } from "./attention.ts";
import type { HookState } from "./hooks.ts";
import type { OrgIdentity } from "./org-identity.ts";
import type { Lost } from "./permissions.ts";
import { type Run, storedRun } from "./run.ts";
import type { Schedule } from "./schedule.ts";

/** Where polling of the System Log stands. */
export interface LogState {
  /** Okta's URL for the next page; null if polling is still to begin. */
  readonly next: string | null;
  /** From when it is to begin, ms by Okta's clock. */
  readonly since?: number;
  /** When `next` was last followed, or when it was decided from when polling is to begin: ms since the epoch by our clock. */
  readonly polledAt: number;
  /** When the page was asked for that showed that there was nothing more, ms since the epoch by our clock. */
  readonly endedAt?: number;
  /** The filter with which it was begun. Version 0.1.0 did not store it; its rules were those of the next version. */
  readonly filter?: string;
  /** Its pages are smaller than they could be, because Okta took too long for a whole one. */
  readonly isShrunk?: boolean;
}

/** When the copy is to be brought forward, ms since the epoch, and how often that was tried. */
export interface CopyDue {
  readonly at: number;
  readonly tries: number;
}

/** The values that syncing keeps in the inventory's table `meta`. */
export interface SyncMeta {
  /** The full run in progress: the sweep lane. */
  full: Run;
  /** The delta run in progress: the follow lane. */
  delta: Run;
  /** The id of the delta run that is to poll once more before it ends. */
  pollAgain: string;
  log: LogState;
  /** The org whose inventory this is. */
  org: OrgIdentity;
  /** How many runs, one after another, could not read each of these things, as `kind/id`. */
  postponed: Readonly<Record<string, number>>;
  /** What is remembered of event hooks. */
  hooks: HookState;
  /** The deletions that wait for a person. */
  held: HeldState;
  /** Changes that somebody wants to hear of, and has not been told yet. */
  changes: readonly ReportedChange[];
  /** Since when each thing that needs a person is known. */
  attentionSince: Since;
  /** Quotas of Cloudflare's that others than the stream have found used up. */
  quotas: readonly SpentQuota[];
  /**
   * The last user whose hour has come whose factors the delta runs have looked at, and how long a period was then; see
   * `inventory/hours.ts`.
   */
  hours: HourPosition & { readonly periodMs: number };
  /** The kinds of fact that Okta refuses to show. */
  lost: Lost;
  /** A full run is due, because Okta shows groups again that it had refused. */
  fullDue: true;
  /** Okta shows factors again that it had refused before this, ms since the epoch. */
  factorsBackAt: number;
  /** The next full run reads all factors again that were read before this, ms since the epoch by our clock. */
  factorsDue: number;
  /** The custom profile attributes that were last asked for; see `profile-attributes.ts`. */
  attributes: readonly string[];
  /** Whether the org takes `fields`, and when that was found, ms since the epoch. */
  fields: { readonly taken: boolean; readonly at: number };
  /** Up to when the searches have covered changes, ms by Okta's clock. */
  watermarks: { readonly searchedAt: number };
  /** What is used instead of a search that Okta refused, null for nothing, and since when, ms since the epoch; by its name. */
  searchWays: Readonly<Record<string, { readonly way: string | null; readonly at: number }>>;
  /** In which way the complete list was last read to its end, if not in the preferred one; `at` is when it first was. */
  listWay: { readonly way: number; readonly at: number };
  schedule: Schedule;
  /** Okta's clock minus ours, ms, as last measured. */
  skew: number;
  /** The names of the sinks that know this stream. */
  sinks: readonly string[];
  /** The full run of which sinks are to store a snapshot, and the names of the sinks; null: all of them. */
  snapshotDue: { readonly runId: string; readonly sinks: readonly string[] | null };
  /** All cached look-ups are to be forgotten, from this cursor of the cache on; null: from the beginning. */
  forgetAll: { readonly cursor: string | null };
  /** The copy of the other stream is to be brought forward. */
  copyDue: CopyDue;
  /** Accounts whose cached look-ups are still to be forgotten, next ones first. */
  toForget: readonly string[];
}

/** How many finished runs of each kind are kept. Event hooks start many delta runs. */
const HISTORY: Readonly<Record<RunKind, number>> = { full: 30, delta: 70 };

/** The stream's runs in progress, at most one of each kind, and its finished runs. Callers open the transaction. */
export class Runs {
  readonly #sql: SqlStorage;
  readonly #meta: Meta<SyncMeta>;
  /**
   * The ids of the runs in progress; null if there is none of this kind, undefined until it is known. Every
   * transaction of a run needs them, so they are not read each time. `current`, which every alarm calls first, reads
   * them again, in case a transaction was rolled back.
   */
  readonly #ids: Record<RunKind, string | null | undefined> = { full: undefined, delta: undefined };

  constructor(sql: SqlStorage, meta: Meta<SyncMeta>) {
    this.#sql = sql;
    this.#meta = meta;
  }

  /** The run of this kind that is in progress; null if there is none. */
  current(kind: RunKind): Run | null {
    const run = this.#meta.get(kind);
    this.#ids[kind] = run?.id ?? null;
    return run && storedRun(run);
  }

  /** After the tables were made anew. */
  forgetIds(): void {
    this.#ids.full = undefined;
    this.#ids.delta = undefined;
  }

  /** All runs in progress: the full run first. */
  inProgress(): Run[] {
    return [this.current("full"), this.current("delta")].filter((run) => run !== null);
  }

  /** Whether a run of this kind is in progress. */
  has(kind: RunKind): boolean {
    if (this.#ids[kind] === undefined) this.current(kind);
    return this.#ids[kind] !== null;
  }

  /** Whether this run is in progress. */
  isCurrent({ kind, id }: Pick<Run, "kind" | "id">): boolean {
    if (this.#ids[kind] === undefined) this.current(kind);
    return this.#ids[kind] === id;
  }

  /** Stores the run as the one of its kind that is in progress. */
  save(run: Run): void {
    this.#meta.set(run.kind, run);
    this.#ids[run.kind] = run.id;
  }

  /** Moves a finished run to the history, which keeps the last 100: 30 full runs and 70 delta runs. */
  archive(run: Run): void {
    this.#meta.delete(run.kind);
    this.#ids[run.kind] = null;
    this.#sql.exec(
      "INSERT OR REPLACE INTO runs (started_at, id, document) VALUES (?, ?, ?)",
      run.startedAt,
      run.id,
      JSON.stringify(run),
    );
    this.#sql.exec(
      `DELETE FROM runs WHERE document ->> '$.kind' = ?1 AND (started_at, id) NOT IN
       (SELECT started_at, id FROM runs WHERE document ->> '$.kind' = ?1 ORDER BY started_at DESC, id DESC LIMIT ?2)`,
      run.kind,
      HISTORY[run.kind],
    );
  }

  /** Ends the wait of the runs that ended as `held`, once their deletions are settled. */
  settleHeld(): void {
    this.#sql.exec(
      "UPDATE runs SET document = json_set(document, '$.state', 'done') WHERE document ->> '$.state' = 'held'",
    );
  }

  /** Finished runs, newest first. */
  history(): Run[] {
    return this.#sql
      .exec<{ document: string }>("SELECT document FROM runs ORDER BY started_at DESC, id DESC")
      .toArray()
      .map(({ document }) => storedRun(JSON.parse(document)));
  }
}
