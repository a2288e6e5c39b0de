/**
 * Whatever a receiver does, in the end it has the newest state of every asset that it would take, each other is a dead
 * letter with its reason, and the sink is said to be ok only then.
 */
import { reset } from "cloudflare:test";
import { afterEach, beforeEach, expect, test } from "vitest";
import { muteLog } from "../http/support.ts";
import { long, seed } from "../support/seeds.ts";
import { expectDelivery, expectHonest } from "./any-receiver.ts";
import { FakeInventory } from "./events.ts";
import { Harness } from "./harness.ts";
import { MoodyReceiver } from "./moods.ts";

beforeEach(muteLog);
afterEach(() => reset());

const setting = { type: "http", name: "siem", url: "https://siem.example.com/in" };

test.each(Array.from({ length: long ? 200 : 20 }, (_, index) => seed + index))(
  "any receiver, seed %i",
  (number) => expectDelivery(number, { setting }),
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
