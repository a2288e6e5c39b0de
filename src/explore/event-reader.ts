/** Reading stored facts as events. Facts are mapped when they are read: one event per asset, in its newest state. */
import type { EventsPage, EventsQuery, StoredEvent } from "../contract/stream-api.ts";
import type { Dialect } from "../contract/streams.ts";
import type { StoredAsset } from "../inventory/asset-reader.ts";
import { type EventContext, eventId } from "../inventory/facts.ts";
import type { Inventory } from "../inventory/inventory.ts";
import { omitNulls } from "../ocsf/index.ts";
import type { StreamDefinition } from "../streams/definition.ts";

/** The part of the context that all events of a stream share. */
export type EventOrigin = Pick<
  EventContext,
  "connection" | "stream" | "tenant" | "mfaIgnoredFactors" | "profileAttributes"
>;

/** A page ends here, which keeps it far below the 32 MiB that one RPC may carry, and memory use flat. */
const MAX_PAGE_CHARS = 4_000_000;
/** Rows that are read at a time, so that a page of large events does not read many more than it returns. */
const CHUNK = 100;

/** Reads the events of one stream. */
export class EventReader {
  readonly #definition: StreamDefinition;
  readonly #inventory: Inventory;
  readonly #origin: EventOrigin | null;
  readonly #transaction: (work: () => void) => void;

  /** @param origin null while what shapes the events is not known, so that none can be read */
  constructor(
    definition: StreamDefinition,
    inventory: Inventory,
    origin: EventOrigin | null,
    transaction: (work: () => void) => void,
  ) {
    this.#definition = definition;
    this.#inventory = inventory;
    this.#origin = origin;
    this.#transaction = transaction;
  }

  /**
   * One page of events, in order of sequence number. It is shorter than `limit` if the events are large. While assets
   * get new numbers it is empty, says so, and moves no cursor.
   */
  page({ after, limit, dialect, omitNulls: lean = false }: EventsQuery): EventsPage {
    const { assets, id: inventory } = this.#inventory;
    const origin = this.#origin;
    if (origin === null || assets.renumbering.isUnfinished)
      return { events: [], last: after, head: after, inventory, settling: true };
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
        const event = this.#event(asset, origin, dialect, lean);
        events.push(event);
        chars += event.json.length;
        last = event.sequence;
      }
      if (read < want) break;
    }
    return { events, last, head: assets.head, inventory };
  }

  /** The newest event of one asset, deleted or not, under its newest number; null if the asset is not known. */
  one(assetId: string, dialect: Dialect): StoredEvent | null {
    const origin = this.#origin;
    if (origin === null) return null;
    const { renumbering } = this.#inventory.assets;
    if (renumbering.isUnfinished) this.#transaction(() => renumbering.hurry(assetId));
    const asset = this.#definition.store.reader(this.#inventory).one(assetId);
    return asset && this.#event(asset, origin, dialect, false);
  }

  #event(asset: StoredAsset<unknown>, origin: EventOrigin, dialect: Dialect, lean: boolean): StoredEvent {
    const { id: assetId, sequence, changedAt, deletedAt } = asset;
    const { base: sequenceBase } = this.#inventory.assets;
    const context: EventContext = {
      ...origin,
      assetId,
      sequence,
      sequenceBase,
      changedAt,
      deletedAt,
    };
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
