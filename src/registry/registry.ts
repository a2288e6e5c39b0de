import { DurableObject } from "cloudflare:workers";
import { connectionsOf } from "../config/connections.ts";
import { isMisplaced, isUnplaced, unplacedStream } from "../config/residency.ts";
import type { CallHistory, CountedCalls } from "../contract/calls.ts";
import type {
  ChosenResidency,
  KnownConnection,
  NamedConnections,
  RegistryApi,
  ResidencyMemory,
} from "../contract/connections.ts";
import { streamObjectName } from "../contract/objects.ts";
import { streamNames } from "../contract/streams.ts";
import { log } from "../lib/log.ts";
import { CallStore } from "./calls.ts";
import { purgeSome } from "./purge.ts";
import { type Change, changesOf } from "./reconcile.ts";
import { chosenResidency } from "./residency.ts";
import { ConnectionStore } from "./store.ts";

const RESIDENCY = "residency";

/** What of the changes is worth a line in the log. */
const events: Readonly<Record<Change["kind"], string | null>> = {
  new: null,
  moved: null,
  removed: "connection_removed",
  returned: "connection_returned",
  due: "connection_purge_began",
};

/** Whether a stream of a connection holds something that version 0.1.0 has stored, which had no Registry. */
const holdUnplaced = async (env: Env): Promise<boolean> => {
  for (const connection of connectionsOf(env).named.keys()) {
    for (const stream of streamNames)
      if (await unplacedStream(env, streamObjectName({ connection, stream })).holds()) return true;
  }
  return false;
};

/**
 * The one Durable Object that remembers which connections the settings have had, so that what is stored of one that was
 * taken out can be purged. Each alarm does a part of one purge. One that fails waits for the next cron.
 *
 * Outside of any jurisdiction, it also remembers where the objects are. In a deployment with a jurisdiction that is all that
 * this one does, and the connections are known to the one inside.
 */
export class Registry extends DurableObject<Env> implements RegistryApi, ResidencyMemory {
  readonly #store: ConnectionStore;
  readonly #calls: CallStore;

  constructor(ctx: DurableObjectState, env: Env) {
    super(ctx, env);
    this.#store = new ConnectionStore(ctx.storage.sql);
    this.#calls = new CallStore(ctx.storage.sql);
  }

  async reconcile(seen: NamedConnections): Promise<readonly string[]> {
    const now = Date.now();
    this.ctx.storage.transactionSync(() => {
      for (const change of changesOf(this.#store.all(), seen, now)) {
        this.#store.apply(change, now);
        const event = events[change.kind];
        if (event !== null) log("info", event, { connection: change.id });
      }
      this.#store.tryAgain();
    });
    await this.#arm();
    return this.#store.purging();
  }

  async known(): Promise<readonly KnownConnection[]> {
    return this.#store.all();
  }

  async purge(id: string): Promise<KnownConnection | null> {
    const before = this.#store.one(id);
    if (before === null) return null;
    this.#store.beginPurge(id, Date.now());
    if (before.purgingSince === null) log("info", "connection_purge_began", { connection: id });
    await this.#arm();
    return this.#store.one(id);
  }

  async residency(setting: ChosenResidency, hasConnections: boolean): Promise<ChosenResidency | null> {
    const { kv } = this.ctx.storage;
    const remembered = () => kv.get<ChosenResidency>(RESIDENCY) ?? null;
    const isFirst = remembered() === null && this.#store.all().length === 0;
    const mayBeFormer = isFirst && hasConnections && !isUnplaced(setting);
    const hadConnections = !isFirst || (mayBeFormer && (await holdUnplaced(this.env)));
    // Somebody else may have chosen meanwhile.
    const before = remembered();
    const chosen = chosenResidency(before, setting, { hasConnections, hadConnections });
    if (chosen !== null && before === null) kv.put(RESIDENCY, chosen);
    return chosen;
  }

  async forgetResidency(): Promise<void> {
    this.ctx.storage.kv.delete(RESIDENCY);
  }

  async noteCalls(counts: readonly CountedCalls[]): Promise<void> {
    this.ctx.storage.transactionSync(() => this.#calls.add(counts, Date.now()));
  }

  async calls(withDays: boolean): Promise<CallHistory> {
    return this.#calls.history(withDays, Date.now());
  }

  override async alarm(): Promise<void> {
    // The next cron under the right setting sets the alarm again.
    if (isMisplaced(this.env, this.ctx.id)) return;
    const next = this.#store.nextPurge();
    if (next === null) return;
    const { id, progress } = next;
    const outcome = await purgeSome(this.env, id, progress);
    if (outcome.kind === "finished") {
      this.#store.forget(id);
      log("info", "connection_purged", { connection: id });
    } else this.#store.saveProgress(id, outcome.progress, outcome.kind === "failed");
    await this.#arm();
  }

  async #arm(): Promise<void> {
    if (this.#store.nextPurge() !== null) await this.ctx.storage.setAlarm(Date.now());
  }
}
