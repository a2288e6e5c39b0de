/** A meter of what Cloudflare bills. It takes time, so it is on only when the setting METER says so. */
import { env } from "cloudflare:workers";
import { type Bill, billOf, NO_BILL } from "../lib/bill.ts";

// Not a setting of the product, so the generated types do not know it.
const on = Reflect.get(env, "METER") === "on";

let bill: { -readonly [kind in keyof Bill]: Bill[kind] } = { ...NO_BILL };
/** Cursors that may still be read from. Each is counted when later ones are opened. */
const pending: SqlStorageCursor<Record<string, SqlStorageValue>>[] = [];
const OPEN_CURSORS = 4;

const settle = (keep: number): void => {
  for (const cursor of pending.splice(0, Math.max(0, pending.length - keep))) {
    bill.rowsRead += cursor.rowsRead;
    bill.rowsWritten += cursor.rowsWritten;
  }
};

/** The bill since the last call. */
export const takeBill = (): Bill => {
  settle(0);
  const taken = billOf((kind) => bill[kind]);
  bill = { ...NO_BILL };
  return taken;
};

/** Runs `book` before every call of a method. The runtime accepts only its own objects, so their prototypes are changed. */
const beforeEach = (object: object, method: string, book: (self: unknown, args: unknown[]) => void): void => {
  const prototype: object = Object.getPrototypeOf(object);
  const original: (...args: unknown[]) => unknown = Reflect.get(prototype, method);
  Reflect.set(prototype, method, function (this: unknown, ...args: unknown[]) {
    book(this, args);
    return Reflect.apply(original, this, args);
  });
};

const sizeOf = (value: unknown): number =>
  typeof value === "string" ? value.length : value instanceof ArrayBuffer ? value.byteLength : 0;

let storageMetered = false;

/** Meters Durable Object storage, once for all objects. */
export const meterStorage = (storage: DurableObjectStorage): void => {
  if (!on || storageMetered) return;
  storageMetered = true;
  const sql: object = Object.getPrototypeOf(storage.sql);
  const exec: SqlStorage["exec"] = Reflect.get(sql, "exec");
  Reflect.set(sql, "exec", function (this: SqlStorage, ...query: Parameters<SqlStorage["exec"]>) {
    settle(OPEN_CURSORS);
    const cursor = exec.apply(this, query);
    pending.push(cursor);
    return cursor;
  });
  beforeEach(storage.kv, "get", () => {
    bill.rowsRead += 1;
  });
  beforeEach(storage.kv, "put", () => {
    bill.rowsWritten += 1;
  });
  beforeEach(storage, "setAlarm", () => {
    bill.rowsWritten += 1;
  });
};

/** Counts calls of a Durable Object class, including alarms. Its methods do not call each other by their public names. */
export const meterRequests = (type: { readonly prototype: object }): void => {
  if (!on) return;
  for (const name of Object.getOwnPropertyNames(type.prototype)) {
    const method: unknown = Object.getOwnPropertyDescriptor(type.prototype, name)?.value;
    if (name === "constructor" || typeof method !== "function") continue;
    Reflect.set(type.prototype, name, function (this: unknown, ...args: unknown[]) {
      bill.objectRequests += 1;
      return Reflect.apply(method, this, args);
    });
  }
};

if (on) {
  beforeEach(env.ENRICHMENT_CACHE, "get", () => {
    bill.kvReads += 1;
  });
  beforeEach(env.ENRICHMENT_CACHE, "put", (_, [, value]) => {
    bill.kvWrites += 1;
    bill.kvBytes += sizeOf(value);
  });
  const bucket: unknown = Reflect.get(env, "EVENTS");
  if (typeof bucket === "object" && bucket !== null) {
    beforeEach(bucket, "put", (_, [, value]) => {
      bill.r2Writes += 1;
      bill.r2Bytes += sizeOf(value);
    });
  }
}
