/** Deliveries of several Durable Objects in one isolate share access tokens, and none of them hangs on another. */
import { reset } from "cloudflare:test";
import { afterEach, beforeEach, expect, test } from "vitest";
import { muteLog } from "../http/support.ts";
import { FakeInventory } from "./events.ts";
import { Harness } from "./harness.ts";
import { MoodyReceiver } from "./moods.ts";
import { TokenEndpoint } from "./receivers/token-endpoint.ts";

beforeEach(muteLog);
afterEach(() => reset());

const tokenUrl = "https://login.example.com/token";

test("ten deliveries that begin at the same time ask for one token", async () => {
  const endpoint = new TokenEndpoint({ clientId: "shared", clientSecret: "CLIENT-value", scope: null });
  const inventories = Array.from({ length: 10 }, () => new FakeInventory());
  const worlds = inventories.map((inventory, index) => {
    const receiver = new MoodyReceiver();
    inventory.put("u1");
    const network: typeof fetch = async (input, init) => {
      const request = new Request(input, init);
      if (request.url === tokenUrl) {
        // Until all have begun: what is read of an inventory is sent next.
        while (inventories.some(({ reads }) => reads === 0)) await scheduler.wait(1);
        return endpoint.handle(request);
      }
      return endpoint.allows(request.headers)
        ? receiver.fetch(input, init)
        : new Response("no", { status: 401 });
    };
    const setting = {
      type: "http",
      name: `shared${index}`,
      url: "https://siem.example.com/in",
      oauth2: { token_url: tokenUrl, client_id: "shared", client_secret_secret: "CLIENT" },
    };
    return { receiver, harness: new Harness({ name: `shared${index}`, setting, inventory, fetch: network }) };
  });
  await Promise.all(worlds.map(({ harness }) => harness.wake()));
  await Promise.all(worlds.map(({ harness }) => harness.step()));
  for (const { receiver } of worlds) expect(receiver.delivered).toEqual([{ assetId: "u1", sequence: 1 }]);
  expect(endpoint.requests).toBe(1);
});
