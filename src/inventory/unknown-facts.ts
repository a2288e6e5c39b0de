/** Which facts of which users are unknown. */
import type { InventoryMeta, Meta, OrgFact } from "./meta.ts";

/** The facts of a user that can be unknown. */
export const userFactNames = ["factors", "groups", "roles"] as const;
export type UserFactName = (typeof userFactNames)[number];

const isKnown = (fact: OrgFact | null): boolean => fact !== null && fact.at !== null && fact.reason === null;

/** Counts and finds the users for whom a fact is unknown. */
export class UnknownFacts {
  readonly #sql: SqlStorage;
  readonly #meta: Meta<InventoryMeta>;

  constructor(sql: SqlStorage, meta: Meta<InventoryMeta>) {
    this.#sql = sql;
    this.#meta = meta;
  }

  /** For how many existing users each fact is unknown. A fact that is known for every user is left out. */
  counts(): Partial<Record<UserFactName, number>> {
    const assets = (where: string): number => this.#count(`assets WHERE deleted_at IS NULL AND ${where}`);
    // The search index has narrow rows. The rows of `assets` would be read whole: about 100 MB for 100,000 users.
    const indexed = (where: string): number =>
      this.#count(`search_keys WHERE status IS NOT NULL AND ${where}`);
    const found: Record<UserFactName, number> = {
      factors: indexed("mfa IS NULL") + assets("factors_reason IS NOT NULL AND factors IS NOT NULL"),
      groups: isKnown(this.#meta.get("groups"))
        ? assets("groups_reason IS NOT NULL")
        : assets("groups_at IS NULL OR groups_reason IS NOT NULL"),
      roles: isKnown(this.#meta.get("roles"))
        ? this.#countAdmins("(roles IS NULL OR reason IS NOT NULL)")
        : indexed("true") - this.#countAdmins("roles IS NOT NULL AND reason IS NULL"),
    };
    return Object.fromEntries(Object.entries(found).filter(([, n]) => n > 0));
  }

  /** SQL that yields the ids of the users whom `counts` counts for this fact. */
  ids(fact: UserFactName): string {
    const living = "SELECT id FROM assets WHERE deleted_at IS NULL AND";
    switch (fact) {
      case "factors":
        return `${living} factors_reason IS NOT NULL UNION ALL ${living} factors_at IS NULL AND factors_reason IS NULL`;
      case "groups": {
        const never = `UNION ALL ${living} groups_at IS NULL AND groups_reason IS NULL`;
        return `${living} groups_reason IS NOT NULL ${isKnown(this.#meta.get("groups")) ? "" : never}`;
      }
      case "roles":
        return isKnown(this.#meta.get("roles"))
          ? "SELECT user_id FROM admins WHERE roles IS NULL OR reason IS NOT NULL"
          : `${living} id NOT IN (SELECT user_id FROM admins WHERE roles IS NOT NULL AND reason IS NULL)`;
    }
  }

  /** CROSS makes SQLite start from the few admins instead of reading all assets to find them. */
  #countAdmins(where: string): number {
    return this.#count(
      `admins CROSS JOIN assets ON assets.id = user_id WHERE deleted_at IS NULL AND ${where}`,
    );
  }

  #count(from: string): number {
    return this.#sql.exec<{ n: number }>(`SELECT count(*) AS n FROM ${from}`).one().n;
  }
}
