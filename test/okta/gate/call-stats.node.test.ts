import { expect, test } from "vitest";
import { addCalls, countCall, emptyCallStats, LATENCY_BOUNDS_MS } from "../../../src/okta/gate/call-stats.ts";

const ENDPOINT = "GET /api/v1/users";
const after = (...latencies: number[]) =>
  latencies
    .map((latencyMs) => ({ endpoint: ENDPOINT, outcome: "ok", latencyMs }))
    .reduce<ReturnType<typeof countCall> | undefined>(countCall, undefined);

test("a call falls into the first bucket whose bound it does not exceed", () => {
  const count = after(50, 51, 30_000, 30_001);
  expect(LATENCY_BOUNDS_MS[0]).toBe(50);
  expect(count?.latencies).toEqual([1, 1, 0, 0, 0, 0, 0, 0, 1, 1]);
  expect(count).toMatchObject({ count: 4, totalMs: 50 + 51 + 30_000 + 30_001 });
});

test("reports add up, by outcome and, for the latency, by endpoint", () => {
  const stats = emptyCallStats();
  const ok = after(10, 20);
  const failed = countCall(undefined, { endpoint: ENDPOINT, outcome: "timeout", latencyMs: 40_000 });
  for (const report of [ok, failed, ok]) if (report) addCalls(stats, report);
  expect(stats.calls).toEqual({ [ENDPOINT]: { ok: 4, timeout: 1 } });
  expect(stats.latency[ENDPOINT]).toEqual({
    count: 5,
    totalMs: 40_060,
    buckets: [4, 0, 0, 0, 0, 0, 0, 0, 0, 1],
  });
});
