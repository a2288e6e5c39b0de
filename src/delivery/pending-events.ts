/** The events after a sink's cursor, read page by page and a little ahead of the deliveries. */
import type { EventSource, EventsPage, EventsQuery, StoredEvent } from "../contract/stream-api.ts";

/** How a delivery reads its stream. */
export type ReadEvents = EventSource["events"];

type PageResult = { readonly page: EventsPage } | { readonly failed: unknown };

export class PendingEvents {
  readonly #inventory: ReadEvents;
  readonly #query: Omit<EventsQuery, "after">;
  #events: StoredEvent[] = [];
  #readUpTo: number;
  #head: number | null = null;
  #ahead: Promise<PageResult> | null = null;

  constructor(inventory: ReadEvents, query: Omit<EventsQuery, "after">, after: number) {
    this.#inventory = inventory;
    this.#query = query;
    this.#readUpTo = after;
  }

  get events(): readonly StoredEvent[] {
    return this.#events;
  }

  /** The stream's head when the last page was read; null before the first. */
  get head(): number | null {
    return this.#head;
  }

  /** Whether everything was read that there was. */
  get complete(): boolean {
    return this.#head !== null && this.#readUpTo >= this.#head;
  }

  /** Begins to read the next page, if so little is left. A failure shows when the page is wanted. */
  prefetch(below: number): void {
    if (this.#ahead !== null || this.complete || this.#events.length >= below) return;
    this.#ahead = this.#inventory({ ...this.#query, after: this.#readUpTo }).then(
      (page) => ({ page }),
      (failed: unknown) => ({ failed }),
    );
  }

  /** Reads until there are so many, or no more. Throws what the inventory threw. */
  async fill(wanted: number): Promise<void> {
    while (this.#events.length < wanted && !this.complete) {
      this.prefetch(Number.POSITIVE_INFINITY);
      const result = await this.#ahead;
      this.#ahead = null;
      if (result === null) return;
      if ("failed" in result) throw result.failed;
      const { events, last, head } = result.page;
      this.#events = this.#events.length === 0 ? [...events] : [...this.#events, ...events];
      // An empty page ends the list even where the head belongs to no event any more.
      this.#readUpTo = events.length === 0 ? Math.max(this.#readUpTo, head) : last;
      this.#head = head;
    }
  }

  /** Forgets what is dealt with. */
  dropThrough(position: number): void {
    const first = this.#events.findIndex((event) => event.sequence > position);
    this.#events = first === -1 ? [] : this.#events.slice(first);
  }
}
