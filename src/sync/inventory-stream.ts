import { DurableObject } from "cloudflare:workers";
import { connectionOf } from "../config/connections.ts";
import type { Connection } from "../config/types.ts";
import type { InventorySummary, SearchResults } from "../contract/inventory-documents.ts";
import { type StreamIdentity, streamIdentityOf } from "../contract/objects.ts";
import type { RunCause, RunDocument, RunKind, StreamStatus } from "../contract/status.ts";
import type {
  EventsPage,
  EventsQuery,
  SearchQuery,
  StoredEvent,
  StreamApi,
  StreamRefusal,
} from "../contract/stream-api.ts";
import type { Dialect } from "../contract/streams.ts";
import { sinkStatuses, snapshotSinks, wakeSinks } from "../delivery/index.ts";
import { invalidateAccounts } from "../enrichment/cache.ts";
import { EventReader } from "../explore/event-reader.ts";
import { Explorer } from "../explore/explorer.ts";
import type { AccountFacts, AssetDetail, InventoryApi } from "../inventory/api.ts";
import { Inventory } from "../inventory/inventory.ts";
import { migrate } from "../inventory/schema.ts";
import { err, ok, type Result } from "../lib/result.ts";
import { connectOkta } from "../okta/connect.ts";
import { deltaPhases, fullPhases } from "./phases.ts";
import { backOff, finish, newRun, type Run, runDocument } from "./run.ts";
import { afterRun, decideWake, type Schedule } from "./schedule.ts";
import { CallBudget, runSlice } from "./slice.ts";
import { statusDocument } from "./status-document.ts";
import { Runs } from "./store.ts";

const DAY_MS = 86_400_000;
/** Sinks hear of a moved head this often while a run goes on, and at its end. */
const TELL_SINKS_EVERY_MS = 5_000;
/** Cached look-ups dropped after one slice; what is over has at most the cache's hour to live. */
const MAX_INVALIDATIONS = 300;
/** Permits fetched from the gate at a time. */
const PERMIT_BATCH = 40;

/**
 * One connection's users or devices: the inventory in SQLite and the runs that keep it. A thin shell: alarms
 * work in slices (`slice.ts`), phases do the work, `inventory/` stores. The cron only starts or wakes it.
 */
export class InventoryStream extends DurableObject<Env> implements StreamApi, InventoryApi {
  readonly #inventory: Inventory;
  readonly #runs: Runs;
  readonly #explorer: Explorer;
  #slicing = false;
  #sinksToldAt = 0;

  constructor(ctx: DurableObjectState, env: Env) {
    super(ctx, env);
    migrate(ctx.storage);
    this.#inventory = new Inventory(ctx.storage.sql, Date.now);
    this.#runs = new Runs(ctx.storage.sql, this.#inventory.meta);
    this.#explorer = new Explorer(ctx.storage.sql, this.#inventory, Date.now);
  }

  async status(): Promise<StreamStatus> {
    const { connection, stream } = this.#identity();
    const settings = this.#connection();
    const limits = settings === null ? [] : await this.#gate().rateLimits(settings.rateLimitShare);
    return statusDocument({
      connection,
      stream,
      inventory: this.#inventory,
      runs: this.#runs,
      rateLimits: limits,
      sinks: await sinkStatuses(this.env, connection, stream, this.#inventory.assets.head),
      now: Date.now(),
    });
  }

  async startRun(kind: RunKind): Promise<Result<{ started: boolean; run: RunDocument }, StreamRefusal>> {
    const current = this.#runs.current();
    if (current !== null) {
      // Somebody wants it to go on now, for instance because the credential was mended.
      if (current.resumeAt !== null && current.error !== null) {
        this.#update({ ...current, resumeAt: null });
        await this.ctx.storage.setAlarm(Date.now());
      }
      return ok({ started: false, run: runDocument(current, null) });
    }
    if (this.#connection() === null) {
      return err({ code: "misconfigured", message: "The connection's settings are wrong; see /v1/streams." });
    }
    const first = this.#schedule().lastFullAt === null;
    const run = this.#begin(first ? "full" : kind, first ? "first" : "request");
    return ok({ started: true, run: runDocument(run, null) });
  }

  async cancelRun(): Promise<Result<RunDocument, StreamRefusal>> {
    const run = this.#runs.current();
    if (run === null) return err({ code: "not_found", message: "No run is on." });
    this.ctx.storage.transactionSync(() => {
      finish(run, "cancelled", Date.now());
      this.#runs.archive(run);
    });
    await this.ctx.storage.deleteAlarm();
    return ok(runDocument(run, null));
  }

  async runs(): Promise<readonly RunDocument[]> {
    const current = this.#runs.current();
    return [...(current ? [current] : []), ...this.#runs.history()]
      .slice(0, 100)
      .map((run) => runDocument(run, null));
  }

  async confirmDeletions(): Promise<Result<{ confirmed: number }, StreamRefusal>> {
    const { waiting } = this.#inventory.sweeps.absentees();
    if (waiting === 0) return err({ code: "conflict", message: "No deletions are held back." });
    this.ctx.storage.transactionSync(() => {
      this.#inventory.sweeps.confirmAbsentees();
      // A run that is on ends with the deletions anyway.
      if (this.#runs.current() === null) this.#begin("delta", "request", ["deletions"]);
    });
    return ok({ confirmed: waiting });
  }

  async events(query: EventsQuery): Promise<EventsPage> {
    return this.#reader().page(query);
  }

  async event(assetId: string, dialect: Dialect): Promise<StoredEvent | null> {
    return this.#reader().one(assetId, dialect);
  }

  async account(identifier: string): Promise<AccountFacts> {
    const name = identifier.trim().toLowerCase();
    const byId = this.#inventory.user(identifier.trim());
    const found = byId !== null && byId.deletedAt === null ? [byId] : this.#inventory.usersNamed(name);
    const [one, ...others] = found;
    if (one === undefined) return { found: "none" };
    if (others.length > 0) {
      return { found: "many", logins: found.map(({ facts }) => facts.user.profile.login ?? facts.user.id) };
    }
    return { found: "one", facts: one.facts, readAt: this.#schedule().lastSuccessAt ?? one.changedAt };
  }

  async summary(): Promise<InventorySummary> {
    return this.#explorer.summary(this.#identity().stream, this.#connection()?.mfaIgnoredFactors ?? []);
  }

  async search(query: SearchQuery): Promise<SearchResults> {
    return this.#explorer.search(this.#identity().stream, query, this.#connection()?.mfaIgnoredFactors ?? []);
  }

  async assetDetail(assetId: string): Promise<AssetDetail | null> {
    return this.#explorer.detail(this.#identity().stream, assetId, this.#reader());
  }

  async wake(kind: RunKind): Promise<void> {
    const current = this.#runs.current();
    const decision = decideWake(kind, this.#schedule(), current, Date.now());
    this.#inventory.meta.set("schedule", decision.schedule);
    await this.#tellSinks();
    if (decision.start !== null) this.#begin(decision.start.kind, decision.start.cause);
    else if (current !== null && !this.#slicing && (await this.ctx.storage.getAlarm()) === null) {
      // An alarm is dropped after six throws; the cron is the watchdog that brings it back.
      await this.ctx.storage.setAlarm(Math.max(Date.now(), current.resumeAt ?? 0));
    }
  }

  override async alarm(): Promise<void> {
    const run = this.#runs.current();
    if (run === null || this.#slicing) return;
    const now = Date.now();
    if (run.resumeAt !== null && run.resumeAt > now) return this.ctx.storage.setAlarm(run.resumeAt);
    // Should this slice be cut off at any instant, the next one starts at once.
    await this.ctx.storage.setAlarm(now);
    this.#slicing = true;
    try {
      const next = await this.#slice(run);
      await this.#rest(next);
      await this.#tell(run);
    } catch (error) {
      // A bug, not a failure that was expected: shown, backed off from, and never a dropped alarm.
      console.error(JSON.stringify({ level: "error", event: "slice_threw", message: String(error) }));
      const current = this.#runs.current();
      if (current?.id === run.id) {
        const message = "An internal error interrupted the run; it goes on by itself.";
        backOff(
          current,
          { code: "unavailable", message, endpoint: "", status: null, oktaErrorCode: null, retryAt: null },
          Date.now(),
          Math.random,
        );
        this.#update(current);
        await this.ctx.storage.setAlarm(current.resumeAt ?? Date.now());
      }
    } finally {
      this.#slicing = false;
    }
  }

  async #slice(run: Run): Promise<number | null> {
    const { stream } = this.#identity();
    const connection = this.#connection();
    if (connection === null) {
      const message = "The connection's settings are wrong; the run goes on once they are right.";
      run.error = { code: "misconfigured", message, phase: run.phase, at: Date.now() };
      run.resumeAt = Date.now() + 60_000;
      this.#update(run);
      return run.resumeAt;
    }
    const budget = new CallBudget(connection.subrequestsPerSlice);
    const session = connectOkta({
      connection,
      env: this.env,
      holder: `stream/${stream}`,
      priority: "background",
      batch: Math.min(PERMIT_BATCH, connection.subrequestsPerSlice),
      budget: () => budget.left > 0,
      onCall: (endpoint) => budget.count(endpoint),
      skewMs: this.#inventory.meta.get("skew") ?? 0,
    });
    try {
      return await runSlice({
        stream,
        connection,
        inventory: this.#inventory,
        runs: this.#runs,
        api: session.api,
        run,
        transaction: (work) => this.ctx.storage.transactionSync(work),
        budget,
        now: Date.now,
        random: Math.random,
      });
    } finally {
      if (session.api.skewMs !== (this.#inventory.meta.get("skew") ?? 0)) {
        this.#inventory.meta.set("skew", session.api.skewMs);
      }
      await session.done();
    }
  }

  /** After a slice: sets the alarm for the next one, or books the end of the run. */
  async #rest(next: number | null): Promise<void> {
    const current = this.#runs.current();
    if (current !== null) return this.ctx.storage.setAlarm(next ?? Date.now());
    await this.ctx.storage.deleteAlarm();
    const [last] = this.#runs.history();
    if (last === undefined) return;
    const { schedule, start } = afterRun(this.#schedule(), last);
    this.#inventory.meta.set("schedule", schedule);
    if (start !== null) this.#begin(start.kind, start.cause);
  }

  /** Tells those who live on changes: the look-up cache which accounts are old, the sinks how far the head is. */
  async #tell(run: Run): Promise<void> {
    const { connection, stream } = this.#identity();
    const { assets } = this.#inventory;
    const changed = assets.takeChanged().slice(0, MAX_INVALIDATIONS);
    if (stream === "users" && run.cause !== "first") {
      await invalidateAccounts(this.env.ENRICHMENT_CACHE, connection, changed, Date.now());
    }
    const ended = !this.#runs.isCurrent(run.id);
    if (ended || Date.now() - this.#sinksToldAt > TELL_SINKS_EVERY_MS) await this.#tellSinks();
    const last = ended ? this.#runs.history()[0] : undefined;
    if (last?.id !== run.id || last.kind !== "full" || (last.state !== "done" && last.state !== "held"))
      return;
    await snapshotSinks({ env: this.env, connection, stream, runId: run.id });
  }

  async #tellSinks(): Promise<void> {
    const { connection, stream } = this.#identity();
    const { assets, meta } = this.#inventory;
    this.#sinksToldAt = Date.now();
    const before = meta.get("sinks") ?? [];
    const { known } = await wakeSinks({
      env: this.env,
      connection,
      stream,
      head: assets.head,
      known: [...before],
    });
    if (JSON.stringify(known) !== JSON.stringify(before)) meta.set("sinks", known);
  }

  #begin(kind: RunKind, cause: RunCause, only?: readonly ["deletions"]): Run {
    const { stream } = this.#identity();
    const now = Date.now();
    const days = this.#connection()?.refreshDays ?? 7;
    const run = newRun({
      id: crypto.randomUUID(),
      kind,
      cause,
      phases: only ?? (kind === "full" ? fullPhases(stream) : deltaPhases(stream)),
      now,
      // After a gap nobody knows whose factors changed: all are read again.
      factorsDueBefore: cause === "gap" ? now : now - days * DAY_MS,
    });
    this.ctx.storage.transactionSync(() => {
      this.#runs.save(run);
      void this.ctx.storage.setAlarm(now);
    });
    return run;
  }

  #update(run: Run): void {
    this.ctx.storage.transactionSync(() => {
      if (this.#runs.isCurrent(run.id)) this.#runs.save(run);
    });
  }

  #schedule(): Schedule {
    return (
      this.#inventory.meta.get<"schedule", Schedule>("schedule") ?? {
        lastFullAt: null,
        lastSuccessAt: null,
        fullDue: false,
      }
    );
  }

  #reader(): EventReader {
    const { connection, stream } = this.#identity();
    const settings = this.#connection();
    return new EventReader(this.#inventory, {
      connection,
      stream,
      tenant: settings === null ? connection : new URL(settings.baseUrl).host,
      mfaIgnoredFactors: settings?.mfaIgnoredFactors ?? [],
    });
  }

  #gate() {
    return this.env.OKTA_GATE.getByName(this.#identity().connection);
  }

  #connection(): Connection | null {
    return connectionOf(this.env, this.#identity().connection);
  }

  #identity(): StreamIdentity {
    return streamIdentityOf(this.ctx.id);
  }
}
