/** What one sink's delivery remembers, in the SQLite of its Durable Object. No events are copied here. */

import type { DeliveryIdentity } from "../contract/objects.ts";
import type { NewDeadLetter, Step } from "./progress.ts";
import { type DeliveryState, initialState } from "./progress.ts";

/**
 * What a delivery was set up with: a change of it makes the next try immediate. The identity is stored for the version
 * before, which read it here; now an object knows it from its name.
 */
export interface DeliverySetup extends DeliveryIdentity {
  readonly type: string;
  /** A digest of the settings, secrets included. */
  readonly fingerprint: string;
}

export interface DeadLetter {
  /** The event's id. */
  readonly id: string;
  readonly assetId: string;
  readonly sequence: number;
  readonly code: string;
  readonly httpStatus: number | null;
  readonly message: string;
  /** Ms since the epoch. */
  readonly firstAt: number;
  readonly lastAt: number;
  readonly attempts: number;
  /** It is going to be tried once more. */
  readonly retrying: boolean;
}

/** A whole inventory being written in parts. */
export interface SnapshotProgress {
  readonly runId: string;
  readonly startedAt: number;
  /** The next part, from 1. */
  readonly part: number;
  /** The last sequence that is in a finished part. */
  readonly after: number;
  readonly events: number;
  /** A further run ended meanwhile, and its snapshot comes next. */
  readonly nextRunId: string | null;
}

export interface FollowUp {
  readonly reference: string;
  readonly tries: number;
}

/** Only the newest batches are followed up. */
const mostFollowUps = 20;

const schema = [
  "CREATE TABLE IF NOT EXISTS delivery (key TEXT PRIMARY KEY, value TEXT NOT NULL) WITHOUT ROWID",
  // One per asset: only the newest state matters, and a newer state that arrives settles it.
  `CREATE TABLE IF NOT EXISTS dead_letters (
    asset_id TEXT PRIMARY KEY, sequence INTEGER NOT NULL, event_id TEXT NOT NULL, code TEXT NOT NULL, http_status INTEGER,
    message TEXT NOT NULL, first_at INTEGER NOT NULL, last_at INTEGER NOT NULL, attempts INTEGER NOT NULL,
    retry INTEGER NOT NULL DEFAULT 0) WITHOUT ROWID`,
  "CREATE INDEX IF NOT EXISTS dead_letters_by_sequence ON dead_letters (sequence)",
  `CREATE TABLE IF NOT EXISTS follow_ups (
    id INTEGER PRIMARY KEY AUTOINCREMENT, reference TEXT NOT NULL UNIQUE, tries INTEGER NOT NULL, due_at INTEGER NOT NULL)`,
];

type DeadLetterRow = {
  asset_id: string;
  sequence: number;
  event_id: string;
  code: string;
  http_status: number | null;
  message: string;
  first_at: number;
  last_at: number;
  attempts: number;
  retry: number;
};

const deadLetterOf = (row: DeadLetterRow): DeadLetter => ({
  id: row.event_id,
  assetId: row.asset_id,
  sequence: row.sequence,
  code: row.code,
  httpStatus: row.http_status,
  message: row.message,
  firstAt: row.first_at,
  lastAt: row.last_at,
  attempts: row.attempts,
  retrying: row.retry === 1,
});

export class DeliveryStore {
  readonly #storage: DurableObjectStorage;
  readonly #sql: SqlStorage;
  #ready = false;

  constructor(storage: DurableObjectStorage) {
    this.#storage = storage;
    this.#sql = storage.sql;
  }

  /** Whether anything was ever stored here. Creates nothing. */
  exists(): boolean {
    if (!this.#ready) {
      this.#ready =
        this.#sql.exec("SELECT 1 FROM sqlite_master WHERE name = 'follow_ups'").toArray().length > 0;
    }
    return this.#ready;
  }

  create(): void {
    if (this.exists()) return;
    this.#storage.transactionSync(() => {
      for (const statement of schema) this.#sql.exec(statement);
    });
    this.#ready = true;
  }

  /** Removes everything, so that the object ceases to exist. */
  async clear(): Promise<void> {
    this.#ready = false;
    await this.#storage.deleteAlarm();
    await this.#storage.deleteAll();
  }

  setup(): DeliverySetup | null {
    return this.#read<DeliverySetup>("setup");
  }

  saveSetup(setup: DeliverySetup): void {
    this.#write("setup", setup);
  }

  state(): DeliveryState {
    return { ...initialState, ...this.#read<DeliveryState>("state") };
  }

  /** The greatest sequence that the stream is known to have. */
  head(): number {
    return this.#read<number>("head") ?? 0;
  }

  saveHead(head: number): void {
    this.#write("head", head);
  }

  snapshot(): SnapshotProgress | null {
    return this.#read<SnapshotProgress>("snapshot");
  }

  saveSnapshot(snapshot: SnapshotProgress | null): void {
    this.#write("snapshot", snapshot);
  }

  /** The last thing that a follow-up said went wrong; null once a later one went well. */
  followUpError(): string | null {
    return this.#read<string>("follow_up_error");
  }

  saveFollowUpError(message: string | null): void {
    this.#write("follow_up_error", message);
  }

  saveState(state: DeliveryState): void {
    this.#write("state", state);
  }

  /** Cursor, dead letters and what they settle, all or nothing. */
  commit(step: Step, now: number): void {
    this.#storage.transactionSync(() => {
      this.saveState(step.state);
      if (step.settledAssets.length > 0 && this.#hasDeadLetters()) {
        this.#sql.exec(
          "DELETE FROM dead_letters WHERE asset_id IN (SELECT value FROM json_each(?))",
          JSON.stringify(step.settledAssets),
        );
      }
      for (const letter of step.deadLetters) this.#bury(letter, now);
      if (step.followUp !== null) this.#addFollowUp(step.followUp, now);
    });
  }

  transaction(work: () => void): void {
    this.#storage.transactionSync(work);
  }

  deadLetterCount(): number {
    return this.#sql.exec<{ n: number }>("SELECT count(*) AS n FROM dead_letters").one().n;
  }

  #hasDeadLetters(): boolean {
    return this.#sql.exec("SELECT 1 FROM dead_letters LIMIT 1").toArray().length > 0;
  }

  /** In sequence order, after a sequence. */
  deadLetters(after: number, limit: number): DeadLetter[] {
    return this.#sql
      .exec<DeadLetterRow>(
        "SELECT * FROM dead_letters WHERE sequence > ? ORDER BY sequence LIMIT ?",
        after,
        limit,
      )
      .toArray()
      .map(deadLetterOf);
  }

  /** Marks dead letters for one more try, all of them without ids. @returns how many. */
  retryDeadLetters(ids: readonly string[] | null): number {
    return ids === null
      ? this.#sql.exec("UPDATE dead_letters SET retry = 1 RETURNING 1").toArray().length
      : this.#sql
          .exec(
            "UPDATE dead_letters SET retry = 1 WHERE event_id IN (SELECT value FROM json_each(?)) RETURNING 1",
            JSON.stringify(ids),
          )
          .toArray().length;
  }

  /** Forgets dead letters, all of them without ids. @returns how many. */
  dropDeadLetters(ids: readonly string[] | null): number {
    return ids === null
      ? this.#sql.exec("DELETE FROM dead_letters RETURNING 1").toArray().length
      : this.#sql
          .exec(
            "DELETE FROM dead_letters WHERE event_id IN (SELECT value FROM json_each(?)) RETURNING 1",
            JSON.stringify(ids),
          )
          .toArray().length;
  }

  nextRetry(): DeadLetter | null {
    const [row] = this.#sql
      .exec<DeadLetterRow>("SELECT * FROM dead_letters WHERE retry = 1 ORDER BY sequence LIMIT 1")
      .toArray();
    return row === undefined ? null : deadLetterOf(row);
  }

  /** @param now ms since the epoch. */
  dueFollowUps(now: number, limit: number): FollowUp[] {
    return this.#sql
      .exec<{ reference: string; tries: number }>(
        "SELECT reference, tries FROM follow_ups WHERE due_at <= ? ORDER BY due_at LIMIT ?",
        now,
        limit,
      )
      .toArray();
  }

  /** When the earliest follow-up is due, ms since the epoch. */
  nextFollowUpAt(): number | null {
    return this.#sql.exec<{ due: number | null }>("SELECT min(due_at) AS due FROM follow_ups").one().due;
  }

  postponeFollowUp(reference: string, dueAt: number): void {
    this.#sql.exec(
      "UPDATE follow_ups SET tries = tries + 1, due_at = ? WHERE reference = ?",
      dueAt,
      reference,
    );
  }

  endFollowUp(reference: string): void {
    this.#sql.exec("DELETE FROM follow_ups WHERE reference = ?", reference);
  }

  #addFollowUp(reference: string, now: number): void {
    this.#sql.exec(
      "INSERT INTO follow_ups (reference, tries, due_at) VALUES (?, 0, ?) ON CONFLICT (reference) DO NOTHING",
      reference,
      now + 5000,
    );
    this.#sql.exec("DELETE FROM follow_ups WHERE id <= (SELECT max(id) FROM follow_ups) - ?", mostFollowUps);
  }

  #bury({ event, error }: NewDeadLetter, now: number): void {
    this.#sql.exec(
      `INSERT INTO dead_letters (asset_id, sequence, event_id, code, http_status, message, first_at, last_at, attempts)
       VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?7, 1)
       ON CONFLICT (asset_id) DO UPDATE SET sequence = ?2, event_id = ?3, code = ?4, http_status = ?5, message = ?6,
         last_at = ?7, attempts = attempts + 1, retry = 0`,
      event.assetId,
      event.sequence,
      event.id,
      error.code,
      error.status,
      error.message,
      now,
    );
  }

  /** Values are written by this class alone, so their shape is known. */
  #read<T>(key: string): T | null {
    const [row] = this.#sql
      .exec<{ value: string }>("SELECT value FROM delivery WHERE key = ?", key)
      .toArray();
    return row === undefined ? null : (JSON.parse(row.value) as T);
  }

  #write(key: string, value: unknown): void {
    this.#sql.exec(
      "INSERT INTO delivery (key, value) VALUES (?1, ?2) ON CONFLICT (key) DO UPDATE SET value = ?2",
      key,
      JSON.stringify(value),
    );
  }
}
