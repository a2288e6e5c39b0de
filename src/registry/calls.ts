/** Calls of tools by agents, day by day, in the SQLite of the Registry. */
import { type CallHistory, type CountedCalls, MOST_KINDS_OF_CALLS } from "../contract/calls.ts";

/** So many days are kept; the sums of all days, under the day \"\", for ever. */
const DAYS = 30;
const DAY_MS = 86_400_000;

const schema = `CREATE TABLE IF NOT EXISTS tool_calls (
  day TEXT NOT NULL, tool TEXT NOT NULL, key TEXT NOT NULL, outcome TEXT NOT NULL, calls INTEGER NOT NULL,
  PRIMARY KEY (day, tool, key, outcome)) WITHOUT ROWID`;

type Row = { day: string; tool: string; key: string; outcome: string; calls: number };

const dayOf = (at: number): string => new Date(at).toISOString().slice(0, 10);

export class CallStore {
  readonly #sql: SqlStorage;

  constructor(sql: SqlStorage) {
    this.#sql = sql;
    sql.exec(schema);
  }

  /** Callers open the transaction. @param now ms since the epoch */
  add(counts: readonly CountedCalls[], now: number): void {
    const today = dayOf(now);
    for (const { tool, key, outcome, calls } of counts.slice(0, MOST_KINDS_OF_CALLS))
      for (const day of [today, ""])
        this.#sql.exec(
          `INSERT INTO tool_calls (day, tool, key, outcome, calls) VALUES (?, ?, ?, ?, ?)
           ON CONFLICT DO UPDATE SET calls = calls + excluded.calls`,
          day,
          tool,
          key,
          outcome,
          calls,
        );
    this.#sql.exec("DELETE FROM tool_calls WHERE day > '' AND day <= ?", dayOf(now - DAYS * DAY_MS));
  }

  /**
   * @param withDays whether the days are wanted, which are a row for each kind of call on each of them
   * @param now ms since the epoch
   */
  history(withDays: boolean, now: number): CallHistory {
    const read = (where: string, ...parameters: string[]): Row[] =>
      this.#sql
        .exec<Row>(
          `SELECT day, tool, key, outcome, calls FROM tool_calls WHERE ${where} ORDER BY day DESC, tool, key, outcome`,
          ...parameters,
        )
        .toArray();
    const total = read("day = ''").map(({ day: _, ...counted }): CountedCalls => counted);
    return { total, days: withDays ? read("day > ?", dayOf(now - DAYS * DAY_MS)) : [] };
  }
}
