import { DurableObject } from "cloudflare:workers";
import type { KnownConnection, NamedConnections, RegistryApi } from "../contract/connections.ts";
import { log } from "../lib/log.ts";
import { purgeSome } from "./purge.ts";
import { type Change, changesOf } from "./reconcile.ts";
import { ConnectionStore } from "./store.ts";

/** What of the changes is worth a line in the log. */
const events: Readonly<Record<Change["kind"], string | null>> = {
  new: null,
  moved: null,
  removed: "connection_removed",
  returned: "connection_returned",
  due: "connection_purge_began",
};

/**
 * The one Durable Object that remembers which connections the settings have had, so that what is stored of one that was
 * taken out can be purged. Each alarm does a part of one purge. One that fails waits for the next cron.
 */
export class Registry extends DurableObject<Env> implements RegistryApi {
  readonly #store: ConnectionStore;

  constructor(ctx: DurableObjectState, env: Env) {
    super(ctx, env);
    this.#store = new ConnectionStore(ctx.storage.sql);
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

  override async alarm(): Promise<void> {
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
