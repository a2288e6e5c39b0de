import { describe, expect, it } from "vitest";
import { duration } from "../../dev/start/numbers.ts";
import { plainLine, progressLine } from "../../dev/start/progress.ts";
import { runOf, statusOf } from "./support.ts";

const running = statusOf("users", {
  state: "running",
  run: runOf({
    state: "running",
    progress: 0.5,
    phase: "group_roles",
    eta_seconds: 95,
    calls: { made: 1513, predicted: 3026, by_endpoint: {} },
  }),
});

it.each([
  [0, "0 s"],
  [59.4, "59 s"],
  [95, "1 min 35 s"],
  [3600, "1 h 0 min"],
  [-3, "0 s"],
])("%d seconds are %s", (seconds, text) => {
  expect(duration(seconds)).toBe(text);
});

describe("a line of progress", () => {
  it("tells phase, calls, assets and time left", () => {
    const facts = "group roles · 1,513 of about 3,026 calls · 1,000 users · about 1 min 35 s left";
    expect(plainLine(running)).toBe(`users: ${facts}`);
    expect(progressLine(running, 200)).toBe(`users   ${"█".repeat(12)}${"░".repeat(12)}  50 %  ${facts}`);
  });

  it("is full once nothing is under way", () => {
    expect(progressLine(statusOf("devices"), 80)).toBe(`devices ${"█".repeat(24)} 100 %  1,000 devices`);
  });

  it.each([10, 40, 80])("fits into %d columns", (columns) => {
    expect(progressLine(running, columns)).toHaveLength(columns);
  });

  it("tells why it waits", () => {
    const detail = "Okta answers 503 (unavailable).";
    expect(plainLine({ ...running, state: "backing_off", detail })).toContain(detail);
  });
});
