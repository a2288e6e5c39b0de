import { describe, expect, test } from "vitest";
import { spentQuota } from "../../src/lib/quota.ts";

const NOW = Date.parse("2026-11-26T18:30:00Z");
const MIDNIGHT = Date.parse("2026-11-27T00:00:00Z");

describe("a daily quota of the free plan", () => {
  test.each([
    ["Exceeded allowed rows written in Durable Objects free tier.", "Rows written in Durable Objects"],
    ["Exceeded allowed rows read in Durable Objects free tier.", "Rows read in Durable Objects"],
    ["Exceeded allowed duration in Durable Objects free tier.", "The duration of Durable Objects"],
    ["KV put() limit exceeded for the day.", "Writes to KV"],
    ["KV get() limit exceeded for the day.", "Reads of KV"],
    ["KV delete() limit exceeded for the day.", "Deletions in KV"],
    ["You have exceeded the daily quota of the free plan", "A daily quota"],
  ])("%s", (message, what) => {
    expect(spentQuota(new Error(message), NOW)).toEqual({ what, until: MIDNIGHT });
  });

  test("begins anew at the next midnight UTC, also at midnight", () => {
    expect(spentQuota(new Error("KV put() limit exceeded for the day."), MIDNIGHT)?.until).toBe(
      MIDNIGHT + 86_400_000,
    );
  });
});

test.each([
  "Durable Object storage operation exceeded timeout which caused object to be reset.",
  "Exceeded allowed volume of requests in Durable Objects.",
  "no such table: assets",
  "Network connection lost.",
])("another failure is not taken for one: %s", (message) => {
  expect(spentQuota(new Error(message), NOW)).toBeNull();
});
