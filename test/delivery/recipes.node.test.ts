/** The recipes in docs/sinks.md, as they stand there, against what the vendors document. */
import { readFileSync } from "node:fs";
import { describe, expect, test } from "vitest";
import { parseDevVars } from "../../dev/start/dev-vars.ts";
import type { StoredEvent } from "../../src/contract/stream-api.ts";
import { anyBatch, takeBatch } from "../../src/delivery/batching.ts";
import { parseSinks } from "../../src/delivery/settings.ts";
import type { SinkTools } from "../../src/delivery/sink.ts";
import { testSink } from "../../src/delivery/test-sink.ts";
import { deviceEvent, userEvent } from "../../src/ocsf/index.ts";
import {
  activeUser,
  CHANGED_AT,
  deviceContext,
  factsOf,
  managedDevice,
  readDevice,
  userContext,
} from "../ocsf/samples.ts";
import { type Vendor, vendors } from "./receivers/vendors.ts";

const recipes = new Map(
  (readFileSync("docs/sinks.md", "utf8").split(/^## Recipes$/m)[1] ?? "")
    .split(/^### /m)
    .slice(1)
    .map((section): [string, ReadonlyMap<string, string>] => {
      const [, name = ""] = /^(.*)\n/.exec(section) ?? [];
      const [, block = ""] = /^```sh\n(.*?)^```$/ms.exec(section) ?? [];
      return [name, new Map(Object.entries(Object.fromEntries(parseDevVars(block))))];
    }),
);

const events: readonly StoredEvent[] = [
  userEvent(factsOf(activeUser), userContext, "ocsf"),
  deviceEvent({ device: readDevice(managedDevice) }, deviceContext, "ocsf"),
].flatMap((event, which) =>
  Array.from({ length: 700 }, (_, index) => {
    const sequence = userContext.sequence + which * 700 + index;
    const assetId = `asset-${which}-${index}`;
    const json = JSON.stringify(event);
    return { id: `default/users/${assetId}/${sequence}`, assetId, sequence, changedAt: CHANGED_AT, json };
  }),
);

const unzipped = (bytes: ArrayBuffer): Promise<string> =>
  new Response(new Blob([bytes]).stream().pipeThrough(new DecompressionStream("gzip"))).text();

/** The vendor as a network of its own: what it refuses, and what it took. */
const networkOf = (vendor: Vendor) => {
  const taken: unknown[] = [];
  const network: typeof fetch = async (input, init) => {
    const request = new Request(input, init);
    const url = new URL(request.url);
    if (url.protocol !== "https:" || !vendor.host.test(url.hostname))
      throw new TypeError(`no such host: ${url.host}`);
    const isZipped = request.headers.get("content-encoding") === "gzip";
    const bytes = await request.arrayBuffer();
    const text = isZipped ? await unzipped(bytes) : new TextDecoder().decode(bytes);
    if (new TextEncoder().encode(text).length > vendor.mostBytes)
      return new Response("too large", { status: 413 });
    const { method, headers } = request;
    const read = vendor.read({ method, url, headers, text });
    if (read instanceof Response) return read;
    taken.push(...read);
    return vendor.taken();
  };
  return { taken, network };
};

/** The sink of a recipe. @param secrets instead of the vendor's */
const sinkOf = (name: string, vendor: Vendor, secrets: Readonly<Record<string, string>> = {}) => {
  const settings = recipes.get(name) ?? expect.fail(`there is no recipe for ${name}`);
  const { accepted, refused } = parseSinks(settings.get("SINKS"), {
    secret: (secret) => secrets[secret] ?? vendor.secrets[secret],
    binding: () => false,
    allowLoopback: false,
  });
  expect(refused).toEqual([]);
  return accepted[0] ?? expect.fail("no sink");
};

const toolsOf = (network: typeof fetch): SinkTools => ({
  fetch: network,
  now: Date.now,
  connection: "default",
  stream: "users",
  binding: () => undefined,
});

test("there is a recipe for each vendor, and each names its secrets", () => {
  expect([...recipes.keys()]).toEqual(Object.keys(vendors));
});

describe.each(Object.entries(vendors))("%s", (name, vendor) => {
  test("takes whole batches of what is sent, and all of it", async () => {
    const { taken, network } = networkOf(vendor);
    const sink = sinkOf(name, vendor).open(toolsOf(network));
    // With one event in a request, fewer events show as much.
    const all = sink.limits.events === 1 ? [...events.slice(0, 3), ...events.slice(-3)] : events;
    for (let left = all; left.length > 0; ) {
      const batch = takeBatch(left, sink, anyBatch);
      if (batch.kind !== "batch") return expect.fail(batch.error.message);
      expect(await sink.deliver(batch.events)).toEqual({ kind: "accepted" });
      left = left.slice(batch.events.length);
    }
    expect(taken).toEqual(all.map(({ json }) => JSON.parse(json)));
  });

  test("refuses another secret, and the sink says so and shows none", async () => {
    for (const [secret, right] of Object.entries(vendor.secrets)) {
      const { taken, network } = networkOf(vendor);
      const wrong = `${right}-wrong`;
      const sink = sinkOf(name, vendor, { [secret]: wrong }).open(toolsOf(network));
      const outcome = await sink.deliver(events.slice(0, 1));
      expect(outcome).toMatchObject({ kind: "stopped", error: { code: "credential" } });
      expect(JSON.stringify(outcome)).not.toContain(wrong);
      expect(taken).toEqual([]);
    }
  });

  test("passes the connection test without taking anything", async () => {
    const { taken, network } = networkOf(vendor);
    const deps = { env: {}, connection: "default", fetch: network, now: Date.now };
    expect(await testSink(sinkOf(name, vendor), deps)).toMatchObject({ status: "pass", remedy: null });
    expect(taken).toEqual([]);
  });
});
