/**
 * Whatever a receiver does, in the end it has the newest state of every asset that it would take, each other is a dead
 * letter with its reason, and the sink is said to be ok only then.
 */
import { reset } from "cloudflare:test";
import { afterEach, beforeEach, expect, test } from "vitest";
import { createRandom } from "../../dev/okta-org/org/random.ts";
import { muteLog } from "../http/support.ts";
import { long, seed } from "../support/seeds.ts";
import { FakeInventory } from "./events.ts";
import { Harness } from "./harness.ts";
import { MoodyReceiver, moods } from "./moods.ts";
import { newestOf, outOfOrder } from "./receivers/receiver.ts";

beforeEach(muteLog);
afterEach(() => reset());

const setting = { type: "http", name: "siem", url: "https://siem.example.com/in" };

interface World {
  readonly inventory: FakeInventory;
  readonly receiver: MoodyReceiver;
  readonly harness: Harness;
}

/** What the receiver should hold, and who should be a dead letter. */
const rightOf = ({ inventory, receiver }: World) => {
  const newest = inventory.newest();
  return {
    held: new Map(
      newest
        .filter(({ assetId }) => receiver.takes(assetId))
        .map(({ assetId, sequence }) => [assetId, sequence]),
    ),
    dead: newest
      .filter(({ assetId }) => !receiver.takes(assetId))
      .map(({ assetId }) => assetId)
      .sort(),
  };
};

/** `ok` with nothing left to deliver is only said of a receiver that has everything. */
const expectHonest = async (world: World) => {
  const status = await world.harness.status();
  const letters = (await world.harness.run((delivery) => delivery.deadLetters(0, 1000))).dead_letters;
  if (status.state === "ok" && status.lag_events === 0) {
    const { held, dead } = rightOf(world);
    expect(newestOf(world.receiver.delivered)).toEqual(held);
    expect(letters.map(({ asset_id }) => asset_id).sort()).toEqual(dead);
  }
  // Nobody is blamed whom the receiver would take.
  for (const { asset_id } of letters) expect(world.receiver.takes(asset_id)).toBe(false);
  return { status, letters };
};

test.each(Array.from({ length: long ? 200 : 20 }, (_, index) => seed + index))(
  "any receiver, seed %i",
  async (number) => {
    const random = createRandom(number, "receiver").next;
    const below = (n: number) => Math.floor(random() * n);
    const users = 1 + below(random() < 0.3 ? 6 : 700);
    const some = (share: number) =>
      new Set(Array.from({ length: users }, (_, index) => `u${index + 1}`).filter(() => random() < share));
    const rate = () => (random() < 0.5 ? 0 : below(4) / users);
    const receiver = new MoodyReceiver({
      refused: some(rate()),
      fatal: some(rate()),
      huge: some(rate()),
      ...(random() < 0.3 ? { most: 1 + below(100) } : {}),
      ...(random() < 0.3 ? { slowAbove: 1 + below(100) } : {}),
    });
    const inventory = new FakeInventory();
    const harness = new Harness({ name: `siem${number}`, setting, inventory, random, fetch: receiver.fetch });
    const world = { inventory, receiver, harness };
    for (let user = 1; user <= users; user += 1) inventory.put(`u${user}`);
    for (let round = 0; round < 15; round += 1) {
      receiver.mood = moods[below(moods.length)] ?? "takes";
      for (let change = below(5); change > 0; change -= 1) inventory.put(`u${1 + below(users)}`);
      await harness.wake();
      for (let n = below(4); n >= 0; n -= 1) await harness.step();
      await expectHonest(world);
    }
    receiver.mood = "takes";
    await harness.wake();
    await harness.settle(24 * 3_600_000);
    const { status, letters } = await expectHonest(world);
    const { held, dead } = rightOf(world);
    if (held.size === 0) {
      // It takes nothing at all, so nothing says that an event is at fault.
      expect(status.state).not.toBe("ok");
      return;
    }
    expect(newestOf(receiver.delivered)).toEqual(held);
    expect(outOfOrder(receiver.delivered)).toEqual([]);
    expect(letters.map(({ asset_id }) => asset_id).sort()).toEqual(dead);
    for (const { message } of letters) expect(message).toMatch(/ (400|413|500) /);
    expect(status).toMatchObject({ state: "ok", lag_events: 0 });
  },
);

test("the number of requests is within a constant of the least", async () => {
  const users = 2000;
  const refused = new Set(["u1", "u700", "u701", "u1999"]);
  const receiver = new MoodyReceiver({ refused, huge: new Set(["u350"]) });
  const inventory = new FakeInventory();
  const harness = new Harness({ name: "frugal", setting, inventory, fetch: receiver.fetch });
  for (let user = 1; user <= users; user += 1) inventory.put(`u${user}`);
  await harness.wake();
  await harness.settle();
  const { letters } = await expectHonest({ inventory, receiver, harness });
  expect(letters).toHaveLength(5);
  // Four batches; for each offender 9 halvings, as many parts beside it, what proves it, and the retry.
  expect(receiver.requests).toBeLessThanOrEqual(4 + 5 * (2 * 9 + 4));
});
