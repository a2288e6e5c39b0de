/** Who is an administrator, in the order of sequence numbers, without reading what else is known of all the others. */
import type { OktaUser } from "../okta/records.ts";
import type { Facets } from "./facets.ts";
import { areAdmins, orgStanding } from "./standing.ts";

/** A user, and whether the user exists and is an administrator. */
export interface Administration {
  readonly id: string;
  readonly sequence: number;
  /** Null: it is unknown. */
  readonly isAdmin: boolean | null;
  /** Absent of whoever is surely none. */
  readonly profile?: OktaUser["profile"];
}

/** Reads which users are administrators. */
export class Administrators {
  readonly #sql: SqlStorage;
  readonly #facets: Facets;

  constructor(sql: SqlStorage, facets: Facets) {
    this.#sql = sql;
    this.#facets = facets;
  }

  /** At most `limit` users, deleted or not, with a sequence number greater than `after`, in order of sequence number. */
  after(after: number, limit: number): Administration[] {
    const rows = this.#sql
      .exec<{ id: string; seq: number; exists_now: number; f: number | null }>(
        `SELECT a.id, a.seq, a.deleted_at IS NULL AS exists_now, k.f FROM assets AS a
         LEFT JOIN search_keys AS k ON k.n = a.number WHERE a.seq > ? ORDER BY a.seq LIMIT ?`,
        after,
        limit,
      )
      .toArray();
    if (rows.length === 0) return [];
    const org = orgStanding(this.#sql);
    const standing = new Map(this.#facets.all().map((facet) => [facet.f, areAdmins(facet, org)]));
    const isAdmin = ({ exists_now, f }: (typeof rows)[number]): boolean | null =>
      exists_now === 1 && (f === null ? null : (standing.get(f) ?? null));
    const profiles = this.#profiles(rows.filter((row) => isAdmin(row) !== false).map(({ id }) => id));
    return rows.map((row) => {
      const profile = profiles.get(row.id);
      return {
        id: row.id,
        sequence: row.seq,
        isAdmin: isAdmin(row),
        ...(profile !== undefined && { profile }),
      };
    });
  }

  #profiles(ids: readonly string[]): ReadonlyMap<string, OktaUser["profile"]> {
    if (ids.length === 0) return new Map();
    const rows = this.#sql.exec<{ id: string; record: string }>(
      "SELECT id, record FROM assets WHERE id IN (SELECT value FROM json_each(?))",
      JSON.stringify(ids),
    );
    const profileIn = (record: string): OktaUser["profile"] => {
      const { profile }: OktaUser = JSON.parse(record);
      return profile;
    };
    return new Map([...rows].map(({ id, record }) => [id, profileIn(record)]));
  }
}
