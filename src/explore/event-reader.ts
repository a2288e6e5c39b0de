import type { EventsPage, EventsQuery, StoredEvent } from "../contract/stream-api.ts";
import type { Dialect, StreamName } from "../contract/streams.ts";
import type { EventContext } from "../inventory/facts.ts";
import { eventId } from "../inventory/facts.ts";
import type { Inventory, StoredAsset } from "../inventory/inventory.ts";
import { deviceEvent, omitNulls, userEvent } from "../ocsf/index.ts";

export interface EventSource {
  readonly connection: string;
  readonly stream: StreamName;
  readonly tenant: string;
  readonly mfaIgnoredFactors: readonly string[];
}

/** A page is cut here, so that it stays far below what one RPC may carry (32 MiB) and memory stays flat. */
const MAX_PAGE_CHARS = 4_000_000;
/** Rows mapped at a time, so that a page of large events does not read more than it gives. */
const CHUNK = 100;

/** Maps stored facts to events when they are read: the newest state of each asset, in sequence order. */
export class EventReader {
  readonly #inventory: Inventory;
  readonly #source: EventSource;

  constructor(inventory: Inventory, source: EventSource) {
    this.#inventory = inventory;
    this.#source = source;
  }

  page({ after, limit, dialect, omitNulls: lean = false }: EventsQuery): EventsPage {
    const events: StoredEvent[] = [];
    let chars = 0;
    let last = after;
    while (events.length < limit && chars < MAX_PAGE_CHARS) {
      const want = Math.min(CHUNK, limit - events.length);
      const chunk = this.#after(last, want, dialect, lean);
      for (const event of chunk) {
        events.push(event);
        chars += event.json.length;
        last = event.sequence;
        if (chars >= MAX_PAGE_CHARS) break;
      }
      if (chunk.length < want) break;
    }
    return { events, last, head: this.#inventory.assets.head };
  }

  one(assetId: string, dialect: Dialect): StoredEvent | null {
    if (this.#source.stream === "users") {
      const user = this.#inventory.user(assetId);
      return user && this.#stored(user, (context) => userEvent(user.facts, context, dialect), false);
    }
    const device = this.#inventory.device(assetId);
    return device && this.#stored(device, (context) => deviceEvent(device.facts, context, dialect), false);
  }

  #after(after: number, limit: number, dialect: Dialect, lean: boolean): StoredEvent[] {
    const { stream } = this.#source;
    const events: StoredEvent[] = [];
    if (stream === "users") {
      for (const user of this.#inventory.usersAfter(after, limit)) {
        events.push(this.#stored(user, (context) => userEvent(user.facts, context, dialect), lean));
      }
    } else {
      for (const device of this.#inventory.devicesAfter(after, limit)) {
        events.push(this.#stored(device, (context) => deviceEvent(device.facts, context, dialect), lean));
      }
    }
    return events;
  }

  #stored(asset: StoredAsset<unknown>, map: (context: EventContext) => unknown, lean: boolean): StoredEvent {
    const { id: assetId, sequence, changedAt, deletedAt } = asset;
    const context: EventContext = { ...this.#source, assetId, sequence, changedAt, deletedAt };
    const event = map(context);
    return {
      id: eventId(context),
      assetId,
      sequence,
      changedAt,
      json: JSON.stringify(lean ? omitNulls(event) : event),
    };
  }
}
