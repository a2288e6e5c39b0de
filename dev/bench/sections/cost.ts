/** What Cloudflare bills for the runs and look-ups of one org, counted; and a month for any size, computed from it. */
import { COUNT_AGAIN_AFTER_MS } from "../../../src/contract/limits.ts";
import type { RunKind } from "../../../src/contract/status.ts";
import { churn } from "../../okta-org/changes/churn.ts";
import { type Bill, billOf, NO_BILL } from "../lib/bill.ts";
import {
  dayOf,
  firstRunCeiling,
  freeCeiling,
  LOOKUPS_PER_USER_A_DAY,
  type MeasuredCost,
  monthly,
  snapshotWrites,
  storedOf,
  watchedAllDay,
} from "../lib/month.ts";
import { serveOrg, sizeOf } from "../lib/org.ts";
import { FREE, PAID_PLAN } from "../lib/prices.ts";
import type { Report } from "../lib/report.ts";
import { BenchWorker } from "../lib/runtime.ts";
import { cycle } from "../lib/sizes.ts";
import { grouped, sleep } from "../lib/statistics.ts";
import type { Stored } from "../worker/instrumented.ts";

const SIZES = [1000, 10_000, 100_000];
const LOOKUPS = 20;
/** How often a scrape and a page are counted. */
const WATCHED = 3;
/** For how long the summary is remembered, and a little more, ms. */
const REMEMBERED_MS = COUNT_AGAIN_AFTER_MS + 500;
/** Longer than any delivery waits. */
const SETTLES_MS = 500;

const plus = (a: Bill, b: Bill): Bill => billOf((kind) => a[kind] + b[kind]);

/** The bill of some work and all that follows from it. Delivery continues after a run, and has ended when nothing more is billed. */
const settledBill = async (worker: BenchWorker): Promise<Bill> => {
  let bill = NO_BILL;
  for (;;) {
    await sleep(SETTLES_MS);
    const more = await worker.bill();
    bill = plus(bill, more);
    if (more.rowsWritten + more.r2Writes === 0) return bill;
  }
};

/** What one look-up costs. */
interface LookupPrice {
  /** Calls to Okta. */
  readonly calls: number;
  readonly bill: Bill;
}

/** By how the account was asked for. */
interface LookupPrices {
  readonly byId: LookupPrice;
  readonly byLogin: LookupPrice;
  /** All of these accounts again, by login. */
  readonly cached: LookupPrice;
}

interface Measured {
  readonly cost: MeasuredCost;
  readonly lookups: LookupPrices;
}

const measure = async (users: number): Promise<Measured> => {
  const org = await serveOrg(sizeOf(users));
  const sinks = JSON.stringify([{ type: "r2", name: "siem" }]);
  const worker = await BenchWorker.start(org, { vars: { METER: "on", SINKS: sinks } });
  try {
    const counted = async (kind: RunKind, label: string) => {
      await worker.bill();
      const { calls } = await cycle(org, worker, kind, `cost: ${label}`);
      return { calls, bill: await settledBill(worker) };
    };
    const first = await counted("full", "first full run");
    const stored = await worker.bench<Record<string, Stored>>("stored");
    const again = await counted("full", "full run of the next day");
    await worker.bench("age");
    const refresh = await counted("full", "full run with every factor due");
    const idle = await counted("delta", "idle delta");
    churn(org.org.state, Math.ceil(users / 100), { silent: false });
    const delta = await counted("delta", "delta after 1 % changed");
    const present = org.org.dump().users.filter(({ status }) => status === "ACTIVE");
    const lookUp = async (accounts: readonly string[]): Promise<LookupPrice> => {
      await worker.bill();
      org.takeAsked();
      for (const account of accounts) {
        const path = `/v1/enrichments/accounts/${encodeURIComponent(account)}`;
        await (await worker.request("GET", path)).arrayBuffer();
      }
      const bill = await settledBill(worker);
      return {
        calls: org.askedCount() / accounts.length,
        bill: billOf((kind) => bill[kind] / accounts.length),
      };
    };
    const logins = present.map(({ profile }) => String(profile["login"]));
    const byId = await lookUp(present.slice(0, LOOKUPS).map(({ id }) => id));
    const byLogin = await lookUp(logins.slice(LOOKUPS, 2 * LOOKUPS));
    const cached = await lookUp(logins.slice(0, 2 * LOOKUPS));
    const watched = async (work: () => Promise<unknown>): Promise<Bill> => {
      await work();
      await settledBill(worker);
      for (let n = 0; n < WATCHED; n++) {
        await sleep(REMEMBERED_MS);
        await work();
      }
      const bill = await worker.bill();
      return billOf((kind) => bill[kind] / WATCHED);
    };
    const scrape = await watched(async () => (await worker.request("GET", "/metrics")).arrayBuffer());
    const page = await watched(() => worker.page("/"));
    const cost: MeasuredCost = {
      users,
      calls: {
        full: first.calls,
        idle: idle.calls,
        delta: delta.calls,
        lookup: (byId.calls + byLogin.calls) / 2,
      },
      bills: {
        first: first.bill,
        again: again.bill,
        refresh: refresh.bill,
        idle: idle.bill,
        delta: delta.bill,
        lookup: billOf((kind) => (byId.bill[kind] + byLogin.bill[kind]) / 2),
        scrape,
        page,
      },
      storedBytes: Object.values(stored).reduce((sum, { bytes }) => sum + bytes, 0),
    };
    return { cost, lookups: { byId, byLogin, cached } };
  } finally {
    await worker.close();
    org.close();
  }
};

const reportSize = (report: Report, measured: MeasuredCost, users: number): void => {
  const lookUps = users * LOOKUPS_PER_USER_A_DAY;
  const day = dayOf(measured, users, lookUps);
  const stored = storedOf(measured, users, lookUps);
  const quiet = dayOf(measured, users, 0);
  const table = `A month on Cloudflare with an R2 sink, ${grouped(users)} users and devices, ${LOOKUPS_PER_USER_A_DAY} look-up per user a day, none of them cached`;
  const row = (
    what: string,
    ours: number,
    beside: number,
    unit: string,
    besideWhat = "the free plan's day",
  ) => ({
    table,
    what,
    ours,
    beside,
    besideWhat,
    unit,
    computed: "both" as const,
  });
  report.add(
    row(
      "dollars a month",
      monthly(day, stored),
      PAID_PLAN,
      "$",
      "the paid plan itself; its included amounts not taken off",
    ),
    row(
      "… without the look-ups",
      monthly(quiet, storedOf(measured, users, 0)),
      PAID_PLAN,
      "$",
      "the paid plan itself",
    ),
    row(
      "… watched by a scrape every 30 s and an open page of the console",
      monthly(dayOf(measured, users, 0, watchedAllDay), storedOf(measured, users, 0)),
      PAID_PLAN,
      "$",
      "the paid plan itself",
    ),
    row("requests a day", day.requests, FREE.requests, ""),
    row("object requests a day", day.objectRequests, FREE.objectRequests, ""),
    row("duration a day", day.gigabyteSeconds, FREE.gigabyteSeconds, "GB-s"),
    row("rows read a day", day.rowsRead, FREE.rowsRead, ""),
    row("rows written a day", day.rowsWritten, FREE.rowsWritten, ""),
    row("KV reads a day", day.kvReads, FREE.kvReads, ""),
    row("KV writes a day", day.kvWrites, FREE.kvWrites, ""),
    row("R2 class A operations a month", day.r2ClassA * 30, FREE.r2ClassAMonth, "", "the free plan's month"),
    row("stored in objects", stored.objects, FREE.objectGigabytes, "GB", "the free plan's"),
    row("stored in KV", stored.kv, FREE.kvGigabytes, "GB", "the free plan's"),
    row("stored in R2, 30 days of snapshots", stored.r2, FREE.r2Gigabytes, "GB", "the free plan's"),
  );
};

const reportCeilings = (report: Report, measured: MeasuredCost): void => {
  const table = `The free plan's ceiling, from the counts of ${grouped(measured.users)} users and devices`;
  const all = freeCeiling(measured, LOOKUPS_PER_USER_A_DAY);
  const alone = freeCeiling(measured, 0);
  const { lookup, again } = measured.bills;
  const perLookup = Math.min(FREE.kvWrites / lookup.kvWrites, FREE.kvReads / lookup.kvReads);
  const users = { table, unit: "users", computed: "both" as const };
  report.add(
    {
      ...users,
      what: "without look-ups",
      ours: alone.users,
      beside: firstRunCeiling(measured),
      besideWhat: `users whose first full run fits one day; the limit is: ${alone.limit}`,
    },
    {
      ...users,
      what: `with ${LOOKUPS_PER_USER_A_DAY} look-up per user a day`,
      ours: all.users,
      beside: alone.users,
      besideWhat: `without look-ups; the limit is: ${all.limit}`,
    },
    {
      table,
      what: "uncached look-ups a day",
      ours: perLookup,
      beside: FREE.kvWrites,
      besideWhat: "KV writes of the free plan's day",
      unit: "",
      computed: "both",
    },
    {
      table,
      what: "R2 writes after a full run, counted",
      ours: again.r2Writes,
      beside: snapshotWrites(measured.users),
      besideWhat: "the formula of this table",
      unit: "",
      computed: "beside",
      atMost: 1,
    },
  );
};

/** What a look-up may cost: requests of Durable Objects, and writes to KV. */
const LOOKUP_GOALS: Readonly<Partial<Record<keyof Bill, number>>> = { objectRequests: 4.5, kvWrites: 1.2 };

const LOOKUP_ROWS: readonly (readonly [keyof Bill, string])[] = [
  ["objectRequests", "object requests"],
  ["rowsWritten", "rows written"],
  ["rowsRead", "rows read"],
  ["kvReads", "KV reads"],
  ["kvWrites", "KV writes"],
];

const reportLookups = (report: Report, { byId, byLogin, cached }: LookupPrices): void => {
  for (const [by, { bill, calls }] of [
    ["id", byId],
    ["login", byLogin],
  ] as const) {
    const table = `What an uncached look-up by ${by} is billed, counted; it makes ${calls.toFixed(1)} Okta calls`;
    for (const [kind, what] of LOOKUP_ROWS) {
      const goal = LOOKUP_GOALS[kind];
      report.add({
        table,
        what,
        ours: bill[kind],
        beside: goal ?? calls,
        besideWhat: goal === undefined ? "its Okta calls" : "the goal",
        unit: "",
        ...(goal !== undefined && { atMost: 1 }),
      });
    }
  }
  const table =
    "What a cached look-up is billed, by the login of an account that was asked for by id or login";
  for (const [kind, what] of LOOKUP_ROWS) {
    const beside = byLogin.bill[kind];
    report.add({ table, what, ours: cached.bill[kind], beside, besideWhat: "the first one", unit: "" });
  }
};

const reportWatching = (report: Report, { bills: { scrape, page } }: MeasuredCost): void => {
  const table = "What a scrape of all metrics is billed, beside the console's overview; counted";
  for (const [kind, what] of LOOKUP_ROWS) {
    const beside = page[kind];
    report.add({ table, what, ours: scrape[kind], beside, besideWhat: "the overview", unit: "" });
  }
};

export const measureCost = async (report: Report, users: number): Promise<void> => {
  const { cost, lookups } = await measure(users);
  for (const size of SIZES) reportSize(report, cost, size);
  reportCeilings(report, cost);
  reportLookups(report, lookups);
  reportWatching(report, cost);
};
