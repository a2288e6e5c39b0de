/**
 * The history: what has changed, when, and who did it. Whatever changes a fact notes it here, in the same transaction. A
 * change is a difference between two readings, so however often and in whichever ways the new state is read, it is one
 * change. First readings are no changes, and neither are failed ones.
 *
 * Who did it is in log events, which come before the reading (then they wait in the table `told`), or after it (then they
 * complete the change, under a new number).
 */
import type { ChangeEvent, ChangeSource } from "../contract/changes.ts";
import {
  type ChangeDetails,
  happenedAt,
  joinedEvents,
  type NewChange,
  publishedAt,
  type StoredChange,
  type Subject,
  subjectOf,
  tellsOf,
} from "./changes.ts";
import type { ChangeRow } from "./history-tables.ts";
import type { InventoryMeta, Meta } from "./meta.ts";
import { jsonChunks, ROWS_AT_ONCE } from "./sql.ts";
import { SAME_CHANGE_MS, type StaleKind } from "./stale-kinds.ts";

/** How many of an asset's newest changes are looked at for the one that an event tells of. */
const LOOKED_AT = 20;
/** How many steps of pruning one call makes at most. */
const MOST_PRUNED = 20;

/** What is going on while changes are noted. */
export interface HistoryScope {
  readonly source: ChangeSource;
  /** How far Okta's clock is ahead of ours, ms. */
  readonly skewMs: number;
  /** What comes from a list: it tells nothing of what happened after this, ms by Okta's clock. */
  readonly shownUntil?: number;
  /** The entry of the queue because of which all this is read: its events tell of it, too. */
  readonly via?: Subject;
  /** The log event that is applied. */
  readonly event?: ChangeEvent;
}

/** A row of the table `told`. */
interface ToldRow {
  readonly is_direct: number;
  readonly event: string;
}

const eventsIn = (rows: readonly ToldRow[], isDirect: 0 | 1): ChangeEvent[] =>
  rows.flatMap((row): readonly ChangeEvent[] => (row.is_direct === isDirect ? [JSON.parse(row.event)] : []));

/** Whether somebody has lost all factors, and nobody has told of it. */
const isLoss = ({ part, detail, events }: StoredChange): boolean =>
  part === "factors" && detail.after.length === 0 && events.length === 0;

/** A change as a row has it. */
export const storedChange = (row: ChangeRow): StoredChange =>
  // `#insert` wrote it: part and detail belong together.
  ({
    sequence: row.sequence,
    first: row.first_sequence,
    id: row.asset_id,
    part: row.part,
    kind: row.kind,
    source: row.source,
    since: row.since,
    at: row.at,
    readAt: row.read_at,
    detail: JSON.parse(row.detail),
    events: row.events === null ? [] : JSON.parse(row.events),
  }) as StoredChange;

/** The changes of one stream. Callers open the transaction of each write. */
export class History {
  readonly #sql: SqlStorage;
  readonly #meta: Meta<InventoryMeta>;
  readonly #reserve: (count: number) => number;
  readonly #now: () => number;
  #scope: HistoryScope = { source: "full", skewMs: 0 };

  /**
   * @param deps.reserve gives out sequence numbers; returns the first of them
   * @param deps.now ms since the epoch
   */
  constructor(deps: {
    readonly sql: SqlStorage;
    readonly meta: Meta<InventoryMeta>;
    readonly reserve: (count: number) => number;
    readonly now: () => number;
  }) {
    this.#sql = deps.sql;
    this.#meta = deps.meta;
    this.#reserve = deps.reserve;
    this.#now = deps.now;
  }

  /** Since when changes are kept, ms since the epoch by our clock; null while none are. */
  get since(): number | null {
    return this.#meta.get("history")?.since ?? null;
  }

  /** Begins to keep changes: everything is known once, so that what is read from now on has a before. */
  begin(): void {
    if (this.since === null) this.#meta.set("history", { since: this.#now() });
  }

  /** Keeps no changes any more. What is stored of them is pruned. */
  stop(): void {
    if (this.since !== null) this.#meta.delete("history");
  }

  /** Does work whose changes have this source, and so on; see `HistoryScope`. What is not given stays as it is. */
  as<T>(scope: Partial<HistoryScope>, work: () => T): T {
    const before = this.#scope;
    this.#scope = { ...before, ...scope };
    try {
      return work();
    } finally {
      this.#scope = before;
    }
  }

  /** Whether a log event is being applied. */
  get isApplying(): boolean {
    return this.#scope.event !== undefined;
  }

  /** When what is being noted happened, as far as that is known: when the event was published, or now by Okta's clock; ms. */
  get moment(): number {
    const { event } = this.#scope;
    return event === undefined ? this.#nowByOkta : Math.min(publishedAt(event), this.#nowByOkta);
  }

  /** Now, by Okta's clock, ms. */
  get #nowByOkta(): number {
    return this.#now() + this.#scope.skewMs;
  }

  /** A time of ours by Okta's clock. @param at ms since the epoch; null: never */
  byOkta(at: number | null): number {
    return at === null ? 0 : at + this.#scope.skewMs;
  }

  /** Takes note of changes. @returns the events that tell of them, by the id of what has changed */
  note(changes: readonly NewChange[]): ReadonlyMap<string, readonly ChangeEvent[]> {
    const told = new Map<string, readonly ChangeEvent[]>();
    if (changes.length === 0 || this.since === null) return told;
    const { source } = this.#scope;
    const found = this.#nowByOkta;
    const first = this.#reserve(changes.length);
    const isAnyTold = this.#sql.exec("SELECT 1 FROM told LIMIT 1").toArray().length > 0;
    const rows = changes.map(({ id, part, kind, detail, since, at }, index) => {
      const events = this.#eventsOf({ part, id }, at, isAnyTold);
      const happened = happenedAt(events, at, { since, found });
      told.set(id, events);
      const from = events.length === 0 ? source : "log";
      const json = events.length === 0 ? null : JSON.stringify(events);
      return [first + index, id, part, kind, from, since, happened, found, JSON.stringify(detail), json];
    });
    for (const chunk of jsonChunks(rows)) {
      this.#sql.exec(
        `INSERT INTO changes (sequence, first_sequence, asset_id, part, kind, source, since, at, read_at, detail, events)
         SELECT value ->> 0, value ->> 0, value ->> 1, value ->> 2, value ->> 3, value ->> 4, value ->> 5, value ->> 6, value ->> 7,
           value ->> 8, value ->> 9 FROM json_each(?)`,
        chunk,
      );
    }
    return told;
  }

  /**
   * The events that tell of a change that has just been read. What is about something else counts only if nothing is about
   * this.
   * @param recorded when it happened, if Okta's record tells: a list that shows it need not show what came after
   */
  #eventsOf(subject: Subject, recorded: number | undefined, isAnyTold: boolean): ChangeEvent[] {
    const { event, via, shownUntil } = this.#scope;
    const own = event === undefined ? [] : [event];
    if (!isAnyTold) return own;
    const until = shownUntil === undefined ? null : Math.max(shownUntil, (recorded ?? 0) + SAME_CHANGE_MS);
    const told = this.#told(subject, until);
    if (told.length > 0) this.#forget(subject, until);
    // What tells of the change before this one was not heard of until that was found.
    const others = eventsIn(told, 1).filter((one) => !this.#completeNewest(subject, one, false));
    const direct = joinedEvents(own, others);
    if (direct.length > 0) return direct;
    return joinedEvents(eventsIn(told, 0), via === undefined ? [] : eventsIn(this.#told(via, until), 1));
  }

  #told({ part, id }: Subject, until: number | null): ToldRow[] {
    return this.#sql
      .exec<ToldRow & Record<string, SqlStorageValue>>(
        "SELECT is_direct, event FROM told WHERE asset_id = ?1 AND part = ?2 AND (?3 IS NULL OR published <= ?3)",
        id,
        part,
        until,
      )
      .toArray();
  }

  #forget({ part, id }: Subject, until: number | null): void {
    this.#sql.exec(
      "DELETE FROM told WHERE asset_id = ?1 AND part = ?2 AND (?3 IS NULL OR published <= ?3)",
      id,
      part,
      until,
    );
  }

  /**
   * A log event tells of a change: of one that was found already, which it completes under a new number, or else of one
   * that is going to be read.
   */
  hear(subject: Subject, event: ChangeEvent): void {
    const { since } = this;
    // What happened before is no change: the full run has read it.
    if (since === null || publishedAt(event) < this.byOkta(since)) return;
    if (!this.#completeNewest(subject, event, false)) this.#tell(subject, event, 1);
  }

  /**
   * Completes the newest change if an event tells of it; see `tellsOf`.
   * @returns whether the event has told of any change
   */
  #completeNewest({ part, id }: Subject, event: ChangeEvent, isReadAgain: boolean): boolean {
    const changes = this.#newest(id);
    const known = changes.filter((change) => change.part === part);
    if (known.some(({ events }) => events.some(({ uuid }) => uuid === event.uuid))) return true;
    const [newest] = known;
    if (newest === undefined || !tellsOf(newest, publishedAt(event), isReadAgain)) return false;
    this.#complete(newest, event);
    // Who is deactivated loses all factors, which is filed with the record.
    const lost = part === "asset" ? changes.find(isLoss) : undefined;
    if (lost?.readAt === newest.readAt) this.#complete(lost, event);
    return true;
  }

  #tell({ part, id }: Subject, event: ChangeEvent, isDirect: 0 | 1): void {
    this.#sql.exec(
      `INSERT INTO told (asset_id, part, uuid, is_direct, published, event) VALUES (?, ?, ?, ?, ?, ?)
       ON CONFLICT DO UPDATE SET is_direct = max(is_direct, excluded.is_direct)`,
      id,
      part,
      event.uuid,
      isDirect,
      publishedAt(event),
      JSON.stringify(event),
    );
  }

  /** These events are about something else, which may have changed all this as well. */
  implicate(subjects: readonly Subject[], events: readonly ChangeEvent[]): void {
    if (this.since === null) return;
    for (const subject of subjects) for (const event of events) this.#tell(subject, event, 0);
  }

  /**
   * A log event tells of a membership that is known already: if it was found in another way, the event completes that
   * change. @param isMember whether the user became a member
   */
  hearMembership(userId: string, groupId: string, isMember: boolean, event: ChangeEvent): void {
    if (this.since === null) return;
    for (const change of this.#newest(userId)) {
      if (change.part !== "groups") continue;
      if (change.events.some(({ uuid }) => uuid === event.uuid)) return;
      const { added, removed } = change.detail;
      const isAbout = (groups: ChangeDetails["groups"]["added"]) => groups.some(({ id }) => id === groupId);
      if (isAbout(isMember ? removed : added)) return;
      if (!isAbout(isMember ? added : removed)) continue;
      // Each membership event makes a change of its own, so one that the log has told is complete.
      if (change.events.length === 0 && tellsOf(change, publishedAt(event), false))
        this.#complete(change, event);
      return;
    }
  }

  #newest(id: string): StoredChange[] {
    return this.#sql
      .exec<ChangeRow>(
        "SELECT * FROM changes WHERE asset_id = ? ORDER BY at DESC, sequence DESC LIMIT ?",
        id,
        LOOKED_AT,
      )
      .toArray()
      .map(storedChange);
  }

  #complete(change: StoredChange, event: ChangeEvent): void {
    const events = joinedEvents(change.events, [event]);
    this.#sql.exec(
      "UPDATE changes SET sequence = ?, at = ?, events = ? WHERE sequence = ?",
      this.#reserve(1),
      happenedAt(events, undefined, { since: change.since, found: change.readAt }),
      JSON.stringify(events),
      change.sequence,
    );
  }

  /**
   * What entries of the queue were about has been read: the events that have led to them tell of nothing that is still to
   * come. A list may have shown the change before.
   */
  settle(kind: StaleKind, ids: readonly string[]): void {
    if (this.since === null) return;
    const { part } = subjectOf(kind, "");
    for (const chunk of jsonChunks(ids)) {
      const rows = this.#sql
        .exec<ToldRow & { id: string } & Record<string, SqlStorageValue>>(
          `DELETE FROM told WHERE part = ? AND asset_id IN (SELECT value FROM json_each(?))
           RETURNING asset_id AS id, is_direct, event`,
          part,
          chunk,
        )
        .toArray();
      for (const row of rows)
        for (const event of eventsIn([row], 1)) this.#completeNewest({ part, id: row.id }, event, true);
    }
  }

  /** The same of all entries of a kind, and events from before `asOf`, ms by Okta's clock. */
  settleBefore(kind: StaleKind, asOf: number): void {
    if (this.since === null) return;
    this.#sql.exec("DELETE FROM told WHERE part = ? AND published < ?", subjectOf(kind, "").part, asOf);
  }

  /** The events that have led to an entry which stands for many tell of each of these, which are read next. */
  passOn(from: Subject, kind: StaleKind, ids: readonly string[]): void {
    if (this.since === null || this.#told(from, null).length === 0) return;
    const { part } = subjectOf(kind, "");
    for (const chunk of jsonChunks(ids)) {
      this.#sql.exec(
        `INSERT OR IGNORE INTO told (asset_id, part, uuid, is_direct, published, event)
         SELECT row.value, ?1, uuid, 0, published, event FROM json_each(?2) AS row, told
         WHERE asset_id = ?3 AND part = ?4`,
        part,
        chunk,
        from.id,
        from.part,
      );
    }
  }

  /** The factors that a user had after the last known change of them; null if there is none. */
  lastFactors(userId: string): { readonly value: string; readonly at: number } | null {
    if (this.since === null) return null;
    const [row] = this.#sql.exec<{ detail: string; at: number }>(
      "SELECT detail, at FROM changes WHERE asset_id = ? AND part = 'factors' ORDER BY at DESC, sequence DESC LIMIT 1",
      userId,
    );
    if (row === undefined) return null;
    const { after }: ChangeDetails["factors"] = JSON.parse(row.detail);
    return { value: JSON.stringify(after), at: row.at };
  }

  /** Keeps who is in a group that is being deleted. @param userIds some of them */
  keepMembers(groupId: string, userIds: readonly string[]): void {
    if (this.since === null) return;
    for (const chunk of jsonChunks(userIds))
      this.#sql.exec(
        "INSERT OR IGNORE INTO former_members (group_id, user_id) SELECT ?, value FROM json_each(?)",
        groupId,
        chunk,
      );
  }

  /** Forgets events from before `published` (ms by Okta's clock) whose change was never found. */
  forgetToldBefore(published: number): void {
    this.#sql.exec("DELETE FROM told WHERE published < ?", published);
  }

  /** Forgets changes that happened before `before` (ms since the epoch by our clock), some thousands of them at most. */
  prune(before: number): void {
    const cutoff = this.byOkta(before);
    for (let step = 0; step < MOST_PRUNED; step++) {
      const rows = this.#sql
        .exec<{ sequence: number; at: number; id: string; part: string; kind: string }>(
          "SELECT sequence, at, asset_id AS id, part, kind FROM changes ORDER BY sequence LIMIT ?",
          ROWS_AT_ONCE,
        )
        .toArray();
      const kept = rows.findIndex(({ at }) => at >= cutoff);
      const old = kept === -1 ? rows : rows.slice(0, kept);
      const last = old.at(-1);
      if (last === undefined) return;
      this.#sql.exec("DELETE FROM changes WHERE sequence <= ?", last.sequence);
      for (const { id, part, kind } of old)
        if (part === "group" && kind === "deleted")
          this.#sql.exec("DELETE FROM former_members WHERE group_id = ?", id);
      if (kept !== -1 || rows.length < ROWS_AT_ONCE) return;
    }
  }
}
