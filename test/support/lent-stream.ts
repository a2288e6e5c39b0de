/** A stream in an object's real storage, driven by the test alone. */
import { runInDurableObject } from "cloudflare:test";
import { env } from "cloudflare:workers";
import { connectionOf } from "../../src/config/connections.ts";
import { deliveryObjectName } from "../../src/contract/objects.ts";
import type { StreamName } from "../../src/contract/streams.ts";
import { migrate } from "../../src/inventory/schema.ts";
import { connectOkta } from "../../src/okta/connect.ts";
import type { StreamDefinition } from "../../src/streams/definition.ts";
import { Stream, type StreamDeps } from "../../src/sync/stream.ts";

/** What a stream asks of others than Okta, where nobody is there. */
export const nobodyElse = {
  rateLimits: async () => [],
  sinkStatuses: async () => [],
  wakeSinks: async () => [],
  snapshotSinks: async () => [],
  forget: async () => [],
  forgetAll: async () => null,
  peopleOf: async () => null,
  other: null,
  postureExceptions: () => ({ ok: true, value: [] }),
  takesHooks: () => true,
  wantsAlerts: () => false,
  wantedChanges: () => new Set(),
  report: async () => {},
  background: () => {},
} satisfies Partial<StreamDeps>;

/**
 * A delivery's object lends the storage: an alarm does nothing in one that was never set up, so that only the test
 * works on the slices.
 */
export const withStream = (
  options: {
    readonly connection: string;
    readonly stream: StreamName;
    readonly definition: StreamDefinition;
    /** The connection's settings, if they are other than those of the test's environment. */
    readonly settings?: StreamDeps["connection"];
  } & Partial<Omit<StreamDeps, "connection" | "definition" | "identity">>,
  work: (stream: Stream, storage: DurableObjectStorage) => Promise<void>,
): Promise<void> => {
  const { connection, stream, settings = () => connectionOf(env, connection), ...deps } = options;
  const identity = { connection, stream };
  const stub = env.SINK_DELIVERY.getByName(deliveryObjectName({ ...identity, sink: "lent" }));
  return runInDurableObject(stub, async (_object, { storage }) => {
    migrate(storage);
    await work(
      new Stream({
        identity,
        storage,
        connection: settings,
        connect: (session) => connectOkta({ ...session, env }),
        ...nobodyElse,
        now: Date.now,
        random: () => 0.5,
        ...deps,
      }),
      storage,
    );
  });
};
