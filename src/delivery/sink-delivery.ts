/** The Durable Object of one stream's delivery to one sink: a shell that gives Delivery its surroundings. */

import { DurableObject } from "cloudflare:workers";
import { alertChannelsOf, channelsFor } from "../config/alert-channels.ts";
import { isRemoved } from "../config/connections.ts";
import { isMisplaced, objectAs, objectOf } from "../config/residency.ts";
import {
  type DeliveryIdentity,
  deliveryIdentityOf,
  type StreamIdentity,
  streamObjectName,
} from "../contract/objects.ts";
import type { SinkReport } from "../contract/status.ts";
import type { EventSource } from "../contract/stream-api.ts";
import { errorFields, log } from "../lib/log.ts";
import type { Result } from "../lib/result.ts";
import type { DeadLettersDocument, SinkDeliveryApi } from "./api.ts";
import { Delivery } from "./delivery.ts";
import { sinksOf, sinksTaking } from "./settings.ts";
import type { ConfiguredSink } from "./settings-types.ts";

/** Below the free plan's 50 external subrequests, with room for polls. */
const requestsPerSlice = 40;

/** Where the events are. */
const eventSource = (env: Env, identity: StreamIdentity): EventSource =>
  objectAs<EventSource>(env, env.INVENTORY_STREAM, streamObjectName(identity));

/** Has the stream tell what its sinks need. If that fails, its next cron does. */
const tellStream = async (env: Env, identity: StreamIdentity): Promise<void> => {
  try {
    await objectOf(env, env.INVENTORY_STREAM, streamObjectName(identity)).watch();
  } catch (error) {
    log("warn", "alerts_not_told", { ...identity, ...errorFields(error) });
  }
};

/** `_identity` is what the object's name says: see SinkDeliveryApi. */
export class SinkDelivery extends DurableObject<Env> implements SinkDeliveryApi {
  readonly #delivery: Delivery;

  constructor(ctx: DurableObjectState, env: Env) {
    super(ctx, env);
    const identity = deliveryIdentityOf(ctx.id);
    const bindings: Readonly<Record<string, unknown>> = { ...env };
    // A connection that was taken out of the settings has no sinks, and an object that is not where the settings want it
    // has none either. Where they stand is kept in case the settings are again what they were.
    const sink = (): ConfiguredSink | null => {
      if (isRemoved(this.env, identity.connection) || isMisplaced(this.env, ctx.id)) return null;
      return sinksTaking(sinksOf(this.env), identity).find(({ name }) => name === identity.sink) ?? null;
    };
    this.#delivery = new Delivery({
      identity,
      storage: ctx.storage,
      sink,
      events: (query) => eventSource(this.env, identity).events(query),
      fetch: (...request) => fetch(...request),
      binding: (name) => bindings[name],
      now: Date.now,
      random: Math.random,
      requestsPerSlice,
      needsChanged: () => {
        if (channelsFor(alertChannelsOf(this.env), identity.connection).length === 0) return;
        ctx.waitUntil(tellStream(this.env, identity));
      },
    });
  }

  async wake(_identity: DeliveryIdentity, head: number): Promise<void> {
    await this.#delivery.wake(head);
  }

  async snapshot(_identity: DeliveryIdentity, runId: string): Promise<void> {
    await this.#delivery.snapshot(runId);
  }

  async status(sink: { name: string; type: string }, head: number): Promise<SinkReport> {
    return this.#delivery.status(sink, head);
  }

  async replay(
    _identity: DeliveryIdentity,
    after: number,
  ): Promise<Result<{ position: number }, { code: "conflict"; message: string }>> {
    return this.#delivery.replay(after);
  }

  async deadLetters(after: number, limit: number): Promise<DeadLettersDocument> {
    return this.#delivery.deadLetters(after, limit);
  }

  async settleDeadLetters(action: "retry" | "drop", ids: readonly string[] | null): Promise<number> {
    return this.#delivery.settleDeadLetters(action, ids);
  }

  async retire(): Promise<void> {
    await this.#delivery.retire();
  }

  override async alarm(): Promise<void> {
    await this.#delivery.alarm();
  }
}
