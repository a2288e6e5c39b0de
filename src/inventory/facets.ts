/**
 * The facets of assets, and how many assets share each: what lists are filtered by and what totals are made of. An asset
 * has one facet at a time, and the counts move in the transaction in which it gets another. An org has a few hundred
 * facets at most, however many assets it has. So totals cost as many rows, and a list begins at once whatever it is
 * filtered by.
 *
 * A facet has only what is stored about the asset itself. What also depends on the whole org, such as whether somebody who
 * is on no list surely has no role, is decided when facets are read (`standing.ts`): so what is learned about the org does
 * not have to be written to every user.
 */
import {
  AssetMarks,
  DATING_COLUMNS,
  type DatingRow,
  factorDatings,
  type MarkChange,
  type MarkMove,
  withFactors,
} from "./asset-marks.ts";
import {
  COVERS,
  FACET_COLUMNS,
  FACET_KEY,
  FACET_ROWS,
  type FacetKey,
  GIVEN,
  MANAGED,
  MANAGED_UNKNOWN,
  OPEN,
  partsOf,
} from "./facet-columns.ts";
import { searchWords } from "./search-words.ts";
import { jsonChunks, ROWS_AT_ONCE } from "./sql.ts";

/**
 * What the user's own answer says of roles: it was not asked for; it is unknown; it names no active role; its active roles
 * are all through groups; it has an active role of the user's own.
 */
export const ownRoles = ["unlisted", "unknown", "none", "inherited", "own"] as const;
export type OwnRoles = (typeof ownRoles)[number];

/** Who tells the user's groups: the lists of the whole org, or the user's own list; or why that could not be read. */
export const groupSources = ["org", "user", "pending", "lost"] as const;
export type GroupSource = (typeof groupSources)[number];

/** Assets that are alike. */
export interface Facet {
  readonly f: number;
  /** As Okta spells it; null of deleted assets. */
  readonly status: string | null;
  /** Of users: the kinds of ACTIVE factors, `type|provider`; null if the factors are unknown. */
  readonly mfa: readonly string[] | null;
  readonly ownRoles: OwnRoles;
  /** Whether what the user's own answer says of roles through groups still holds. */
  readonly covers: boolean;
  /** Whether a group that the user is in surely gives an active role. Here and below, Everyone is left out. */
  readonly isGiven: boolean;
  /** Whether it is unknown of a group that the user is in which roles it gives. */
  readonly isOpen: boolean;
  readonly groups: GroupSource;
  /** Of devices. */
  readonly platform: string | null;
  /** Of devices. */
  readonly compliance: string | null;
  /** Of devices. */
  readonly managed: boolean | null;
  /** How many assets have it. */
  readonly count: number;
}

/** Assets that are alike in what their standing follows from. */
export type Standing = Pick<
  Facet,
  "status" | "mfa" | "ownRoles" | "covers" | "isGiven" | "isOpen" | "groups" | "count"
>;

interface TotalRow extends Record<string, SqlStorageValue> {
  kind: number;
  mfa_known: number;
  own: number;
  through: number;
  source: number;
  assets: number;
}

/** `FACET_KEY` in a row. */
interface KeyColumns extends Record<string, SqlStorageValue> {
  status: string;
  mfa: string;
  own: number;
  through: number;
  source: number;
  platform: string;
  compliance: string;
  managed: number;
}

interface FacetRow extends KeyColumns {
  f: number;
  assets: number;
}

/** An asset by its number, the facet that it has in the index, if it has one there, and the columns of the one that it has now. */
interface KeyRow extends KeyColumns {
  n: number;
  was: number | null;
}

/** The same, and what its marks are made from. */
type RefreshRow = KeyRow & DatingRow;

/** The same, and the marks that it has had. */
interface FactorRow extends KeyRow {
  had: number;
  until: number | null;
}

const keyOf = (row: KeyRow): FacetKey => [
  row.status,
  row.mfa,
  row.own,
  row.through,
  row.source,
  row.platform,
  row.compliance,
  row.managed,
];

const memberOf = ({ own, through, source }: Pick<TotalRow, "own" | "through" | "source">) => ({
  ownRoles: ownRoles[own % COVERS] ?? "unknown",
  covers: own >= COVERS,
  isGiven: (through & GIVEN) !== 0,
  isOpen: (through & OPEN) !== 0,
  groups: groupSources[source] ?? "pending",
});

/** The statuses of totals, by their kind: whoever is neither deleted nor DEPROVISIONED counts as ACTIVE. */
const totalStatuses = [null, "DEPROVISIONED", "ACTIVE"] as const;

const facetOf = (row: FacetRow): Facet => ({
  f: row.f,
  status: row.status || null,
  mfa: row.mfa === "" ? null : JSON.parse(row.mfa),
  ...memberOf(row),
  platform: row.platform || null,
  compliance: row.compliance || null,
  managed: row.managed === MANAGED_UNKNOWN ? null : row.managed === MANAGED,
  count: row.assets,
});

/** So many users are looked for at a time. */
const USERS_AT_ONCE = 50;

interface StoredFactor {
  readonly factorType: string;
  readonly provider: string | null;
  readonly status: string;
  readonly created?: string | null;
}

/** The ACTIVE ones of factors as they are stored. */
const activeIn = (factors: string): readonly StoredFactor[] => {
  const list: readonly StoredFactor[] = JSON.parse(factors);
  return list.filter(({ status }) => status === "ACTIVE");
};

/** The kinds of active factors as a facet has them; "" if they are unknown. */
const kindsIn = (active: readonly StoredFactor[] | null): string => {
  if (active === null) return "";
  const kinds = active.map(({ factorType, provider }) => `${factorType}|${provider ?? ""}`);
  return JSON.stringify([...new Set(kinds)].sort());
};

/**
 * Every writer of what facets and marks are made of tells this object which assets it has changed. Callers open the
 * transaction.
 */
export class Facets {
  readonly marks: AssetMarks;
  readonly #sql: SqlStorage;
  readonly #now: () => number;

  /** @param now ms since the epoch */
  constructor(sql: SqlStorage, now: () => number) {
    this.#sql = sql;
    this.#now = now;
    this.marks = new AssetMarks(sql);
  }

  get #seconds(): number {
    return this.#now() / 1000;
  }

  /** The facets that assets have now. */
  all(): Facet[] {
    return this.#sql.exec<FacetRow>("SELECT * FROM facets").toArray().map(facetOf);
  }

  /**
   * Sums of the facets for counts that ask neither for a status, except DEPROVISIONED, nor for kinds of factors: a few dozen
   * at most.
   */
  totals(): Standing[] {
    return this.#sql
      .exec<TotalRow>("SELECT * FROM totals")
      .toArray()
      .map((row) => ({
        status: totalStatuses[row.kind] ?? null,
        mfa: row.mfa_known === 1 ? [] : null,
        ...memberOf(row),
        count: row.assets,
      }));
  }

  /** The facet of an asset, deleted or not; null if the asset is not known. */
  of(assetId: string): Facet | null {
    const [row] = this.#sql.exec<FacetRow>(
      "SELECT facets.* FROM facets JOIN search_keys USING (f) JOIN assets ON number = n WHERE assets.id = ?",
      assetId,
    );
    return row === undefined ? null : facetOf(row);
  }

  /** Finds the facets and marks of these assets anew. Ids that no asset has are left out. */
  refresh(ids: readonly string[]): void {
    for (const chunk of jsonChunks(ids)) {
      const rows = this.#sql
        .exec<RefreshRow>(
          `SELECT a.number AS n, k.f AS was, ${FACET_COLUMNS}, ${DATING_COLUMNS}
           FROM ${FACET_ROWS} LEFT JOIN search_keys AS k ON k.n = a.number
           WHERE a.id IN (SELECT value FROM json_each(?))`,
          chunk,
        )
        .toArray();
      this.#move(rows, this.marks.find(rows, this.#seconds));
    }
  }

  /**
   * Finds the marks anew that have held until now.
   * @param most how many assets at most
   * @returns whether there may be more of them
   */
  turn(most = Number.POSITIVE_INFINITY): boolean {
    for (let turned = 0; turned < most; turned += ROWS_AT_ONCE) {
      const ids = this.marks.due(this.#seconds, ROWS_AT_ONCE);
      this.refresh(ids);
      if (ids.length < ROWS_AT_ONCE) return false;
    }
    return true;
  }

  /**
   * Users were seen to get a role.
   * @param through the groups that they joined; none if it is one of their own
   * @param at ms since the epoch
   */
  noteNewAdmins(userIds: readonly string[], through: readonly string[], at: number): void {
    this.marks.noteNewAdmins(userIds, through, at);
    this.refresh(userIds);
  }

  /** Whether these users are administrators is no longer what it was to their devices. */
  refreshDevicesOf(userIds: readonly string[]): void {
    for (let from = 0; from < userIds.length; from += USERS_AT_ONCE) {
      // A device is found by the ids of its users, as by any other word. More may be found, and stay as they are.
      const words = userIds.slice(from, from + USERS_AT_ONCE).map(searchWords);
      const match = words
        .filter((those) => those.length > 0)
        .map((those) => `(${those.map((word) => `"${word}"`).join(" AND ")})`)
        .join(" OR ");
      if (match === "") continue;
      const devices = this.#sql
        .exec<{ id: string }>(
          "SELECT id FROM search_words JOIN search_keys ON n = search_words.rowid WHERE search_words MATCH ?",
          match,
        )
        .toArray();
      this.refresh(devices.map(({ id }) => id));
    }
  }

  /**
   * The same for users of whom only the factors have changed.
   * @param changes each user's number, and the factors as they are stored; null if they are unknown
   */
  setFactors(changes: readonly { readonly number: number; readonly factors: string | null }[]): void {
    const factors = new Map(changes.map((change) => [change.number, change.factors]));
    for (const chunk of jsonChunks([...factors.keys()].map((number) => [number]))) {
      const rows = this.#sql
        .exec<FactorRow>(
          `SELECT k.n, k.f AS was, k.marks AS had, k.marks_until AS until, facets.*
           FROM json_each(?) AS row JOIN search_keys AS k ON k.n = row.value ->> 0 JOIN facets USING (f)`,
          chunk,
        )
        .toArray();
      const now = this.#seconds;
      const marks: MarkChange[] = [];
      const keys = rows.map(({ had, until: hadUntil, ...row }) => {
        const text = factors.get(row.n) ?? null;
        const active = text === null ? null : activeIn(text);
        const was = { n: row.n, had, hadUntil };
        // What is deleted has no marks.
        const isGone = row.status === "";
        marks.push(
          isGone
            ? { ...was, marks: had, until: hadUntil }
            : withFactors(was, factorDatings(active ?? []), now),
        );
        return { ...row, mfa: kindsIn(active) };
      });
      this.#move(keys, marks);
    }
  }

  /** @param marks the marks of the same assets, in the same order */
  #move(rows: readonly KeyRow[], marks: readonly MarkChange[]): void {
    if (rows.length === 0) return;
    const keys = new Map<string, FacetKey>();
    const textOf = (row: KeyRow): string => {
      const key = keyOf(row);
      const text = JSON.stringify(key);
      keys.set(text, key);
      return text;
    };
    const texts = rows.map(textOf);
    const facets = this.#find(keys);
    const changes = new Map<number, number>();
    const change = (f: number, by: number) => changes.set(f, (changes.get(f) ?? 0) + by);
    const added: (readonly [number, number, number, number | null])[] = [];
    const moved: (readonly [number, number])[] = [];
    const marked: MarkMove[] = [];
    for (const [index, { n, was }] of rows.entries()) {
      const f = facets.get(texts[index] ?? "");
      const mark = marks[index];
      if (f === undefined || mark === undefined) continue;
      marked.push({ ...mark, was, f });
      if (f === was) continue;
      if (was !== null) change(was, -1);
      change(f, 1);
      if (was === null) added.push([n, f, mark.marks, mark.until]);
      else moved.push([n, f]);
    }
    const parts = Object.entries(partsOf("assets.record"));
    for (const chunk of jsonChunks(added)) {
      this.#sql.exec(
        `INSERT INTO search_keys (n, id, f, marks, marks_until, ${parts.map(([column]) => column).join(", ")})
         SELECT assets.number, assets.id, row.value ->> 1, row.value ->> 2, row.value ->> 3, ${parts.map(([, of]) => of).join(", ")}
         FROM json_each(?) AS row JOIN assets ON assets.number = row.value ->> 0`,
        chunk,
      );
    }
    for (const chunk of jsonChunks(moved)) {
      this.#sql.exec(
        "UPDATE search_keys SET f = row.value ->> 1 FROM json_each(?) AS row WHERE n = row.value ->> 0",
        chunk,
      );
    }
    this.marks.store(marked, this.#seconds);
    const counts = [...changes].filter(([, by]) => by !== 0);
    if (counts.length > 0) {
      this.#sql.exec(
        "UPDATE facets SET assets = assets + (row.value ->> 1) FROM json_each(?) AS row WHERE f = row.value ->> 0",
        JSON.stringify(counts),
      );
    }
  }

  /** The facets with these keys, which are made if they are new. */
  #find(keys: ReadonlyMap<string, FacetKey>): ReadonlyMap<string, number> {
    const found = this.#known(keys);
    const missing = [...keys].filter(([text]) => !found.has(text));
    if (missing.length === 0) return found;
    this.#sql.exec(
      `INSERT INTO facets (${FACET_KEY.join(", ")}, assets) SELECT ${FACET_KEY.map((_, n) => `value ->> ${n}`).join(", ")}, 0 FROM json_each(?)`,
      JSON.stringify(missing.map(([, key]) => key)),
    );
    return new Map([...found, ...this.#known(new Map(missing))]);
  }

  #known(keys: ReadonlyMap<string, FacetKey>): Map<string, number> {
    const texts = [...keys.keys()];
    const rows = this.#sql.exec<{ place: number; f: number }>(
      `SELECT row.key AS place, f FROM json_each(?) AS row
       JOIN facets ON ${FACET_KEY.map((column, n) => `${column} = row.value ->> ${n}`).join(" AND ")}`,
      JSON.stringify([...keys.values()]),
    );
    return new Map(
      [...rows].flatMap(({ place, f }) => (texts[place] === undefined ? [] : [[texts[place], f] as const])),
    );
  }
}
