/** Sequence numbers while what shapes all events changes: no number ever stands for two contents, and none is missed. */
import { reset, runInDurableObject } from "cloudflare:test";
import { env } from "cloudflare:workers";
import { afterEach, describe, expect, test } from "vitest";
import { createRandom } from "../../dev/okta-org/org/random.ts";
import type { Connection } from "../../src/config/types.ts";
import { deliveryObjectName } from "../../src/contract/objects.ts";
import type { StoredEvent } from "../../src/contract/stream-api.ts";
import { Inventory } from "../../src/inventory/inventory.ts";
import { migrate } from "../../src/inventory/schema.ts";
import type { StreamDefinition } from "../../src/streams/definition.ts";
import { streams } from "../../src/streams/index.ts";
import { Numbers } from "../../src/sync/numbers.ts";
import type { Stream } from "../../src/sync/stream.ts";
import { user } from "../inventory/support.ts";
import { withStream } from "../support/lent-stream.ts";
import { long, seeds } from "../support/seeds.ts";

afterEach(() => reset());

const CONNECTION = "t5";
/** In the far future, so that no alarm fires by itself. */
const NOW = Date.UTC(2100, 0, 1);

const settings: Connection = {
  id: CONNECTION,
  baseUrl: "https://one.okta.com",
  credential: { kind: "ssws", token: "token" },
  rateLimitShare: 0.5,
  mfaIgnoredFactors: [],
  profileAttributes: [],
  deletionGuard: 0.2,
  refreshDays: 7,
  historyDays: 90,
  subrequestsPerSlice: 40,
};

/** A mapping whose version shows in the event, as a change of the code does. */
const mapped = (mapping: number): StreamDefinition =>
  ({
    ...streams.users,
    mapping,
    event: (facts: never, context: never, dialect: never) => ({
      mapping,
      event: streams.users.event(facts, context, dialect),
    }),
  }) as StreamDefinition;

const PUSH = JSON.stringify([
  { id: "opf1", factorType: "push", provider: "OKTA", status: "ACTIVE", created: null, lastUpdated: null },
]);

/** The numbers of a stream over an object's real storage. `restart` forgets all that is only in memory. */
class World {
  connection: Connection | null = settings;
  mapping = 1;
  now = NOW;
  readonly storage: DurableObjectStorage;
  readonly #rowsPerStep: number;
  inventory: Inventory;
  numbers: Numbers;

  constructor(storage: DurableObjectStorage, rowsPerStep: number) {
    this.storage = storage;
    this.#rowsPerStep = rowsPerStep;
    this.inventory = new Inventory(storage.sql, () => this.now, rowsPerStep);
    this.numbers = this.#numbers();
  }

  restart(): void {
    this.inventory = new Inventory(this.storage.sql, () => this.now, this.#rowsPerStep);
    this.numbers = this.#numbers();
  }

  #numbers(): Numbers {
    return new Numbers({
      definition: mapped(this.mapping),
      identity: { connection: CONNECTION, stream: "users" },
      storage: this.storage,
      inventory: this.inventory,
      connection: () => this.connection,
      orgUrl: () => null,
      now: () => this.now,
    });
  }

  change(work: (inventory: Inventory) => void): void {
    this.storage.transactionSync(() => work(this.inventory));
  }

  /** Files users who have a factor, as a run does. */
  fill(count: number): string[] {
    const ids = Array.from({ length: count }, (_, index) => `u${index}`);
    this.change((inventory) => {
      inventory.assets.file(ids.map((id) => user(id)));
      for (const id of ids) inventory.factors.set(id, { value: PUSH }, NOW);
    });
    return ids;
  }

  page(after: number, limit = 1000) {
    return this.numbers.reader().page({ after, limit, dialect: "ocsf" });
  }

  one(id: string): StoredEvent | null {
    return this.numbers.reader().one(id, "ocsf");
  }

  /** Reads until no asset waits for its number. */
  steps(): void {
    do this.page(0, 1);
    while (this.numbers.areUnfinished);
  }
}

/** A delivery's object lends its storage: an alarm does nothing in one that was never set up. */
const within = (rowsPerStep: number, work: (world: World) => Promise<void> | void): Promise<void> => {
  const name = deliveryObjectName({ connection: CONNECTION, stream: "users", sink: "lent" });
  return runInDurableObject(env.SINK_DELIVERY.getByName(name), async (_, { storage }) => {
    migrate(storage);
    await work(new World(storage, rowsPerStep));
  });
};

const numbersOf = (events: readonly StoredEvent[]): number[] => events.map(({ sequence }) => sequence);

describe("what shapes all events", () => {
  test.each<[string, (world: World) => void]>([
    ["MFA_IGNORED_FACTORS", (world) => (world.connection = { ...settings, mfaIgnoredFactors: ["push"] })],
    ["the org's host", (world) => (world.connection = { ...settings, baseUrl: "https://two.okta.com" })],
    [
      "the code that makes events",
      (world) => {
        world.mapping = 2;
        world.restart();
      },
    ],
  ])("gives every asset, deleted ones included, a new number and keeps the order: %s", (_, change) =>
    within(1000, (world) => {
      world.fill(5);
      world.change((inventory) => inventory.bury(inventory.users, "u2"));
      const before = world.page(0);
      change(world);
      const { last, head } = before;
      const after = world.page(last);
      expect(numbersOf(after.events)).toEqual([1, 2, 3, 4, 5].map((n) => head + n));
      expect(after.events.map(({ assetId }) => assetId)).toEqual(before.events.map(({ assetId }) => assetId));
      for (const [index, { json }] of after.events.entries())
        expect(json).not.toBe(before.events[index]?.json);
      expect(world.page(after.last).events).toEqual([]);
    }),
  );

  test("custom attributes are shown while the setting names them, of deleted users as well", () =>
    within(1000, (world) => {
      const naming = (...profileAttributes: string[]): Connection => ({ ...settings, profileAttributes });
      const shownNow = () => {
        const { events, last } = world.page(0);
        const shown = events.map(({ json }) => JSON.parse(json).event.unmapped?.attributes ?? null);
        return { shown, numbers: numbersOf(events), last };
      };
      world.connection = naming("floor", "site");
      world.change(({ assets }) =>
        assets.file(["u0", "u1"].map((id) => ({ ...user(id), attributes: { floor: 3, site: "Oslo" } }))),
      );
      world.change((inventory) => inventory.bury(inventory.users, "u1"));
      const before = shownNow();
      expect(before.shown).toEqual([
        { floor: 3, site: "Oslo" },
        { floor: 3, site: "Oslo" },
      ]);
      world.connection = naming("floor");
      const after = shownNow();
      expect(after.shown).toEqual([{ floor: 3 }, { floor: 3 }]);
      expect(after.numbers).toEqual([before.last + 1, before.last + 2]);
      world.connection = naming();
      expect(shownNow()).toMatchObject({ shown: [null, null], numbers: [after.last + 1, after.last + 2] });
    }));

  const ignoring: Connection = { ...settings, mfaIgnoredFactors: ["email", "push"] };

  test.each<[string, readonly (Connection | null)[]]>([
    ["settings that have become invalid", [null]],
    ["settings that have become invalid and were corrected", [null, ignoring]],
    ["the order and repetition of factors", [{ ...settings, mfaIgnoredFactors: ["push", "email", "push"] }]],
    ["another share of the rate limits", [{ ...ignoring, rateLimitShare: 0.1 }]],
  ])("is not changed by %s", (_, changes) =>
    within(1000, (world) => {
      world.connection = ignoring;
      world.fill(3);
      const before = world.page(0);
      for (const connection of changes) {
        world.connection = connection;
        expect(world.page(0)).toEqual(before);
      }
    }),
  );

  test("is what it was for an inventory that stored none, unless this version makes other events", () =>
    within(1000, (world) => {
      world.fill(2);
      const { head } = world.inventory.assets;
      world.page(0);
      expect(world.inventory.assets.head).toBe(head);
      world.inventory.meta.delete("shape");
      world.mapping = 2;
      world.restart();
      expect(numbersOf(world.page(0).events)).toEqual([head + 1, head + 2]);
    }));

  test("is unknown while the settings have never been valid: no event is read, and no cursor moves", () =>
    within(1000, (world) => {
      world.fill(2);
      world.connection = null;
      expect(world.page(3)).toMatchObject({ events: [], last: 3, head: 3, settling: true });
      expect(world.one("u0")).toBeNull();
      world.connection = settings;
      expect(world.page(0).events).toHaveLength(2);
    }));
});

describe("a renumbering in steps", () => {
  test("of a large inventory lets no event be read and moves no cursor, until an alarm has finished it", () =>
    within(1, async (world) => {
      world.fill(250);
      const before = world.page(0);
      world.connection = { ...settings, mfaIgnoredFactors: ["push"] };
      expect(world.page(before.last)).toMatchObject({
        events: [],
        last: before.last,
        head: before.last,
        settling: true,
      });
      expect(await world.storage.getAlarm()).not.toBeNull();
      expect(await world.numbers.work()).toBe("more");
      expect(await world.storage.getAlarm()).not.toBeNull();
      world.restart();
      expect(await world.numbers.work()).toBe("more");
      expect(await world.numbers.work()).toBe("done");
      expect(await world.numbers.work()).toBe("none");
      expect(numbersOf(world.page(before.last).events)).toEqual(numbersOf(before.events).map((n) => n + 250));
    }));

  test("gives an asset that is asked for its new number at once", () =>
    within(1, (world) => {
      world.fill(100);
      const { head } = world.page(0);
      world.connection = { ...settings, mfaIgnoredFactors: ["push"] };
      const asked = world.one("u99");
      expect(world.numbers.areUnfinished).toBe(true);
      expect(asked?.sequence).toBeGreaterThan(head);
      world.steps();
      expect(world.one("u99")).toEqual(asked);
      expect(world.inventory.assets.head).toBe(head + 100);
    }));

  test("begins anew when the settings change once more, and gives one number to each asset from then on", () =>
    within(1, (world) => {
      world.fill(100);
      world.page(0);
      world.connection = { ...settings, mfaIgnoredFactors: ["push"] };
      world.page(0);
      const { head } = world.inventory.assets;
      world.connection = settings;
      world.steps();
      const { events } = world.page(head);
      expect(new Set(events.map(({ assetId }) => assetId)).size).toBe(100);
      expect(world.inventory.assets.head).toBe(head + 100);
    }));

  test("goes on without valid settings", () =>
    within(1, (world) => {
      world.fill(100);
      world.connection = { ...settings, mfaIgnoredFactors: ["push"] };
      world.page(0);
      world.connection = null;
      world.steps();
      expect(world.page(0).events).toHaveLength(100);
    }));

  test("takes only assets that an org-wide change concerns", () =>
    within(2, (world) => {
      const ids = world.fill(9);
      world.change((inventory) => {
        inventory.assets.file(["u1", "u4"].map((id) => user(id, { status: "DEPROVISIONED" })));
        inventory.bury(inventory.users, "u6");
      });
      const changedBy = (touch: (inventory: Inventory) => void): string[] => {
        const { head } = world.inventory.assets;
        world.change(touch);
        world.steps();
        return world
          .page(head)
          .events.map(({ assetId }) => assetId)
          .sort();
      };
      expect(changedBy(({ assets }) => assets.touchDeprovisioned())).toEqual(["u1", "u4"]);
      expect(changedBy(({ assets }) => assets.touchNotDeprovisioned())).toEqual(
        ids.filter((id) => !["u1", "u4", "u6"].includes(id)),
      );
      expect(changedBy(({ assets }) => assets.touchAll())).toEqual(ids.filter((id) => id !== "u6"));
      // Two at once: each asset gets one new number from the second on, and nobody is left out.
      expect(
        changedBy(({ assets }) => {
          assets.touchDeprovisioned();
          assets.touchNotDeprovisioned();
        }),
      ).toEqual(ids.filter((id) => id !== "u6"));
    }));
});

describe("a stream at work", () => {
  const withUsers = (
    count: number,
    work: (stream: Stream, storage: DurableObjectStorage, woken: number[]) => Promise<void>,
  ) => {
    const woken: number[] = [];
    return withStream(
      {
        connection: CONNECTION,
        stream: "users",
        definition: streams.users,
        now: () => NOW,
        wakeSinks: async (head) => {
          woken.push(head);
          return [];
        },
      },
      async (stream, storage) => {
        const ids = Array.from({ length: count }, (_, index) => `u${index}`);
        storage.transactionSync(() => stream.inventory.assets.file(ids.map((id) => user(id))));
        await work(stream, storage, woken);
      },
    );
  };
  const all = { after: 0, limit: 10_000, dialect: "ocsf" } as const;
  const former = { mapping: 1, tenant: "former.okta.com", mfaIgnoredFactors: [] };

  test("finishes a renumbering that a reading began, without a run, and tells the sinks", () =>
    withUsers(13_000, async (stream, storage, woken) => {
      stream.inventory.meta.set("shape", former);
      expect(stream.events.page(all)).toMatchObject({ events: [], settling: true });
      expect(await storage.getAlarm()).toBe(NOW);
      await stream.alarm();
      expect(woken).toEqual([stream.inventory.assets.head]);
      expect(stream.events.page(all).events.length).toBeGreaterThan(0);
      expect(stream.inventory.assets.head).toBe(stream.inventory.assets.base + 26_000);
    }));

  test("tells the sinks of new numbers that a reading gave to all assets at once", () =>
    withUsers(5, async (stream, _storage, woken) => {
      stream.inventory.meta.set("shape", former);
      const { head } = stream.inventory.assets;
      expect(stream.events.page({ after: head, limit: 10, dialect: "ocsf" }).events).toHaveLength(5);
      await stream.alarm();
      expect(woken).toEqual([head + 5]);
      await stream.alarm();
      expect(woken).toHaveLength(1);
    }));

  test("shows sinks behind until it is finished, wherever they stand", () =>
    withUsers(13_000, async (stream) => {
      const { head } = stream.inventory.assets;
      expect(stream.inventory.assets.countAfter(head, 13_000)).toBe(0);
      stream.inventory.meta.set("shape", former);
      stream.events.page(all);
      expect(stream.inventory.assets.countAfter(stream.inventory.assets.head, 13_000)).toBe(13_000);
      await stream.alarm();
      expect(stream.inventory.assets.countAfter(stream.inventory.assets.head, 13_000)).toBe(0);
      expect(stream.inventory.assets.countAfter(head, 13_000)).toBe(13_000);
    }));

  test("a cron begins it, and revives it where its alarm was lost", () =>
    withUsers(13_000, async (stream, storage) => {
      stream.inventory.meta.set("shape", former);
      await stream.wake("delta");
      expect(stream.inventory.assets.renumbering.isUnfinished).toBe(true);
      await stream.cancelRun();
      await storage.deleteAlarm();
      const { head } = stream.inventory.assets;
      await stream.wake("delta");
      expect(await storage.getAlarm()).toBe(NOW);
      await stream.cancelRun();
      expect(await storage.getAlarm()).toBe(NOW);
      await stream.alarm();
      expect(stream.inventory.assets.renumbering.isUnfinished).toBe(false);
      expect(stream.inventory.assets.head).toBeGreaterThan(head);
    }));

  test("keeps its alarm at the end of a run that has changed something about the whole org", () =>
    withUsers(13_000, async (stream, storage) => {
      await stream.startRun("full");
      storage.transactionSync(() => stream.inventory.setGroupsKnown({ at: NOW, reason: null }));
      await stream.cancelRun();
      expect(await storage.getAlarm()).toBe(NOW);
      await stream.alarm();
      expect(stream.events.page(all).settling).toBeUndefined();
    }));
});

/** Everything that was ever seen, and a puller. */
class Readers {
  readonly #seen = new Map<string, string>();
  readonly newest = new Map<string, StoredEvent>();
  after = 0;

  see(event: StoredEvent): void {
    const content = this.#seen.get(event.id) ?? event.json;
    expect({ id: event.id, json: event.json }).toEqual({ id: event.id, json: content });
    this.#seen.set(event.id, content);
  }

  pull({ page }: { page: ReturnType<World["page"]> }): void {
    for (const event of page.events) {
      this.see(event);
      this.newest.set(event.assetId, event);
    }
    this.after = page.last;
  }
}

describe("any interleaving", () => {
  test.each(seeds(long ? 60 : 6))(
    "of setting changes, asset changes, steps, kills and readings shows no id with two contents and loses nothing (%i)",
    (seed) =>
      within(1 + (seed % 3), (world) => {
        const random = createRandom(seed, "numbers");
        const { pick } = random;
        const readers = new Readers();
        const ids = world.fill(60);
        const anyone = (): string => ids[random.int(ids.length)] ?? "u0";
        let reason: "failed" | null = null;

        const settingsChange = () => {
          world.connection = pick<readonly [Connection | null, ...(Connection | null)[]]>([
            null,
            settings,
            { ...settings, mfaIgnoredFactors: ["push"] },
            { ...settings, baseUrl: "https://two.okta.com" },
          ]);
        };
        const assetChange = () =>
          world.change((inventory) => {
            const id = anyone();
            const status = pick(["ACTIVE", "SUSPENDED", "DEPROVISIONED"]);
            if (random.chance(0.2)) inventory.bury(inventory.users, id);
            else inventory.assets.file([user(id, { status })]);
          });
        const orgChange = () =>
          world.change((inventory) => {
            reason = reason === null ? "failed" : null;
            if (random.chance(0.5)) inventory.setGroupsKnown({ at: NOW, reason });
            else inventory.admins.setOrg({ at: NOW, reason });
          });
        const release = () => {
          world.mapping = pick([1, 2]);
          world.restart();
        };
        const step = () => world.change((inventory) => inventory.assets.renumbering.step());
        /** What a transaction has done is undone with it, and what was in memory is gone. */
        const kill = () => {
          try {
            world.change((inventory) => {
              inventory.assets.renumbering.step();
              inventory.assets.touchAll();
              throw new Error("killed");
            });
          } catch {
            world.restart();
          }
        };
        const pull = () => readers.pull({ page: world.page(readers.after, 1 + random.int(30)) });
        const look = () => {
          const event = world.one(anyone());
          if (event !== null) readers.see(event);
        };
        const fromStart = () => {
          for (const event of world.page(0).events) readers.see(event);
        };

        for (let times = 0; times < (long ? 2000 : 400); times++) {
          world.now += 1;
          pick([
            settingsChange,
            assetChange,
            assetChange,
            assetChange,
            orgChange,
            release,
            step,
            step,
            kill,
            pull,
            pull,
            pull,
            look,
            fromStart,
          ])();
        }
        world.connection ??= settings;
        world.steps();
        while (readers.after < world.inventory.assets.head) pull();
        expect(readers.newest.size).toBe(ids.length);
        for (const id of ids) expect(readers.newest.get(id)).toEqual(world.one(id));
        const { connection, mapping } = world;
        for (const { json } of readers.newest.values()) {
          const shown: { mapping: number; event: { metadata: { tenant_uid: string } } } = JSON.parse(json);
          expect(shown.mapping).toBe(mapping);
          expect(shown.event.metadata.tenant_uid).toBe(new URL(connection.baseUrl).host);
        }
      }),
  );
});
