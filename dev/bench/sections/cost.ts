/** A month on Cloudflare, from the counts that the other tables measured and the public prices. */
import type { Report } from "../lib/report.ts";
import type { Measured } from "./runs.ts";

/** US dollars, of what lies beyond the paid plan's included amounts; those are left out here. */
const PRICE = {
  request: 0.3e-6,
  objectRequest: 0.15e-6,
  gigabyteSecond: 12.5e-6,
  rowRead: 0.001e-6,
  rowWritten: 1e-6,
};
/** A Durable Object is billed as 128 MB. */
const OBJECT_GB = 0.128;
const DAYS = 30;
/** 95 deltas and one full run. */
const DELTAS = 95;
/** Deltas of working hours that find changes; a tenth of 1 % of the users each. */
const BUSY = 40;
/** Objects that are awake while a run is on: the stream, and the gate beside it. */
const AWAKE = 2;
/** What each day of the free plan holds. */
const FREE = { rowsWritten: 100_000, rowsRead: 5_000_000, gigabyteSeconds: 13_000, objectRequests: 100_000 };
/** Permits come in batches of twenty; the slices hold forty calls, an alarm each. */
const REQUESTS_PER_CALL = 1 / 20 + 1 / 40;
/** Okta calls a second under the published limits and the default share: factors drain the slowest bucket. */
const CALLS_PER_SECOND = (600 * 0.5 * 0.8) / 60;
/** Factors are read again within REFRESH_DAYS. */
const REFRESH_DAYS = 7;

interface Day {
  readonly calls: number;
  readonly rowsRead: number;
  readonly rowsWritten: number;
  readonly gigabyteSeconds: number;
  readonly objectRequests: number;
  readonly requests: number;
}

/** One ordinary day of an org of so many users, scaled from one that was measured. */
export const dayOf = (measured: Measured, users: number): Day => {
  const scale = users / measured.users;
  const { bills, fullCalls, idleCalls, deltaCalls } = measured;
  const busyPart = 0.1; // of the 1 % that was measured
  const factors = users / REFRESH_DAYS;
  const fullAgain = (fullCalls - measured.users) * scale;
  const calls = fullAgain + factors + DELTAS * idleCalls + BUSY * busyPart * (deltaCalls - idleCalls) * scale;
  const perFactor = {
    read: (bills.refresh.rowsRead - bills.again.rowsRead) / measured.users,
    written: (bills.refresh.rowsWritten - bills.again.rowsWritten) / measured.users,
  };
  const rows = (key: "rowsRead" | "rowsWritten", each: number): number =>
    bills.again[key] * scale +
    DELTAS * bills.idle[key] * (key === "rowsRead" ? Math.max(1, scale) : 1) +
    BUSY * busyPart * bills.delta[key] * scale +
    factors * each;
  const awake = calls / CALLS_PER_SECOND + DELTAS * 2;
  return {
    calls,
    rowsRead: rows("rowsRead", perFactor.read),
    rowsWritten: rows("rowsWritten", perFactor.written),
    gigabyteSeconds: awake * AWAKE * OBJECT_GB,
    objectRequests: calls * REQUESTS_PER_CALL + DELTAS * 2 * 6,
    requests: DELTAS + 1,
  };
};

const monthly = (day: Day): number =>
  DAYS *
  (day.requests * PRICE.request +
    day.objectRequests * PRICE.objectRequest +
    day.gigabyteSeconds * PRICE.gigabyteSecond +
    day.rowsRead * PRICE.rowRead +
    day.rowsWritten * PRICE.rowWritten);

/** The users whose first full run fits one day of the free plan, and those whose ordinary day does. */
const freeCeilings = (measured: Measured): { first: number; day: number } => {
  const { rowsRead, rowsWritten } = measured.bills.first;
  const perUser = 1 / measured.users;
  const first = Math.min(FREE.rowsWritten / (rowsWritten * perUser), FREE.rowsRead / (rowsRead * perUser));
  let day = 1000;
  for (; day < 1_000_000; day += 1000) {
    const next = dayOf(measured, day + 1000);
    const fits =
      next.rowsRead <= FREE.rowsRead &&
      next.rowsWritten <= FREE.rowsWritten &&
      next.gigabyteSeconds <= FREE.gigabyteSeconds &&
      next.objectRequests <= FREE.objectRequests;
    if (!fits) break;
  }
  return { first, day };
};

export const reportCost = (report: Report, measured: Measured): void => {
  const table = `A month on Cloudflare, computed from the run on ${measured.users} users; no included amounts taken off`;
  for (const users of [1000, 10_000, 100_000]) {
    const day = dayOf(measured, users);
    const besideWhat = "the free plan's day";
    report.add(
      {
        table,
        what: `${users} users: dollars a month`,
        ours: monthly(day),
        beside: 5,
        besideWhat: "the paid plan itself",
        unit: "$",
        computed: true,
      },
      {
        table,
        what: `${users} users: rows written a day`,
        ours: day.rowsWritten,
        beside: FREE.rowsWritten,
        besideWhat,
        unit: "rows",
        computed: true,
      },
      {
        table,
        what: `${users} users: rows read a day`,
        ours: day.rowsRead,
        beside: FREE.rowsRead,
        besideWhat,
        unit: "rows",
        computed: true,
      },
      {
        table,
        what: `${users} users: duration a day`,
        ours: day.gigabyteSeconds,
        beside: FREE.gigabyteSeconds,
        besideWhat,
        unit: "GB-s",
        computed: true,
      },
    );
  }
  const ceilings = freeCeilings(measured);
  report.add({
    table,
    what: "free plan: users (and as many devices) whose ordinary day fits",
    ours: ceilings.day,
    beside: ceilings.first,
    besideWhat: "those whose first full run fits one day",
    unit: "users",
    computed: true,
  });
};
