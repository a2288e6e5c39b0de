/** A fresh inventory in the SQLite of a real Durable Object, and records to put into it. */
import { runInDurableObject } from "cloudflare:test";
import { env } from "cloudflare:workers";
import { Inventory } from "../../src/inventory/inventory.ts";
import { migrate } from "../../src/inventory/schema.ts";
import type { OktaGroup, OktaUser } from "../../src/okta/records.ts";

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

export const user = (id: string, over: Partial<OktaUser> = {}): OktaUser => ({
  id,
  status: "ACTIVE",
  created: null,
  activated: null,
  statusChanged: null,
  lastLogin: null,
  lastUpdated: null,
  passwordChanged: null,
  profile: { login: `${id}@example.com`, email: `${id}@mail.example.com` },
  ...over,
});

export const group = (id: string, over: Partial<OktaGroup> = {}): OktaGroup => ({
  id,
  type: "OKTA_GROUP",
  name: id,
  description: null,
  lastUpdated: null,
  lastMembershipUpdated: null,
  stats: { usersCount: 1, hasAdminPrivilege: false },
  ...over,
});

export const EVERYONE = group("00gEveryone", { type: "BUILT_IN", name: "Everyone" });
