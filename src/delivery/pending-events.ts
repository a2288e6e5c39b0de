/** The events after a sink's cursor, read page by page and a little ahead of the deliveries. */
import type { EventSource, EventsPage, StoredEvent } from "../contract/stream-api.ts";

/** How a delivery reads its stream. */
export type ReadEvents = EventSource["events"];

/** The same for one sink, in its dialect and form: a page of at most `limit` events after a sequence. */
export type ReadPage = (after: number, limit: number) => Promise<EventsPage>;

type PageResult = { readonly page: EventsPage } | { readonly failed: unknown };

export class PendingEvents {
  readonly #read: ReadPage;
  readonly #pageSize: number;
  #events: readonly StoredEvent[] = [];
  #readUpTo: number;
  #newest: EventsPage | null = null;
  #ahead: Promise<PageResult> | null = null;

  constructor(read: ReadPage, pageSize: number, after: number) {
    this.#read = read;
    this.#pageSize = pageSize;
    this.#readUpTo = after;
  }

  /** The stream's head when the last page was read; null before the first. */
  get head(): number | null {
    return this.#newest?.head ?? null;
  }

  /** Which inventory the last page was of; null before the first, and if the stream does not say. */
  get inventory(): string | null {
    return this.#newest?.inventory ?? null;
  }

  /** Whether the stream could not give any events when the last page was read. */
  get isSettling(): boolean {
    return this.#newest?.settling === true;
  }

  /** Begins to read the next page, if fewer events are left. A failure shows when the page is wanted. */
  prefetch(below: number): void {
    if (this.#ahead !== null || this.#isComplete() || this.#events.length >= below) return;
    this.#ahead = this.#read(this.#readUpTo, this.#pageSize).then(
      (page) => ({ page }),
      (failed: unknown) => ({ failed }),
    );
  }

  /** What is pending: at least `wanted` events, unless there are fewer left. Throws what reading threw. */
  async take(wanted: number): Promise<readonly StoredEvent[]> {
    while (this.#events.length < wanted && !this.#isComplete()) {
      this.prefetch(Number.POSITIVE_INFINITY);
      const result = await this.#ahead;
      this.#ahead = null;
      if (result === null) break;
      if ("failed" in result) throw result.failed;
      const { events, last, head } = result.page;
      this.#events = this.#events.length === 0 ? events : [...this.#events, ...events];
      // An empty page ends the list even where the head belongs to no event any more.
      this.#readUpTo = events.length === 0 ? Math.max(this.#readUpTo, head) : last;
      this.#newest = result.page;
    }
    return this.#events;
  }

  /** Forgets events up to a sequence: they are dealt with. */
  dropThrough(position: number): void {
    const first = this.#events.findIndex((event) => event.sequence > position);
    this.#events = first === -1 ? [] : this.#events.slice(first);
  }

  /** Whether everything was read that there was. */
  #isComplete(): boolean {
    return this.#newest !== null && this.#readUpTo >= this.#newest.head;
  }
}
