/**
 * One org of each size, read whole, then idle, then with 1 % changed: calls, time, memory, and what Cloudflare
 * would bill. Every inventory is compared with its org.
 */

import { differences, expectedUsers, type Json, newestById } from "../../../test/support/expected.ts";
import {
  cartographyCalls,
  devicesFormula,
  sekoiaCalls,
  sizesOf,
  usersFormula,
} from "../../../test/support/formula.ts";
import { churn } from "../../okta-org/changes/churn.ts";
import { type ServedOrg, serveOrg, sizeOf } from "../lib/org.ts";
import { runPeer } from "../lib/peer.ts";
import type { Report } from "../lib/report.ts";
import { BenchWorker, type Bill } from "../lib/worker.ts";

/** What one size took. */
export interface Measured {
  readonly users: number;
  readonly fullCalls: number;
  readonly idleCalls: number;
  readonly deltaCalls: number;
  readonly msPerUser: number;
  readonly peakMb: number;
  /** Rows of a first full run, a full run again, an idle delta, a delta after 1 % changed; both streams. */
  readonly bills: {
    readonly first: Bill;
    readonly again: Bill;
    readonly idle: Bill;
    readonly delta: Bill;
    /** A full run that finds every factor due to be read again, and unchanged. */
    readonly refresh: Bill;
  };
  /** A first full run, a full run again, an idle delta, a delta after 1 % changed; s, both streams. */
  readonly seconds: {
    readonly first: number;
    readonly again: number;
    readonly idle: number;
    readonly delta: number;
  };
}

interface Cycle {
  readonly calls: number;
  readonly seconds: number;
  readonly bill: Bill;
}

const cycle = async (org: ServedOrg, worker: BenchWorker, kind: "full" | "delta"): Promise<Cycle> => {
  org.takeAsked();
  await worker.bill();
  let seconds = 0;
  for (const stream of ["users", "devices"] as const) {
    const run = await worker.run(kind, stream);
    if (run.state !== "done") throw new Error(`the run ended as ${run.state}: ${JSON.stringify(run.error)}`);
    seconds += (Date.parse(run.finished_at ?? "") - Date.parse(run.started_at)) / 1000;
  }
  const parts = Object.values(await worker.bill());
  const sum = (key: keyof Bill): number => parts.reduce((total, part) => total + part[key], 0);
  return {
    calls: org.takeAsked().length,
    seconds,
    bill: { rowsRead: sum("rowsRead"), rowsWritten: sum("rowsWritten") },
  };
};

const checkInventory = async (org: ServedOrg, worker: BenchWorker): Promise<void> => {
  const events: Json[] = [];
  await worker.inventory("users", (text) => {
    for (const line of text.split("\n")) if (line !== "") events.push(JSON.parse(line));
  });
  const living = [...newestById(events)].filter(
    ([, event]) => !JSON.stringify(event).includes('"is_deleted":true'),
  );
  const found = differences(new Map(living), expectedUsers(org.org.dump()));
  if (found.length > 0) throw new Error(`the inventory differs from the org: ${JSON.stringify(found[0])}`);
};

export const measureRuns = async (report: Report, users: number, withPeer: boolean): Promise<Measured> => {
  const org = await serveOrg(sizeOf(users));
  const worker = await BenchWorker.start({ oktaUrl: org.url, vars: { METER: "on" } });
  try {
    const dump = org.org.dump();
    const first = await cycle(org, worker, "full");
    const peakMb = worker.peakMb();
    await checkInventory(org, worker);
    const again = await cycle(org, worker, "full");
    await worker.request("POST", "/bench/age");
    const refresh = await cycle(org, worker, "full");
    const idle = await cycle(org, worker, "delta");
    churn(org.org.state, Math.ceil(users / 100), { silent: false });
    const delta = await cycle(org, worker, "delta");
    await checkInventory(org, worker);

    const table = `Calls to Okta, ${users} users and devices, ${sizesOf(dump).groups} groups`;
    const calls = (what: string, ours: number, beside: number, besideWhat: string) => ({
      table,
      what,
      ours,
      beside,
      besideWhat,
      unit: "calls",
    });
    report.add(
      {
        ...calls(
          "first full run",
          first.calls,
          usersFormula(dump) + devicesFormula(dump),
          "the design's bound",
        ),
        atMost: 1,
      },
      {
        ...calls(
          "the same, beside Sekoia.io's way",
          first.calls,
          sekoiaCalls(dump),
          "users, groups, factors, roles one by one",
        ),
        computed: true,
      },
      {
        ...calls("the same, beside Cartography's way", first.calls, cartographyCalls(dump), "its module"),
        computed: true,
      },
      calls("full run again the next day", again.calls, first.calls, "the first one"),
      { ...calls("idle delta", idle.calls, 8, "the design's bound, 4 a stream"), atMost: 1 },
      calls("delta after 1 % changed", delta.calls, first.calls, "a full run"),
    );
    if (withPeer) {
      org.takeAsked();
      const peer = await runPeer(org.url);
      const made = org.takeAsked().length;
      if (peer.mistaken > 0) throw new Error("the peer failed without any limit");
      report.add(
        calls(
          "first full run of users and devices, beside a real program",
          first.calls,
          made,
          "Okta's client, users only",
        ),
      );
    }
    return {
      users,
      fullCalls: first.calls,
      idleCalls: idle.calls,
      deltaCalls: delta.calls,
      msPerUser: (first.seconds * 1000) / users,
      peakMb,
      bills: {
        first: first.bill,
        again: again.bill,
        idle: idle.bill,
        delta: delta.bill,
        refresh: refresh.bill,
      },
      seconds: { first: first.seconds, again: again.seconds, idle: idle.seconds, delta: delta.seconds },
    };
  } finally {
    await worker.close();
    org.close();
  }
};

/** Time per user and memory of each size beside the smallest. */
export const reportGrowth = (report: Report, sizes: readonly Measured[]): void => {
  const [smallest] = sizes;
  if (smallest === undefined) return;
  for (const size of sizes.slice(1)) {
    const table = "Growth, beside the smallest org (live simulated org, both streams)";
    const besideWhat = `${smallest.users} users`;
    report.add(
      {
        table,
        what: `time per user, ${size.users} users`,
        ours: size.msPerUser,
        beside: smallest.msPerUser,
        besideWhat,
        unit: "ms",
      },
      {
        table,
        what: `peak memory of the runtime, ${size.users} users`,
        ours: size.peakMb,
        beside: smallest.peakMb,
        besideWhat,
        unit: "MB",
      },
    );
  }
};
