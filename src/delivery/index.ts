/** Delivery as the rest of the Worker sees it. */

import type { DeliveryIdentity } from "../contract/objects.ts";
import type { SinkStatusDocument } from "../contract/status.ts";
import type { StreamName } from "../contract/streams.ts";
import { errorFields, log } from "../lib/log.ts";
import { deliveryStub } from "./api.ts";
import { untouchedStatus } from "./delivery.ts";
import { sinksOf } from "./settings.ts";
import type { ParsedSinks, RefusedSink, SinkSettings } from "./settings-types.ts";

export { SinkDelivery } from "./sink-delivery.ts";
export { testSink } from "./test-sink.ts";

/** A status that does not come in time is told as such: the stream's own status must not wait for it. */
const statusTimeoutMs = 2000;
/** Nor must a run wait for a sink's object: the next call, or the cron, wakes it. */
const wakeTimeoutMs = 5000;

const takers = (sinks: ParsedSinks, stream: StreamName): SinkSettings[] =>
  sinks.accepted.filter((settings) => settings.streams.includes(stream));

/** Whether a removed name may really be one: not while a setting is wrong under which it may still stand. */
const isGone = (sinks: ParsedSinks, name: string): boolean =>
  sinks.refused.every((refused) => refused.name !== name && !refused.name.startsWith("SINKS")) ||
  sinks.accepted.some((settings) => settings.name === name);

const within = async <T>(work: Promise<T>, ms: number, otherwise: T, failure: string): Promise<T> => {
  let timer: ReturnType<typeof setTimeout> | undefined;
  const late = new Promise<T>((resolve) => {
    timer = setTimeout(() => resolve(otherwise), ms);
  });
  try {
    return await Promise.race([work, late]);
  } catch (thrown) {
    log("warn", failure, errorFields(thrown));
    return otherwise;
  } finally {
    clearTimeout(timer);
  }
};

/** Whether it was done in time. */
const attempt = (failure: string, work: Promise<void>): Promise<boolean> =>
  within(
    work.then(() => true),
    wakeTimeoutMs,
    false,
    failure,
  );

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
  const wanted = takers(sinks, stream).map((settings) => settings.name);
  const removed = deps.known.filter((name) => !wanted.includes(name));
  const identityOf = (sink: string): DeliveryIdentity => ({ connection, stream, sink });

  const kept = await Promise.all(
    removed.map(async (name) => {
      if (!isGone(sinks, name)) return name;
      const identity = identityOf(name);
      const gone = await attempt("sink_retire_failed", deliveryStub(env, identity).retire());
      return gone ? null : name;
    }),
  );
  await Promise.all(
    wanted.map((name) => {
      const identity = identityOf(name);
      return attempt("sink_wake_failed", deliveryStub(env, identity).wake(identity, head));
    }),
  );
  return { known: [...wanted, ...kept.filter((name) => name !== null)] };
};

/** Has the sinks that can (R2) keep the whole inventory as it is after a full run. Never throws. */
export const snapshotSinks = async (deps: {
  readonly env: Env;
  readonly connection: string;
  readonly stream: StreamName;
  readonly runId: string;
}): Promise<void> => {
  const { env, connection, stream, runId } = deps;
  await Promise.all(
    takers(sinksOf(env), stream)
      .filter((settings) => settings.type === "r2")
      .map((settings) => {
        const identity = { connection, stream, sink: settings.name };
        return attempt("sink_snapshot_failed", deliveryStub(env, identity).snapshot(identity, runId));
      }),
  );
};

const unanswered = (settings: SinkSettings, head: number): SinkStatusDocument => ({
  ...untouchedStatus(settings, head),
  state: "retrying",
  lag_events: 0,
  last_error: "the sink's delivery did not tell its status in time",
});

const refusedStatus = ({ name, type, problems }: RefusedSink, head: number): SinkStatusDocument => ({
  name,
  type: type ?? "unknown",
  state: "stopped",
  position: 0,
  lag_events: head,
  lag_seconds: 0,
  last_error: problems.map(({ path, message }) => `${path}: ${message}`).join("; "),
  next_try_at: null,
  dead_letters: 0,
});

/**
 * Where every sink of a stream stands, refused ones included (`stopped`, with what is wrong). Quick, and never
 * throws: a sink that does not answer in time is told as such.
 *
 * @param head the stream's greatest sequence number.
 */
export const sinkStatuses = async (
  env: Env,
  connection: string,
  stream: StreamName,
  head: number,
): Promise<SinkStatusDocument[]> => {
  const sinks = sinksOf(env);
  const running = await Promise.all(
    takers(sinks, stream).map((settings) => {
      const { name, type } = settings;
      const stub = deliveryStub(env, { connection, stream, sink: name });
      return within(
        stub.status({ name, type }, head),
        statusTimeoutMs,
        unanswered(settings, head),
        "sink_status_failed",
      );
    }),
  );
  const taken = new Set(sinks.accepted.map((settings) => settings.name));
  const refused = sinks.refused
    .filter(({ name }) => !taken.has(name))
    .filter(({ name }, index, all) => all.findIndex((other) => other.name === name) === index);
  return [...running, ...refused.map((sink) => refusedStatus(sink, head))];
};
