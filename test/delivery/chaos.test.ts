/** Everything goes wrong at random, and in the end every sink holds exactly the newest state of every asset. */
import { abortAllDurableObjects, reset } from "cloudflare:test";
import { afterEach, beforeEach, expect, it } from "vitest";
import { createRandom } from "../../dev/okta-org/org/random.ts";
import { muteLog } from "../http/support.ts";
import { seeds } from "../support/seeds.ts";
import { FakeInventory } from "./events.ts";
import { Harness } from "./harness.ts";
import { ElasticsearchReceiver } from "./receivers/elasticsearch.ts";
import { HttpReceiver } from "./receivers/http.ts";
import { newestOf, outOfOrder, type Receiver } from "./receivers/receiver.ts";
import { SplunkReceiver } from "./receivers/splunk.ts";

beforeEach(muteLog);

afterEach(() => reset());

const users = 5000;
const poisoned = "u1234";

/** An answer whose body breaks off. */
const broken = async (answer: Response): Promise<Response> => {
  const text = await answer.text();
  return new Response(
    new ReadableStream({
      type: "bytes",
      start(controller) {
        controller.enqueue(new TextEncoder().encode(text.slice(0, text.length / 2)));
        controller.error(new TypeError("the connection was reset"));
      },
    }),
    { status: answer.status, headers: answer.headers },
  );
};

interface Weather {
  chaos: boolean;
  kills: number;
  /** Ends the object that is at work. */
  kill: () => void;
}

/** A network before a receiver that fails every third request in one of many ways, while `chaos` is on. */
const badNetwork = (receiver: Receiver, random: () => number, weather: Weather, now: () => number) =>
  (async (input: RequestInfo | URL, init?: RequestInit): Promise<Response> => {
    const request = new Request(input, init);
    const dice = weather.chaos ? Math.floor(random() * 24) : 99;
    const soon = Math.ceil(random() * 20);
    switch (dice) {
      case 0:
        return new Response("slow down", { status: 429, headers: { "retry-after": String(soon) } });
      case 1:
        return new Response("busy", {
          status: 503,
          headers: {
            date: new Date(now()).toUTCString(),
            "retry-after": new Date(now() + soon * 1000).toUTCString(),
          },
        });
      case 2:
        return new Response("oops", { status: 500 });
      case 3:
        throw new TypeError("the connection was reset");
      case 4:
        throw new DOMException("signal timed out", "TimeoutError");
      case 5: {
        await receiver.handle(request);
        throw new TypeError("the connection was reset after the request was taken");
      }
      case 6:
        return broken(await receiver.handle(request));
      case 7: {
        if (random() < 0.5) await receiver.handle(request);
        weather.kills += 1;
        weather.kill();
        return new Promise<never>(() => undefined);
      }
      default:
        return receiver.handle(request);
    }
  }) as typeof fetch;

/** A delivery whose object may die in the middle of a slice. Like the real one, it gets its alarm again then. */
class MortalHarness extends Harness {
  override async step(): Promise<boolean> {
    try {
      return await super.step();
    } catch (thrown) {
      if (!String(thrown).includes("killed by the test")) throw thrown;
      await this.run((_, storage) => storage.setAlarm(this.now + 1));
      return true;
    }
  }
}

it.each(seeds(3))("chaos, seed %i", async (seed) => {
  const random = createRandom(seed, "chaos").next;
  const inventory = new FakeInventory();
  const weather: Weather = { chaos: true, kills: 0, kill: () => undefined };
  let clock = 0;
  const now = () => clock;
  const receivers = {
    siem: new HttpReceiver({
      format: "ndjson",
      gzip: true,
      token: "T-value",
      hmacKey: "H-value",
      now,
      mostBytes: 9000,
    }),
    splunk: new SplunkReceiver({ token: "T-value", ack: true, indexes: ["okta"] }),
    elastic: new ElasticsearchReceiver("E-value", "okta"),
  };
  const settings = {
    siem: {
      type: "http",
      url: "https://a.example.com",
      format: "ndjson",
      gzip: true,
      token_secret: "T",
      hmac_secret: "H",
    },
    splunk: { type: "splunk_hec", url: "https://b.example.com", token_secret: "T", index: "okta", ack: true },
    elastic: { type: "elasticsearch", url: "https://c.example.com", api_key_secret: "E", index: "okta" },
  };
  const harnesses = (["siem", "splunk", "elastic"] as const).map(
    (name) =>
      new MortalHarness({
        name,
        setting: { ...settings[name], name },
        inventory,
        random,
        fetch: badNetwork(receivers[name], random, weather, now),
      }),
  );
  for (let user = 1; user <= users; user += 1) inventory.put(`u${user}`);
  inventory.put(poisoned, { poison: true });

  const round = async (): Promise<boolean> => {
    let worked = false;
    for (const harness of harnesses) {
      harness.now = Math.max(harness.now, clock);
      clock = Math.max(clock, harness.now);
      weather.kill = () => harness.kill();
      worked = (await harness.step()) || worked;
      clock = Math.max(clock, harness.now);
    }
    return worked;
  };
  for (let n = 0; n < 60; n += 1) {
    for (let change = 0; change < 40; change += 1) {
      const user = `u${1 + Math.floor(random() * users)}`;
      if (user !== poisoned) inventory.put(user);
    }
    for (const harness of harnesses) await harness.wake();
    await round();
    if (random() < 0.2) await abortAllDurableObjects();
    if (random() < 0.2) inventory.failure = new Error("the stream was evicted");
  }
  expect(weather.kills).toBeGreaterThan(0);
  weather.chaos = false;
  for (const harness of harnesses) await harness.wake();
  for (let n = 0; n < 500 && (await round()); n += 1);

  const expected = new Map(inventory.newest().map(({ assetId, sequence }) => [assetId, sequence]));
  expected.delete(poisoned);
  for (const [index, harness] of harnesses.entries()) {
    const { delivered } = Object.values(receivers)[index] ?? expect.fail("a receiver");
    const held = newestOf(delivered);
    held.delete(poisoned); // Its state before it was poisoned may have arrived.
    expect(held).toEqual(expected);
    expect(outOfOrder(delivered)).toEqual([]);
    const letters = await harness.run((delivery) => delivery.deadLetters(0, 100));
    expect(letters.dead_letters.map((letter) => letter.asset_id)).toEqual([poisoned]);
    expect(await harness.status()).toMatchObject({ state: "ok", lag_events: 0, position: inventory.head });
  }
});
