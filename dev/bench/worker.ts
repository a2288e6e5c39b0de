/**
 * The Worker with instruments on its Durable Objects, together with the floors that it is compared with. It adds routes
 * under `/bench/`; everything else is the product.
 */

import { defaultConnectionId } from "../../src/config/connections.ts";
import { type DeliveryIdentity, deliveryObjectName, streamObjectName } from "../../src/contract/objects.ts";
import { type StreamName, streamNames } from "../../src/contract/streams.ts";
import worker, {
  SinkDelivery as Delivery,
  OktaGate as Gate,
  AccountLookup as Lookup,
} from "../../src/index.ts";
import { moveClock } from "./worker/clock.ts";
import { bareKv, type Floor, post } from "./worker/floor.ts";
import { type Instruments, instrumented, type Stored } from "./worker/instrumented.ts";
import { takeBill } from "./worker/meter.ts";
import type { InventoryStream } from "./worker/stream.ts";

export { AlertDelivery, Registry } from "../../src/index.ts";
export { Floor } from "./worker/floor.ts";
export { InventoryStream } from "./worker/stream.ts";
export class OktaGate extends instrumented(Gate) {}
export class AccountLookup extends instrumented(Lookup) {}

/** The real delivery, and in the same object the least that delivers an inventory: read a page, post it, repeat. */
export class SinkDelivery extends instrumented(Delivery) {
  async loop(url: string): Promise<void> {
    const stream = usersOf(this.env);
    for (
      let page = await stream.pageAfter(0);
      page.events.length > 0;
      page = await stream.pageAfter(page.last)
    )
      await post(url, `[${page.events.map((event) => event.json).join(",")}]`);
  }
}

/** The delivery of a stream of the default connection to the sink that every benchmark calls siem. */
const deliveryTo = (stream: StreamName): DeliveryIdentity => ({
  connection: defaultConnectionId,
  stream,
  sink: "siem",
});

// The generated types of the bindings are for the deployed Worker. Here the bindings lead to the classes in this file.
const streamOf = (env: Env, stream: StreamName): InventoryStream =>
  env.INVENTORY_STREAM.getByName(
    streamObjectName({ connection: defaultConnectionId, stream }),
  ) as unknown as InventoryStream;
const deliveryOf = (env: Env, stream: StreamName): SinkDelivery =>
  env.SINK_DELIVERY.getByName(deliveryObjectName(deliveryTo(stream))) as unknown as SinkDelivery;
const usersOf = (env: Env): InventoryStream => streamOf(env, "users");
const floorOf = (env: Env): Floor => {
  const { FLOOR } = env as unknown as { FLOOR: DurableObjectNamespace<Floor> };
  return FLOOR.getByName("floor") as unknown as Floor;
};

/** The objects that store something for the default connection and a sink called siem, by name. */
const objectsOf = (env: Env): Map<string, Instruments> => {
  const gate = env.OKTA_GATE.getByName(defaultConnectionId) as unknown as Instruments;
  const ofStreams = streamNames.flatMap((stream): [string, Instruments][] => [
    [stream, streamOf(env, stream)],
    [`delivery of ${stream}`, deliveryOf(env, stream)],
  ]);
  return new Map([...ofStreams, ["gate", gate]]);
};

const storedIn = async (env: Env): Promise<Record<string, Stored>> => {
  const stored: Record<string, Stored> = {};
  for (const [name, object] of objectsOf(env)) stored[name] = await object.benchStored();
  return stored;
};

const advanceTo = async (env: Env, offset: number): Promise<void> => {
  const moved = moveClock(offset);
  for (const object of objectsOf(env).values()) await object.benchAdvanceAlarm(moved);
};

/** Evicting an object makes the call that does it fail. */
const evictAll = async (env: Env): Promise<void> => {
  await Promise.allSettled([...objectsOf(env).values()].map((object) => object.benchEvict()));
};

/** V8 provides `gc` when it is started with --expose-gc (lib/runtime.ts). */
const collectGarbage = async (): Promise<void> => {
  const gc: unknown = Reflect.get(globalThis, "gc");
  if (typeof gc === "function") gc();
};

/** As in wrangler.toml. */
const DELTA_CRON = "*/15 * * * *";

type Work = (env: Env, parameters: URLSearchParams, request: Request) => Promise<unknown>;

const works: Readonly<Record<string, Work>> = {
  bill: async () => takeBill(),
  age: (env) => usersOf(env).age(),
  cron: (env) => worker.scheduled({ cron: DELTA_CRON, scheduledTime: Date.now(), noRetry: () => {} }, env),
  fill: (env, parameters) => {
    const [from = 0, to = 0] = ["from", "to"].map((name) => Number(parameters.get(name)));
    return usersOf(env).fill(from, to);
  },
  file: (env, parameters) => {
    const [from = 0, to = 0, every = 0, round = 0] = ["from", "to", "every", "round"].map((name) =>
      Number(parameters.get(name)),
    );
    return usersOf(env).file(from, to, { every, round, isKept: parameters.get("kept") === "true" });
  },
  floor: async (env, _, request) => floorOf(env).read(await request.json()),
  prepare: (env) => usersOf(env).prepare(),
  post: (env, parameters) => usersOf(env).post(String(parameters.get("url"))),
  loop: (env, parameters) => deliveryOf(env, "users").loop(String(parameters.get("url"))),
  deliver: (env) => usersOf(env).deliver(),
  replay: (env) => deliveryOf(env, "users").replay(deliveryTo("users"), 0),
  stored: (env) => storedIn(env),
  count: async (env, parameters) =>
    objectsOf(env)
      .get(String(parameters.get("object")))
      ?.benchCount(String(parameters.get("query"))),
  clock: (env, parameters) => advanceTo(env, Number(parameters.get("offset"))),
  evict: (env) => evictAll(env),
  collect: () => collectGarbage(),
};

export default {
  ...worker,
  async fetch(request, env, ctx) {
    const { pathname, searchParams } = new URL(request.url);
    if (!pathname.startsWith("/bench/")) return worker.fetch(request, env, ctx);
    if (pathname.startsWith("/bench/kv/")) return bareKv.fetch(request, env, ctx);
    const work = works[pathname.slice("/bench/".length)];
    if (work === undefined) return new Response(null, { status: 404 });
    return Response.json((await work(env, searchParams, request)) ?? null);
  },
} satisfies ExportedHandler<Env>;
