/**
 * A meter on Durable Objects: what Cloudflare would bill of their storage. Rows are SQLite's own counts, index rows
 * included; a key-value write and an alarm are one row each.
 */
type Constructor<T> = new (ctx: DurableObjectState, env: Env) => T;

interface Counts {
  rowsRead: number;
  rowsWritten: number;
}

const bills = new Map<string, Counts>();
/** Which class a storage belongs to. */
const owners = new WeakMap<object, string>();
/** Cursors that may still be read from: each is booked when the next ones come. */
const pending: { cursor: SqlStorageCursor<Record<string, SqlStorageValue>>; counts: Counts }[] = [];
const OPEN_CURSORS = 4;

const countsOf = (storage: object): Counts => {
  const name = owners.get(storage) ?? "other";
  const counts = bills.get(name) ?? { rowsRead: 0, rowsWritten: 0 };
  bills.set(name, counts);
  return counts;
};

const settle = (keep: number): void => {
  for (const { cursor, counts } of pending.splice(0, Math.max(0, pending.length - keep))) {
    counts.rowsRead += cursor.rowsRead;
    counts.rowsWritten += cursor.rowsWritten;
  }
};

/** The bill so far, by class; it starts again at nothing. */
export const takeBill = (): Record<string, Counts> => {
  settle(0);
  const all = Object.fromEntries(bills);
  bills.clear();
  return all;
};

let patched = false;

/** The runtime takes its own objects alone, so the meter sits in their prototypes. */
const patch = (storage: DurableObjectStorage): void => {
  if (patched) return;
  patched = true;
  const prototypeOf = <T extends object>(value: T): T => Object.getPrototypeOf(value);
  const sql = prototypeOf(storage.sql);
  const { exec } = sql;
  sql.exec = function (this: SqlStorage, ...query: Parameters<typeof exec>) {
    settle(OPEN_CURSORS);
    const cursor = exec.apply(this, query);
    pending.push({ cursor, counts: countsOf(this) });
    return cursor;
  } as typeof exec;
  const kv = prototypeOf(storage.kv);
  const { get, put } = kv;
  kv.get = function (this: SyncKvStorage, ...key: Parameters<typeof get>) {
    countsOf(this).rowsRead += 1;
    return get.apply(this, key);
  } as typeof get;
  kv.put = function (this: SyncKvStorage, ...entry: Parameters<typeof put>) {
    countsOf(this).rowsWritten += 1;
    put.apply(this, entry);
  };
  const all = prototypeOf(storage);
  const { setAlarm } = all;
  all.setAlarm = function (this: DurableObjectStorage, ...alarm: Parameters<typeof setAlarm>) {
    countsOf(this).rowsWritten += 1;
    return setAlarm.apply(this, alarm);
  };
};

const watched = (name: string, ctx: DurableObjectState): DurableObjectState => {
  patch(ctx.storage);
  for (const part of [ctx.storage, ctx.storage.sql, ctx.storage.kv]) owners.set(part, name);
  return ctx;
};

/** The class with a meter on its storage. */
export const metered = <T extends object>(name: string, base: Constructor<T>): Constructor<T> =>
  // A class expression over a type parameter would have to take any arguments.
  class extends (base as Constructor<object>) {
    constructor(ctx: DurableObjectState, env: Env) {
      // It takes time of its own: only where rows are counted.
      super(Reflect.get(env, "METER") === "on" ? watched(name, ctx) : ctx, env);
    }
  } as Constructor<T>;
