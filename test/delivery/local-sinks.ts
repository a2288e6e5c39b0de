/** Sinks as their settings make them, and real local servers to which they send. */
import { expect } from "vitest";
import { parseSinks } from "../../src/delivery/settings.ts";
import type { Sink, SinkTools } from "../../src/delivery/sink.ts";
import { testSink } from "../../src/delivery/test-sink.ts";
import type { Receiver } from "./receivers/receiver.ts";
import { type FaultyServer, serve } from "./receivers/server.ts";

const started: FaultyServer[] = [];

/** Closes the servers that `serveLocally` has started. */
export const closeServers = async (): Promise<void> => {
  await Promise.all(started.splice(0).map((server) => server.close()));
};

/** Starts a server that `closeServers` closes. */
export const serveLocally = async (receiver: Receiver): Promise<FaultyServer> => {
  const server = await serve(receiver);
  started.push(server);
  return server;
};

/** The value of the secret of this name; undefined if there is none. */
type SecretOf = (name: string) => string | undefined;

/** A sink's settings, which must be right. */
export const configured = (setting: object, secret: SecretOf) => {
  const { accepted, refused } = parseSinks([setting], { secret, binding: () => false, allowLoopback: true });
  return accepted[0] ?? expect.fail(JSON.stringify(refused));
};

/** What a sink is opened with: the users of the default connection. */
export const tools: SinkTools = {
  fetch,
  now: Date.now,
  connection: "default",
  stream: "users",
  binding: () => undefined,
};

/** A sink at work. */
export const openSink = (setting: object, secret: SecretOf): Sink => configured(setting, secret).open(tools);

/** What a sink's connection test comes to. */
export const tryOut = (setting: object, secret: SecretOf) =>
  testSink(configured(setting, secret), { env: {}, connection: "default", fetch, now: Date.now });
