/** A fresh inventory in the SQLite of a real Durable Object, and records to put into it. */
import { runInDurableObject } from "cloudflare:test";
import { env } from "cloudflare:workers";
import { Inventory } from "../../src/inventory/inventory.ts";
import { migrate } from "../../src/inventory/schema.ts";

export * from "./records.ts";

export const NOW = 1_760_000_000_000;

/** Runs `work` on a fresh inventory. The object that holds it does nothing by itself. */
export const within = (
  work: (inventory: Inventory, tick: (ms: number) => void, sql: SqlStorage) => void,
): Promise<void> =>
  runInDurableObject(env.INVENTORY_STREAM.getByName("t5/users"), (_, state) => {
    let now = NOW;
    migrate(state.storage);
    const tick = (ms: number) => {
      now += ms;
    };
    work(new Inventory(state.storage.sql, () => now), tick, state.storage.sql);
  });
