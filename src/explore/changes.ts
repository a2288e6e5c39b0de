/** The history as documents: an asset's own, and all changes of a stream in the order of its numbers. */
import type { Change, HistoryPage, RecentChanges } from "../contract/changes.ts";
import type { FoundDevice, FoundUser } from "../contract/inventory-documents.ts";
import type {
  ChangesPage,
  ChangesQuery,
  HistoryQuery,
  RecentChangesQuery,
  StoredEvent,
} from "../contract/stream-api.ts";
import type { StreamName } from "../contract/streams.ts";
import { groupsIn, isOfGroup, type StoredChange } from "../inventory/changes.ts";
import { eventId } from "../inventory/facts.ts";
import { type ChangeColumns, type HistoryPlace, HistoryReader, NOW } from "../inventory/history-reader.ts";
import type { Inventory } from "../inventory/inventory.ts";
import { retold } from "../inventory/retold-roles.ts";
import { fromOpaque, toOpaque } from "../lib/opaque.ts";
import { type ChangeContext, changeEvent } from "../ocsf/index.ts";
import type { StreamDefinition } from "../streams/definition.ts";
import { suits } from "./change-filter.ts";
import type { EventOrigin } from "./event-origin.ts";
import { readPage } from "./sequence-page.ts";

/** Rows that are read at a time. */
const CHUNK = 200;
/** A search for the newest changes ends here, whatever it has found. */
const MOST_LOOKED_AT = 4_000;

type Found = RecentChanges["changes"][number];

/** What the reader of one stream's changes works with. */
interface ChangesDeps {
  readonly stream: StreamName;
  readonly definition: StreamDefinition;
  readonly inventory: Inventory;
  readonly sql: SqlStorage;
  /** Lower-case factor types that do not count as MFA. */
  readonly ignored: readonly string[];
}

/** A change as a document, and what that was made of. */
interface Documented {
  readonly change: StoredChange;
  readonly document: Change;
  /** What it was about, as it is called now. */
  readonly subject: ChangeContext["subject"];
}

const iso = (at: number): string => new Date(at).toISOString();

/** The place that `next` of the page before tells; null if no page has told it. */
const placeOf = (after: string): HistoryPlace | null => {
  const [at, sequence] = fromOpaque(after) ?? [];
  return typeof at === "number" && typeof sequence === "number" ? { at, sequence } : null;
};

/** The sequence number that `next` of the page before tells; null if no page has told it. */
const numberOf = (before: string): number | null => {
  const [sequence] = fromOpaque(before) ?? [];
  return typeof sequence === "number" ? sequence : null;
};

/** Reads the changes of one stream. */
export class ChangeReader {
  readonly #deps: ChangesDeps;
  readonly #reader: HistoryReader;

  constructor(deps: ChangesDeps) {
    this.#deps = deps;
    this.#reader = new HistoryReader(deps.sql);
  }

  /** One page of all changes, in order of sequence number. It is shorter than `limit` if the changes are large. */
  page(query: ChangesQuery): ChangesPage {
    const { inventory } = this.#deps;
    const { items, last, more } = readPage(query, CHUNK, (after, want) =>
      this.#documents(this.#reader.after(after, want)).map((change) => ({
        sequence: change.sequence,
        json: JSON.stringify(change),
      })),
    );
    return { changes: items, last, head: inventory.assets.head, inventory: inventory.id, more };
  }

  /** At most `limit` changes with a greater number than `after`, each as an event of the `ocsf` dialect. */
  events(after: number, limit: number, origin: EventOrigin): StoredEvent[] {
    const { connection, tenant, stream } = origin;
    const { base: sequenceBase } = this.#deps.inventory.assets;
    return this.#documented(this.#reader.after(after, limit)).map(({ change, document, subject }) => {
      const { id, sequence, first, readAt: storedAt } = change;
      const context = { connection, tenant, sequenceBase, storedAt, isGroup: isOfGroup(change), subject };
      return {
        id: eventId({ connection, stream, assetId: id, sequence }),
        assetId: `${id}/${first}`,
        changed: id,
        sequence,
        changedAt: storedAt,
        json: JSON.stringify(changeEvent(document, context)),
      };
    });
  }

  /**
   * One page of what has changed about an asset, newest first; of a user also about the user's groups. A group has a history
   * of its own.
   * @returns null if there is no such asset or group, and none is remembered
   */
  of(id: string, { after, limit }: HistoryQuery, keptSince: number | null): HistoryPage | null {
    const { inventory } = this.#deps;
    const place = after === undefined ? NOW : placeOf(after);
    const isKnown = this.#reader.has(id) || inventory.assets.isKnown(id) || inventory.groups.has(id);
    if (!isKnown) return null;
    const read = place === null ? [] : this.#read(id, place, limit + 1);
    const page = this.#retold(id, read.slice(0, limit));
    const last = page.at(-1);
    return {
      changes: this.#documents(page),
      next: read.length > limit && last !== undefined ? toOpaque([last.at, last.sequence]) : null,
      kept_since: keptSince === null ? null : iso(keptSince),
    };
  }

  /**
   * The newest changes that meet the conditions, by number. That is the order in which changes were found or completed: one
   * that was found late comes before one that happened after it.
   */
  recent(query: RecentChangesQuery, keptSince: number | null): RecentChanges {
    const { before, limit } = query;
    const columns = this.#columns(query);
    const found: Found[] = [];
    let next = before === undefined ? Number.MAX_SAFE_INTEGER : numberOf(before);
    let at: string | null = null;
    for (let looked = 0; next !== null && found.length <= limit && looked < MOST_LOOKED_AT; looked += CHUNK) {
      const { wanted, end, more } = this.#reader.below(next, CHUNK, columns);
      found.push(...this.#found(wanted).filter((change) => suits(change, query)));
      next = more && end !== null ? end.sequence : null;
      if (end !== null) at = iso(end.at);
    }
    const changes = found.slice(0, limit);
    const last = changes.at(-1);
    const isCut = found.length > limit && last !== undefined;
    if (isCut) next = last.sequence;
    return {
      changes,
      next: next === null ? null : toOpaque([next]),
      searched_back_to: isCut ? last.at : at,
      kept_since: keptSince === null ? null : iso(keptSince),
    };
  }

  #columns({ fields, kinds, from, to }: RecentChangesQuery): ChangeColumns {
    const { partsWith } = this.#deps.definition;
    return {
      parts: fields === undefined ? null : [...new Set(fields.flatMap((field) => partsWith(field)))],
      kinds: kinds ?? null,
      from: from === undefined ? null : Date.parse(from),
      to: to === undefined ? null : Date.parse(to),
    };
  }

  #found(changes: readonly StoredChange[]): Found[] {
    return this.#documented(changes).map(({ change, document }) => ({
      ...document,
      of: isOfGroup(change) ? "group" : "asset",
    }));
  }

  #read(id: string, place: HistoryPlace, limit: number): StoredChange[] {
    const { definition, inventory } = this.#deps;
    if (!definition.areAccounts) return this.#reader.own(id, place, limit);
    return this.#reader.ofUser(id, inventory.everyoneOf(id), place, limit);
  }

  /** The changes of a user with what each did to the user's roles, in the order in which they happened. */
  #retold(id: string, page: readonly StoredChange[]): readonly StoredChange[] {
    const { definition, inventory } = this.#deps;
    const oldest = page.at(-1);
    if (oldest === undefined || !definition.areAccounts) return page;
    const user = inventory.users.one(id);
    if (user === null) return page;
    const { changes, isCut, formerGroups } = this.#reader.sinceOfUser(
      id,
      inventory.groups.everyoneId(),
      oldest.at - 1,
    );
    if (isCut) return page;
    const groups = [...inventory.groups.ofPage(groupsIn(changes)).byId.values()];
    const told = retold(changes, { facts: user.facts, groups, formerGroups });
    const bySequence = new Map(told.map((change) => [change.sequence, change]));
    return page.map((change) => bySequence.get(change.sequence) ?? change);
  }

  #documents(changes: readonly StoredChange[]): Change[] {
    return this.#documented(changes).map(({ document }) => document);
  }

  #documented(changes: readonly StoredChange[]): Documented[] {
    const { stream, definition, ignored } = this.#deps;
    const subjects = this.#subjects(changes);
    return changes.map((change) => {
      const subject = subjects.get(change.id);
      const name = subject?.name ?? nameIn(change);
      const document: Change = {
        sequence: change.sequence,
        first_sequence: change.first,
        at: iso(change.at),
        stream,
        id: change.id,
        name,
        kind: change.kind,
        source: change.source,
        fields: [...definition.changeFields(change, ignored)],
        actor: change.events[0]?.actor ?? null,
        events: [...change.events],
      };
      return { change, document, subject: subject ?? { name, login: null, email: null } };
    });
  }

  /** What the assets that have changed are called now, by id. */
  #subjects(changes: readonly StoredChange[]): ReadonlyMap<string, Documented["subject"]> {
    const { definition, inventory, ignored } = this.#deps;
    const ids = new Set(changes.filter((change) => !isOfGroup(change)).map(({ id }) => id));
    const assets = definition.store.reader(inventory).of([...ids]);
    return new Map(assets.map((asset) => [asset.id, calledNow(definition.explore.found(asset, ignored))]));
  }
}

const calledNow = (asset: FoundUser | FoundDevice): Documented["subject"] =>
  "login" in asset
    ? { name: asset.name, login: asset.login, email: asset.email }
    : { name: asset.name, login: null, email: null };

/** What a group was called, or a deleted asset whose tombstone is gone. */
const nameIn = ({ detail }: StoredChange): string | null => ("name" in detail ? (detail.name ?? null) : null);
