/** What must be true after any number of weeks. When it is not, the row says what differs. */

import type { StreamStatus } from "../../../src/contract/status.ts";
import { type StreamName, streamNames } from "../../../src/contract/streams.ts";
import { differences, expectedDevices, expectedUsers, type Json } from "../../../test/support/expected.ts";
import { describe, livingOf } from "../lib/check.ts";
import type { Report } from "../lib/report.ts";
import { median } from "../lib/statistics.ts";
import type { Stored } from "../worker/instrumented.ts";
import type { Scene } from "./scene.ts";

const DAY_MS = 86_400_000;
/** Tombstones are kept for 30 days, and dropped by the next full run. */
const TOMBSTONE_MS = 32 * DAY_MS;
/** Membership events are kept for two days, and dropped by the next poll of the log. */
const MEMBERSHIP_EVENT_MS = 3 * DAY_MS;
/** How many runs are kept per stream. */
const RUNS = 100;
/** How many runtimes must have been measured before their memory says anything. */
const LEAST_LIVES = 4;
const MEMORY_GOAL = 1.15;
/** Tables whose rows depend only on the org, so that a new inventory of it has as many. */
const OF_THE_ORG = [
  "groups",
  "memberships",
  "admins",
  "stale",
  "sweeps",
  "absentees",
  "quarantine",
  "follow_ups",
  "dead_letters",
];

/** The peak memory of each runtime, in order. All of them ran for equally long. */
export const memoryOfLives = (report: Report, table: string, peaksMb: readonly number[]): void => {
  const middle = Math.ceil(peaksMb.length / 2);
  const row = {
    table,
    what: "peak memory of a runtime, median of the later half of lives",
    ours: median(peaksMb.slice(middle)),
    beside: median(peaksMb.slice(0, middle)),
    besideWhat: "the earlier half, equally long",
    unit: "MB",
    detail: `  ${peaksMb.map((mb) => mb.toFixed(0)).join(", ")} MB, life by life`,
  };
  if (peaksMb.length >= LEAST_LIVES) report.add({ ...row, atMost: MEMORY_GOAL });
  else if (peaksMb.length >= 2) report.add(row);
};

const compare = (report: Report, table: string, what: string, found: ReturnType<typeof differences>): void =>
  report.add({
    table,
    what,
    ours: found.length,
    beside: 0,
    besideWhat: "none",
    unit: "assets",
    atMost: 1,
    detail: describe(found),
  });

/** Compares the inventory and the receiver with the org. */
export const sameAsOrg = async (report: Report, table: string, scene: Scene): Promise<void> => {
  const dump = scene.org.org.dump();
  const expected: Record<StreamName, Map<string, Json>> = {
    users: expectedUsers(dump),
    devices: expectedDevices(dump),
  };
  const received = livingOf(scene.receiver.newest.values());
  for (const stream of streamNames) {
    const inventory = livingOf(await scene.events(stream));
    compare(
      report,
      table,
      `${stream} whose event differs from the org`,
      differences(inventory, expected[stream]),
    );
  }
  compare(
    report,
    table,
    "assets whose newest delivered event differs from the org",
    differences(received, new Map([...expected.users, ...expected.devices])),
  );
};

/** The rows of each object and table that a new inventory of the same org would not have. */
export const rowsBeyond = (
  aged: Readonly<Record<string, Stored>>,
  fresh: Readonly<Record<string, Stored>>,
): { readonly count: number; readonly detail: string } => {
  const beyond = Object.entries(aged).flatMap(([object, { rows }]) =>
    Object.entries(rows).flatMap(([name, count]) => {
      const expected =
        name === "runs" ? RUNS : OF_THE_ORG.includes(name) ? (fresh[object]?.rows[name] ?? 0) : null;
      return expected === null || count <= expected ? [] : [{ object, name, count, expected }];
    }),
  );
  return {
    count: beyond.reduce((sum, { count, expected }) => sum + count - expected, 0),
    detail: beyond
      .map(({ object, name, count, expected }) => `  ${object}: ${name} has ${count} rows, not ${expected}`)
      .join("\n"),
  };
};

/**
 * What may have accumulated: rows, tombstones, events, dead letters.
 * @param storedAnew makes a new inventory of the same org instead of the old one
 */
export const nothingPiledUp = async (
  report: Report,
  table: string,
  scene: Scene,
  statuses: readonly StreamStatus[],
  storedAnew: () => Promise<Readonly<Record<string, Stored>>>,
): Promise<void> => {
  const none = { table, beside: 0, besideWhat: "none", atMost: 1 };
  const stored = await scene.stored();
  const before = (column: string, from: string, age: number): string =>
    `SELECT count(*) AS n FROM ${from} WHERE ${column} < ${scene.now() - age}`;
  for (const stream of streamNames) {
    const tombstones = await scene.count(
      stream,
      "SELECT count(*) AS n FROM assets WHERE deleted_at IS NOT NULL",
    );
    const living = await scene.count(stream, "SELECT count(*) AS n FROM assets WHERE deleted_at IS NULL");
    const keys = stored[stream]?.rows["search_keys"] ?? 0;
    const old = await scene.count(stream, before("deleted_at", "assets", TOMBSTONE_MS));
    const oldEvents = await scene.count(
      stream,
      before("published", "membership_events", MEMBERSHIP_EVENT_MS),
    );
    report.add(
      {
        ...none,
        what: `${stream}: tombstones older than 32 days`,
        ours: old,
        unit: "rows",
        besideWhat: `none; ${tombstones} younger`,
      },
      { ...none, what: `${stream}: membership events older than 3 days`, ours: oldEvents, unit: "rows" },
      {
        table,
        what: `${stream}: rows of the search index`,
        ours: keys,
        beside: living + tombstones,
        besideWhat: "assets and tombstones",
        unit: "rows",
        atMost: 1,
      },
    );
  }
  report.add({
    ...none,
    what: "dead letters",
    ours: statuses.flatMap(({ sinks }) => sinks).reduce((sum, { dead_letters }) => sum + dead_letters, 0),
    unit: "letters",
  });
  const fresh = await storedAnew();
  const { count, detail } = rowsBeyond(stored, fresh);
  report.add({
    ...none,
    what: "rows beyond those of a new inventory",
    ours: count,
    besideWhat: "none; runs up to a hundred, tombstones apart",
    unit: "rows",
    detail,
  });
  const bytes = (of: Readonly<Record<string, Stored>>): number =>
    Object.values(of).reduce((sum, object) => sum + object.bytes, 0) / 1e6;
  report.add({
    table,
    what: "stored by all objects",
    ours: bytes(stored),
    beside: bytes(fresh),
    besideWhat: "a new inventory, without tombstones and history",
    unit: "MB",
  });
};
