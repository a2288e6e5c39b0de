/**
 * The Worker with a meter on its objects, and beside it the least that reading an org can be: the same URLs
 * fetched and parsed with the same concurrency, nothing kept.
 */
import { DurableObject } from "cloudflare:workers";
import worker, {
  SinkDelivery as Delivery,
  OktaGate as Gate,
  AccountLookup as Lookup,
  InventoryStream as Stream,
} from "../../src/index.ts";
import { Inventory } from "../../src/inventory/inventory.ts";
import { parseUser } from "../../src/okta/records.ts";
import { metered, takeBill } from "./lib/meter.ts";
import { userRecord } from "./lib/user-record.ts";

export class InventoryStream extends metered("InventoryStream", Stream) {
  /** Makes every factor due to be read again, as if its time had passed. */
  async age(): Promise<void> {
    this.ctx.storage.sql.exec("UPDATE assets SET factors_at = 1 WHERE factors_at IS NOT NULL");
  }

  /** An inventory of so many people without an Okta org. */
  async fill(users: number): Promise<void> {
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
}
export class OktaGate extends metered("OktaGate", Gate) {}
export class AccountLookup extends metered("AccountLookup", Lookup) {}
export class SinkDelivery extends metered("SinkDelivery", Delivery) {}

/** As the connector: six calls for single assets at once, pages one after another. */
const CONCURRENCY = 6;

export class Floor extends DurableObject<Env> {
  /** @param steps lists of URLs: those of one list may be fetched at once, the lists follow each other */
  async read(steps: readonly (readonly string[])[]): Promise<number> {
    let records = 0;
    for (const step of steps) {
      const queue = [...step];
      const lane = async (): Promise<void> => {
        for (let url = queue.shift(); url !== undefined; url = queue.shift()) {
          const response = await fetch(url, { headers: { authorization: "SSWS sim-token" } });
          const body: unknown = await response.json();
          if (Array.isArray(body)) records += body.length;
        }
      };
      await Promise.all(Array.from({ length: Math.min(CONCURRENCY, queue.length) }, lane));
    }
    return records;
  }
}

export default {
  ...worker,
  async fetch(request, env, ctx) {
    const { pathname, searchParams } = new URL(request.url);
    if (pathname === "/bench/bill") return Response.json(takeBill());
    // The binding's generated type is the real class; here it is the one of this file.
    const stream = env.INVENTORY_STREAM.getByName("default/users") as unknown as InventoryStream;
    if (pathname === "/bench/age") {
      await stream.age();
      return Response.json(null);
    }
    if (pathname === "/bench/fill") {
      await stream.fill(Number(searchParams.get("users")));
      return Response.json(null);
    }
    if (pathname === "/bench/floor") {
      // The generated types know the deployed Worker's bindings, not this one's.
      const { FLOOR } = env as unknown as { FLOOR: DurableObjectNamespace<Floor> };
      return Response.json(await FLOOR.getByName("floor").read(await request.json()));
    }
    return worker.fetch(request, env, ctx);
  },
} satisfies ExportedHandler<Env>;
