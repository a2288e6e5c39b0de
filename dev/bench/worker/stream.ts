/** The stream, with an inventory that can be filled without an org and read by simple loops. */

import type { EventsPage } from "../../../src/contract/stream-api.ts";
import { wakeSinks } from "../../../src/delivery/index.ts";
import { InventoryStream as Stream } from "../../../src/index.ts";
import { Inventory } from "../../../src/inventory/inventory.ts";
import { parseUser } from "../../../src/okta/records.ts";
import { userRecord } from "../lib/user-record.ts";
import { post } from "./floor.ts";
import { instrumented } from "./instrumented.ts";

const PAGE = 500;
/** The bounds of the http sink's batches. */
const BATCH_CHARACTERS = 1_000_000;

export class InventoryStream extends instrumented(Stream) {
  #bodies: string[] = [];

  /** Makes every factor due to be read again. */
  async age(): Promise<void> {
    this.ctx.storage.sql.exec("UPDATE assets SET factors_at = 1 WHERE factors_at IS NOT NULL");
  }

  /** Fills the inventory with this many people. */
  async fill(users: number): Promise<void> {
    await this.runs(); // makes the tables
    const inventory = new Inventory(this.ctx.storage.sql, Date.now);
    for (let first = 0; first < users; first += 200) {
      const page = Array.from({ length: Math.min(200, users - first) }, (_, index) =>
        parseUser(userRecord(first + index)),
      );
      this.ctx.storage.transactionSync(() => {
        inventory.assets.file(page.flatMap((user) => (user.ok ? [user.value] : [])));
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
