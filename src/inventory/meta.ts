/** Small stored values, by name. */
import type { UnknownReason } from "./facts.ts";
import type { Shape } from "./shape.ts";

/** How far a fact about the whole org is known. */
export interface OrgFact {
  /** When it was last read completely, ms since the epoch; null if never. */
  readonly at: number | null;
  /** Why the last reading failed; null if it succeeded. */
  readonly reason: UnknownReason | null;
  /** When it failed, ms since the epoch. */
  readonly failedAt?: number;
}

/** Whether it is known now. */
export const isFactKnown = (fact: OrgFact | null): boolean =>
  fact !== null && fact.at !== null && fact.reason === null;

/** The fact after a reading: a reading that began before the last failure does not make up for it. */
export const withLaterFailure = (was: OrgFact | null, reading: OrgFact): OrgFact => {
  const failedLater = reading.reason === null && (was?.failedAt ?? 0) > (reading.at ?? 0);
  return failedLater && was !== null ? { ...was, at: reading.at } : reading;
};

/** Assets that an org-wide change concerns or not. No asset passes from one kind to another without a new number. */
export type AssetKind = "deleted" | "deprovisioned" | "others";

/** A renumbering that is not finished; see `renumbering.ts`. */
export interface Unfinished {
  /** For each kind: assets with a number up to this one get a new number. */
  readonly upTo: Readonly<Record<AssetKind, number>>;
  /** No asset with a number up to this one needs a new number any more. */
  readonly from: number;
  /** Groups whose members need new numbers. */
  readonly members?: Readonly<Record<string, UnfinishedMembers>>;
}

/** Members of a group that wait for new numbers. */
export interface UnfinishedMembers {
  /** Those with a number up to this one get a new one. */
  readonly upTo: number;
  /** The id of the last member who was looked at. */
  readonly from: string;
  /** Whether their facets are to be found anew, too. */
  readonly facets?: boolean;
}

/** How far a copy is made. Times are ms since the epoch. */
export interface CopyState {
  /** The inventory that it is made of. */
  readonly inventory: string;
  /** The sequence number of that inventory up to which it is made. */
  readonly cursor: number;
  /** When the run ended that it shows; null while it is being made for the first time. */
  readonly at: number | null;
  /** When it was last brought forward. */
  readonly workedAt: number;
  /** What it held before is still being removed. */
  readonly isClearing?: true;
}

/** The values that the inventory itself keeps. */
export interface InventoryMeta {
  /** The greatest sequence number given out so far. */
  head: number;
  /** The number before the inventory's first one. Inventories of versions that did not store it began at 1. */
  base: number;
  /** Which inventory this is, whatever its stream is called: a random id. */
  inventory: string;
  /** What shapes the events that the present numbers belong to. */
  shape: Shape;
  /** A renumbering in progress. */
  renumbering: Unfinished;
  /** Who is in which group. */
  groups: OrgFact;
  /** Which users have roles at all. */
  roles: OrgFact;
  /** Whether a group other than Everyone gives roles or may give some, as it was when it was last looked at. */
  groups_give_roles: boolean;
  /** Since when changes are kept, ms since the epoch by our clock. */
  history: { readonly since: number };
  /** How far the copy of the other stream is made. */
  copy: CopyState;
  /** Whether DEPROVISIONED users belong to Everyone. Set once the org's counts have shown it. */
  everyone_holds_deprovisioned: boolean;
}

/**
 * A view of the table `meta`. Each room that keeps values there declares their names and types. The table is
 * shared, so a name may be used by one room only.
 */
export class Meta<Values extends object> {
  readonly #sql: SqlStorage;

  constructor(sql: SqlStorage) {
    this.#sql = sql;
  }

  /** The value that `set` stored under this name; null if there is none. Only this object writes the table. */
  get<K extends keyof Values & string>(key: K): Values[K] | null {
    const [row] = this.#sql.exec<{ value: string }>("SELECT value FROM meta WHERE key = ?", key);
    return row === undefined ? null : JSON.parse(row.value);
  }

  /** Stores a value as JSON. */
  set<K extends keyof Values & string>(key: K, value: Values[K]): void {
    this.#sql.exec(
      "INSERT INTO meta (key, value) VALUES (?, ?) ON CONFLICT (key) DO UPDATE SET value = excluded.value",
      key,
      JSON.stringify(value),
    );
  }

  /** Removes a value. */
  delete(key: keyof Values & string): void {
    this.#sql.exec("DELETE FROM meta WHERE key = ?", key);
  }
}
