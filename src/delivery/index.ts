/** Delivery as the rest of the Worker sees it. */

import type { DeliveryIdentity, StreamIdentity } from "../contract/objects.ts";
import type { SinkReport } from "../contract/status.ts";
import type { StreamName } from "../contract/streams.ts";
import { errorFields, log } from "../lib/log.ts";
import { orLate } from "../lib/timeout.ts";
import { deliveryStub, type SinkDeliveryApi } from "./api.ts";
import { refusedStatus, unansweredStatus } from "./documents.ts";
import { sinksOf, sinksTaking } from "./settings.ts";
import type { ParsedSinks } from "./settings-types.ts";

export { SinkDelivery } from "./sink-delivery.ts";
export { testSink } from "./test-sink.ts";

/** A status that does not come in time is reported as such: the stream's own status must not wait for it. */
const statusTimeoutMs = 2000;
/** Nor must a run wait for a sink's object: the next call, or the cron, wakes it. */
const wakeTimeoutMs = 5000;

/** Whether a removed name may really be one: not while a setting is wrong under which it may still stand. */
const isGone = ({ accepted, refused }: ParsedSinks, name: string): boolean =>
  refused.every((sink) => sink.known === "name" && sink.name !== name) ||
  accepted.some((sink) => sink.name === name);

/** What an object answers, or something else when it fails or does not answer in time. Never throws. */
const answerWithin = async <T>(
  ms: number,
  answer: () => Promise<T>,
  otherwise: T,
  event: string,
): Promise<T> => {
  try {
    return await orLate(ms, answer(), () => otherwise);
  } catch (thrown) {
    log("warn", event, errorFields(thrown));
    return otherwise;
  }
};

/** Has a delivery do something. @returns whether it was done in time */
const ask = (
  env: Env,
  identity: DeliveryIdentity,
  work: (delivery: SinkDeliveryApi) => Promise<void>,
  event: string,
): Promise<boolean> => {
  const answer = async (): Promise<boolean> => {
    await work(deliveryStub(env, identity));
    return true;
  };
  return answerWithin(wakeTimeoutMs, answer, false, event);
};

/**
 * Tells every sink of a stream how far the stream is, and removes what removed sinks left behind. Call it when the
 * head has moved, and on every cron: it also revives a delivery whose alarm was lost. Never throws.
 *
 * @param deps.known the names that the last call returned.
 * @returns the names to store for the next call.
 */
export const wakeSinks = async (deps: {
  readonly env: Env;
  readonly connection: string;
  readonly stream: StreamName;
  readonly head: number;
  readonly known: readonly string[];
}): Promise<{ known: string[] }> => {
  const { env, connection, stream, head } = deps;
  const sinks = sinksOf(env);
  const wanted = sinksTaking(sinks, deps).map(({ name }) => name);
  const removed = deps.known.filter((name) => !wanted.includes(name));

  const kept = await Promise.all(
    removed.map(async (name) => {
      if (!isGone(sinks, name)) return name;
      const identity = { connection, stream, sink: name };
      return (await ask(env, identity, (delivery) => delivery.retire(), "sink_retire_failed")) ? null : name;
    }),
  );
  await Promise.all(
    wanted.map((name) => {
      const identity = { connection, stream, sink: name };
      return ask(env, identity, (delivery) => delivery.wake(identity, head), "sink_wake_failed");
    }),
  );
  return { known: [...wanted, ...kept.filter((name) => name !== null)] };
};

/**
 * Removes everything that a stream's deliveries have stored, whether or not their sinks are still in the settings.
 * Throws if a delivery cannot be reached.
 * @param known the names that `wakeSinks` returned last
 */
export const retireSinks = async (
  env: Env,
  stream: StreamIdentity,
  known: readonly string[],
): Promise<void> => {
  const names = new Set([...known, ...sinksTaking(sinksOf(env), stream).map(({ name }) => name)]);
  await Promise.all([...names].map((sink) => deliveryStub(env, { ...stream, sink }).retire()));
};

/**
 * Has the sinks that keep whole inventories keep this one, as it is after a full run. Never throws.
 * @param deps.only the names of the sinks that are asked; null: all of them
 * @returns the names of those that did not answer in time
 */
export const snapshotSinks = async (deps: {
  readonly env: Env;
  readonly connection: string;
  readonly stream: StreamName;
  readonly runId: string;
  readonly only: readonly string[] | null;
}): Promise<string[]> => {
  const { env, connection, stream, runId, only } = deps;
  const keepers = sinksTaking(sinksOf(env), deps).filter(
    (sink) => sink.snapshots !== null && (only === null || only.includes(sink.name)),
  );
  const unreached = await Promise.all(
    keepers.map(async ({ name }) => {
      const identity = { connection, stream, sink: name };
      const work = (delivery: SinkDeliveryApi) => delivery.snapshot(identity, runId);
      return (await ask(env, identity, work, "sink_snapshot_failed")) ? null : name;
    }),
  );
  return unreached.filter((name) => name !== null);
};

/**
 * Where every sink of a stream stands, refused ones included (`stopped`, with what is wrong). Quick, and never
 * throws: of a sink that does not answer in time, the status says so.
 *
 * @param head the stream's greatest sequence number.
 */
export const sinkStatuses = async (
  env: Env,
  connection: string,
  stream: StreamName,
  head: number,
): Promise<SinkReport[]> => {
  const sinks = sinksOf(env);
  const running = await Promise.all(
    sinksTaking(sinks, { connection, stream }).map(({ name, type }) => {
      const answer = () => deliveryStub(env, { connection, stream, sink: name }).status({ name, type }, head);
      return answerWithin(statusTimeoutMs, answer, unansweredStatus({ name, type }), "sink_status_failed");
    }),
  );
  const taken = new Set(sinks.accepted.map((sink) => sink.name));
  const refused = sinks.refused
    .filter(({ name }) => !taken.has(name))
    .filter(({ name }, index, all) => all.findIndex((other) => other.name === name) === index);
  return [...running, ...refused.map((sink) => refusedStatus(sink, head))];
};
