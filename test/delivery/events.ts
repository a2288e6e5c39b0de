/** Events and a stream of them, for tests: an inventory that keeps the newest state of every asset. */
import type { EventsPage, EventsQuery, StoredEvent } from "../../src/contract/stream-api.ts";

export const eventOf = (sequence: number, assetId = `u${sequence}`, extra: object = {}): StoredEvent => ({
  id: `default/users/${assetId}/${sequence}`,
  assetId,
  sequence,
  changedAt: 1_700_000_000_000 + sequence * 1000,
  json: JSON.stringify({ class_uid: 5003, user: { uid: assetId }, sequence, ...extra }),
});

/** What StreamApi.events promises, in memory. */
export class FakeInventory {
  /** Every state there ever was, at its sequence less one. */
  #log: StoredEvent[] = [];
  readonly #newest = new Map<string, StoredEvent>();
  head = 0;
  /** The inventory's identity; undefined as in version 0.1.0. */
  inventory: string | undefined = undefined;
  /** How many readings are still told that the assets get new numbers. */
  settling = 0;
  /** Thrown by the next reading, once. */
  failure: Error | null = null;
  reads = 0;

  put(assetId: string, extra: object = {}): StoredEvent {
    this.head += 1;
    const event = eventOf(this.head, assetId, extra);
    this.#newest.set(assetId, event);
    this.#log.push(event);
    return event;
  }

  /** Begins anew, as a stream does whose storage was lost. @param inventory its new identity */
  reset(inventory?: string): void {
    this.inventory = inventory;
    this.#newest.clear();
    this.#log = [];
    this.head = 0;
  }

  newest(): StoredEvent[] {
    return this.#log.filter((event) => this.#newest.get(event.assetId) === event);
  }

  readonly events = async ({ after, limit }: EventsQuery): Promise<EventsPage> => {
    this.reads += 1;
    const { failure } = this;
    this.failure = null;
    if (failure !== null) throw failure;
    const named = this.inventory === undefined ? {} : { inventory: this.inventory };
    if (this.settling > 0) {
      this.settling -= 1;
      return { events: [], last: after, head: after, settling: true, ...named };
    }
    const events: StoredEvent[] = [];
    for (let at = after; at < this.#log.length && events.length < limit; at += 1) {
      const event = this.#log[at];
      if (event !== undefined && this.#newest.get(event.assetId) === event) events.push(event);
    }
    return { events, last: events.at(-1)?.sequence ?? after, head: this.head, ...named };
  };
}
