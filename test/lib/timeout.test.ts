import { afterEach, beforeEach, describe, expect, test, vi } from "vitest";
import { TimeLimits, timeLimit } from "../../src/lib/timeout.ts";

beforeEach(() => void vi.useFakeTimers());
afterEach(() => void vi.useRealTimers());

describe("time limits that share a timer", () => {
  test("each one is reached at its own time and aborts with a TimeoutError", () => {
    const limits = new TimeLimits(1000);
    const first = limits.start();
    vi.advanceTimersByTime(600);
    const second = limits.start();
    vi.advanceTimersByTime(399);
    expect(first.signal.aborted).toBe(false);
    vi.advanceTimersByTime(1);
    expect(first.signal.reason).toMatchObject({ name: "TimeoutError", message: "no answer within 1000 ms" });
    expect(second.signal.aborted).toBe(false);
    vi.advanceTimersByTime(599);
    expect(second.signal.aborted).toBe(false);
    vi.advanceTimersByTime(1);
    expect(second.signal.aborted).toBe(true);
    expect(vi.getTimerCount()).toBe(0);
  });

  test("work that ends in time is never aborted, even if other work is", () => {
    const limits = new TimeLimits(1000);
    const done = limits.start();
    const late = limits.start();
    done.clear();
    vi.advanceTimersByTime(5000);
    expect(done.signal.aborted).toBe(false);
    expect(late.signal.aborted).toBe(true);
  });

  test("many share one timer, and no timer remains once all work is done", () => {
    const limits = new TimeLimits(1000);
    const open = Array.from({ length: 50 }, () => limits.start());
    expect(vi.getTimerCount()).toBe(1);
    for (const limit of open) limit.clear();
    expect(vi.getTimerCount()).toBe(0);
    const again = limits.start();
    vi.advanceTimersByTime(1000);
    expect(again.signal.aborted).toBe(true);
    again.clear();
    expect(vi.getTimerCount()).toBe(0);
  });
});

test("a time limit with a timer of its own", () => {
  const limit = timeLimit(30);
  vi.advanceTimersByTime(30);
  expect(limit.signal.aborted).toBe(true);
  const done = timeLimit(30);
  done.clear();
  expect(vi.getTimerCount()).toBe(0);
});
