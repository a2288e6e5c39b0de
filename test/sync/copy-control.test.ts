/** How a dated copy is brought forward, step by step: time, the other stream, and what happens in between are the test's. */
import { reset, runInDurableObject } from "cloudflare:test";
import { env } from "cloudflare:workers";
import { afterEach, beforeEach, expect, test, vi } from "vitest";
import type { CopiedDevice, CopyPage } from "../../src/contract/copies.ts";
import { deliveryObjectName } from "../../src/contract/objects.ts";
import { Inventory } from "../../src/inventory/inventory.ts";
import { Meta } from "../../src/inventory/meta.ts";
import { migrate } from "../../src/inventory/schema.ts";
import { devices } from "../../src/streams/devices.ts";
import { users } from "../../src/streams/users.ts";
import { CopyControl } from "../../src/sync/copy-control.ts";

const START = Date.UTC(2026, 10, 27);
const DAY_MS = 86_400_000;
const USER = "00u1";

afterEach(() => reset());
beforeEach(() => {
  vi.spyOn(console, "warn").mockImplementation(() => {});
});

/** A devices stream that holds these devices, two a page, numbered from 1 on. */
class DevicesStream {
  inventory = "first";
  org: string | null = null;
  endedAt = START;
  devices: readonly string[] = [];
  isSettling = false;
  /** Called before a page is answered. */
  before: () => void = () => {};
  /** From where pages were asked for. */
  readonly asked: number[] = [];

  get source() {
    const { inventory, org, endedAt } = this;
    return { inventory, org, endedAt, head: this.devices.length };
  }

  page(after: number): CopyPage {
    this.asked.push(after);
    this.before();
    const frame = { ...this.source, of: "devices" as const, gone: [] };
    if (this.isSettling) return { ...frame, last: after, more: true, settling: true };
    const last = Math.min(after + 2, this.devices.length);
    const page = this.devices.slice(after, last).map(device);
    return { ...frame, devices: page, last, more: last < this.devices.length };
  }
}

const device = (id: string): CopiedDevice => ({
  id,
  name: id,
  platform: null,
  managed: null,
  status: "ACTIVE",
  users: [USER],
});

interface Keeper {
  readonly copies: CopyControl;
  readonly inventory: Inventory;
  readonly storage: DurableObjectStorage;
  readonly other: DevicesStream;
  /** Does what the alarm does, until it is done. */
  readonly work: () => Promise<void>;
  readonly passTime: (ms: number) => void;
  /** The ids of the user's devices; null while there is no copy. */
  readonly copied: () => readonly string[] | null;
}

/** A users stream's copies in the storage of an object that does nothing by itself. */
const withKeeper = (work: (keeper: Keeper) => Promise<void>): Promise<void> => {
  const identity = { connection: "t12", stream: "users" } as const;
  const stub = env.SINK_DELIVERY.getByName(deliveryObjectName({ ...identity, sink: "lent" }));
  return runInDurableObject(stub, async (_object, { storage }) => {
    migrate(storage);
    let now = START;
    let working: Promise<void>[] = [];
    const other = new DevicesStream();
    const inventory = new Inventory(storage.sql, () => now);
    const copies = new CopyControl({
      identity,
      definition: users,
      inventory,
      meta: new Meta(storage.sql),
      other: { tell: async () => {}, page: async (after) => other.page(after) },
      schedule: () => ({ lastFullAt: null, lastSuccessAt: null }),
      transaction: (change) => storage.transactionSync(change),
      changed: () => {},
      settled: async () => {},
      background: (task) => working.push(task),
      now: () => now,
    });
    await work({
      copies,
      inventory,
      storage,
      other,
      work: async () => {
        copies.work();
        await Promise.all(working);
        working = [];
      },
      passTime: (ms) => {
        now += ms;
      },
      copied: () =>
        inventory.copy
          .devicesOf(USER)
          ?.devices.map(({ id }) => id)
          .sort() ?? null,
    });
  });
};

/** The other stream tells of its run, and the copy is brought forward. */
const renew = async ({ copies, other, work }: Keeper): Promise<void> => {
  copies.told(other.source);
  await work();
};

test("another inventory begins the copy anew, also if its numbers are greater", () =>
  withKeeper(async (keeper) => {
    const { other, copied, storage } = keeper;
    other.devices = ["a", "b", "c"];
    await renew(keeper);
    expect(copied()).toEqual(["a", "b", "c"]);
    other.inventory = "second";
    other.devices = ["c", "d", "e", "f"];
    await renew(keeper);
    expect(copied()).toEqual(["c", "d", "e", "f"]);
    // Rows that nothing shows would stay for good.
    const count = (table: string) =>
      storage.sql.exec<{ n: number }>(`SELECT count(*) AS n FROM ${table}`).one().n;
    expect([count("copied_devices"), count("copied_links")]).toEqual([4, 4]);
  }));

test("the same inventory with a smaller head begins the copy anew", () =>
  withKeeper(async (keeper) => {
    const { other, copied } = keeper;
    other.devices = ["a", "b", "c"];
    await renew(keeper);
    other.devices = ["d"];
    await renew(keeper);
    expect(copied()).toEqual(["d"]);
  }));

test("while the other stream gives new numbers, the copy stays as it is and is tried again", () =>
  withKeeper(async (keeper) => {
    const { other, copied, copies, work, passTime } = keeper;
    other.devices = ["a"];
    await renew(keeper);
    other.devices = ["a", "b"];
    other.isSettling = true;
    await renew(keeper);
    expect(copied()).toEqual(["a"]);
    expect(copies.dueAt).toBe(START + 60_000);
    other.isSettling = false;
    passTime(60_000);
    await work();
    expect(copied()).toEqual(["a", "b"]);
    expect(copies.dueAt).toBeNull();
  }));

test("what fails is tried five times, and then after the other stream's next run", () =>
  withKeeper(async (keeper) => {
    const { other, copied, copies, work, passTime } = keeper;
    other.devices = ["a"];
    other.before = () => {
      throw new Error("overloaded");
    };
    await renew(keeper);
    for (let minute = 0; minute < 10; minute++) {
      passTime(60_000);
      await work();
    }
    expect(other.asked).toHaveLength(5);
    expect(copies.dueAt).toBeNull();
    other.before = () => {};
    await renew(keeper);
    expect(copied()).toEqual(["a"]);
  }));

test.each([
  [24, ["a", "b"], "goes on"],
  // The tombstone of what is gone may be gone itself.
  [26, ["b"], "begins anew"],
])("a copy that was left alone for %i days has %j: it %s", (days, expected) =>
  withKeeper(async (keeper) => {
    const { other, copied, passTime } = keeper;
    other.devices = ["a"];
    await renew(keeper);
    passTime(days * DAY_MS);
    other.page = (after) => {
      const frame = { ...other.source, of: "devices" as const, head: 2, last: 2, more: false };
      return { ...frame, gone: [], devices: after < 2 ? [device("b")] : [] };
    };
    other.endedAt = START + days * DAY_MS;
    other.devices = ["", "b"];
    await renew(keeper);
    expect(copied()).toEqual(expected);
  }),
);

test("a page that was asked for before the copy began anew is not taken", () =>
  withKeeper(async (keeper) => {
    const { other, copied, inventory } = keeper;
    other.devices = ["a", "b", "c"];
    other.before = () => {
      if (other.asked.length === 2) inventory.copy.begin("first", START);
    };
    await renew(keeper);
    expect(other.asked).toEqual([0, 2, 0, 2]);
    expect(copied()).toEqual(["a", "b", "c"]);
  }));

test("no page is given while assets wait for new numbers", () =>
  runInDurableObject(
    env.SINK_DELIVERY.getByName(deliveryObjectName({ connection: "t12", stream: "devices", sink: "lent" })),
    async (_object, { storage }) => {
      migrate(storage);
      const inventory = new Inventory(storage.sql, () => START, 1);
      const copies = new CopyControl({
        identity: { connection: "t12", stream: "devices" },
        definition: devices,
        inventory,
        meta: new Meta(storage.sql),
        other: null,
        schedule: () => ({ lastFullAt: START, lastSuccessAt: START }),
        transaction: (change) => storage.transactionSync(change),
        changed: () => {},
        settled: async () => {},
        background: () => {},
        now: () => START,
      });
      const record = (id: string) => ({
        id,
        status: "ACTIVE",
        created: null,
        lastUpdated: null,
        profile: {},
        users: [],
      });
      inventory.assets.file([record("a"), record("b"), record("c")]);
      const ids = () => copies.page(0)?.devices?.map(({ id }) => id);
      expect(ids()).toEqual(["a", "b", "c"]);
      inventory.assets.touchAll();
      expect(copies.page(0)).toMatchObject({ settling: true, last: 0, more: true, gone: [] });
      expect(ids()).toBeUndefined();
      while (inventory.assets.renumbering.isUnfinished) inventory.assets.renumbering.step();
      expect(ids()).toEqual(["a", "b", "c"]);
    },
  ));
