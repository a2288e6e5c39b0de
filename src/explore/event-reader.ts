/** Stored facts as events, mapped when they are read: the newest state of each asset, in sequence order. */
import type { EventsPage, EventsQuery, StoredEvent } from "../contract/stream-api.ts";
import type { Dialect } from "../contract/streams.ts";
import type { StoredAsset } from "../inventory/asset-reader.ts";
import { type EventContext, eventId } from "../inventory/facts.ts";
import type { Inventory } from "../inventory/inventory.ts";
import { omitNulls } from "../ocsf/index.ts";
import type { StreamDefinition } from "../streams/definition.ts";

/** What all events of a stream have in common. */
export type EventOrigin = Pick<EventContext, "connection" | "stream" | "tenant" | "mfaIgnoredFactors">;

/** A page is cut here, so that it stays far below what one RPC may carry (32 MiB) and memory stays flat. */
const MAX_PAGE_CHARS = 4_000_000;
/** Rows mapped at a time, so that a page of large events does not read more than it gives. */
const CHUNK = 100;

export class EventReader {
  readonly #definition: StreamDefinition;
  readonly #inventory: Inventory;
  readonly #origin: EventOrigin;

  constructor(definition: StreamDefinition, inventory: Inventory, origin: EventOrigin) {
    this.#definition = definition;
    this.#inventory = inventory;
    this.#origin = origin;
  }

  page({ after, limit, dialect, omitNulls: lean = false }: EventsQuery): EventsPage {
    const reader = this.#definition.store.reader(this.#inventory);
    const events: StoredEvent[] = [];
    let chars = 0;
    let last = after;
    while (events.length < limit && chars < MAX_PAGE_CHARS) {
      const want = Math.min(CHUNK, limit - events.length);
      let read = 0;
      for (const asset of reader.after(last, want)) {
        read += 1;
        if (chars >= MAX_PAGE_CHARS) break;
        const event = this.#event(asset, dialect, lean);
        events.push(event);
        chars += event.json.length;
        last = event.sequence;
      }
      if (read < want) break;
    }
    return { events, last, head: this.#inventory.assets.head };
  }

  one(assetId: string, dialect: Dialect): StoredEvent | null {
    const asset = this.#definition.store.reader(this.#inventory).one(assetId);
    return asset && this.#event(asset, dialect, false);
  }

  #event(asset: StoredAsset<unknown>, dialect: Dialect, lean: boolean): StoredEvent {
    const { id: assetId, sequence, changedAt, deletedAt } = asset;
    const context: EventContext = { ...this.#origin, assetId, sequence, changedAt, deletedAt };
    const event = this.#definition.event(asset.facts, context, dialect);
    return {
      id: eventId(context),
      assetId,
      sequence,
      changedAt,
      json: JSON.stringify(lean ? omitNulls(event) : event),
    };
  }
}
