/** What a run waits for, as it is stored and as the status says it. */
import { describe, expect, test } from "vitest";
import type { OktaError } from "../../src/okta/errors.ts";
import { backOff, finish, newRun, type Run, recovered } from "../../src/sync/run.ts";
import { streamState } from "../../src/sync/status-document.ts";

const NOW = Date.parse("2026-03-01T02:00:00Z");
const UNTIL = "02:00:30 UTC";

const noPermit = (over: Partial<OktaError> = {}): OktaError => ({
  code: "rate_limited",
  message: '[GET] "/api/v1/users": no call is free now',
  endpoint: "GET /api/v1/users",
  status: null,
  oktaErrorCode: null,
  retryAt: NOW + 30_000,
  ...over,
});

const running = (): Run =>
  newRun({
    id: "r",
    kind: "full",
    cause: "cron",
    phases: ["users"],
    now: NOW,
    factorsDueBefore: 0,
    newestAsset: 0,
  });

const waiting = (over: Partial<OktaError> = {}): Run => {
  const run = running();
  backOff(run, noPermit(over), NOW, () => 0.5);
  return run;
};

const said = (run: Run, now = NOW) => streamState({ current: run, last: null, attention: [] }, now);

describe("the status of a run without a permit", () => {
  test.each([
    [
      "share",
      "for the next window of the rate limit, so that look-ups and other applications keep their share",
    ],
    [
      "unaccounted",
      "to find out whether Okta has counted calls that were interrupted or not answered, because they may have used up this window's part of the rate limit",
    ],
    ["backoff", "because Okta has answered that there were too many calls"],
    [
      "in_flight",
      "for calls that are under way, because they may use up this window's part of the rate limit",
    ],
    ["learning", "for the first answer that tells how large the rate limit is"],
    ["in_line", "for look-ups and delta runs, which go first"],
  ] as const)("%s", (reason, what) => {
    expect(said(waiting({ reason }))).toEqual({
      state: "running",
      detail: `Waiting until ${UNTIL} ${what}.`,
    });
  });

  test("claims nothing if the gate has given no reason, or a later version one that is not known", () => {
    const neutral = { state: "running", detail: `Waiting until ${UNTIL} for Okta's rate limit.` };
    expect(said(waiting())).toEqual(neutral);
    const later: Run = Object.assign(waiting(), { waitingFor: "toString" });
    expect(said(later)).toEqual(neutral);
  });

  test("says nothing of a wait that is over within a second", () => {
    const run = waiting({ reason: "share" });
    expect(said(run, NOW + 28_999).detail).not.toBeNull();
    expect(said(run, NOW + 29_000)).toEqual({ state: "running", detail: null });
  });

  test("a refusal by Okta is an error, whatever the run has waited for before", () => {
    const run = waiting({ reason: "share" });
    backOff(run, noPermit({ status: 429, message: "429 E0000047" }), NOW, () => 0.5);
    expect(run).not.toHaveProperty("waitingFor");
    expect(said(run)).toEqual({
      state: "backing_off",
      detail: `429 E0000047 (rate_limited). Continues at ${UNTIL}.`,
    });
  });
});

describe("the reason that is stored with a run", () => {
  test.each([
    ["goes when something succeeds", (run: Run) => recovered(run)],
    ["goes when the run ends", (run: Run) => finish(run, "done", NOW)],
    [
      "goes when something else fails",
      (run: Run) => backOff(run, noPermit({ code: "network" }), NOW, () => 0),
    ],
  ])("%s", (_, then) => {
    const run = waiting({ reason: "unaccounted" });
    expect(run.waitingFor).toBe("unaccounted");
    then(run);
    expect(run).not.toHaveProperty("waitingFor");
  });
});
