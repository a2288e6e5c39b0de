/** The settings as a deployment changes them, crons under them, and what is stored of a connection. */
import {
  createExecutionContext,
  createScheduledController,
  listDurableObjectIds,
  runDurableObjectAlarm,
  runInDurableObject,
  waitOnExecutionContext,
} from "cloudflare:test";
import { env } from "cloudflare:workers";
import type { ConnectionDocument } from "../../src/contract/connections.ts";
import { lookupObjectNames, registryObjectName, streamObjectName } from "../../src/contract/objects.ts";
import { streamNames } from "../../src/contract/streams.ts";
import worker, { Registry } from "../../src/index.ts";
import { apiKey } from "../support/org.ts";

export const READ_KEY = "read-key-0123456789-0123456789-01234567";

/** The Worker's settings with CONNECTIONS of these ids, and others changed; undefined leaves a setting out. */
export const settingsWith = (ids: readonly string[], others: object = {}): Env => {
  const connections = ids.map((id) => ({
    id,
    base_url: `https://${id}.okta.com`,
    secret_prefix: `${id.toUpperCase()}_`,
  }));
  return Object.assign({ ...env }, { CONNECTIONS: JSON.stringify(connections) }, others);
};

/** A cron under these settings. */
export const cron = (settings: Env): Promise<void> =>
  worker.scheduled(createScheduledController({ cron: "*/15 * * * *" }), settings);

export const registry = () => env.REGISTRY.getByName(registryObjectName);

/** How many alarms of the registry are at work now. */
let atWork = 0;
const { alarm } = Registry.prototype;
Registry.prototype.alarm = async function (this: Registry): Promise<void> {
  atWork += 1;
  try {
    await alarm.call(this);
  } finally {
    atWork -= 1;
  }
};

/** Has the registry do what is due, whatever the clock says, and waits until it has. */
export const purgeNow = async (): Promise<void> => {
  for (;;) {
    await runDurableObjectAlarm(registry());
    const due = await runInDurableObject(registry(), (_, { storage }) => storage.getAlarm());
    if (due === null && atWork === 0) return;
    await scheduler.wait(5);
  }
};

/** A request under these settings. @param path with its query */
export const ask = async (
  settings: Env,
  method: string,
  path: string,
  { key = apiKey(), body, headers = {} }: { key?: string; body?: BodyInit; headers?: HeadersInit } = {},
): Promise<Response> => {
  const context = createExecutionContext();
  const request = new Request<unknown, IncomingRequestCfProperties>(`https://connector.example.com${path}`, {
    method,
    redirect: "manual",
    headers: { ...(key === "" ? {} : { authorization: `Bearer ${key}` }), ...headers },
    ...(body !== undefined && { body }),
  });
  const response = await worker.fetch(request, settings, context);
  await waitOnExecutionContext(context);
  return response;
};

/** The connection as the API shows it. */
export const shown = async (settings: Env, id: string): Promise<ConnectionDocument | null> => {
  const response = await ask(settings, "GET", `/v1/connections/${id}`);
  if (response.status === 404) return null;
  if (response.status !== 200) throw new Error(`${response.status} ${await response.text()}`);
  return response.json();
};

const inStorage = async (_: unknown, { storage }: DurableObjectState): Promise<string[]> => {
  const tables = storage.sql
    .exec<{ name: string }>("SELECT name FROM sqlite_master WHERE name NOT LIKE '\\_cf%' ESCAPE '\\'")
    .toArray()
    .map(({ name }) => name);
  const alarm = (await storage.getAlarm()) === null ? [] : ["alarm"];
  return [...tables, ...[...storage.kv.list()].map(([key]) => key), ...alarm];
};

/** The tables, keys and alarms that each object of a connection has stored, by the object; those with none are left out. */
export const storedOf = async (
  connection: string,
  sinks: readonly string[] = [],
): Promise<Record<string, string[]>> => {
  const found: Record<string, string[]> = {};
  const look = async <T extends Rpc.DurableObjectBranded>(
    kind: string,
    namespace: DurableObjectNamespace<T>,
    names: readonly string[],
  ) => {
    const made = new Set((await listDurableObjectIds(namespace)).map(String));
    for (const name of names) {
      // What was never made is not made by looking.
      if (!made.has(String(namespace.idFromName(name)))) continue;
      const stored = await runInDurableObject(namespace.getByName(name) as never, inStorage);
      if (stored.length > 0) found[`${kind} ${name}`] = stored;
    }
  };
  const streams = streamNames.map((stream) => streamObjectName({ connection, stream }));
  await look("stream", env.INVENTORY_STREAM, streams);
  await look("gate", env.OKTA_GATE, [connection]);
  await look("look-ups", env.ACCOUNT_LOOKUP, lookupObjectNames(connection));
  await look(
    "delivery",
    env.SINK_DELIVERY,
    streams.flatMap((stream) => sinks.map((sink) => `${stream}/${sink}`)),
  );
  const { keys } = await env.ENRICHMENT_CACHE.list({ prefix: `${connection}/` });
  if (keys.length > 0) found["cache"] = keys.map(({ name }) => name);
  return found;
};
