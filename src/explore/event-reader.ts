/** Reading stored facts as events. Facts are mapped when they are read: one event per asset, in its newest state. */
import type { EventsPage, EventsQuery, StoredEvent } from "../contract/stream-api.ts";
import type { Dialect } from "../contract/streams.ts";
import type { StoredAsset } from "../inventory/asset-reader.ts";
import { type EventContext, eventId } from "../inventory/facts.ts";
import type { Inventory } from "../inventory/inventory.ts";
import { omitNulls } from "../ocsf/index.ts";
import type { StreamDefinition } from "../streams/definition.ts";
import type { ChangeReader } from "./changes.ts";
import type { EventOrigin } from "./event-origin.ts";
import { readPage } from "./sequence-page.ts";

/** Rows that are read at a time. */
const CHUNK = 100;

/** What reading events works with. */
interface EventReaderDeps {
  readonly definition: StreamDefinition;
  readonly inventory: Inventory;
  readonly changes: ChangeReader;
  /** Null while what shapes the events is not known, so that none can be read. */
  readonly origin: EventOrigin | null;
  readonly transaction: (work: () => void) => void;
}

/** Reads the events of one stream. */
export class EventReader {
  readonly #deps: EventReaderDeps;

  constructor(deps: EventReaderDeps) {
    this.#deps = deps;
  }

  /**
   * One page of events, in order of sequence number. It is shorter than `limit` if the events are large. While assets
   * get new numbers it is empty, says so, and moves no cursor.
   */
  page(query: EventsQuery): EventsPage {
    const { after } = query;
    const { inventory, origin } = this.#deps;
    const { assets, id } = inventory;
    if (origin === null || assets.renumbering.isUnfinished)
      return { events: [], last: after, head: after, inventory: id, settling: true };
    const { items: events, last } = readPage(query, CHUNK, (from, want) =>
      this.#chunk(from, want, query, origin),
    );
    return { events, last, head: assets.head, inventory: id };
  }

  /** The next events: those of assets and, if they are asked for, those of changes; no number stands for both. */
  #chunk(after: number, want: number, query: EventsQuery, origin: EventOrigin): StoredEvent[] {
    const { definition, inventory, changes } = this.#deps;
    const { dialect, omitNulls: lean = false } = query;
    const reader = definition.store.reader(inventory);
    const assets = [...reader.after(after, want)].map((asset) => this.#event(asset, origin, dialect, lean));
    if (query.changes !== true || dialect !== "ocsf") return assets;
    return [...assets, ...changes.events(after, want, origin)]
      .sort((a, b) => a.sequence - b.sequence)
      .slice(0, want);
  }

  /** The newest event of one asset, deleted or not, under its newest number; null if the asset is not known. */
  one(assetId: string, dialect: Dialect): StoredEvent | null {
    const { definition, inventory, origin, transaction } = this.#deps;
    if (origin === null) return null;
    const { renumbering } = inventory.assets;
    if (renumbering.isUnfinished) transaction(() => renumbering.hurry(assetId));
    const asset = definition.store.reader(inventory).one(assetId);
    return asset && this.#event(asset, origin, dialect, false);
  }

  #event(asset: StoredAsset<unknown>, origin: EventOrigin, dialect: Dialect, lean: boolean): StoredEvent {
    const { id: assetId, sequence, changedAt, deletedAt } = asset;
    const { definition, inventory } = this.#deps;
    const { base: sequenceBase } = inventory.assets;
    const context: EventContext = {
      ...origin,
      assetId,
      sequence,
      sequenceBase,
      changedAt,
      deletedAt,
    };
    const event = definition.event(asset.facts, context, dialect);
    return {
      id: eventId(context),
      assetId,
      sequence,
      changedAt,
      json: JSON.stringify(lean ? omitNulls(event) : event),
    };
  }
}
