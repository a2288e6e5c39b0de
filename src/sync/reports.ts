/**
 * What a stream reports to others: new events and completed full runs to the sinks, changed accounts to the look-up
 * cache. All of it is best effort: none of it can fail a run or keep another from being told, and what did not work is
 * repeated.
 */
import type { StreamIdentity } from "../contract/objects.ts";
import type { Assets } from "../inventory/assets.ts";
import type { Meta } from "../inventory/meta.ts";
import { errorFields, log } from "../lib/log.ts";
import type { Run } from "./run.ts";
import type { SyncMeta } from "./store.ts";

/** During a run, sinks learn of new events at most this often, and at its end. */
const TELL_SINKS_EVERY_MS = 5_000;
/** How many accounts have their cached look-ups forgotten after one slice, at most. The others wait for the next. */
const FORGET_AT_ONCE = 300;
/** How often a part of all look-ups is forgotten after one slice, at most. */
const FORGET_ALL_TIMES = 5;
/** How many may wait, at most. The cached look-ups of others expire after ENRICHMENT_TTL_SECONDS. */
const MAX_TO_FORGET = 2_000;

/** Those to whom a stream reports. None of these functions throws, except for `forgetAll`. */
export interface Listeners {
  /**
   * Tells the sinks the greatest sequence number, and removes what sinks that are gone have left.
   * @param known the names that the last call returned
   * @returns the names to pass as `known` next time
   */
  readonly wakeSinks: (head: number, known: readonly string[]) => Promise<readonly string[]>;
  /**
   * After a complete full run: lets the sinks that can (R2) store a copy of the inventory.
   * @param only the names of the sinks that are asked; null: all of them
   * @returns the names of those that could not be reached
   */
  readonly snapshotSinks: (runId: string, only: readonly string[] | null) => Promise<readonly string[]>;
  /** Forgets cached look-ups of these assets. @returns the ids of those for which that failed */
  readonly forget: (ids: readonly string[]) => Promise<readonly string[]>;
  /**
   * Forgets some of all cached look-ups.
   * @param cursor what the last call returned; null begins anew
   * @returns the cursor of the rest; null if nothing is left
   */
  readonly forgetAll: (cursor: string | null) => Promise<string | null>;
  /** Keeps the object in memory until the work is done: `ctx.waitUntil`. */
  readonly background: (work: Promise<void>) => void;
}

interface ReportsDeps extends Listeners {
  readonly identity: StreamIdentity;
  readonly meta: Meta<SyncMeta>;
  readonly assets: Assets;
  /** Whether the assets are accounts, which can be looked up. */
  readonly areAccounts: boolean;
  /** ms since the epoch */
  readonly now: () => number;
}

/** The reports of one stream. */
export class Reports {
  readonly #deps: ReportsDeps;
  /** The accounts that have changed since the cache was asked to forget some; null if it is not being asked. */
  #changedMeanwhile: Set<string> | null = null;
  #forgettingAll = false;
  /** When the sinks were last told, ms since the epoch. */
  #toldAt = 0;

  constructor(deps: ReportsDeps) {
    this.#deps = deps;
  }

  /** Notes that sinks are to store a copy of the inventory. The caller opens the transaction. */
  wantSnapshots(runId: string): void {
    this.#deps.meta.set("snapshotDue", { runId, sinks: null });
  }

  /**
   * Takes note of the accounts that a run has just changed, so that the cache forgets them even if the object leaves
   * memory before. The caller opens the transaction.
   */
  noteChanged(run: Run): void {
    const { meta, assets, areAccounts } = this.#deps;
    const changed = assets.takeChanged();
    // To the first run every account is new, which does not mean that it has changed in Okta.
    if (changed.length === 0 || !areAccounts || run.cause === "first") return;
    for (const id of changed) this.#changedMeanwhile?.add(id);
    const ids = new Set([...changed, ...(meta.get("toForget") ?? [])]);
    meta.set("toForget", [...ids].slice(0, MAX_TO_FORGET));
  }

  /** Notes accounts of which something else has changed that look-ups tell. The caller opens the transaction. */
  noteOthers(changed: readonly string[]): void {
    const { meta, areAccounts } = this.#deps;
    if (changed.length === 0 || !areAccounts) return;
    for (const id of changed) this.#changedMeanwhile?.add(id);
    // What Okta says of an account itself goes before it.
    const ids = new Set([...(meta.get("toForget") ?? []), ...changed]);
    meta.set("toForget", [...ids].slice(0, MAX_TO_FORGET));
  }

  /** Has the cache forget the accounts that were noted, in the background. Never throws. */
  forget(): void {
    this.#deps.background(this.#guarded("forget_threw", () => this.#forgetChanged()));
  }

  /**
   * Reports what a slice has changed. Waits for the sinks, not for the cache. Never throws.
   * @param now whether the sinks are to be told even if they have been told a moment ago
   */
  async afterSlice(now: boolean): Promise<void> {
    this.forget();
    this.#deps.background(this.#guarded("forget_threw", () => this.#forgetAll()));
    if (now || this.#deps.now() - this.#toldAt > TELL_SINKS_EVERY_MS) await this.toSinks();
  }

  /** Tells the sinks where the stream stands, and asks them for the snapshot that is due, if one is. Never throws. */
  async toSinks(): Promise<void> {
    await this.#guarded("sinks_threw", async () => {
      await this.#wakeSinks();
      await this.#takeSnapshots();
    });
  }

  async #guarded(event: string, work: () => Promise<void>): Promise<void> {
    try {
      await work();
    } catch (error) {
      log("error", event, { ...this.#deps.identity, ...errorFields(error) });
    }
  }

  async #wakeSinks(): Promise<void> {
    const { meta, assets, wakeSinks, now } = this.#deps;
    this.#toldAt = now();
    const before = meta.get("sinks") ?? [];
    const known = await wakeSinks(assets.head, before);
    if (JSON.stringify(known) !== JSON.stringify(before)) meta.set("sinks", known);
  }

  /** Those that cannot be reached are asked again next time. */
  async #takeSnapshots(): Promise<void> {
    const { meta, snapshotSinks } = this.#deps;
    const due = meta.get("snapshotDue");
    if (due === null) return;
    const unreached = await snapshotSinks(due.runId, due.sinks);
    // Meanwhile a newer full run may have ended.
    if (meta.get("snapshotDue")?.runId !== due.runId) return;
    if (unreached.length === 0) meta.delete("snapshotDue");
    else meta.set("snapshotDue", { runId: due.runId, sinks: unreached });
  }

  /** Notes that what the cache has is of another org. The caller opens the transaction. */
  wantAllForgotten(): void {
    if (this.#deps.areAccounts) this.#deps.meta.set("forgetAll", { cursor: null });
  }

  async #forgetAll(): Promise<void> {
    const { meta, forgetAll } = this.#deps;
    if (this.#forgettingAll) return; // the next slice goes on
    this.#forgettingAll = true;
    try {
      for (let times = 0; times < FORGET_ALL_TIMES; times++) {
        const due = meta.get("forgetAll");
        if (due === null) return;
        const cursor = await forgetAll(due.cursor);
        if (cursor === null) meta.delete("forgetAll");
        else meta.set("forgetAll", { cursor });
      }
    } finally {
      this.#forgettingAll = false;
    }
  }

  /** Has the cache forget accounts that have changed. Those for which that fails come last next time. */
  async #forgetChanged(): Promise<void> {
    if (this.#changedMeanwhile !== null) return; // the next slice goes on
    const { meta, forget } = this.#deps;
    const asked = (meta.get("toForget") ?? []).slice(0, FORGET_AT_ONCE);
    if (asked.length === 0) return;
    const again = new Set<string>();
    this.#changedMeanwhile = again;
    try {
      const failed = new Set(await forget(asked));
      const settled = new Set(asked.filter((id) => !again.has(id)));
      const others = (meta.get("toForget") ?? []).filter((id) => !settled.has(id));
      const left = [...others, ...[...settled].filter((id) => failed.has(id))];
      if (left.length > 0) meta.set("toForget", left);
      else meta.delete("toForget");
    } finally {
      this.#changedMeanwhile = null;
    }
  }
}
