/** Small durable values by name. */
import type { UnknownReason } from "./facts.ts";

/** How far an org-wide fact is known: when it was last read whole, and why the last reading failed. */
export interface OrgFact {
  readonly at: number | null;
  readonly reason: UnknownReason | null;
}

/** What the inventory itself keeps by name. */
export interface InventoryMeta {
  /** The greatest sequence number given out. */
  head: number;
  /** Memberships, when they are read group by group. */
  groups: OrgFact;
  /** Who has roles at all. */
  roles: OrgFact;
  /** Does the Everyone group hold DEPROVISIONED users? Known once an org's counts have shown it. */
  everyone_holds_deprovisioned: boolean;
}

/**
 * A view of the table `meta`: each room that keeps values there says which, by name and type. Names are shared, so
 * that no two rooms may use one name.
 */
export class Meta<Values extends object> {
  readonly #sql: SqlStorage;

  constructor(sql: SqlStorage) {
    this.#sql = sql;
  }

  /** The value's shape is what `set` wrote under the same name: the table is the object's own. */
  get<K extends keyof Values & string>(key: K): Values[K] | null {
    const [row] = this.#sql.exec<{ value: string }>("SELECT value FROM meta WHERE key = ?", key);
    return row === undefined ? null : JSON.parse(row.value);
  }

  set<K extends keyof Values & string>(key: K, value: Values[K]): void {
    this.#sql.exec(
      "INSERT INTO meta (key, value) VALUES (?, ?) ON CONFLICT (key) DO UPDATE SET value = excluded.value",
      key,
      JSON.stringify(value),
    );
  }

  delete(key: keyof Values & string): void {
    this.#sql.exec("DELETE FROM meta WHERE key = ?", key);
  }
}
