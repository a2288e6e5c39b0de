/**
 * One stream of one connection: its inventory and the runs that keep it current. It does not know the Durable Object
 * that it runs in; see `inventory-stream.ts`.
 */
import type { Connection } from "../config/types.ts";
import type { StreamIdentity } from "../contract/objects.ts";
import type { RateLimitDocument } from "../contract/rate-limit.ts";
import type {
  RunCause,
  RunDocument,
  RunKind,
  RunState,
  SinkStatusDocument,
  StreamStatus,
} from "../contract/status.ts";
import type { StreamRefusal } from "../contract/stream-api.ts";
import type { EventReader } from "../explore/event-reader.ts";
import { Explorer } from "../explore/explorer.ts";
import type { AccountFacts } from "../inventory/api.ts";
import { Inventory } from "../inventory/inventory.ts";
import { Meta } from "../inventory/meta.ts";
import { isLostAlarm } from "../lib/alarm.ts";
import { errorFields, log } from "../lib/log.ts";
import { err, ok, type Result } from "../lib/result.ts";
import type { ConnectOptions, OktaSession } from "../okta/connect.ts";
import type { OktaError } from "../okta/errors.ts";
import type { PhaseNames, StreamDefinition } from "../streams/definition.ts";
import { Numbers } from "./numbers.ts";
import { type Listeners, Reports } from "./reports.ts";
import { backOff, finish, isComplete, newRun, type Run, runDocument } from "./run.ts";
import { afterRun, decideWake, type Schedule } from "./schedule.ts";
import { CallBudget, runSlice } from "./slice.ts";
import { statusDocument } from "./status-document.ts";
import { Runs, type SyncMeta } from "./store.ts";

const DAY_MS = 86_400_000;
/** How many permits are fetched from the gate at a time, at most. */
const PERMIT_BATCH = 40;
/** How long a run waits before it checks again whether invalid settings have been corrected. */
const MISCONFIGURED_WAIT_MS = 60_000;
/** How often factors are read again while the settings are invalid. */
const DEFAULT_REFRESH_DAYS = 7;

/** What a stream depends on. */
export interface StreamDeps extends Listeners {
  readonly definition: StreamDefinition;
  /** The connection and stream. They are part of every event's id. */
  readonly identity: StreamIdentity;
  readonly storage: DurableObjectStorage;
  /** The connection's settings; null while they are invalid. */
  readonly connection: () => Connection | null;
  readonly connect: (options: Omit<ConnectOptions, "env">) => OktaSession;
  /**
   * What the gate knows about Okta's rate limits.
   * @param share the part of a bucket that the connection takes at most
   */
  readonly rateLimits: (share: number) => Promise<readonly RateLimitDocument[]>;
  /** The status of each sink. Never throws. @param head the stream's greatest sequence number */
  readonly sinkStatuses: (head: number) => Promise<readonly SinkStatusDocument[]>;
  /** ms since the epoch */
  readonly now: () => number;
  /** 0 ≤ random < 1 */
  readonly random: () => number;
}

const internalError: OktaError = {
  code: "unavailable",
  message: "An internal error interrupted the run. It continues by itself.",
  endpoint: "",
  status: null,
  oktaErrorCode: null,
  retryAt: null,
};

/**
 * One stream at work. A cron or a request starts a run. Each alarm then does one slice of it (`slice.ts`): phases make
 * the calls, and `inventory/` stores what they read.
 */
export class Stream {
  readonly inventory: Inventory;
  readonly explorer: Explorer;
  readonly #deps: StreamDeps;
  readonly #meta: Meta<SyncMeta>;
  readonly #runs: Runs;
  readonly #reports: Reports;
  readonly #numbers: Numbers;
  #slicing = false;

  /** @param deps.storage with the tables that `migrate` makes */
  constructor(deps: StreamDeps) {
    const { sql } = deps.storage;
    this.#deps = deps;
    this.inventory = new Inventory(sql, deps.now);
    this.explorer = new Explorer(deps.definition, sql, this.inventory, deps.now);
    this.#meta = new Meta(sql);
    this.#runs = new Runs(sql, this.#meta);
    this.#reports = new Reports({ ...deps, meta: this.#meta, assets: this.inventory.assets });
    this.#numbers = new Numbers({ ...deps, inventory: this.inventory });
  }

  /** Lower-case factor types that do not count as MFA. */
  get ignoredFactors(): readonly string[] {
    return this.#deps.connection()?.mfaIgnoredFactors ?? [];
  }

  /** Call it before reading a page of events; see `Numbers.settle`. */
  settle(): Promise<void> {
    return this.#numbers.settle();
  }

  /** Reads the stream's events. */
  get events(): EventReader {
    return this.#numbers.reader();
  }

  /** The stream's status, with its sinks and rate limits. */
  async status(): Promise<StreamStatus> {
    const { definition, identity, connection, rateLimits, sinkStatuses, now } = this.#deps;
    const settings = connection();
    return statusDocument({
      ...identity,
      definition,
      inventory: this.inventory,
      runs: this.#runs,
      rateLimits: settings === null ? [] : await rateLimits(settings.rateLimitShare),
      sinks: await sinkStatuses(this.inventory.assets.head),
      now: now(),
    });
  }

  /** Finds an account that exists by its id, login, e-mail or short name. Only for the users stream. */
  account(identifier: string): AccountFacts {
    const { users } = this.inventory;
    const text = identifier.trim();
    const byId = users.one(text);
    const found = byId !== null && byId.deletedAt === null ? [byId] : users.named(text.toLowerCase());
    const [one, ...others] = found;
    if (one === undefined) return { found: "none" };
    if (others.length > 0) {
      return { found: "many", logins: found.map(({ facts }) => facts.user.profile.login ?? facts.user.id) };
    }
    return { found: "one", facts: one.facts, readAt: this.#schedule().lastSuccessAt ?? one.changedAt };
  }

  /** Starts a run, or returns the one in progress; see `StreamApi.startRun`. */
  async startRun(kind: RunKind): Promise<Result<{ started: boolean; run: RunDocument }, StreamRefusal>> {
    const current = this.#runs.current();
    if (current !== null) {
      // A run that waits after a failure continues now. The cause may be gone: a credential was corrected, say.
      if (current.resumeAt !== null && current.error !== null) {
        this.#saveIfCurrent({ ...current, resumeAt: null });
        await this.#deps.storage.setAlarm(this.#deps.now());
      } else await this.#reviveAlarm();
      return ok({ started: false, run: runDocument(current, null) });
    }
    if (this.#deps.connection() === null) {
      return err({
        code: "misconfigured",
        message: "The connection's settings are invalid. GET /v1/streams says what is wrong.",
      });
    }
    const first = this.#schedule().lastFullAt === null;
    const run = this.#begin(first ? "full" : kind, first ? "first" : "request");
    return ok({ started: true, run: runDocument(run, null) });
  }

  /** Cancels the current run. Error: `not_found` if there is none. */
  async cancelRun(): Promise<Result<RunDocument, StreamRefusal>> {
    const run = this.#runs.current();
    if (run === null) return err({ code: "not_found", message: "No run is in progress." });
    this.#deps.storage.transactionSync(() => this.#end(run, "cancelled"));
    await this.#armAfter(run, null);
    return ok(runDocument(run, null));
  }

  /** The current run and finished ones, newest first, at most 100. */
  runs(): readonly RunDocument[] {
    const current = this.#runs.current();
    return [...(current ? [current] : []), ...this.#runs.history()]
      .slice(0, 100)
      .map((run) => runDocument(run, null));
  }

  /** Releases held deletions. @returns how many. Error: `conflict` if none are held */
  confirmDeletions(): Result<{ confirmed: number }, StreamRefusal> {
    const { waiting } = this.inventory.sweeps.absentees();
    if (waiting === 0) return err({ code: "conflict", message: "No deletions are held." });
    this.#deps.storage.transactionSync(() => {
      this.inventory.sweeps.confirmAbsentees();
      // A run in progress handles deletions in its last phase anyway.
      if (this.#runs.current() === null) this.#begin("delta", "request", ["deletions"]);
    });
    return ok({ confirmed: waiting });
  }

  /**
   * Called by each cron: starts the run that is due, or revives a run whose alarm was lost. Also tells the sinks where
   * the stream stands.
   */
  async wake(kind: RunKind): Promise<void> {
    const { storage, now } = this.#deps;
    this.#numbers.observe();
    // Deciding and starting are one step. If anything came between, two crons could each start a run.
    storage.transactionSync(() => {
      const decision = decideWake(kind, this.#schedule(), this.#runs.current(), now());
      this.#meta.set("schedule", decision.schedule);
      if (decision.start !== null) this.#begin(decision.start.kind, decision.start.cause);
    });
    await this.#reviveAlarm();
    await this.#reports.toSinks();
  }

  /** The crons are the watchdog of alarms: sets the current run's alarm again if it was lost. */
  async #reviveAlarm(): Promise<void> {
    const { storage, now } = this.#deps;
    if (this.#slicing || !isLostAlarm(await storage.getAlarm(), now())) return;
    const current = this.#runs.current();
    if (this.#numbers.areUnfinished) await storage.setAlarm(now());
    else if (current !== null && !this.#slicing)
      await storage.setAlarm(Math.max(now(), current.resumeAt ?? 0));
  }

  /** Works on the current run for one slice and sets the alarm for the next. */
  async alarm(): Promise<void> {
    const { storage } = this.#deps;
    if (this.#slicing) return;
    const renumbering = await this.#numbers.work();
    if (renumbering === "more") return;
    if (renumbering === "done") await this.#reports.toSinks();
    const run = this.#runs.current();
    if (run === null) return;
    const now = this.#deps.now();
    if (run.resumeAt !== null && run.resumeAt > now) return storage.setAlarm(run.resumeAt);
    this.#slicing = true;
    try {
      // If this slice is killed at any point, the next one starts at once.
      await storage.setAlarm(now);
      await this.#armAfter(run, await this.#slice(run));
    } catch (error) {
      await this.#handleBug(run, error);
    } finally {
      this.#slicing = false;
    }
    await this.#reports.afterSlice({ run, ended: !this.#runs.isCurrent(run.id) });
  }

  /** Works on the run for one slice. @returns when to continue, ms since the epoch; null if the run has ended */
  async #slice(run: Run): Promise<number | null> {
    const { definition, identity, connection, connect, storage, now, random } = this.#deps;
    const settings = connection();
    if (settings === null) {
      const message = "The connection's settings are invalid. The run continues once they are corrected.";
      run.error = { code: "misconfigured", message, phase: run.phase, at: now() };
      run.resumeAt = now() + MISCONFIGURED_WAIT_MS;
      this.#saveIfCurrent(run);
      return run.resumeAt;
    }
    const budget = new CallBudget(settings.subrequestsPerSlice);
    const skewMs = this.#meta.get("skew") ?? 0;
    const session = connect({
      connection: settings,
      holder: `stream/${identity.stream}`,
      priority: "background",
      batch: Math.min(PERMIT_BATCH, settings.subrequestsPerSlice),
      budget: () => budget.left > 0,
      onCall: (endpoint) => budget.count(endpoint),
      skewMs,
    });
    try {
      return await runSlice({
        definition,
        connection: settings,
        inventory: this.inventory,
        meta: this.#meta,
        runs: this.#runs,
        api: session.api,
        run,
        end: (state) => this.#end(run, state),
        transaction: (work) => storage.transactionSync(work),
        budget,
        now,
        random,
      });
    } finally {
      if (session.api.skewMs !== skewMs) this.#meta.set("skew", session.api.skewMs);
      await session.done();
    }
  }

  /** Handles an exception, which is a bug: shows it as the run's error and backs off, so that no alarm is dropped. */
  async #handleBug(run: Run, error: unknown): Promise<void> {
    const { identity, now, random } = this.#deps;
    log("error", "slice_threw", { ...identity, ...errorFields(error) });
    const current = this.#runs.current();
    if (current?.id === run.id) {
      backOff(current, internalError, now(), random);
      this.#saveIfCurrent(current);
    }
    await this.#armAfter(run, current?.resumeAt ?? null);
  }

  /**
   * Ends the current run: moves it to the history and starts the run that follows, if any, all in one step, so that
   * no cron or request can come between. The caller opens the transaction.
   */
  #end(run: Run, state: RunState): void {
    finish(run, state, this.#deps.now());
    this.#runs.archive(run);
    if (run.kind === "full" && isComplete(run)) this.#reports.wantSnapshots(run.id);
    const { schedule, start } = afterRun(this.#schedule(), run);
    this.#meta.set("schedule", schedule);
    if (start !== null) this.#begin(start.kind, start.cause);
  }

  /**
   * After work on a run: sets the alarm for its next slice or, if it has ended, for the run that has taken its place.
   * @param next when the run continues, ms since the epoch
   */
  async #armAfter(run: Run, next: number | null): Promise<void> {
    const { storage, now } = this.#deps;
    const current = this.#runs.current();
    if (this.#numbers.areUnfinished) return storage.setAlarm(now());
    if (current === null) return storage.deleteAlarm();
    return storage.setAlarm((current.id === run.id ? next : current.resumeAt) ?? now());
  }

  /** Stores a new run as the current one, and sets the alarm for its first slice. @param only instead of all phases */
  #begin(kind: RunKind, cause: RunCause, only?: PhaseNames): Run {
    const { definition, storage, connection } = this.#deps;
    const { fullPhases, deltaPhases } = definition.run;
    const now = this.#deps.now();
    const days = connection()?.refreshDays ?? DEFAULT_REFRESH_DAYS;
    // The groups phase replaces this plan as soon as the groups are known.
    const full = () => fullPhases({ memberships: "per_group", everyoneHasRoles: false });
    const run = newRun({
      id: crypto.randomUUID(),
      kind,
      cause,
      phases: only ?? (kind === "full" ? full() : deltaPhases),
      now,
      // After a gap in the log it is unknown whose factors changed, so all are read again.
      factorsDueBefore: cause === "gap" ? now : now - days * DAY_MS,
    });
    storage.transactionSync(() => {
      this.#runs.save(run);
      void storage.setAlarm(now);
    });
    return run;
  }

  /** Stores the run unless it was cancelled or replaced. */
  #saveIfCurrent(run: Run): void {
    this.#deps.storage.transactionSync(() => {
      if (this.#runs.isCurrent(run.id)) this.#runs.save(run);
    });
  }

  #schedule(): Schedule {
    return this.#meta.get("schedule") ?? { lastFullAt: null, lastSuccessAt: null, fullDue: false };
  }
}
