/**
 * A Cloudflare for a Worker whose time passes: alarms follow the clock that `passTime` moves, and the limits that Cloudflare
 * documents (Workers "Limits", Durable Objects "Limits", Workers KV "Limits", on the free plan where the plans differ) are
 * enforced on it and its objects, because the local runtime lets most of them pass. Import it before anything makes an
 * object.
 */

import { runInDurableObject } from "cloudflare:test";
import { env } from "cloudflare:workers";
import { AsyncLocalStorage } from "node:async_hooks";
import { moveAlarms } from "../../dev/lib/moved-clock.ts";
import worker, * as classes from "../../src/index.ts";
import { timePassed } from "./time.ts";

/** Requests that leave Cloudflare, and those to its own services, of one invocation. */
const EXTERNAL = 50;
const INTERNAL = 1_000;
/** Connections of one invocation that wait for their headers. */
const CONNECTIONS = 6;
const PARAMETERS = 100;
const STATEMENT_BYTES = 100_000;
const VALUE_BYTES = 2_000_000;
const PATTERN_BYTES = 50;
const RPC_BYTES = 32 * 1024 * 1024;
const KV_KEY_BYTES = 512;
const KV_VALUE_BYTES = 25 * 1024 * 1024;
const KV_METADATA_BYTES = 1_024;
const KV_LEAST_TTL_S = 60;
const KV_WRITE_EVERY_MS = 1_000;
/** The first moment that setAlarm refuses. */
const ALARM_END_MS = Date.UTC(2190, 0, 1);

interface Invocation {
  readonly what: string;
  external: number;
  internal: number;
  open: number;
}

/** What was used at most, by limit. */
export interface Usage {
  external: number;
  internal: number;
  open: number;
  parameters: number;
  statementBytes: number;
  valueBytes: number;
  rpcBytes: number;
  kvWrites: number;
  alarms: number;
}

const usage: Usage = {
  external: 0,
  internal: 0,
  open: 0,
  parameters: 0,
  statementBytes: 0,
  valueBytes: 0,
  rpcBytes: 0,
  kvWrites: 0,
  alarms: 0,
};
const trips: string[] = [];

/** What was used at most in one invocation or statement; of KV writes and alarms, in all. */
export const platformUsage = (): Readonly<Usage> => ({ ...usage });
/** Which limits were met, by whom. An alarm that threw is among them: it is repeated, and after six times dropped. */
export const platformTrips = (): readonly string[] => [...trips];

const invocations = new AsyncLocalStorage<Invocation>();
const now = (): string => invocations.getStore()?.what ?? "no invocation";

const most = (limit: keyof Usage, value: number): void => {
  usage[limit] = Math.max(usage[limit], value);
};
const refuse = (message: string): never => {
  trips.push(`${now()}: ${message}`);
  throw new Error(message);
};
const bytesOf = (value: unknown): number => {
  if (value === undefined || value === null) return 0;
  if (typeof value === "string") return new TextEncoder().encode(value).byteLength;
  if (value instanceof ArrayBuffer) return value.byteLength;
  return ArrayBuffer.isView(value) ? value.byteLength : 8;
};
/** About what a structured clone of plain data takes. */
const cloneBytes = (value: unknown): number =>
  value === undefined ? 0 : (JSON.stringify(value)?.length ?? 0);

const inInvocation = <T>(what: string, work: () => T): T =>
  invocations.run({ what, external: 0, internal: 0, open: 0 }, work);

const countInternal = (): void => {
  const invocation = invocations.getStore();
  if (invocation === undefined) return;
  invocation.internal += 1;
  most("internal", invocation.internal);
  if (invocation.internal > INTERNAL) refuse("Too many API requests by single Worker invocation.");
};

const enforceFetch = (): void => {
  const outside = globalThis.fetch;
  globalThis.fetch = async (...request) => {
    const invocation = invocations.getStore();
    if (invocation === undefined) return outside(...request);
    invocation.external += 1;
    invocation.open += 1;
    most("external", invocation.external);
    most("open", invocation.open);
    try {
      if (invocation.external > EXTERNAL) refuse("Too many subrequests by single Worker invocation.");
      // Cloudflare lets it wait. Waiting here would hide that a connection is held back.
      if (invocation.open > CONNECTIONS) refuse("more than six connections wait for their headers");
      return await outside(...request);
    } finally {
      invocation.open -= 1;
    }
  };
};

const enforceSql = (storage: DurableObjectStorage): void => {
  const sql: object = Object.getPrototypeOf(storage.sql);
  const exec: SqlStorage["exec"] = Reflect.get(sql, "exec");
  Reflect.set(
    sql,
    "exec",
    function (this: SqlStorage, ...[query, ...parameters]: Parameters<SqlStorage["exec"]>) {
      if (invocations.getStore() !== undefined) {
        const sizes = parameters.map(bytesOf);
        most("parameters", parameters.length);
        most("statementBytes", bytesOf(query));
        most("valueBytes", Math.max(0, ...sizes));
        if (parameters.length > PARAMETERS) refuse(`${parameters.length} bound parameters`);
        if (bytesOf(query) > STATEMENT_BYTES) refuse("statement too long");
        if (sizes.some((size) => size > VALUE_BYTES)) refuse("string or blob too big");
        if (/\b(LIKE|GLOB)\b/i.test(query) && sizes.some((size) => size > PATTERN_BYTES))
          refuse("LIKE or GLOB pattern too complex");
      }
      return exec.call(this, query, ...parameters);
    },
  );
  moveAlarms(storage, timePassed);
  const prototype: object = Object.getPrototypeOf(storage);
  const setAlarm: DurableObjectStorage["setAlarm"] = Reflect.get(prototype, "setAlarm");
  Reflect.set(prototype, "setAlarm", function (this: DurableObjectStorage, at: number | Date) {
    if (!(Number(at) < ALARM_END_MS)) refuse(`setAlarm(${Number(at)})`);
    return setAlarm.call(this, at);
  });
};

const written = new Map<string, number>();

const enforceKv = (): void => {
  const kv: object = Object.getPrototypeOf(env.ENRICHMENT_CACHE);
  for (const method of ["get", "getWithMetadata", "delete", "list"] as const) {
    const original: (...args: unknown[]) => unknown = Reflect.get(kv, method);
    Reflect.set(kv, method, function (this: KVNamespace, ...args: unknown[]) {
      countInternal();
      return Reflect.apply(original, this, args);
    });
  }
  const put: (...args: unknown[]) => unknown = Reflect.get(kv, "put");
  Reflect.set(
    kv,
    "put",
    function (this: KVNamespace, key: string, value: unknown, options?: KVNamespacePutOptions) {
      countInternal();
      usage.kvWrites += 1;
      if (bytesOf(key) > KV_KEY_BYTES) refuse(`KV key of ${bytesOf(key)} bytes`);
      if (bytesOf(value) > KV_VALUE_BYTES) refuse(`KV value of ${bytesOf(value)} bytes`);
      if (cloneBytes(options?.metadata) > KV_METADATA_BYTES) refuse("KV metadata too large");
      if ((options?.expirationTtl ?? KV_LEAST_TTL_S) < KV_LEAST_TTL_S) refuse("KV expirationTtl below 60");
      const last = written.get(key) ?? Number.NEGATIVE_INFINITY;
      const at = Date.now();
      if (at - last < KV_WRITE_EVERY_MS) refuse("KV PUT failed: 429 Too Many Requests");
      written.set(key, at);
      return Reflect.apply(put, this, [key, value, options]);
    },
  );
};

const kinds = {
  OKTA_GATE: classes.OktaGate,
  INVENTORY_STREAM: classes.InventoryStream,
  ACCOUNT_LOOKUP: classes.AccountLookup,
  SINK_DELIVERY: classes.SinkDelivery,
  REGISTRY: classes.Registry,
  ALERT_DELIVERY: classes.AlertDelivery,
} as const;

/** Each call of an object's method, and each alarm, is an invocation of its own. */
const enforceObjects = (): void => {
  for (const [kind, { prototype, name }] of Object.entries(kinds)) {
    for (const method of Object.getOwnPropertyNames(prototype)) {
      const original: unknown = Object.getOwnPropertyDescriptor(prototype, method)?.value;
      if (method === "constructor" || typeof original !== "function") continue;
      Reflect.set(prototype, method, function (this: unknown, ...args: unknown[]) {
        return inInvocation(`${name}.${method}`, async () => {
          if (method === "alarm") usage.alarms += 1;
          try {
            const result: unknown = await Reflect.apply(original, this, args);
            const size = Math.max(cloneBytes(args), cloneBytes(result));
            most("rpcBytes", size);
            if (size > RPC_BYTES) refuse("Serialized RPC arguments or return values are limited to 32 MiB");
            return result;
          } catch (error) {
            if (method === "alarm") trips.push(`${name}.alarm threw: ${String(error)}`);
            throw error;
          }
        });
      });
    }
    const namespace: object = Reflect.get(env, kind);
    const counted = new Proxy(namespace, {
      get: (target, key) => {
        const value: unknown = Reflect.get(target, key);
        if (typeof value !== "function" || key === "constructor") return value;
        if (key !== "getByName" && key !== "get") return value.bind(target);
        return (...args: unknown[]) => {
          const stub: unknown = Reflect.apply(value, target, args);
          // What the tests themselves ask is no request of the Worker's.
          return invocations.getStore() === undefined ? stub : countedStub(stub as object);
        };
      },
    });
    Reflect.set(env, kind, counted);
  }
};

/** A stub whose every call is a request to one of Cloudflare's own services. */
const countedStub = (stub: object): object =>
  new Proxy(stub, {
    get: (target, key) => {
      const value: unknown = Reflect.get(target, key);
      if (typeof value !== "function") return value;
      return (...args: unknown[]) => {
        countInternal();
        return Reflect.apply(value, target, args);
      };
    },
  });

/** Enforces the limits from now on. */
export const enforcePlatform = async (): Promise<void> => {
  // The helpers of cloudflare:test look at the bindings once, and take no others.
  await runInDurableObject(env.OKTA_GATE.getByName("unused"), (_, { storage }) => enforceSql(storage));
  enforceFetch();
  enforceKv();
  enforceObjects();
  for (const handler of ["fetch", "scheduled"] as const) {
    const original: (...args: never[]) => unknown = worker[handler];
    Reflect.set(worker, handler, (...args: never[]) => inInvocation(handler, () => original(...args)));
  }
};
