/** A delivery in a real Durable Object's storage, with an inventory, a clock and a network of the test's own. */

import { runInDurableObject } from "cloudflare:test";
import { env } from "cloudflare:workers";
import type { DeliveryIdentity } from "../../src/contract/objects.ts";
import type { SinkType } from "../../src/delivery/definition.ts";
import { Delivery } from "../../src/delivery/delivery.ts";
import { parseSinks } from "../../src/delivery/settings.ts";
import type { ConfiguredSink } from "../../src/delivery/settings-types.ts";
import type { FakeInventory } from "./events.ts";

export const settingsOf = (
  setting: object,
  types?: readonly SinkType[],
  secrets: Readonly<Record<string, string>> = {},
): ConfiguredSink => {
  const secret = (name: string) => secrets[name] ?? `${name}-value`;
  const context = { secret, binding: () => true, allowLoopback: true };
  const { accepted, refused } = parseSinks([setting], context, types);
  const [sink] = accepted;
  if (sink === undefined) throw new Error(JSON.stringify(refused));
  return sink;
};

export interface HarnessOptions {
  readonly name: string;
  readonly setting: object;
  readonly inventory: FakeInventory;
  /** Other sink types than the product's. */
  readonly types?: readonly SinkType[];
  /** Secrets by name; any other is its name and `-value`. */
  readonly secrets?: Readonly<Record<string, string>>;
  readonly fetch?: typeof fetch;
  readonly binding?: (name: string) => unknown;
  readonly random?: () => number;
  readonly requestsPerSlice?: number;
}

/** Every call makes a new Delivery over the same storage: nothing survives but what was committed. */
export class Harness {
  /** In the far future, so that only the harness fires alarms. */
  now = Date.UTC(2100, 0, 15, 12);
  setting: object;
  /** Ends the object in the middle of what it does: what is not committed is gone. */
  kill: () => void = () => undefined;
  readonly identity: DeliveryIdentity;
  readonly #options: HarnessOptions;

  constructor(options: HarnessOptions) {
    this.#options = options;
    this.setting = options.setting;
    this.identity = { connection: "default", stream: "users", sink: options.name };
  }

  run<T>(work: (delivery: Delivery, storage: DurableObjectStorage) => Promise<T> | T): Promise<T> {
    const { inventory, binding, random, requestsPerSlice } = this.#options;
    const stub = env.SINK_DELIVERY.getByName(`default/users/${this.#options.name}`);
    return runInDurableObject(stub, (_, state) => {
      const { storage } = state;
      this.kill = () => state.abort("killed by the test");
      return work(
        new Delivery({
          identity: this.identity,
          storage,
          sink: () => this.#sink(),
          events: inventory.events,
          fetch: this.#options.fetch ?? (() => Promise.reject(new Error("no network here"))),
          binding: binding ?? (() => undefined),
          now: () => this.now,
          random: random ?? (() => 0.5),
          requestsPerSlice: requestsPerSlice ?? 40,
        }),
        storage,
      );
    });
  }

  #sink(): ConfiguredSink {
    return settingsOf(this.setting, this.#options.types, this.#options.secrets);
  }

  wake(): Promise<void> {
    return this.run((delivery) => delivery.wake(this.#options.inventory.head));
  }

  status() {
    const { name, type } = this.#sink();
    return this.run((delivery) => delivery.status({ name, type }, this.#options.inventory.head));
  }

  /** What a connection test of the sink finds. */
  test(network: typeof fetch) {
    const { connection, stream } = this.identity;
    return this.#sink()
      .open({ fetch: network, now: () => this.now, connection, stream, binding: () => undefined })
      .test();
  }

  /** Lets time pass to the next alarm and runs it. @returns whether there was one. */
  async step(): Promise<boolean> {
    const alarm = await this.run(async (_, storage) => {
      const at = await storage.getAlarm();
      await storage.deleteAlarm();
      return at;
    });
    if (alarm === null) return false;
    this.now = Math.max(this.now + 1, alarm);
    await this.run((delivery) => delivery.alarm());
    return true;
  }

  /** Runs the alarms that are due within a time, and lets that time pass if more come after it. */
  async settle(withinMs = 7 * 24 * 3600 * 1000): Promise<void> {
    const until = this.now + withinMs;
    for (;;) {
      const at = await this.run((_, storage) => storage.getAlarm());
      if (at === null) return;
      if (at > until) {
        this.now = until;
        return;
      }
      await this.step();
    }
  }
}
