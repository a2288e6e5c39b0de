import { describe, expect, it } from "vitest";
import { hopeless, isSettled, judge, standing } from "../../dev/start/outcome.ts";
import { runOf, statusOf } from "./support.ts";

const devices = statusOf("devices");

describe("a complete inventory", () => {
  it("is idle, knows every fact and could read every record", () => {
    expect(judge([statusOf("users"), devices])).toEqual({ reasons: [], notes: [] });
  });

  it("needs no devices where the org cannot have any, and says so", () => {
    const absent = statusOf("devices", { state: "unavailable", detail: "The org is a Classic one." });
    expect(judge([statusOf("users"), absent])).toEqual({
      reasons: [],
      notes: ["devices: not available. The org is a Classic one."],
    });
  });

  it.each([
    [
      "facts that are unknown",
      { assets: { total: 1000, deleted: 0, quarantined: 0, unknown: { factors: 12, roles: 0 } } },
      "users: factors unknown for 12 of 1,000",
    ],
    [
      "records that could not be read",
      { assets: { total: 5, deleted: 0, quarantined: 1, unknown: {} } },
      "users: 1 record could not be read",
    ],
    ["a failed run", { state: "failed", detail: "Okta says no." }, "users: failed: Okta says no."],
    ["held deletions", { state: "held", detail: null }, "users: held"],
    ["users that are unavailable", { state: "unavailable", detail: null }, "users: unavailable"],
    ["a run under way", { state: "backing_off", detail: "503" }, "users: backing off: 503"],
    ["no full run", { last_full: null }, "users: no full run has finished yet"],
    ["a cancelled run", { last_full: runOf({ state: "cancelled" }) }, "users: no full run has finished yet"],
  ] as const)("is not one with %s", (_, changes, reason) => {
    expect(judge([statusOf("users", changes), devices]).reasons).toEqual([reason]);
  });

  it("has both streams", () => {
    expect(judge([devices]).reasons).toEqual(["users: the connector does not report this stream"]);
  });
});

describe("watching", () => {
  const failing = (code: string) => {
    const error = { code, message: "Okta refuses.", phase: "users", at: "2025-01-15T10:00:00.000Z" };
    return statusOf("users", { state: "backing_off", run: runOf({ state: "running", error }) });
  };

  it("ends when nothing is under way", () => {
    expect(isSettled(devices)).toBe(true);
    expect(isSettled(statusOf("users", { state: "held" }))).toBe(true);
    expect(isSettled(statusOf("users", { state: "running", run: runOf({ state: "running" }) }))).toBe(false);
  });

  it("has no hope where only a person can help", () => {
    expect(hopeless([failing("invalid_credential"), devices])).toBe("users: Okta refuses.");
    expect(hopeless([failing("unavailable"), devices])).toBeNull();
    expect(hopeless([devices])).toBeNull();
  });

  it("sees a run move by its calls, and not by calls that only fail again", () => {
    const at = (made: number) =>
      runOf({ state: "running", calls: { made, predicted: null, by_endpoint: {} } });
    const running = (made: number) => standing([statusOf("users", { state: "running", run: at(made) })]);
    expect(running(2)).not.toBe(running(1));
    const again = {
      ...failing("network"),
      run: { ...runOf({}), ...failing("network").run, calls: at(9).calls },
    };
    expect(standing([again])).toBe(standing([failing("network")]));
  });
});
