/** Small durable values by name. */
import type { UnknownReason } from "./facts.ts";

/** How far an org-wide fact is known: when it was last read whole, and why the last reading failed. */
export interface OrgFact {
  readonly at: number | null;
  readonly reason: UnknownReason | null;
}

interface MetaValues {
  /** The greatest sequence number given out. */
  head: number;
  /** Memberships, when they are read group by group. */
  groups: OrgFact;
  /** Who has roles at all. */
  roles: OrgFact;
  /** Does the Everyone group hold DEPROVISIONED users? Known once an org's counts have told. */
  everyone_holds_deprovisioned: boolean;
  /** The current run, see sync/run.ts. */
  run: unknown;
  /** See sync: the System Log's stored `next`, search watermarks, what a run has to remember of the last. */
  log: unknown;
  watermarks: unknown;
  schedule: unknown;
  /** Okta's clock less ours, ms, as last seen. */
  skew: number;
  sinks: readonly string[];
}

export class Meta {
  readonly #sql: SqlStorage;

  constructor(sql: SqlStorage) {
    this.#sql = sql;
  }

  /** The value's shape is what `set` wrote under the same name: the table is this object's own. */
  get<K extends keyof MetaValues, T extends MetaValues[K] = MetaValues[K]>(key: K): T | null {
    const [row] = this.#sql.exec<{ value: string }>("SELECT value FROM meta WHERE key = ?", key);
    return row === undefined ? null : JSON.parse(row.value);
  }

  set<K extends keyof MetaValues>(key: K, value: MetaValues[K]): void {
    this.#sql.exec(
      "INSERT INTO meta (key, value) VALUES (?, ?) ON CONFLICT (key) DO UPDATE SET value = excluded.value",
      key,
      JSON.stringify(value),
    );
  }

  delete(key: keyof MetaValues): void {
    this.#sql.exec("DELETE FROM meta WHERE key = ?", key);
  }
}
