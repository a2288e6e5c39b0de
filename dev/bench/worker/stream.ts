/** The stream, with an inventory that can be filled without an org and read by simple loops. */

import type { EventsPage } from "../../../src/contract/stream-api.ts";
import { wakeSinks } from "../../../src/delivery/index.ts";
import { InventoryStream as Stream } from "../../../src/index.ts";
import { Inventory } from "../../../src/inventory/inventory.ts";
import { parseGroup, parseUser } from "../../../src/okta/records.ts";
import { users } from "../../../src/streams/users.ts";
import { groupsOfUser, userFactors, userId, userRecord, userRole } from "../lib/user-record.ts";
import { post } from "./floor.ts";
import { instrumented } from "./instrumented.ts";

const PAGE = 500;
/** So many users are on a page of Okta's list. */
const LISTED = 200;
/** The bounds of the http sink's batches. */
const BATCH_CHARACTERS = 1_000_000;

export class InventoryStream extends instrumented(Stream) {
  #bodies: string[] = [];

  /** Makes every factor due to be read again. */
  async age(): Promise<void> {
    this.ctx.storage.sql.exec("UPDATE assets SET factors_at = 1 WHERE factors_at IS NOT NULL");
  }

  /**
   * Fills the inventory with the people from one number to another, as full runs would: each is in two groups and has
   * factors, some of which are unknown.
   */
  async fill(from: number, to: number): Promise<void> {
    // Makes the tables, and settles what makes the events, so that no asset needs another number later.
    if (from === 0) await this.pageAfter(0);
    const { sql } = this.ctx.storage;
    const inventory = new Inventory(sql, Date.now);
    const { assets, factors, groups, memberships, admins } = inventory;
    const now = Date.now();
    for (let first = from; first < to; first += PAGE) {
      const people = Array.from({ length: Math.min(PAGE, to - first) }, (_, index) => first + index);
      this.ctx.storage.transactionSync(() => {
        if (first === 0) {
          inventory.setGroupsKnown({ at: now, reason: null });
          admins.setOrg({ at: now, reason: null });
        }
        assets.file(
          people.map((n) => parseUser(userRecord(n))).flatMap((user) => (user.ok ? [user.value] : [])),
        );
        for (const [group, members] of Map.groupBy(
          people.flatMap((n) => groupsOfUser(n).map((group) => ({ group, member: userId(n) }))),
          ({ group }) => group,
        )) {
          if (!groups.has(group)) {
            const record = {
              id: group,
              type: "OKTA_GROUP",
              profile: { name: `Group ${group}`, description: null },
            };
            const parsed = parseGroup({
              ...record,
              _embedded: { stats: { usersCount: 100, hasAdminPrivilege: false } },
            });
            if (parsed.ok) groups.file(parsed.value);
          }
          memberships.addMembers(
            group,
            members.map(({ member }) => member),
            now,
          );
        }
        factors.setOf(
          people.flatMap((n) => {
            const known = userFactors(n);
            const reading =
              known === null ? ({ reason: "forbidden" } as const) : { value: JSON.stringify(known) };
            return [{ userId: userId(n), reading, readAt: now }];
          }),
        );
        for (const n of people.filter((number) => number % 1000 === 3))
          admins.setRoles(userId(n), { value: JSON.stringify([userRole(n)]) }, now);
      });
    }
  }

  /**
   * Files the users from one number to another again, as a full run lists them.
   * @param options.every which of them have changed: one in so many; 0: none
   * @param options.round another number makes another change
   * @param options.isKept whether changes are kept
   */
  async file(
    from: number,
    to: number,
    { every, round, isKept }: { every: number; round: number; isKept: boolean },
  ): Promise<void> {
    const inventory = new Inventory(this.ctx.storage.sql, Date.now);
    if (isKept) inventory.history.begin();
    else inventory.history.stop();
    const listedAt = Date.now();
    for (let first = from; first < to; first += LISTED) {
      const people = Array.from({ length: Math.min(LISTED, to - first) }, (_, index) => first + index);
      const listed = people.flatMap((n) => {
        const record = userRecord(n);
        const hasChanged = every > 0 && (n + round) % every === 0;
        const changed = {
          ...record,
          lastUpdated: new Date(listedAt).toISOString(),
          profile: { ...record.profile, title: `Analyst ${round}` },
        };
        const user = parseUser(hasChanged ? changed : record);
        return user.ok ? [user.value] : [];
      });
      this.ctx.storage.transactionSync(() => {
        users.store.file(inventory, listed, { now: listedAt, listedAt });
      });
    }
  }

  pageAfter(after: number): Promise<EventsPage> {
    return this.events({ after, limit: PAGE, dialect: "ocsf" });
  }

  /** Starts the real delivery. */
  async deliver(): Promise<void> {
    const { head } = new Inventory(this.ctx.storage.sql, Date.now).assets;
    await wakeSinks({ env: this.env, connection: "default", stream: "users", head, known: [] });
  }

  /** Prepares the batches in memory, as the http sink makes them. @returns how many there are */
  async prepare(): Promise<number> {
    this.#bodies = [];
    let pending: string[] = [];
    let characters = 0;
    const flush = (): void => {
      if (pending.length > 0) this.#bodies.push(`[${pending.join(",")}]`);
      pending = [];
      characters = 0;
    };
    for (let page = await this.pageAfter(0); page.events.length > 0; page = await this.pageAfter(page.last)) {
      for (const { json } of page.events) {
        if (pending.length === PAGE || characters + json.length + 1 > BATCH_CHARACTERS) flush();
        pending.push(json);
        characters += json.length + 1;
      }
    }
    flush();
    return this.#bodies.length;
  }

  /** The simplest loop: posts the prepared batches. */
  async post(url: string): Promise<void> {
    for (const body of this.#bodies) await post(url, body);
    this.#bodies = [];
  }
}
