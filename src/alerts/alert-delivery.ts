/** The Durable Object of one connection's alerts: a shell that gives an AlertDesk its surroundings. */
import { DurableObject } from "cloudflare:workers";
import { alertChannelsOf, channelsFor } from "../config/alert-channels.ts";
import { isRemoved } from "../config/connections.ts";
import { isMisplaced } from "../config/residency.ts";
import type { AlertsApi, StreamReport } from "../contract/alerts.ts";
import { connectionOfAlerts } from "../contract/objects.ts";
import { isEmpty, type Purgeable, purgeObject } from "../lib/purge.ts";
import { AlertDesk } from "./alert-desk.ts";

export class AlertDelivery extends DurableObject<Env> implements AlertsApi, Purgeable {
  #made: AlertDesk | null = null;

  async report(report: StreamReport): Promise<void> {
    const { ctx, env } = this;
    if (isRemoved(env, connectionOfAlerts(ctx.id)) || isMisplaced(env, ctx.id)) return;
    await this.#desk.report(report);
  }

  async purge(): Promise<void> {
    await purgeObject(this.ctx);
  }

  override async alarm(): Promise<void> {
    // An alarm that was at work when the object was purged may be repeated.
    if (isEmpty(this.ctx.storage) || isMisplaced(this.env, this.ctx.id)) return;
    await this.#desk.work();
  }

  /** Made when it is needed, so that an object that is purged stays empty. */
  get #desk(): AlertDesk {
    const connection = connectionOfAlerts(this.ctx.id);
    const settings = () => alertChannelsOf(this.env);
    this.#made ??= new AlertDesk({
      storage: this.ctx.storage,
      channels: () => channelsFor(settings(), connection),
      origin: () => {
        const { publicUrl } = settings();
        return { connection, publicUrl: publicUrl.ok ? publicUrl.value : null };
      },
      fetch: (...request) => fetch(...request),
      now: Date.now,
    });
    return this.#made;
  }
}
