/** What a connection's channels have been told, and what is still to be sent to them. Times are ms since the epoch. */
import type { Alert } from "../contract/alerts.ts";
import type { StreamName } from "../contract/streams.ts";
import type { Told } from "./decide.ts";

/**
 * `outbox` has at most one alert of a code for each channel and stream, but for changes, each of which is told (`part` is
 * a number of its own). `heard` has the log events whose changes have been told.
 */
const schema = `
  CREATE TABLE IF NOT EXISTS told (
    channel TEXT NOT NULL, stream TEXT NOT NULL, code TEXT NOT NULL, at INTEGER NOT NULL, about TEXT NOT NULL,
    alert TEXT NOT NULL, PRIMARY KEY (channel, stream, code)) WITHOUT ROWID;
  CREATE TABLE IF NOT EXISTS outbox (
    n INTEGER PRIMARY KEY, channel TEXT NOT NULL, stream TEXT NOT NULL, code TEXT NOT NULL, part INTEGER NOT NULL,
    alert TEXT NOT NULL, tries INTEGER NOT NULL DEFAULT 0, due_at INTEGER NOT NULL);
  CREATE INDEX IF NOT EXISTS outbox_by_time ON outbox (due_at);
  CREATE TABLE IF NOT EXISTS heard (uuid TEXT PRIMARY KEY, at INTEGER NOT NULL) WITHOUT ROWID;`;

/** More alerts than this do not wait: the oldest are given up. */
const MOST_WAITING = 500;

/** An alert that waits to be sent. */
export interface Waiting {
  readonly n: number;
  readonly channel: string;
  readonly alert: Alert;
  /** How often it was tried. */
  readonly tries: number;
}

/** Callers open the transaction of what belongs together. */
export class AlertStore {
  readonly #sql: SqlStorage;

  constructor(sql: SqlStorage) {
    this.#sql = sql;
    sql.exec(schema);
  }

  /** What a channel has been told of a stream. */
  told(channel: string, stream: StreamName): Told[] {
    return this.#sql
      .exec<{ at: number; about: string; alert: string }>(
        "SELECT at, about, alert FROM told WHERE channel = ? AND stream = ?",
        channel,
        stream,
      )
      .toArray()
      .map(({ at, about, alert }) => ({ at, about: JSON.parse(about), alert: JSON.parse(alert) }));
  }

  remember(channel: string, stream: StreamName, { alert, at, about }: Told): void {
    this.#sql.exec(
      "INSERT OR REPLACE INTO told (channel, stream, code, at, about, alert) VALUES (?, ?, ?, ?, ?, ?)",
      channel,
      stream,
      alert.code,
      at,
      JSON.stringify(about),
      JSON.stringify(alert),
    );
  }

  forget(channel: string, stream: StreamName, code: string): void {
    this.#sql.exec("DELETE FROM told WHERE channel = ? AND stream = ? AND code = ?", channel, stream, code);
  }

  /**
   * Has an alert sent, in place of one of the same code that still waits.
   * @returns whether one still waited
   */
  send(channel: string, stream: StreamName, alert: Alert, now: number): boolean {
    const waited = this.withdraw(channel, stream, alert.code);
    this.#queue(channel, stream, alert, 0, now);
    return waited;
  }

  /** Has an alert sent beside others of its code. */
  sendBeside(channel: string, stream: StreamName, alert: Alert, now: number): void {
    const { n } = this.#sql.exec<{ n: number }>("SELECT coalesce(max(n), 0) + 1 AS n FROM outbox").one();
    this.#queue(channel, stream, alert, n, now);
  }

  #queue(channel: string, stream: StreamName, alert: Alert, part: number, now: number): void {
    this.#sql.exec(
      "INSERT INTO outbox (channel, stream, code, part, alert, due_at) VALUES (?, ?, ?, ?, ?, ?)",
      channel,
      stream,
      alert.code,
      part,
      JSON.stringify(alert),
      now,
    );
    this.#sql.exec(
      "DELETE FROM outbox WHERE n NOT IN (SELECT n FROM outbox ORDER BY n DESC LIMIT ?)",
      MOST_WAITING,
    );
  }

  /** Takes back an alert that still waits. @returns whether there was one */
  withdraw(channel: string, stream: StreamName, code: string): boolean {
    return (
      this.#sql
        .exec<{ n: number }>(
          "DELETE FROM outbox WHERE channel = ? AND stream = ? AND code = ? AND part = 0 RETURNING n",
          channel,
          stream,
          code,
        )
        .toArray().length > 0
    );
  }

  /** The alerts that are due, the oldest first. */
  due(now: number, limit: number): Waiting[] {
    return this.#sql
      .exec<{ n: number; channel: string; alert: string; tries: number }>(
        "SELECT n, channel, alert, tries FROM outbox WHERE due_at <= ? ORDER BY due_at, n LIMIT ?",
        now,
        limit,
      )
      .toArray()
      .map(({ alert, ...row }) => ({ ...row, alert: JSON.parse(alert) }));
  }

  /** When the next alert is due; null if none waits. */
  nextDueAt(): number | null {
    return this.#sql.exec<{ at: number | null }>("SELECT min(due_at) AS at FROM outbox").one().at;
  }

  /** An alert that was sent, or given up. */
  done(n: number): void {
    this.#sql.exec("DELETE FROM outbox WHERE n = ?", n);
  }

  retry(n: number, dueAt: number): void {
    this.#sql.exec("UPDATE outbox SET tries = tries + 1, due_at = ? WHERE n = ?", dueAt, n);
  }

  /** Takes note of log events. @returns the ids of those that were not known before */
  hear(uuids: readonly string[], now: number): ReadonlySet<string> {
    return new Set(
      uuids.filter(
        (uuid) =>
          this.#sql
            .exec("INSERT OR IGNORE INTO heard (uuid, at) VALUES (?, ?) RETURNING uuid", uuid, now)
            .toArray().length > 0,
      ),
    );
  }

  /** Forgets log events that were told before `before`, and everything of channels that are gone. */
  tidy(channels: readonly string[], before: number): void {
    const gone = "channel NOT IN (SELECT value FROM json_each(?))";
    this.#sql.exec("DELETE FROM heard WHERE at < ?", before);
    this.#sql.exec(`DELETE FROM told WHERE ${gone}`, JSON.stringify(channels));
    this.#sql.exec(`DELETE FROM outbox WHERE ${gone}`, JSON.stringify(channels));
  }
}
