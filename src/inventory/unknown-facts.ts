/** Which facts of which users are unknown. */
import { type InventoryMeta, isFactKnown, type Meta } from "./meta.ts";
import { unknownGroupsQuery, unknownRolesQuery } from "./role-queries.ts";

/** The facts of a user that can be unknown. */
export const userFactNames = ["factors", "groups", "roles"] as const;
export type UserFactName = (typeof userFactNames)[number];

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
      factors: indexed("mfa IS NULL"),
      groups: isFactKnown(this.#meta.get("groups"))
        ? assets("groups_reason IS NOT NULL")
        : assets("groups_at IS NULL OR groups_reason IS NOT NULL"),
      roles: this.#countRoles(() => indexed("true")),
    };
    return Object.fromEntries(Object.entries(found).filter(([, n]) => n > 0));
  }

  /** SQL that yields the ids of the users whom `counts` counts for this fact; for factors the search index has it. */
  ids(fact: Exclude<UserFactName, "factors">): string {
    const living = "SELECT id FROM assets WHERE deleted_at IS NULL AND";
    switch (fact) {
      case "groups":
        return unknownGroupsQuery(this.#sql);
      case "roles": {
        const roles = unknownRolesQuery(this.#sql);
        return "unknown" in roles ? roles.unknown : `${living} id NOT IN (${roles.known})`;
      }
    }
  }

  #countRoles(living: () => number): number {
    const roles = unknownRolesQuery(this.#sql);
    if ("unknown" in roles) return this.#countLiving(`SELECT id FROM (${roles.unknown})`);
    return living() - this.#countLiving(`SELECT user_id AS id FROM (${roles.known})`);
  }

  /** CROSS makes SQLite start from the few ids instead of reading all assets to find them. */
  #countLiving(ids: string): number {
    return this.#count(
      `(${ids}) AS these CROSS JOIN assets ON assets.id = these.id WHERE deleted_at IS NULL`,
    );
  }

  #count(from: string): number {
    return this.#sql.exec<{ n: number }>(`SELECT count(*) AS n FROM ${from}`).one().n;
  }
}
