/** What one sink's delivery remembers, in the SQLite of its Durable Object. No events are copied here. */

import type { DeliveryIdentity } from "../contract/objects.ts";
import { DeadLetters, deadLetterSchema } from "./dead-letters.ts";
import { FollowUps, followUpSchema } from "./follow-ups.ts";
import { type DeliveryState, initialState } from "./state.ts";
import type { Step } from "./step.ts";

/**
 * What a delivery was set up with: a change of it makes the next try immediate. The identity is stored for the version
 * before, which read it here; now an object knows it from its name.
 */
export interface DeliverySetup extends DeliveryIdentity {
  readonly type: string;
  /** A digest of the settings, secrets included. */
  readonly fingerprint: string;
}

/** A whole inventory being written in parts. */
export interface SnapshotProgress {
  readonly runId: string;
  /** Ms since the epoch. */
  readonly startedAt: number;
  /** The next part, from 1. */
  readonly part: number;
  /** The last sequence that is in a finished part. */
  readonly after: number;
  readonly events: number;
  /** A further run ended meanwhile, and its snapshot comes next. */
  readonly nextRunId: string | null;
}

/** What stands under a key of its own, as JSON. */
interface Values {
  setup: DeliverySetup;
  state: DeliveryState;
  head: number;
  inventory: string;
  snapshot: SnapshotProgress | null;
  follow_up_error: string | null;
}

const schema = [
  "CREATE TABLE IF NOT EXISTS delivery (key TEXT PRIMARY KEY, value TEXT NOT NULL) WITHOUT ROWID",
  ...deadLetterSchema,
  ...followUpSchema,
];

export class DeliveryStore {
  readonly deadLetters: DeadLetters;
  readonly followUps: FollowUps;
  readonly #storage: DurableObjectStorage;
  readonly #sql: SqlStorage;
  #ready = false;

  constructor(storage: DurableObjectStorage) {
    this.#storage = storage;
    this.#sql = storage.sql;
    this.deadLetters = new DeadLetters(storage.sql);
    this.followUps = new FollowUps(storage.sql);
  }

  /** Whether anything was ever stored here. Creates nothing; all that follows needs `create` first. */
  exists(): boolean {
    if (!this.#ready) {
      // The table that is created last.
      const tables = this.#sql.exec("SELECT 1 FROM sqlite_master WHERE name = 'follow_ups'").toArray();
      this.#ready = tables.length > 0;
      if (this.#ready) this.#storage.transactionSync(() => this.deadLetters.migrate());
    }
    return this.#ready;
  }

  create(): void {
    if (this.exists()) return;
    this.#storage.transactionSync(() => {
      for (const statement of schema) this.#sql.exec(statement);
      this.deadLetters.migrate();
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
    return this.#read("setup");
  }

  saveSetup(setup: DeliverySetup): void {
    this.#write("setup", setup);
  }

  state(): DeliveryState {
    return { ...initialState, ...this.#read("state") };
  }

  saveState(state: DeliveryState): void {
    this.#write("state", state);
  }

  /** The greatest sequence that the stream is known to have. */
  head(): number {
    return this.#read("head") ?? 0;
  }

  saveHead(head: number): void {
    this.#write("head", head);
  }

  /** The identity of the inventory that the cursor belongs to; null until the stream has said it. */
  inventory(): string | null {
    return this.#read("inventory");
  }

  saveInventory(inventory: string): void {
    this.#write("inventory", inventory);
  }

  /** Null when none is being written. */
  snapshot(): SnapshotProgress | null {
    return this.#read("snapshot");
  }

  saveSnapshot(snapshot: SnapshotProgress | null): void {
    this.#write("snapshot", snapshot);
  }

  /** What the last follow-up that ended badly said; null once a later one has ended well. */
  followUpError(): string | null {
    return this.#read("follow_up_error");
  }

  saveFollowUpError(message: string | null): void {
    this.#write("follow_up_error", message);
  }

  /** Cursor, dead letters and what they settle, all or nothing. @param now ms since the epoch */
  commit(step: Step, now: number): void {
    this.#storage.transactionSync(() => {
      this.saveState(step.state);
      this.deadLetters.settle(step.settledAssets);
      for (const event of step.passedBy) this.deadLetters.passBy(event, now);
      if (step.followUp !== null) this.followUps.add(step.followUp, now);
    });
  }

  transaction(work: () => void): void {
    this.#storage.transactionSync(work);
  }

  #read<Key extends keyof Values>(key: Key): Values[Key] | null {
    const [row] = this.#sql
      .exec<{ value: string }>("SELECT value FROM delivery WHERE key = ?", key)
      .toArray();
    // This class alone writes values, so JSON.parse gives back what Values says of the key.
    return row === undefined ? null : (JSON.parse(row.value) as Values[Key]);
  }

  #write<Key extends keyof Values>(key: Key, value: Values[Key]): void {
    this.#sql.exec(
      "INSERT INTO delivery (key, value) VALUES (?1, ?2) ON CONFLICT (key) DO UPDATE SET value = ?2",
      key,
      JSON.stringify(value),
    );
  }
}
