import { describe, expect, it } from "vitest";
import { doubledMs, equalJitter, fullJitter } from "../../src/lib/backoff.ts";

const almostOne = () => 1 - Number.EPSILON;

describe("waits after failures", () => {
  it.each([
    [0, 1000],
    [1, 2000],
    [4, 16_000],
    [8, 256_000],
    [9, 300_000],
    [10_000, 300_000],
  ])("1 second doubled %i times, up to 5 minutes, is %i ms", (doublings, ms) => {
    expect(doubledMs(doublings, { baseMs: 1000, ceilingMs: 300_000 })).toBe(ms);
  });

  it("are spread over the whole wait by full jitter and over its upper half by equal jitter", () => {
    expect(fullJitter(2000, () => 0)).toBe(0);
    expect(fullJitter(2000, () => 0.5)).toBe(1000);
    expect(fullJitter(2000, almostOne)).toBeLessThanOrEqual(2000);
    expect(equalJitter(2000, () => 0)).toBe(1000);
    expect(equalJitter(2000, () => 0.5)).toBe(1500);
    expect(equalJitter(2000, almostOne)).toBeLessThanOrEqual(2000);
  });
});
