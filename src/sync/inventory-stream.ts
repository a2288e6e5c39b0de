import { DurableObject } from "cloudflare:workers";
import { alertChannelsOf, channelsFor, wantedChanges } from "../config/alert-channels.ts";
import { connectionOf, isRemoved, takesHooks } from "../config/connections.ts";
import { postureExceptionsOf } from "../config/posture-exceptions.ts";
import { isMisplaced, objectAs, objectOf, refuseMisplaced } from "../config/residency.ts";
import type { AlertsApi } from "../contract/alerts.ts";
import type { HistoryPage, RecentChanges } from "../contract/changes.ts";
import type { CopiesApi, CopyPage, CopySource } from "../contract/copies.ts";
import type { HeldDeletions, InventorySummary, SearchResults } from "../contract/inventory-documents.ts";
import {
  alertsObjectName,
  gateObjectName,
  lookupCountersName,
  type StreamIdentity,
  streamIdentityOf,
  streamObjectName,
} from "../contract/objects.ts";
import type { OrgVerdict } from "../contract/org.ts";
import type { StreamPosture } from "../contract/posture.ts";
import type { RunDocument, RunKind, StreamStatus } from "../contract/status.ts";
import type {
  ChangesPage,
  ChangesQuery,
  EventsPage,
  EventsQuery,
  HistoryQuery,
  Measurements,
  RecentChangesQuery,
  SearchQuery,
  StoredEvent,
  StreamApi,
  StreamRefusal,
} from "../contract/stream-api.ts";
import { type Dialect, streamNames } from "../contract/streams.ts";
import { retireSinks, sinkStatuses, snapshotSinks, wakeSinks } from "../delivery/index.ts";
import { forgetConnection, invalidateAccounts } from "../enrichment/cache.ts";
import { noCounts, sendCounts } from "../enrichment/counters.ts";
import type {
  AccountFacts,
  AccountRoles,
  AssetDetail,
  ExplainedAccount,
  InventoryApi,
  LinkedDevices,
  NamesAnswer,
  NamesApi,
  PastFacts,
} from "../inventory/api.ts";
import { Meta } from "../inventory/meta.ts";
import { migrate } from "../inventory/schema.ts";
import { errorFields, log } from "../lib/log.ts";
import { isEmpty, type Purgeable, purgeObject } from "../lib/purge.ts";
import { type SpentQuota, spentQuota } from "../lib/quota.ts";
import type { Result } from "../lib/result.ts";
import { connectOkta } from "../okta/connect.ts";
import { streams } from "../streams/index.ts";
import type { OtherStream } from "./copy-control.ts";
import type { SyncMeta } from "./store.ts";
import { Stream } from "./stream.ts";

/** Has the look-up cache forget accounts, and counts those for which that failed. @returns their ids */
const forgetLookups = async (
  env: Env,
  connection: string,
  ids: readonly string[],
  spent: (quota: SpentQuota) => void,
): Promise<readonly string[]> => {
  const failed = await invalidateAccounts(env.ENRICHMENT_CACHE, connection, ids, Date.now(), spent);
  if (failed.length > 0) {
    const counters = objectOf(env, env.ACCOUNT_LOOKUP, lookupCountersName(connection));
    await sendCounts(connection, { ...noCounts, forget_failures: failed.length }, counters);
  }
  return failed;
};

/** Who sends the connection's alerts. */
const alertsOf = (env: Env, connection: string): AlertsApi =>
  objectAs<AlertsApi>(env, env.ALERT_DELIVERY, alertsObjectName(connection));

/** The users who are linked to a device, as the devices stream knows it; null if it does not, or does not answer. */
const linkedUsers = async (
  env: Env,
  connection: string,
  deviceId: string,
): Promise<readonly string[] | null> => {
  try {
    const name = streamObjectName({ connection, stream: "devices" });
    return await objectOf(env, env.INVENTORY_STREAM, name).linkedUsers(deviceId);
  } catch (error) {
    log("warn", "devices_not_asked", { connection, ...errorFields(error) });
    return null;
  }
};

/** The other stream of a connection. */
const otherStream = (env: Env, { connection, stream }: StreamIdentity): OtherStream | null => {
  const other = streamNames.find((name) => name !== stream);
  if (other === undefined) return null;
  const name = streamObjectName({ connection, stream: other });
  const api = () => objectAs<CopiesApi>(env, env.INVENTORY_STREAM, name);
  return { tell: (source) => api().otherRan(source), page: (after) => api().copyPage(after) };
};

/**
 * The Durable Object of one stream of one connection: a shell that gives a `Stream` what it depends on. A stream whose
 * connection was taken out of the settings rests: its runs stay as they are until the connection comes back. So does one
 * that is not where the settings want it.
 */
export class InventoryStream
  extends DurableObject<Env>
  implements StreamApi, InventoryApi, NamesApi, CopiesApi, Purgeable
{
  #made: Stream | null = null;

  async holds(): Promise<boolean> {
    return !isEmpty(this.ctx.storage);
  }

  async status(): Promise<StreamStatus> {
    return this.#stream.status();
  }

  async startRun(kind: RunKind): Promise<Result<{ started: boolean; run: RunDocument }, StreamRefusal>> {
    return this.#stream.startRun(kind);
  }

  async cancelRun(): Promise<Result<RunDocument, StreamRefusal>> {
    return this.#stream.cancelRun();
  }

  async orgVerdict(): Promise<OrgVerdict> {
    return this.#stream.orgVerdict();
  }

  async reset(orgId: string): Promise<Result<RunDocument, StreamRefusal>> {
    return this.#stream.reset(orgId);
  }

  async runs(): Promise<readonly RunDocument[]> {
    return this.#stream.runs();
  }

  async confirmDeletions(): Promise<Result<{ confirmed: number; run: RunDocument }, StreamRefusal>> {
    return this.#stream.confirmDeletions();
  }

  async heldDeletions(after: string, limit: number): Promise<HeldDeletions> {
    return this.#stream.heldDeletions(after, limit);
  }

  async events(query: EventsQuery): Promise<EventsPage> {
    await this.#stream.settle();
    return this.#stream.events.page(query);
  }

  async event(assetId: string, dialect: Dialect): Promise<StoredEvent | null> {
    return this.#stream.events.one(assetId, dialect);
  }

  async linkedUsers(deviceId: string): Promise<readonly string[] | null> {
    const device = this.#stream.inventory.devices.one(deviceId);
    return device === null ? null : device.facts.device.users.map(({ id }) => id);
  }

  async account(identifier: string): Promise<AccountFacts> {
    return this.#stream.account(identifier);
  }

  async explained(identifier: string, history: HistoryQuery): Promise<ExplainedAccount> {
    return this.#stream.explained(identifier, history);
  }

  async rolesOf(ids: readonly string[]): Promise<readonly AccountRoles[]> {
    return this.#stream.rolesOf(ids);
  }

  async pastAccount(identifier: string, at: number): Promise<PastFacts> {
    return this.#stream.pastAccount(identifier, at);
  }

  async whoIs(name: string, asksOrg: boolean): Promise<NamesAnswer> {
    const verdict = asksOrg ? await this.#stream.orgVerdict() : null;
    return { verdict, ...this.#stream.whoIs(name) };
  }

  async devicesOf(userId: string): Promise<LinkedDevices | null> {
    return this.#stream.devicesOf(userId);
  }

  async otherRan(source: CopySource): Promise<void> {
    if (!this.#isIdle) await this.#stream.otherRan(source);
  }

  async copyPage(after: number): Promise<CopyPage | null> {
    return this.#isIdle ? null : this.#stream.copyPage(after);
  }

  async quotaSpent(quota: SpentQuota): Promise<void> {
    if (!this.#rests) this.#stream.quotaTold(quota);
  }

  async changes(query: ChangesQuery): Promise<ChangesPage> {
    return this.#stream.changes.page(query);
  }

  async history(id: string, query: HistoryQuery): Promise<HistoryPage | null> {
    return this.#stream.changes.of(id, query, this.#stream.keptSince);
  }

  async recentChanges(query: RecentChangesQuery): Promise<RecentChanges> {
    return this.#stream.changes.recent(query, this.#stream.keptSince);
  }

  async summary(): Promise<InventorySummary> {
    return this.#stream.explorer.summary(this.#stream.ignoredFactors);
  }

  async search(query: SearchQuery): Promise<SearchResults> {
    return this.#stream.search(query);
  }

  async posture(withTrend: boolean): Promise<StreamPosture> {
    return this.#stream.posture(withTrend);
  }

  async measurements(): Promise<Measurements> {
    return { status: await this.#stream.status(), posture: this.#stream.explorer.posturePoint() };
  }

  async assetDetail(assetId: string): Promise<AssetDetail | null> {
    const { stream } = streamIdentityOf(this.ctx.id);
    return this.#stream.explorer.detail(stream, assetId, this.#stream.events);
  }

  async wake(kind: RunKind): Promise<void> {
    if (!this.#rests) await this.#unlessSpent(() => this.#stream.wake(kind));
  }

  async watch(): Promise<void> {
    if (!this.#rests) await this.#stream.watch();
  }

  async hook(uuids: readonly string[]): Promise<void> {
    if (!this.#rests) await this.#stream.hook(uuids);
  }

  /** Also purges the stream's deliveries. Fails if one of them cannot be reached. */
  async purge(): Promise<void> {
    const { ctx, env } = this;
    refuseMisplaced(env, ctx.id);
    const known = isEmpty(ctx.storage) ? null : new Meta<SyncMeta>(ctx.storage.sql).get("sinks");
    await retireSinks(env, streamIdentityOf(ctx.id), known ?? []);
    await purgeObject(ctx);
  }

  override async alarm(): Promise<void> {
    // An alarm that was at work when the object was purged may be repeated.
    if (this.#isIdle) return;
    await this.#unlessSpent(() => this.#stream.alarm());
  }

  /** Work that the crons start again. If a quota of Cloudflare's is used up, this is told, and not tried at once again. */
  async #unlessSpent(work: () => Promise<void>): Promise<void> {
    try {
      await work();
    } catch (error) {
      const quota = spentQuota(error, Date.now());
      if (quota === null) throw error;
      log("error", "quota_exhausted", { ...streamIdentityOf(this.ctx.id), what: quota.what });
      this.#stream.quotaSpent(quota);
    }
  }

  /** Whether it rests, or holds nothing: it was never used, or was purged, and must stay empty. */
  get #isIdle(): boolean {
    return this.#rests || isEmpty(this.ctx.storage);
  }

  get #rests(): boolean {
    const { ctx, env } = this;
    return isRemoved(env, streamIdentityOf(ctx.id).connection) || isMisplaced(env, ctx.id);
  }

  get #stream(): Stream {
    refuseMisplaced(this.env, this.ctx.id);
    this.#made ??= this.#make();
    return this.#made;
  }

  /** Makes the tables here, not in the constructor, so that an object that is purged stays empty. */
  #make(): Stream {
    const { ctx, env } = this;
    migrate(ctx.storage);
    const identity = streamIdentityOf(ctx.id);
    const { connection, stream } = identity;
    const definition = streams[stream];
    return new Stream({
      definition,
      identity,
      storage: ctx.storage,
      connection: () => connectionOf(env, connection),
      postureExceptions: () => postureExceptionsOf(env),
      connect: (options) => connectOkta({ ...options, env }),
      rateLimits: (share) => objectOf(env, env.OKTA_GATE, gateObjectName(connection)).rateLimits(share),
      sinkStatuses: (head) => sinkStatuses(env, connection, stream, head),
      wakeSinks: async (head, known) => (await wakeSinks({ env, connection, stream, head, known })).known,
      snapshotSinks: (runId, only) => snapshotSinks({ env, connection, stream, runId, only }),
      forget: (ids) =>
        definition.areAccounts
          ? forgetLookups(env, connection, ids, (quota) => this.#stream.quotaTold(quota))
          : Promise.resolve([]),
      forgetAll: (cursor) => forgetConnection(env.ENRICHMENT_CACHE, connection, cursor),
      peopleOf: (deviceId) => linkedUsers(env, connection, deviceId),
      other: otherStream(env, identity),
      takesHooks: () => takesHooks(env, connection),
      wantsAlerts: () => channelsFor(alertChannelsOf(env), connection).length > 0,
      wantedChanges: () => wantedChanges(channelsFor(alertChannelsOf(env), connection)),
      report: (report) => alertsOf(env, connection).report(report),
      background: (work) => ctx.waitUntil(work),
      now: () => Date.now(),
      random: Math.random,
    });
  }
}
