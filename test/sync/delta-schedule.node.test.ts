import fc from "fast-check";
import { describe, expect, test } from "vitest";
import type { RunCause, RunKind, RunState } from "../../src/contract/status.ts";
import { nextAlarm, nextTurn } from "../../src/sync/lanes.ts";
import { newRun, phasesToPollAgain, type Run } from "../../src/sync/run.ts";
import { afterRun, decideWake, nextDeltaAt, type Schedule } from "../../src/sync/schedule.ts";

const HOUR = 3_600_000;
const NOW = Date.parse("2026-03-01T02:00:00Z");

const schedule = (over: Partial<Schedule> = {}): Schedule => ({
  lastFullAt: NOW - 10 * HOUR,
  lastSuccessAt: NOW - HOUR,
  ...over,
});

const finished = (
  kind: RunKind,
  state: RunState,
  {
    code,
    cause = "cron",
    polledAt = null,
    readsAllFactors = cause === "gap",
  }: { code?: string; cause?: RunCause; polledAt?: number | null; readsAllFactors?: boolean } = {},
): Run => ({
  ...newRun({
    id: "r",
    kind,
    cause,
    phases: ["users"],
    now: NOW - HOUR,
    factorsDueBefore: readsAllFactors ? NOW - HOUR : 0,
    newestAsset: 0,
  }),
  state,
  finishedAt: NOW,
  polledAt,
  error: code === undefined ? null : { code, message: "…", phase: "log", at: NOW },
});

const start = (kind: RunKind, cause: RunCause) => ({ kind, cause });
const none = { full: false, delta: false };

describe("what a cron starts", () => {
  test.each([
    ["the first cron ever", "delta", { lastFullAt: null }, none, [start("full", "first")]],
    ["the first cron ever, a full one", "full", { lastFullAt: null }, none, [start("full", "first")]],
    ["the delta cron", "delta", {}, none, [start("delta", "cron")]],
    ["the full cron", "full", {}, none, [start("full", "cron")]],
    [
      "the delta cron after the full cron was missed",
      "delta",
      { lastFullAt: NOW - 26 * HOUR },
      none,
      [start("full", "cron"), start("delta", "cron")],
    ],
    [
      "the delta cron after 100 days without a run",
      "delta",
      { lastFullAt: NOW - 2400 * HOUR },
      none,
      [start("full", "cron"), start("delta", "cron")],
    ],
    ["the delta cron during a full run", "delta", {}, { full: true, delta: false }, [start("delta", "cron")]],
    [
      "the delta cron during the first full run",
      "delta",
      { lastFullAt: null },
      { full: true, delta: false },
      [start("delta", "cron")],
    ],
    ["the full cron during a full run", "full", {}, { full: true, delta: false }, []],
    ["the full cron during a delta run", "full", {}, { full: false, delta: true }, [start("full", "cron")]],
    ["the delta cron during both", "delta", {}, { full: true, delta: true }, []],
    [
      "the delta cron after a gap during a full run that failed",
      "delta",
      { gapDue: true },
      none,
      [start("full", "gap"), start("delta", "cron")],
    ],
  ] as const)("%s", (_, kind, over, inProgress, expected) => {
    expect(decideWake(kind, schedule(over), inProgress, NOW).starts).toEqual(expected);
  });

  test("a cron that asks for a delta run during one makes that run poll once more", () => {
    const both = { full: false, delta: true };
    expect(decideWake("delta", schedule(), both, NOW)).toEqual({ starts: [], pollAgain: true });
    expect(decideWake("full", schedule(), both, NOW).pollAgain).toBe(false);
    expect(decideWake("delta", schedule(), none, NOW).pollAgain).toBe(false);
  });

  test("the two crons of 02:00, in either order, lead to one full run and one delta run", () => {
    for (const kinds of [["delta", "full"] as const, ["full", "delta"] as const]) {
      const started: RunKind[] = [];
      for (const kind of kinds) {
        const inProgress = { full: started.includes("full"), delta: started.includes("delta") };
        started.push(...decideWake(kind, schedule(), inProgress, NOW).starts.map((one) => one.kind));
      }
      expect(started.sort()).toEqual(["delta", "full"]);
    }
  });
});

describe("what follows a run", () => {
  test("the beginning of a complete full run is remembered", () => {
    const { schedule: next } = afterRun(schedule({ lastFullAt: null }), finished("full", "done"), null);
    expect(next).toMatchObject({ lastFullAt: NOW - HOUR, lastSuccessAt: NOW, gapDue: false });
  });

  test("a full run with held deletions counts as complete", () => {
    const { schedule: next } = afterRun(schedule({ lastFullAt: null }), finished("full", "held"), null);
    expect(next.lastFullAt).toBe(NOW - HOUR);
  });

  test.each(["failed", "cancelled"] as const)("a full run that %s does not count", (state) => {
    const { schedule: next, start } = afterRun(schedule({ lastFullAt: null }), finished("full", state), null);
    expect(next.lastFullAt).toBeNull();
    expect(start).toBeNull();
  });

  test("a full run follows a gap in the log at once", () => {
    const gap = finished("delta", "failed", { code: "log_gap" });
    expect(afterRun(schedule(), gap, null).start).toEqual(start("full", "gap"));
  });

  test("after a gap that a delta run found beside a full run, another full run follows that one", () => {
    const gap = finished("delta", "failed", { code: "log_gap" });
    const { schedule: next, start: now } = afterRun(schedule(), gap, finished("full", "running"));
    expect(now).toBeNull();
    for (const state of ["done", "held"] as const) {
      const after = afterRun(next, finished("full", state), null);
      expect(after).toMatchObject({ start: start("full", "gap"), schedule: { gapDue: false } });
    }
    for (const state of ["failed", "cancelled"] as const) {
      const after = afterRun(next, finished("full", state), null);
      expect(after).toMatchObject({ start: null, schedule: { gapDue: true } });
      expect(decideWake("delta", after.schedule, none, NOW).starts).toContainEqual(start("full", "gap"));
    }
  });

  test("a full run after a gap that did not complete is due again", () => {
    for (const state of ["failed", "cancelled"] as const) {
      const after = afterRun(schedule(), finished("full", state, { cause: "gap" }), null);
      expect(after).toMatchObject({ start: null, schedule: { gapDue: true } });
    }
    expect(afterRun(schedule(), finished("full", "done", { cause: "gap" }), null)).toMatchObject({
      start: null,
      schedule: { gapDue: false },
    });
  });

  test("a full run that makes up for a gap is due again if it does not complete, whoever asked for it", () => {
    const makesUp = { cause: "request", readsAllFactors: true } as const;
    for (const state of ["failed", "cancelled"] as const)
      expect(afterRun(schedule(), finished("full", state, makesUp), null).schedule.gapDue).toBe(true);
    expect(afterRun(schedule(), finished("full", "done", makesUp), null).schedule.gapDue).toBe(false);
  });

  test.each([
    ["a gap is to be made up for", schedule({ currentAsOf: 7, gapDue: true }), null],
    [
      "a full run is making up for one",
      schedule({ currentAsOf: 7 }),
      finished("full", "running", { cause: "gap" }),
    ],
  ])("while %s, the inventory does not become any more current", (_, before, full) => {
    const delta = finished("delta", "done", { polledAt: NOW - 5 });
    expect(afterRun(before, delta, full).schedule.currentAsOf).toBe(7);
  });

  test.each([
    ["a delta run: when it last polled the log", finished("delta", "done", { polledAt: NOW - 5 }), NOW - 5],
    ["a full run that polled the log: then", finished("full", "done", { polledAt: NOW - 9 }), NOW - 9],
    ["a full run that may not read the log: when it began", finished("full", "done"), NOW - HOUR],
    ["a delta run that may not read the log: no newer", finished("delta", "done"), NOW - 2 * HOUR],
    ["a delta run that failed: no newer", finished("delta", "failed", { polledAt: NOW - 5 }), NOW - 2 * HOUR],
    ["a poll that is older: no older", finished("delta", "done", { polledAt: 5 }), NOW - 2 * HOUR],
  ])("the inventory is current as of, after %s", (_, run, expected) => {
    const { schedule: next } = afterRun(schedule({ currentAsOf: NOW - 2 * HOUR }), run, null);
    expect(next.currentAsOf).toBe(expected);
  });

  test("before the first complete full run, the inventory is current as of no time", () => {
    const run = finished("delta", "done", { polledAt: NOW - 5 });
    expect(
      afterRun(schedule({ lastFullAt: null }), run, finished("full", "running")).schedule.currentAsOf ?? null,
    ).toBeNull();
  });
});

test("the next delta run is due at the next quarter of an hour", () => {
  expect(nextDeltaAt(NOW)).toBe(NOW + HOUR / 4);
  expect(nextDeltaAt(NOW - 1)).toBe(NOW);
  expect(nextDeltaAt(NOW + 1)).toBe(NOW + HOUR / 4);
});

describe("turns", () => {
  const at = (kind: RunKind, resumeAt: number | null) => ({ kind, resumeAt });

  test.each([
    ["nothing in progress", [], null],
    ["a full run alone", [at("full", null)], "full"],
    ["both: changes are followed first", [at("full", null), at("delta", null)], "delta"],
    ["a delta run that waits leaves its turn", [at("full", null), at("delta", NOW + 1)], "full"],
    ["a full run that waits leaves its turn", [at("full", NOW + 1), at("delta", NOW)], "delta"],
    ["both wait", [at("full", NOW + 1), at("delta", NOW + 2)], null],
  ] as const)("%s", (_, inProgress, expected) => {
    expect(nextTurn(inProgress, NOW)).toBe(expected);
  });

  test("the alarm is the earliest of what the runs wait for, and never in the past", () => {
    const time = fc.option(fc.integer({ min: NOW - HOUR, max: NOW + HOUR }));
    fc.assert(
      fc.property(fc.array(time, { maxLength: 2 }), (times) => {
        const alarm = nextAlarm(
          times.map((resumeAt) => ({ resumeAt })),
          NOW,
        );
        const waits = times.map((resumeAt) => (resumeAt === null || resumeAt < NOW ? NOW : resumeAt));
        expect(alarm).toBe(waits.length === 0 ? null : waits.sort((a, b) => a - b)[0]);
      }),
    );
  });
});

test("a delta run that polls once more repeats the log and does what it left out", () => {
  const all = ["log", "searches", "refetch", "rolling", "deletions"];
  expect(phasesToPollAgain(all, all)).toEqual(["log", "refetch", "deletions"]);
  expect(phasesToPollAgain(all, ["deletions"])).toEqual(all);
});
