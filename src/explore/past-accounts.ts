/** What an account was like follows from what it is like now and from what has changed since. */
import type { Found } from "../contract/found.ts";
import type { PastFacts } from "../inventory/api.ts";
import type { StoredAsset } from "../inventory/asset-reader.ts";
import { groupsIn } from "../inventory/changes.ts";
import type { UserFacts } from "../inventory/facts.ts";
import { HistoryReader } from "../inventory/history-reader.ts";
import type { Inventory } from "../inventory/inventory.ts";

/** The one account that has a name, or what else these accounts stand for. */
export const onlyOne = (
  found: readonly StoredAsset<UserFacts>[],
): Found<{ readonly asset: StoredAsset<UserFacts> }> => {
  const [one, ...others] = found;
  if (one === undefined) return { found: "none" };
  if (others.length === 0) return { found: "one", asset: one };
  return { found: "many", logins: found.map(({ facts }) => facts.user.profile.login ?? facts.user.id) };
};

/** Finds accounts with what has changed about them. */
export class PastAccounts {
  readonly #inventory: Inventory;
  readonly #reader: HistoryReader;

  constructor(inventory: Inventory, sql: SqlStorage) {
    this.#inventory = inventory;
    this.#reader = new HistoryReader(sql);
  }

  /**
   * Finds an account by its id, deleted or not, or by the names that it has now.
   * @param at the moment that is asked for, ms since the epoch
   * @param keptSince since when changes are kept, ms since the epoch; null: none are
   */
  find(identifier: string, at: number, keptSince: number | null): PastFacts {
    const { users, groups, meta } = this.#inventory;
    const byId = users.one(identifier);
    const found = onlyOne(byId === null ? users.named(identifier.toLowerCase()) : [byId]);
    if (found.found !== "one") return found;
    const { id, facts, deletedAt } = found.asset;
    const since = this.#reader.sinceOfUser(id, groups.everyoneId(), at);
    const page = groups.ofPage(groupsIn(since.changes));
    return {
      found: "one",
      facts,
      deletedAt,
      ...since,
      groups: [...page.byId.values()],
      everyone: page.everyone && {
        group: page.everyone,
        holdsDeprovisioned: meta.get("everyone_holds_deprovisioned") ?? false,
      },
      keptSince,
    };
  }
}
