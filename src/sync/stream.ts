/**
 * One stream of one connection: its inventory and the runs that keep it current. It does not know the Durable Object
 * that it runs in; see `inventory-stream.ts`.
 */
import type { PostureException } from "../config/posture-exceptions.ts";
import type { Connection, Setting } from "../config/types.ts";
import type { HistoryPage } from "../contract/changes.ts";
import type { CopyPage, CopySource } from "../contract/copies.ts";
import type { HeldDeletions, SearchResults } from "../contract/inventory-documents.ts";
import type { StreamIdentity } from "../contract/objects.ts";
import type { OrgVerdict } from "../contract/org.ts";
import type { StreamPosture } from "../contract/posture.ts";
import type { RateLimitDocument } from "../contract/rate-limit.ts";
import type { RunDocument, RunKind, SinkReport, StreamStatus } from "../contract/status.ts";
import type { HistoryQuery, SearchQuery, StreamRefusal } from "../contract/stream-api.ts";
import { nameIdentifier } from "../enrichment/identifier.ts";
import { ChangeReader } from "../explore/changes.ts";
import type { EventReader } from "../explore/event-reader.ts";
import { Explorer } from "../explore/explorer.ts";
import { onlyOne, PastAccounts } from "../explore/past-accounts.ts";
import type {
  AccountFacts,
  AccountRoles,
  ExplainedAccount,
  LinkedDevices,
  NamesAnswer,
  PastFacts,
} from "../inventory/api.ts";
import { Inventory } from "../inventory/inventory.ts";
import { Meta } from "../inventory/meta.ts";
import { forgetInventory } from "../inventory/schema.ts";
import { isLostAlarm } from "../lib/alarm.ts";
import { errorFields, log } from "../lib/log.ts";
import type { SpentQuota } from "../lib/quota.ts";
import { err, ok, type Result } from "../lib/result.ts";
import type { ConnectOptions, OktaSession } from "../okta/connect.ts";
import type { OktaError } from "../okta/errors.ts";
import type { StreamDefinition } from "../streams/definition.ts";
import { type AlertListeners, AlertReports } from "./alert-reports.ts";
import { AttentionControl } from "./attention-control.ts";
import { CallBudget, UnbookedCalls } from "./calls.ts";
import { CopyControl, type OtherStream } from "./copy-control.ts";
import { HookControl } from "./hook-control.ts";
import { nextAlarm } from "./lanes.ts";
import { Lifecycle } from "./lifecycle.ts";
import { Numbers } from "./numbers.ts";
import { OrgControl } from "./org-control.ts";
import { OrgGuard, orgSettingsOf } from "./org-guard.ts";
import { outcomeOf } from "./permissions.ts";
import { type Listeners, Reports } from "./reports.ts";
import { backOff, hold, type Run, runDocument } from "./run.ts";
import { runSlice } from "./slice.ts";
import { statusDocument } from "./status-document.ts";
import { Runs, type SyncMeta } from "./store.ts";

const DAY_MS = 86_400_000;
/** How many permits are fetched from the gate at a time, at most. */
const PERMIT_BATCH = 40;
/** How long a run waits before it checks again whether invalid settings have been corrected. */
const MISCONFIGURED_WAIT_MS = 60_000;

/** What a stream depends on. */
export interface StreamDeps extends Listeners, AlertListeners {
  readonly definition: StreamDefinition;
  /** The connection and stream. They are part of every event's id. */
  readonly identity: StreamIdentity;
  readonly storage: DurableObjectStorage;
  /** The connection's settings; null while they are invalid. */
  readonly connection: () => Connection | null;
  readonly postureExceptions: () => Setting<readonly PostureException[]>;
  readonly connect: (options: Omit<ConnectOptions, "env">) => OktaSession;
  /**
   * What the gate knows about Okta's rate limits.
   * @param share the part of a bucket that the connection takes at most
   */
  readonly rateLimits: (share: number) => Promise<readonly RateLimitDocument[]>;
  /** The status of each sink. Never throws. @param head the stream's greatest sequence number */
  readonly sinkStatuses: (head: number) => Promise<readonly SinkReport[]>;
  /** The ids of the users who are linked to a device, as the devices stream knows it; null if it does not. Never throws. */
  readonly peopleOf: (deviceId: string) => Promise<readonly string[] | null>;
  /** The connection's other stream; null if there is none. */
  readonly other: OtherStream | null;
  /** Whether the connection takes event hooks. */
  readonly takesHooks: () => boolean;
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
 * One stream at work. A cron or a request starts a run; a full run and a delta run can be in progress at the same
 * time. Each alarm then does one slice (`slice.ts`): phases make the calls, and `inventory/` stores what they read.
 */
export class Stream {
  readonly inventory: Inventory;
  readonly explorer: Explorer;
  readonly #deps: StreamDeps;
  readonly #meta: Meta<SyncMeta>;
  readonly #runs: Runs;
  readonly #reports: Reports;
  readonly #numbers: Numbers;
  readonly #org: OrgControl;
  readonly #lifecycle: Lifecycle;
  readonly #hooks: HookControl;
  readonly #attention: AttentionControl;
  readonly #copies: CopyControl;
  readonly #alerts: AlertReports;
  #slicing = false;
  /** How often the org was asked who it is outside runs. */
  #questions = 0;

  /** @param deps.storage with the tables that `migrate` makes */
  constructor(deps: StreamDeps) {
    const { sql } = deps.storage;
    this.#deps = deps;
    this.inventory = new Inventory(sql, deps.now);
    this.explorer = new Explorer(deps.definition, sql, this.inventory, deps.now);
    this.#meta = new Meta(sql);
    this.#runs = new Runs(sql, this.#meta);
    const { areAccounts } = deps.definition;
    this.#reports = new Reports({ ...deps, areAccounts, meta: this.#meta, assets: this.inventory.assets });
    const shared = { ...deps, inventory: this.inventory, meta: this.#meta, runs: this.#runs };
    this.#lifecycle = new Lifecycle({
      ...shared,
      isWorking: () => this.#slicing,
      fullRunEnded: ({ id }) => this.#reports.wantSnapshots(id),
      succeeded: ({ kind }) => {
        this.#copies.ran(kind);
        this.#keepPosture();
      },
    });
    this.#hooks = new HookControl({
      ...deps,
      meta: this.#meta,
      follow: () => this.#lifecycle.follow(),
      transaction: (work) => deps.storage.transactionSync(work),
    });
    this.#numbers = new Numbers({
      ...deps,
      inventory: this.inventory,
      orgUrl: () => this.#meta.get("org")?.baseUrl ?? null,
    });
    this.#org = new OrgControl({
      ...shared,
      session: (settings) => {
        const budget = new CallBudget(settings.subrequestsPerSlice);
        this.#questions += 1;
        return this.#session(settings, `identity/${this.#questions}`, new UnbookedCalls(), budget);
      },
    });
    this.#alerts = new AlertReports({ ...deps, meta: this.#meta });
    this.#copies = new CopyControl({
      ...shared,
      schedule: () => this.#lifecycle.schedule,
      transaction: (work) => deps.storage.transactionSync(work),
      changed: (ids) => this.#reports.noteOthers(ids),
      settled: async () => {
        this.#reports.forget();
        if (!this.#slicing) await this.#arm();
      },
    });
    this.#attention = new AttentionControl({
      ...shared,
      lifecycle: this.#lifecycle,
      org: this.#org,
      hooks: this.#hooks,
    });
  }

  /** Lower-case factor types that do not count as MFA. */
  get ignoredFactors(): readonly string[] {
    return this.#deps.connection()?.mfaIgnoredFactors ?? [];
  }

  /** Keeps the posture as it is at the end of a run. Best effort: it cannot fail the run. */
  #keepPosture(): void {
    const exceptions = this.#deps.postureExceptions();
    if (!exceptions.ok) return;
    try {
      this.explorer.keepPosture(this.ignoredFactors, exceptions.value);
    } catch (error) {
      log("error", "posture_not_kept", { ...this.#deps.identity, ...errorFields(error) });
    }
  }

  /** How many assets each check of posture counts now; see `StreamApi.posture`. */
  posture(withTrend: boolean): StreamPosture {
    return this.#deps.storage.transactionSync(() =>
      this.explorer.posture(this.ignoredFactors, this.#exceptions, withTrend),
    );
  }

  /** One page of the assets that match; see `StreamApi.search`. */
  search(query: SearchQuery): SearchResults {
    return this.explorer.search(query, this.ignoredFactors, this.#exceptions);
  }

  /** None while POSTURE_EXCEPTIONS is invalid: then nobody may ask. */
  get #exceptions(): readonly PostureException[] {
    const exceptions = this.#deps.postureExceptions();
    return exceptions.ok ? exceptions.value : [];
  }

  /** Call it before reading a page of events; see `Numbers.settle`. */
  settle(): Promise<void> {
    return this.#numbers.settle();
  }

  /** Reads the stream's events. */
  get events(): EventReader {
    return this.#numbers.reader();
  }

  /** Reads what has changed. */
  get changes(): ChangeReader {
    const { definition, identity, storage } = this.#deps;
    const { stream } = identity;
    const { inventory, ignoredFactors: ignored } = this;
    return new ChangeReader({ stream, definition, inventory, sql: storage.sql, ignored });
  }

  /** Since when changes are kept, ms since the epoch; null if none are, or not yet. */
  get keptSince(): number | null {
    const { connection, now } = this.#deps;
    const { since } = this.inventory.history;
    const days = connection()?.historyDays;
    return since === null || days === undefined ? since : Math.max(since, now() - days * DAY_MS);
  }

  /** The stream's status, with its sinks and rate limits. */
  async status(): Promise<StreamStatus> {
    const { definition, identity, connection, rateLimits, sinkStatuses, now } = this.#deps;
    const settings = connection();
    const sinks = await sinkStatuses(this.inventory.assets.head);
    return statusDocument({
      ...identity,
      definition,
      inventory: this.inventory,
      runs: this.#runs,
      rateLimits: settings === null ? [] : await rateLimits(settings.rateLimitShare),
      sinks,
      schedule: this.#lifecycle.schedule,
      org: this.#meta.get("org"),
      attention: this.#attention.list(sinks),
      lastHookAt: this.#hooks.lastAt,
      now: now(),
    });
  }

  /** Finds an account that exists by its id, login, e-mail or short name. Only for the users stream. */
  account(identifier: string): AccountFacts {
    // Another base URL may lead to another org, whose people these are not.
    if (!this.#org.isWhereItWas) return { found: "none" };
    const { users } = this.inventory;
    const text = identifier.trim();
    const byId = users.one(text);
    const living = byId !== null && byId.deletedAt === null ? [byId] : users.named(text.toLowerCase());
    const found = onlyOne(living);
    if (found.found !== "one") return found;
    const { facts, changedAt } = found.asset;
    const readAt = this.#lifecycle.schedule.lastSuccessAt ?? changedAt;
    return { found: "one", facts, readAt, devices: this.inventory.copy.devicesOf(found.asset.id) };
  }

  /** An account with its changes and what posture says of it; see `InventoryApi.explained`. */
  explained(identifier: string, query: HistoryQuery): ExplainedAccount {
    const found = this.account(identifier);
    if (found.found !== "one") return found;
    const { id } = found.facts.user;
    const none: HistoryPage = { changes: [], next: null, kept_since: null };
    return {
      ...found,
      history: this.changes.of(id, query, this.keptSince) ?? none,
      checks: this.#deps.storage.transactionSync(() =>
        this.explorer.checksOf(id, this.ignoredFactors, this.#exceptions),
      ),
    };
  }

  /** The roles of users; see `InventoryApi.rolesOf`. */
  rolesOf(ids: readonly string[]): AccountRoles[] {
    return this.inventory.users.of(ids).map(({ id, facts }) => ({ id, roles: facts.roles }));
  }

  /** The devices of a user; see `NamesApi.devicesOf`. */
  devicesOf(userId: string): LinkedDevices | null {
    return this.#org.isWhereItWas ? this.inventory.copy.devicesOf(userId) : null;
  }

  /** What an account was like at a moment, ms since the epoch; see `InventoryApi.pastAccount`. */
  pastAccount(identifier: string, at: number): PastFacts {
    if (!this.#org.isWhereItWas) return { found: "none" };
    const past = new PastAccounts(this.inventory, this.#deps.storage.sql);
    const { keptSince } = this;
    const byOkta = keptSince === null ? null : keptSince + (this.#meta.get("skew") ?? 0);
    return past.find(identifier.trim(), at, byOkta);
  }

  /** The one user who has this name; see `NamesApi.whoIs`. Only for the users stream. */
  whoIs(name: string): Pick<NamesAnswer, "user" | "devices"> {
    if (!this.#org.isWhereItWas) return { user: null, devices: null };
    const { users, copy } = this.inventory;
    const id = users.idOf(name.trim());
    if (id === null) return { user: null, ...(copy.at === null && { devices: null }) };
    // Asked for as a look-up would ask for them.
    const names = users.namesOf(id).filter((other) => users.idOf(nameIdentifier(other).given) === id);
    return { user: { id, names }, devices: copy.devicesOf(id) };
  }

  /** The other stream's run has succeeded; see `CopiesApi.otherRan`. */
  async otherRan(source: CopySource): Promise<void> {
    this.#copies.told(source);
    if (this.#copies.dueAt !== null && !this.#slicing) await this.#arm();
  }

  /** What the other stream's copy takes over next; see `CopiesApi.copyPage`. */
  async copyPage(after: number): Promise<CopyPage | null> {
    await this.settle();
    return this.#copies.page(after);
  }

  /** Starts a run, or returns the one of its kind in progress; see `StreamApi.startRun`. */
  async startRun(asked: RunKind): Promise<Result<{ started: boolean; run: RunDocument }, StreamRefusal>> {
    this.#org.askAgain();
    const answer = this.#lifecycle.request(asked);
    if (!answer.ok) return answer;
    const { started, run } = answer.value;
    // Starting has set the alarm. If a run that waited may continue now, its alarm is too late.
    if (!started && run.error !== null) await this.#arm();
    else if (!started) await this.#reviveAlarm();
    return ok({ started, run: runDocument(run, null) });
  }

  /**
   * Forgets the inventory and starts the first run of the org that is there now; see `StreamApi.reset`.
   * @param orgId Okta's id of that org
   */
  async reset(orgId: string): Promise<Result<RunDocument, StreamRefusal>> {
    const { storage } = this.#deps;
    const org = await this.#org.identify(orgId);
    if (!org.ok) return org;
    const run = storage.transactionSync(() => {
      const sinks = this.#meta.get("sinks") ?? [];
      for (const current of this.#runs.inProgress()) this.#lifecycle.end(current, "cancelled");
      forgetInventory(storage);
      this.#runs.forgetIds();
      this.#meta.set("sinks", sinks);
      this.#meta.set("org", org.value);
      this.#reports.wantAllForgotten();
      return this.#lifecycle.begin("full", "first");
    });
    await this.#arm();
    return ok(runDocument(run, null));
  }

  /** Whether the org that answers is the one whose inventory is stored; see `StreamApi.orgVerdict`. */
  orgVerdict(): Promise<OrgVerdict> {
    return this.#org.verdict();
  }

  /** Cancels the full run in progress, or else the delta run. Error: `not_found` if there is none. */
  async cancelRun(): Promise<Result<RunDocument, StreamRefusal>> {
    const run = this.#runs.current("full") ?? this.#runs.current("delta");
    if (run === null) return err({ code: "not_found", message: "No run is in progress." });
    this.#deps.storage.transactionSync(() => this.#lifecycle.end(run, "cancelled"));
    await this.#arm();
    return ok(runDocument(run, null));
  }

  /** The runs in progress and finished ones, newest first, at most 100. */
  runs(): readonly RunDocument[] {
    const inProgress = this.#runs.inProgress().sort((a, b) => b.startedAt - a.startedAt);
    return [...inProgress, ...this.#runs.history()].slice(0, 100).map((run) => runDocument(run, null));
  }

  /** Releases held deletions; see `StreamApi.confirmDeletions`. */
  confirmDeletions(): Result<{ confirmed: number; run: RunDocument }, StreamRefusal> {
    const { waiting } = this.inventory.sweeps.absentees();
    if (waiting === 0) return err({ code: "conflict", message: "No deletions are held." });
    const run = this.#deps.storage.transactionSync(() => {
      this.inventory.sweeps.confirmAbsentees();
      // Version 0.1.0 did not store it.
      if (this.#meta.get("held") === null)
        this.#meta.set("held", { since: this.#deps.now(), known: null, listedAt: null });
      // A delta run in progress handles deletions in its last phase anyway.
      return (
        this.#runs.current("delta") ?? this.#lifecycle.begin("delta", "request", { only: ["deletions"] })
      );
    });
    return ok({ confirmed: waiting, run: runDocument(run, null) });
  }

  /** One page of held deletions; see `StreamApi.heldDeletions`. */
  heldDeletions(after: string, limit: number): HeldDeletions {
    return this.explorer.held(this.#meta.get("held"), { after, limit, ignored: this.ignoredFactors });
  }

  /**
   * Called by each cron: starts the runs that are due, or revives runs whose alarm was lost. Also tells the sinks where
   * the stream stands.
   */
  async wake(kind: RunKind): Promise<void> {
    this.#numbers.observe();
    this.#hooks.noteSetting();
    this.#lifecycle.wake(kind);
    this.#attention.note();
    await this.#reviveAlarm();
    await this.#reports.toSinks();
    await this.watch();
  }

  /** Tells what needs a person, also what the sinks need; see `StreamApi.watch`. */
  async watch(): Promise<void> {
    const { wantsAlerts, sinkStatuses } = this.#deps;
    if (!wantsAlerts()) return;
    const sinks = await sinkStatuses(this.inventory.assets.head);
    await this.#alerts.tell(this.#attention.needs(sinks), true);
  }

  /** A daily quota of Cloudflare's is used up. The next cron tries again. */
  quotaSpent(quota: SpentQuota): void {
    this.#attention.spent(quota);
  }

  /** Somebody else has learned that a quota is used up; see `NamesApi.quotaSpent`. */
  quotaTold(quota: SpentQuota): void {
    this.#attention.told(quota);
  }

  /** An event hook has come; see `StreamApi.hook`. */
  async hook(uuids: readonly string[]): Promise<void> {
    const before = this.#hooks.dueAt;
    this.#hooks.came(uuids);
    // A slice looks before each of its steps; otherwise only an earlier time needs another alarm.
    if (this.#slicing || this.#hooks.dueAt === before) return this.#reviveAlarm();
    await this.#arm();
  }

  /** The crons are the watchdog of alarms: sets the alarm again if it was lost. */
  async #reviveAlarm(): Promise<void> {
    const { storage, now } = this.#deps;
    if (this.#slicing || !isLostAlarm(await storage.getAlarm(), now())) return;
    const isAtWork = this.#numbers.areUnfinished || this.#nextDue() !== null || this.#copies.dueAt !== null;
    if (!this.#slicing && isAtWork) await this.#arm();
  }

  /** Works on the runs in progress for one slice and sets the alarm for the next. */
  async alarm(): Promise<void> {
    const { storage, now, identity, background } = this.#deps;
    if (this.#slicing) return;
    const renumbering = await this.#numbers.work();
    if (renumbering === "more") return;
    if (renumbering === "done") await this.#reports.toSinks();
    if (this.#slicing) return;
    this.#hooks.work();
    this.#copies.work();
    const due = this.#nextDue();
    if (due === null || due > now()) return this.#arm();
    this.#slicing = true;
    let tell = false;
    try {
      // If this slice is killed at any point, the next one starts at once.
      await storage.setAlarm(now());
      tell = await this.#slice();
    } catch (error) {
      log("error", "slice_threw", { ...identity, ...errorFields(error) });
    } finally {
      this.#slicing = false;
      this.#attention.note();
      this.#copies.work();
      await this.#arm();
    }
    await this.#reports.afterSlice(tell);
    background(this.#alerts.tell(this.#attention.needs([]), false));
  }

  /** @returns whether the sinks are to be told now */
  async #slice(): Promise<boolean> {
    const { definition, identity, connection, storage, peopleOf, wantedChanges, now, random } = this.#deps;
    const settings = connection();
    if (settings === null) return this.#waitForSettings();
    const budget = new CallBudget(settings.subrequestsPerSlice);
    const org = new OrgGuard(this.#meta, this.inventory, await orgSettingsOf(settings), now);
    return runSlice(
      {
        definition,
        identity,
        connection: settings,
        inventory: this.inventory,
        meta: this.#meta,
        org,
        peopleOf,
        told: {
          isWanted: () => wantedChanges().size > 0,
          note: (change) => this.#alerts.noteChange(change),
        },
        runs: this.#runs,
        connect: ({ kind }, calls) => this.#session(settings, kind, calls, budget),
        end: (run, state) => this.#lifecycle.end(run, state),
        followHooks: () => this.#hooks.work(),
        changed: (run) => this.#reports.noteChanged(run),
        orgChanged: () => this.#reports.wantAllForgotten(),
        transaction: (work) => storage.transactionSync(work),
        budget,
        now,
        random,
      },
      (run, error) => this.#handleBug(run, error),
    );
  }

  /** Opens a session with Okta. @param part what it is for, unique among the sessions of the stream */
  #session(
    connection: Connection,
    part: RunKind | `identity/${number}`,
    calls: UnbookedCalls,
    budget: CallBudget,
  ): OktaSession {
    const { identity, connect } = this.#deps;
    return connect({
      connection,
      holder: `stream/${identity.stream}/${part}`,
      priority: part === "full" ? "background" : "follow",
      batch: part === "full" || part === "delta" ? Math.min(PERMIT_BATCH, connection.subrequestsPerSlice) : 1,
      budget: () => budget.left > 0,
      onCall: (endpoint) => {
        budget.count();
        calls.count(endpoint);
      },
      onAnswer: (endpoint, result) => calls.note(outcomeOf(endpoint, result, this.#deps.now())),
      skewMs: this.#meta.get("skew") ?? 0,
    });
  }

  #waitForSettings(): false {
    const { storage, now } = this.#deps;
    const message = "The connection's settings are invalid. The run continues once they are corrected.";
    storage.transactionSync(() => {
      for (const run of this.#runs.inProgress()) {
        hold(run, { code: "misconfigured", message }, now() + MISCONFIGURED_WAIT_MS, now());
        this.#runs.save(run);
      }
    });
    return false;
  }

  /** Handles an exception, which is a bug: shows it as the run's error and backs off, so that the run continues. */
  #handleBug({ kind, id }: Run, error: unknown): void {
    const { identity, now, random } = this.#deps;
    log("error", "slice_threw", { ...identity, ...errorFields(error) });
    const current = this.#runs.current(kind);
    if (current?.id !== id) return;
    backOff(current, internalError, now(), random);
    this.#lifecycle.save(current);
  }

  /** When the stream has to work next, ms since the epoch; null if nothing is to be done. */
  #nextDue(): number | null {
    const { dueAt } = this.#hooks;
    const runs = nextAlarm(this.#runs.inProgress(), this.#deps.now());
    return dueAt === null || runs === null ? (dueAt ?? runs) : Math.min(dueAt, runs);
  }

  /** Sets the alarm for what is to be done next; there is none if nothing is. */
  async #arm(): Promise<void> {
    const { storage, now } = this.#deps;
    const times = [this.#nextDue(), this.#copies.dueAt].filter((at) => at !== null);
    const earliest = times.length === 0 ? null : Math.min(...times);
    const next = this.#numbers.areUnfinished ? now() : earliest;
    await (next === null ? storage.deleteAlarm() : storage.setAlarm(next));
  }
}
