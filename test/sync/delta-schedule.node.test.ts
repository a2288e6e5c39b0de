import { describe, expect, test } from "vitest";
import type { RunCause, RunKind, RunState } from "../../src/contract/status.ts";
import { newRun, type Run } from "../../src/sync/run.ts";
import { afterRun, decideWake, type Schedule } from "../../src/sync/schedule.ts";

const HOUR = 3_600_000;
const NOW = Date.parse("2026-03-01T02:00:00Z");

const schedule = (over: Partial<Schedule> = {}): Schedule => ({
  lastFullAt: NOW - 10 * HOUR,
  lastSuccessAt: NOW - HOUR,
  fullDue: false,
  ...over,
});

const finished = (kind: RunKind, state: RunState, code?: string): Run => ({
  ...newRun({ id: "r", kind, cause: "cron", phases: ["users"], now: NOW - HOUR, factorsDueBefore: 0 }),
  state,
  finishedAt: NOW,
  error: code === undefined ? null : { code, message: "…", phase: "log", at: NOW },
});

const start = (kind: RunKind, cause: RunCause) => ({ kind, cause });

describe("what a cron starts", () => {
  test.each([
    ["the first cron ever", "delta", schedule({ lastFullAt: null }), null, start("full", "first")],
    ["the delta cron", "delta", schedule(), null, start("delta", "cron")],
    ["the full cron", "full", schedule(), null, start("full", "cron")],
    [
      "the delta cron after the full cron was missed",
      "delta",
      schedule({ lastFullAt: NOW - 26 * HOUR }),
      null,
      start("full", "cron"),
    ],
    [
      "the delta cron after 100 days without a run",
      "delta",
      schedule({ lastFullAt: NOW - 2400 * HOUR }),
      null,
      start("full", "cron"),
    ],
    ["the delta cron during a full run", "delta", schedule(), { kind: "full" } as const, null],
    ["the full cron during a full run", "full", schedule(), { kind: "full" } as const, null],
    ["the full cron during a delta run", "full", schedule(), { kind: "delta" } as const, null],
    [
      "the delta cron when a full run is due",
      "delta",
      schedule({ fullDue: true }),
      null,
      start("full", "cron"),
    ],
  ] as const)("%s", (_, kind, before, current, expected) => {
    expect(decideWake(kind, before, current, NOW).start).toEqual(expected);
  });

  test("the two crons of 02:00, in either order, lead to one full run", () => {
    const first = decideWake("delta", schedule(), null, NOW);
    expect(first.start?.kind).toBe("delta");
    const second = decideWake("full", first.schedule, { kind: "delta" }, NOW);
    expect(second.start).toBeNull();
    expect(afterRun(second.schedule, finished("delta", "done")).start).toEqual(start("full", "cron"));

    const other = decideWake("full", schedule(), null, NOW);
    expect(other.start?.kind).toBe("full");
    const late = decideWake("delta", other.schedule, { kind: "full" }, NOW);
    expect(late.start).toBeNull();
    expect(afterRun(late.schedule, finished("full", "done")).start).toBeNull();
  });
});

describe("what follows a run", () => {
  test("the beginning of a complete full run is remembered", () => {
    const { schedule: next } = afterRun(schedule({ lastFullAt: null }), finished("full", "done"));
    expect(next).toEqual({ lastFullAt: NOW - HOUR, lastSuccessAt: NOW, fullDue: false });
  });

  test("a full run with held deletions counts as complete", () => {
    expect(afterRun(schedule({ lastFullAt: null }), finished("full", "held")).schedule.lastFullAt).toBe(
      NOW - HOUR,
    );
  });

  test.each(["failed", "cancelled"] as const)("a full run that %s does not count", (state) => {
    const before = schedule({ lastFullAt: null });
    expect(afterRun(before, finished("full", state)).schedule.lastFullAt).toBeNull();
  });

  test("a full run follows a gap in the log at once", () => {
    expect(afterRun(schedule(), finished("delta", "failed", "log_gap")).start).toEqual({
      kind: "full",
      cause: "gap",
    });
  });

  test("nothing follows a cancelled delta run at once, and the next cron starts the full run that is due", () => {
    const { schedule: next, start: following } = afterRun(
      schedule({ fullDue: true }),
      finished("delta", "cancelled"),
    );
    expect(following).toBeNull();
    expect(decideWake("delta", next, null, NOW).start).toEqual(start("full", "cron"));
  });

  test("a full run that was cancelled is no longer due", () => {
    const { schedule: next } = afterRun(schedule({ fullDue: true }), finished("full", "cancelled"));
    expect(decideWake("delta", next, null, NOW).start).toEqual(start("delta", "cron"));
  });
});
