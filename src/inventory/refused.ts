/** What Okta has refused to show, and examples of what it has shown: to find out whether it still refuses. */
import { GIVING_GROUPS, IS_EVERYONE } from "./standing.ts";

/** Ids of the things of one kind. */
export interface RefusedIds {
  /** Those that were refused the last time, at most `limit`, the longest ago first. */
  refused(limit: number): string[];
  /** One that was not; none if there is no such thing. */
  shown(): string[];
}

/** By kind of fact. Reads only. */
export class Refused {
  readonly #sql: SqlStorage;

  constructor(sql: SqlStorage) {
    this.#sql = sql;
  }

  /** Users, by whether their own roles were refused. */
  readonly roles: RefusedIds = {
    refused: (limit) =>
      this.#ids(
        "user_id AS id FROM admins WHERE reason = 'forbidden' ORDER BY coalesce(tried_at, 0), id",
        limit,
      ),
    shown: () =>
      this.#ids(
        "user_id AS id FROM admins WHERE roles IS NOT NULL AND reason IS NULL ORDER BY read_at, id",
        1,
      ),
  };

  /** Groups, by whether the roles that they give were refused. */
  readonly groupRoles: RefusedIds = {
    refused: (limit) =>
      this.#ids(
        `id FROM groups WHERE ${GIVING_GROUPS} AND roles_reason = 'forbidden' ORDER BY roles_tried_at, id`,
        limit,
      ),
    shown: () =>
      this.#ids(
        `id FROM groups WHERE ${GIVING_GROUPS} AND roles IS NOT NULL AND roles_reason IS NULL ORDER BY roles_at, id`,
        1,
      ),
  };

  /** Users, by whether their factors were refused. */
  readonly factors: RefusedIds = {
    refused: (limit) => this.factorsBefore(Number.MAX_SAFE_INTEGER, limit),
    shown: () =>
      this.#ids(
        `id FROM assets WHERE deleted_at IS NULL AND factors_at IS NOT NULL AND factors_reason IS NULL
         AND record ->> '$.status' <> 'DEPROVISIONED' ORDER BY factors_at`,
        1,
      ),
  };

  /** Users, by whether their groups were refused. */
  readonly userGroups: RefusedIds = {
    refused: (limit) =>
      this.#ids(
        `id FROM assets WHERE deleted_at IS NULL AND groups_reason IS NOT NULL AND groups_reason = 'forbidden'
         ORDER BY groups_tried_at`,
        limit,
      ),
    shown: () => [],
  };

  /** The id of one of the smallest groups that have members; none if there is no such group. */
  smallestGroup(): string[] {
    return this.#ids(
      `id FROM groups WHERE users_count > 0 AND NOT coalesce(${IS_EVERYONE}, 0) ORDER BY users_count, id`,
      1,
    );
  }

  /** Users whose factors were refused before `triedBefore` (ms since the epoch), the longest ago first. */
  factorsBefore(triedBefore: number, limit: number): string[] {
    return this.#ids(
      `id FROM assets WHERE deleted_at IS NULL AND factors_reason IS NOT NULL AND factors_reason = 'forbidden'
       AND factors_tried_at < ? ORDER BY factors_tried_at`,
      triedBefore,
      limit,
    );
  }

  /** @param bindings the last one is the limit */
  #ids(query: string, ...bindings: readonly number[]): string[] {
    return this.#sql
      .exec<{ id: string }>(`SELECT ${query} LIMIT ?`, ...bindings)
      .toArray()
      .map(({ id }) => id);
  }
}
