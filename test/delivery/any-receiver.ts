/** A receiver of random character in random moods, whatever the type of its sink. */
import { expect } from "vitest";
import { createRandom } from "../../dev/okta-org/org/random.ts";
import { FakeInventory } from "./events.ts";
import { Harness } from "./harness.ts";
import { MoodyReceiver, moods, type Speech } from "./moods.ts";
import { newestOf, outOfOrder } from "./receivers/receiver.ts";

export interface World {
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
export const expectHonest = async (world: World) => {
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

/** A type of sink, and what is around its receiver. */
export interface Kind {
  readonly setting: object;
  readonly speech?: Speech;
  /** The network around the receiver, such as one with a token endpoint; its mood changes with every round. */
  readonly around?: (receiver: typeof fetch) => Surroundings;
}

export interface Surroundings {
  readonly fetch: typeof fetch;
  /** @param random 0 ≤ random < 1 */
  changeMood(random: () => number): void;
  /** From now on nothing stands in the way. */
  calm(): void;
}

/** In the end a receiver has what it would take, and whatever a status says meanwhile is true. */
export const expectDelivery = async (number: number, { setting, speech, around }: Kind): Promise<void> => {
  const random = createRandom(number, "receiver").next;
  const below = (n: number) => Math.floor(random() * n);
  const users = 1 + below(random() < 0.3 ? 6 : 700);
  const some = (share: number) =>
    new Set(Array.from({ length: users }, (_, index) => `u${index + 1}`).filter(() => random() < share));
  const rate = () => (random() < 0.5 ? 0 : below(4) / users);
  const receiver = new MoodyReceiver(
    {
      refused: some(rate()),
      fatal: some(rate()),
      huge: some(rate()),
      ...(random() < 0.3 ? { most: 1 + below(100) } : {}),
      ...(random() < 0.3 ? { slowAbove: 1 + below(100) } : {}),
    },
    speech,
  );
  const surroundings = around?.(receiver.fetch);
  const inventory = new FakeInventory();
  const harness = new Harness({
    name: `siem${number}`,
    setting,
    inventory,
    random,
    fetch: surroundings?.fetch ?? receiver.fetch,
  });
  const world = { inventory, receiver, harness };
  for (let user = 1; user <= users; user += 1) inventory.put(`u${user}`);
  for (let round = 0; round < 15; round += 1) {
    receiver.mood = moods[below(moods.length)] ?? "takes";
    surroundings?.changeMood(random);
    for (let change = below(5); change > 0; change -= 1) inventory.put(`u${1 + below(users)}`);
    await harness.wake();
    for (let n = below(4); n >= 0; n -= 1) await harness.step();
    await expectHonest(world);
  }
  receiver.mood = "takes";
  surroundings?.calm();
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
};
