/** An ordinary day and month of an org of any size, computed from the counts of a measured one. Pure. */
import type { Bill } from "./bill.ts";
import { FREE, OBJECT_GB, PRICE } from "./prices.ts";

/** What was counted for an org with this many users and as many devices, and an R2 sink. */
export interface MeasuredCost {
  readonly users: number;
  readonly calls: {
    readonly full: number;
    readonly idle: number;
    readonly delta: number;
    /** Of one look-up of an account that is not cached. */
    readonly lookup: number;
  };
  /** Runs of both streams. */
  readonly bills: {
    readonly first: Bill;
    /** A full run of the next day. */
    readonly again: Bill;
    /** The same when every factor is due to be read again, and unchanged. */
    readonly refresh: Bill;
    readonly idle: Bill;
    /** After 1 % of the users changed. */
    readonly delta: Bill;
    /** One look-up of an account that is not cached. */
    readonly lookup: Bill;
    /** One scrape of all metrics. */
    readonly scrape: Bill;
    /** One time that the console's overview is read. */
    readonly page: Bill;
  };
  /** SQLite of all objects after the first full run. */
  readonly storedBytes: number;
}

/** What watches the connector besides. */
export interface Watching {
  readonly scrapes: number;
  readonly pages: number;
}

export const nobodyWatches: Watching = { scrapes: 0, pages: 0 };
/** A day of a scrape every 30 s, and of a page that is open all the time: at rest, it reads itself anew every 10 s. */
export const watchedAllDay: Watching = { scrapes: 86_400 / 30, pages: 86_400 / 10 };

/** Accounts that are looked up per day, as a part of all users. None of them is cached. */
export const LOOKUPS_PER_USER_A_DAY = 1;

const DAYS = 30;
/** Every 15 minutes, except when the full run starts. */
const DELTAS = 95;
/** Delta runs per day that find changes; each finds a tenth of what was measured. */
const BUSY = 40;
const BUSY_PART = 0.1;
/** Factors are read again within REFRESH_DAYS. */
const REFRESH_DAYS = 7;
/** Objects that are awake during a run or a look-up: the one that works, and the gate. */
const AWAKE = 2;
/** Calls to Okta per second under its published limits and the default share, of which full runs have seven tenths. */
const CALLS_PER_SECOND = (600 * 0.5 * 0.7) / 60;
/** How long an idle delta of both streams takes when Okta answers over a network. */
const IDLE_SECONDS = 2;
/** How long all objects together are awake for a scrape or a page. */
const WATCHING_SECONDS = 0.1;
/** How long a look-up at Okta takes over a network. */
const LOOKUP_SECONDS = 0.5;
/** Events per part of the R2 sink's snapshots (src/delivery/sinks/r2.ts). */
const EVENTS_PER_PART = 10_000;
const EVENTS_PER_BATCH = 2000;
const STREAMS = 2;
/** How long snapshots are kept in the bucket. */
const SNAPSHOT_DAYS = 30;

export interface Day {
  readonly oktaCalls: number;
  readonly requests: number;
  readonly objectRequests: number;
  readonly gigabyteSeconds: number;
  readonly rowsRead: number;
  readonly rowsWritten: number;
  readonly kvReads: number;
  readonly kvWrites: number;
  readonly r2ClassA: number;
}

/** R2 writes of a snapshot of both streams after a full run: parts and a manifest each. */
export const snapshotWrites = (users: number): number => STREAMS * (Math.ceil(users / EVENTS_PER_PART) + 1);

/** An ordinary day: a full run, delta runs of which some find changes, a seventh of the factors, look-ups, and who watches. */
export const dayOf = (
  measured: MeasuredCost,
  users: number,
  lookUps: number,
  { scrapes, pages }: Watching = nobodyWatches,
): Day => {
  const { bills, calls } = measured;
  const scale = users / measured.users;
  const factors = users / REFRESH_DAYS;
  const busy = BUSY * BUSY_PART * scale;
  const runs = (kind: keyof Bill): number =>
    bills.again[kind] * scale +
    DELTAS * bills.idle[kind] +
    busy * Math.max(0, bills.delta[kind] - bills.idle[kind]) +
    (factors * Math.max(0, bills.refresh[kind] - bills.again[kind])) / measured.users;
  // Neither a scrape nor a page reads more in a larger org.
  const total = (kind: keyof Bill): number =>
    runs(kind) + lookUps * bills.lookup[kind] + scrapes * bills.scrape[kind] + pages * bills.page[kind];
  const oktaCalls =
    (calls.full - measured.users) * scale + factors + DELTAS * calls.idle + busy * (calls.delta - calls.idle);
  const awakeSeconds =
    oktaCalls / CALLS_PER_SECOND +
    DELTAS * IDLE_SECONDS +
    lookUps * LOOKUP_SECONDS +
    ((scrapes + pages) * WATCHING_SECONDS) / AWAKE;
  const changedAtOnce = (users / 100) * BUSY_PART;
  return {
    oktaCalls,
    requests: DELTAS + 1 + lookUps + scrapes + pages,
    objectRequests: total("objectRequests"),
    gigabyteSeconds: awakeSeconds * AWAKE * OBJECT_GB,
    rowsRead: total("rowsRead"),
    rowsWritten: total("rowsWritten"),
    kvReads: total("kvReads"),
    kvWrites: total("kvWrites"),
    r2ClassA: snapshotWrites(users) + BUSY * STREAMS * Math.ceil(changedAtOnce / EVENTS_PER_BATCH),
  };
};

/** Gigabytes that are stored. */
export const storedOf = (measured: MeasuredCost, users: number, lookUps: number) => {
  const scale = users / measured.users;
  const { again, lookup } = measured.bills;
  return {
    objects: (measured.storedBytes * scale) / 1e9,
    // An entry is kept for a day.
    kv: (lookUps * lookup.kvBytes) / 1e9,
    r2: (SNAPSHOT_DAYS * again.r2Bytes * scale) / 1e9,
  };
};

/** US dollars a month, in addition to the paid plan itself. */
export const monthly = (day: Day, stored: ReturnType<typeof storedOf>): number =>
  DAYS *
    (day.requests * PRICE.request +
      day.objectRequests * PRICE.objectRequest +
      day.gigabyteSeconds * PRICE.gigabyteSecond +
      day.rowsRead * PRICE.rowRead +
      day.rowsWritten * PRICE.rowWritten +
      day.kvReads * PRICE.kvRead +
      day.kvWrites * PRICE.kvWrite +
      day.r2ClassA * PRICE.r2ClassA) +
  stored.objects * PRICE.objectStorage +
  stored.kv * PRICE.kvStorage +
  stored.r2 * PRICE.r2Storage;

/** The daily limit of the free plan of which this day uses the largest part, and that part. */
export const tightest = (day: Day): { readonly limit: string; readonly part: number } => {
  const parts: [string, number][] = [
    ["requests", day.requests / FREE.requests],
    ["object requests", day.objectRequests / FREE.objectRequests],
    ["duration", day.gigabyteSeconds / FREE.gigabyteSeconds],
    ["rows read", day.rowsRead / FREE.rowsRead],
    ["rows written", day.rowsWritten / FREE.rowsWritten],
    ["KV reads", day.kvReads / FREE.kvReads],
    ["KV writes", day.kvWrites / FREE.kvWrites],
    ["R2 writes", (DAYS * day.r2ClassA) / FREE.r2ClassAMonth],
  ];
  const [[limit, part] = ["", 0]] = parts.sort(([, a], [, b]) => b - a);
  return { limit, part };
};

const STEP = 100;
const MOST = 1_000_000;

/** How many users fit the free plan's daily limits, rounded to a hundred, and which limit decides. */
export const freeCeiling = (
  measured: MeasuredCost,
  lookUpsPerUser: number,
): { readonly users: number; readonly limit: string } => {
  let users = 0;
  for (; users < MOST; users += STEP) {
    const next = tightest(dayOf(measured, users + STEP, (users + STEP) * lookUpsPerUser));
    if (next.part > 1) return { users, limit: next.limit };
  }
  return { users, limit: "none" };
};

/** How many users' first full run fits one day of the free plan. Larger orgs take more days. */
export const firstRunCeiling = ({ bills: { first }, users }: MeasuredCost): number =>
  Math.floor(
    users *
      Math.min(
        FREE.rowsWritten / first.rowsWritten,
        FREE.rowsRead / first.rowsRead,
        FREE.objectRequests / first.objectRequests,
      ),
  );
